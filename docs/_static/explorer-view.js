// What the explorer shows: the grids of input, weights, output, terms and usage.
"use strict";

(() => {
  const { words, labels, format } = explorer;
  const TYPED = 4; // decimals that a reader may type
  const find = (id) => document.getElementById(`explorer-${id}`);

  function element(name, properties = {}, ...children) {
    const made = Object.assign(document.createElement(name), properties);
    made.append(...children);
    return made;
  }

  // A table of cells with numbered rows and columns. `fill(cell, row, column)` dresses each cell.
  // With `pick(row, column)` the cells can be picked by mouse and keys, one being in the tab order.
  class Grid {
    // With `type(row, column, letter)` a number can be typed; with `turn(step)` another channel shown.
    constructor(table, rows, columns, fill,
                { number = () => true, pick, type, turn, caption } = {}) {
      this.table = table;
      this.rows = rows;
      this.columns = columns;
      this.pick = pick;
      this.type = type;
      this.turn = turn;
      this.cells = new Map();
      const head = element("tr", {}, element("td", { className: "is-corner" }));
      for (let c = columns[0]; c < columns[1]; c++)
        head.append(this.header(c, number(c, "columns"), "col"));
      const body = element("tbody");
      for (let r = rows[0]; r < rows[1]; r++) {
        const line = element("tr", {}, this.header(r, number(r, "rows"), "row"));
        for (let c = columns[0]; c < columns[1]; c++) {
          const cell = element("td", { className: "is-cell" });
          cell.dataset.row = r;
          cell.dataset.column = c;
          fill(cell, r, c);
          if (pick && !cell.dataset.off) cell.tabIndex = -1;
          this.cells.set(`${r},${c}`, cell);
          line.append(cell);
        }
        body.append(line);
      }
      const parts = [element("thead", {}, head), body];
      if (caption) parts.unshift(element("caption", { textContent: caption }));
      table.replaceChildren(...parts);
      const most = Math.max(rows[1] - rows[0], columns[1] - columns[0]);
      table.classList.toggle("is-small", most > 12);
      table.onclick = table.onfocus = table.onkeydown = null;
      if (!pick) return;
      table.onclick = (event) => {
        const cell = event.target.closest("td.is-cell");
        if (cell && !cell.dataset.off) this.choose(...this.where(cell));
      };
      table.onkeydown = (event) => this.key(event);
      this.current = [...this.cells.values()].find((cell) => !cell.dataset.off);
      this.current.tabIndex = 0;
    }

    header(index, numbered, scope) {
      return numbered ? element("th", { scope, textContent: format.text(index) })
        : element("td", { className: "is-corner" });
    }

    cell(row, column) {
      return this.cells.get(`${row},${column}`);
    }

    where(cell) {
      return [Number(cell.dataset.row), Number(cell.dataset.column)];
    }

    // Which cell the tab key reaches.
    select(row, column) {
      this.current.tabIndex = -1;
      this.current = this.cell(row, column);
      this.current.tabIndex = 0;
      explorer.reveal(this.current);
    }

    choose(row, column) {
      this.select(row, column);
      this.current.focus({ preventScroll: true });
      this.pick(row, column);
    }

    key(event) {
      const steps = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };
      const all = [...this.cells.values()].filter((cell) => !cell.dataset.off);
      const [row, column] = this.where(this.current);
      let next;
      if (event.altKey || event.ctrlKey || event.metaKey) return;
      if (event.key in steps) {
        const [down, right] = steps[event.key];
        next = this.cell(row + down, column + right);
      } else if (event.key === "Home") next = all[0];
      else if (event.key === "End") next = all.at(-1);
      else if (event.key === "Enter") next = this.current;
      else if (/^Page(Up|Down)$/.test(event.key) && this.turn) {
        event.preventDefault();
        this.turn(event.key === "PageUp" ? -1 : 1);
        return;
      }
      else if (/^[-\u22120-9.]$/.test(event.key) && this.type) {
        event.preventDefault();
        this.type(...this.where(this.current), event.key);
        return;
      }
      else return;
      event.preventDefault();
      if (next && !next.dataset.off) this.choose(...this.where(next));
    }
  }

  // Scrolls the grid, never the page.
  explorer.reveal = (cell) => {
    const frame = cell.closest(".explorer-scroll");
    const box = cell.getBoundingClientRect(), view = frame.getBoundingClientRect();
    if (box.left < view.left) frame.scrollLeft -= view.left - box.left + 8;
    if (box.right > view.right) frame.scrollLeft += box.right - view.right + 8;
    if (box.top < view.top) frame.scrollTop -= view.top - box.top + 8;
    if (box.bottom > view.bottom) frame.scrollTop += box.bottom - view.bottom + 8;
  };

  // A value, and in gradient mode the value that the gradient belongs to.
  function number(cell, value, below, digits = 2) {
    cell.replaceChildren(element("span", { className: "is-value",
                                           textContent: format.rounded(value, digits) }));
    if (below !== undefined)
      cell.append(element("small", { textContent: format.rounded(below, 2) }));
    cell.dataset.value = value;
  }

  // Colours go round the circle in steps that set neighbours apart.
  function tint(cell, kernel) {
    cell.classList.add("is-tinted");
    cell.style.setProperty("--hue", (200 + kernel * 137.5) % 360);
  }

  explorer.View = class {
    constructor(moves) {
      // to(channel, row, column), pick(what, ...where), type(letter, what, ...where),
      // turn(what, channel)
      this.moves = moves;
      this.channels = Object.fromEntries(["input", "output"].map((what) =>
        [what, new explorer.Channels(what, (channel) => moves.turn(what, channel))]));
    }

    // Everything that depends on the settings and the values alone.
    draw(result, shades) {
      this.result = result;
      this.shades = shades;
      this.isBack = result.settings.gradient === 1;
      this.many = format.hasChannels(result);
      this.lit = [];
      this.into = this.out = this.slices = undefined; // the channels and the weights that are shown
      this.drawUsage();
      find("weights-part").hidden = !result.weights.length;
      find("formula").replaceChildren(
        ...format.formula(result).map((line) => element("p", {}, ...line)));
    }

    title(part, text) {
      find(`${part}-title`).textContent = this.isBack ? words.gradientTitle(text) : text;
    }

    // How bright a cell is, from 0 to 1, where cells are shaded.
    shade(cell, value, values) {
      if (!this.shades) return;
      const least = Math.min(...values), most = Math.max(...values);
      cell.classList.add("is-shaded");
      cell.style.setProperty("--share", most > least ? (value - least) / (most - least) : 0);
    }

    // Draws a grid anew. The focus stays where it is in it.
    redraw(what, draw) {
      const old = this[what], held = old && old.table.contains(document.activeElement);
      draw();
      const cell = held && this[what].cell(...old.where(old.current));
      if (!cell) return;
      this[what].select(...this[what].where(cell));
      cell.focus({ preventScroll: true });
    }

    // What picks and turns in a grid of `count` channels, of which `channel` is shown.
    turning(what, channel, count) {
      const turn = (step) => {
        if (channel + step >= 0 && channel + step < count) this.moves.turn(what, channel + step);
      };
      return count > 1 ? { turn } : {};
    }

    drawInput() {
      const { result, into } = this, { settings: set, facts } = result;
      const inside = (i, axis) => i >= 0 && i < set[`input_${axis}`];
      const fill = (cell, r, c) => {
        if (inside(r, "rows") && inside(c, "columns")) {
          const value =
            result.input[(into * set.input_rows + r) * set.input_columns + c];
          number(cell, value, undefined, TYPED);
          this.shade(cell, value, result.input);
          return;
        }
        const padding = r < set.input_rows + facts.padded_after_rows &&
          c < set.input_columns + facts.padded_after_columns;
        cell.dataset.off = true;
        cell.classList.add(padding ? "is-padding" : "is-beyond");
        const zero = padding && !this.isBack && !explorer.isPool(result.operator);
        cell.textContent = zero ? "0" : "";
      };
      this.input = new Grid(
        find("input"), [facts.start_rows, facts.end_rows],
        [facts.start_columns, facts.end_columns], fill,
        { number: inside, pick: (r, c) => this.moves.pick("cell", into, r, c),
          type: (r, c, letter) => this.moves.type(letter, "cell", into, r, c),
          ...this.turning("input", into, facts.channels_in) });
      this.title("input", this.sized("input", facts.channels_in, set.input_rows,
                                     set.input_columns));
    }

    sized(what, channels, ...sizes) {
      return words.sizedTitle(labels[what], this.many ? [channels, ...sizes] : sizes);
    }

    drawOutput() {
      const { result, out } = this, { facts } = result;
      const fill = (cell, r, c) => {
        const at = { channel: out, row: r, column: c };
        const i = format.indexOf(result, at), kernel = format.kernelAt(result, at);
        if (result.operator === "tiled" || result.operator === "local") tint(cell, kernel);
        cell.append(element("span", { className: "is-value" }));
        if (this.isBack) number(cell, result.gradient[i], result.output[i]);
        else if (result.operator === "tiled")
          cell.append(element("small", { textContent: format.kernelName(kernel) }));
        this.shade(cell, result.output[i], result.output);
      };
      this.output = new Grid(find("output"), [0, facts.outputs_rows], [0, facts.outputs_columns],
                             fill, { pick: (r, c) => this.moves.to(out, r, c),
                                     type: this.isBack && ((r, c, letter) =>
                                       this.moves.type(letter, "output", out, r, c)),
                                     ...this.turning("output", out, facts.channels_out) });
      this.title("output", this.sized("output", facts.channels_out, facts.outputs_rows,
                                      facts.outputs_columns));
    }

    // The slices of the weights to show: of a tiled layer all kernels, on the input channel that is
    // shown; else the current output's, on each channel that it sees.
    slicesAt(at, look) {
      const { result } = this, { facts, operator } = result;
      if (!result.weights.length) return [];
      const kernels = operator === "tiled" ? facts.kernels_rows * facts.kernels_columns : 0;
      if (kernels)
        return Array.from({ length: kernels }, (_, k) => result.sliceOf(at.channel, k, this.into));
      const seen = [...new Set(look.terms.map((term) => term.channel))];
      return seen.map((into) =>
        result.sliceOf(at.channel, format.kernelAt(result, at), into));
    }

    drawKernels(at, slices) {
      const { result } = this, { facts, operator } = result;
      const count = facts.kernels_rows * facts.kernels_columns;
      const title = operator === "weighted" ? labels.weights
        : operator !== "tiled" || count === 1 ? labels.kernel
          : words.kernelRange(format.kernelName(0), format.kernelName(count - 1));
      const between = this.many && operator !== "weighted";
      this.title("weights", between
        ? words.kernelOf(title, at.channel, operator === "tiled" ? this.into : undefined) : title);
      this.kernels = new Map();
      find("weights").replaceChildren();
      for (const slice of slices) this.drawKernel(slice, slices.length > 1);
    }

    drawKernel(slice, several) {
      const { result } = this, { kernel_rows: rows, kernel_columns: columns } = result.settings;
      const { kernel, into } = result.between(slice);
      const used = result.kernelOf.includes(kernel), tiled = result.operator === "tiled";
      const fill = (cell, r, c) => {
        number(cell, result.weights[(slice * rows + r) * columns + c], undefined, TYPED);
        if (!used) cell.dataset.off = true;
        else if (tiled || result.operator === "local") tint(cell, kernel);
      };
      const caption = tiled ? words.kernelTitle(format.kernelName(kernel), used)
        : several ? words.sliceTitle(into) : undefined;
      const table = element("table", { role: "grid" });
      table.setAttribute("aria-label", caption || labels.kernel);
      find("weights").append(table);
      this.kernels.set(slice, new Grid(
        table, [0, rows], [0, columns], fill,
        { pick: used ? (r, c) => this.moves.pick("weight", slice, r, c) : undefined,
          type: (r, c, letter) => this.moves.type(letter, "weight", slice, r, c), caption }));
    }

    // The cell that what was picked has now, if it is shown.
    cellOf(what, where) {
      const grid = what === "weight" ? this.kernels.get(where[0])
        : what === "cell" ? where[0] === this.into && this.input
          : where[0] === this.out && this.output;
      return grid && { grid, cell: grid.cell(...where.slice(-2)) };
    }

    drawUsage() {
      const { result } = this, { input_rows: rows, input_columns: columns } = result.settings;
      const most = Math.max(...result.usage);
      new Grid(find("usage"), [0, rows], [0, columns], (cell, r, c) => {
        const count = result.usage[r * columns + c];
        number(cell, count);
        cell.classList.add("is-shaded");
        cell.style.setProperty("--share", most ? count / most : 0);
      });
      find("usage-note").textContent = words.usage(result);
    }

    // What changes with the window's place and the input channel that is shown, `into`. `back`: the
    // gradients up to it, in gradient mode.
    show(at, into, look, back) {
      const { result } = this;
      if (into !== this.into) {
        this.into = into;
        this.redraw("input", () => this.drawInput());
      }
      if (at.channel !== this.out) {
        this.out = at.channel;
        this.redraw("output", () => this.drawOutput());
      }
      const slices = this.slicesAt(at, look);
      if (slices.join() !== this.slices) this.drawKernels(at, slices);
      this.slices = slices.join();
      for (const cell of this.lit) cell.classList.remove("is-tap", "is-winner", "is-current");
      this.lit = [];
      const light = (cell, ...names) => {
        cell.classList.add(...names);
        this.lit.push(cell);
      };
      const seen = look.terms.filter((term) => term.channel === into)
        .map((term) => [this.input.cell(term.row, term.column), term]).filter(([cell]) => cell);
      for (const [cell, term] of seen) light(cell, "is-tap", ...(term.winner ? ["is-winner"] : []));
      const last = format.indexOf(result, at);
      if (back) this.showBack(back, last);
      else this.fillUp(last);
      light(this.output.cell(at.row, at.column), "is-current");
      this.output.select(at.row, at.column);
      if (seen.length) for (const [cell] of [seen.at(-1), seen[0]]) explorer.reveal(cell);
      const current = result.weights.length &&
        result.sliceOf(at.channel, format.kernelAt(result, at), into);
      for (const [slice, grid] of this.kernels) {
        const isCurrent = slice === current && this.kernels.size > 1;
        grid.table.classList.toggle("is-current-kernel", isCurrent);
        if (isCurrent && this.many)
          for (const cell of [[...grid.cells.values()].at(-1), grid.cell(0, 0)])
            explorer.reveal(cell);
      }
      this.showChannels(at, look, back, last);
      if (result.weights.length) find("weights-note").textContent = words.kernels(result, at);
      this.showTerms(look);
      this.mark(null);
    }

    // The channels as small pictures: of the output, what there is so far.
    showChannels(at, look, back, last) {
      const { result } = this, { facts, settings: set } = result;
      const seen = new Set(look.terms.map((term) => term.channel));
      const outputs = back ? result.gradient : result.output;
      this.channels.input.show({ count: facts.channels_in, rows: set.input_rows,
                                 columns: set.input_columns, current: this.into, seen,
                                 values: back ? back.input : result.input });
      this.channels.output.show({ count: facts.channels_out, rows: facts.outputs_rows,
                                  columns: facts.outputs_columns, current: at.channel,
                                  seen: new Set([at.channel]), values: outputs, last });
    }

    // The outputs of the channel that is shown: their cells, numbers and values.
    *shownOutputs() {
      for (const cell of this.output.cells.values()) {
        const [row, column] = this.output.where(cell);
        const i = format.indexOf(this.result, { channel: this.out, row, column });
        yield [cell, i, this.result.output[i]];
      }
    }

    // The outputs so far.
    fillUp(last) {
      for (const [cell, i, value] of this.shownOutputs()) {
        const shown = i <= last ? format.rounded(value, 2) : "\u00b7";
        const span = cell.firstChild;
        if (span.textContent !== shown) span.textContent = shown;
        cell.classList.toggle("is-later", i > last);
        if (i <= last) cell.dataset.value = value;
        else delete cell.dataset.value;
      }
    }

    // The gradients that the outputs so far have brought, above the values that they belong to.
    showBack(back, last) {
      const { result } = this, { input_rows: rows, input_columns: columns } = result.settings;
      const { kernel_rows: high, kernel_columns: wide } = result.settings;
      for (let r = 0; r < rows; r++)
        for (let c = 0; c < columns; c++) {
          const i = (this.into * rows + r) * columns + c;
          number(this.input.cell(r, c), back.input[i], result.input[i]);
        }
      if (result.operator !== "weighted") // whose weights nobody learns
        for (const [slice, grid] of this.kernels)
          for (const cell of grid.cells.values()) {
            const [r, c] = grid.where(cell), i = (slice * high + r) * wide + c;
            number(cell, back.weights[i], result.weights[i]);
          }
      for (const [cell, i] of this.shownOutputs()) cell.classList.toggle("is-later", i > last);
    }

    showTerms(look) {
      const { result } = this, { kernel_rows: rows, kernel_columns: columns } = result.settings;
      const weighs = result.weights.length > 0, squares = result.operator === "l2";
      const { short, factor, power, times } = format;
      const title = this.isBack ? labels.terms_back : labels.terms;
      const terms = look.terms.filter((term) => term.channel === this.into);
      find("terms-title").textContent = this.many ? words.channelTitle(title, this.into) : title;
      new Grid(find("terms"), [0, rows], [0, columns], (cell, r, c) => {
        const term = terms[r * columns + c];
        cell.classList.toggle("is-winner", term.winner);
        if (term.kind !== "input") {
          cell.classList.add(term.kind === "padding" ? "is-padding" : "is-beyond");
          if (this.isBack || term.kind === "nowhere" || explorer.isPool(result.operator)) {
            cell.append(element("small", { textContent: words.kind[term.kind] }));
            return;
          }
        }
        if (this.isBack) {
          const lines = [`V: ${times(term.gradient, term.slope)} = ${short(term.to_cell)}`];
          if (weighs && result.operator !== "weighted")
            lines.push(`K: ${times(term.gradient, term.value)} = ${short(term.to_weight)}`);
          cell.append(...lines.map((line) => element("span", { textContent: line })));
          cell.dataset.value = term.to_cell;
          return;
        }
        const factors = weighs ? `${short(term.value)} \u00b7 ${factor(term.weight)}`
          : squares ? power(term.value) : "";
        if (factors) cell.append(element("span", { textContent: factors }));
        cell.append(element("b", { textContent: short(term.product) }));
        cell.dataset.value = term.product;
      });
    }

    // Rings around what belongs to the cell, weight or output picked; none without a trace.
    mark(trace) {
      const { settings: set, facts } = this.result;
      const ring = (cell, on) => cell.classList.toggle("is-traced", on);
      const { input_rows: rows, input_columns: columns } = set;
      for (let r = 0; r < rows; r++)
        for (let c = 0; c < columns; c++)
          ring(this.input.cell(r, c),
               !!trace && trace.cells[(this.into * rows + r) * columns + c] > 0);
      for (const [cell, i] of this.shownOutputs()) ring(cell, !!trace && trace.outputs[i] !== 0);
      this.channels.input.ring(trace ? trace.cells : [], rows * columns);
      this.channels.output.ring(trace ? trace.outputs : [],
                                facts.outputs_rows * facts.outputs_columns);
      for (const [slice, grid] of this.kernels)
        for (const cell of grid.cells.values()) {
          const [r, c] = grid.where(cell);
          const [picked, row, column] = trace && trace.what === "weight" ? trace.where : [];
          ring(cell, slice === picked && r === row && c === column);
        }
    }
  };
})();

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
    // With `type(row, column, letter)` a number can be typed.
    constructor(table, rows, columns, fill,
                { number = () => true, pick, type, caption } = {}) {
      this.table = table;
      this.rows = rows;
      this.columns = columns;
      this.pick = pick;
      this.type = type;
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
      this.moves = moves; // to(row, column), pick(what, ...where), type(what, ...where, letter)
    }

    // Everything that depends on the settings and the values alone.
    draw(result, shades) {
      this.result = result;
      this.shades = shades;
      this.isBack = result.settings.gradient === 1;
      this.lit = [];
      this.drawInput();
      this.drawOutput();
      this.drawUsage();
      const weighs = result.weights.length > 0;
      find("weights-part").hidden = !weighs;
      const count = result.facts.kernels_rows * result.facts.kernels_columns;
      this.title("weights", result.operator === "weighted" ? labels.weights
        : result.operator !== "tiled" || count === 1 ? labels.kernel
          : words.kernelRange(format.kernelName(0), format.kernelName(count - 1)));
      find("terms-title").textContent = this.isBack ? labels.terms_back : labels.terms;
      this.kernels = new Map();
      find("weights").replaceChildren();
      this.local = weighs && result.operator === "local";
      if (weighs && !this.local)
        for (let k = 0; k < count; k++) this.drawKernel(k);
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

    drawInput() {
      const { result } = this, { settings: set, facts } = result;
      const inside = (i, axis) => i >= 0 && i < set[`input_${axis}`];
      const fill = (cell, r, c) => {
        if (inside(r, "rows") && inside(c, "columns")) {
          const value = result.input[r * set.input_columns + c];
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
        { number: inside, pick: (r, c) => this.moves.pick("cell", r, c),
          type: (r, c, letter) => this.moves.type(letter, "cell", r, c) });
      this.title("input", words.sizedTitle(labels.input, set.input_rows, set.input_columns));
    }

    drawOutput() {
      const { result } = this, { facts } = result;
      const fill = (cell, r, c) => {
        const i = r * facts.outputs_columns + c, kernel = result.kernelOf[i];
        if (result.operator === "tiled" || result.operator === "local") tint(cell, kernel);
        cell.append(element("span", { className: "is-value" }));
        if (this.isBack) number(cell, result.gradient[i], result.output[i]);
        else if (result.operator === "tiled")
          cell.append(element("small", { textContent: format.kernelName(kernel) }));
        this.shade(cell, result.output[i], result.output);
      };
      this.output = new Grid(find("output"), [0, facts.outputs_rows], [0, facts.outputs_columns],
                             fill, { pick: (r, c) => this.moves.to(r, c),
                                     type: this.isBack && ((r, c, letter) =>
                                       this.moves.type(letter, "output", r, c)) });
      this.title("output",
                 words.sizedTitle(labels.output, facts.outputs_rows, facts.outputs_columns));
    }

    drawKernel(kernel) {
      const { result } = this, { kernel_rows: rows, kernel_columns: columns } = result.settings;
      const used = result.kernelOf.includes(kernel), many = result.operator === "tiled";
      const fill = (cell, r, c) => {
        number(cell, result.weights[(kernel * rows + r) * columns + c], undefined, TYPED);
        if (!used) cell.dataset.off = true;
        else if (many || this.local) tint(cell, kernel);
      };
      const name = format.kernelName(kernel);
      const table = element("table", { role: "grid" });
      table.setAttribute("aria-label", many ? words.kernelTitle(name, used) : labels.kernel);
      find("weights").append(table);
      this.kernels.set(kernel, new Grid(
        table, [0, rows], [0, columns], fill,
        { pick: used ? (r, c) => this.moves.pick("weight", kernel, r, c) : undefined,
          type: (r, c, letter) => this.moves.type(letter, "weight", kernel, r, c),
          caption: many ? words.kernelTitle(name, used) : undefined }));
    }

    // The cell that what was picked has now.
    cellOf(what, where) {
      const grid = what === "cell" ? this.input : what === "output" ? this.output
        : this.kernels.get(where[0]);
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

    // What changes with the window's place. `back`: the gradients up to it, in gradient mode.
    show(at, look, back) {
      const { result } = this, { outputs_columns: columns } = result.facts;
      const kernel = result.kernelOf[at.row * columns + at.column];
      if (this.local) {
        this.kernels.clear();
        find("weights").replaceChildren();
        this.drawKernel(kernel);
      }
      for (const cell of this.lit) cell.classList.remove("is-tap", "is-winner", "is-current");
      this.lit = [];
      const light = (cell, ...names) => {
        cell.classList.add(...names);
        this.lit.push(cell);
      };
      const seen = look.terms.map((term) => [this.input.cell(term.row, term.column), term])
        .filter(([cell]) => cell);
      for (const [cell, term] of seen) light(cell, "is-tap", ...(term.winner ? ["is-winner"] : []));
      const last = at.row * columns + at.column;
      if (back) this.showBack(back, last);
      else this.fillUp(last);
      light(this.output.cell(at.row, at.column), "is-current");
      this.output.select(at.row, at.column);
      if (seen.length) for (const [cell] of [seen.at(-1), seen[0]]) explorer.reveal(cell);
      for (const [k, grid] of this.kernels)
        grid.table.classList.toggle("is-current-kernel", k === kernel && this.kernels.size > 1);
      if (result.weights.length) find("weights-note").textContent = words.kernels(result, at);
      this.showTerms(look);
      this.mark(null);
    }

    // The outputs so far.
    fillUp(last) {
      const { result } = this, { outputs_columns: columns } = result.facts;
      for (const [i, value] of result.output.entries()) {
        const cell = this.output.cell(Math.floor(i / columns), i % columns);
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
      const { result } = this, { outputs_columns: across } = result.facts;
      const { input_columns: columns, kernel_rows: high, kernel_columns: wide } = result.settings;
      for (const [i, value] of back.input.entries())
        number(this.input.cell(Math.floor(i / columns), i % columns), value, result.input[i]);
      if (result.operator !== "weighted") // whose weights nobody learns
        for (const [kernel, grid] of this.kernels)
          for (const cell of grid.cells.values()) {
            const [r, c] = grid.where(cell), i = (kernel * high + r) * wide + c;
            number(cell, back.weights[i], result.weights[i]);
          }
      for (const i of result.output.keys())
        this.output.cell(Math.floor(i / across), i % across).classList.toggle("is-later", i > last);
    }

    showTerms(look) {
      const { result } = this, { kernel_rows: rows, kernel_columns: columns } = result.settings;
      const weighs = result.weights.length > 0, squares = result.operator === "l2";
      const { short, factor, power, times } = format;
      new Grid(find("terms"), [0, rows], [0, columns], (cell, r, c) => {
        const term = look.terms[r * columns + c];
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
      for (let r = 0; r < set.input_rows; r++)
        for (let c = 0; c < set.input_columns; c++)
          ring(this.input.cell(r, c), !!trace && trace.cells[r * set.input_columns + c] > 0);
      for (let r = 0; r < facts.outputs_rows; r++)
        for (let c = 0; c < facts.outputs_columns; c++)
          ring(this.output.cell(r, c), !!trace && trace.outputs[r * facts.outputs_columns + c] !== 0);
      for (const [k, grid] of this.kernels)
        for (const cell of grid.cells.values()) {
          const [r, c] = grid.where(cell);
          const [kernel, row, column] = trace && trace.what === "weight" ? trace.where : [];
          ring(cell, k === kernel && r === row && c === column);
        }
    }
  };
})();

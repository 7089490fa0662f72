// What the explorer shows: the grids of input, weights, output, terms and usage.
"use strict";

(() => {
  const { words } = explorer;
  const find = (id) => document.getElementById(`explorer-${id}`);

  function element(name, properties = {}, ...children) {
    const made = Object.assign(document.createElement(name), properties);
    made.append(...children);
    return made;
  }

  // A table of cells with numbered rows and columns. `fill(cell, row, column)` dresses each cell.
  // With `pick(row, column)` the cells can be picked by mouse and keys, one being in the tab order.
  class Grid {
    constructor(table, rows, columns, fill, { number = () => true, pick, caption } = {}) {
      this.table = table;
      this.rows = rows;
      this.columns = columns;
      this.pick = pick;
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
      table.classList.toggle("is-small", most > 20);
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
      return numbered ? element("th", { scope, textContent: words.text(index) })
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

  function number(cell, value) {
    cell.textContent = words.rounded(value, 2);
    cell.dataset.value = value;
  }

  // Colours go round the circle in steps that set neighbours apart.
  function tint(cell, kernel) {
    cell.classList.add("is-tinted");
    cell.style.setProperty("--hue", (200 + kernel * 137.5) % 360);
  }

  explorer.View = class {
    constructor(moves) {
      this.moves = moves; // to(row, column), pick(what, ...where)
    }

    // Everything that depends on the settings alone.
    draw(result) {
      this.result = result;
      this.lit = [];
      this.drawInput();
      this.drawOutput();
      this.drawUsage();
      const weighs = result.weights.length > 0;
      find("weights-part").hidden = !weighs;
      find("weights-title").textContent = result.operator === "tiled" ? "Kernels"
        : result.operator === "weighted" ? "Weights" : "Kernel";
      this.kernels = new Map();
      find("weights").replaceChildren();
      this.local = weighs && result.operator === "local";
      if (weighs && !this.local)
        for (let k = 0; k < result.facts.kernels_rows * result.facts.kernels_columns; k++)
          this.drawKernel(k);
      find("formula").replaceChildren(
        ...words.formula(result).map((line) => element("p", {}, ...line)));
    }

    drawInput() {
      const { result } = this, { settings: set, facts } = result;
      const inside = (i, axis) => i >= 0 && i < set[`input_${axis}`];
      const fill = (cell, r, c) => {
        if (inside(r, "rows") && inside(c, "columns")) {
          number(cell, result.input[r * set.input_columns + c]);
          return;
        }
        const padding = r < set.input_rows + facts.padded_after_rows &&
          c < set.input_columns + facts.padded_after_columns;
        cell.dataset.off = true;
        cell.classList.add(padding ? "is-padding" : "is-beyond");
        cell.textContent = padding && !explorer.isPool(result.operator) ? "0" : "";
      };
      this.input = new Grid(
        find("input"), [-facts.padded_before_rows, facts.end_rows],
        [-facts.padded_before_columns, facts.end_columns], fill,
        { number: inside, pick: (r, c) => this.moves.pick("cell", r, c) });
    }

    drawOutput() {
      const { result } = this, { facts } = result;
      const fill = (cell, r, c) => {
        const kernel = result.kernelOf[r * facts.outputs_columns + c];
        if (result.weights.length) tint(cell, kernel);
        cell.append(element("span", { className: "is-value" }));
        if (result.operator === "tiled")
          cell.append(element("small", { textContent: words.kernelName(kernel) }));
      };
      this.output = new Grid(find("output"), [0, facts.outputs_rows], [0, facts.outputs_columns],
                             fill, { pick: (r, c) => this.moves.to(r, c) });
      find("output-title").textContent = `Output (${facts.outputs_rows} \u00d7 ` +
        `${facts.outputs_columns})`;
      find("input-title").textContent = `Input (${result.settings.input_rows} \u00d7 ` +
        `${result.settings.input_columns})`;
    }

    drawKernel(kernel) {
      const { result } = this, { kernel_rows: rows, kernel_columns: columns } = result.settings;
      const used = result.kernelOf.includes(kernel);
      const fill = (cell, r, c) => {
        number(cell, result.weights[(kernel * rows + r) * columns + c]);
        if (used) tint(cell, kernel);
        else cell.dataset.off = true;
      };
      const caption = result.operator !== "tiled" ? undefined
        : words.kernelName(kernel) + (used ? "" : " (no output's turn)");
      const table = element("table", { role: "grid" });
      table.setAttribute("aria-label", caption ? `Kernel ${caption}` : "Kernel");
      find("weights").append(table);
      this.kernels.set(kernel, new Grid(
        table, [0, rows], [0, columns], fill,
        { pick: used ? (r, c) => this.moves.pick("weight", kernel, r, c) : undefined, caption }));
    }

    drawUsage() {
      const { result } = this, { input_rows: rows, input_columns: columns } = result.settings;
      const most = Math.max(...result.usage);
      new Grid(find("usage"), [0, rows], [0, columns], (cell, r, c) => {
        const count = result.usage[r * columns + c];
        number(cell, count);
        cell.style.setProperty("--share", most ? count / most : 0);
      });
      find("usage-note").textContent = words.usage(result);
    }

    // What changes with the window's place.
    show(at, look) {
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
      for (const term of look.terms)
        light(this.input.cell(term.row, term.column), "is-tap",
              ...(term.winner ? ["is-winner"] : []));
      const last = at.row * columns + at.column;
      for (const [i, value] of result.output.entries()) {
        const cell = this.output.cell(Math.floor(i / columns), i % columns);
        const shown = i <= last ? words.rounded(value, 2) : "\u00b7";
        const span = cell.firstChild;
        if (span.textContent !== shown) span.textContent = shown;
        cell.classList.toggle("is-later", i > last);
        if (i <= last) cell.dataset.value = value;
        else delete cell.dataset.value;
      }
      light(this.output.cell(at.row, at.column), "is-current");
      this.output.select(at.row, at.column);
      explorer.reveal(this.input.cell(look.terms.at(-1).row, look.terms.at(-1).column));
      explorer.reveal(this.input.cell(look.terms[0].row, look.terms[0].column));
      for (const [k, grid] of this.kernels)
        grid.table.classList.toggle("is-current-kernel", k === kernel && this.kernels.size > 1);
      if (result.weights.length) find("weights-note").textContent = words.kernels(result, at);
      this.showTerms(look);
      find("sum").textContent = words.sum(result, at, look);
      this.mark(null);
    }

    showTerms(look) {
      const { kernel_rows: rows, kernel_columns: columns } = this.result.settings;
      const weighs = this.result.weights.length > 0, squares = this.result.operator === "l2";
      new Grid(find("terms"), [0, rows], [0, columns], (cell, r, c) => {
        const term = look.terms[r * columns + c];
        cell.classList.toggle("is-winner", term.winner);
        if (term.kind !== "input") {
          cell.classList.add(term.kind === "padding" ? "is-padding" : "is-beyond");
          if (explorer.isPool(this.result.operator)) { // which takes nothing from there
            cell.append(element("small", { textContent: term.kind }));
            return;
          }
        }
        const product = element("b", { textContent: words.text(term.product) });
        const factors = weighs ? `${words.text(term.value)} \u00b7 ${words.factor(term.weight)}`
          : squares ? `${words.factor(term.value)}\u00b2` : "";
        if (factors) cell.append(element("span", { textContent: factors }));
        cell.append(product);
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

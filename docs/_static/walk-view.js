// What the walk shows: maps as pictures, grids that mouse and keys can pick from, and the five
// steps from the whole network to one multiply-add.
"use strict";

(() => {
  const { words } = walk;
  const LARGEST = 1.7159; // the squashing function's bound: where colours are full

  function element(name, properties = {}, ...children) {
    const made = Object.assign(document.createElement(name), properties);
    made.append(...children);
    return made;
  }

  // Colours of the theme at both ends, and of no value at all.
  function palette() {
    return document.documentElement.dataset.theme === "dark"
      ? { zero: [24, 28, 36], plus: [120, 190, 255], minus: [255, 160, 100] }
      : { zero: [255, 255, 255], plus: [20, 90, 170], minus: [190, 80, 20] };
  }

  function colour(value, largest, { zero, plus, minus }) {
    const share = Math.min(Math.abs(value) / largest, 1), end = value < 0 ? minus : plus;
    return zero.map((level, i) => Math.round(level + share * (end[i] - level)));
  }

  const largestOf = (values, layer) => (layer.name !== "output" ? LARGEST
    : Math.max(...values.map(Math.abs)));

  // A picture of values, `columns` in a row; a frame around [row, column, side] where given.
  function paint(canvas, values, columns, largest = LARGEST, frame) {
    const rows = Math.ceil(values.length / columns);
    Object.assign(canvas, { width: columns, height: rows });
    const ink = canvas.getContext("2d"), image = ink.createImageData(columns, rows);
    const colours = palette();
    values.forEach((value, i) => image.data.set([...colour(value, largest, colours), 255], 4 * i));
    ink.putImageData(image, 0, 0);
    const holder = canvas.parentElement;
    if (!frame || !holder) return;
    const [row, column, side] = frame, mark = holder.querySelector(".walk-frame");
    for (const [name, share] of [["left", column / columns], ["top", row / rows],
                                 ["width", side / columns], ["height", side / rows]])
      mark.style[name] = `${100 * share}%`;
  }

  // A table whose cells are reached by arrow keys, one of them by tab. `fill(cell, i)` dresses cell
  // i, `move(i)` is told of the focus, `choose(i)` of a click or Enter.
  function grid(label, count, columns, fill, { first = 0, move, choose }) {
    const cells = Array.from({ length: count }, (_, i) => {
      const cell = element("td", { tabIndex: i === first ? 0 : -1 });
      fill(cell, i);
      return cell;
    });
    const lines = [];
    for (let i = 0; i < count; i += columns)
      lines.push(element("tr", {}, ...cells.slice(i, i + columns)));
    const table = element("table", { className: "walk-grid" }, element("tbody", {}, ...lines));
    table.setAttribute("role", "grid");
    table.setAttribute("aria-label", label);
    let current = cells[first];
    const select = (cell) => {
      current.tabIndex = -1;
      current = cell;
      current.tabIndex = 0;
      if (move) move(cells.indexOf(cell));
    };
    table.addEventListener("focusin", (event) => {
      const cell = event.target.closest("td");
      if (cell) select(cell);
    });
    table.addEventListener("pointerover", (event) => {
      const cell = event.target.closest("td");
      if (cell && move) move(cells.indexOf(cell));
    });
    table.addEventListener("click", (event) => {
      const cell = event.target.closest("td");
      if (cell) choose(cells.indexOf(cell));
    });
    table.addEventListener("keydown", (event) => {
      if (event.altKey || event.ctrlKey || event.metaKey) return;
      const i = cells.indexOf(current), inRow = i % columns;
      const to = { ArrowLeft: inRow ? i - 1 : i, ArrowUp: i - columns, ArrowDown: i + columns,
                   ArrowRight: inRow < columns - 1 ? i + 1 : i, Home: 0, End: count - 1 }[event.key];
      if (event.key === "Enter" || event.key === " ") choose(i);
      else if (to === undefined) return;
      else if (cells[to]) cells[to].focus();
      event.preventDefault();
    });
    return table;
  }

  // A cell coloured by its value; with text its colour is pale, so that the text stays readable.
  function tint(cell, value, largest, pale = 1) {
    const colours = palette();
    cell.style.background = `rgb(${colour(value * pale, largest, colours).join(" ")})`;
    cell.dataset.value = value;
  }

  walk.View = class {
    // `zoom(where)` goes one step in; `say(text)` speaks of the cell in focus.
    constructor(stage, core, zoom, say) {
      Object.assign(this, { stage, core, zoom, say });
    }

    picture(values, columns, largest, frame) {
      const canvas = element("canvas", { className: "walk-picture" });
      const holder = element("span", { className: "walk-holder" }, canvas);
      if (frame) holder.append(element("span", { className: "walk-frame" }));
      paint(canvas, values, columns, largest, frame);
      return holder;
    }

    button(label, pictures, act, className = "walk-map") {
      const made = element("button", { type: "button", className }, ...pictures);
      made.append(element("span", { textContent: label }));
      made.addEventListener("click", act);
      return made;
    }

    draw(where) {
      const { l, k, row, term } = where;
      const step = l === undefined ? this.network() : k === undefined ? this.layer(l)
        : row === undefined ? this.map(l, k) : term === undefined ? this.window(where)
          : this.product(where);
      this.stage.replaceChildren(...step);
    }

    network() {
      return this.core.layers.slice(1).map((layer, i) => {
        const l = i + 1, values = this.core.values[l], largest = largestOf(values, layer);
        const pictures = layer.size > 1
          ? Array.from({ length: layer.channels }, (_, k) =>
            this.picture(this.core.map(l, k), layer.size, largest))
          : [this.picture(values, { 120: 20, 84: 14, 10: 10 }[layer.channels], largest)];
        const made = this.button("", [element("span", { className: "walk-maps" }, ...pictures)],
                                 () => this.zoom({ l }), "walk-layer");
        made.lastChild.replaceWith(element("span", { className: "walk-about" },
          element("b", { textContent: words.title(layer.name) }), " ", words.size(layer)));
        made.dataset.layer = layer.name;
        made.classList.toggle("is-units", layer.size === 1);
        return made;
      });
    }

    layer(l) {
      const layer = this.core.layers[l], values = this.core.values[l];
      if (layer.size === 1) {
        const columns = layer.channels === 10 ? 10 : 12;
        return [grid(words.units(layer.name), layer.channels, columns, (cell, k) => {
          tint(cell, values[k], largestOf(values, layer), 0.4);
          cell.append(element("small", { textContent: k }),
                      element("b", { textContent: words.number(values[k], 2) }));
        }, { move: (k) => this.say(`${words.unit(k)}: ${words.number(values[k])}`),
             choose: (k) => this.zoom({ l, k, row: 0, column: 0 }) })];
      }
      const maps = element("div", { className: "walk-row" }, ...Array.from(
        { length: layer.channels }, (_, k) => this.button(
          words.map(k), [this.picture(this.core.map(l, k), layer.size)], () => this.zoom({ l, k }))));
      return layer.name === "C3" ? [maps, this.table(l)] : [maps];
    }

    // Which maps each map sees.
    table(l) {
      const { channels } = this.core.layers[l], inputs = this.core.layers[l - 1].channels;
      const all = [...Array(channels).keys()];
      const head = element("tr", {}, element("td"), ...all.map((k) =>
        element("th", { scope: "col", textContent: k })));
      const body = [...Array(inputs).keys()].map((c) => element(
        "tr", {}, element("th", { scope: "row", textContent: c }), ...all.map((k) => {
          const on = this.core.seen(l, k).includes(c);
          const cell = element("td", { className: on ? "is-on" : "" });
          if (on) cell.append(element("span", { textContent: "\u00d7", title: words.connected }));
          return cell;
        })));
      const table = element("table", { className: "walk-table" },
        element("caption", { textContent: words.table }),
        element("thead", {}, head), element("tbody", {}, ...body));
      return this.scroll(words.table, table);
    }

    scroll(label, table) {
      const made = element("div", { className: "walk-scroll", tabIndex: 0 }, table);
      made.setAttribute("role", "region");
      made.setAttribute("aria-label", label);
      return made;
    }

    map(l, k) {
      const layer = this.core.layers[l], before = this.core.layers[l - 1];
      const values = this.core.map(l, k), seen = this.core.seen(l, k), frames = [];
      const place = (i) => [Math.floor(i / layer.size), i % layer.size];
      const inputs = element("div", { className: "walk-row" }, ...seen.map((c) => {
        const holder = this.picture(this.core.map(l - 1, c), before.size, LARGEST,
                                    [0, 0, layer.kernel]);
        frames.push([holder.firstChild, this.core.map(l - 1, c)]);
        return element("figure", {}, holder,
          element("figcaption", { textContent: words.windowOf(before.name, c) }));
      }));
      const cells = grid(words.mapLabel(layer.name, k), values.length, layer.size, (cell, i) => {
        tint(cell, values[i], LARGEST);
        cell.setAttribute("aria-label", words.atCell(...place(i), values[i]));
      }, {
        move: (i) => {
          const [row, column] = place(i);
          for (const [canvas, numbers] of frames)
            paint(canvas, numbers, before.size, LARGEST,
                  [row * layer.stride, column * layer.stride, layer.kernel]);
          this.say(words.atCell(row, column, values[i]));
        },
        choose: (i) => this.zoom({ l, k, row: place(i)[0], column: place(i)[1] }),
      });
      cells.classList.add("is-map");
      return [element("div", { className: "walk-pair" }, cells, inputs)];
    }

    // The windows of one output, a table for each map that it sees; units of one cell in one table.
    window({ l, k, row, column }) {
      const layer = this.core.layers[l], before = this.core.layers[l - 1];
      const look = this.core.look(l, k, row, column);
      const largest = Math.max(...look.terms.map((term) => Math.abs(term.product)), 1e-9);
      const single = before.size === 1, taps = single ? look.terms.length : layer.kernel ** 2;
      const made = [];
      for (let from = 0; from < look.terms.length; from += taps) {
        const terms = look.terms.slice(from, from + taps);
        const label = single ? words.units(before.name)
          : words.windowOf(before.name, terms[0].channel);
        const table = grid(label, terms.length, single ? 12 : layer.kernel, (cell, i) => {
          tint(cell, terms[i].product, largest, 0.4);
          cell.append(element("small", { textContent: words.number(terms[i].value, 2) }),
                      element("small", { textContent: `\u00d7 ${words.number(terms[i].weight, 2)}` }),
                      element("b", { textContent: words.number(terms[i].product, 2) }));
        }, { move: (i) => this.say(words.product(terms[i])),
             choose: (i) => this.zoom({ l, k, row, column, term: from + i }) });
        table.classList.add("is-window");
        made.push(element("figure", {}, element("figcaption", { textContent: label }),
                          element("div", { className: "walk-scroll" }, table)));
      }
      return [element("p", { className: "walk-sum",
                             textContent: words.sum(look, layer.name !== "output") }),
              element("div", { className: "walk-row" }, ...made)];
    }

    product({ l, k, row, column, term }) {
      const before = this.core.layers[l - 1], look = this.core.look(l, k, row, column);
      const { terms } = look, now = terms[term], single = before.size === 1;
      const head = element("tr", {}, ...words.heads.map((text) =>
        element("th", { scope: "col", textContent: text })));
      const line = (number, from, value, weight, product, sum) => element(
        "tr", {}, ...[number, from, value, weight, product, sum].map((text) =>
          element("td", { textContent: text })));
      const rows = terms.map((one, i) => {
        const made = line(i + 1, words.from(before.name, one, single), words.number(one.value),
                          words.number(one.weight), words.number(one.product, 4),
                          words.number(one.sum, 4));
        made.dataset.term = i;
        if (i === term) made.setAttribute("aria-current", "true");
        return made;
      });
      const table = element("table", { className: "walk-terms" }, element("thead", {}, head),
        element("tbody", {}, line("", words.bias, "", "", words.number(look.bias, 4),
                                  words.number(look.bias, 4)), ...rows));
      table.addEventListener("click", (event) => {
        const chosen = event.target.closest("tr[data-term]");
        if (chosen) this.zoom({ l, k, row, column, term: Number(chosen.dataset.term) });
      });
      const scroll = this.scroll(words.terms, table);
      scroll.addEventListener("keydown", (event) => {
        const to = { ArrowUp: term - 1, ArrowDown: term + 1, Home: 0, End: terms.length - 1 }[event.key];
        if (to === undefined) return;
        event.preventDefault();
        if (terms[to]) this.zoom({ l, k, row, column, term: to });
      });
      requestAnimationFrame(() => {
        const at = rows[term].offsetTop - scroll.clientHeight / 2;
        scroll.scrollTop = Math.max(at, 0);
      });
      return [element("p", { className: "walk-product", textContent: words.product(now) }),
              element("p", { className: "walk-sum",
                             textContent: words.sum(look, l < walk.NAMES.length - 1) }), scroll];
    }
  };
  Object.assign(walk, { element, paint, palette });
})();

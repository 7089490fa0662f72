// The walk: ties the pad, the answer and the steps of the zoom together.
"use strict";

document.addEventListener("DOMContentLoaded", () => {
  const { words, element } = walk;
  const find = (id) => document.getElementById(`walk-${id}`);
  const root = find("root"), stage = find("stage");
  let core, view, where = {}, drawn = false, waiting = false;

  // --- the answer -------------------------------------------------------------------------------

  const image = element("canvas", { className: "walk-picture" });
  const bars = Array.from({ length: 10 }, () => ({ bar: element("span"), text: element("td") }));

  function frameAnswer() {
    image.setAttribute("role", "img");
    image.setAttribute("aria-label", words.sees);
    find("image").append(image, element("figcaption", { textContent: words.sees }));
    const head = element("tr", {}, element("th", { scope: "col", textContent: words.digit }),
      element("td"), element("th", { scope: "col", textContent: words.probability }));
    const rows = bars.map(({ bar, text }, digit) => element("tr", {},
      element("th", { scope: "row", textContent: digit }),
      element("td", { className: "walk-bar" }, bar), text));
    find("answer").append(element("h3", { textContent: words.answer }),
      element("table", { className: "walk-bars" }, element("thead", {}, head),
              element("tbody", {}, ...rows)));
  }

  function answer() {
    walk.paint(image, core.values[0], core.layers[0].size);
    const order = [...core.probabilities.keys()]
      .sort((a, b) => core.probabilities[b] - core.probabilities[a]);
    bars.forEach(({ bar, text }, digit) => {
      const share = drawn ? core.probabilities[digit] : 0;
      bar.style.width = `${100 * share}%`;
      text.textContent = drawn ? words.percent(share) : "";
      text.parentElement.classList.toggle("is-first", drawn && digit === order[0]);
    });
    find("verdict").textContent = drawn
      ? words.verdict(order[0], core.probabilities[order[0]], order[1], core.probabilities[order[1]])
      : words.empty;
  }

  // --- the zoom ---------------------------------------------------------------------------------

  const KEYS = ["l", "k", "row", "column", "term"];

  // The places from the network to here, each with its name. Maps of one cell have no step.
  function path() {
    const { l, k, row, column, term } = where, places = [[{}, words.network]];
    if (l !== undefined) places.push([{ l }, words.name(walk.NAMES[l])]);
    if (k !== undefined && core.layers[l].size > 1) places.push([{ l, k }, words.map(k)]);
    if (row !== undefined)
      places.push([{ l, k, row, column },
                   core.layers[l].size > 1 ? words.cell(row, column) : words.unit(k)]);
    if (term !== undefined) places.push([where, words.term(term)]);
    return places;
  }

  function sentence() {
    const { l, k, row, column, term } = where;
    if (l === undefined) return words.atNetwork;
    const { name } = core.layers[l];
    if (k === undefined) return words.atLayer(name);
    if (row === undefined)
      return l === 1 ? words.ofImage(name, k)
        : words.atMap(name, k, core.layers[l - 1].name, core.seen(l, k));
    const { terms, bias } = core.look(l, k, row, column);
    return term === undefined ? words.atWindow(terms.length)
      : words.atTerm(term, terms.length, terms[term], term ? terms[term - 1].sum : bias);
  }

  function draw() {
    const places = path();
    find("path").replaceChildren(...places.map(([place, name], i) => {
      const made = element("button", { type: "button", textContent: name });
      if (i === places.length - 1) made.setAttribute("aria-current", "step");
      made.addEventListener("click", () => go(place));
      return made;
    }));
    find("sentence").textContent = sentence();
    view.draw(where);
  }

  // Which cell or button of the stage stands for a place one step further in.
  function standsFor(inner) {
    const focusable = [...stage.querySelectorAll("button, td[tabindex]")];
    const last = KEYS.filter((key) => inner[key] !== undefined).at(-1);
    if (last === undefined) return focusable[0];
    const i = last === "l" ? inner.l - 1
      : last === "column" && core.layers[inner.l].size > 1
        ? inner.row * core.layers[inner.l].size + inner.column
        : last === "column" ? inner.k : inner[last];
    return focusable[i] || focusable[0];
  }

  // Goes to a place; the focus goes to where one came from, or to the first thing there.
  function go(place) {
    const before = where;
    where = place;
    draw();
    const count = (one) => Object.keys(one).length;
    const target = where.term !== undefined ? stage.querySelector(".walk-scroll")
      : count(before) > count(where) ? standsFor(inwards(before)) : stage.querySelector("button, td");
    if (target) target.focus({ preventScroll: true });
    find("path").scrollIntoView({ block: "nearest" });
    find("sentence").textContent = sentence();
  }

  // Of a place further in, the place one step from here.
  function inwards(place) {
    const next = path().length, { l, k, row, column } = place;
    if (next === 1) return { l };
    if (next === 2) return core.layers[l].size > 1 ? { l, k } : { l, k, row: 0, column: 0 };
    return next === 3 && core.layers[l].size > 1 ? { l, k, row, column } : place;
  }

  function listen() {
    root.addEventListener("keydown", (event) => {
      const places = path();
      if (event.key !== "Escape" || places.length < 2 || !stage.contains(event.target)) return;
      event.preventDefault();
      go(places.at(-2)[0]);
    });
    new MutationObserver(refresh).observe(document.documentElement,
                                          { attributes: true, attributeFilter: ["data-theme"] });
  }

  function refresh() {
    answer();
    draw();
    pad.paint();
  }

  let pad;

  async function start() {
    try {
      core = await walk.Core.load(walk.wasm, walk.weights);
    } catch (error) {
      return; // the page says what it needs
    }
    for (const note of document.querySelectorAll(".walk-none")) note.hidden = true;
    root.hidden = false;
    frameAnswer();
    view = new walk.View(stage, core, go, (text) => { find("sentence").textContent = text; });
    pad = new walk.Pad(find("pad"), core, (any) => {
      drawn = any;
      if (waiting) return; // once a frame, however fast the pen is
      waiting = true;
      requestAnimationFrame(() => {
        waiting = false;
        core.run();
        answer();
        draw();
      });
    });
    find("path").setAttribute("aria-label", words.path);
    core.run();
    listen();
    pad.show(walk.EXAMPLES[4]);
    requestAnimationFrame(() => requestAnimationFrame(() => { root.dataset.ready = "true"; }));
  }

  start();
});

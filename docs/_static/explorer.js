// The explorer's page: the form, the grids, the keys. Numbers come from explorer-engine.js.
"use strict";

(() => {
  const PROBLEMS = {
    1: "There is no such operator or padding.",
    2: "The input must have 1 to 16 rows and columns.",
    3: "The kernel must have 1 to 7 rows and columns.",
    4: "Strides must be 1 to 5.",
    5: "Dilations must be 1 to 4.",
    6: "Padding must be 0 to 8 cells on each side.",
    7: "Periods must be 1 to 16.",
    8: "The kernel, spread by its dilation, is larger than the padded input: there is no output.",
    9: "A window of this pooling would lie in the padding alone; it has no value.",
    10: "The weights that fall on the input add up to 0; their average has no value.",
    11: "The browser has no memory left for this.",
  };
  const PAUSE = 700; // milliseconds between two steps of "play"
  const get = (id) => document.getElementById(`explorer-${id}`);
  const grids = {};
  let engine, settings, found, marked, timer;
  let reached = 0; // outputs that the window has been at: those are filled in

  const show = (number) => String(Math.abs(number - Math.round(number)) < 1e-9
    ? Math.round(number) : Number(number.toFixed(2))).replace("-", "\u2212");
  const index = () => settings.at[0] * found.out[1] + settings.at[1];
  const pooling = () => ["max", "average", "l2", "weighted"].includes(settings.operator);
  const weighs = () => !["max", "average", "l2"].includes(settings.operator);

  // --- drawing ------------------------------------------------------------------------------

  const draw = (name, rows, columns, cell) => {
    const table = document.createElement("table");
    for (let r = 0; r < rows; r += 1) {
      const line = table.insertRow();
      for (let c = 0; c < columns; c += 1) {
        const { text, classes = [], tint } = cell(r, c);
        const box = line.insertCell();
        box.textContent = text;
        box.className = classes.filter(Boolean).join(" ");
        box.dataset.row = r;
        box.dataset.column = c;
        if (tint !== undefined) box.style.setProperty("--tint", `hsl(${tint} 60% 50% / 30%)`);
      }
    }
    grids[name].replaceChildren(table);
  };

  // Neighbouring numbers get colours that are far apart: steps by the golden angle.
  const tint = (set) => (found.period[0] * found.period[1] > 1 ? (set * 137.5 + 200) % 360 : undefined);
  const sees = (row, column, output) => found.taps[0][row * found.out[0] + Math.floor(output / found.out[1])]
    && found.taps[1][column * found.out[1] + (output % found.out[1])];

  const drawGrids = (terms) => {
    const at = index();
    const seen = new Map(terms.map((term) => [`${term.row} ${term.column}`, term]));
    const [[top, bottom], [left, right]] = found.padding;
    const [rows, columns] = settings.in;
    draw("input", found.lines[0], found.lines[1], (r, c) => {
      const inside = r >= top && r < top + rows && c >= left && c < left + columns;
      const beyond = r >= top + rows + bottom || c >= left + columns + right;
      const term = seen.get(`${r} ${c}`);
      const empty = pooling() && !(settings.operator === "average" && settings.count);
      return {
        text: inside ? show(found.input[(r - top) * columns + c - left]) : beyond || empty ? "" : "0",
        classes: [!inside && "pad", beyond && "beyond", term && "seen", term && term.chosen && "chosen",
          marked && marked[0] === r && marked[1] === c && "marked"],
        tint: term ? tint(found.sets[at]) ?? 210 : undefined,
      };
    });
    if (weighs()) {
      draw("kernel", settings.kernel[0], settings.kernel[1], (r, c) => ({
        text: show(terms[r * settings.kernel[1] + c].weight), classes: ["seen"],
        tint: tint(found.sets[at]) ?? 210,
      }));
    }
    draw("output", found.out[0], found.out[1], (r, c) => {
      const here = r * found.out[1] + c;
      return {
        text: here <= reached ? show(found.output[here]) : "",
        classes: [here === at && "current", found.sets[here] === found.sets[at] && "same",
          marked && sees(marked[0], marked[1], here) && "marked"],
        tint: tint(found.sets[here]),
      };
    });
    const most = Math.max(...found.usage, 1);
    draw("usage", rows, columns, (r, c) => ({ text: show(found.usage[r * columns + c]) }));
    [...grids.usage.querySelectorAll("td")].forEach((box, i) => {
      box.style.setProperty("--tint", `hsl(210 60% 50% / ${Math.round(45 * found.usage[i] / most)}%)`);
    });
  };

  const drawWords = (terms) => {
    const at = index(), [row, column] = settings.at;
    const real = terms.filter((term) => term.place === 0).length;
    const shared = found.sets.filter((set) => set === found.sets[at]).length;
    const kernels = found.period[0] * found.period[1];
    get("sentence").textContent = `Output (${row}, ${column}) is ${show(found.output[at])}: it sees ${real} of ${
      settings.in[0] * settings.in[1]} input cells${terms.length > real ? ` and ${terms.length - real} of the padding` : ""}${
      weighs() && kernels > 1 ? `, by kernel ${found.sets[at] + 1} of ${kernels}` : ""}.${
      marked ? ` The marked cell is seen by ${found.output.filter((_, o) => sees(...marked, o)).length} outputs.` : ""}`;
    get("kernel").textContent = weighs() && kernels > 1 ? `(${found.sets[at] + 1} of ${kernels})` : "";
    get("shared").textContent = kernels > 1 ? `(one colour, one kernel: ${shared} outputs use this one)`
      : weighs() ? `(all ${found.sets.length} outputs use one kernel)` : "";

    const kept = terms.filter((term) => term.place === 0 || (settings.operator === "average" && settings.count && term.place === 1));
    const list = (of, sign) => kept.map(of).join(sign);
    const product = (term) => `${show(term.value)}·${term.weight < 0 ? `(${show(term.weight)})` : show(term.weight)}`;
    const result = show(found.output[at]);
    get("terms").textContent = {
      max: () => `max(${list((term) => show(term.value), ", ")}) = ${result}`,
      average: () => `(${list((term) => show(term.value), " + ")}) / ${kept.length} = ${result}`,
      l2: () => `\u221a(${list((term) => `${show(term.value)}²`, " + ")}) = ${result}`,
      weighted: () => `(${list(product, " + ")})${settings.count ? "" : ` / (${
        list((term) => show(term.weight), " + ")})`} = ${result}`,
    }[settings.operator]?.() ?? `${list(product, " + ") || "0"} = ${result}`;
  };

  const drawFormula = () => {
    const ceil = pooling() && settings.ceil;
    const [open, close] = ceil ? ["\u2308", "\u2309"] : ["\u230a", "\u230b"];
    const line = (name, axis) => {
      const [n, k, s, d] = ["in", "kernel", "stride", "dilation"].map((field) => settings[field][axis]);
      const [before, after] = found.padding[axis];
      const span = d === 1 ? `${k}` : `((${k} \u2212 1)·${d} + 1)`;
      return `<p>${name}: ${open}(${n} + ${before} + ${after} \u2212 ${span}) / ${s}${close} + 1 = <strong>${
        found.out[axis]}</strong></p>`;
    };
    get("formula").innerHTML = `<p>outputs = ${open}(input + before + after \u2212 span) / stride${close} + 1, where span = (kernel \u2212 1) · dilation + 1</p>${
      line("rows", 0)}${line("columns", 1)}${ceil
      ? "<p>Rounded up, less one where the last window would begin in the padding after the input.</p>" : ""}`;
  };

  const pair = ([a, b]) => `(${a}, ${b})`;
  const nested = (values, [size, ...more]) => (more.length === 0 ? `[${values.join(", ")}]`
    : `[${Array.from({ length: size }, (_, i) => nested(values.slice(i * values.length / size, (i + 1) * values.length / size), more)).join(",\n ")}]`);

  const drawPython = () => {
    const name = { conv: "conv2d", local: "local_conv2d", tiled: "tiled_conv2d", max: "max_pool2d",
      average: "avg_pool2d", l2: "l2_pool2d", weighted: "weighted_pool2d" }[settings.operator];
    const sets = settings.operator === "conv" ? [] : found.period;
    const options = [`stride=${pair(settings.stride)}`,
      `padding=${settings.mode === "explicit" ? pair(settings.padding.map(pair)) : `"${settings.mode}"`}`,
      `dilation=${pair(settings.dilation)}`];
    if (pooling()) options.push(`ceil_mode=${settings.ceil ? "True" : "False"}`);
    if (settings.operator === "average") options.push(`count_include_pad=${settings.count ? "True" : "False"}`);
    if (settings.operator === "weighted") options.push(`normalize=${settings.count ? "False" : "True"}`);
    const lines = ["import numpy as np", `from convcore import ${name}`, "",
      `x = np.array([${nested(found.input, settings.in)}], np.float64)`];
    let second = pair(settings.kernel);
    if (weighs()) {
      const shape = settings.operator === "weighted" ? settings.kernel : [1, ...sets, 1, ...settings.kernel];
      lines.push(`weight = np.array(${nested(found.weights, shape)}, np.float64)`);
      second = "weight";
    }
    lines.push(`y = ${name}(x, ${second}, ${options.join(", ")})[0]`);
    get("python").textContent = lines.join("\n");
  };

  // --- settings -----------------------------------------------------------------------------

  const fail = (text) => {
    get("error").textContent = text;
    get("error").hidden = !text;
  };

  const look = () => {
    const terms = engine.look(...settings.at);
    reached = Math.max(reached, index());
    drawGrids(terms);
    drawWords(terms);
    history.replaceState(null, "", `#${explorerLink.write(settings)}`);
  };

  const compute = () => {
    stop();
    found = engine.run(settings);
    get("results").hidden = found.problem !== 0;
    fail(found.problem ? PROBLEMS[found.problem] : "");
    if (found.problem) {
      history.replaceState(null, "", `#${explorerLink.write(settings)}`);
      return;
    }
    settings.at = settings.at.map((at, axis) => Math.min(at, found.out[axis] - 1));
    reached = 0;
    marked = null;
    document.querySelector('[data-for="kernel"]').hidden = !weighs();
    drawFormula();
    drawPython();
    look();
  };

  const field = (name) => {
    const [setting, axis, side] = name.split("-");
    return side === undefined ? [settings[setting], axis] : [settings[setting][axis], side];
  };

  const fill = () => {
    for (const input of get("form").elements) {
      if (input.type === "number") {
        const [values, at] = field(input.name);
        input.value = values[at];
      } else if (input.type === "checkbox") input.checked = settings[input.name];
      else if (input.name) input.value = settings[input.name];
    }
    arrange();
  };

  // Only what means something for the operator is shown.
  const arrange = () => {
    for (const row of get("form").querySelectorAll("[data-for]")) {
      row.hidden = row.dataset.for !== settings.operator && row.dataset.for !== settings.mode;
    }
    const form = get("form").elements;
    form.ceil.closest("label").hidden = !pooling();
    form.count.closest("label").hidden = !["average", "weighted"].includes(settings.operator);
    get("count").textContent = settings.operator === "weighted" ? "don't divide by the weights' sum" : "count the padding";
  };

  const changed = ({ target }) => {
    if (target.type === "number") {
      const value = Number(target.value), [values, at] = field(target.name);
      if (!target.value || !target.validity.valid) {
        stop();
        get("results").hidden = true;
        fail(`${target.getAttribute("aria-label")}: expected a whole number from ${target.min} to ${target.max}.`);
        return;
      }
      values[at] = value;
    } else if (target.type === "checkbox") settings[target.name] = target.checked;
    else settings[target.name] = target.value;
    arrange();
    compute();
  };

  const open = () => {
    const { settings: read, faults } = explorerLink.read(location.hash.slice(1));
    settings = read;
    const wanted = [...read.at];
    fill();
    compute();
    if (found.problem === 0) {
      reached = Math.max(reached, index());
      if (wanted.some((value, axis) => value !== settings.at[axis])) faults.push(`at=${wanted.join("x")}`);
    }
    if (faults.length) fail(`Not understood in this link, and left out: ${faults.join(", ")}.${found.problem ? ` ${PROBLEMS[found.problem]}` : ""}`);
  };

  // --- moving -------------------------------------------------------------------------------

  const stop = () => {
    clearInterval(timer);
    timer = undefined;
    const button = document.querySelector('[data-step="play"]');
    button.textContent = "Play";
    button.setAttribute("aria-pressed", "false");
  };
  const go = (place) => {
    const last = found.output.length - 1, to = Math.max(0, Math.min(last, place));
    settings.at = [Math.floor(to / found.out[1]), to % found.out[1]];
    look();
  };
  const steps = {
    first: () => go(0), back: () => go(index() - 1), next: () => go(index() + 1),
    last: () => go(found.output.length - 1),
    numbers: () => { settings.seed = (settings.seed + 1) % 10000; compute(); },
    play: () => {
      if (timer) { stop(); return; }
      if (index() === found.output.length - 1) { reached = 0; go(0); }
      const button = document.querySelector('[data-step="play"]');
      button.textContent = "Pause";
      button.setAttribute("aria-pressed", "true");
      timer = setInterval(() => {
        go(index() + 1);
        if (index() === found.output.length - 1) stop();
      }, PAUSE);
    },
  };

  const ARROWS = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
  const moved = (place, by, size) => place.map((at, axis) => Math.max(0, Math.min(size[axis] - 1, at + by[axis])));
  const outputKey = (event) => {
    if (ARROWS[event.key]) { stop(); settings.at = moved(settings.at, ARROWS[event.key], found.out); look(); }
    else if (event.key === "Home") { stop(); steps.first(); }
    else if (event.key === "End") { stop(); steps.last(); }
    else if (event.key === " ") steps.play();
    else return;
    event.preventDefault();
  };
  const inputKey = (event) => {
    if (ARROWS[event.key]) marked = moved(marked ?? [0, 0], marked ? ARROWS[event.key] : [0, 0], found.lines);
    else if (event.key === "Escape") marked = null;
    else return;
    event.preventDefault();
    look();
  };

  const clicked = (name) => ({ target }) => {
    if (target.tagName !== "TD") return;
    const place = [Number(target.dataset.row), Number(target.dataset.column)];
    if (name === "output") { stop(); settings.at = place; } else {
      marked = marked && marked.join() === place.join() ? null : place;
    }
    look();
  };

  const start = () => {
    for (const box of document.querySelectorAll("[data-grid]")) grids[box.dataset.grid] = box;
    if (typeof WebAssembly !== "object") {
      fail("This browser has no WebAssembly, in which the explorer's numbers are computed.");
      return;
    }
    explorerEngine.start(window.explorerWasm).then((started) => {
      engine = started;
      get("form").hidden = false;
      get("form").addEventListener("input", changed);
      get("form").addEventListener("submit", (event) => event.preventDefault());
      for (const button of document.querySelectorAll("[data-step]")) {
        button.addEventListener("click", () => {
          if (button.dataset.step !== "play") stop();
          steps[button.dataset.step]();
        });
      }
      grids.output.addEventListener("keydown", outputKey);
      grids.input.addEventListener("keydown", inputKey);
      grids.output.addEventListener("click", clicked("output"));
      grids.input.addEventListener("click", clicked("input"));
      window.addEventListener("hashchange", open);
      open();
    }, () => fail("The explorer could not be started: this browser refuses its WebAssembly."));
  };
  document.addEventListener("DOMContentLoaded", start);
})();

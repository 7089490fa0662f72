// The explorer: ties the form, the keys, the link and the player to the numbers and their pictures.
"use strict";

document.addEventListener("DOMContentLoaded", () => {
  const { words } = explorer;
  const find = (id) => document.getElementById(`explorer-${id}`);
  const root = find("root");
  const form = root.querySelector("form");
  const shown = root.querySelector(".explorer-shown");
  const buttons = Object.fromEntries(
    [...root.querySelectorAll("[data-move]")].map((button) => [button.dataset.move, button]));
  const STEP = 600; // milliseconds that a window stays while playing

  let core, view, settings, result, at, timer, writing;

  const say = (id, message) => {
    find(id).hidden = !message;
    find(id).textContent = message || "";
  };

  // --- settings ---------------------------------------------------------------------------------

  function fillForm() {
    for (const field of form.elements) {
      if (!field.name) continue;
      if (field.type === "checkbox") field.checked = settings[field.name] === 1;
      else if (field.name === "operator") field.value = explorer.OPERATORS[settings.operator];
      else if (field.name === "padding") field.value = explorer.PADDINGS[settings.padding];
      else field.value = settings[field.name];
    }
  }

  function readForm() {
    for (const field of form.elements) {
      if (!field.name) continue;
      if (field.type === "checkbox") settings[field.name] = field.checked ? 1 : 0;
      else if (field.name === "operator") settings.operator = explorer.OPERATORS.indexOf(field.value);
      else if (field.name === "padding") settings.padding = explorer.PADDINGS.indexOf(field.value);
      else settings[field.name] = /^-?\d{1,6}$/.test(field.value) ? Number(field.value) : NaN;
    }
  }

  // Only what the operator and the mode have.
  function fitForm() {
    const operator = explorer.OPERATORS[settings.operator];
    for (const part of root.querySelectorAll("[data-for]"))
      part.hidden = !part.dataset.for.split(" ").includes(operator);
    for (const part of root.querySelectorAll("[data-padding]"))
      part.hidden = part.dataset.padding !== explorer.PADDINGS[settings.padding];
  }

  // Settings that don't matter now are not a reason to refuse the others.
  function relevant() {
    const now = { ...settings }, { first } = core;
    const reset = (...names) => names.forEach((name) => { now[name] = first[name]; });
    if (explorer.PADDINGS[now.padding] !== "explicit")
      reset("before_rows", "after_rows", "before_columns", "after_columns");
    if (explorer.OPERATORS[now.operator] !== "tiled") reset("period_rows", "period_columns");
    return now;
  }

  // What the settings give, and why not if they are refused.
  function tried() {
    const now = relevant();
    const unread = Object.keys(now).find((name) => Number.isNaN(now[name]));
    if (unread) return { reason: `${words.LABELS[unread]} must be an integer.`, advice: "" };
    const found = core.run(now);
    return found.status === "fits" ? { found }
      : { ...found, ...words.refusal(now, found, core.ranges) };
  }

  // Changes settings, all of them in range, until they go together; returns what it changed.
  function repair() {
    const told = [];
    for (let fault = tried(); !fault.found && fault.status !== "failed"; fault = tried()) {
      const { axis } = fault;
      let instead;
      if (fault.status === "empty window") { // without padding no window is empty
        settings.padding = explorer.PADDINGS.indexOf("valid");
        instead = "No padding";
      } else if (settings[`dilation_${axis}`] > 1) {
        settings[`dilation_${axis}`] = 1;
        instead = `A dilation of 1 of the ${axis}`;
      } else { // too large without a dilation: larger than the input
        settings[`kernel_${axis}`] = settings[`input_${axis}`];
        instead = `A kernel with as many ${axis} as the input`;
      }
      told.push(`${fault.reason} ${instead} is taken instead.`);
    }
    return told;
  }

  // Where the form's settings are refused, what was shown before stays, and is said to.
  function compute(where = { row: 0, column: 0 }) {
    stop();
    fitForm();
    const { found, status, reason, advice } = tried();
    if (found) result = found;
    else if (result && status !== "failed")
      result = core.run({ ...result.settings, seed: settings.seed });
    for (const field of form.elements)
      if (field.type === "number")
        field.setAttribute("aria-invalid", !field.validity.valid || field.value === "");
    say("error", reason && [reason, advice, result && "Shown is still what was set before."]
      .filter(Boolean).join(" "));
    shown.classList.toggle("is-before", !found);
    shown.hidden = !result;
    if (!result) return true;
    view.draw(result);
    const { outputs_rows: rows, outputs_columns: columns } = result.facts;
    const there = where.row >= 0 && where.row < rows && where.column >= 0 && where.column < columns;
    at = there ? where : { row: 0, column: 0 };
    show();
    return there;
  }

  // --- the window -------------------------------------------------------------------------------

  const number = () => at.row * result.facts.outputs_columns + at.column;

  function show() {
    const look = core.look(result, at.row, at.column);
    view.show(at, look);
    find("sentence").textContent = words.sentence(result, at, look);
    if (result.operator === "tiled") view.mark(core.trace(result, "output", at.row, at.column));
    const last = number() === result.output.length - 1;
    for (const [name, off] of [["first", number() === 0], ["back", number() === 0],
                               ["forward", last], ["last", last]])
      buttons[name].setAttribute("aria-disabled", off);
  }

  function moveTo(row, column) {
    at = { row, column };
    show();
    writeLink();
  }

  function step(to) {
    const columns = result.facts.outputs_columns;
    const next = Math.min(Math.max(to, 0), result.output.length - 1);
    if (next !== number()) moveTo(Math.floor(next / columns), next % columns);
  }

  function pick(what, ...where) {
    stop();
    const trace = core.trace(result, what, ...where);
    view.mark(trace);
    find("sentence").textContent = words.traced(result, trace);
  }

  // --- the player -------------------------------------------------------------------------------

  function stop() {
    clearInterval(timer);
    timer = undefined;
    buttons.play.textContent = "Play";
    buttons.play.setAttribute("aria-pressed", "false");
    find("sentence").setAttribute("aria-live", "polite");
  }

  function play() {
    if (timer) {
      stop();
      return;
    }
    if (number() === result.output.length - 1) step(0);
    buttons.play.textContent = "Pause";
    buttons.play.setAttribute("aria-pressed", "true");
    find("sentence").setAttribute("aria-live", "off"); // nobody can listen that fast
    timer = setInterval(() => {
      step(number() + 1);
      if (number() === result.output.length - 1) stop();
    }, STEP);
  }

  const MOVES = {
    first: () => step(0),
    back: () => step(number() - 1),
    forward: () => step(number() + 1),
    last: () => step(result.output.length - 1),
    numbers: () => {
      settings.seed = settings.seed === core.ranges.seed.most ? 0 : settings.seed + 1;
      compute(at);
      writeLink();
    },
    reset: () => {
      settings = { ...core.first };
      say("link");
      fillForm();
      compute();
      writeLink();
    },
  };

  // --- the link ---------------------------------------------------------------------------------

  function writeLink() {
    clearTimeout(writing);
    writing = setTimeout(() => {
      history.replaceState(null, "", `#${explorer.link.write(result.settings, at, core.first)}`);
    }, 200); // browsers object to many a second
  }

  // Headings of the page have links too: a fragment without "=" is none of ours.
  function readLink(hash = location.hash) {
    const fragment = hash.slice(1);
    if (!fragment.includes("=")) return false;
    const { problems, ...found } = explorer.link.parse(fragment, core.first, core.ranges);
    clearTimeout(writing);
    settings = found.settings;
    problems.push(...repair());
    fillForm();
    if (!compute(found.at))
      problems.push(`There is no output ${words.place(found.at.row, found.at.column)}; ` +
                    "the first is taken instead.");
    say("link", problems.length && `The link has a fault. ${problems.join(" ")}`);
    return true;
  }

  function listen() {
    form.addEventListener("submit", (event) => event.preventDefault());
    form.addEventListener("input", (event) => {
      const before = result;
      readForm();
      if (event.target.name === "padding" && event.target.value === "explicit" && before) {
        for (const axis of ["rows", "columns"]) // begin with the padding that there was
          for (const side of ["before", "after"])
            settings[`${side}_${axis}`] = Math.min(before.facts[`padded_${side}_${axis}`],
                                                   core.ranges[`${side}_${axis}`].most);
        fillForm();
      }
      say("link");
      compute();
      writeLink();
    });
    for (const [name, button] of Object.entries(buttons))
      button.addEventListener("click", () => {
        if (name === "play") {
          play();
          return;
        }
        stop();
        MOVES[name]();
      });
    shown.addEventListener("keydown", (event) => {
      if (event.altKey || event.ctrlKey || event.metaKey) return; // the browser's own
      const inGrid = event.target.matches("td");
      const onButton = event.target.matches("[data-move]");
      const keys = { ArrowLeft: "back", ArrowRight: "forward", Home: "first", End: "last" };
      const columns = result.facts.outputs_columns;
      if (event.key === " " && inGrid) play();
      else if (event.key === "Escape") {
        stop();
        show();
      } else if (onButton && event.key in keys) MOVES[keys[event.key]]();
      else if (onButton && event.key === "ArrowUp" && at.row > 0) step(number() - columns);
      else if (onButton && event.key === "ArrowDown" && at.row < result.facts.outputs_rows - 1)
        step(number() + columns);
      else return;
      event.preventDefault();
    });
    const follow = (event) => {
      // Where the address changed to: writeLink() may have changed it again since.
      const hash = event.newURL ? new URL(event.newURL).hash : location.hash;
      if (readLink(hash)) root.scrollIntoView({ block: "start" });
    };
    window.addEventListener("hashchange", follow);
    document.addEventListener("click", (event) => {
      // A link to where the address already is changes nothing, though the form may have changed.
      const link = event.target.closest('a[href^="#"]');
      if (link && link.hash === location.hash) follow(event);
    });
  }

  async function start() {
    try {
      core = await explorer.Core.load(explorer.wasm);
    } catch (error) {
      find("none").hidden = false;
      return;
    }
    view = new explorer.View({ to: (row, column) => { stop(); moveTo(row, column); }, pick });
    settings = { ...core.first };
    for (const field of form.elements)
      if (field.type === "number")
        Object.assign(field, { min: core.ranges[field.name].least,
                               max: core.ranges[field.name].most, step: 1, required: true });
    listen();
    form.hidden = false;
    if (!readLink()) {
      fillForm();
      compute();
    }
    root.dataset.ready = "true";
  }

  start();
});

// The explorer: ties the form, the keys, the link and the player to the numbers and their pictures.
"use strict";

// Embedded in another page, the explorer is all that is shown.
if (new URLSearchParams(location.search).has("embed"))
  document.documentElement.classList.add("explorer-embed");

document.addEventListener("DOMContentLoaded", () => {
  const { words, labels } = explorer;
  const find = (id) => document.getElementById(`explorer-${id}`);
  const root = find("root");
  const form = root.querySelector("form");
  const shown = root.querySelector(".explorer-shown"), more = root.querySelector(".explorer-more");
  const buttons = Object.fromEntries(
    [...root.querySelectorAll("[data-move]")].map((button) => [button.dataset.move, button]));
  const STEP = 600; // milliseconds that a window stays while playing
  const LISTS = { operator: explorer.OPERATORS, padding: explorer.PADDINGS,
                  input_preset: explorer.INPUTS, kernel_preset: explorer.KERNELS };
  const FIRST = { channel: 0, row: 0, column: 0 };

  const values = new explorer.Values();
  let core, view, editor, share, settings, result, at, timer, writing, shades = false;
  let into = 0; // the input channel that is shown: one that the current output sees

  const say = (id, message) => {
    find(id).hidden = !message;
    find(id).textContent = message || "";
  };

  // --- settings ---------------------------------------------------------------------------------

  const fields = () => [...form.elements].filter((field) => field.name);

  function fillForm() {
    for (const field of fields()) {
      if (field.type === "checkbox") field.checked = settings[field.name] === 1;
      else if (field.name in LISTS) field.value = LISTS[field.name][settings[field.name]];
      else field.value = settings[field.name];
    }
  }

  function readForm() {
    for (const field of fields()) {
      if (field.type === "checkbox") settings[field.name] = field.checked ? 1 : 0;
      else if (field.name in LISTS) settings[field.name] = LISTS[field.name].indexOf(field.value);
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
    buttons.gradient.setAttribute("aria-pressed", settings.gradient === 1);
  }

  // Settings that don't matter now are not a reason to refuse the others.
  function relevant() {
    const now = { ...settings }, { first } = core;
    const reset = (...names) => names.forEach((name) => { now[name] = first[name]; });
    if (explorer.PADDINGS[now.padding] !== "explicit")
      reset("before_rows", "after_rows", "before_columns", "after_columns");
    const operator = explorer.OPERATORS[now.operator];
    if (operator !== "tiled") reset("period_rows", "period_columns");
    if (explorer.isPool(operator)) reset("channels_out");
    if (!explorer.isGrouped(operator)) reset("groups");
    return now;
  }

  // What the settings give, and why not if they are refused.
  function tried() {
    const now = relevant();
    const unread = Object.keys(now).find((name) => Number.isNaN(now[name]));
    if (unread) return { reason: words.integer(unread), advice: "" };
    const found = core.run(now, values);
    return found.status === "fits" ? { found }
      : { ...found, ...words.refusal(now, found, core.ranges) };
  }

  // Changes settings, all of them in range, until they go together; returns what it changed.
  function repair() {
    const told = [];
    for (let fault = tried(); !fault.found && fault.status !== "failed"; fault = tried()) {
      const { axis } = fault;
      let changed;
      if (fault.status === "undivided") {
        settings.groups = 1;
        changed = words.instead.groups();
      } else if (fault.status === "too many weights") {
        settings.channels_in = settings.channels_out = 1;
        changed = words.instead.channels();
      } else if (["empty window", "no output"].includes(fault.status)) { // neither is without padding
        settings.padding = explorer.PADDINGS.indexOf("valid");
        changed = words.instead.padding();
      } else if (fault.status === "too many" && settings[`stride_${axis}`] > 1) {
        settings[`stride_${axis}`] = 1;
        changed = words.instead.stride(axis);
      } else if (settings[`dilation_${axis}`] > 1) {
        settings[`dilation_${axis}`] = 1;
        changed = words.instead.dilation(axis);
      } else { // too large without a dilation: larger than the input
        settings[`kernel_${axis}`] = settings[`input_${axis}`];
        changed = words.instead.kernel(axis);
      }
      told.push(`${fault.reason} ${words.taken(changed)}`);
    }
    return told;
  }

  // Where the form's settings are refused, what was shown before stays, and is said to. The window
  // stays where it is if there is such an output. Returns whether there is.
  function compute(where = at || FIRST) {
    stop();
    fitForm();
    const { found, status, reason, advice } = tried();
    if (found) result = found;
    else if (result && status !== "failed") {
      const { seed, gradient } = settings;
      result = core.run({ ...result.settings, seed, gradient }, values);
    }
    for (const field of fields())
      if (field.type === "number")
        field.setAttribute("aria-invalid", !field.validity.valid || field.value === "");
    say("error", reason && [reason, advice, result && words.before].filter(Boolean).join(" "));
    for (const part of [shown, more]) {
      part.classList.toggle("is-before", !found);
      part.hidden = !result;
    }
    if (!result) return true;
    view.draw(result, shades);
    const { channels_out: channels, outputs_rows: rows, outputs_columns: columns } = result.facts;
    const there = [[where.channel, channels], [where.row, rows], [where.column, columns]]
      .every(([index, count]) => index >= 0 && index < count);
    at = there ? where : FIRST;
    show();
    share.show(result);
    return there;
  }

  // --- the window -------------------------------------------------------------------------------

  const number = () => explorer.format.indexOf(result, at);

  function show() {
    const { seen } = result.facts, firstSeen = core.firstSeen(at.channel);
    if (into < firstSeen || into >= firstSeen + seen) into = firstSeen;
    const look = core.look(result, at);
    const back = result.settings.gradient ? core.back(result, at) : undefined;
    view.show(at, into, look, back);
    find("sentence").textContent = (back ? words.backward : words.sentence)(result, at, look);
    find("sum").textContent = back ? "" : explorer.format.sum(result, at, look);
    const last = number() === result.output.length - 1;
    for (const [name, off] of [["first", number() === 0], ["back", number() === 0],
                               ["forward", last], ["last", last]])
      buttons[name].setAttribute("aria-disabled", off);
  }

  function moveTo(channel, row, column) {
    at = { channel, row, column };
    show();
    writeLink();
  }

  function step(to) {
    const { outputs_rows: rows, outputs_columns: columns } = result.facts;
    const next = Math.min(Math.max(to, 0), result.output.length - 1);
    if (next === number()) return;
    const row = Math.floor(next / columns);
    moveTo(Math.floor(row / rows), row % rows, next % columns);
  }

  // Another channel is shown. Where the current output doesn't see an input channel, the first output
  // channel that does comes with it.
  function turn(what, channel) {
    stop();
    editor.close();
    if (what === "output") {
      moveTo(channel, at.row, at.column);
      return;
    }
    const first = core.firstSeeing(channel), { seeing } = result.facts;
    const sees = at.channel >= first && at.channel < first + seeing;
    into = channel;
    moveTo(sees ? at.channel : first, at.row, at.column);
  }

  // Rings around what belongs to a cell, a weight or an output.
  function mark(what, ...where) {
    const trace = core.trace(result, what, ...where);
    view.mark(trace);
    if (what !== "output")
      find("sentence").textContent =
        (result.settings.gradient ? words.gathered : words.traced)(result, trace);
  }

  function pick(what, ...where) {
    stop();
    if (what === "weight" && !explorer.isPool(result.operator)) {
      const { into: channel } = result.between(where[0]);
      if (channel !== into) { // the channel on which this weight lies
        into = channel;
        show();
      }
    }
    mark(what, ...where);
    editor.open(what, where);
  }

  // An output: the window goes there.
  function pickOutput(...where) {
    stop();
    moveTo(...where);
    if (result.operator === "tiled") mark("output", ...where);
    if (result.settings.gradient) editor.open("output", where);
    else editor.close();
  }

  // A value was changed: everything is computed again, and the rings come back.
  function change(what, where) {
    compute();
    if (what !== "output" || result.operator === "tiled") mark(what, ...where);
    writeLink();
  }

  // --- the player -------------------------------------------------------------------------------

  function stop() {
    clearInterval(timer);
    timer = undefined;
    buttons.play.textContent = labels.play;
    buttons.play.setAttribute("aria-pressed", "false");
    find("sentence").setAttribute("aria-live", "polite");
  }

  function play() {
    if (timer) {
      stop();
      return;
    }
    if (number() === result.output.length - 1) step(0);
    buttons.play.textContent = labels.pause;
    buttons.play.setAttribute("aria-pressed", "true");
    find("sentence").setAttribute("aria-live", "off"); // nobody can listen that fast
    timer = setInterval(() => {
      step(number() + 1);
      if (number() === result.output.length - 1) stop();
    }, STEP);
  }

  function setAnew() {
    editor.close();
    compute();
    writeLink();
  }

  const MOVES = {
    first: () => step(0),
    back: () => step(number() - 1),
    forward: () => step(number() + 1),
    last: () => step(result.output.length - 1),
    gradient: () => {
      settings.gradient = 1 - settings.gradient;
      setAnew();
    },
    numbers: () => {
      settings.seed = settings.seed === core.ranges.seed.most ? 0 : settings.seed + 1;
      settings.input_preset = core.first.input_preset;
      settings.kernel_preset = core.first.kernel_preset;
      for (const name of ["input_preset", "kernel_preset"])
        form.elements[name].value = LISTS[name][settings[name]];
      result.settings = { ...result.settings, input_preset: settings.input_preset,
                          kernel_preset: settings.kernel_preset };
      values.clear();
      setAnew();
    },
    reset: () => {
      settings = { ...core.first };
      at = FIRST;
      values.clear();
      say("link");
      fillForm();
      setAnew();
    },
  };

  // --- the link ---------------------------------------------------------------------------------

  const fragment = () => explorer.link.write(result, values, at, core.first);

  function writeLink() {
    clearTimeout(writing);
    writing = setTimeout(() => {
      try {
        history.replaceState(null, "", `#${fragment()}`);
      } catch (error) { // a frame whose page is given as text has no address
        if (error.name !== "SecurityError") throw error;
      }
    }, 200); // browsers object to many a second
  }

  // Headings of the page have links too: a fragment without "=" is none of ours.
  function readLink(hash = location.hash) {
    const text = hash.slice(1);
    if (!text.includes("=")) return false;
    const { problems, lists, ...found } = explorer.link.parse(text, core.first, core.ranges);
    clearTimeout(writing);
    settings = found.settings;
    values.clear();
    editor.close();
    problems.push(...repair());
    const { found: plan } = tried(); // whose sizes say how many numbers each list should have
    for (const [name, { key, values: list }] of Object.entries(lists)) {
      const expected = plan && values.setAll(name, list, plan.settings, plan.facts);
      if (expected !== undefined) problems.push(words.link.count(key, list.length, expected));
    }
    fillForm();
    if (!compute(found.at))
      problems.push(words.link.noOutput(found.at));
    say("link", problems.length && words.link.fault(problems));
    return true;
  }

  // --- what the reader does ---------------------------------------------------------------------

  function onForm(event) {
    const before = result, { name } = event.target;
    if (!name) return;
    readForm();
    if (name === "padding" && event.target.value === "explicit" && before) {
      for (const axis of ["rows", "columns"]) // begin with the padding that there was
        for (const side of ["before", "after"])
          settings[`${side}_${axis}`] = Math.min(before.facts[`padded_${side}_${axis}`],
                                                 core.ranges[`${side}_${axis}`].most);
      fillForm();
    }
    if (name === "input_preset") values.clear("input");
    if (name === "kernel_preset") values.clear("weights");
    say("link");
    setAnew();
  }

  function onKey(event) {
    if (event.altKey || event.ctrlKey || event.metaKey) return; // the browser's own
    const inGrid = event.target.matches("td");
    const onButton = event.target.matches("[data-move]");
    const keys = { ArrowLeft: "back", ArrowRight: "forward", Home: "first", End: "last" };
    const columns = result.facts.outputs_columns;
    if (event.key === " " && inGrid) play();
    else if (event.key === "Escape" && !event.target.matches("input")) {
      stop();
      editor.close();
      show();
    } else if (onButton && event.key in keys) MOVES[keys[event.key]]();
    else if (onButton && event.key === "ArrowUp" && at.row > 0) step(number() - columns);
    else if (onButton && event.key === "ArrowDown" && at.row < result.facts.outputs_rows - 1)
      step(number() + columns);
    else return;
    event.preventDefault();
  }

  async function onPicture(event) {
    const [file] = event.target.files;
    if (!file) return;
    try {
      await values.draw(file, result.settings);
      shades = find("shade").checked = true;
      setAnew();
    } catch (error) {
      say("error", words.edit.picture);
    }
  }

  function listen() {
    form.addEventListener("submit", (event) => event.preventDefault());
    form.addEventListener("input", onForm);
    find("picture").addEventListener("change", onPicture);
    find("shade").addEventListener("change", (event) => {
      shades = event.target.checked;
      setAnew();
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
    shown.addEventListener("keydown", onKey);
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
    view = new explorer.View({ to: pickOutput, pick, turn,
                               type: (letter, what, ...where) =>
                                 editor.type(letter, what, where) });
    editor = new explorer.Editor({ values, view, change, now: () => result });
    share = new explorer.Share(fragment);
    settings = { ...core.first };
    for (const field of fields())
      if (field.type === "number")
        Object.assign(field, { min: core.ranges[field.name].least,
                               max: core.ranges[field.name].most, step: 1, required: true });
    listen();
    form.hidden = false;
    const linked = readLink(location.hash || `#${root.dataset.fragment || ""}`);
    if (!linked) {
      fillForm();
      compute();
    }
    root.dataset.ready = "true";
    if (linked && location.hash) root.scrollIntoView({ block: "start" });
  }

  start();
});

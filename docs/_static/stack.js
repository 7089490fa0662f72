// The stack of layers: ties the form, the picture and the link to the arithmetic.
"use strict";

document.addEventListener("DOMContentLoaded", () => {
  const { words, RANGES, FIELDS, KINDS, MOST_LAYERS, learns } = stack;
  const find = (id) => document.getElementById(`stack-${id}`);
  const root = find("root"), form = find("form");

  const layer = (kind, kernel, stride, dilation, padding, channels = 1) =>
    ({ kind, kernel, stride, dilation, padding, channels });
  const vgg = (channels) => layer("conv", 3, 1, 1, 1, channels), half = layer("max", 2, 2, 1, 0);
  const PRESETS = {
    lenet5: { n: 32, channels: 1, layers: [
      layer("conv", 5, 1, 1, 0, 6), layer("average", 2, 2, 1, 0), layer("conv", 5, 1, 1, 0, 16),
      layer("average", 2, 2, 1, 0), layer("conv", 5, 1, 1, 0, 120), layer("conv", 1, 1, 1, 0, 84)] },
    vgg: { n: 224, channels: 3, layers: [vgg(64), vgg(64), half, vgg(128), vgg(128), half] },
    dilated: { n: 64, channels: 1, layers: [1, 2, 4, 8, 16].map((d) => layer("conv", 2, 1, d, 0, 8)) },
    encoder: { n: 32, channels: 3, layers: [
      layer("conv", 3, 2, 1, 1, 16), layer("conv", 3, 2, 1, 1, 32), layer("conv", 3, 1, 1, 1, 32),
      layer("transposed", 4, 2, 1, 1, 16), layer("transposed", 4, 2, 1, 1, 3)] },
  };

  let settings, pick, found, writing, results = [];

  function element(name, properties = {}, ...children) {
    const made = Object.assign(document.createElement(name), properties);
    made.append(...children);
    return made;
  }

  function say(text) {
    find("fault").hidden = !text;
    find("fault").textContent = text || "";
  }

  // --- the form ---------------------------------------------------------------------------------

  const ownerOf = (l) => (l ? settings.layers[l - 1] : settings);

  function number(name, l) {
    const [min, max] = RANGES[name];
    const field = element("input", { type: "number", min, max, step: 1, required: true,
                                     value: ownerOf(l)[name] });
    field.addEventListener("input", () => {
      ownerOf(l)[name] = /^\d{1,4}$/.test(field.value) ? Number(field.value) : NaN;
      compute();
    });
    field.dataset.name = `${name}${l}`;
    return element("label", {}, `${words.LABELS[name]} `, field);
  }

  function button(text, label, act) {
    const made = element("button", { type: "button", textContent: text });
    if (label !== text) made.setAttribute("aria-label", label);
    made.addEventListener("click", act);
    return made;
  }

  function kindOf(l) {
    const one = settings.layers[l - 1];
    const select = element("select", {}, ...KINDS.map((kind) =>
      element("option", { value: kind, textContent: words.KINDS[kind], selected: kind === one.kind })));
    select.dataset.name = `kind${l}`;
    select.addEventListener("change", () => {
      one.kind = select.value;
      build();
      form.querySelector(`[data-name=kind${l}]`).focus();
    });
    return element("label", {}, `${words.kind} `, select);
  }

  // The form anew: after layers came, went or changed their kind.
  function build() {
    const input = element("fieldset", {}, element("legend", { textContent: words.input }),
                          number("n", 0), number("channels", 0));
    results = [];
    const layers = settings.layers.map((one, i) => {
      const l = i + 1, names = FIELDS.filter((name) => name !== "channels" || learns(one.kind));
      const list = element("dl");
      results.push(Object.fromEntries(Object.entries(words.results).map(([name, label]) => {
        const value = element("dd");
        value.dataset.result = name;
        list.append(element("div", {}, element("dt", { textContent: label }), value));
        return [name, value];
      })));
      return element("fieldset", {}, element("legend", { textContent: words.layer(l) }), kindOf(l),
        ...names.map((name) => number(name, l)), list, button(words.remove, words.removeLayer(l), () => {
          settings.layers.splice(i, 1);
          build();
          form.querySelector("button:last-of-type").focus();
        }));
    });
    const add = button(words.add, words.add, () => {
      settings.layers.push(layer("conv", 3, 1, 1, 1, 8));
      build();
      form.querySelector(`[data-name=kind${settings.layers.length}]`).focus();
    });
    add.hidden = settings.layers.length === MOST_LAYERS;
    for (const made of form.querySelectorAll(":scope > *")) made.remove();
    form.append(input, ...layers, element("p", { id: "stack-total" }), add);
    for (const one of form.querySelectorAll("fieldset > button"))
      one.hidden = settings.layers.length === 1;
    compute();
  }

  // --- numbers and picture ----------------------------------------------------------------------

  // The first number that is none or out of range, said in words.
  function outOfRange() {
    for (let l = 0; l <= settings.layers.length; l++)
      for (const name of l ? FIELDS : ["n", "channels"]) {
        const value = ownerOf(l)[name], [least, most] = RANGES[name];
        if (!(value >= least && value <= most)) return words.range(name, RANGES[name], l);
      }
    return undefined;
  }

  function compute() {
    let wrong = outOfRange();
    const now = wrong ? {} : stack.analyse(settings);
    if (now.fault) wrong = words.fault(now.fault);
    for (const field of form.querySelectorAll("input"))
      field.setAttribute("aria-invalid", !field.validity.valid);
    say(wrong && `${wrong} ${words.kept}`);
    find("shown").classList.toggle("is-before", !!wrong);
    if (wrong) {
      for (const values of results) for (const value of Object.values(values)) value.textContent = "";
      find("total").textContent = "";
      return;
    }
    found = { ...now, layers: now.layers.map((one) => ({ ...one })) };
    now.rows.forEach((row, i) => {
      const show = { size: words.size(row.n, row.channels), field: words.field(row.field),
                     jump: words.jump(row.jump), parameters: words.count(row.parameters),
                     multiplyAdds: words.count(row.multiplyAdds) };
      for (const [name, text] of Object.entries(show)) results[i][name].textContent = text;
    });
    const sum = (name) => now.rows.reduce((all, row) => all + row[name], 0);
    find("total").textContent = words.total(sum("parameters"), sum("multiplyAdds"));
    show();
  }

  // Takes the pick to one that there is, and draws.
  function show() {
    const most = found.maps.length - 1;
    pick.layer = pick.layer >= 0 ? Math.min(pick.layer, most) : most;
    const { n } = found.maps[pick.layer];
    pick.unit = pick.unit >= 0 ? Math.min(pick.unit, n - 1) : Math.floor(n / 2);
    const cells = stack.trace(found, pick.layer - 1, pick.unit)[0];
    const [map, unit] = find("pick").querySelectorAll("select, input");
    map.replaceChildren(...found.maps.map((_, m) => element(
      "option", { value: m, textContent: words.names(m), selected: m === pick.layer })));
    Object.assign(unit, { max: n - 1 });
    if (document.activeElement !== unit) unit.value = pick.unit;
    find("sentence").textContent =
      words.sentence(pick.layer, pick.unit, cells.length, cells[0], cells.at(-1), found.maps[0].n);
    picture();
    writeLink();
  }

  function picture() {
    const image = stack.draw(found, pick.layer, pick.unit, find("picture").clientWidth,
                             found.maps.map((_, m) => words.names(m)),
                             (m, unit) => { pick = { layer: m, unit }; show(); });
    image.setAttribute("aria-label", words.picture(pick.layer, pick.unit));
    find("picture").replaceChildren(image);
  }

  function buildPick() {
    const map = element("select"), unit = element("input", { type: "number", min: 0, step: 1 });
    map.addEventListener("change", () => {
      pick = { layer: Number(map.value), unit: NaN };
      show();
    });
    unit.addEventListener("input", () => {
      if (unit.value === "" || !(unit.valueAsNumber >= 0)) return;
      pick.unit = Math.floor(unit.valueAsNumber);
      show();
    });
    unit.addEventListener("blur", () => { unit.value = pick.unit; });
    find("pick").append(element("label", {}, `${words.map} `, map),
                        element("label", {}, `${words.unit} `, unit));
  }

  // --- the link ---------------------------------------------------------------------------------

  function writeLink() {
    clearTimeout(writing);
    writing = setTimeout(() => {
      history.replaceState(null, "", `#${stack.link.write(settings, pick)}`);
    }, 200); // browsers object to many a second
  }

  function take(stackOf, where) {
    settings = structuredClone(stackOf);
    pick = where;
    build();
  }

  // Headings of the page have links too: a fragment without "=" is none of ours.
  function readLink() {
    const fragment = location.hash.slice(1);
    if (!fragment.includes("=")) return false;
    clearTimeout(writing);
    const read = stack.link.parse(fragment);
    const fits = read && !stack.analyse(read.settings).fault;
    if (fits) take(read.settings, read.pick);
    else take(PRESETS.lenet5, {});
    if (!fits) say(words.link);
    return true;
  }

  for (const note of document.querySelectorAll(".walk-none")) note.hidden = true;
  root.hidden = false;
  find("presets").setAttribute("aria-label", words.presets);
  find("presets").append(...Object.entries(PRESETS).map(([name, preset]) =>
    button(words.PRESETS[name], words.PRESETS[name], () => take(preset, {}))));
  form.addEventListener("submit", (event) => event.preventDefault());
  buildPick();
  window.addEventListener("hashchange", readLink);
  new ResizeObserver(() => picture()).observe(find("picture"));
  if (!readLink()) take(PRESETS.lenet5, {});
  root.dataset.ready = "true";
});

// A stack as the fragment of an address, and back:
// n=32&c=1&layers=conv:5:1:1:0:6,average:2:2:1:0&at=2:7
"use strict";

(() => {
  const { KINDS, FIELDS, RANGES, MOST_LAYERS, learns } = stack;
  const within = (value, name) => value >= RANGES[name][0] && value <= RANGES[name][1];
  const fieldsOf = (kind) => FIELDS.filter((name) => name !== "channels" || learns(kind));

  function integer(text) {
    return /^\d{1,4}$/.test(text) ? Number(text) : NaN;
  }

  function write({ n, channels, layers }, pick) {
    const texts = layers.map((layer) =>
      [layer.kind, ...fieldsOf(layer.kind).map((name) => layer[name])].join(":"));
    return `n=${n}&c=${channels}&layers=${texts.join(",")}&at=${pick.layer}:${pick.unit}`;
  }

  function readLayer(text) {
    const [kind, ...numbers] = text.split(":");
    if (!KINDS.includes(kind)) return undefined;
    const names = fieldsOf(kind), values = numbers.map(integer);
    if (values.length !== names.length || !names.every((name, i) => within(values[i], name)))
      return undefined;
    return { kind, channels: 1, ...Object.fromEntries(names.map((name, i) => [name, values[i]])) };
  }

  // { settings, pick } of a fragment without its "#", or undefined where it means no stack.
  function parse(fragment) {
    const parts = Object.fromEntries(fragment.split("&").map((part) => part.split("=")));
    const n = integer(parts.n), channels = integer(parts.c);
    const layers = (parts.layers || "").split(",").map(readLayer);
    const [layer, unit] = (parts.at || "").split(":").map(integer);
    if (!within(n, "n") || !within(channels, "channels") || layers.length > MOST_LAYERS ||
        layers.includes(undefined)) return undefined;
    return { settings: { n, channels, layers }, pick: { layer, unit } };
  }

  stack.link = { parse, write };
})();

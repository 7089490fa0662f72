// The arithmetic of a stack of layers: sizes, receptive fields, parameters, multiply-adds. Rows and
// columns are alike, so one axis is enough. The tests compare it with convcore.geometry.
"use strict";

window.stack = window.stack || {};

(() => {
  const KINDS = ["conv", "max", "average", "transposed"];
  const FIELDS = ["kernel", "stride", "dilation", "padding", "channels"];
  const RANGES = { n: [1, 256], channels: [1, 512], kernel: [1, 11], stride: [1, 4],
                   dilation: [1, 32], padding: [0, 32] };
  const MOST_LAYERS = 6, MOST_CELLS = 1024;
  const learns = (kind) => kind === "conv" || kind === "transposed";
  const span = ({ kernel, dilation }) => dilation * (kernel - 1) + 1;

  function outputs(n, layer) {
    return layer.kind === "transposed"
      ? (n - 1) * layer.stride + span(layer) - 2 * layer.padding
      : Math.floor((n + 2 * layer.padding - span(layer)) / layer.stride) + 1;
  }

  // The cells, in order, that the outputs `cells` of a layer see; those in the padding have indices
  // below 0 or from n on.
  function below(layer, cells) {
    const { kind, kernel, stride, dilation, padding } = layer, seen = new Set();
    for (const cell of cells)
      for (let tap = 0; tap < kernel; tap++) {
        if (kind !== "transposed") seen.add(cell * stride + tap * dilation - padding);
        // A transposed layer spreads input i over the outputs i * stride + tap * dilation - padding.
        else if ((cell + padding - tap * dilation) % stride === 0)
          seen.add((cell + padding - tap * dilation) / stride);
      }
    return [...seen].sort((a, b) => a - b);
  }

  // The cells of the input and of each map up to layer `last` (-1: the input) that its output
  // `unit` depends on, the padding's left out.
  function trace(found, last, unit) {
    const cells = [[unit]];
    for (let l = last; l >= 0; l--)
      cells.unshift(below(found.layers[l], cells[0])
        .filter((cell) => cell >= 0 && cell < found.maps[l].n));
    return cells;
  }

  // The least and the most cells from the first to the last that an output of the last layer sees,
  // padding included. Behind a transposed layer with a stride outputs differ; they repeat after as
  // many as its stride.
  function extents(layers) {
    const period = layers.reduce((all, { kind, stride }) =>
      (kind === "transposed" ? all * stride : all), 1);
    const found = Array.from({ length: period }, (_, unit) => {
      const cells = layers.reduceRight((outer, layer) => below(layer, outer), [unit]);
      return cells.length ? cells.at(-1) - cells[0] + 1 : 0;
    });
    return [Math.min(...found), Math.max(...found)];
  }

  const divisor = (a, b) => (b ? divisor(b, a % b) : a);

  // What is wrong with a layer for a map of n cells a side, or undefined.
  function fault(n, layer) {
    const size = outputs(n, layer);
    if (size < 1)
      return layer.kind === "transposed" ? { why: "nothing" }
        : { why: "small", span: span(layer), n, padded: n + 2 * layer.padding };
    if (size > MOST_CELLS) return { why: "large", size };
    if (learns(layer.kind)) return undefined;
    for (let o = 0; o < size; o++)
      if (!below(layer, [o]).some((cell) => cell >= 0 && cell < n)) return { why: "empty", o };
    return undefined;
  }

  // { layers, maps, rows } of a stack, `maps[0]` being the input; or { fault } with the number of
  // the first layer that does not fit.
  function analyse({ n, channels, layers }) {
    const maps = [{ n, channels }], rows = [];
    let field = 1, jump = [1, 1], regular = true;
    for (const [l, layer] of layers.entries()) {
      const before = maps.at(-1), wrong = fault(before.n, layer);
      if (wrong) return { fault: { ...wrong, layer: l } };
      const size = outputs(before.n, layer);
      const learned = learns(layer.kind), out = learned ? layer.channels : before.channels;
      const weights = learned ? before.channels * out * layer.kernel ** 2 : 0;
      const places = layer.kind === "transposed" ? before.n : size;
      maps.push({ n: size, channels: out });
      regular &&= layer.kind !== "transposed" || layer.stride === 1;
      field += regular ? (span(layer) - 1) * jump[0] : 0;
      const [up, down] = layer.kind === "transposed" ? [1, layer.stride] : [layer.stride, 1];
      const common = divisor(jump[0] * up, jump[1] * down);
      jump = [(jump[0] * up) / common, (jump[1] * down) / common];
      rows.push({
        n: size, channels: out, jump,
        field: regular ? [field, field] : extents(layers.slice(0, l + 1)),
        parameters: learned ? weights + out : 0,
        multiplyAdds: weights * places ** 2,
      });
    }
    return { layers, maps, rows };
  }

  Object.assign(stack, { KINDS, FIELDS, RANGES, MOST_LAYERS, learns, analyse, trace });
})();

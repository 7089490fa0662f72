// What the stack says, in English.
"use strict";

window.stack = window.stack || {};

(() => {
  const count = (value) => value.toLocaleString("en-GB");
  const cells = (value) => `${count(value)} cell${value === 1 ? "" : "s"}`;
  const LABELS = { n: "rows and columns", channels: "channels", kernel: "kernel", stride: "stride",
                   dilation: "dilation", padding: "padding" };
  const FAULTS = {
    small: ({ span, n, padded }) => `the kernel does not fit. It spans ${cells(span)}; its map has ` +
      `${cells(n)} a side, ${padded} with padding.`,
    nothing: () => "the padding leaves no output. It cuts off cells of a transposed convolution.",
    large: ({ size }) => `the map would have ${count(size)} cells a side; at most 1,024 are shown.`,
    empty: ({ o }) => `window ${o} holds padding only, and a pooling of nothing has no value.`,
  };

  stack.words = {
    count, LABELS,
    KINDS: { conv: "convolution", max: "max pooling", average: "average pooling",
             transposed: "transposed convolution" },
    presets: "Presets",
    PRESETS: { lenet5: "LeNet-5", vgg: "Beginning of VGG-16", dilated: "Dilated stack",
               encoder: "Down and up again" },
    input: "Input",
    layer: (l) => `Layer ${l}`,
    kind: "kind",
    add: "Add a layer",
    remove: "Remove",
    removeLayer: (l) => `Remove layer ${l}`,
    results: { size: "map", field: "receptive field", jump: "jump", parameters: "parameters",
               multiplyAdds: "multiply-adds" },
    size: (n, channels) => `${count(channels)} \u00d7 ${n} \u00d7 ${n}`,
    field: ([least, most]) => (least === most ? `${count(least)} \u00d7 ${count(least)}`
      : `${count(least)} to ${count(most)} cells a side`),
    jump: ([up, down]) => (down === 1 ? count(up) : `${up}/${down}`),
    total: (parameters, multiplyAdds) => `All layers: ${count(parameters)} parameters, ` +
      `${count(multiplyAdds)} multiply-adds.`,
    map: "Picked map",
    unit: "Picked unit",
    names: (m) => (m ? `layer ${m}` : "input"),
    sentence: (m, unit, seen, first, last, n) => (m === 0
      ? `Input cell ${unit} is picked. Pick a unit of a layer to see what it depends on.`
      : !seen ? `Unit ${unit} of layer ${m} depends on no input cell.`
        : `Unit ${unit} of layer ${m} depends on ${cells(seen)} of the ${n} along each axis of the ` +
          `input, from ${first} to ${last}${last - first + 1 > seen ? ", with gaps" : ""}.`),
    picture: (m, unit) => `One row of cells for each map, the input at the bottom. Filled are the ` +
      `cells that unit ${unit} of ${m ? `layer ${m}` : "the input"} depends on.`,
    range: (name, [least, most], l) => `${l ? `Layer ${l}: ` : "Input: "}${LABELS[name]} must be from ` +
      `${least} to ${most}.`,
    fault: (wrong) => `Layer ${wrong.layer + 1}: ${FAULTS[wrong.why](wrong)}`,
    kept: "The picture is still of the settings before.",
    link: "The link describes no stack that can be shown. LeNet-5 is shown instead.",
  };
})();

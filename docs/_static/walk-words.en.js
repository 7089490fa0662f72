// What the walk says, in English.
"use strict";

window.walk = window.walk || {};

(() => {
  const number = (value, digits = 3) =>
    value.toFixed(digits).replace(/^-(?=[0.]*$)/, "").replace("-", "\u2212"); // 0 has no sign
  const percent = (share) => `${(100 * share).toFixed(share > 0.9995 || share < 0.0005 ? 0 : 1)} %`;
  const factor = (value) => (value < 0 ? `(${number(value)})` : number(value));
  const listed = (all) => (all.length < 2 ? all.join("")
    : `${all.slice(0, -1).join(", ")} and ${all.at(-1)}`);
  const maps = (count) => `${count} map${count === 1 ? "" : "s"}`;
  const TITLES = {
    image: "Image", C1: "C1: convolution", S2: "S2: subsampling", C3: "C3: convolution with a table",
    S4: "S4: subsampling", C5: "C5: convolution over the whole map", F6: "F6: fully connected",
    output: "Output: fully connected",
  };
  const ABOUT = {
    C1: "Each map has one kernel of 5 \u00d7 5 weights and a bias, and looks for one pattern " +
        "everywhere in the image.",
    S2: "Each output adds four cells of one map, times a weight, plus a bias: both belong to the map.",
    C3: "Each map sees only those maps of S2 that the table says. So the maps can't all learn the same.",
    S4: "As S2: four cells of one map, times its weight, plus its bias.",
    C5: "Each kernel is as large as the maps of S4, so each map has one unit. Each unit sees all 16 maps.",
    F6: "Each unit sees all 120 units of C5, with a weight of its own for each.",
    output: "One score for each digit. Softmax makes probabilities of the ten scores.",
  };

  walk.words = {
    number, percent, TITLES, ABOUT,
    draw: "Draw a digit",
    pad: "Drawing pad",
    keys: "Mouse and finger draw. With keys: the arrows move the pen, space puts it down or lifts it, " +
          "Delete clears.",
    clear: "Clear",
    examples: "Examples",
    example: (name) => `Example: ${name.replace("/", " or ")}`,
    sees: "What the network sees: 32 \u00d7 32 cells, centred",
    answer: "What it answers",
    digit: "digit",
    probability: "probability",
    network: "Network",
    path: "Where you are: each button zooms out to there",
    empty: "Nothing is drawn yet: draw a digit, or choose an example.",
    verdict: (digit, share, next, second) => `The network reads a ${digit}, with a probability of ` +
      `${percent(share)}. Next is ${next}, with ${percent(second)}.`,
    name: (name) => (name === "output" ? "output" : name),
    title: (name) => TITLES[name],
    size: ({ channels, size }) => (size === 1 ? `${channels} units`
      : `${maps(channels)} of ${size} \u00d7 ${size}`),
    map: (k) => `map ${k}`,
    unit: (k) => `unit ${k}`,
    cell: (r, c) => `output (${r}, ${c})`,
    term: (i) => `multiply-add ${i + 1}`,
    atNetwork: "The whole network, from the image to ten scores. Choose a layer to see its maps.",
    atLayer: (name) => `${ABOUT[name]} Choose one to zoom in.`,
    atMap: (name, k, before, seen) => `Map ${k} of ${name} sees ${seen.length === 1 ? "map" : "maps"} ` +
      `${listed(seen)} of ${before}. Choose an output to see its window.`,
    ofImage: (name, k) => `Map ${k} of ${name} sees the image. Choose an output to see its window.`,
    atCell: (r, c, value) => `Output (${r}, ${c}) is ${number(value)}.`,
    atWindow: (count) => `${count === 1 ? "One multiply-add makes" : `${count} multiply-adds make`} this ` +
      "output. Each cell shows value \u00d7 weight and the product. Choose one.",
    product: (term) => `${number(term.value)} \u00d7 ${factor(term.weight)} = ${number(term.product, 4)}`,
    atTerm: (i, count, term, before) => `Multiply-add ${i + 1} of ${count}: ${number(term.value)} ` +
      `\u00d7 ${factor(term.weight)} = ${number(term.product, 4)}. ` +
      `The sum was ${number(before, 4)} and is now ${number(term.sum, 4)}.`,
    sum: (look, squashed) => `bias ${number(look.bias)} + ${look.terms.length} products = ` +
      `${number(look.total)}${squashed ? `; f(${number(look.total)}) = 1.7159 tanh(2/3 \u00b7 ` +
      `${factor(look.total)}) = ${number(look.value)}` : ", the score"}`,
    windowOf: (name, k) => (name === "image" ? "Image" : `${name}, map ${k}`),
    units: (name) => `Units of ${name}`,
    heads: ["no.", "from", "value", "weight", "product", "sum so far"],
    bias: "bias",
    from: (name, term, single) => (name === "image" ? `(${term.row}, ${term.column})`
      : single ? `unit ${term.channel}` : `map ${term.channel} (${term.row}, ${term.column})`),
    table: "Table of connections: which maps of S2 (rows) each map of C3 (columns) sees",
    connected: "sees",
    terms: "All multiply-adds of this output, in order",
    mapLabel: (name, k, seen) => `${name}, map ${k}${seen ? `, sees maps ${listed(seen)}` : ""}`,
  };
})();

// The walk's numbers: loads the library's C code, compiled to WebAssembly, with the trained weights,
// and reads what it computed. Nothing is computed here.
"use strict";

window.walk = window.walk || {};

walk.NAMES = ["image", "C1", "S2", "C3", "S4", "C5", "F6", "output"];
walk.KINDS = ["input", "convolution", "subsampling", "dense"];

walk.Core = class {
  static async load(code, weights) {
    const bytes = (base64) => Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
    const { instance } = await WebAssembly.instantiate(bytes(code), {});
    return new walk.Core(instance.exports, bytes(weights));
  }

  constructor(exports, weights) {
    this.exports = exports;
    exports._initialize();
    new Uint8Array(exports.memory.buffer, exports.walk_packed(), weights.length).set(weights);
    exports.walk_load();
    this.layers = walk.NAMES.map((name, l) => {
      const [kind, channels, size, kernel, stride] =
        new Int32Array(exports.memory.buffer, exports.walk_shape(l), 5);
      return { name, kind: walk.KINDS[kind], channels, size, kernel, stride };
    });
  }

  // A copy: memory may grow, which takes views of it away.
  real(at, count) {
    return Array.from(new Float64Array(this.exports.memory.buffer, at, count));
  }

  clear() {
    this.exports.walk_clear();
  }

  line(x0, y0, x1, y1) {
    return this.exports.walk_line(x0, y0, x1, y1) === 1;
  }

  // Fits the drawing into the image and computes every layer. Returns whether something is drawn.
  run() {
    const drawn = this.exports.walk_draw() === 1;
    if (!this.exports.walk_run()) throw new Error("walk_run");
    this.values = this.layers.map(({ channels, size }, l) =>
      this.real(this.exports.walk_values(l), channels * size * size));
    this.probabilities = this.real(this.exports.walk_probabilities(), 10);
    return drawn;
  }

  map(l, k) {
    const cells = this.layers[l].size ** 2;
    return this.values[l].slice(k * cells, (k + 1) * cells);
  }

  // The channels of the layer before that a map sees.
  seen(l, k) {
    return this.layers[l - 1] ? [...Array(this.layers[l - 1].channels).keys()]
      .filter((c) => this.exports.walk_sees(l, k, c)) : [];
  }

  // The multiply-adds of one output, its bias, their total and what the squashing function makes
  // of it.
  look(l, k, row, column) {
    const count = this.exports.walk_look(l, k, row, column);
    const numbers = this.real(this.exports.walk_terms(), 7 * count);
    const terms = Array.from({ length: count }, (_, i) => {
      const [channel, r, c, value, weight, product, sum] = numbers.slice(7 * i, 7 * i + 7);
      return { channel, row: r, column: c, value, weight, product, sum };
    });
    return { terms, bias: this.exports.walk_bias(l, k), total: this.exports.walk_total(),
             value: this.values[l][(k * this.layers[l].size + row) * this.layers[l].size + column] };
  }
};

// The explorer's numbers: loads the library's C code, compiled to WebAssembly, and reads what it
// computed. Nothing is computed here.
"use strict";

window.explorer = window.explorer || {};

// In the order of the enumerations of explorer.c and fill.h.
explorer.OPERATORS = ["convolution", "local", "tiled", "transposed", "max", "average", "l2",
                      "weighted"];
explorer.PADDINGS = ["valid", "same", "same_lower", "full", "causal", "explicit"];
explorer.INPUTS = ["random", "edge", "ramp", "impulse"];
explorer.KERNELS = ["random", "identity", "blur", "sobel", "sharpen", "laplace"];
explorer.STATUS = ["fits", "out of range", "too large", "empty window", "no output", "too many",
                   "failed"];

explorer.Core = class {
  // `packed`: the module, compressed by gzip, in base 64.
  static async load(packed) {
    const bytes = Uint8Array.from(atob(packed), (letter) => letter.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    const code = await new Response(stream).arrayBuffer();
    const { instance } = await WebAssembly.instantiate(code, {});
    instance.exports._initialize();
    return new explorer.Core(instance.exports);
  }

  constructor(exports) {
    this.exports = exports;
    const names = (kind) =>
      Array.from({ length: exports[`explorer_${kind}_count`]() }, (_, i) =>
        this.text(exports[`explorer_${kind}_name`](i)));
    this.settingNames = names("setting");
    this.factNames = names("fact");
    this.ranges = {};
    this.first = {};
    const first = this.whole("settings", this.settingNames.length);
    this.settingNames.forEach((name, i) => {
      this.ranges[name] = { least: exports.explorer_least(i), most: exports.explorer_most(i) };
      this.first[name] = first[i];
    });
  }

  text(at) {
    const bytes = new Uint8Array(this.exports.memory.buffer);
    return new TextDecoder().decode(bytes.slice(at, bytes.indexOf(0, at)));
  }

  // Copies: memory may grow, which takes views of it away.
  whole(name, count) {
    const at = this.exports[`explorer_${name}`]();
    return Array.from(new Int32Array(this.exports.memory.buffer, at, count));
  }

  real(name, count) {
    const at = this.exports[`explorer_${name}`]();
    return Array.from(new Float64Array(this.exports.memory.buffer, at, count));
  }

  write(name, numbers) {
    const at = this.exports[`explorer_${name}`]();
    new Float64Array(this.exports.memory.buffer, at, numbers.length).set(numbers);
  }

  facts() {
    const values = this.whole("facts", this.factNames.length);
    const facts = Object.fromEntries(this.factNames.map((name, i) => [name, values[i]]));
    facts.status = explorer.STATUS[facts.status];
    return facts;
  }

  // Computes everything for the settings, an object of integers, and what the reader changed of the
  // numbers that C fills in. Where settings are refused the result says why and holds no number.
  run(settings, values) {
    const at = this.exports.explorer_settings();
    new Int32Array(this.exports.memory.buffer, at, this.settingNames.length)
      .set(this.settingNames.map((name) => settings[name]));
    this.exports.explorer_plan();
    let facts = this.facts();
    const cells = settings.input_rows * settings.input_columns;
    const outputs = facts.outputs_rows * facts.outputs_columns;
    const counts = { input: cells, weights: facts.weights, gradient: outputs };
    if (facts.status === "fits") {
      this.exports.explorer_fill();
      for (const [name, count] of Object.entries(counts))
        this.write(name, values.changed(name, this.real(name, count), settings, facts));
      this.exports.explorer_run();
      facts = this.facts();
    }
    if (facts.status !== "fits") {
      const field = this.settingNames[facts.field], axis = ["rows", "columns"][facts.axis];
      return { status: facts.status, field, axis, place: facts.place, span: facts[`span_${axis}`],
               outputs: facts[`outputs_${axis}`] };
    }
    return {
      status: facts.status,
      facts,
      settings: { ...settings },
      operator: explorer.OPERATORS[settings.operator],
      input: this.real("input", cells),
      weights: this.real("weights", facts.weights),
      output: this.real("output", outputs),
      gradient: this.real("gradient", outputs),
      usage: this.whole("usage", cells),
      kernelOf: this.whole("kernel_of", outputs),
    };
  }

  // The gradients that the outputs up to this one bring the input and the weights.
  back(result, row, column) {
    this.exports.explorer_back(row, column);
    return { input: this.real("input_gradient", result.input.length),
             weights: this.real("weight_gradient", result.weights.length) };
  }

  // The taps of one output, row by row, and their sum and divisor.
  look(result, row, column) {
    this.exports.explorer_look(row, column);
    const taps = result.settings.kernel_rows * result.settings.kernel_columns;
    const gradient = result.gradient[row * result.facts.outputs_columns + column];
    const numbers = this.real("terms", 10 * taps);
    const [total, divisor] = this.real("sums", 2);
    const terms = [];
    for (let i = 0; i < numbers.length; i += 10) {
      const [r, c, kind, value, weight, product, winner, slope, toCell, toWeight] =
        numbers.slice(i, i + 10);
      terms.push({ row: r, column: c, kind: ["input", "padding", "beyond", "nowhere"][kind], value,
                   weight, product, winner: winner === 1, gradient, slope, to_cell: toCell,
                   to_weight: toWeight });
    }
    return { terms, total, divisor };
  }

  // Which outputs and cells belong to what was picked, and what gradients they bring it:
  // ("cell", row, column), ("weight", kernel, row, column) or ("output", row, column).
  trace(result, what, ...where) {
    this.exports[`explorer_trace_${what}`](...where);
    const count = this.facts().traced, numbers = this.real("shares", 5 * count), shares = [];
    for (let i = 0; i < numbers.length && what !== "output"; i += 5) {
      const [row, column, gradient, factor, product] = numbers.slice(i, i + 5);
      shares.push({ row, column, gradient, factor, product });
    }
    return { what, where, count, shares, total: this.real("share_sum", 1)[0],
             cells: this.whole("traced_cells", result.input.length),
             outputs: this.whole("traced_outputs", result.output.length) };
  }
};

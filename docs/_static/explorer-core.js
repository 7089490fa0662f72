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
                   "failed", "undivided", "too many weights"];

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
    const places = facts.outputs_rows * facts.outputs_columns;
    const inputs = facts.channels_in * cells, outputs = facts.channels_out * places;
    const counts = { input: inputs, weights: facts.weights, gradient: outputs };
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
               outputs: facts[`outputs_${axis}`], weights: facts.weights };
    }
    return {
      status: facts.status,
      facts,
      settings: { ...settings },
      operator: explorer.OPERATORS[settings.operator],
      input: this.real("input", inputs),
      weights: this.real("weights", facts.weights),
      output: this.real("output", outputs),
      gradient: this.real("gradient", outputs),
      usage: this.whole("usage", cells),
      kernelOf: this.whole("kernel_of", places),
      // Which slice of the weights lies between two channels, of one of the kernels; and back.
      sliceOf: (out, kernel, into) => this.exports.explorer_slice(out, kernel, into),
      between: (slice) => {
        const [out, kernel, into] = [0, 1, 2].map((i) => this.exports.explorer_between(slice, i));
        return { out, kernel, into };
      },
    };
  }

  // The gradients that the outputs up to this one bring the input and the weights.
  back(result, { channel, row, column }) {
    this.exports.explorer_back(channel, row, column);
    return { input: this.real("input_gradient", result.input.length),
             weights: this.real("weight_gradient", result.weights.length) };
  }

  // The taps of one output, channel by channel, row by row; their sum, divisor, and sum in each
  // channel.
  look(result, { channel, row, column }) {
    this.exports.explorer_look(channel, row, column);
    const { facts, settings } = result;
    const taps = facts.seen * settings.kernel_rows * settings.kernel_columns;
    const gradient =
      result.gradient[(channel * facts.outputs_rows + row) * facts.outputs_columns + column];
    const numbers = this.real("terms", 11 * taps);
    const [total, divisor, ...totals] = this.real("sums", 2 + facts.seen);
    const terms = [];
    for (let i = 0; i < numbers.length; i += 11) {
      const [r, c, kind, value, weight, product, winner, slope, toCell, toWeight, from] =
        numbers.slice(i, i + 11);
      terms.push({ row: r, column: c, kind: ["input", "padding", "beyond", "nowhere"][kind], value,
                   weight, product, winner: winner === 1, gradient, slope, to_cell: toCell,
                   to_weight: toWeight, channel: from });
    }
    return { terms, total, divisor, totals };
  }

  // Which outputs and cells belong to what was picked, and what gradients they bring it:
  // ("cell", channel, row, column), ("weight", slice, row, column), ("output", channel, row,
  // column).
  trace(result, what, ...where) {
    this.exports[`explorer_trace_${what}`](...where);
    const count = this.facts().traced, numbers = this.real("shares", 6 * count), shares = [];
    for (let i = 0; i < numbers.length && what !== "output"; i += 6) {
      const [row, column, gradient, factor, product, channel] = numbers.slice(i, i + 6);
      shares.push({ channel, row, column, gradient, factor, product });
    }
    return { what, where, count, shares, total: this.real("share_sum", 1)[0],
             cells: this.whole("traced_cells", result.input.length),
             outputs: this.whole("traced_outputs", result.output.length) };
  }

  // The first input channel that an output channel sees; the first that sees an input channel.
  firstSeen(channel) {
    return this.exports.explorer_first_seen(channel);
  }

  firstSeeing(channel) {
    return this.exports.explorer_first_seeing(channel);
  }
};

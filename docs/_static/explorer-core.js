// The explorer's numbers: loads the library's C code, compiled to WebAssembly, and reads what it
// computed. Nothing is computed here.
"use strict";

window.explorer = window.explorer || {};

explorer.OPERATORS = ["convolution", "local", "tiled", "max", "average", "l2", "weighted"];
explorer.PADDINGS = ["valid", "same", "same_lower", "full", "explicit"];
explorer.STATUS = ["fits", "out of range", "too large", "empty window", "failed"];

explorer.Core = class {
  static async load(base64) {
    const code = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
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

  facts() {
    const values = this.whole("facts", this.factNames.length);
    const facts = Object.fromEntries(this.factNames.map((name, i) => [name, values[i]]));
    facts.status = explorer.STATUS[facts.status];
    return facts;
  }

  // Computes everything for the settings, an object of integers. Where they are refused the
  // result says why and holds no other number.
  run(settings) {
    const at = this.exports.explorer_settings();
    new Int32Array(this.exports.memory.buffer, at, this.settingNames.length)
      .set(this.settingNames.map((name) => settings[name]));
    this.exports.explorer_plan();
    let facts = this.facts();
    if (facts.status === "fits") {
      this.exports.explorer_fill();
      this.exports.explorer_run();
      facts = this.facts();
    }
    if (facts.status !== "fits") {
      const field = this.settingNames[facts.field];
      return { status: facts.status, field, axis: ["rows", "columns"][facts.axis],
               place: facts.place,
               span: facts[`span_${["rows", "columns"][facts.axis]}`] };
    }
    const cells = settings.input_rows * settings.input_columns;
    const outputs = facts.outputs_rows * facts.outputs_columns;
    return {
      status: facts.status,
      facts,
      settings: { ...settings },
      operator: explorer.OPERATORS[settings.operator],
      input: this.real("input", cells),
      weights: this.real("weights", facts.weights),
      output: this.real("output", outputs),
      usage: this.whole("usage", cells),
      kernelOf: this.whole("kernel_of", outputs),
    };
  }

  // The taps of one output, row by row, and their sum and divisor.
  look(result, row, column) {
    this.exports.explorer_look(row, column);
    const taps = result.settings.kernel_rows * result.settings.kernel_columns;
    const numbers = this.real("terms", 7 * taps);
    const [total, divisor] = this.real("sums", 2);
    const terms = [];
    for (let i = 0; i < numbers.length; i += 7) {
      const [r, c, kind, value, weight, product, winner] = numbers.slice(i, i + 7);
      terms.push({ row: r, column: c, kind: ["input", "padding", "beyond"][kind], value, weight,
                   product, winner: winner === 1 });
    }
    return { terms, total, divisor };
  }

  // Which outputs and cells belong to what was picked: ("cell", row, column),
  // ("weight", kernel, row, column) or ("output", row, column).
  trace(result, what, ...where) {
    this.exports[`explorer_trace_${what}`](...where);
    return { what, where, count: this.facts().traced,
             cells: this.whole("traced_cells", result.input.length),
             outputs: this.whole("traced_outputs", result.output.length) };
  }
};

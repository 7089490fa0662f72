// The explorer's numbers: settings in, everything that the page shows out. All of it is computed by
// the library's C functions (explorer.c); this file moves numbers to and from their memory.
"use strict";

const explorerEngine = (() => {
  const OPERATORS = ["conv", "local", "tiled", "max", "average", "l2", "weighted"];
  const MODES = ["valid", "same", "same_lower", "full", "explicit"];
  // In the order of `settings` in explorer.c, each with two or four numbers.
  const SIZES = ["in", "kernel", "stride", "dilation", "period", "padding"];

  const instantiate = (base64) => {
    const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
    return WebAssembly.instantiate(bytes, {}).then(({ instance }) => {
      instance.exports._initialize();
      return instance.exports;
    });
  };

  // Small whole numbers that depend on the seed alone (Park and Miller's generator).
  const numbers = (seed, count, low, high) => {
    let state = (seed * 48271) % 2147483647 || 1;
    return Array.from({ length: count }, () => {
      state = (state * 48271) % 2147483647;
      return low + (state % (high - low + 1));
    });
  };

  // A row of Pascal's triangle: the weights of a binomial window along one axis.
  const binomial = (size) => {
    let row = [1];
    while (row.length < size) row = [...row, 0].map((value, i) => value + (i && row[i - 1]));
    return row;
  };

  class Engine {
    constructor(exports) {
      this.exports = exports;
    }

    ints(name, count, ...which) {
      return new Int32Array(this.exports.memory.buffer, this.exports[`explorer_${name}`](...which), count);
    }

    reals(name, count) {
      return new Float64Array(this.exports.memory.buffer, this.exports[`explorer_${name}`](), count);
    }

    // Returns {problem, ...}: problem 0 and the results, or the number of what is wrong.
    run(settings) {
      const flat = [
        OPERATORS.indexOf(settings.operator), MODES.indexOf(settings.mode),
        Number(settings.ceil), Number(settings.count),
        ...SIZES.flatMap((name) => settings[name].flat()),
      ];
      this.ints("settings", flat.length).set(flat);
      let problem = this.exports.explorer_run();
      // A wrong setting, or none of the others: those depend on the weights, not yet written.
      if (problem && problem < 10) return { problem };

      const [outRows, outColumns, top, bottom, left, right, periodRows, periodColumns,
        below, aside] = this.ints("sizes", 10);
      const [rows, columns] = settings.in;
      const [kernelRows, kernelColumns] = settings.kernel;
      const found = {
        problem: 0, out: [outRows, outColumns], padding: [[top, bottom], [left, right]],
        beyond: [below, aside], period: [periodRows, periodColumns],
        input: numbers(settings.seed, rows * columns, 0, 9),
      };
      if (settings.operator === "weighted") {
        found.weights = binomial(kernelRows).flatMap((a) => binomial(kernelColumns).map((b) => a * b));
      } else {
        const count = periodRows * periodColumns * kernelRows * kernelColumns;
        found.weights = numbers(settings.seed + 7919, count, -2, 3);
      }
      this.reals("input", found.input.length).set(found.input);
      this.reals("weights", found.weights.length).set(found.weights);
      problem = this.exports.explorer_run();
      if (problem) return { problem };
      const outputs = outRows * outColumns;
      found.output = [...this.reals("output", outputs)];
      found.sets = [...this.ints("sets", outputs)];
      found.usage = [...this.ints("usage", rows * columns)];
      found.lines = [rows + top + bottom + below, columns + left + right + aside];
      found.taps = found.lines.map((line, axis) =>
        [...this.ints("taps", line * found.out[axis], axis)]);
      return found;
    }

    // The terms of one output, tap by tap.
    look(row, column) {
      const count = this.exports.explorer_look(row, column);
      const flat = this.reals("terms", 7 * count);
      return Array.from({ length: count }, (_, i) => {
        const [r, c, place, value, weight, product, chosen] = flat.subarray(7 * i, 7 * i + 7);
        return { row: r, column: c, place, value, weight, product, chosen };
      });
    }
  }

  return {
    OPERATORS, MODES, SIZES,
    start: (base64) => instantiate(base64).then((exports) => new Engine(exports)),
  };
})();

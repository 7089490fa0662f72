// How the explorer writes numbers, sums and formulas: what is the same in every language. The words
// between them come from explorer-words.<language>.js.
"use strict";

(() => {
  const text = (value) => String(value).replace("-", "\u2212");
  const rounded = (value, digits) => text(Number(value.toFixed(digits)));
  const short = (value) => rounded(value, 4);
  const factor = (value) => (value < 0 ? `(${short(value)})` : short(value));
  const power = (value) => `${factor(value)}\u00b2`;
  const times = (a, b) => `${short(a)} \u00b7 ${factor(b)}`;

  // The letter of a kernel, where there are few enough to be told apart by one.
  const kernelName = (kernel) => String.fromCharCode(65 + kernel);

  const seenBy = (look) => look.terms.filter((term) => term.kind === "input");
  // The number of an output in their order, channel by channel.
  const indexOf = ({ facts }, { channel, row, column }) =>
    (channel * facts.outputs_rows + row) * facts.outputs_columns + column;
  const valueAt = (result, at) => result.output[indexOf(result, at)];
  const kernelAt = (result, at) => result.kernelOf[indexOf(result, { ...at, channel: 0 })];
  const hasChannels = ({ facts }) => facts.channels_in > 1 || facts.channels_out > 1;

  // Products, in brackets for each channel where there are several, and then their sums.
  function products(look, seen) {
    const write = (terms) => terms.map((term) => times(term.value, term.weight)).join(" + ");
    if (look.totals.length === 1) return write(seen);
    const channels = [...new Set(seen.map((term) => term.channel))];
    const parts = channels.map((channel) => seen.filter((term) => term.channel === channel));
    return `${parts.map((terms) => `(${write(terms)})`).join(" + ")} = ` +
      look.totals.map(factor).join(" + ");
  }

  // What the window's numbers make together.
  function sum(result, at, look) {
    const seen = seenBy(look), value = short(valueAt(result, at));
    const total = short(look.total), divisor = short(look.divisor);
    const written = products(look, seen);
    const note = seen.length < look.terms.length ? ` ${explorer.words.addsNothing}` : "";
    switch (result.operator) {
      case "max":
        return `Z = max(${seen.map((term) => short(term.value)).join(", ")}) = ${value}`;
      case "average":
        return `Z = (${seen.map((term) => factor(term.value)).join(" + ")}) / ${divisor} = ` +
               `${total} / ${divisor} = ${value}`;
      case "l2":
        return `Z = \u221a(${seen.map((term) => power(term.value)).join(" + ")}) = ` +
               `\u221a${total} = ${value}`;
      case "weighted":
        return `Z = (${written}) / (${seen.map((term) => short(term.weight)).join(" + ")}) = ` +
               `${total} / ${divisor} = ${value}`;
      default:
        return seen.length ? `Z = ${written} = ${value}${note}` : `Z = ${value}${note}`;
    }
  }

  // What the gradients of outputs bring a cell or a weight, all together.
  function shares(trace) {
    if (!trace.shares.length) return "0";
    const products = trace.shares.map((one) => times(one.gradient, one.factor)).join(" + ");
    return `${products} = ${short(trace.total)}`;
  }

  // Elements for "n<sub>Z</sub> = ...": letters with their index, and text.
  function marked(parts) {
    return parts.map((part) => {
      if (typeof part === "string") return document.createTextNode(part);
      const letter = document.createElement("span");
      const letterText = document.createElement("i");
      letterText.textContent = part[0];
      letter.append(letterText);
      if (part[1]) {
        const index = document.createElement("sub");
        index.textContent = part[1];
        letter.append(index);
      }
      return letter;
    });
  }

  const N_Z = ["n", "Z"], N_V = ["n", "V"], N_K = ["n", "K"], P_0 = ["p", "0"], P_1 = ["p", "1"];

  function transposedLine(set, got) {
    return `(${set("input")} \u2212 1) \u00b7 ${set("stride")} + ${set("dilation")} \u00b7 ` +
      `(${set("kernel")} \u2212 1) + 1 \u2212 ${got("padded_before")} \u2212 ` +
      `${got("padded_after")} = ${got("room")} \u2212 ` +
      `${got("padded_before") + got("padded_after")} = ${got("outputs")}`;
  }

  function line(set, got, [open, close]) {
    const dropped = got("dropped") ? " \u2212 1" : "";
    return `${open}(${set("input")} + ${got("padded_before")} + ${got("padded_after")} \u2212 ` +
      `${set("dilation")} \u00b7 (${set("kernel")} \u2212 1) \u2212 1) / ${set("stride")}${close}` +
      ` + 1${dropped} = ${open}${got("room")} / ${set("stride")}${close} + 1${dropped} = ` +
      `${got("rounded")} + 1${dropped} = ${got("outputs")}` +
      (dropped ? ` ${explorer.words.dropped}` : "");
  }

  function formula(result) {
    const { words } = explorer, transposes = result.operator === "transposed";
    const up = result.settings.ceil && explorer.isPool(result.operator);
    const brackets = up ? ["\u2308", "\u2309"] : ["\u230a", "\u230b"];
    const general = transposes
      ? [N_Z, " = (", N_V, " \u2212 1) ", ["s"], " + ", ["d"], " (", N_K, " \u2212 1) + 1 \u2212 ",
         P_0, " \u2212 ", P_1]
      : [N_Z, ` = ${brackets[0]}(`, N_V, " + ", P_0, " + ", P_1, " \u2212 ", ["d"], " (", N_K,
         " \u2212 1) \u2212 1) / ", ["s"], `${brackets[1]} + 1`];
    const lines = [marked(general)];
    for (const axis of ["rows", "columns"]) {
      const set = (name) => result.settings[`${name}_${axis}`];
      const got = (name) => result.facts[`${name}_${axis}`];
      const numbers = transposes ? transposedLine(set, got) : line(set, got, brackets);
      lines.push([document.createTextNode(`${words.AXES[axis]}: ${numbers}`)]);
    }
    const { facts, settings } = result, many = hasChannels(result);
    const product = (name, sizes, count) => lines.push([document.createTextNode(
      `${name}: ${sizes.join(" \u00d7 ")} = ${count}`)]);
    product(words.outputs, [...(many ? [facts.channels_out] : []), facts.outputs_rows,
                            facts.outputs_columns], result.output.length);
    if (many && !explorer.isPool(result.operator)) {
      const kernels = facts.kernels_rows * facts.kernels_columns;
      product(words.weights, [facts.channels_out, ...(kernels > 1 ? [kernels] : []), facts.seen,
                              settings.kernel_rows, settings.kernel_columns],
              result.weights.length);
    }
    return lines;
  }

  explorer.isPool = (operator) => explorer.OPERATORS.indexOf(operator) >= 4;
  explorer.isGrouped = (operator) => ["convolution", "transposed"].includes(operator);
  explorer.format = { text, rounded, short, factor, power, times, kernelName, seenBy, indexOf,
                      valueAt, kernelAt, hasChannels, sum, shares, formula };
})();

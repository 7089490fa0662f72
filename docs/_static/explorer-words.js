// What the explorer says: sentences, sums and formulas, put together from numbers that C returned.
"use strict";

(() => {
  const LABELS = {
    operator: "The operator", padding: "The padding's mode", seed: "The seed",
    ceil: "The choice of a partial last window",
    count_padding: "The choice to count the padding's cells",
    input_rows: "The number of input rows", input_columns: "The number of input columns",
    kernel_rows: "The number of kernel rows", kernel_columns: "The number of kernel columns",
    stride_rows: "The stride of the rows", stride_columns: "The stride of the columns",
    dilation_rows: "The dilation of the rows", dilation_columns: "The dilation of the columns",
    before_rows: "The padding at the top", after_rows: "The padding at the bottom",
    before_columns: "The padding on the left", after_columns: "The padding on the right",
    period_rows: "The period of the rows", period_columns: "The period of the columns",
  };

  const text = (value) => String(value).replace("-", "\u2212");
  const rounded = (value, digits) => text(Number(value.toFixed(digits)));
  const factor = (value) => (value < 0 ? `(${text(value)})` : text(value));
  const place = (row, column) => `row ${row}, column ${column}`;
  const plural = (count, noun) => `${count} ${noun}${count === 1 ? "" : "s"}`;

  // "0", "0 to 3" or "0, 2 and 4".
  function listed(numbers) {
    const all = [...new Set(numbers)];
    if (all.length === 1) return text(all[0]);
    if (all.length > 2 && all.every((n, i) => i === 0 || n === all[i - 1] + 1)) return `${all[0]} to ${all.at(-1)}`;
    return `${all.slice(0, -1).join(", ")} and ${all.at(-1)}`;
  }

  // The letter of a kernel, where there are few enough to be told apart by one.
  const kernelName = (kernel) => String.fromCharCode(65 + kernel);

  const range = (name, value, ranges) =>
    `${LABELS[name]} must be from ${ranges[name].least} to ${ranges[name].most}, ` +
    `not ${text(value)}.`;

  // Why settings are refused, and what can be done about it.
  function refusal(settings, result, ranges) {
    switch (result.status) {
      case "out of range":
        return { reason: range(result.field, settings[result.field], ranges), advice: "" };
      case "too large":
        return {
          reason: `The kernel doesn't fit: its ${result.axis} span ` +
                  `${plural(result.span, "cell")}, more than the padded input has.`,
          advice: "Make the kernel or the dilation smaller, or the input or the padding larger." };
      case "empty window":
        return {
          reason: `The windows of output ${result.axis.slice(0, -1)} ${result.place} hold no ` +
                  "input cell, only padding, and a pooling of nothing has no value.",
          advice: "Make the padding smaller or the window larger." };
      default:
        return { reason: "The computation failed for want of memory.", advice: "" };
    }
  }

  function sentence(result, at, look) {
    const seen = look.terms.filter((term) => term.kind === "input");
    const outside = look.terms.length - seen.length;
    const number = at.row * result.facts.outputs_columns + at.column;
    const value = rounded(result.output[number], 4);
    const which = `Output ${place(at.row, at.column)} (${number + 1} of ${result.output.length})`;
    if (!seen.length)
      return `${which} sees no input cell, only padding; its value is ${value}.`;
    const rows = listed(seen.map((term) => term.row));
    const columns = listed(seen.map((term) => term.column));
    const word = (list, noun) => noun + (/^\S+$/.test(list) ? "" : "s");
    const where = `input ${word(rows, "row")} ${rows}, ${word(columns, "column")} ${columns}`;
    const rest = outside ? `, and ${plural(outside, "place")} outside the input` : "";
    return `${which} sees ${where}: ${plural(seen.length, "cell")}${rest}. Its value is ${value}.`;
  }

  // What the window's numbers make together.
  function sum(result, at, look) {
    const seen = look.terms.filter((term) => term.kind === "input");
    const number = at.row * result.facts.outputs_columns + at.column;
    const value = rounded(result.output[number], 4);
    const total = text(look.total), divisor = text(look.divisor);
    const values = (join) => seen.map((term) => factor(term.value)).join(join);
    const products = seen.map((t) => `${text(t.value)} \u00b7 ${factor(t.weight)}`).join(" + ");
    const rest = seen.length < look.terms.length ? " (places in the padding add 0)" : "";
    switch (result.operator) {
      case "max":
        return `Z = max(${seen.map((term) => text(term.value)).join(", ")}) = ${value}`;
      case "average":
        return `Z = (${values(" + ")}) / ${divisor} = ${total} / ${divisor} = ${value}`;
      case "l2":
        return `Z = \u221a(${seen.map((t) => `${factor(t.value)}\u00b2`).join(" + ")}) = ` +
               `\u221a${total} = ${value}`;
      case "weighted":
        return `Z = (${products}) / (${seen.map((term) => term.weight).join(" + ")}) = ` +
               `${total} / ${divisor} = ${value}`;
      default:
        return seen.length ? `Z = ${products} = ${value}${rest}` : `Z = ${value}${rest}`;
    }
  }

  function kernels(result, at) {
    const { outputs_columns: columns } = result.facts;
    const count = result.output.length;
    const kernel = result.kernelOf[at.row * columns + at.column];
    const different = new Set(result.kernelOf).size;
    const others = result.kernelOf.filter((k) => k === kernel).length;
    switch (result.operator) {
      case "convolution":
        return `One kernel, shared by ${count === 1 ? "the one output" : `all ${count} outputs`}.`;
      case "weighted":
        return "The weights fall with the distance from the centre, and sums are divided by " +
               "those that lie on input cells.";
      case "local":
        return `The kernel of output ${place(at.row, at.column)}. Each of the ` +
               `${plural(count, "output")} has its own: no weight is shared.`;
      default:
        return `${plural(different, "kernel")} in turn. Output ${place(at.row, at.column)} takes ` +
               `kernel ${kernelName(kernel)}, which ${plural(others, "output")} ` +
               `${others === 1 ? "takes" : "share"}.`;
    }
  }

  function traced(result, trace) {
    const [first, ...rest] = trace.where;
    const seen = plural(trace.count, "output");
    if (trace.what === "cell")
      return `Input ${place(first, rest[0])} is seen by ${seen}.`;
    const named = result.operator === "tiled" ? ` of kernel ${kernelName(first)}` : "";
    const outside = trace.outputs.filter((mark) => mark < 0).length;
    const note = outside ? `, ${outside} of which take it in the padding` : "";
    return `The weight in ${place(rest[0], rest[1])}${named} is taken by ${seen}${note}.`;
  }

  function usage(result) {
    const most = Math.max(...result.usage), least = Math.min(...result.usage);
    const unused = result.usage.filter((count) => count === 0).length;
    const range = least === most ? `Every cell is seen by ${plural(most, "output")}.`
      : `A cell is seen by ${least} to ${most} outputs.`;
    return unused ? `${range} ${plural(unused, "cell")} ${unused === 1 ? "is" : "are"} not used.`
      : range;
  }

  // Elements for "h<sub>Z</sub> = ...": letters with their index, and text.
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

  function formula(result) {
    const up = result.settings.ceil && explorer.isPool(result.operator);
    const [open, close] = up ? ["\u2308", "\u2309"] : ["\u230a", "\u230b"];
    const general = [["n", "Z"], " = ", open, "(", ["n", "V"], " + ", ["p", "0"], " + ", ["p", "1"],
                     " \u2212 ", ["d"], " (", ["n", "K"], " \u2212 1) \u2212 1) / ", ["s"], close,
                     " + 1"];
    const lines = [marked(general)];
    for (const axis of ["rows", "columns"]) {
      const set = (name) => result.settings[`${name}_${axis}`];
      const got = (name) => result.facts[`${name}_${axis}`];
      const dropped = got("dropped") ? " \u2212 1" : "";
      let line = `${axis}: ${open}(${set("input")} + ${got("padded_before")} + ` +
        `${got("padded_after")} \u2212 ${set("dilation")} \u00b7 (${set("kernel")} \u2212 1) ` +
        `\u2212 1) / ${set("stride")}${close} + 1${dropped} = ${open}${got("room")} / ` +
        `${set("stride")}${close} + 1${dropped} = ${got("rounded")} + 1${dropped} = ` +
        `${got("outputs")}`;
      if (dropped) line += " (the last window would begin in the padding after the input)";
      lines.push([document.createTextNode(line)]);
    }
    const { outputs_rows: rows, outputs_columns: columns } = result.facts;
    lines.push([document.createTextNode(
      `outputs: ${rows} \u00d7 ${columns} = ${result.output.length}`)]);
    return lines;
  }

  explorer.isPool = (operator) => explorer.OPERATORS.indexOf(operator) >= 3;
  explorer.words = { LABELS, text, rounded, factor, place, kernelName, range, refusal, sentence, sum,
                     kernels, traced, usage, formula };
})();

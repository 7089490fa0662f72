// All words of the explorer, in English. `explorer.labels`, which is JSON, also fills the page's
// template (docs/_ext/explorer.py); explorer-words.zh_CN.js has the same keys and functions.
"use strict";

window.explorer = window.explorer || {};

explorer.labels = {
  "none": "The explorer needs WebAssembly with vectors, which this browser lacks or has switched off. The pages under Learn show the same in words and figures.",
  "noscript": "The explorer needs JavaScript and WebAssembly. The pages under Learn show the same in words and figures.",
  "operator": "Operator",
  "kind": "Kind",
  "op_convolution": "convolution",
  "op_local": "locally connected layer",
  "op_tiled": "tiled convolution",
  "op_transposed": "transposed convolution",
  "op_max": "max pooling",
  "op_average": "average pooling",
  "op_l2": "L2 pooling",
  "op_weighted": "distance-weighted pooling",
  "period_rows": "Period, rows",
  "period_columns": "Period, columns",
  "ceil": "keep a partial last window",
  "count_padding": "divide by the padding's cells too",
  "padding": "Padding",
  "mode": "Mode",
  "pad_valid": "valid: none",
  "pad_same": "same: the odd cell after",
  "pad_same_lower": "same: the odd cell before",
  "pad_full": "full: all places that touch",
  "pad_causal": "causal: all of it before",
  "pad_explicit": "explicit: each side",
  "top": "Top",
  "bottom": "Bottom",
  "left": "Left",
  "right": "Right",
  "input": "Input",
  "kernel": "Kernel",
  "weights": "Weights",
  "output": "Output",
  "window": "Kernel, window",
  "rows": "Rows",
  "columns": "Columns",
  "channels": "Channels",
  "groups": "Groups",
  "input_channels": "Channels of the input",
  "output_channels": "Channels of the output",
  "stride": "Stride",
  "dilation": "Dilation",
  "values": "Values",
  "in_random": "random",
  "in_edge": "edge",
  "in_ramp": "ramp",
  "in_impulse": "impulse",
  "w_random": "random",
  "w_identity": "identity",
  "w_blur": "blur",
  "w_sobel": "Sobel",
  "w_sharpen": "sharpen",
  "w_laplace": "Laplace",
  "picture": "Your own picture (stays on this computer)",
  "shade": "shade cells by value",
  "move_window": "Move the window",
  "first": "First",
  "back": "Back",
  "play": "Play",
  "pause": "Pause",
  "forward": "Forward",
  "last": "Last",
  "gradient": "Gradient",
  "numbers": "New numbers",
  "reset": "Reset",
  "colours": "Colours",
  "key_tap": "seen by the current output",
  "key_padding": "padding",
  "key_winner": "the maximum",
  "key_current": "current output",
  "key_traced": "connected with what is picked",
  "edit_none": "Pick a cell or a weight, then type a number to change it.",
  "terms": "What this output sees",
  "terms_back": "What this output's gradient brings",
  "formula": "How many outputs",
  "usage": "How often each input cell is used",
  "share": "Take it with you",
  "code_for": "Code for",
  "copy_code": "Copy the code",
  "copy_link": "Copy the link",
  "copy_frame": "Copy the iframe",
  "save": "Save as one file",
  "copied": "Copied.",
  "not_copied": "The browser doesn't allow copying. Select the text instead.",
  "saved": "Saved. The file works without this site."
};

(() => {
  const { labels } = explorer;
  const { text, rounded, short, kernelName, seenBy, valueAt, shares, indexOf, kernelAt,
          hasChannels } = explorer.format;
  const AXES = { rows: "rows", columns: "columns" };
  const LABELS = {
    operator: "The operator", padding: "The padding's mode", seed: "The seed",
    ceil: "The choice of a partial last window",
    count_padding: "The choice to count the padding's cells",
    input_preset: "The input's pattern", kernel_preset: "The kernel's pattern",
    gradient: "The choice of gradients",
    input_rows: "The number of input rows", input_columns: "The number of input columns",
    kernel_rows: "The number of kernel rows", kernel_columns: "The number of kernel columns",
    stride_rows: "The stride of the rows", stride_columns: "The stride of the columns",
    dilation_rows: "The dilation of the rows", dilation_columns: "The dilation of the columns",
    before_rows: "The padding at the top", after_rows: "The padding at the bottom",
    before_columns: "The padding on the left", after_columns: "The padding on the right",
    period_rows: "The period of the rows", period_columns: "The period of the columns",
    channels_in: "The number of input channels", channels_out: "The number of output channels",
    groups: "The number of groups",
  };

  const place = (row, column) => `row ${text(row)}, column ${text(column)}`;
  const spot = (channel, row, column, count) =>
    (count > 1 || channel ? `channel ${text(channel)}, ` : "") + place(row, column);
  const inputAt = ({ facts }, [channel, row, column]) =>
    `Input ${spot(channel, row, column, facts.channels_in)}`;
  const outputAt = ({ facts }, { channel, row, column }) =>
    `Output ${spot(channel, row, column, facts.channels_out)}`;
  const plural = (count, noun) => `${count} ${noun}${count === 1 ? "" : "s"}`;
  const quoted = (word) => `\u201c${word}\u201d`;

  // "0", "0 to 3" or "0, 2 and 4".
  function listed(numbers) {
    const all = [...new Set(numbers)];
    if (all.length === 1) return text(all[0]);
    if (all.length > 2 && all.every((n, i) => i === 0 || n === all[i - 1] + 1))
      return `${all[0]} to ${all.at(-1)}`;
    return `${all.slice(0, -1).join(", ")} and ${all.at(-1)}`;
  }

  const range = (name, value, ranges) =>
    `${LABELS[name]} must be from ${ranges[name].least} to ${ranges[name].most}, ` +
    `not ${text(value)}.`;
  const integer = (name) => `${LABELS[name]} must be an integer.`;

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
      case "no output":
        return {
          reason: `The padding removes all ${result.axis} of the output.`,
          advice: "Make the padding smaller." };
      case "too many":
        return {
          reason: `The output would have ${result.outputs} ${result.axis}; the explorer shows ` +
                  "40 at most.",
          advice: "Make the stride or the input smaller." };
      case "undivided":
        return {
          reason: `${plural(settings.groups, "group")} can't share ` +
                  `${plural(settings.channels_in, "input channel")} and ` +
                  `${plural(settings.channels_out, "output channel")} equally.`,
          advice: "Take a number of groups that divides both." };
      case "too many weights":
        return {
          reason: `The layer would have ${result.weights} weights; the explorer holds 78400 at most.`,
          advice: "Make the input, the kernel or the number of channels smaller." };
      default:
        return { reason: "The computation failed for want of memory.", advice: "" };
    }
  }

  // What a link's settings that don't go together were changed to.
  const instead = {
    padding: () => "No padding",
    stride: (axis) => `A stride of 1 of the ${axis}`,
    dilation: (axis) => `A dilation of 1 of the ${axis}`,
    kernel: (axis) => `A kernel with as many ${axis} as the input`,
    groups: () => "One group",
    channels: () => "One channel",
  };
  const taken = (what) => `${what} is taken instead.`;

  const link = {
    fault: (problems) => `The link has a fault. ${problems.join(" ")}`,
    damaged: (part) => `${quoted(part)} can't be decoded and is ignored.`,
    unknown: (key) => `There is no setting ${quoted(key)}; it is ignored.`,
    unread: (part) => `${quoted(part)} has no meaning and is ignored.`,
    twice: (key, first) => `${quoted(key)} is there twice; the first, ${quoted(first)}, is taken.`,
    meaningless: (part, used) => `${quoted(part)} has no meaning; ${taken(quoted(used))}`,
    noOutput: (at) =>
      `There is no output ${spot(at.channel, at.row, at.column)}; the first is taken instead.`,
    count: (key, found, expected) =>
      `${quoted(key)} has ${plural(found, "number")}; ${expected} are needed. It is ignored.`,
  };
  const before = "Shown is still what was set before.";

  const sizedTitle = (title, sizes) => `${title} (${sizes.join(" \u00d7 ")})`;
  const gradientTitle = (title) => `Gradient: ${title[0].toLowerCase()}${title.slice(1)}`;
  const kernelRange = (first, last) => `Kernels ${first} to ${last}`;
  const kernelTitle = (name, used) => `Kernel ${name}${used ? "" : " (no output's turn)"}`;
  const kernelOf = (title, out, into) =>
    `${title}: output channel ${out}` + (into === undefined ? "" : `, input channel ${into}`);
  const sliceTitle = (into) => `Input channel ${into}`;
  const channelTitle = (title, into) => `${title}: input channel ${into}`;
  const channelButton = (what, channel) => `${labels[what]} channel ${channel}`;
  const kind = { padding: "padding", beyond: "beyond", nowhere: "no cell" };

  function sentence(result, at, look) {
    const seen = seenBy(look);
    const outside = look.terms.length - seen.length;
    const number = indexOf(result, at), { facts } = result;
    const value = rounded(valueAt(result, at), 4);
    const which = `${outputAt(result, at)} (${number + 1} of ${result.output.length})`;
    if (!seen.length)
      return `${which} sees no input cell; its value is ${value}.`;
    const rows = listed(seen.map((term) => term.row));
    const columns = listed(seen.map((term) => term.column));
    const word = (list, noun) => noun + (/^\S+$/.test(list) ? "" : "s");
    const channels = listed(look.terms.map((term) => term.channel));
    const inChannels = facts.channels_in > 1 ? `${word(channels, "channel")} ${channels}, ` : "";
    const where = `input ${inChannels}${word(rows, "row")} ${rows}, ${word(columns, "column")} ${columns}`;
    const more = !outside ? "" : result.operator === "transposed"
      ? `, and ${plural(outside, "weight")} on no cell`
      : `, and ${plural(outside, "place")} outside the input`;
    return `${which} sees ${where}: ${plural(seen.length, "cell")}${more}. Its value is ${value}.`;
  }

  function backward(result, at, look) {
    const number = indexOf(result, at);
    const cells = seenBy(look).filter((term) => term.to_cell !== 0).length;
    const gradient = short(result.gradient[number]);
    return `${outputAt(result, at)} (${number + 1} of ${result.output.length}) has ` +
      `the gradient ${gradient}. It changes the gradient of ${plural(cells, "input cell")}. The ` +
      "input shows the sum of what the outputs so far have brought.";
  }

  function kernels(result, at) {
    const { facts } = result, kernel = kernelAt(result, at), count = result.output.length;
    const many = hasChannels(result);
    const different = new Set(result.kernelOf).size;
    const others = result.kernelOf.filter((k) => k === kernel).length;
    switch (result.operator) {
      case "convolution":
      case "transposed":
        if (many)
          return `Output channel ${at.channel} has one kernel for each input channel that it sees, ` +
                 `${facts.seen} of ${facts.channels_in}. ` +
                 `${plural(result.kernelOf.length, "output")} ` +
                 `${result.kernelOf.length === 1 ? "takes" : "share"} them.`;
        return `One kernel, shared by ${count === 1 ? "the one output" : `all ${count} outputs`}.`;
      case "weighted":
        return "The weights fall with the distance from the centre, and sums are divided by " +
               "those that lie on input cells.";
      case "local":
        return `The kernel of o${outputAt(result, at).slice(1)}. Each of the ` +
               `${plural(count, "output")} has its own: no weight is shared.`;
      default:
        return `${plural(different, "kernel")} in turn${many ? " in each output channel" : ""}. ` +
               `${outputAt(result, at)} takes ` +
               `kernel ${kernelName(kernel)}, which ${plural(others, "output")} ` +
               `${others === 1 ? "takes" : "share"}.`;
    }
  }

  // The cell, weight or output that was picked.
  function picked(result, what, where) {
    const [channel, row, column] = where;
    if (what === "cell") return inputAt(result, where);
    if (what === "output") return outputAt(result, { channel, row, column });
    const { out, kernel, into } = result.between(channel);
    const named = result.operator === "tiled" ? ` of kernel ${kernelName(kernel)}` : "";
    const between = hasChannels(result) && result.operator !== "weighted"
      ? ` from input channel ${into} to output channel ${out}` : "";
    return `The weight in ${place(row, column)}${named}${between}`;
  }

  function traced(result, trace) {
    const name = picked(result, trace.what, trace.where);
    const seen = plural(trace.count, "output");
    if (trace.what === "cell") return `${name} is seen by ${seen}.`;
    if (trace.what === "output")
      return `${name} takes the same weights as ${seen}, itself included.`;
    const outside = trace.outputs.filter((mark) => mark < 0).length;
    const note = outside ? `, ${outside} of which take it in the padding` : "";
    return `${name} is taken by ${seen}${note}.`;
  }

  // The gradients that meet in what was picked.
  function gathered(result, trace) {
    const name = picked(result, trace.what, trace.where);
    return `${name} sums the gradients of ${plural(trace.count, "output")}, each times ` +
      `${trace.what === "weight" ? "the value it meets" : "the derivative"}: ${shares(trace)}.`;
  }

  function usage(result) {
    const most = Math.max(...result.usage), least = Math.min(...result.usage);
    const unused = result.usage.filter((count) => count === 0).length;
    const counts = least === most ? `Every cell is seen by ${plural(most, "output")}.`
      : `A cell is seen by ${least} to ${most} outputs.`;
    return unused ? `${counts} ${plural(unused, "cell")} ${unused === 1 ? "is" : "are"} not used.`
      : counts;
  }

  const edit = {
    label: (result, what, where) => ({
      cell: "Value", weight: "Weight", output: "Gradient",
    })[what] + `: ${picked(result, what, where)}`,
    wrong: "A value must be a number from \u22129999 to 9999 with 4 decimals at most.",
    positive: "A weight of this pooling must be greater than 0.",
    picture: "This file is no picture that the browser can read.",
  };

  const share = {
    lacking: (library) => `${library} has no operation that is sure to give this output.`,
    NOTES: {
      convcore: "One image; its first axis holds the channels. The padding is given as numbers, so that it is what is shown here.",
      pytorch: "PyTorch's padding is equal on both sides, so the input is padded first. \u201cconv2d\u201d is a cross-correlation, as here. Its average pooling takes padding up to half the window.",
      keras: "Keras has channels last. Its \u201csame\u201d puts the odd cell after, and none of its modes has other numbers, so the input is padded first. Zeros in the padding would change maxima, so those get minus infinity.",
      scipy: "SciPy has no strides: the code computes every place and keeps some of them. \u201cconvolve2d\u201d would flip the kernel, \u201ccorrelate2d\u201d does not.",
      onnx: "ONNX has the four pads in the order top, left, bottom, right. Its average pooling leaves the padding out unless count_include_pad is 1.",
    },
    CHANNELS: {
      onnx: "The reference evaluator is wrong for groups of a transposed convolution, so the code runs each by itself; a runtime has the attribute \u201cgroup\u201d.",
      keras: "The shapes tell the groups; a transposed convolution has none, so it is called for each group.",
      scipy: "It has no channels either: the code adds what the input channels give.",
    },
  };

  explorer.words = {
    AXES, LABELS, place, range, integer, refusal, instead, taken, link, before, sizedTitle,
    gradientTitle, kernelRange, kernelTitle, kernelOf, sliceTitle, channelTitle, channelButton, kind, sentence, backward, kernels, picked, traced,
    gathered, usage, edit, share, outputs: "outputs", weights: "weights", addsNothing: "(the other places add 0)",
    dropped: "(the last window would begin in the padding after the input)",
  };
})();

// The present setting as code of five libraries. Each program prints the output that is shown.
"use strict";

(() => {
  const pair = ([a, b]) => `(${a}, ${b})`;
  const list = (numbers) => `[${numbers.join(", ")}]`;

  function table(numbers, columns) {
    const lines = [];
    for (let i = 0; i < numbers.length; i += columns)
      lines.push(list(numbers.slice(i, i + columns)));
    return `[${lines.join(",\n     ")}]`;
  }

  // What every program needs to know. `after`: padding that makes every window whole, so that no
  // library's rule for a partial last window matters.
  function known(result) {
    const { settings: set, facts, operator } = result;
    const both = (from, name) => ["rows", "columns"].map((axis) => from[`${name}_${axis}`]);
    const input = both(set, "input"), stride = both(set, "stride");
    const before = both(facts, "padded_before"), given = both(facts, "padded_after");
    const span = both(facts, "span"), outputs = both(facts, "outputs");
    const rounds = explorer.isPool(operator) && set.ceil === 1;
    const whole = [0, 1].map((a) =>
      Math.max(0, (outputs[a] - 1) * stride[a] + span[a] - before[a] - input[a]));
    const shape = { local: [...outputs, ...both(set, "kernel")],
                    tiled: [...both(set, "period"), ...both(set, "kernel")] }[operator];
    const weighs = result.weights.length > 0;
    const kernel = shape ? `np.array(${list(result.weights)}, float).reshape(${shape.join(", ")})`
      : `np.array(${table(result.weights, set.kernel_columns)}, float)`;
    const arrays = [`V = np.array(${table(result.input, set.input_columns)}, float)`,
                    ...(weighs ? [`K = ${kernel}`] : [])];
    return { operator, set, input, kernel: both(set, "kernel"), stride, span, outputs, before,
             given, dilation: both(set, "dilation"), after: rounds ? whole : given, rounds, arrays, weighs,
             counts: operator === "average" && set.count_padding === 1, back: set.gradient === 1,
             gradient: `G = np.array(${table(result.gradient, outputs[1])}, float)` };
  }

  const pads = ({ before }, after) => [0, 1].map((a) => pair([before[a], after[a]]));
  const crop = ({ before, outputs }) => [0, 1].map((a) => `${before[a]}:${before[a] + outputs[a]}`);

  function convcore(all) {
    const { operator, stride, dilation, kernel, rounds, counts } = all;
    const name = { convolution: "conv2d", local: "local_conv2d", tiled: "tiled_conv2d",
                   transposed: "conv_transpose2d", max: "max_pool2d", average: "avg_pool2d",
                   l2: "l2_pool2d", weighted: "weighted_pool2d" }[operator];
    const weight = { convolution: "K[None, None]", transposed: "K[None, None]", weighted: "K",
                     local: "K[None, :, :, None]", tiled: "K[None, :, :, None]" }[operator];
    const more = [`stride=${pair(stride)}`, `padding=(${pads(all, all.given).join(", ")})`,
                  `dilation=${pair(dilation)}`];
    if (rounds) more.push("ceil_mode=True");
    if (counts) more.push("count_include_pad=True");
    const given = `V[None], ${weight || pair(kernel)}`;
    const lines = ["import numpy as np", `from convcore import ${name}`, "", ...all.arrays,
                   `options = dict(${more.join(", ")})`, `Z = ${name}(${given}, **options)[0]`,
                   "print(Z)"];
    if (all.back) {
      lines[1] += `, ${name}_backward`;
      const layer = weight && operator !== "weighted";
      const left = layer ? "dV, dK, _" : "dV";
      lines.push(all.gradient, `${left} = ${name}_backward(G[None], ${given}, **options)`,
                 `print(dV[0])${layer ? "\nprint(dK)" : ""}`);
    }
    return lines;
  }

  // Cells that a mean divides by: one where a cell counts.
  function mask(all, pad) {
    if (!all.counts) return [`M = ${pad("np.ones_like(V)", all.before, all.after, 0)}`];
    const beyond = all.after.map((n, a) => Math.max(0, n - all.given[a]));
    return [`M = ${pad("np.ones_like(V)", all.before, all.after.map((n, a) => n - beyond[a]), 1)}`,
            `M = ${pad("M", [0, 0], beyond, 0)}`];
  }
  const padded = (array, before, after, value) =>
    `np.pad(${array}, (${pads({ before }, after).join(", ")}), constant_values=${value})`;

  // A sum of products over windows of P, by `product(array, kernel)`: all operators but maxima.
  function sums(all, product) {
    const start = all.weighs ? [] : [`K = np.ones(${pair(all.kernel)})`];
    const value = all.operator === "l2" ? "V ** 2" : "V";
    const lines = [...start, `P = ${padded(value, all.before, all.after, 0)}`];
    if (all.operator === "convolution") return [...lines, `Z = ${product("P", "K")}`];
    if (all.operator === "l2") return [...lines, `Z = ${product("P", "K")} ** 0.5`];
    return [...lines, ...mask(all, padded), `Z = ${product("P", "K")} / ${product("M", "K")}`];
  }

  function pytorch(all) {
    const { operator, stride, dilation, kernel } = all;
    if (operator === "local" || operator === "tiled") return undefined;
    const options = `stride=${pair(stride)}, dilation=${pair(dilation)}`;
    const lines = ["import numpy as np", "import torch", "import torch.nn.functional as F", "",
                   ...all.arrays];
    if (operator === "transposed") {
      const [rows, columns] = crop(all);
      return [...lines, "V, K = torch.tensor(V)[None, None], torch.tensor(K)[None, None]",
              `Z = F.conv_transpose2d(V, K, ${options})[0, 0, ${rows}, ${columns}]`, "print(Z)"];
    }
    if (operator === "max") {
      const sides = [all.before[1], all.after[1], all.before[0], all.after[0]];
      return [...lines, `P = F.pad(torch.tensor(V), (${sides.join(", ")}), value=-torch.inf)`,
              `Z = F.max_pool2d(P[None], ${pair(kernel)}, ${options})[0]`, "print(Z)"];
    }
    const product = (array, weight) => `product(${array}, ${weight})`;
    return [...lines, "def product(array, kernel):",
            "    x, k = torch.tensor(array)[None, None], torch.tensor(kernel)[None, None]",
            `    return F.conv2d(x, k, ${options})[0, 0]`, ...sums(all, product), "print(Z)"];
  }

  function keras(all) {
    const { operator, stride, dilation, kernel } = all;
    const dilates = Math.max(...dilation) > 1;
    if (operator === "local" || operator === "tiled" || (operator === "max" && dilates))
      return undefined;
    const options = `strides=${pair(stride)}, padding="valid"`;
    const lines = ["import numpy as np", "from keras import ops", "", ...all.arrays];
    if (operator === "max")
      return [...lines, `P = ${padded("V", all.before, all.after, "-np.inf")}`,
              `Z = ops.max_pool(P[None, :, :, None], ${pair(kernel)}, ${options})[0, :, :, 0]`,
              "print(Z)"];
    if (operator === "transposed") {
      const [rows, columns] = crop(all);
      return [...lines, "V, K = V[None, :, :, None], K[:, :, None, None]",
              `Z = ops.conv_transpose(V, K, ${options}, dilation_rate=${pair(dilation)})` +
              `[0, ${rows}, ${columns}, 0]`, "print(Z)"];
    }
    const product = (array, weight) => `product(${array}, ${weight})`;
    return [...lines, "def product(array, kernel):",
            "    x, k = array[None, :, :, None], kernel[:, :, None, None]",
            `    return ops.conv(x, k, ${options}, dilation_rate=${pair(dilation)})[0, :, :, 0]`,
            ...sums(all, product), "print(Z)"];
  }

  function scipy(all) {
    const { operator, stride, dilation, span, outputs } = all;
    const steps = (sizes) => sizes.map((n) => `::${n}`).join(", ");
    const lines = ["import numpy as np"], dilated = Math.max(...dilation) > 1;
    const spread = (kernel) => dilated
      ? [`D = np.zeros(${pair(span)})`, `D[${steps(dilation)}] = ${kernel}`] : [`D = ${kernel}`];
    if (operator === "transposed") {
      const reach = [0, 1].map((a) => (all.input[a] - 1) * stride[a] + 1);
      return [...lines, "from scipy.signal import convolve2d", "", ...all.arrays, ...spread("K"),
              `U = np.zeros(${pair(reach)})`, `U[${steps(stride)}] = V`,
              `Z = convolve2d(U, D, mode="full")[${crop(all).join(", ")}]`, "print(Z)"];
    }
    if (operator === "max" || operator === "local" || operator === "tiled") {
      const value = operator === "max" ? "-np.inf" : 0;
      const { period_rows: rows, period_columns: columns } = all.set;
      const period = operator === "local" ? outputs : [rows, columns];
      const turns = [0, 1].map((a) => `np.arange(${outputs[a]}) % ${period[a]}`);
      const reduced = operator === "max" ? "Z = W.max(axis=(2, 3))"
        : `Z = (W * K[np.ix_(${turns.join(", ")})]).sum(axis=(2, 3))`;
      return [...lines, "from numpy.lib.stride_tricks import sliding_window_view", "",
              ...all.arrays, `P = ${padded("V", all.before, all.after, value)}`,
              `W = sliding_window_view(P, ${pair(span)})[${steps([...stride, ...dilation])}]`,
              reduced, "print(Z)"];
    }
    const product = (array) => `correlate2d(${array}, D, mode="valid")[${steps(stride)}]`;
    const [first, ...rest] = sums(all, product);
    const needed = all.weighs ? [...spread("K"), first, ...rest] : [first, ...spread("K"), ...rest];
    return [...lines, "from scipy.signal import correlate2d", "", ...all.arrays, ...needed,
            "print(Z)"];
  }

  function onnx(all) {
    const type = { convolution: "Conv", transposed: "ConvTranspose", max: "MaxPool", l2: "LpPool",
                   average: "AveragePool" }[all.operator];
    const partial = all.counts && all.rounds; // implementations differ in the divisor
    if (!type || partial) return undefined;
    const more = [`kernel_shape=${list(all.kernel)}`, `strides=${list(all.stride)}`,
                  `dilations=${list(all.dilation)}`, `pads=${list([...all.before, ...all.after])}`];
    if (all.operator === "l2") more.push("p=2");
    if (all.counts) more.push("count_include_pad=1");
    const names = all.weighs ? '"V", "K"' : '"V"';
    const feeds = all.weighs ? '{"V": V[None, None], "K": K[None, None]}' : '{"V": V[None, None]}';
    return ["import numpy as np", "from onnx.helper import make_node",
            "from onnx.reference import ReferenceEvaluator", "", ...all.arrays,
            `node = make_node("${type}", [${names}], ["Z"],`,
            `                 ${more.join(", ")})`,
            `Z = ReferenceEvaluator(node).run(None, ${feeds})[0][0, 0]`, "print(Z)"];
  }

  const LIBRARIES = { convcore, pytorch, keras, scipy, onnx };

  // The program, or undefined where the library has no such operation.
  explorer.code = (library, result) => {
    const lines = LIBRARIES[library](known(result));
    return lines && `${lines.join("\n")}\n`;
  };
})();

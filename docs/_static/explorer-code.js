// The present setting as code of five libraries. Each program prints the output that is shown.
"use strict";

(() => {
  const pair = ([a, b]) => `(${a}, ${b})`;
  const tuple = (numbers) => `(${numbers.join(", ")})`;
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
    const { channels_in: channelsIn, channels_out: channelsOut } = facts;
    const many = explorer.format.hasChannels(result);
    const period = { local: outputs, tiled: both(set, "period") }[operator] || [];
    const sizes = !many || operator === "weighted" ? [...period, ...both(set, "kernel")]
      : [facts.outer, ...period, facts.inner, ...both(set, "kernel")];
    const weighs = result.weights.length > 0;
    const kernel = sizes.length > 2
      ? `np.array(${list(result.weights)}, float).reshape(${sizes.join(", ")})`
      : `np.array(${table(result.weights, set.kernel_columns)}, float)`;
    const cube = (numbers, channels, [rows, columns]) => many
      ? `np.array(${table(numbers, columns)}, float).reshape${tuple([channels, rows, columns])}`
      : `np.array(${table(numbers, columns)}, float)`;
    const arrays = [`V = ${cube(result.input, channelsIn, input)}`,
                    ...(weighs ? [`K = ${kernel}`] : [])];
    return { operator, facts, input, kernel: both(set, "kernel"), stride, span, outputs, before,
             given, dilation: both(set, "dilation"), after: rounds ? whole : given, rounds, arrays,
             period, many, weighs, groups: explorer.isGrouped(operator) ? set.groups : 1,
             counts: operator === "average" && set.count_padding === 1, back: set.gradient === 1,
             gradient: `G = ${cube(result.gradient, channelsOut, outputs)}` };
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
    if (all.groups > 1) more.push(`groups=${all.groups}`);
    const one = all.many ? "" : "[0]", axis = all.many ? "" : "[None]";
    const given = all.many ? `V, ${weight ? "K" : pair(kernel)}`
      : `V[None], ${weight || pair(kernel)}`;
    const lines = ["import numpy as np", `from convcore import ${name}`, "", ...all.arrays,
                   `options = dict(${more.join(", ")})`, `Z = ${name}(${given}, **options)${one}`,
                   "print(Z)"];
    if (all.back) {
      lines[1] += `, ${name}_backward`;
      const layer = weight && operator !== "weighted";
      const left = layer ? "dV, dK, _" : "dV";
      lines.push(all.gradient, `${left} = ${name}_backward(G${axis}, ${given}, **options)`,
                 `print(dV${one})${layer ? "\nprint(dK)" : ""}`);
    }
    return lines;
  }

  // Cells that a mean divides by: one where a cell counts.
  function mask(all) {
    const ones = "np.ones_like(V)";
    if (!all.counts) return [`M = ${padded(all, ones, all.before, all.after, 0)}`];
    const beyond = all.after.map((n, a) => Math.max(0, n - all.given[a]));
    return [`M = ${padded(all, ones, all.before, all.after.map((n, a) => n - beyond[a]), 1)}`,
            `M = ${padded(all, "M", [0, 0], beyond, 0)}`];
  }
  const padded = ({ many }, array, before, after, value) =>
    `np.pad(${array}, ${tuple([...(many ? ["(0, 0)"] : []), ...pads({ before }, after)])}, ` +
    `constant_values=${value})`;

  // A sum of products over windows of P, by `product(array, kernel)`: all operators but maxima.
  function sums(all, product) {
    const start = all.weighs ? [] : [`K = np.ones(${pair(all.kernel)})`];
    const value = all.operator === "l2" ? "V ** 2" : "V";
    const lines = [...start, `P = ${padded(all, value, all.before, all.after, 0)}`];
    if (all.operator === "convolution") return [...lines, `Z = ${product("P", "K")}`];
    if (all.operator === "l2") return [...lines, `Z = ${product("P", "K")} ** 0.5`];
    return [...lines, ...mask(all), `Z = ${product("P", "K")} / ${product("M", "K")}`];
  }

  function pytorch(all) {
    const { operator, stride, dilation, kernel } = all;
    if (operator === "local" || operator === "tiled") return undefined;
    const groups = all.groups > 1 ? `, groups=${all.groups}` : "";
    const options = `stride=${pair(stride)}, dilation=${pair(dilation)}${groups}`;
    const layer = all.many && !explorer.isPool(operator); // the channels of a pooling are a batch
    const lines = ["import numpy as np", "import torch", "import torch.nn.functional as F", "",
                   ...all.arrays];
    if (operator === "transposed") {
      const [rows, columns] = crop(all);
      const [inputs, kernels, own] = layer ? ["[None]", "", "0, :"]
        : ["[None, None]", "[None, None]", "0, 0"];
      return [...lines, `V, K = torch.tensor(V)${inputs}, torch.tensor(K)${kernels}`,
              `Z = F.conv_transpose2d(V, K, ${options})[${own}, ${rows}, ${columns}]`, "print(Z)"];
    }
    if (operator === "max") {
      const sides = [all.before[1], all.after[1], all.before[0], all.after[0]];
      return [...lines, `P = F.pad(torch.tensor(V), (${sides.join(", ")}), value=-torch.inf)`,
              `Z = F.max_pool2d(P[None], ${pair(kernel)}, ${options})[0]`, "print(Z)"];
    }
    const [x, k, own] = layer ? ["[None]", "", "[0]"]
      : all.many ? ["[:, None]", "[None, None]", "[:, 0]"] : ["[None, None]", "[None, None]", "[0, 0]"];
    const product = (array, weight) => `product(${array}, ${weight})`;
    return [...lines, "def product(array, kernel):",
            `    x, k = torch.tensor(array)${x}, torch.tensor(kernel)${k}`,
            `    return F.conv2d(x, k, ${options})${own}`, ...sums(all, product), "print(Z)"];
  }

  function keras(all) {
    const { operator, stride, dilation, kernel } = all;
    const dilates = Math.max(...dilation) > 1;
    if (operator === "local" || operator === "tiled" || (operator === "max" && dilates))
      return undefined;
    const options = `strides=${pair(stride)}, padding="valid"`;
    const lines = ["import numpy as np", "from keras import ops", "", ...all.arrays];
    if (operator === "max")
      return [...lines, `P = ${padded(all, "V", all.before, all.after, "-np.inf")}`,
              all.many ? `Z = ops.max_pool(P[..., None], ${pair(kernel)}, ${options})[..., 0]`
                : `Z = ops.max_pool(P[None, :, :, None], ${pair(kernel)}, ${options})[0, :, :, 0]`,
              "print(Z)"];
    const layer = all.many && !explorer.isPool(operator); // the channels of a pooling are a batch
    if (operator === "transposed") {
      const [rows, columns] = crop(all), { groups } = all;
      if (layer)
        return [...lines, "def stamp(x, k):",
                "    x, k = x.transpose(1, 2, 0)[None], k.transpose(2, 3, 1, 0)",
                `    z = ops.conv_transpose(x, k, ${options}, dilation_rate=${pair(dilation)})`,
                `    return ops.transpose(z[0, ${rows}, ${columns}], (2, 0, 1))`,
                `parts = zip(np.split(V, ${groups}), np.split(K, ${groups}))`,
                "Z = ops.concatenate([stamp(x, k) for x, k in parts])", "print(Z)"];
      return [...lines, "V, K = V[None, :, :, None], K[:, :, None, None]",
              `Z = ops.conv_transpose(V, K, ${options}, dilation_rate=${pair(dilation)})` +
              `[0, ${rows}, ${columns}, 0]`, "print(Z)"];
    }
    const [x, k] = layer ? ["array.transpose(1, 2, 0)[None]", "kernel.transpose(2, 3, 1, 0)"]
      : [all.many ? "array[..., None]" : "array[None, :, :, None]", "kernel[:, :, None, None]"];
    const z = `ops.conv(x, k, ${options}, dilation_rate=${pair(dilation)})`;
    const product = (array, weight) => `product(${array}, ${weight})`;
    return [...lines, "def product(array, kernel):", `    x, k = ${x}, ${k}`,
            `    return ${layer ? `ops.transpose(${z}[0], (2, 0, 1))`
              : `${z}${all.many ? "[..., 0]" : "[0, :, :, 0]"}`}`,
            ...sums(all, product), "print(Z)"];
  }

  function scipy(all) {
    const { operator, stride, dilation, span, outputs, many, facts } = all;
    const steps = (sizes) => sizes.map((n) => `::${n}`).join(", ");
    const lines = ["import numpy as np"], dilated = Math.max(...dilation) > 1;
    const layer = many && !explorer.isPool(operator);
    const tables = layer ? "K.shape[:2] + " : "", each = layer ? ":, :, " : "";
    const spread = (kernel) => dilated
      ? [`D = np.zeros(${tables}${pair(span)})`, `D[${each}${steps(dilation)}] = ${kernel}`]
      : [`D = ${kernel}`];
    const { seen, seeing } = facts, group = seeing > 1 ? `k // ${seeing}` : "k";
    const first = all.groups === 1 ? "0" : seen > 1 ? `${group} * ${seen}` : group;
    const added = (term) => ["def channel(k):", `    first = ${first}`,
                             `    return sum(${term} for c in range(first, first + ${seen}))`];
    const channels = `np.array([channel(k) for k in range(${facts.channels_out})])`;
    if (operator === "transposed") {
      const reach = [0, 1].map((a) => (all.input[a] - 1) * stride[a] + 1);
      const up = many ? [`U = np.zeros(${tuple([facts.channels_in, ...reach])})`,
                         `U[:, ${steps(stride)}] = V`]
        : [`U = np.zeros(${pair(reach)})`, `U[${steps(stride)}] = V`];
      const own = all.groups === 1 ? "k" : `k % ${seeing}`;
      const result = many ? [...added(`convolve2d(U[c], D[c, ${own}], mode="full")`),
                             `Z = ${channels}[:, ${crop(all).join(", ")}]`]
        : [`Z = convolve2d(U, D, mode="full")[${crop(all).join(", ")}]`];
      return [...lines, "from scipy.signal import convolve2d", "", ...all.arrays, ...spread("K"),
              ...up, ...result, "print(Z)"];
    }
    if (operator === "max" || operator === "local" || operator === "tiled") {
      const value = operator === "max" ? "-np.inf" : 0, { period } = all;
      const turns = [0, 1].map((a) => `np.arange(${outputs[a]}) % ${period[a]}`);
      const reduced = operator === "max" ? `Z = W.max(axis=${many ? "(3, 4)" : "(2, 3)"})`
        : many ? `Z = np.einsum("cyxrs,kyxcrs->kyx", W, K[:, ${turns[0]}][:, :, ${turns[1]}])`
          : `Z = (W * K[np.ix_(${turns.join(", ")})]).sum(axis=(2, 3))`;
      const windows = `sliding_window_view(P, ${pair(span)}${many ? ", axis=(1, 2)" : ""})`;
      return [...lines, "from numpy.lib.stride_tricks import sliding_window_view", "",
              ...all.arrays, `P = ${padded(all, "V", all.before, all.after, value)}`,
              `W = ${windows}[${many ? ":, " : ""}${steps([...stride, ...dilation])}]`,
              reduced, "print(Z)"];
    }
    const correlated = (array, kernel) =>
      `correlate2d(${array}, ${kernel}, mode="valid")[${steps(stride)}]`;
    if (layer)
      return [...lines, "from scipy.signal import correlate2d", "", ...all.arrays, ...spread("K"),
              `P = ${padded(all, "V", all.before, all.after, 0)}`,
              ...added(correlated("P[c]", "D[k, c - first]")), `Z = ${channels}`, "print(Z)"];
    const product = (array) => (many ? `np.array([${correlated("one", "D")} for one in ${array}])`
      : correlated(array, "D"));
    const [start, ...rest] = sums(all, product);
    const needed = all.weighs ? [...spread("K"), start, ...rest] : [start, ...spread("K"), ...rest];
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
    const split = all.operator === "transposed" && all.groups > 1;
    if (all.groups > 1 && !split) more.push(`group=${all.groups}`);
    const [axes, kernels, own] = all.many ? ["[None]", "", "[0][0]"]
      : ["[None, None]", "[None, None]", "[0][0, 0]"];
    const names = all.weighs ? '"V", "K"' : '"V"';
    const each = [`model = ReferenceEvaluator(node)`,
                  `parts = zip(np.split(V, ${all.groups}), np.split(K, ${all.groups}))`,
                  'groups = [model.run(None, {"V": v[None], "K": k})[0][0] for v, k in parts]',
                  "Z = np.concatenate(groups)"];
    const feeds = `{"V": V${axes}${all.weighs ? `, "K": K${kernels}` : ""}}`;
    return ["import numpy as np", "from onnx.helper import make_node",
            "from onnx.reference import ReferenceEvaluator", "", ...all.arrays,
            `node = make_node("${type}", [${names}], ["Z"],`,
            `                 ${more.join(", ")})`,
            ...(split ? each : [`Z = ReferenceEvaluator(node).run(None, ${feeds})${own}`]),
            "print(Z)"];
  }

  const LIBRARIES = { convcore, pytorch, keras, scipy, onnx };

  // The program, or undefined where the library has no such operation.
  explorer.code = (library, result) => {
    const lines = LIBRARIES[library](known(result));
    return lines && `${lines.join("\n")}\n`;
  };
})();

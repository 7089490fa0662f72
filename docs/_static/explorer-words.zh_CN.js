// 探索器页的全部中文文字。键和函数与 explorer-words.en.js 相同；`explorer.labels` 是 JSON，
// 也用来填写页面模板（docs/_ext/explorer.py）。
"use strict";

window.explorer = window.explorer || {};

explorer.labels = {
  "none": "探索器需要支持向量指令的 WebAssembly，而本浏览器没有此功能或已将其关闭。“学习”部分的各页用文字和图讲解同样的内容。",
  "noscript": "探索器需要 JavaScript 和 WebAssembly。“学习”部分的各页用文字和图讲解同样的内容。",
  "operator": "运算",
  "kind": "种类",
  "op_convolution": "卷积",
  "op_local": "局部连接层",
  "op_tiled": "平铺卷积",
  "op_transposed": "转置卷积",
  "op_max": "最大池化",
  "op_average": "平均池化",
  "op_l2": "L2 范数池化",
  "op_weighted": "距离加权池化",
  "period_rows": "行周期",
  "period_columns": "列周期",
  "ceil": "保留末尾不完整的窗口",
  "count_padding": "除数包括填充的格",
  "padding": "填充",
  "mode": "方式",
  "pad_valid": "有效：不填充",
  "pad_same": "相同：多出的一格在后",
  "pad_same_lower": "相同：多出的一格在前",
  "pad_full": "全：所有有重叠的位置",
  "pad_causal": "因果：全部填充在前",
  "pad_explicit": "自定：逐边指定",
  "top": "上",
  "bottom": "下",
  "left": "左",
  "right": "右",
  "input": "输入",
  "kernel": "核",
  "weights": "权重",
  "output": "输出",
  "window": "核（窗口）",
  "rows": "行数",
  "columns": "列数",
  "channels": "通道",
  "groups": "组数",
  "input_channels": "输入的通道",
  "output_channels": "输出的通道",
  "stride": "步幅",
  "dilation": "膨胀",
  "values": "数值",
  "in_random": "随机",
  "in_edge": "边缘",
  "in_ramp": "斜坡",
  "in_impulse": "脉冲",
  "w_random": "随机",
  "w_identity": "恒等",
  "w_blur": "模糊",
  "w_sobel": "索贝尔",
  "w_sharpen": "锐化",
  "w_laplace": "拉普拉斯",
  "picture": "自己的图片（不会离开本机）",
  "shade": "按数值着色",
  "move_window": "移动窗口",
  "first": "开头",
  "back": "后退",
  "play": "播放",
  "pause": "暂停",
  "forward": "前进",
  "last": "末尾",
  "gradient": "梯度",
  "numbers": "换一组数",
  "reset": "重置",
  "colours": "颜色",
  "key_tap": "当前输出看到的格",
  "key_padding": "填充",
  "key_winner": "最大值",
  "key_current": "当前输出",
  "key_traced": "与选中者相连",
  "edit_none": "选中一个格或一个权重，然后键入数字即可修改。",
  "terms": "这个输出看到什么",
  "terms_back": "这个输出的梯度带来什么",
  "formula": "有多少个输出",
  "usage": "每个输入格被用到几次",
  "share": "带走使用",
  "code_for": "代码所用的库",
  "copy_code": "复制代码",
  "copy_link": "复制链接",
  "copy_frame": "复制 iframe",
  "save": "存为单个文件",
  "copied": "已复制。",
  "not_copied": "浏览器不允许复制，请手动选中文字。",
  "saved": "已保存。该文件不依赖本站即可使用。"
};

(() => {
  const { labels } = explorer;
  const { text, rounded, short, kernelName, seenBy, valueAt, shares, indexOf, kernelAt,
          hasChannels } = explorer.format;
  const AXES = { rows: "行", columns: "列" };
  const LABELS = {
    operator: "运算", padding: "填充方式", seed: "随机种子",
    ceil: "“保留不完整窗口”选项",
    count_padding: "“除数包括填充”选项",
    input_preset: "输入的图案", kernel_preset: "核的图案",
    gradient: "梯度选项",
    input_rows: "输入的行数", input_columns: "输入的列数",
    kernel_rows: "核的行数", kernel_columns: "核的列数",
    stride_rows: "行方向的步幅", stride_columns: "列方向的步幅",
    dilation_rows: "行方向的膨胀", dilation_columns: "列方向的膨胀",
    before_rows: "上边的填充", after_rows: "下边的填充",
    before_columns: "左边的填充", after_columns: "右边的填充",
    period_rows: "行方向的周期", period_columns: "列方向的周期",
    channels_in: "输入通道数", channels_out: "输出通道数", groups: "组数",
  };

  const place = (row, column) => `第 ${text(row)} 行第 ${text(column)} 列`;
  const spot = (channel, row, column, count) =>
    (count > 1 || channel ? `通道 ${text(channel)} ` : "") + place(row, column);
  const inputAt = ({ facts }, [channel, row, column]) =>
    `输入${spot(channel, row, column, facts.channels_in)}`;
  const outputAt = ({ facts }, { channel, row, column }) =>
    `${spot(channel, row, column, facts.channels_out)}的输出`;
  const quoted = (word) => `“${word}”`;

  // “0”、“0 至 3”或“0、2、4”。
  function listed(numbers) {
    const all = [...new Set(numbers)];
    if (all.length > 2 && all.every((n, i) => i === 0 || n === all[i - 1] + 1))
      return `${all[0]} 至 ${all.at(-1)}`;
    return all.map(text).join("、");
  }

  const range = (name, value, ranges) =>
    `${LABELS[name]}必须在 ${ranges[name].least} 到 ${ranges[name].most} 之间，` +
    `不能是 ${text(value)}。`;
  const integer = (name) => `${LABELS[name]}必须是整数。`;

  function refusal(settings, result, ranges) {
    const axis = AXES[result.axis];
    switch (result.status) {
      case "out of range":
        return { reason: range(result.field, settings[result.field], ranges), advice: "" };
      case "too large":
        return {
          reason: `核放不下：它在${axis}方向跨 ${result.span} 格，超过了填充后的输入。`,
          advice: "请减小核或膨胀，或者增大输入或填充。" };
      case "empty window":
        return {
          reason: `输出第 ${result.place} ${axis}的窗口里没有输入格，只有填充；空窗口的池化没有值。`,
          advice: "请减小填充或增大窗口。" };
      case "no output":
        return { reason: `填充去掉了输出的所有${axis}。`, advice: "请减小填充。" };
      case "too many":
        return {
          reason: `输出会有 ${result.outputs} ${axis}，而这里最多显示 40 ${axis}。`,
          advice: "请减小步幅或输入。" };
      case "undivided":
        return {
          reason: `${settings.groups} 组无法平分 ${settings.channels_in} 个输入通道和 ` +
                  `${settings.channels_out} 个输出通道。`,
          advice: "请选能同时整除两个通道数的组数。" };
      case "too many weights":
        return {
          reason: `这一层会有 ${result.weights} 个权重，而这里最多容纳 78400 个。`,
          advice: "请减小输入、核或通道数。" };
      default:
        return { reason: "内存不足，计算失败。", advice: "" };
    }
  }

  const instead = {
    padding: () => "不填充",
    stride: (axis) => `${AXES[axis]}方向的步幅 1`,
    dilation: (axis) => `${AXES[axis]}方向的膨胀 1`,
    kernel: (axis) => `${AXES[axis]}数与输入相同的核`,
    groups: () => "一个组",
    channels: () => "一个通道",
  };
  const taken = (what) => `已改用：${what}。`;

  const link = {
    fault: (problems) => `链接有误。${problems.join("")}`,
    damaged: (part) => `${quoted(part)}无法解码，已忽略。`,
    unknown: (key) => `没有名为${quoted(key)}的设置，已忽略。`,
    unread: (part) => `${quoted(part)}没有意义，已忽略。`,
    twice: (key, first) => `${quoted(key)}出现了两次，采用第一个，即${quoted(first)}。`,
    meaningless: (part, used) => `${quoted(part)}没有意义；${taken(quoted(used))}`,
    noOutput: (at) => `没有${spot(at.channel, at.row, at.column)}的输出，改为第一个输出。`,
    count: (key, found, expected) =>
      `${quoted(key)}有 ${found} 个数，而需要 ${expected} 个，已忽略。`,
  };
  const before = "下面显示的仍是先前的设置。";

  const sizedTitle = (title, sizes) => `${title}（${sizes.join(" × ")}）`;
  const gradientTitle = (title) => `梯度：${title}`;
  const kernelRange = (first, last) => `核 ${first} 至 ${last}`;
  const kernelTitle = (name, used) => `核 ${name}${used ? "" : "（没有输出用到）"}`;
  const kernelOf = (title, out, into) =>
    `${title}：输出通道 ${out}` + (into === undefined ? "" : `，输入通道 ${into}`);
  const sliceTitle = (into) => `输入通道 ${into}`;
  const channelTitle = (title, into) => `${title}：输入通道 ${into}`;
  const channelButton = (what, channel) => `${labels[what]}通道 ${channel}`;
  const kind = { padding: "填充", beyond: "界外", nowhere: "无格" };

  function sentence(result, at, look) {
    const seen = seenBy(look);
    const outside = look.terms.length - seen.length;
    const number = indexOf(result, at), { facts } = result;
    const value = rounded(valueAt(result, at), 4);
    const which = `${outputAt(result, at)}（共 ${result.output.length} 个中的第 ` +
      `${number + 1} 个）`;
    if (!seen.length) return `${which}看不到任何输入格，其值为 ${value}。`;
    const rows = listed(seen.map((term) => term.row));
    const columns = listed(seen.map((term) => term.column));
    const channels = listed(look.terms.map((term) => term.channel));
    const inChannels = facts.channels_in > 1 ? `通道 ${channels} 的` : "的";
    const more = !outside ? "" : result.operator === "transposed"
      ? `，另有 ${outside} 个权重不落在任何格上` : `，另有 ${outside} 个位置在输入之外`;
    return `${which}看到输入${inChannels}第 ${rows} 行、第 ${columns} 列，共 ${seen.length} 格${more}。` +
      `其值为 ${value}。`;
  }

  function backward(result, at, look) {
    const number = indexOf(result, at);
    const cells = seenBy(look).filter((term) => term.to_cell !== 0).length;
    return `${outputAt(result, at)}（共 ${result.output.length} 个中的第 ${number + 1} ` +
      `个）的梯度为 ${short(result.gradient[number])}，它改变 ${cells} 个输入格的梯度。` +
      "输入中显示的是到目前为止各输出带来的梯度之和。";
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
          return `输出通道 ${at.channel} 对它所看到的每个输入通道各有一个核` +
                 `（${facts.channels_in} 个输入通道中看到 ${facts.seen} 个），` +
                 `由它的 ${result.kernelOf.length} 个输出共享。`;
        return `只有一个核，由全部 ${count} 个输出共享。`;
      case "weighted":
        return "权重随着到中心的距离减小；求和之后除以落在输入格上的权重之和。";
      case "local":
        return `这是${outputAt(result, at)}的核。${count} 个输出各有自己的核，不共享任何权重。`;
      default:
        return `${many ? "每个输出通道有 " : ""}${different} 个核轮流使用。` +
          `${outputAt(result, at)}使用核 ` +
          `${kernelName(kernel)}，共有 ${others} 个输出使用它。`;
    }
  }

  function picked(result, what, where) {
    const [channel, row, column] = where;
    if (what === "cell") return inputAt(result, where);
    if (what === "output") return outputAt(result, { channel, row, column });
    const { out, kernel, into } = result.between(channel);
    const named = result.operator === "tiled" ? `核 ${kernelName(kernel)} 的` : "";
    const between = hasChannels(result) && result.operator !== "weighted"
      ? `从输入通道 ${into} 到输出通道 ${out}、` : "";
    return `${between}${named}${place(row, column)}的权重`;
  }

  function traced(result, trace) {
    const name = picked(result, trace.what, trace.where);
    if (trace.what === "cell") return `${name}被 ${trace.count} 个输出看到。`;
    if (trace.what === "output") return `包括${name}在内，有 ${trace.count} 个输出使用相同的权重。`;
    const outside = trace.outputs.filter((mark) => mark < 0).length;
    const note = outside ? `，其中 ${outside} 个把它用在填充上` : "";
    return `${name}被 ${trace.count} 个输出使用${note}。`;
  }

  function gathered(result, trace) {
    const name = picked(result, trace.what, trace.where);
    const by = trace.what === "weight" ? "它所乘的值" : "导数";
    return `${name}把 ${trace.count} 个输出的梯度各乘以${by}再相加：${shares(trace)}。`;
  }

  function usage(result) {
    const most = Math.max(...result.usage), least = Math.min(...result.usage);
    const unused = result.usage.filter((count) => count === 0).length;
    const counts = least === most ? `每个格被 ${most} 个输出看到。`
      : `每个格被 ${least} 至 ${most} 个输出看到。`;
    return unused ? `${counts}有 ${unused} 个格没有用到。` : counts;
  }

  const edit = {
    label: (result, what, where) => ({
      cell: "数值", weight: "权重", output: "梯度",
    })[what] + `：${picked(result, what, where)}`,
    wrong: "数值必须在 −9999 到 9999 之间，最多 4 位小数。",
    positive: "这种池化的权重必须大于 0。",
    picture: "浏览器无法把这个文件读作图片。",
  };

  const share = {
    lacking: (library) => `${library} 没有一定能给出这一输出的运算。`,
    NOTES: {
      convcore: "一幅图像，第一维是通道。填充写成数字，因此与这里显示的完全一致。",
      pytorch: "PyTorch 的填充两侧相等，所以先对输入填充。“conv2d”与这里一样是互相关。它的平均池化最多填充半个窗口。",
      keras: "Keras 的通道在最后一维。它的“same”把多出的一格放在后面，没有其他取值的方式，所以先对输入填充。填零会改变最大值，所以最大池化的填充取负无穷。",
      scipy: "SciPy 没有步幅：代码计算所有位置，再取其中一部分。“convolve2d”会翻转核，“correlate2d”不会。",
      onnx: "ONNX 的四个填充按上、左、下、右的顺序排列。它的平均池化不计填充，除非 count_include_pad 为 1。",
    },
    CHANNELS: {
      onnx: "参考求值器对转置卷积的分组计算有误，所以代码逐组运行；实际的运行时可用属性“group”。",
      keras: "组由形状得知；转置卷积没有组，所以逐组调用。",
      scipy: "SciPy 也没有通道：代码把各输入通道的结果相加。",
    },
  };

  explorer.words = {
    AXES, LABELS, place, range, integer, refusal, instead, taken, link, before, sizedTitle,
    gradientTitle, kernelRange, kernelTitle, kernelOf, sliceTitle, channelTitle, channelButton, kind,
    sentence, backward, kernels, picked, traced, gathered,
    usage, edit, share, outputs: "输出", weights: "权重", addsNothing: "（其余位置加 0）",
    dropped: "（末尾的窗口会从输入之后的填充开始）",
  };
})();

// What the stack says, in Chinese.
"use strict";

window.stack = window.stack || {};

(() => {
  const count = (value) => value.toLocaleString("en-GB");
  const LABELS = { n: "行数与列数", channels: "通道", kernel: "核大小", stride: "步幅", dilation: "扩张率",
                   padding: "填充" };
  const FAULTS = {
    small: ({ span, n, padded }) =>
      `核放不下。核跨 ${span} 格，而特征映射每边 ${n} 格，加上填充为 ${padded} 格。`,
    nothing: () => "填充去掉了全部输出：转置卷积的填充是从输出上截去的单元格。",
    large: ({ size }) => `特征映射每边会有 ${count(size)} 格，最多显示 1,024 格。`,
    empty: ({ o }) => `第 ${o} 个窗口只有填充，空窗口的池化没有值。`,
  };

  stack.words = {
    count, LABELS,
    KINDS: { conv: "卷积", max: "最大池化", average: "平均池化", transposed: "转置卷积" },
    presets: "预设",
    PRESETS: { lenet5: "LeNet-5", vgg: "VGG-16 的开头", dilated: "膨胀卷积堆叠", encoder: "先缩小再放大" },
    input: "输入",
    layer: (l) => `第 ${l} 层`,
    kind: "类型",
    add: "添加一层",
    remove: "删除",
    removeLayer: (l) => `删除第 ${l} 层`,
    results: { size: "特征映射", field: "接受域（感受野）", jump: "跳距", parameters: "参数",
               multiplyAdds: "乘加" },
    size: (n, channels) => `${count(channels)} × ${n} × ${n}`,
    field: ([least, most]) => (least === most ? `${count(least)} × ${count(least)}`
      : `每边 ${count(least)} 至 ${count(most)} 格`),
    jump: ([up, down]) => (down === 1 ? count(up) : `${up}/${down}`),
    total: (parameters, multiplyAdds) =>
      `所有层：${count(parameters)} 个参数，${count(multiplyAdds)} 次乘加。`,
    map: "所选特征映射",
    unit: "所选单元",
    names: (m) => (m ? `第 ${m} 层` : "输入"),
    sentence: (m, unit, seen, first, last, n) => (m === 0
      ? `已选输入的第 ${unit} 格。选择某一层的单元，即可看到它依赖哪些单元格。`
      : !seen ? `第 ${m} 层的单元 ${unit} 不依赖任何输入单元格。`
        : `第 ${m} 层的单元 ${unit} 在每个轴上依赖输入 ${n} 格中的 ${count(seen)} 格，从第 ${first} 格到第 ` +
          `${last} 格${last - first + 1 > seen ? "，中间有空隙" : ""}。`),
    picture: (m, unit) => `每个特征映射一行单元格，输入在最下面。填色的是${m ? `第 ${m} 层` : "输入"}的` +
      `单元 ${unit} 所依赖的单元格。`,
    range: (name, [least, most], l) =>
      `${l ? `第 ${l} 层` : "输入"}：${LABELS[name]}必须在 ${least} 到 ${most} 之间。`,
    fault: (wrong) => `第 ${wrong.layer + 1} 层：${FAULTS[wrong.why](wrong)}`,
    kept: "图中仍是之前的设置。",
    link: "链接中的设置不是可以显示的层堆叠，改为显示 LeNet-5。",
  };
})();

// What the walk says, in Chinese.
"use strict";

window.walk = window.walk || {};

(() => {
  const number = (value, digits = 3) =>
    value.toFixed(digits).replace(/^-(?=[0.]*$)/, "").replace("-", "\u2212"); // 0 has no sign
  const percent = (share) => `${(100 * share).toFixed(share > 0.9995 || share < 0.0005 ? 0 : 1)}%`;
  const factor = (value) => (value < 0 ? `(${number(value)})` : number(value));
  const listed = (all) => all.join("、");
  const TITLES = {
    image: "图像", C1: "C1：卷积", S2: "S2：下采样", C3: "C3：带连接表的卷积", S4: "S4：下采样",
    C5: "C5：覆盖整个特征映射的卷积", F6: "F6：全连接层", output: "输出：全连接层",
  };
  const ABOUT = {
    C1: "每个特征映射有一个 5 × 5 的卷积核和一个偏置，在图像的每个位置寻找同一种模式。",
    S2: "每个输出把一个特征映射中的四个单元格相加，乘以权重，再加偏置；权重和偏置属于该特征映射。",
    C3: "每个特征映射只看连接表所列的那些 S2 特征映射，因此各特征映射不会全都学到同样的东西。",
    S4: "与 S2 相同：一个特征映射的四个单元格之和，乘以它的权重，加上它的偏置。",
    C5: "每个卷积核与 S4 的特征映射一样大，所以每个特征映射只有一个单元。每个单元看全部 16 个特征映射。",
    F6: "每个单元看 C5 的全部 120 个单元，对每一个都有自己的权重。",
    output: "每个数字一个得分。softmax 把十个得分变成概率。",
  };

  walk.words = {
    number, percent, TITLES, ABOUT,
    draw: "画一个数字",
    pad: "画板",
    keys: "用鼠标或手指作画。用键盘：方向键移动画笔，空格键落笔或提笔，Delete 键清空。",
    clear: "清空",
    examples: "示例",
    example: (name) => `示例：${name.replace("/", " 或 ")}`,
    sees: "网络看到的图像：32 × 32 个单元格，已居中",
    answer: "网络的回答",
    digit: "数字",
    probability: "概率",
    network: "网络",
    path: "当前位置：按任一按钮即退回到那一步",
    empty: "还没有画任何东西：请画一个数字，或选择一个示例。",
    verdict: (digit, share, next, second) =>
      `网络读作 ${digit}，概率为 ${percent(share)}；其次是 ${next}，概率为 ${percent(second)}。`,
    name: (name) => (name === "output" ? "输出" : name),
    title: (name) => TITLES[name],
    size: ({ channels, size }) => (size === 1 ? `${channels} 个单元`
      : `${channels} 个 ${size} × ${size} 的特征映射`),
    map: (k) => `特征映射 ${k}`,
    unit: (k) => `单元 ${k}`,
    cell: (r, c) => `输出 (${r}, ${c})`,
    term: (i) => `第 ${i + 1} 次乘加`,
    atNetwork: "从图像到十个得分的整个网络。选择一层，查看它的特征映射（特征图）。",
    atLayer: (name) => `${ABOUT[name]}选择一个即可放大。`,
    atMap: (name, k, before, seen) =>
      `${name} 的特征映射 ${k} 看 ${before} 的特征映射 ${listed(seen)}。选择一个输出，查看它的窗口。`,
    ofImage: (name, k) => `${name} 的特征映射 ${k} 看输入图像。选择一个输出，查看它的窗口。`,
    atCell: (r, c, value) => `输出 (${r}, ${c}) 的值为 ${number(value)}。`,
    atWindow: (count) => `这个输出由 ${count} 次乘加得到。每格显示值 × 权重及其乘积。请选择一格。`,
    product: (term) => `${number(term.value)} × ${factor(term.weight)} = ${number(term.product, 4)}`,
    atTerm: (i, count, term, before) => `第 ${i + 1} 次乘加（共 ${count} 次）：${number(term.value)} ` +
      `× ${factor(term.weight)} = ${number(term.product, 4)}。` +
      `之前的和为 ${number(before, 4)}，现在为 ${number(term.sum, 4)}。`,
    sum: (look, squashed) => `偏置 ${number(look.bias)} + ${look.terms.length} 个乘积 = ` +
      `${number(look.total)}${squashed ? `；f(${number(look.total)}) = 1.7159 tanh(2/3 · ` +
      `${factor(look.total)}) = ${number(look.value)}` : "，即得分"}`,
    windowOf: (name, k) => (name === "image" ? "图像" : `${name}，特征映射 ${k}`),
    units: (name) => `${name} 的单元`,
    heads: ["序号", "来自", "值", "权重", "乘积", "累计和"],
    bias: "偏置",
    from: (name, term, single) => (name === "image" ? `(${term.row}, ${term.column})`
      : single ? `单元 ${term.channel}` : `特征映射 ${term.channel} (${term.row}, ${term.column})`),
    table: "连接表：C3 的每个特征映射（列）看 S2 的哪些特征映射（行）",
    connected: "相连",
    terms: "这个输出的全部乘加，按次序",
    mapLabel: (name, k, seen) => `${name}，特征映射 ${k}${seen ? `，看特征映射 ${listed(seen)}` : ""}`,
  };
})();

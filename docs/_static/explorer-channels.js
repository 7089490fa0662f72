// The channels of the input or the output as small pictures. Each is a button that shows its channel
// in the grid below.
"use strict";

explorer.Channels = class {
  static SIDE = 44; // pixels of the longer side

  // `what`: "input" or "output".
  constructor(what, pick) {
    this.what = what;
    this.frame = document.getElementById(`explorer-${what}-channels`);
    this.frame.addEventListener("click", (event) => {
      const button = event.target.closest("button");
      if (button) pick(Number(button.dataset.channel));
    });
  }

  buttons() {
    return [...this.frame.querySelectorAll("button")];
  }

  make(channel) {
    const button = document.createElement("button"), picture = document.createElement("canvas");
    button.type = "button";
    button.dataset.channel = channel;
    button.setAttribute("aria-label", explorer.words.channelButton(this.what, channel));
    button.append(picture, explorer.format.text(channel));
    return button;
  }

  // `current`: the channel that is shown large; `seen`: those that belong to the current output;
  // `last`: the number of the last value that there is yet.
  show({ count, rows, columns, current, seen, values, last = values.length - 1 }) {
    const needed = count > 1 ? count : 0;
    this.frame.hidden = !needed;
    if (this.buttons().length !== needed)
      this.frame.replaceChildren(...Array.from({ length: needed }, (_, i) => this.make(i)));
    const least = Math.min(...values), most = Math.max(...values), size = rows * columns;
    const share = (value) => (most > least ? (value - least) / (most - least) : 0);
    for (const [channel, button] of this.buttons().entries()) {
      button.setAttribute("aria-pressed", channel === current);
      button.classList.toggle("is-seen", seen.has(channel));
      const own = values.slice(channel * size, (channel + 1) * size);
      this.paint(button.querySelector("canvas"), rows, columns,
                 own.map((value, i) => (channel * size + i <= last ? share(value) : 0)));
    }
  }

  paint(canvas, rows, columns, shares) {
    const side = explorer.Channels.SIDE / Math.max(rows, columns);
    Object.assign(canvas, { width: columns, height: rows });
    Object.assign(canvas.style, { width: `${columns * side}px`, height: `${rows * side}px` });
    const pen = canvas.getContext("2d"), picture = pen.createImageData(columns, rows);
    shares.forEach((share, i) => picture.data.set([10, 125, 145, Math.round(235 * share)], 4 * i));
    pen.putImageData(picture, 0, 0);
  }

  // Marks the channels, of `size` values each, that hold something of what was picked.
  ring(marks, size) {
    for (const [channel, button] of this.buttons().entries())
      button.classList.toggle("is-traced", marks
        .slice(channel * size, (channel + 1) * size).some((mark) => mark !== 0));
  }
};

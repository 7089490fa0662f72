// The pad: a digit drawn by mouse, touch or keys, or chosen from examples.
"use strict";

(() => {
  const STEP = 1 / 28; // of the pad, that an arrow key moves the pen
  const PIXELS = 224;

  // Points of an ellipse's arc, in hundredths of the pad; angles in degrees, clockwise from the
  // right.
  function arc(x, y, wide, high, from, to) {
    return Array.from({ length: 25 }, (_, i) => {
      const angle = ((from + ((to - from) * i) / 24) * Math.PI) / 180;
      return [x + wide * Math.cos(angle), y + high * Math.sin(angle)];
    });
  }

  // One digit of each kind, then two that can be taken for another.
  walk.EXAMPLES = {
    0: [arc(50, 50, 24, 38, -90, 270)],
    1: [[[38, 26], [52, 12], [52, 88]]],
    2: [[...arc(50, 34, 24, 22, 185, 390), [26, 88], [78, 86]]],
    3: [[...arc(46, 31, 24, 20, 200, 440), ...arc(46, 69, 26, 20, 280, 520)]],
    4: [[[34, 14], [26, 54], [76, 54]], [[68, 16], [64, 90]]],
    5: [[[72, 14], [36, 14], [31, 47], ...arc(48, 64, 26, 24, 230, 505)]],
    6: [[...arc(70, 58, 44, 46, 255, 180), ...arc(48, 67, 22, 21, 180, -190)]],
    7: [[[26, 16], [76, 14], [46, 90]]],
    8: [[...arc(50, 31, 19, 19, 90, 450), ...arc(50, 69, 23, 20, 270, -90)]],
    9: [[...arc(50, 34, 21, 21, 0, -360), [70, 60], [62, 90]]],
    "4/9": [[[36, 20], [28, 50], [70, 50]], [[36, 20], [70, 16], [66, 90]]],
    "1/7": [[[34, 22], [58, 14], [48, 90]]],
  };

  walk.Pad = class {
    // `changed(drawn)` is called after each change of the lines.
    constructor(root, core, changed) {
      const { words } = walk;
      this.core = core;
      this.changed = changed;
      this.strokes = [];
      this.pen = { x: 0.5, y: 0.5, down: false };
      this.canvas = Object.assign(document.createElement("canvas"),
                                  { width: PIXELS, height: PIXELS, tabIndex: 0 });
      this.canvas.setAttribute("role", "application");
      this.canvas.setAttribute("aria-label", words.pad);
      this.canvas.setAttribute("aria-describedby", "walk-keys");
      const keys = Object.assign(document.createElement("p"),
                                 { id: "walk-keys", className: "walk-note", textContent: words.keys });
      const clear = this.button(words.clear, words.clear, () => this.show([]));
      const examples = document.createElement("div");
      examples.className = "walk-examples";
      examples.setAttribute("role", "group");
      examples.setAttribute("aria-label", words.examples);
      for (const [name, strokes] of Object.entries(walk.EXAMPLES))
        examples.append(this.button(name, words.example(name), () => this.show(strokes)));
      const heading = Object.assign(document.createElement("h3"), { textContent: words.draw });
      root.append(heading, this.canvas, clear, examples, keys);
      this.listen();
    }

    button(text, label, act) {
      const made = Object.assign(document.createElement("button"),
                                 { type: "button", textContent: text });
      if (label !== text) made.setAttribute("aria-label", label);
      made.addEventListener("click", act);
      return made;
    }

    // Replaces the drawing; strokes are lists of points in hundredths of the pad.
    show(strokes) {
      this.core.clear();
      this.strokes = [];
      for (const points of strokes) {
        this.begin(points[0][0] / 100, points[0][1] / 100);
        for (const [x, y] of points.slice(1)) this.draw(x / 100, y / 100);
      }
      this.pen.down = false;
      this.update();
    }

    begin(x, y) {
      this.pen = { x, y, down: true };
      if (this.core.line(x, y, x, y)) this.strokes.push([[x, y]]);
    }

    draw(x, y) {
      if (this.core.line(this.pen.x, this.pen.y, x, y)) this.strokes.at(-1).push([x, y]);
      Object.assign(this.pen, { x, y });
    }

    update() {
      this.paint();
      this.changed(this.strokes.length > 0);
    }

    paint() {
      const style = getComputedStyle(this.canvas), ink = this.canvas.getContext("2d");
      ink.clearRect(0, 0, PIXELS, PIXELS);
      ink.strokeStyle = style.color;
      ink.lineWidth = PIXELS / 14;
      ink.lineCap = ink.lineJoin = "round";
      for (const points of this.strokes) {
        ink.beginPath();
        ink.moveTo(points[0][0] * PIXELS, points[0][1] * PIXELS);
        for (const [x, y] of points) ink.lineTo(x * PIXELS, y * PIXELS);
        ink.stroke();
      }
      if (document.activeElement !== this.canvas || !this.byKeys) return;
      ink.strokeStyle = style.outlineColor;
      ink.lineWidth = this.pen.down ? 5 : 2;
      ink.beginPath();
      ink.arc(this.pen.x * PIXELS, this.pen.y * PIXELS, 9, 0, 2 * Math.PI);
      ink.stroke();
    }

    listen() {
      const { canvas } = this;
      const place = (event) => {
        const box = canvas.getBoundingClientRect();
        const within = (value) => Math.min(Math.max(value, 0), 1);
        return [within((event.clientX - box.left) / box.width),
                within((event.clientY - box.top) / box.height)];
      };
      canvas.addEventListener("pointerdown", (event) => {
        this.byKeys = false;
        canvas.setPointerCapture(event.pointerId);
        this.begin(...place(event));
        this.update();
      });
      canvas.addEventListener("pointermove", (event) => {
        if (!this.pen.down || !canvas.hasPointerCapture(event.pointerId)) return;
        this.draw(...place(event));
        this.update();
      });
      for (const end of ["pointerup", "pointercancel"])
        canvas.addEventListener(end, () => { this.pen.down = false; });
      for (const turn of ["focus", "blur"]) canvas.addEventListener(turn, () => this.paint());
      canvas.addEventListener("keydown", (event) => this.key(event));
    }

    key(event) {
      if (event.altKey || event.ctrlKey || event.metaKey) return; // the browser's own
      const steps = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
      this.byKeys = true;
      if (event.key in steps) {
        const [x, y] = ["x", "y"].map((axis, i) =>
          Math.min(Math.max(this.pen[axis] + steps[event.key][i] * STEP, 0), 1));
        if (this.pen.down) this.draw(x, y);
        else Object.assign(this.pen, { x, y });
      } else if (event.key === " ") {
        if (this.pen.down) this.pen.down = false;
        else this.begin(this.pen.x, this.pen.y);
      } else if (event.key === "Delete") this.show([]);
      else return;
      event.preventDefault();
      this.update();
    }
  };
})();

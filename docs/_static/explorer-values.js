// The numbers that the reader changed, by their place, so that they stay when a size changes; and
// a picture as such numbers.
"use strict";

(() => {
  const LEAST = -9999, MOST = 9999, DIGITS = 4;
  const MOST_GREY = 9; // as bright as the brightest random cell

  const SHAPES = {
    input: (settings) => [settings.input_rows, settings.input_columns],
    weights: (settings, facts) => [facts.kernels_rows, facts.kernels_columns, settings.kernel_rows,
                                   settings.kernel_columns],
    gradient: (settings, facts) => [facts.outputs_rows, facts.outputs_columns],
  };
  const count = (shape) => shape.reduce((product, n) => product * n, 1);

  explorer.Values = class {
    constructor() {
      this.clear();
    }

    clear(...names) {
      if (!this.kept) this.kept = {};
      for (const name of names.length ? names : Object.keys(SHAPES)) this.kept[name] = new Map();
    }

    // A number that is typed, or undefined.
    static read(text) {
      const value = Number(text.trim().replace("\u2212", "-"));
      const isPlain = /^\s*[-\u2212]?(\d+\.?\d*|\.\d+)\s*$/.test(text); // no exponent, no hexadecimal
      const fits = isPlain && value >= LEAST && value <= MOST &&
        Number(value.toFixed(DIGITS)) === value;
      return fits ? value + 0 : undefined;
    }

    set(name, place, value) {
      this.kept[name].set(place.join(), value);
    }

    // Numbers from a link, in order; returns how many there should be if these are not as many.
    setAll(name, numbers, settings, facts) {
      const shape = SHAPES[name](settings, facts);
      if (numbers.length !== count(shape)) return count(shape);
      numbers.forEach((value, i) => {
        let left = i;
        const place = shape.map(() => 0);
        for (let axis = shape.length - 1; axis >= 0; axis--) {
          place[axis] = left % shape[axis];
          left = Math.floor(left / shape[axis]);
        }
        this.set(name, place, value);
      });
      return undefined;
    }

    // The numbers with what was changed of them.
    changed(name, numbers, settings, facts) {
      const shape = SHAPES[name](settings, facts);
      for (const [key, value] of this.kept[name]) {
        const place = key.split(",").map(Number);
        if (!numbers.length || place.some((at, axis) => at >= shape[axis])) continue;
        const positive = explorer.OPERATORS[settings.operator] === "weighted" && name === "weights";
        if (positive && value <= 0) continue; // changed for another operator
        numbers[place.reduce((index, at, axis) => index * shape[axis] + at, 0)] = value;
      }
      return numbers;
    }

    // Whether a number that is shown was changed.
    has(name, settings, facts) {
      const shape = SHAPES[name](settings, facts);
      return [...this.kept[name].keys()].some((key) =>
        key.split(",").every((at, axis) => Number(at) < shape[axis]));
    }

    // A picture as greys of the input's size; it is read here and sent nowhere.
    async draw(file, settings) {
      const [rows, columns] = SHAPES.input(settings);
      const picture = await createImageBitmap(file);
      const canvas = Object.assign(document.createElement("canvas"),
                                   { width: columns, height: rows });
      const pen = canvas.getContext("2d");
      pen.imageSmoothingQuality = "high";
      pen.drawImage(picture, 0, 0, columns, rows);
      const { data } = pen.getImageData(0, 0, columns, rows);
      for (let i = 0; i < rows * columns; i++) {
        const [red, green, blue] = data.slice(4 * i, 4 * i + 3);
        const grey = (0.299 * red + 0.587 * green + 0.114 * blue) / 255;
        this.set("input", [Math.floor(i / columns), i % columns], Math.round(MOST_GREY * grey));
      }
    }
  };
})();

// The numbers that the reader changed, by their place, so that they stay when a size changes; and
// a picture as such numbers.
"use strict";

(() => {
  const LEAST = -9999, MOST = 9999, DIGITS = 4;
  const MOST_GREY = 9; // as bright as the brightest random cell

  const SHAPES = {
    input: (settings) => [settings.channels_in, settings.input_rows, settings.input_columns],
    weights: (settings, facts) => [facts.outer, facts.kernels_rows, facts.kernels_columns,
                                   facts.inner, settings.kernel_rows, settings.kernel_columns],
    gradient: (settings, facts) => [facts.channels_out, facts.outputs_rows, facts.outputs_columns],
  };
  const count = (shape) => shape.reduce((product, n) => product * n, 1);

  // The place of a number in the order: one index along each axis.
  function placeOf(index, shape) {
    const place = shape.map(() => 0);
    for (let axis = shape.length - 1, left = index; axis >= 0; axis--) {
      place[axis] = left % shape[axis];
      left = Math.floor(left / shape[axis]);
    }
    return place;
  }

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

    // The number that comes at this place in the order.
    setAt(name, index, value, { settings, facts }) {
      this.set(name, placeOf(index, SHAPES[name](settings, facts)), value);
    }

    set(name, place, value) {
      this.kept[name].set(place.join(), value);
    }

    // Numbers from a link, in order; returns how many there should be if these are not as many.
    setAll(name, numbers, settings, facts) {
      const shape = SHAPES[name](settings, facts);
      if (numbers.length !== count(shape)) return count(shape);
      numbers.forEach((value, i) => this.set(name, placeOf(i, shape), value));
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

    // A picture of the input's size: red, green and blue where there are channels for them, else
    // grey. It is read here and sent nowhere.
    async draw(file, settings) {
      const [channels, rows, columns] = SHAPES.input(settings);
      const picture = await createImageBitmap(file);
      const canvas = Object.assign(document.createElement("canvas"),
                                   { width: columns, height: rows });
      const pen = canvas.getContext("2d");
      pen.imageSmoothingQuality = "high";
      pen.drawImage(picture, 0, 0, columns, rows);
      const { data } = pen.getImageData(0, 0, columns, rows);
      for (let i = 0; i < rows * columns; i++) {
        const [red, green, blue] = data.slice(4 * i, 4 * i + 3);
        const grey = 0.299 * red + 0.587 * green + 0.114 * blue;
        const colours = channels < 3 ? [grey, grey] : [red, green, blue, grey];
        for (let channel = 0; channel < channels; channel++)
          this.set("input", [channel, Math.floor(i / columns), i % columns],
                   Math.round(MOST_GREY * colours[channel] / 255));
      }
    }
  };
})();

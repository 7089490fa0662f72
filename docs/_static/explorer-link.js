// The explorer's settings as the fragment of an address, and back.
"use strict";

(() => {
  const PAIRS = { n: "input", k: "kernel", s: "stride", d: "dilation", t: "period" };
  const FLAGS = { ceil: "ceil", count: "count_padding" };
  const WORDS = explorer.PADDINGS.filter((word) => word !== "explicit");
  const SIDES = ["before_rows", "after_rows", "before_columns", "after_columns"];
  const whole = (text) => (/^\d{1,6}$/.test(text) ? Number(text) : undefined);

  class Malformed extends Error {}

  function numbers(key, text, separator, counts) {
    const values = text.split(separator).map(whole);
    if (!counts.includes(values.length) || values.includes(undefined))
      throw new Malformed(`\u201c${key}=${text}\u201d is no setting`);
    return values;
  }

  function read(key, text, settings, at) {
    if (key === "op") {
      settings.operator = explorer.OPERATORS.indexOf(text);
      if (settings.operator < 0) throw new Malformed(`there is no operator \u201c${text}\u201d`);
    } else if (key in PAIRS) {
      const [rows, columns = rows] = numbers(key, text, "x", [1, 2]);
      settings[`${PAIRS[key]}_rows`] = rows;
      settings[`${PAIRS[key]}_columns`] = columns;
    } else if (key === "pad" && WORDS.includes(text)) {
      settings.padding = explorer.PADDINGS.indexOf(text);
    } else if (key === "pad") {
      settings.padding = explorer.PADDINGS.indexOf("explicit");
      numbers(key, text, ",", [4]).forEach((value, i) => { settings[SIDES[i]] = value; });
    } else if (key in FLAGS || key === "seed") {
      [settings[FLAGS[key] || key]] = numbers(key, text, ",", [1]);
    } else if (key === "at") {
      [at.row, at.column] = numbers(key, text, ",", [2]);
    } else {
      throw new Malformed(`\u201c${key}\u201d is no setting`);
    }
  }

  // { settings, at } of a fragment without its "#", or { problem: in words }.
  function parse(fragment, first) {
    const settings = { ...first }, at = { row: 0, column: 0 }, seen = new Set();
    try {
      for (const part of decodeURIComponent(fragment).split("&")) {
        const [key, text, ...more] = part.split("=");
        if (text === undefined || more.length)
          throw new Malformed(`\u201c${part}\u201d is no setting`);
        if (seen.has(key)) throw new Malformed(`\u201c${key}\u201d is there twice`);
        seen.add(key);
        read(key, text, settings, at);
      }
    } catch (error) {
      if (error instanceof Malformed || error instanceof URIError)
        return { problem: error instanceof URIError ? "it can't be decoded" : error.message };
      throw error;
    }
    return { settings, at };
  }

  // The shortest fragment that parse() reads back: what matters and isn't as at first.
  function write(settings, at, first) {
    const operator = explorer.OPERATORS[settings.operator];
    const parts = [`op=${operator}`];
    for (const [key, name] of Object.entries(PAIRS)) {
      const names = [`${name}_rows`, `${name}_columns`];
      const same = names.every((n) => settings[n] === first[n]);
      if ((same && key !== "n" && key !== "k") || (key === "t" && operator !== "tiled")) continue;
      parts.push(`${key}=${names.map((n) => settings[n]).join("x")}`);
    }
    const padding = explorer.PADDINGS[settings.padding];
    if (padding === "explicit") parts.push(`pad=${SIDES.map((side) => settings[side]).join(",")}`);
    else if (settings.padding !== first.padding) parts.push(`pad=${padding}`);
    if (explorer.isPool(operator) && settings.ceil) parts.push("ceil=1");
    if (operator === "average" && settings.count_padding) parts.push("count=1");
    if (settings.seed !== first.seed) parts.push(`seed=${settings.seed}`);
    if (at.row || at.column) parts.push(`at=${at.row},${at.column}`);
    return parts.join("&");
  }

  explorer.link = { parse, write };
})();

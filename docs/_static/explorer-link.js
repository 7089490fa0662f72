// The explorer's settings as the fragment of an address, and back.
"use strict";

(() => {
  const PAIRS = { n: "input", k: "kernel", s: "stride", d: "dilation", t: "period" };
  const FLAGS = { ceil: "ceil", count: "count_padding", seed: "seed" };
  const KEYS = ["op", ...Object.keys(PAIRS), "pad", ...Object.keys(FLAGS), "at"];
  const WORDS = explorer.PADDINGS.filter((word) => word !== "explicit");
  const SIDES = ["before_rows", "after_rows", "before_columns", "after_columns"];
  const quoted = (text) => `\u201c${text.length > 40 ? `${text.slice(0, 40)}\u2026` : text}\u201d`;

  // Integers, as many as one of the counts says, or undefined.
  function numbers(text, separator, counts) {
    const values = text.split(separator);
    return counts.includes(values.length) && values.every((value) => /^-?\d+$/.test(value))
      ? values.map(Number) : undefined;
  }

  // A part of the link, or undefined where it can't be decoded.
  function decoded(part) {
    try {
      return decodeURIComponent(part);
    } catch (error) {
      if (error instanceof URIError) return undefined;
      throw error;
    }
  }

  // What each key's text sets, as an object, or undefined where the text means nothing.
  function meaning(key, text) {
    const known = (list) => (list.includes(text) ? list.indexOf(text) : undefined);
    const named = (names, values) =>
      values && Object.fromEntries(names.map((name, i) => [name, values[i % values.length]]));
    if (key === "op") {
      const operator = known(explorer.OPERATORS);
      return operator === undefined ? undefined : { operator };
    }
    if (key === "pad") {
      if (WORDS.includes(text)) return { padding: explorer.PADDINGS.indexOf(text) };
      const sides = named(SIDES, numbers(text, ",", [4]));
      return sides && { padding: explorer.PADDINGS.indexOf("explicit"), ...sides };
    }
    if (key === "at") return named(["row", "column"], numbers(text, ",", [2]));
    return Object.hasOwn(PAIRS, key)
      ? named(["rows", "columns"].map((axis) => `${PAIRS[key]}_${axis}`), numbers(text, "x", [1, 2]))
      : named([FLAGS[key]], numbers(text, ",", [1]));
  }

  // The text of a key that stands for the settings; meaning() reads it back.
  function textOf(key, settings, at) {
    if (key === "op") return explorer.OPERATORS[settings.operator];
    if (key === "at") return `${at.row},${at.column}`;
    if (Object.hasOwn(FLAGS, key)) return String(settings[FLAGS[key]]);
    if (key !== "pad")
      return ["rows", "columns"].map((axis) => settings[`${PAIRS[key]}_${axis}`]).join("x");
    const word = explorer.PADDINGS[settings.padding];
    return word === "explicit" ? SIDES.map((side) => settings[side]).join(",") : word;
  }

  // { settings, at, problems } of a fragment without its "#". Every setting is in its range: what
  // is wrong in the fragment is left as at first or taken to the nearest number, and told.
  function parse(fragment, first, ranges) {
    const settings = { ...first }, at = { row: 0, column: 0 }, seen = new Set(), problems = [];
    for (const raw of fragment.split("&")) {
      const part = decoded(raw);
      if (part === undefined) {
        problems.push(`${quoted(raw)} can't be decoded and is ignored.`);
        continue;
      }
      const cut = part.indexOf("=");
      const [key, text] = cut < 0 ? [part, ""] : [part.slice(0, cut), part.slice(cut + 1)];
      if (!KEYS.includes(key)) {
        problems.push(`There is no setting ${quoted(key)}; it is ignored.`);
      } else if (seen.has(key)) {
        problems.push(`${quoted(key)} is there twice; the first, ` +
                      `${quoted(textOf(key, settings, at))}, is taken.`);
      } else {
        seen.add(key);
        const meant = meaning(key, text);
        if (!meant)
          problems.push(`${quoted(part)} has no meaning; ` +
                        `${quoted(`${key}=${textOf(key, settings, at)}`)} is taken instead.`);
        else if (key === "at") Object.assign(at, meant);
        else
          for (const [name, value] of Object.entries(meant)) {
            const { least, most } = ranges[name];
            settings[name] = Math.min(Math.max(value, least), most);
            if (settings[name] !== value)
              problems.push(`${explorer.words.range(name, value, ranges)} ` +
                            `${settings[name]} is taken instead.`);
          }
      }
    }
    return { settings, at, problems };
  }

  // The shortest fragment that parse() reads back: what matters and isn't as at first.
  function write(settings, at, first) {
    const operator = explorer.OPERATORS[settings.operator], start = { row: 0, column: 0 };
    const idle = { t: operator !== "tiled", ceil: !explorer.isPool(operator),
                   count: operator !== "average" };
    return KEYS.filter((key) => {
      const always = ["op", "n", "k"].includes(key);
      const changed = textOf(key, settings, at) !== textOf(key, first, start);
      return always || (changed && !idle[key]);
    }).map((key) => `${key}=${textOf(key, settings, at)}`).join("&");
  }

  explorer.link = { parse, write };
})();

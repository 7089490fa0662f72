// The explorer's settings as the fragment of an address, and back.
"use strict";

(() => {
  const PAIRS = { n: "input", k: "kernel", s: "stride", d: "dilation", t: "period" };
  const FLAGS = { ceil: "ceil", count: "count_padding", seed: "seed", grad: "gradient",
                  c: "channels_in", o: "channels_out", g: "groups" };
  const NAMES = { op: ["operator", explorer.OPERATORS], in: ["input_preset", explorer.INPUTS],
                  w: ["kernel_preset", explorer.KERNELS] };
  const LISTS = { V: "input", K: "weights", G: "gradient" };
  const KEYS = ["op", ...Object.keys(PAIRS), "pad", ...Object.keys(FLAGS), "in", "w",
                ...Object.keys(LISTS), "at"];
  const WORDS = explorer.PADDINGS.filter((word) => word !== "explicit");
  const SIDES = ["before_rows", "after_rows", "before_columns", "after_columns"];
  const short = (text) => (text.length > 40 ? `${text.slice(0, 40)}\u2026` : text);

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
    const named = (names, values) =>
      values && Object.fromEntries(names.map((name, i) => [name, values[i % values.length]]));
    if (Object.hasOwn(NAMES, key)) {
      const [name, list] = NAMES[key];
      return list.includes(text) ? { [name]: list.indexOf(text) } : undefined;
    }
    if (Object.hasOwn(LISTS, key)) {
      const values = text.split(",").map(explorer.Values.read);
      return values.includes(undefined) ? undefined : { values };
    }
    if (key === "pad") {
      if (WORDS.includes(text)) return { padding: explorer.PADDINGS.indexOf(text) };
      const sides = named(SIDES, numbers(text, ",", [4]));
      return sides && { padding: explorer.PADDINGS.indexOf("explicit"), ...sides };
    }
    if (key === "at") {
      const place = numbers(text, ",", [2, 3]);
      return place && { row: place[0], column: place[1], channel: place[2] || 0 };
    }
    const axes = ["rows", "columns"].map((axis) => `${PAIRS[key]}_${axis}`);
    return Object.hasOwn(PAIRS, key) ? named(axes, numbers(text, "x", [1, 2]))
      : named([FLAGS[key]], numbers(text, ",", [1]));
  }

  // The text of a key that stands for the settings; meaning() reads it back.
  function textOf(key, settings, at) {
    if (Object.hasOwn(NAMES, key)) return NAMES[key][1][settings[NAMES[key][0]]];
    if (Object.hasOwn(LISTS, key)) return "";
    if (key === "at")
      return [at.row, at.column, ...(at.channel ? [at.channel] : [])].join();
    if (Object.hasOwn(FLAGS, key)) return String(settings[FLAGS[key]]);
    if (key !== "pad")
      return ["rows", "columns"].map((axis) => settings[`${PAIRS[key]}_${axis}`]).join("x");
    const word = explorer.PADDINGS[settings.padding];
    return word === "explicit" ? SIDES.map((side) => settings[side]).join(",") : word;
  }

  // Keys that the operator has no use for: they are no reason to refuse a link.
  function isIdle(key, settings) {
    const operator = explorer.OPERATORS[settings.operator], pools = explorer.isPool(operator);
    return { t: operator !== "tiled", ceil: !pools, count: operator !== "average", w: pools,
             o: pools, g: !explorer.isGrouped(operator),
             K: pools && operator !== "weighted" }[key] || false;
  }

  // { settings, at, lists, problems } of a fragment without its "#". Every setting is in its range:
  // what is wrong in the fragment is left as at first or taken to the nearest number, and told.
  function parse(fragment, first, ranges) {
    const { words } = explorer;
    const settings = { ...first }, at = { channel: 0, row: 0, column: 0 }, lists = {}, found = [];
    const seen = new Map();
    const tell = (problem, key) => found.push({ problem, key });
    for (const raw of fragment.split("&")) {
      const part = decoded(raw);
      if (part === undefined) {
        tell(words.link.damaged(short(raw)));
        continue;
      }
      const cut = part.indexOf("=");
      const [key, text] = cut < 0 ? [part, ""] : [part.slice(0, cut), part.slice(cut + 1)];
      if (!KEYS.includes(key)) {
        tell(words.link.unknown(short(key)));
      } else if (seen.has(key)) {
        tell(words.link.twice(key, short(textOf(key, settings, at) || seen.get(key))), key);
      } else {
        seen.set(key, text);
        const meant = meaning(key, text);
        if (!meant && Object.hasOwn(LISTS, key)) tell(words.link.unread(short(part)), key);
        else if (!meant)
          tell(words.link.meaningless(short(part), `${key}=${textOf(key, settings, at)}`), key);
        else if (key === "at") Object.assign(at, meant);
        else if (Object.hasOwn(LISTS, key)) lists[LISTS[key]] = { key, values: meant.values };
        else
          for (const [name, value] of Object.entries(meant)) {
            const { least, most } = ranges[name];
            settings[name] = Math.min(Math.max(value, least), most);
            if (settings[name] !== value)
              tell(`${words.range(name, value, ranges)} ${words.taken(settings[name])}`, key);
          }
      }
    }
    for (const [key, name] of Object.entries(LISTS)) if (isIdle(key, settings)) delete lists[name];
    const problems = found.filter(({ key }) => !isIdle(key, settings));
    return { settings, at, lists, problems: problems.map(({ problem }) => problem) };
  }

  // The shortest fragment that parse() reads back: what matters and isn't as at first.
  function write(result, values, at, first) {
    const { settings, facts } = result, start = { channel: 0, row: 0, column: 0 };
    return KEYS.flatMap((key) => {
      const list = LISTS[key];
      if (isIdle(key, settings)) return [];
      if (list)
        return values.has(list, settings, facts) ? [`${key}=${result[list].join()}`] : [];
      const text = textOf(key, settings, at);
      const always = ["op", "n", "k"].includes(key);
      return always || text !== textOf(key, first, start) ? [`${key}=${text}`] : [];
    }).join("&");
  }

  explorer.link = { parse, write };
})();

// The explorer's settings, and the link that carries them: what follows the # of the address.
"use strict";

const explorerLink = (() => {
  // name in a link -> [setting, how many numbers, least, most]
  const NUMBERS = {
    in: ["in", 2, 1, 16], k: ["kernel", 2, 1, 7], s: ["stride", 2, 1, 5],
    d: ["dilation", 2, 1, 4], t: ["period", 2, 1, 16], p: ["padding", 4, 0, 8],
    seed: ["seed", 1, 0, 9999], at: ["at", 2, 0, 99],
  };
  const FIRST = {
    operator: "conv", mode: "valid", ceil: false, count: false, seed: 1, at: [0, 0],
    in: [6, 7], kernel: [3, 3], stride: [1, 1], dilation: [1, 1], period: [2, 2],
    padding: [[0, 0], [0, 0]],
  };
  const copy = (settings) => JSON.parse(JSON.stringify(settings));

  // Returns {settings, faults}: what can't be understood is told and left as it was at first.
  const read = (fragment) => {
    const settings = copy(FIRST), faults = [];
    for (const [name, text] of new URLSearchParams(fragment)) {
      if (name === "op" && explorerEngine.OPERATORS.includes(text)) settings.operator = text;
      else if (name === "mode" && explorerEngine.MODES.includes(text)) settings.mode = text;
      else if ((name === "ceil" || name === "count") && /^[01]$/.test(text)) settings[name] = text === "1";
      else if (Object.hasOwn(NUMBERS, name) && /^\d{1,4}(x\d{1,4})*$/.test(text)) {
        const [setting, count, least, most] = NUMBERS[name];
        const values = text.split("x").map(Number);
        if (values.length !== count || values.some((v) => v < least || v > most)) {
          faults.push(`${name}=${text}`);
        } else if (count === 4) settings[setting] = [values.slice(0, 2), values.slice(2)];
        else settings[setting] = count === 1 ? values[0] : values;
      } else faults.push(`${name}=${text}`);
    }
    return { settings, faults };
  };

  // Only what differs from the first settings, so that links stay short.
  const write = (settings) => {
    const parts = [`op=${settings.operator}`, `mode=${settings.mode}`];
    for (const [name, [setting]] of Object.entries(NUMBERS)) {
      const text = [settings[setting]].flat(2).join("x");
      if (text !== [FIRST[setting]].flat(2).join("x")) parts.push(`${name}=${text}`);
    }
    for (const name of ["ceil", "count"]) if (settings[name]) parts.push(`${name}=1`);
    return parts.join("&");
  };

  return { read, write };
})();

// The picture of a stack: one row of cells for each map, the input at the bottom. The cells that the
// picked unit depends on are filled, and lines join each with those that it sees.
"use strict";

(() => {
  const SVG = "http://www.w3.org/2000/svg";
  const ROW = 46, CELL = 12, LEFT = 92;
  const MOST_LINES = 600; // more are a blot

  function shape(name, attributes, text) {
    const made = document.createElementNS(SVG, name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    if (text !== undefined) made.textContent = text;
    return made;
  }

  // Runs of neighbouring numbers, as [first, last].
  function runs(cells) {
    const found = [];
    for (const cell of cells)
      if (found.length && found.at(-1)[1] === cell - 1) found.at(-1)[1] = cell;
      else found.push([cell, cell]);
    return found;
  }

  // Where cells stand, in cells of the input: map l's cell o is the interval start + o * jump, as wide
  // as the jump. A window's middle is the middle of its output.
  function scales(found) {
    const all = [{ start: 0, jump: 1 }];
    for (const [l, { kind, kernel, stride, dilation, padding }] of found.layers.entries()) {
      const { start, jump } = all[l], middle = (dilation * (kernel - 1)) / 2;
      if (kind !== "transposed") {
        const next = jump * stride;
        all.push({ start: start + (middle - padding + 0.5) * jump - next / 2, jump: next });
      } else {
        const next = jump / stride;
        all.push({ start: start + jump / 2 - (middle - padding + 0.5) * next, jump: next });
      }
    }
    return all;
  }

  // Draws the maps of a stack and what output `unit` of map `picked` depends on; `pick(map, unit)` is
  // told of clicks.
  function draw(found, picked, unit, width, names, pick) {
    const cells = stack.trace(found, picked - 1, unit), places = scales(found);
    const rows = found.maps.length, height = rows * ROW + 6;
    // What is shown: the cells that are seen and as many around them, at least 24 of the input.
    const ends = cells.flatMap((seen, m) => (seen.length
      ? [places[m].start + seen[0] * places[m].jump,
         places[m].start + (seen.at(-1) + 1) * places[m].jump] : []));
    const low = Math.min(...ends), high = Math.max(...ends);
    const lowest = Math.min(...found.maps.map((_, m) => places[m].start));
    const highest = Math.max(...found.maps.map(({ n }, m) => places[m].start + n * places[m].jump));
    const shown = Math.min(Math.max((high - low) * 1.5, 24), highest - lowest);
    const from = Math.min(Math.max((low + high - shown) / 2, lowest), highest - shown);
    const scale = (width - LEFT - 4) / shown;
    const x = (m, cell) => LEFT + (places[m].start + cell * places[m].jump - from) * scale;
    const y = (m) => (rows - 1 - m) * ROW + 20;
    const image = shape("svg", { width, height, viewBox: `0 0 ${width} ${height}`, role: "img" });
    const clip = shape("clipPath", { id: "stack-clip" });
    clip.append(shape("rect", { x: LEFT - 1, y: 0, width: width - LEFT, height }));
    image.append(clip);
    const inside = shape("g", { "clip-path": "url(#stack-clip)" });
    lines(inside, found, cells, x, y);
    found.maps.forEach(({ n }, m) => {
      image.append(shape("text", { x: 0, y: y(m) + CELL, class: "stack-name" }, names[m]));
      const wide = places[m].jump * scale, whole = wide >= 4;
      inside.append(shape("rect", { x: x(m, 0), y: y(m), width: n * wide, height: CELL,
                                    class: "stack-map" }));
      for (const [first, last] of runs(cells[m] || []))
        inside.append(shape("rect", { x: x(m, first), y: y(m), height: CELL,
                                      width: Math.max((last - first + 1) * wide, 1),
                                      class: m === picked ? "stack-picked" : "stack-seen" }));
      const visible = whole ? [Math.max(0, Math.floor((from - places[m].start) / places[m].jump)),
                               Math.min(n, Math.ceil((from + shown - places[m].start) / places[m].jump))]
        : [0, 0];
      for (let cell = visible[0] + 1; cell < visible[1]; cell++)
        inside.append(shape("line", { x1: x(m, cell), x2: x(m, cell), y1: y(m), y2: y(m) + CELL,
                                      class: "stack-edge" }));
      const target = shape("rect", { x: LEFT, y: y(m) - 8, width: width - LEFT, height: CELL + 16,
                                     class: "stack-target" });
      target.addEventListener("click", (event) => {
        const at = event.clientX - image.getBoundingClientRect().left;
        const cell = Math.floor((at - x(m, 0)) / wide);
        pick(m, Math.min(Math.max(cell, 0), n - 1));
      });
      inside.append(target);
    });
    image.append(inside);
    return image;
  }

  function lines(inside, found, cells, x, y) {
    for (let m = cells.length - 1; m > 0; m--) {
      const pairs = [];
      for (const cell of cells[m]) {
        const [below] = stack.trace({ layers: found.layers.slice(m - 1, m),
                                      maps: found.maps.slice(m - 1, m + 1) }, 0, cell);
        pairs.push(...below.map((seen) => [cell, seen]));
      }
      if (pairs.length > MOST_LINES) continue;
      for (const [cell, seen] of pairs)
        inside.append(shape("line", { x1: x(m, cell + 0.5), y1: y(m) + CELL, x2: x(m - 1, seen + 0.5),
                                      y2: y(m - 1), class: "stack-line" }));
    }
  }

  stack.draw = draw;
})();

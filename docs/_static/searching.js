// Results of Sphinx's search, completed from search-sections.js: each leads to the section that has the
// words, and shows the place where it has them. Also finds the index's words inside a longer query, and
// words that Sphinx's index doesn't split, such as Chinese ones.
"use strict";

{
  const LENGTH = 180; // of an excerpt, in letters
  const SHARE = 60; // the score of an entry that is all of the query but a letter
  const FOUND = 4; // the score of a text that holds the query and that Sphinx doesn't find
  const TITLE = 8; // how often a title counts
  const ALL = 1000; // a section with more of the words is better than one that has one of them often
  const GLOSSARY = "learn/glossary"; // its terms stand behind the sections that derive them
  const SCRIPTS = /[\p{Script=Han}]/u; // written without spaces
  const excerpts = new Map(); // by address
  let pages; // the sections of each: their anchors, title and text

  const occurrences = (text, words) =>
    words.reduce((sum, word) => sum + text.toLowerCase().split(word).length - 1, 0);

  // Where a text has the most of the words close together: there its excerpt begins.
  const excerpt = (text, words) => {
    const lower = text.toLowerCase();
    const near = (place) => words.filter((word) => lower.slice(place, place + LENGTH / 2).includes(word));
    let first = 0;
    for (const word of words) {
      for (let place = lower.indexOf(word); place >= 0; place = lower.indexOf(word, place + 1))
        if (near(place).length > near(first).length) first = place;
    }
    const start = first < LENGTH / 2 ? 0 : text.lastIndexOf(" ", first - LENGTH / 3) + 1;
    const end = start + LENGTH < text.length ? text.lastIndexOf(" ", start + LENGTH) : text.length;
    const cut = text.slice(start, end > start ? end : start + LENGTH);
    return (start ? "… " : "") + cut + (start + cut.length < text.length ? " …" : "");
  };

  // Where in a query an entry of the index stands as whole words, if it is a part of it.
  const within = (query, entry) =>
    entry.length < query.length &&
    (SCRIPTS.test(entry) ? query.includes(entry) : ` ${query} `.includes(` ${entry} `));

  const partial = (query) => {
    const {docnames, filenames, titles, indexentries} = Search._index;
    const found = [];
    for (const [entry, places] of Object.entries(indexentries)) {
      if (!within(query, entry)) continue;
      for (const [file, id, main] of places) {
        if (main)
          found.push([docnames[file], titles[file], id ? `#${id}` : "", null,
            Math.round((SHARE * entry.length) / query.length), filenames[file], "index"]);
      }
    }
    return found;
  };

  const plain = (query) => {
    const {docnames, filenames, titles} = Search._index;
    const found = [];
    docnames.forEach((name, file) => {
      const parts = pages[name] || [];
      const count = parts.reduce((sum, [, title, text]) =>
        sum + TITLE * occurrences(title, [query]) + occurrences(text, [query]), 0);
      if (count) found.push([name, titles[file], "", null, FOUND + Math.log(count), filenames[file], "text"]);
    });
    return found;
  };

  // Lead a result to its section and name that; a result without one goes to the best section. Of
  // several results with one section the first stays.
  const placed = (result, words) => {
    const [name, title, anchor, descr, ...others] = result;
    const parts = pages[name] || [];
    const kind = others[2];
    const known = parts.find(([ids]) => ids.includes(anchor.slice(1)));
    let part = known || parts[0];
    if (!anchor && kind === "text") {
      const worth = ([, head, text]) =>
        ALL * words.filter((word) => `${head} ${text}`.toLowerCase().includes(word)).length +
        TITLE * occurrences(head, words) + occurrences(text, words);
      part = parts.reduce((best, one) => (worth(one) > worth(best) ? one : best), part);
    }
    if (!part || kind === "object") return {result, section: `${name}${anchor} ${kind}`};
    const inner = part !== parts[0];
    const place = anchor || (inner ? `#${part[0][0]}` : "");
    const named = inner ? `${parts[0][1]} > ${part[1]}` : title;
    excerpts.set(name + DOCUMENTATION_OPTIONS.LINK_SUFFIX + place, excerpt(part[2], words));
    return {result: [name, named, place, descr, ...others], section: `${name} ${part[0][0]}`};
  };

  const show = (records) => {
    for (const item of records.flatMap((record) => [...record.addedNodes])) {
      const text = excerpts.get(item.querySelector?.("a")?.getAttribute("href"));
      if (!text) continue;
      const line = document.createElement("p");
      line.className = "context";
      line.textContent = text;
      item.append(line);
    }
  };

  const query = Search.query;
  Search.query = async (words) => {
    pages = JSON.parse(await Search.packedSections);
    query(words);
  };

  const perform = Search._performSearch;
  Search._performSearch = (query, terms, excluded, highlighted, objects) => {
    new MutationObserver(show).observe(Search.output, {childList: true});
    const words = highlighted.size ? [...highlighted] : [query.toLowerCase()];
    const lower = query.toLowerCase().trim().replace(/\s+/g, " ");
    const found = perform(query, terms, excluded, highlighted, objects);
    if (!found.some((result) => result[6] === "text")) found.push(...plain(lower));
    found.push(...partial(lower));
    for (const result of found) if (result[0] === GLOSSARY && result[6] === "index") result[4] -= 1;
    const sections = new Set();
    return found
      .map((result, order) => [result, order])
      .sort(([a, i], [b, j]) => b[4] - a[4] || j - i) // best first, as Sphinx had them
      .map(([result]) => placed(result, words))
      .filter(({section}) => !sections.has(section) && sections.add(section))
      .map(({result}) => result)
      .reverse(); // Sphinx takes them from the end
  };
}

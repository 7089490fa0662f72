// Code, link, iframe and file of what the explorer shows.
"use strict";

(() => {
  const find = (id) => document.getElementById(`explorer-${id}`);

  // The page, without a part behind "#"; embedded, it shows the explorer alone.
  const address = (query = "") => location.href.replace(/[?#].*$/, "") + query;

  // The bundle, a whole page, is loaded when it is asked for: most readers never do. An exported
  // file is its own bundle.
  function bundle() {
    if (explorer.bundle) return Promise.resolve(explorer.bundle);
    const main = document.querySelector("script[src*='explorer-share.js']");
    return new Promise((done, failed) => {
      const script = document.createElement("script");
      script.src = main.src.replace("explorer-share.js", "explorer-bundle.js").replace(/\?.*/, "");
      script.onload = () => done(explorer.bundle);
      script.onerror = failed;
      document.head.append(script);
    });
  }

  async function save(fragment) {
    const page = (await bundle()).replace("data-fragment=\"\"", () =>
      `data-fragment="${fragment.replaceAll("&", "&amp;").replaceAll("\"", "&quot;")}"`);
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([page], { type: "text/html" }));
    link.download = "explorer.html";
    link.click();
    URL.revokeObjectURL(link.href);
  }

  // `fragment()`: the settings that are shown now.
  explorer.Share = class {
    constructor(fragment) {
      this.fragment = fragment;
      find("library").addEventListener("change", () => this.show(this.result));
      for (const button of document.querySelectorAll("#explorer-root [data-copy]"))
        button.addEventListener("click", () => this.give(button.dataset.copy));
      // An exported page is no address that others could open.
      for (const what of ["link", "frame", "save"])
        document.querySelector(`[data-copy=${what}]`).hidden = !!explorer.isFile;
    }

    show(result) {
      const library = find("library"), name = library.selectedOptions[0].textContent;
      const code = explorer.code(library.value, result);
      this.result = result;
      find("code").textContent = code || explorer.words.share.lacking(name);
      const { NOTES, CHANNELS } = explorer.words.share;
      const more = explorer.format.hasChannels(result) && CHANNELS[library.value];
      find("code-note").textContent =
        code ? [NOTES[library.value], more].filter(Boolean).join(" ") : "";
      document.querySelector("[data-copy=code]").setAttribute("aria-disabled", !code);
    }

    text(what) {
      if (what === "code") return find("code").textContent;
      if (what === "link") return `${address()}#${this.fragment()}`;
      const source = `${address("?embed")}#${this.fragment()}`.replaceAll("&", "&amp;");
      return `<iframe src="${source}" title="${document.querySelector("h1, title").textContent
        .replace("#", "").trim()}" width="100%" height="700"></iframe>`;
    }

    async give(what) {
      const { labels } = explorer;
      try {
        if (what === "save") await save(this.fragment());
        else await navigator.clipboard.writeText(this.text(what));
        find("copied").textContent = what === "save" ? labels.saved : labels.copied;
      } catch (error) {
        const instead = what === "save" ? "" : this.text(what);
        find("copied").textContent = `${labels.not_copied} ${instead}`;
      }
    }
  };
})();

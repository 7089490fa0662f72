// A formula wider than the page scrolls by itself (convcore.css). Where it does, it must be reachable by
// keyboard, and so needs a place in the order of tab stops. Long names get places where they may break.
"use strict";

(() => {
  const mark = () => {
    for (const formula of document.querySelectorAll('mjx-container[display="true"], div.math')) {
      if (formula.scrollWidth > formula.clientWidth) formula.tabIndex = 0;
      else formula.removeAttribute("tabindex");
    }
    // A formula in a sentence scrolls only where it must: scrolling moves it off its line.
    const inline = [...document.querySelectorAll("mjx-container:not([display])")];
    for (const formula of inline) {
      formula.classList.remove("wide");
      formula.removeAttribute("tabindex");
    }
    const wide = inline.filter((formula) => {
      const line = formula.closest("p, li, dd, dt, td, th, h1, h2, h3, h4, figcaption, div");
      const {paddingLeft, paddingRight} = getComputedStyle(line);
      const room = line.clientWidth - parseFloat(paddingLeft) - parseFloat(paddingRight);
      return room > 0 && formula.firstElementChild.getBoundingClientRect().width > room;
    });
    for (const formula of wide) {
      formula.classList.add("wide");
      formula.tabIndex = 0;
    }
  };
  window.addEventListener("load", () => {
    if (!window.MathJax) return; // a page without formulas
    window.MathJax.startup.promise.then(mark);
    window.addEventListener("resize", mark);
    window.addEventListener("toggle", mark, true); // a formula in a closed box has no width
  });

  window.addEventListener("DOMContentLoaded", () => {
    for (const link of document.querySelectorAll(".bd-sidebar-primary a.reference, table.autosummary a .pre")) {
      for (const text of [...link.childNodes].filter((node) => node.nodeType === Node.TEXT_NODE)) {
        const parts = text.data.split(/(?<=[._])(?=\w)/);
        if (parts.length > 1)
          text.replaceWith(...parts.flatMap((part) => [document.createElement("wbr"), part]).slice(1));
      }
    }
  });
})();

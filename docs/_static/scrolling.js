// A formula wider than the page scrolls by itself (convcore.css). Where it does, it must be reachable by
// keyboard, and so needs a place in the order of tab stops.
"use strict";

(() => {
  const mark = () => {
    for (const formula of document.querySelectorAll('mjx-container[display="true"], div.math')) {
      if (formula.scrollWidth > formula.clientWidth) formula.tabIndex = 0;
      else formula.removeAttribute("tabindex");
    }
  };
  window.addEventListener("load", () => {
    if (!window.MathJax) return; // a page without formulas
    window.MathJax.startup.promise.then(mark);
    window.addEventListener("resize", mark);
  });
})();

// Paper is white: a page in dark colours is printed in light ones, its figures too.
"use strict";

(() => {
  const page = document.documentElement.dataset;
  let shown;

  window.addEventListener("beforeprint", () => {
    shown = page.theme;
    page.theme = "light";
  });
  window.addEventListener("afterprint", () => { page.theme = shown; });
})();

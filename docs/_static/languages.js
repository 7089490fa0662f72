// Links to other languages: those of editions that are built, at the same place of the page.
"use strict";

document.addEventListener("DOMContentLoaded", () => {
  const built = (document.documentElement.dataset.editions || "").split(" ");
  for (const link of document.querySelectorAll("a.edition")) {
    link.hidden = !built.includes(link.hreflang);
    const page = link.href;
    link.addEventListener("click", () => { link.href = page + window.location.hash; });
  }
});

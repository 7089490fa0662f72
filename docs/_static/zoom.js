// A figure can be seen large: a click, a tap or the Enter key opens it over the page, where it is as wide
// as the window and, on a phone, wider, to be moved with the finger. Escape, the button or a click closes.
"use strict";

window.addEventListener("DOMContentLoaded", () => {
  const READABLE = 900; // pixels: drawings are made for about this width
  const words = document.documentElement.lang.startsWith("zh")
    ? {open: "放大", close: "关闭"}
    : {open: "Enlarge", close: "Close"};

  const dialog = document.createElement("dialog");
  dialog.className = "zoom";
  const close = document.createElement("button");
  close.type = "button";
  close.textContent = words.close;
  const frame = document.createElement("div");
  frame.className = "zoom-frame";
  frame.tabIndex = 0; // it scrolls, by arrow keys too
  dialog.append(close, frame);

  const open = (image) => {
    const large = new Image();
    large.src = image.currentSrc || image.src;
    large.alt = image.alt;
    large.className = image.className; // of the theme it was drawn for
    const {naturalWidth: width, naturalHeight: height} = image;
    const room = Math.min(innerWidth, ((innerHeight - 90) * width) / height);
    large.style.width = `${Math.max(room - 32, Math.min(READABLE, width))}px`;
    frame.setAttribute("role", "group");
    frame.setAttribute("aria-label", image.alt);
    frame.replaceChildren(large);
    dialog.setAttribute("aria-label", image.alt);
    if (!dialog.isConnected) document.body.append(dialog);
    dialog.showModal();
  };
  close.addEventListener("click", () => dialog.close());
  dialog.addEventListener("click", ({target}) => {
    if (target === dialog) dialog.close();
  });

  for (const image of document.querySelectorAll(".bd-article figure img.plot-directive")) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "zoom-open";
    button.setAttribute("aria-haspopup", "dialog");
    // The picture's own text names the button, with what it does.
    const action = document.createElement("span");
    action.className = "zoom-action";
    action.textContent = words.open;
    image.replaceWith(button);
    button.append(image, action);
    button.addEventListener("click", () => open(image));
  }
});

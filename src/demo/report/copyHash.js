/* global document, setTimeout, navigator, getSelection */
// Copies the hash of a button. Runs in the reader's browser.
(() => {
  "use strict";

  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-copy]");
    if (button === null) return;
    const status = document.getElementById("copied");
    try {
      await navigator.clipboard.writeText(button.dataset.copy);
      button.classList.add("copied");
      setTimeout(() => button.classList.remove("copied"), 1500);
      status.textContent = "Copied " + button.dataset.copy;
    } catch {
      // Without a clipboard (a page opened from a file may have none) the whole hash is shown and selected instead.
      button.textContent = button.dataset.copy;
      button.classList.add("open");
      getSelection().selectAllChildren(button);
      status.textContent = "The whole hash is selected";
    }
  });
})();

// A button that copies the text of [data-copy]. Without JavaScript or a clipboard, there is no button, and the text can be
// selected.
(() => {
  "use strict";
  if (!navigator.clipboard) return;
  for (const source of document.querySelectorAll("[data-copy]")) {
    const button = document.createElement("button");
    const status = document.createElement("span");
    const label = source.dataset.copy;
    button.type = "button";
    button.className = "copy";
    button.textContent = "Copy";
    button.setAttribute("aria-label", `Copy ${label}`);
    status.setAttribute("role", "status");
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(source.textContent.trim());
      status.textContent = "Copied.";
    });
    source.after(" ", button, " ", status);
  }
})();

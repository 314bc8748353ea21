// Copies or shares the facts of an account. The buttons are hidden if the browser can do neither. The text beside them
// can always be selected.
(() => {
  "use strict";
  const bar = document.querySelector("[data-copies]");
  if (!navigator.clipboard) return;
  const facts = document.getElementById(bar.dataset.copies);
  const textOf = (node) => node.textContent.replace(/\s+/g, " ").trim();
  const values = [...facts.querySelectorAll("dd")].map(textOf);
  const all = [...facts.querySelectorAll("dt")].map((name, number) => `${textOf(name)}: ${values[number]}`).join("\n");
  const done = bar.querySelector("[role=status]");
  bar.hidden = false;
  for (const button of bar.querySelectorAll("button")) {
    const text = button.dataset.only ? values[Number(button.dataset.only)].replaceAll(" ", "") : all;
    button.hidden = button.dataset.do === "share" && !navigator.share;
    button.addEventListener("click", async () => {
      if (button.dataset.do === "share") return navigator.share({ text }).catch(() => {}); // closed without a choice
      await navigator.clipboard.writeText(text);
      done.textContent = bar.dataset.done;
    });
  }
})();

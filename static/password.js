// A button beside each password that shows what was typed. Without scripts, the field is as it was.
(() => {
  "use strict";
  const { show, hide } = document.currentScript.dataset;
  for (const field of document.querySelectorAll("input[type=password]")) {
    const button = document.createElement("button");
    button.type = "button"; // it must not send the form
    button.className = "link-button reveal";
    button.textContent = show;
    button.setAttribute("aria-controls", field.id);
    const reveal = (isShown) => {
      field.type = isShown ? "text" : "password";
      button.textContent = isShown ? hide : show;
    };
    button.addEventListener("click", () => reveal(field.type === "password"));
    // Browsers remember what was typed into a text field, but not into a password field.
    field.form.addEventListener("submit", () => reveal(false));
    field.after(button);
  }
})();

// The script of the pages where a user logs in or chooses a password. Without it, each form works as it is.
(() => {
  "use strict";
  const { show, hide, passkeys, library, cookie, attributes } = document.currentScript.dataset;

  // The server shows times in the browser's zone until the user chooses one.
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if (cookie && zone) document.cookie = `${cookie}=${zone}; ${attributes}`;

  // A button beside each password that shows what was typed.
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

  // The server refuses to send an email again too early; this says when it no longer does.
  for (const button of document.querySelectorAll("button[data-wait]")) {
    const shown = button.parentElement.querySelector(".muted span");
    const until = Date.now() + button.dataset.wait * 1000;
    button.disabled = true;
    const timer = setInterval(() => {
      const left = Math.ceil((until - Date.now()) / 1000);
      shown.textContent = Math.max(left, 0);
      if (left > 0) return;
      clearInterval(timer);
      button.disabled = false;
      shown.parentElement.hidden = true;
    }, 500);
  }

  // What passkeys need comes after the page.
  if (document.querySelector("form[data-passkey]")) {
    const script = document.createElement("script");
    script.src = passkeys;
    script.dataset.library = library;
    document.head.append(script);
  }
})();

// The script of the pages where a user logs in or chooses a password. Without it, each form works as it is.
(() => {
  "use strict";
  const { show, hide, passkeys, library, cookie, attributes, strength, strengthLabel } = document.currentScript.dataset;

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

  // Shows the strength of a new password while it is typed. The server judges it by the rules for the form.
  const judged = strength && document.getElementById("id_password1");
  if (judged) {
    const box = document.createElement("div");
    box.className = "strength";
    const meter = document.createElement("meter");
    Object.assign(meter, { min: 0, max: 4, low: 2, high: 3, optimum: 4, value: 0, hidden: true });
    meter.setAttribute("aria-label", strengthLabel);
    const said = document.createElement("p");
    said.setAttribute("role", "status");
    box.append(meter, said);
    (judged.parentElement.querySelector(".reveal") ?? judged).after(box);
    let timer = 0;
    let asked = 0;
    const judge = async () => {
      const number = ++asked;
      const body = new FormData();
      for (const name of ["csrfmiddlewaretoken", "email", "name"]) body.set(name, judged.form.elements[name]?.value ?? "");
      body.set("password", judged.value);
      const answer = judged.value ? await fetch(strength, { method: "POST", body }).catch(() => null) : null;
      if (number !== asked) return; // more was typed meanwhile
      const judgement = answer?.ok ? await answer.json() : null;
      meter.hidden = !judgement;
      meter.value = (judgement?.score ?? 0) || 0.2; // an empty bar says nothing
      said.textContent = judgement ? [judgement.says + ".", ...judgement.problems].join(" ") : "";
    };
    judged.addEventListener("input", () => {
      clearTimeout(timer);
      timer = setTimeout(judge, 400);
    });
  }

  // The server refuses to send an email again too early. Counts down until it accepts the button.
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

  // Loads the script for passkeys after the page.
  if (document.querySelector("form[data-passkey]")) {
    const script = document.createElement("script");
    script.src = passkeys;
    script.dataset.library = library;
    document.head.append(script);
  }
})();

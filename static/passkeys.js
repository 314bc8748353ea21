// Passkeys: a form with data-passkey="create", "get" or "log-in" is completed by the device and sent.
// The options are in the page (<script type="application/json">), or are fetched from data-options at login.
(() => {
  "use strict";
  const { library } = document.currentScript.dataset;
  // Loads the library after the page is drawn, so that a user who types a password does not wait for it.
  requestAnimationFrame(() => setTimeout(() => {
    const script = document.createElement("script");
    script.src = library;
    script.onload = start;
    document.head.append(script);
  }));

  const start = () => {
    const jsonOf = window.webauthnJSON;
    const forms = document.querySelectorAll("form[data-passkey]");
    if (!jsonOf || !jsonOf.supported()) return; // the buttons stay hidden; the page has other ways to log in

    let waiting = null; // the request that offers passkeys in the email field, until the user presses a button

    const optionsOf = async (form) => {
      if (!form.dataset.options) return JSON.parse(document.getElementById("js_data").textContent);
      const answer = await fetch(form.dataset.options, { headers: { Accept: "application/json" } });
      if (!answer.ok) throw new Error(String(answer.status));
      return answer.json();
    };

    const send = (form, credential) => {
      form.elements.credential.value = JSON.stringify(credential);
      form.submit();
    };

    const ask = async (form) => {
      const options = await optionsOf(form);
      if (form.dataset.passkey === "create") {
        // A discoverable credential with user verification, which the server requires, too.
        Object.assign(options.creation_options.publicKey.authenticatorSelection, {
          residentKey: "required", requireResidentKey: true, userVerification: "required",
        });
        return jsonOf.create(options.creation_options);
      }
      return jsonOf.get(options.request_options);
    };

    // Where the browser can, it offers the user's passkeys in the email field.
    const offerInField = async (form) => {
      const isOffered = window.PublicKeyCredential?.isConditionalMediationAvailable;
      if (!isOffered || !(await isOffered.call(PublicKeyCredential))) return;
      waiting = new AbortController();
      try {
        const options = await optionsOf(form);
        send(form, await jsonOf.get({ ...options.request_options, mediation: "conditional", signal: waiting.signal }));
      } catch {
        // The user declined, or pressed a button instead. Neither needs a message.
      }
    };

    forms.forEach((form) => {
      const button = document.querySelector(`button[form="${form.id}"]`) ?? form.querySelector("button");
      const failure = document.getElementById(`${form.id}-failed`);
      button.hidden = false;
      const run = async (event) => {
        event.preventDefault();
        failure.hidden = true;
        waiting?.abort();
        button.disabled = true;
        try {
          send(form, await ask(form));
        } catch {
          failure.hidden = false;
          button.disabled = false;
        }
      };
      form.addEventListener("submit", run);
      if (form.dataset.passkey === "log-in") offerInField(form);
    });
  };
})();

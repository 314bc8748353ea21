// "What is unsafe here and why", as one types: the server looks at the form and answers with the panel.
document.addEventListener("DOMContentLoaded", () => {
const panel = document.getElementById("advice");
const form = panel?.closest("form");
if (form && panel.dataset.url) {
  let waiting, latest = 0;
  const look = async () => {
    const mine = ++latest;
    const answer = await fetch(panel.dataset.url, { method: "POST", body: new FormData(form) });
    if (answer.ok && mine === latest) panel.innerHTML = await answer.text(); // made by our own template, escaped there
  };
  form.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(look, 300);
  });
}
});

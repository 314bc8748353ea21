// Updates "What is unsafe here, and why" as staff type: the server checks the form and returns the panel.
document.addEventListener("DOMContentLoaded", () => {
const panel = document.getElementById("advice");
const form = panel?.closest("form");
if (form && panel.dataset.url) {
  let waiting, latest = 0;
  const look = async () => {
    const mine = ++latest;
    const answer = await fetch(panel.dataset.url, { method: "POST", body: new FormData(form) });
    if (answer.ok && mine === latest) panel.innerHTML = await answer.text(); // from our own template, which escapes it
  };
  form.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(look, 300);
  });
}
});

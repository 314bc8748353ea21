// Counts down until a quote expires. The time is written on the page without this, and the server decides: a quote that
// is confirmed too late is answered with a new one to look at.
(() => {
  "use strict";
  const timer = document.querySelector("[role=timer][data-seconds]");
  if (!timer) return;
  const button = document.getElementById("exchange");
  const until = performance.now() + timer.dataset.seconds * 1000;
  const tick = () => {
    const left = Math.ceil((until - performance.now()) / 1000);
    if (left > 0) {
      timer.textContent = timer.dataset.left.replace("{seconds}", left);
      return setTimeout(tick, 250);
    }
    timer.textContent = timer.dataset.over;
    timer.setAttribute("role", "status"); // said once, by screen readers too
    if (button) button.textContent = timer.dataset.again;
  };
  tick();
})();

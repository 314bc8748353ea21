// Counts down until a quote expires. Without this script, the page shows the time, too. The server decides: if a quote
// is confirmed too late, it shows a new one.
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
    timer.setAttribute("role", "status"); // screen readers announce it once
    if (button) button.textContent = timer.dataset.again;
  };
  tick();
})();

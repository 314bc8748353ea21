// Swagger UI has 2 MB. The page lists its operations without it, and loads it once they are on the screen.
const { styles, scripts } = document.currentScript.dataset;

function load() {
  for (const href of styles.split(" ")) {
    document.head.append(Object.assign(document.createElement("link"), { rel: "stylesheet", href }));
  }
  for (const src of scripts.split(" ")) {
    // Each needs the one before it.
    document.head.append(Object.assign(document.createElement("script"), { src, async: false }));
  }
}

if (document.hidden || !PerformanceObserver.supportedEntryTypes.includes("paint")) {
  addEventListener("load", load, { once: true });
} else {
  new PerformanceObserver((_, observer) => {
    observer.disconnect();
    load();
  }).observe({ type: "paint", buffered: true });
}

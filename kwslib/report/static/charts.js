// Brings a chart alive when the reader comes near: the drawing in the page is replaced by an
// interactive one of the same size. Without this script, or should it fail, the drawing stays.
(function () {
  "use strict";
  const bundle = new URL(document.currentScript.dataset.vega, document.currentScript.src);
  let loading = null;

  function loadVega() {
    loading ??= new Promise((resolve, reject) => {
      const script = document.createElement("script");
      script.src = bundle;
      script.onload = resolve;
      script.onerror = reject;
      document.head.append(script);
    });
    return loading;
  }

  const WIDE = 500;
  const NARROWEST = 120;

  // A wide chart with a single view is laid out anew, its plot narrower by what is missing; a
  // small one, or one made of several views, keeps its size and is scaled or scrolls.
  function fitted(spec, available, natural) {
    const composed = ["hconcat", "vconcat", "concat", "facet", "repeat"].some((key) => key in spec);
    const channels = spec.encoding ?? {};
    const faceted = "row" in channels || "column" in channels || "facet" in channels;
    const width = spec.width ?? spec.config?.view?.continuousWidth;
    if (composed || faceted || !(width >= WIDE) || available >= natural) return spec;
    const narrower = { ...spec, width: Math.max(NARROWEST, width - (natural - available)) };
    return available < WIDE ? inColumns(narrower, Math.max(1, Math.floor(available / 165))) : narrower;
  }

  // Entries of a legend below or above a chart stand in one row; a phone has no room for that.
  function inColumns(spec, columns) {
    const horizontal = (value) => value && ["bottom", "top"].includes(value.orient);
    const change = (key, value) =>
      key === "legend" && horizontal(value) ? { ...value, columns } : value;
    return JSON.parse(JSON.stringify(spec), change);
  }

  async function enliven(chart) {
    const drawing = chart.querySelector("svg");
    const spec = JSON.parse(chart.querySelector("script").textContent);
    try {
      await loadVega();
    } catch {
      chart.dataset.state = "static";
      return;
    }
    const view = document.createElement("div");
    view.className = "kws-view";
    chart.append(view);
    const natural = drawing.viewBox.baseVal.width;
    drawing.remove();
    try {
      const options = { renderer: "svg", actions: false, tooltip: { theme: "kws" } };
      const embedded = await window.vegaEmbed(view, fitted(spec, view.clientWidth, natural), options);
      chart.vegaView = embedded.view;
      chart.dataset.state = "interactive";
      if (chart.scrollWidth > chart.clientWidth) chart.tabIndex = 0;
    } catch (error) {
      view.replaceWith(drawing);
      chart.dataset.state = "static";
      console.error(error);
    }
  }

  const observer = new IntersectionObserver(
    (entries) => {
      for (const entry of entries) {
        if (!entry.isIntersecting) continue;
        observer.unobserve(entry.target);
        enliven(entry.target);
      }
    },
    { rootMargin: "400px" },
  );
  for (const chart of document.querySelectorAll(".kws-chart")) observer.observe(chart);
})();

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

  // A wide chart with a single view is laid out anew for the width that there is; a small one, or
  // one made of several views, keeps its size and is scaled or scrolls. The width is a number, not
  // "container": that one follows every resize, those of printing too, and stays there.
  function fitted(spec, available, natural) {
    const composed = ["hconcat", "vconcat", "concat", "facet", "repeat"].some((key) => key in spec);
    const channels = spec.encoding ?? {};
    const faceted = "row" in channels || "column" in channels || "facet" in channels;
    const wide = (spec.width ?? WIDE) >= WIDE;
    if (composed || faceted || !wide || available >= natural) return spec;
    return { ...spec, width: available, autosize: { type: "fit-x", contains: "padding" } };
  }

  async function enliven(chart) {
    const drawing = chart.querySelector("svg");
    const spec = JSON.parse(chart.querySelector("script").textContent);
    await loadVega();
    const view = document.createElement("div");
    view.className = "kws-view";
    chart.append(view);
    const natural = drawing.viewBox.baseVal.width;
    drawing.remove();
    try {
      // warnings of Vega are for the author of a chart, not for its reader
      const options = { renderer: "svg", actions: false, tooltip: { theme: "kws" }, logLevel: 1 };
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

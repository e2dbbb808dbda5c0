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

  // A wide chart is laid out anew, its plots narrower by what is missing. One of plots side by
  // side, or of small ones, keeps its size and is scaled or scrolls.
  function fitted(spec, available, natural) {
    const narrower = available < natural ? narrowed(spec, natural - available) : null;
    if (!narrower) return spec;
    return available < WIDE ? inColumns(narrower, Math.max(1, Math.floor(available / 165))) : narrower;
  }

  // The same with its plots narrower, or null where that is no use. Plots that stand one below the
  // other are all as wide; names that were placed among many points would run into each other.
  function narrowed(spec, missing) {
    if ("vconcat" in spec) {
      if (JSON.stringify(spec).includes('"type":"text"')) return null;
      const plots = spec.vconcat.map((plot) => narrowed(plot, missing));
      return plots.every(Boolean) ? { ...spec, vconcat: plots } : null;
    }
    if (spec.facet?.row && !spec.facet.column) {
      const plot = narrowed(spec.spec, missing);
      return plot && { ...spec, spec: plot };
    }
    const besides = ["hconcat", "concat", "facet", "repeat"].some((key) => key in spec);
    const channels = spec.encoding ?? {};
    const width = spec.width ?? spec.config?.view?.continuousWidth;
    if (besides || "column" in channels || "facet" in channels || !(width >= WIDE)) return null;
    return { ...spec, width: Math.max(NARROWEST, width - missing) };
  }

  // Entries of a legend below or above a chart stand in one row; a phone has no room for that.
  function inColumns(spec, columns) {
    const horizontal = (value) => value && ["bottom", "top"].includes(value.orient);
    const change = (key, value) =>
      key === "legend" && horizontal(value) ? { ...value, columns } : value;
    return JSON.parse(JSON.stringify(spec), change);
  }

  const ORIGINS = {
    "published run": "committed with this report, on Speech Commands v0.02",
    "original report": "the report that this one does again",
    literature: "other people's publications, see the text",
  };

  const escaped = (value) =>
    String(value).replace(/[&<>]/g, (sign) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;" })[sign]);

  // What a mark stands for, its interval in one line, and how the numbers came about.
  function tooltip(value, chart) {
    if (typeof value !== "object") return escaped(value);
    const { low, high, ...facts } = value;
    if (low !== undefined && high !== undefined) facts["95 % interval"] = `${low} to ${high}`;
    const details = document.querySelector(`.kws-data[data-chart="${chart.id}"]`);
    const own = details?.querySelector(".kws-origin")?.textContent;
    const from = ORIGINS[value.run ?? value.kind] ?? own;
    if (from) facts.from = from;
    const rows = Object.entries(facts).map(
      ([name, fact]) => `<tr><td class="key">${escaped(name)}</td><td>${escaped(fact)}</td></tr>`,
    );
    return `<table>${rows.join("")}</table>`;
  }

  // Entries of a legend that filters can be reached and chosen from the keyboard.
  function reachable(view) {
    for (const entry of view.querySelectorAll('[class*="_legend_labels"] text')) {
      const legend = entry.closest(".role-legend");
      legend.setAttribute("role", "group"); // of what can be used, no longer one picture
      legend.removeAttribute("aria-roledescription");
      entry.setAttribute("tabindex", "0");
      entry.setAttribute("role", "button");
      entry.setAttribute("aria-label", `only ${entry.textContent}`);
      entry.addEventListener("keydown", (event) => {
        if (event.key !== "Enter" && event.key !== " ") return;
        event.preventDefault();
        entry.dispatchEvent(new MouseEvent("click", { bubbles: true }));
      });
    }
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
      const formatTooltip = (value) => tooltip(value, chart);
      const options = { renderer: "svg", actions: false, tooltip: { theme: "kws", formatTooltip } };
      const embedded = await window.vegaEmbed(view, fitted(spec, view.clientWidth, natural), options);
      chart.vegaView = embedded.view;
      chart.dataset.state = "interactive";
      reachable(view);
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

  // What scrolls can be reached from the keyboard.
  for (const formula of document.querySelectorAll(".kws-formula"))
    if (formula.scrollWidth > formula.clientWidth) formula.tabIndex = 0;
})();

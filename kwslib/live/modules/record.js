// The file of a field test, as `kws field-test --import` takes it: a list with one record.

export function recordFile({ network, labels, settings, trials, speaker, when, version, browser }) {
  const record = {
    metric: "field_trials",
    unit: "trials",
    method: "measured",
    subject: {
      network: network.name,
      labels,
      sha256: network.sha256,
      hops: settings.hops,
      thresholds: labels.slice(2).map(() => settings.threshold),
      inferences: settings.inferences,
      refractory_ms: settings.refractoryMs,
    },
    data: { name: "live speech", microphone: "browser", ...(speaker ? { speaker } : {}) },
    machine: browser,
    interval: null,
    target: "wasm",
    when,
    code: version,
    source: "",
    value: trials,
  };
  return `${JSON.stringify([record], null, 1)}\n`;
}

// Hands the reader a file.
export function save(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}

// Which browser this is, as far as it says so in few words.
export function browserName() {
  const known = /(Firefox|Edg|OPR|Chrome|Version)\/(\d+)/g;
  const found = [...navigator.userAgent.matchAll(known)].map(([, name, version]) => [name, version]);
  const [name, version] = found.find(([each]) => each === "Edg" || each === "OPR") ?? found[0] ?? ["", ""];
  const names = { Edg: "Edge", OPR: "Opera", Version: "Safari" };
  const touch = matchMedia("(pointer: coarse)").matches ? "touch screen" : "";
  return [`${names[name] ?? name} ${version}`.trim() || "a browser", touch].filter(Boolean).join(", ");
}

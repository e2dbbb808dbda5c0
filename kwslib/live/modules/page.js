// The parts of the page by the names that its HTML gives them, and small helpers to fill them.

export function part(name) {
  return document.querySelector(`[data-kws="${name}"]`);
}

// Canvases by the last word of their names: in canvases("live"), that of "live-waveform" is `waveform`.
export function canvases(prefix) {
  const found = document.querySelectorAll(`canvas[data-kws^="${prefix}-"]`);
  return Object.fromEntries(
    [...found].map((canvas) => [canvas.dataset.kws.slice(prefix.length + 1), canvas]),
  );
}

export function element(name, properties = {}, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

export function percent(share, digits = 0) {
  return `${(100 * share).toFixed(digits)}\u00a0%`;
}

// Says how things are; screen readers read it out.
export function say(text, trouble = false) {
  const status = part("status");
  status.textContent = text;
  status.classList.toggle("kws-trouble", trouble);
}

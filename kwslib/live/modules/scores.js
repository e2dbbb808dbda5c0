// What was detected, in words, and how probable each label is now, as bars with numbers.

import { labelColours } from "./colours.js";
import { element, part, percent } from "./page.js";

const SHOWN_MS = 1500;
const KEPT = 3;

export class Scores {
  constructor(listening, config) {
    this.colours = config.colours;
    this.detected = part("detected");
    this.log = part("log");
    listening.addEventListener("network", () => this.prepare(listening.labels));
    listening.addEventListener("source", () => listening.source && this.log.replaceChildren());
    listening.addEventListener("heard", ({ detail }) => this.take(detail));
  }

  prepare(labels) {
    this.labels = labels;
    const colours = labelColours(labels, this.colours.labels, this.colours.palette);
    this.bars = labels.map((label, i) => {
      const bar = element("span", { className: "kws-bar" });
      bar.style.backgroundColor = colours[i];
      return { bar, number: element("span", { className: "kws-share", textContent: "0 %" }) };
    });
    part("scores").replaceChildren(
      ...labels.map((label, i) =>
        element(
          "li",
          {},
          element("span", { className: "kws-label", textContent: label.replaceAll("_", "") }),
          element("span", { className: "kws-track" }, this.bars[i].bar),
          this.bars[i].number,
        ),
      ),
    );
    this.coloured = colours;
    this.log.replaceChildren();
  }

  take({ averages, detection }) {
    averages?.forEach((share, i) => {
      this.bars[i].bar.style.transform = `scaleX(${share})`;
      this.bars[i].number.textContent = percent(share);
    });
    if (detection) this.announce(detection);
  }

  announce({ label, timeMs, probability }) {
    const word = this.labels[label];
    this.detected.textContent = word;
    this.detected.style.borderColor = this.coloured[label];
    this.detected.classList.add("kws-now");
    clearTimeout(this.fading);
    this.fading = setTimeout(() => this.detected.classList.remove("kws-now"), SHOWN_MS);
    const line = `${word}, ${(timeMs / 1000).toFixed(1)} s, ${percent(probability)}`;
    this.log.append(element("li", { textContent: line }));
    while (this.log.children.length > KEPT) this.log.firstChild.remove();
  }
}

// The time that each stage takes here, beside what the emulated board needs.

import { part } from "./page.js";
import { explain } from "./problems.js";

const EVERY_MS = 2000;

const us = (value) => value.toLocaleString("en", { maximumSignificantDigits: 3 });

export class Times {
  constructor(listening, engine, config) {
    this.listening = listening;
    this.engine = engine;
    this.settings = config.settings;
    listening.addEventListener("network", ({ detail }) => this.prepare(detail));
    listening.addEventListener("heard", () => this.heard());
  }

  prepare({ board }) {
    for (const [stage, value] of Object.entries(board ?? {})) this.fill(stage, "board", value);
    this.measure();
  }

  heard() {
    part("longest").textContent = this.listening.history.longestMs().toFixed(1);
    if (performance.now() - this.measured > EVERY_MS) this.measure();
  }

  async measure() {
    this.measured = performance.now();
    try {
      const times = await this.engine.time(this.settings);
      for (const [stage, value] of Object.entries(times)) this.fill(stage, "here", value);
    } catch (error) {
      part("time-features-here").textContent = explain(error);
    }
  }

  fill(stage, where, value) {
    part(`time-${stage}-${where}`).textContent = us(value);
  }
}

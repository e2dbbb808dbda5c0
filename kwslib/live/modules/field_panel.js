// The field test: asks for ten words, counts, shows the result beside the original report's.

import { element, part, percent } from "./page.js";
import { Problem, explain } from "./problems.js";
import { browserName, recordFile, save } from "./record.js";
import { counted, judged, plan, succeeded, wilson } from "./trials.js";

const AFTER_ANSWER_MS = 300;
const SHOWN_MS = 1200;
const PATIENCE_MS = 5000; // with a microphone from which nothing comes

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

class Stopped extends Error {}

export class FieldPanel {
  constructor(listening, config) {
    this.listening = listening;
    this.config = config;
    this.rules = config.test;
    part("test-start").onclick = () => this.run();
    part("test-again").onclick = () => this.repeat();
    part("test-stop").onclick = () => this.stop();
    part("test-save").onclick = () => this.save();
    listening.addEventListener("network", () => this.reset());
    listening.addEventListener("source", () => listening.source !== "microphone" && this.stop());
  }

  reset() {
    this.stop();
    this.words = plan(this.listening.network.keywords, this.rules.trials);
    this.trials = [];
    this.repeats = 0;
    this.when = null;
    this.show();
    this.ask("", "");
  }

  async run() {
    if (this.running) return;
    if (this.trials.length === this.rules.trials) this.reset();
    this.running = true;
    this.show();
    try {
      if (this.listening.source !== "microphone") await this.listening.openMicrophone();
      this.running = true; // a clip that had to stop has stopped the test with it
      while (this.running && this.trials.length < this.rules.trials) await this.trial();
      this.conclude();
    } catch (error) {
      if (error instanceof Stopped) this.conclude();
      else this.ask(explain(error), "");
    }
    this.running = false;
    this.show();
  }

  stop() {
    this.running = false;
  }

  conclude() {
    const { length } = this.trials;
    const right = this.trials.filter(succeeded).length;
    if (length < this.rules.trials) this.ask("Stopped", `after ${length} of ${this.rules.trials} words`);
    else this.ask(`${right} of ${length}`, "words detected");
  }

  // The last word once more: who misspoke should not count against the network.
  repeat() {
    if (this.trials.length) this.repeats = (this.trials.pop().repeats ?? 0) + 1;
    this.show();
    return this.run();
  }

  async trial() {
    const { listening, rules } = this;
    const prompt = this.words[this.trials.length];
    const detections = [];
    const keep = ({ detail }) => detail.detection && detections.push(detail.detection);
    this.when ??= new Date().toISOString().slice(0, 19) + "+00:00";
    await listening.begin();
    listening.addEventListener("heard", keep);
    try {
      this.ask("Quiet, please …", `word ${this.trials.length + 1} of ${rules.trials}`);
      await this.until(() => listening.history.heardMs >= rules.beforeMs);
      const cue = listening.history.heardMs;
      this.ask(`Say: ${prompt.word}`, "now");
      const answered = () => detections.some(({ timeMs }) => timeMs >= cue);
      await this.until(() => answered() || listening.history.heardMs >= cue + rules.speakMs);
      await pause(answered() ? AFTER_ANSWER_MS : 0);
      const length = listening.history.heardMs;
      this.take(judged(prompt, detections, listening.labels, cue, length, this.repeats));
    } finally {
      listening.removeEventListener("heard", keep);
    }
    await pause(SHOWN_MS);
  }

  take(trial) {
    this.trials.push(trial);
    this.repeats = 0;
    const heard = trial.detected ? `heard ${trial.detected}` : "heard nothing";
    this.ask(succeeded(trial) ? "Right" : "Missed", heard);
    this.show();
  }

  // Waits for something while sound comes in.
  until(ready) {
    const { listening } = this;
    return new Promise((resolve, reject) => {
      const over = (finish, value) => {
        clearTimeout(this.waiting);
        listening.removeEventListener("heard", look);
        finish(value);
      };
      const silent = () =>
        over(reject, new Problem("No sound comes from the microphone. Check it, and start again."));
      const look = () => {
        clearTimeout(this.waiting);
        this.waiting = setTimeout(silent, PATIENCE_MS);
        if (!this.running) over(reject, new Stopped());
        else if (ready()) over(resolve);
      };
      this.waiting = setTimeout(silent, PATIENCE_MS);
      listening.addEventListener("heard", look);
    });
  }

  ask(words, detail) {
    part("test-prompt").textContent = words;
    part("test-detail").textContent = detail;
  }

  show() {
    const made = this.trials.length;
    const all = made === this.rules.trials;
    part("test-start").textContent = !made ? "Start the test" : all ? "Start anew" : "Go on";
    part("test-start").disabled = this.running;
    part("test-stop").disabled = !this.running;
    part("test-again").disabled = this.running || !made;
    part("test-save").disabled = this.running || !made;
    part("test-marks").replaceChildren(...this.words.map((_, i) => this.mark(this.trials[i])));
    this.showResults();
  }

  mark(trial) {
    if (!trial) return element("li", { className: "kws-open", textContent: "·" });
    const [sign, name] = succeeded(trial) ? ["✓", "kws-right"] : ["✗", "kws-wrong"];
    const heard = trial.detected ?? "nothing";
    const words = element("span", { textContent: `${sign} ${trial.said}` });
    return element("li", { className: name, title: `said ${trial.said}, heard ${heard}` }, words);
  }

  showResults() {
    const mine = counted(this.trials);
    const rows = [...this.rowsOf("this test", mine), ...this.rowsOf("original report", this.config.original)];
    part("test-results").hidden = !this.trials.length;
    part("test-rows").replaceChildren(...rows);
  }

  rowsOf(run, words) {
    const rows = Object.entries(words);
    const all = { successes: 0, trials: 0 };
    for (const [, { successes, trials }] of rows) {
      all.successes += successes;
      all.trials += trials;
    }
    return [...rows, ["all words", all]].map(([word, { successes, trials }]) => {
      const [low, high] = wilson(successes, trials);
      const cells = [word, `${successes} of ${trials}`, percent(trials ? successes / trials : 0)];
      return element(
        "tr",
        { className: word === "all words" ? "kws-all" : "" },
        this.runCell(run),
        ...cells.map((textContent) => element("td", { textContent })),
        element("td", {}, this.interval(run, trials ? successes / trials : 0, low, high)),
      );
    });
  }

  runCell(run) {
    const own = run === "this test" ? "this run" : run;
    const colour = this.config.colours.runs[own];
    const sign = element("span", { className: "kws-sign", textContent: this.config.signs[own] });
    sign.style.color = colour;
    sign.setAttribute("aria-hidden", "true");
    return element("th", { scope: "row" }, sign, ` ${run}`);
  }

  // The interval as a bar between 0 and 1, its numbers in words.
  interval(run, share, low, high) {
    const bar = element("span", { className: "kws-interval" });
    const colour = this.config.colours.runs[run === "this test" ? "this run" : run];
    const line = element("span");
    Object.assign(line.style, {
      left: `${100 * low}%`,
      width: `${100 * (high - low)}%`,
      background: colour,
    });
    const point = element("i");
    Object.assign(point.style, { left: `${100 * share}%`, background: colour });
    bar.append(line, point);
    bar.setAttribute("aria-hidden", "true");
    return element("span", {}, bar, `${percent(low)} to ${percent(high)}`);
  }

  save() {
    const { listening, config } = this;
    const text = recordFile({
      network: listening.network,
      labels: listening.labels,
      settings: config.settings,
      trials: this.trials,
      speaker: part("test-speaker").value.trim(),
      when: this.when,
      version: config.version,
      browser: browserName(),
    });
    save(new Blob([text], { type: "application/json" }), `field-test-${listening.network.name}.json`);
  }
}

// The controls: which network, and what it hears.

import { asset } from "./assets.js";
import { element, part, percent, say } from "./page.js";
import { explain } from "./problems.js";
import { decoded } from "./soundfile.js";

export class Sources {
  // onClip is told of each clip or file that is heard, before it is.
  constructor(listening, config, onClip) {
    this.listening = listening;
    this.config = config;
    this.onClip = onClip;
    this.offerNetworks();
    this.offerMicrophone();
    this.offerClips();
    this.offerFiles();
  }

  offerNetworks() {
    const select = part("network");
    for (const { name, title } of this.config.networks)
      select.append(element("option", { value: name, textContent: title }));
    select.onchange = () => this.attempt(() => this.change(select.value));
    this.listening.addEventListener("network", ({ detail }) => this.describe(detail));
  }

  async change(name) {
    const source = this.listening.source;
    await this.listening.choose(name);
    if (source === "microphone") say(`Listening with ${this.listening.network.title}.`);
  }

  describe({ accuracy, kilobytes }) {
    const right = accuracy
      ? `${percent(accuracy.value, 1)} of the official test clips right ` +
        `(95 % interval ${percent(accuracy.low, 1)} to ${percent(accuracy.high, 1)}), `
      : "";
    part("network-facts").textContent = `${right}${kilobytes} kB of WebAssembly`;
  }

  offerMicrophone() {
    const button = part("microphone");
    button.onclick = () =>
      this.attempt(async () => {
        if (this.listening.source === "microphone") return this.listening.stop();
        say("Your browser asks whether this page may use the microphone.");
        return this.listening.openMicrophone();
      });
    this.listening.addEventListener("source", ({ detail }) => this.sourceChanged(button, detail));
  }

  sourceChanged(button, { lost }) {
    const { source, microphone } = this.listening;
    const on = source === "microphone";
    button.setAttribute("aria-pressed", String(on));
    button.textContent = on ? "Stop listening" : "Listen to my microphone";
    if (on) {
      const rate = (microphone.rate / 1000).toLocaleString("en");
      const resampled = microphone.rate === 16000 ? "" : ` (${rate} kHz, resampled to 16)`;
      say(`Listening to your microphone${resampled}. Say ${this.wanted()}.`);
    } else if (lost) say("The microphone is gone. Connect it and press the button again.", true);
    else if (!source) say("Not listening.");
  }

  wanted() {
    return this.listening.network.keywords.map((word) => `“${word}”`).join(" or ");
  }

  offerClips() {
    const list = part("clips");
    for (const { file, title, voice } of this.config.clips) {
      const button = element("button", { type: "button", textContent: `${title}, ${voice}` });
      button.onclick = () =>
        this.attempt(async () => this.hear(await asset(file), `“${title}”`, `${file}.flac`));
      list.append(button);
    }
  }

  offerFiles() {
    const input = part("file");
    input.onchange = () => {
      const [file] = input.files;
      input.value = "";
      if (file) this.open(file);
    };
    const zone = part("listen");
    const over = (on) => (event) => {
      event.preventDefault();
      zone.classList.toggle("kws-over", on);
    };
    zone.ondragover = over(true);
    zone.ondragleave = over(false);
    zone.ondrop = (event) => {
      over(false)(event);
      const [file] = event.dataTransfer.files;
      if (file) this.open(file);
    };
  }

  open(file) {
    return this.attempt(async () => this.hear(await file.arrayBuffer(), file.name, file.name));
  }

  async hear(bytes, title, name) {
    const { samples, notes } = await decoded(bytes, name);
    say([`Playing ${title}`, ...notes].join("; ") + ".");
    this.onClip(samples, title);
    await this.listening.hearClip(samples);
  }

  async attempt(action) {
    try {
      await action();
    } catch (error) {
      say(explain(error), true);
    }
  }
}

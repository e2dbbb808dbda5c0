// "Record my clip": two seconds of the microphone, cut to the loudest one, heard and looked at.

import { canvases, part, percent, say } from "./page.js";
import { Pictures } from "./pictures.js";
import { explain } from "./problems.js";
import { save } from "./record.js";
import { RATE, oneSecond, wavFile } from "./samples.js";
import { play } from "./soundfile.js";

const RECORDED_S = 2;

export class ClipPanel {
  constructor(listening, engine, config) {
    this.listening = listening;
    this.engine = engine;
    this.settings = config.settings;
    this.pictures = new Pictures(canvases("clip"), config);
    part("record").onclick = () => this.record();
    part("replay").onclick = () => play(this.clip);
    part("keep").onclick = () => save(wavFile(this.clip), "clip.wav");
    listening.addEventListener("network", () => this.clip && this.judge());
  }

  async record() {
    const button = part("record");
    button.disabled = true;
    try {
      if (this.listening.source !== "microphone") await this.listening.openMicrophone();
      button.textContent = "Speak now …";
      const samples = await this.listening.record(RECORDED_S * RATE);
      await this.show(samples, "your recording");
    } catch (error) {
      say(explain(error), true);
      part("clip-name").textContent = explain(error);
    }
    button.textContent = "Record my clip";
    button.disabled = false;
  }

  // Shows the loudest second of some samples.
  async show(samples, title) {
    this.clip = oneSecond(samples);
    this.title = title;
    part("clip-views").hidden = false;
    await this.judge();
  }

  // What the network makes of the second by itself, as test clips are scored.
  async judge() {
    const { image, scores } = await this.engine.classify(this.clip, this.settings);
    const shares = Array.from(scores, (score) => (score + 128) / 256);
    const best = shares.indexOf(Math.max(...shares));
    const label = this.listening.labels[best].replaceAll("_", "");
    part("clip-name").textContent =
      `One second of ${this.title}. The network takes it for ${label}, ` +
      `with a probability of ${percent(shares[best])}.`;
    this.pictures.show(this.clip, image);
  }
}

// What is listened to, and what comes of it: the microphone or a clip, through one network.

import { asset } from "./assets.js";
import { History } from "./history.js";
import { Microphone } from "./microphone.js";
import { inARoom } from "./samples.js";
import { play } from "./soundfile.js";

const HOP = 320;
const ROOM_BEFORE_S = 1.2; // the network's second must be full when the word begins
const ROOM_AFTER_S = 1.2;

const moment = () => new Promise((resolve) => setTimeout(resolve, 20));

// Events: "network" when another one is loaded, "source" when the source changes, "heard" after
// every 20 ms of sound, with what came of them.
export class Listening extends EventTarget {
  constructor(engine, worklet, config) {
    super();
    this.engine = engine;
    this.worklet = worklet;
    this.config = config;
    this.history = new History();
    this.source = null;
    this.turn = 0;
  }

  tell(type, detail) {
    this.dispatchEvent(Object.assign(new Event(type), { detail }));
  }

  async choose(name) {
    const network = this.config.networks.find((each) => each.name === name);
    const { labels } = await this.engine.load(await asset(network.file));
    this.network = network;
    this.labels = labels;
    await this.begin();
    this.tell("network", network);
  }

  // Begins a stream: nothing heard yet.
  async begin() {
    this.history.clear();
    await this.engine.begin(this.config.settings, (heard) => {
      this.history.add(heard);
      this.tell("heard", heard);
    });
  }

  async openMicrophone() {
    await this.stop();
    const turn = ++this.turn;
    const lost = () => this.stop(true);
    const microphone = await Microphone.open(this.worklet, lost);
    if (turn !== this.turn) {
      microphone.close();
      return;
    }
    this.microphone = microphone;
    await this.begin();
    await this.engine.listen(microphone.port);
    this.become("microphone");
  }

  // Plays a clip, and lets the network hear it as it sounds. Returns when it is over.
  async hearClip(samples) {
    await this.stop();
    const turn = ++this.turn;
    await this.begin();
    this.become("clip");
    const room = inARoom(samples, ROOM_BEFORE_S, ROOM_AFTER_S);
    this.silence = play(room);
    const start = performance.now();
    for (let at = 0; at < room.length; await moment()) {
      if (turn !== this.turn) return;
      const due = Math.min(room.length, 16 * (performance.now() - start));
      for (; at < due; at += HOP) this.engine.hear(room.slice(at, at + HOP));
    }
    await this.stop();
  }

  async stop(lost = false) {
    ++this.turn;
    this.microphone?.close();
    this.silence?.();
    this.microphone = this.silence = null;
    await this.engine.deafen();
    this.become(null, lost);
  }

  become(source, lost = false) {
    if (source === this.source) return;
    this.source = source;
    this.tell("source", { lost });
  }

  // The next samples that are heard, so many of them.
  record(count) {
    const samples = new Int16Array(count);
    let held = 0;
    return new Promise((resolve, reject) => {
      const over = (finish, value) => {
        this.removeEventListener("heard", take);
        this.removeEventListener("source", give);
        finish(value);
      };
      const take = ({ detail }) => {
        const piece = detail.samples.subarray(0, count - held);
        samples.set(piece, held);
        held += piece.length;
        if (held === count) over(resolve, samples);
      };
      const give = () => over(reject, new Error("the recording was interrupted"));
      this.addEventListener("heard", take);
      this.addEventListener("source", give);
    });
  }
}

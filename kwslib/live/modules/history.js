// What was heard last, hop by hop, as the live pictures show it.

import { RATE } from "./samples.js";

export const SHOWN_S = 3;

const HOP_S = 0.02;
const KEPT = Math.round(SHOWN_S / HOP_S);
const COLUMNS = 4; // of the waveform in a hop
const LATEST = 512; // samples, for the spectrum

export class History {
  constructor() {
    this.clear();
  }

  clear() {
    this.hops = [];
    this.count = 0;
    this.latest = new Int16Array(LATEST);
    this.samples = 0;
  }

  // Takes what came of 20 ms of sound.
  add({ samples, row, averages, scores, detection, ms }) {
    this.hops.push({ columns: extremes(samples), row, averages, scores, detection, ms });
    if (this.hops.length > KEPT) this.hops.shift();
    this.samples += samples.length;
    ++this.count;
    this.latest.copyWithin(0, samples.length);
    this.latest.set(samples, LATEST - samples.length);
  }

  // Milliseconds of sound since the stream began.
  get heardMs() {
    return (1000 * this.samples) / RATE;
  }

  // Seconds before now at which a kept hop began.
  time(index) {
    return (index - this.hops.length) * HOP_S;
  }

  // Rows of [time, lowest, highest], full scale at 1.
  waveform() {
    return this.hops.flatMap(({ columns }, i) =>
      columns.map(([low, high], j) => [this.time(i) + (HOP_S * j) / COLUMNS, low, high]),
    );
  }

  // Frames of the image, and when the first of them began.
  image() {
    const first = this.hops.findIndex(({ row }) => row);
    if (first < 0) return { rows: [], from: 0 };
    return { rows: this.hops.slice(first).map(({ row }) => row), from: this.time(first) };
  }

  // [time, averages] of each inference.
  inferences() {
    return this.hops.flatMap(({ averages }, i) => (averages ? [[this.time(i + 1), averages]] : []));
  }

  // [time, detection] of each.
  detections() {
    return this.hops.flatMap(({ detection }, i) => (detection ? [[this.time(i + 1), detection]] : []));
  }

  // The longest that a hop of the last second took, in milliseconds.
  longestMs() {
    return Math.max(0, ...this.hops.slice(-Math.round(1 / HOP_S)).map(({ ms }) => ms));
  }
}

function extremes(samples) {
  const length = samples.length / COLUMNS;
  return Array.from({ length: COLUMNS }, (_, column) => {
    let [low, high] = [1, -1];
    for (let i = Math.floor(column * length); i < Math.floor((column + 1) * length); ++i) {
      low = Math.min(low, samples[i] / 32768);
      high = Math.max(high, samples[i] / 32768);
    }
    return [low, high];
  });
}

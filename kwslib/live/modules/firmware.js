// The board's firmware as WebAssembly: what firmware/wasm/page.h exports, in JavaScript's terms.

export const NO_DETECTION = -1;
export const STAGES = ["features", "image", "network", "postprocess"];

export async function instantiate(bytes) {
  const { instance } = await WebAssembly.instantiate(bytes, {});
  return new Firmware(instance.exports);
}

class Firmware {
  constructor(c) {
    this.c = c;
    this.hop = c.hop();
    this.frames = c.frames();
    this.bands = c.bands();
    this.sha256 = this.text(c.sha256());
    this.labels = Array.from({ length: c.labels() }, (_, i) => this.text(c.label(i)));
  }

  text(at) {
    const bytes = new Uint8Array(this.c.memory.buffer, at);
    return new TextDecoder().decode(bytes.subarray(0, bytes.indexOf(0)));
  }

  // What lies in the firmware's memory is overwritten by its next call, so it is copied.
  copied(Type, at, length) {
    return new Type(this.c.memory.buffer, at, length).slice();
  }

  // Begins a stream: nothing heard yet. Thresholds are probabilities in 1/256.
  begin({ hops, inferences, refractoryMs, threshold }) {
    const keywords = this.labels.length - 2;
    new Uint8Array(this.c.memory.buffer, this.c.thresholds(), keywords).fill(threshold);
    this.inferences = inferences;
    if (!this.c.begin(hops, inferences, refractoryMs))
      throw new RangeError(`the firmware refuses ${hops} hops, ${inferences} inferences`);
  }

  // Takes the stream's next samples, an Int16Array of at most a hop. Tells what came of them.
  hear(samples) {
    const before = { frames: this.c.heard(), inferences: this.c.inferences() };
    new Int16Array(this.c.memory.buffer, this.c.samples(), this.hop).set(samples);
    const label = this.c.hear(samples.length);
    const inferred = this.c.inferences() > before.inferences;
    return {
      row: this.c.heard() > before.frames ? this.copied(Uint8Array, this.c.row(), this.bands) : null,
      scores: inferred ? this.scoresAt(this.c.scores()) : null,
      averages: inferred ? this.labels.map((_, i) => this.average(i)) : null,
      detection:
        label === NO_DETECTION
          ? null
          : { label, timeMs: this.c.detected_ms(), probability: this.average(label) },
    };
  }

  average(label) {
    return this.c.sum(label) / (256 * this.inferences);
  }

  scoresAt(at) {
    return this.copied(Int8Array, at, this.labels.length);
  }

  // The image of the last second, uint8, frame after frame.
  image() {
    return this.copied(Uint8Array, this.c.image(), this.frames * this.bands);
  }

  // The network's scores of that image, int8: 256 times the probability, minus 128.
  classify() {
    return this.scoresAt(this.c.classify());
  }

  // Microseconds that each stage takes, by a clock that tells milliseconds. A stage runs as often
  // as it takes to fill `leastMs`.
  time(clock, leastMs) {
    const times = {};
    STAGES.forEach((stage, number) => {
      let runs = 1;
      for (;;) {
        const start = clock();
        this.c.repeat(number, runs);
        const ms = clock() - start;
        if (ms >= leastMs || runs >= 1 << 20) {
          times[stage] = (1000 * ms) / runs;
          break;
        }
        runs *= 4;
      }
    });
    return times;
  }
}

// Sound at one rate to another, piece by piece: a sinc under a Hann window (J. O. Smith, "Digital
// audio resampling"), whose values are computed once for each of the offsets that occur.

const CROSSINGS = 16; // of zero, on each side of the sinc
const PASSED = 0.95; // of the lower rate's half

function commonDivisor(a, b) {
  return b ? commonDivisor(b, a % b) : a;
}

function filters(step, phases) {
  const cutoff = PASSED * Math.min(1, phases / step);
  const half = Math.ceil(CROSSINGS / cutoff);
  return Array.from({ length: phases }, (_, phase) => {
    const taps = new Float32Array(2 * half);
    taps.forEach((_, k) => {
      const t = k - half + 1 - phase / phases;
      const x = Math.PI * cutoff * t;
      const window = Math.abs(t) < half ? Math.cos((Math.PI * t) / (2 * half)) ** 2 : 0;
      taps[k] = cutoff * window * (x ? Math.sin(x) / x : 1);
    });
    return taps;
  });
}

export class Resampler {
  constructor(from, to) {
    const divisor = commonDivisor(from, to);
    this.step = from / divisor;
    this.phases = to / divisor;
    this.filters = from === to ? null : filters(this.step, this.phases);
    this.half = this.filters ? this.filters[0].length / 2 : 0;
    // Samples from that of the first tap of the next value on; before the sound there is silence.
    this.held = new Float32Array(Math.max(0, this.half - 1));
    this.phase = 0;
  }

  // The values that the next samples complete, as Float32Array.
  push(samples) {
    if (!this.filters) return samples;
    const held = new Float32Array(this.held.length + samples.length);
    held.set(this.held);
    held.set(samples, this.held.length);
    const values = [];
    let at = 0;
    for (; at + 2 * this.half <= held.length; at += this.advance()) {
      const taps = this.filters[this.phase];
      let sum = 0;
      for (let k = 0; k < taps.length; ++k) sum += taps[k] * held[at + k];
      values.push(sum);
    }
    this.held = held.slice(at);
    return Float32Array.from(values);
  }

  // How many samples further the next value's taps begin.
  advance() {
    const phase = this.phase + this.step;
    this.phase = phase % this.phases;
    return Math.floor(phase / this.phases);
  }
}

// A whole sound at another rate.
export function resampled(samples, from, to) {
  const resampler = new Resampler(from, to);
  const values = resampler.push(samples);
  const rest = resampler.push(new Float32Array(resampler.half));
  const all = new Float32Array(values.length + rest.length);
  all.set(values);
  all.set(rest, values.length);
  return all.subarray(0, Math.ceil((samples.length * to) / from));
}

// In the audio thread: the microphone's sound, channels averaged, at 16 kHz, in pieces of 20 ms.

import { Resampler } from "./resample.js";
import { RATE, asInt16 } from "./samples.js";

const PIECE = RATE / 50;

class Microphone extends AudioWorkletProcessor {
  constructor() {
    super();
    this.resampler = new Resampler(Math.round(sampleRate), RATE);
    this.piece = new Float32Array(PIECE);
    this.held = 0;
    this.listener = null;
    // The first message brings a port to whoever listens, any other says that nobody does.
    this.port.onmessage = ({ data }) => {
      this.listener = data.listener ?? null;
      this.over = !this.listener;
    };
  }

  process([channels]) {
    if (this.listener && channels.length) this.take(this.resampler.push(averaged(channels)));
    return !this.over;
  }

  take(values) {
    for (const value of values) {
      this.piece[this.held++] = value;
      if (this.held < PIECE) continue;
      const samples = asInt16(this.piece);
      this.listener.postMessage(samples, [samples.buffer]);
      this.held = 0;
    }
  }
}

function averaged(channels) {
  if (channels.length === 1) return channels[0];
  return channels[0].map((_, i) => {
    let sum = 0;
    for (const channel of channels) sum += channel[i];
    return sum / channels.length;
  });
}

registerProcessor("kws-microphone", Microphone);

// Sound files, by the browser's own decoders, to samples at 16 kHz; and samples to the ear.

import { Problem } from "./problems.js";
import { resampled } from "./resample.js";
import { RATE, asFloat, asInt16 } from "./samples.js";

const SHORTEST_S = 0.1;
const LONGEST_S = 60;
const LARGEST_BYTES = 50e6;

// Samples of a file's bytes, and notes on what was done to them.
export async function decoded(bytes, name) {
  if (bytes.byteLength > LARGEST_BYTES)
    throw new Problem(`${name} is larger than 50 MB. Cut out the part with the word.`);
  const buffer = await decode(bytes, name);
  if (buffer.duration < SHORTEST_S)
    throw new Problem(`${name} holds less than 100 ms of sound. Record it again.`);
  const notes = [];
  if (buffer.numberOfChannels > 1) notes.push(`${buffer.numberOfChannels} channels averaged`);
  let values = averaged(buffer);
  if (buffer.sampleRate !== RATE) values = resampled(values, buffer.sampleRate, RATE);
  if (values.length > LONGEST_S * RATE) {
    values = values.subarray(0, LONGEST_S * RATE);
    notes.push("cut to its first minute");
  }
  return { samples: asInt16(values), notes };
}

async function decode(bytes, name) {
  try {
    // A context at our rate, so that a file at that rate is left as it is.
    return await new OfflineAudioContext(1, 1, RATE).decodeAudioData(bytes);
  } catch {
    throw new Problem(
      `${name} is no sound file that this browser can read. WAV, FLAC and MP3 it can.`,
    );
  }
}

function averaged(buffer) {
  const sum = new Float32Array(buffer.length);
  for (let channel = 0; channel < buffer.numberOfChannels; ++channel)
    buffer.getChannelData(channel).forEach((value, i) => (sum[i] += value));
  return sum.map((value) => value / buffer.numberOfChannels);
}

// Plays samples; returns a function that stops them. Where there is nothing to play them, nothing
// happens: what is shown does not depend on it.
export function play(samples) {
  try {
    const context = new AudioContext();
    const buffer = context.createBuffer(1, samples.length, RATE);
    buffer.copyToChannel(asFloat(samples), 0);
    const source = context.createBufferSource();
    source.buffer = buffer;
    source.connect(context.destination);
    source.onended = () => context.close();
    source.start();
    return () => context.state === "closed" || context.close();
  } catch {
    return () => {};
  }
}

// Beside the page: runs the firmware on what the page or the microphone sends, 20 ms at a time.

import { instantiate } from "./firmware.js";

const TIMED = 3;
const LEAST_MS = 2; // of each time, since a browser's clock is coarse

let firmware; // of the stream
let still; // of single clips, so that they do not disturb it
let stream = 0;
let microphone = null;

const answers = {
  async load({ wasm }) {
    stream = 0; // nothing is heard before the next stream begins
    [firmware, still] = await Promise.all([instantiate(wasm), instantiate(wasm)]);
    const { labels, sha256, hop, frames, bands } = firmware;
    return { labels, sha256, hop, frames, bands };
  },

  begin(request) {
    firmware.begin(request.settings);
    stream = request.stream;
  },

  hear({ samples }) {
    hear(samples);
  },

  listen({ port }) {
    microphone?.close();
    microphone = port;
    microphone.onmessage = ({ data }) => hear(data);
  },

  deafen() {
    microphone?.close();
    microphone = null;
  },

  classify({ samples, settings }) {
    still.begin(settings);
    for (let at = 0; at < samples.length; at += still.hop)
      still.hear(samples.subarray(at, at + still.hop));
    return { image: still.image(), scores: still.classify() };
  },

  // The least of several times: what else the device does is none of the firmware's.
  time({ settings }) {
    still.begin(settings);
    const runs = Array.from({ length: TIMED }, () => still.time(() => performance.now(), LEAST_MS));
    const stages = Object.keys(runs[0]);
    return Object.fromEntries(stages.map((s) => [s, Math.min(...runs.map((run) => run[s]))]));
  },
};

function hear(samples) {
  if (!stream) return;
  for (let at = 0; at < samples.length; at += firmware.hop) {
    const piece = samples.slice(at, at + firmware.hop);
    const start = performance.now();
    const heard = firmware.hear(piece);
    const ms = performance.now() - start;
    postMessage({ kind: "heard", stream, samples: piece, ms, ...heard });
  }
}

onmessage = async ({ data }) => {
  try {
    const answer = await answers[data.kind](data);
    postMessage({ kind: "answer", id: data.id, answer });
  } catch (error) {
    postMessage({ kind: "failure", id: data.id, message: String(error.message ?? error) });
  }
};

// Samples of 16 bits at 16 kHz, as the firmware hears them, and what is cut out of them.

export const RATE = 16000;
export const CLIP = RATE;

const FULL_SCALE = 32768;
const FRAME = RATE / 50;

export function asInt16(values) {
  return Int16Array.from(values, (value) =>
    Math.max(-FULL_SCALE, Math.min(FULL_SCALE - 1, Math.round(value * FULL_SCALE))),
  );
}

export function asFloat(samples) {
  return Float32Array.from(samples, (sample) => sample / FULL_SCALE);
}

// Where the second with the most energy begins.
function loudest(samples) {
  let energy = 0;
  let most = -1;
  let start = 0;
  for (let end = 0; end < samples.length; ++end) {
    energy += samples[end] ** 2;
    if (end >= CLIP) energy -= samples[end - CLIP] ** 2;
    if (end >= CLIP - 1 && energy > most) [most, start] = [energy, end - CLIP + 1];
  }
  return start;
}

// A clip of one second: the loudest of a longer sound, the middle of silence for a shorter one.
export function oneSecond(samples) {
  if (samples.length >= CLIP) {
    const start = loudest(samples);
    return samples.slice(start, start + CLIP);
  }
  const clip = new Int16Array(CLIP);
  clip.set(samples, Math.floor((CLIP - samples.length) / 2));
  return clip;
}

// Root mean square of the quietest tenth of a sound.
function floorOf(samples) {
  const levels = [];
  for (let at = 0; at + FRAME <= samples.length; at += FRAME) {
    let energy = 0;
    for (let i = at; i < at + FRAME; ++i) energy += samples[i] ** 2;
    levels.push(Math.sqrt(energy / FRAME));
  }
  levels.sort((a, b) => a - b);
  return levels[Math.floor(levels.length / 10)] ?? 0;
}

// A sound with as quiet a room before and after it as its own, so that no edge is heard.
export function inARoom(samples, secondsBefore, secondsAfter) {
  const [before, after] = [secondsBefore * RATE, secondsAfter * RATE].map(Math.round);
  const level = floorOf(samples);
  const quiet = () => Math.round(level * Math.sqrt(3) * (2 * Math.random() - 1));
  const room = Int16Array.from({ length: before + samples.length + after }, quiet);
  room.set(samples, before);
  return room;
}

// A WAV file of the samples.
export function wavFile(samples) {
  const bytes = new DataView(new ArrayBuffer(44 + 2 * samples.length));
  const text = (at, letters) =>
    [...letters].forEach((letter, i) => bytes.setUint8(at + i, letter.charCodeAt(0)));
  text(0, "RIFF");
  bytes.setUint32(4, 36 + 2 * samples.length, true);
  text(8, "WAVEfmt ");
  bytes.setUint32(16, 16, true);
  bytes.setUint16(20, 1, true); // PCM
  bytes.setUint16(22, 1, true); // channels
  bytes.setUint32(24, RATE, true);
  bytes.setUint32(28, 2 * RATE, true);
  bytes.setUint16(32, 2, true);
  bytes.setUint16(34, 16, true);
  text(36, "data");
  bytes.setUint32(40, 2 * samples.length, true);
  samples.forEach((sample, i) => bytes.setInt16(44 + 2 * i, sample, true));
  return new Blob([bytes], { type: "audio/wav" });
}

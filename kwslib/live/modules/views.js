// A clip's views of chapter 1, as kwslib.features.views defines them: spectrum, spectrogram, mel
// spectrogram, MFCC. The deployed image is not among them: the firmware computes it.

import { hann, powerSpectrum } from "./fourier.js";
import { RATE } from "./samples.js";

export const BANDS = 40;
export const COEFFICIENTS = 13;
export const TOP_HZ = 4000;

const WINDOW = 480;
const HOP = 320;
const FFT = 512;
const FRAMES = 49;

const mel = (hertz) => 2595 * Math.log10(1 + hertz / 700);
const hertz = (mel) => 700 * (10 ** (mel / 2595) - 1);

// Magnitude by frequency, a value a hertz, of the whole clip under a Hann window.
export function spectrum(clip) {
  const window = hann(clip.length);
  return powerSpectrum(window.map((w, n) => w * clip[n])).map(Math.sqrt);
}

// Power in each frame and frequency; the window lies in the middle of a frame of 512 samples.
export function spectrogram(clip) {
  const window = new Float64Array(FFT);
  window.set(hann(WINDOW), (FFT - WINDOW) / 2);
  return Array.from({ length: FRAMES }, (_, i) =>
    powerSpectrum(window.map((w, n) => w * clip[HOP * i + n])),
  );
}

// Weight of a frequency in a band: a triangle between corners that are equally far apart in mel.
function weight(frequency, band) {
  const corner = (i) => hertz((mel(TOP_HZ) * (band + i)) / (BANDS + 1));
  const rising = (frequency - corner(0)) / (corner(1) - corner(0));
  const falling = (corner(2) - frequency) / (corner(2) - corner(1));
  return Math.max(0, Math.min(rising, falling));
}

const bins = Array.from({ length: BANDS }, (_, band) =>
  Array.from({ length: FFT / 2 + 1 }, (_, k) => [k, weight((k * RATE) / FFT, band)]).filter(
    ([, share]) => share > 0,
  ),
);

// Power in each frame and mel band.
export function melSpectrogram(spectrogram) {
  return spectrogram.map((power) =>
    Float64Array.from(bins, (bin) => bin.reduce((sum, [k, share]) => sum + share * power[k], 0)),
  );
}

// The first cosine coefficients of the logarithm of each frame's bands.
export function mfcc(melSpectrogram) {
  return melSpectrogram.map((bands) =>
    Float64Array.from({ length: COEFFICIENTS }, (_, q) => {
      const scale = Math.sqrt((q ? 2 : 1) / BANDS);
      return bands.reduce(
        (sum, power, b) =>
          sum + scale * Math.log(Math.max(power, 1)) * Math.cos(((Math.PI * q) / BANDS) * (b + 0.5)),
        0,
      );
    }),
  );
}

// Where on an axis that is linear in mel bands a frequency lies, from 0 to 1.
export function melPlace(frequency) {
  return mel(frequency) / mel(TOP_HZ);
}

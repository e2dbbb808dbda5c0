// The five pictures of chapter 1, and the image that the firmware makes, of one clip.

import { colourMap } from "./colours.js";
import { CLIP, RATE } from "./samples.js";
import { Surface } from "./surface.js";
import { COEFFICIENTS, TOP_HZ, melPlace, melSpectrogram, mfcc, spectrogram, spectrum } from "./views.js";

const SHOWN_DB = 80;
const COLUMNS = 500;
const TIMES = [0, 0.2, 0.4, 0.6, 0.8, 1].map((t) => [t, `${t} s`]);
const MEL_TICKS = [0, 500, 1000, 2000, TOP_HZ].map((f) => [melPlace(f), f ? `${f / 1000}k` : "0 Hz"]);
const HERTZ = [0, 2000, 4000, 6000, 8000];

const decibels = (power) => 10 * Math.log10(Math.max(power, 1e-12));
const largest = (rows) => rows.reduce((most, row) => Math.max(most, ...row), 1e-12);

export class Pictures {
  constructor(canvases, config) {
    this.colours = config.colours;
    this.surfaces = {};
    for (const [name, canvas] of Object.entries(canvases))
      this.surfaces[name] = new Surface(canvas, () => this.shown && this[name]());
  }

  // Draws all of a clip: int16 samples, and the image as uint8, frame after frame.
  show(clip, image) {
    const power = spectrogram(clip);
    const mel = melSpectrogram(power);
    const frames = power.length;
    const bands = image.length / frames;
    const rows = Array.from({ length: frames }, (_, i) => image.subarray(i * bands, (i + 1) * bands));
    this.shown = { clip, magnitude: spectrum(clip), power, mel, mfcc: mfcc(mel), rows };
    for (const name of Object.keys(this.surfaces)) this[name]();
  }

  waveform() {
    const { clip } = this.shown;
    const length = CLIP / COLUMNS;
    const rows = Array.from({ length: COLUMNS }, (_, i) => {
      const part = clip.subarray(i * length, (i + 1) * length);
      return [i / COLUMNS, Math.min(...part) / 32768, Math.max(...part) / 32768];
    });
    const peak = 1.05 * rows.reduce((most, [, low, high]) => Math.max(most, -low, high), 0.001);
    const plot = this.surfaces.waveform.plot({ x: [0, 1], y: [-peak, peak] });
    plot.leftAxis([[0, "0"], [peak / 1.05, (peak / 1.05).toFixed(2)]]);
    plot.bottomAxis(TIMES);
    plot.band(rows, this.colours.sound);
  }

  spectrum() {
    const { magnitude } = this.shown;
    const groups = Array.from({ length: RATE / 40 }, (_, i) =>
      Math.max(...magnitude.subarray(20 * i, 20 * i + 20)),
    );
    const most = Math.max(...groups, 1e-9);
    const level = (value) => Math.max(-SHOWN_DB, 20 * Math.log10(Math.max(value, 1e-9) / most));
    const plot = this.surfaces.spectrum.plot({ x: [0, RATE / 2], y: [-SHOWN_DB, 0] });
    plot.leftAxis([-80, -60, -40, -20, 0].map((db) => [db, `${db} dB`]));
    plot.bottomAxis(HERTZ.map((f) => [f, f ? `${f / 1000} kHz` : "0"]));
    plot.line(groups.map((value, i) => [20 * i + 10, level(value)]), 1.2, this.colours.sound);
  }

  spectrogram() {
    const { power } = this.shown;
    const most = decibels(largest(power));
    const colourOf = colourMap(this.colours.viridis, most - SHOWN_DB, most);
    const plot = this.surfaces.spectrogram.plot({ x: [0, 1], y: [0, RATE / 2] });
    plot.picture(power.map((row) => row.map(decibels)), colourOf);
    plot.leftAxis(HERTZ.map((f) => [f, f ? `${f / 1000}k` : "0 Hz"]));
    plot.bottomAxis(TIMES);
  }

  mel() {
    const { mel } = this.shown;
    this.inBands("mel", mel, colourMap(this.colours.viridis, 0, largest(mel)));
  }

  mfcc() {
    const rows = this.shown.mfcc.map((row) => row.subarray(1));
    const most = Math.max(1, largest(rows.map((row) => row.map(Math.abs))));
    const plot = this.surfaces.mfcc.plot({ x: [0, 1], y: [0.5, COEFFICIENTS - 0.5] });
    plot.picture(rows, colourMap(this.colours.diverging, -most, most));
    plot.leftAxis([1, 4, 8, 12].map((q) => [q, String(q)]));
    plot.bottomAxis(TIMES);
  }

  image() {
    this.inBands("image", this.shown.rows, colourMap(this.colours.viridis, 0, 255));
  }

  inBands(name, rows, colourOf) {
    const plot = this.surfaces[name].plot({ x: [0, 1], y: [0, 1] });
    plot.picture(rows, colourOf);
    plot.leftAxis(MEL_TICKS);
    plot.bottomAxis(TIMES);
  }
}

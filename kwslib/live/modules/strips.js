// The live pictures: waveform, log-mel image and posteriors over the last seconds, side by side in
// time, and the spectrum of this moment.

import { colourMap, labelColours } from "./colours.js";
import { hann, powerSpectrum } from "./fourier.js";
import { SHOWN_S } from "./history.js";
import { RATE } from "./samples.js";
import { Surface } from "./surface.js";
import { TOP_HZ, melPlace } from "./views.js";

const SECOND_TICKS = [-3, -2, -1, 0].map((t) => [t, t ? `${t} s` : "now"]);
const WINDOW_S = 0.99; // what the network sees
const FULL_SCALE_DB = 20 * Math.log10(32768 * 128); // of a sine, in a window of 512
const FLOOR_DB = -90;
const LEAST_MS = 33; // between two drawings

export class Strips {
  constructor(canvases, history, config) {
    this.history = history;
    this.config = config;
    this.colourOf = colourMap(config.colours.viridis, 0, 255);
    this.window = hann(512);
    this.labels = [];
    this.drawn = 0;
    const draw = () => this.draw();
    const surface = (name) => new Surface(canvases[name], draw);
    this.waveform = surface("waveform");
    this.image = surface("image");
    this.posteriors = surface("posteriors");
    this.spectrum = surface("spectrum");
  }

  // What the network tells apart.
  show(labels) {
    const { labels: own, palette } = this.config.colours;
    this.labels = labels;
    this.colours = labelColours(labels, own, palette);
    this.draw();
  }

  draw() {
    if (this.pending || !this.labels.length) return;
    this.pending = true;
    const early = this.drawn + LEAST_MS - performance.now();
    setTimeout(() => requestAnimationFrame(() => this.drawAll()), Math.max(0, early));
  }

  drawAll() {
    this.pending = false;
    this.drawn = performance.now();
    this.drawWaveform();
    this.drawImage();
    this.drawPosteriors();
    this.drawSpectrum();
  }

  drawWaveform() {
    const rows = this.history.waveform();
    const peak = rows.reduce((most, [, low, high]) => Math.max(most, -low, high), 0.02);
    const plot = this.waveform.plot({ x: [-SHOWN_S, 0], y: [-1.05 * peak, 1.05 * peak] });
    plot.leftAxis([[0, "0"]], `waveform, peak ${Math.round(20 * Math.log10(peak))} dB`);
    plot.bottomAxis(SECOND_TICKS);
    if (rows.length) plot.band(rows, this.config.colours.sound);
    this.markDetections(plot, false);
  }

  drawImage() {
    const { rows, from } = this.history.image();
    const plot = this.image.plot({ x: [-SHOWN_S, 0], y: [0, 1] });
    plot.picture(rows, this.colourOf, from, 0);
    const ticks = [0, 500, 1000, 2000, TOP_HZ];
    plot.leftAxis(ticks.map((hertz) => [melPlace(hertz), hertz ? `${hertz / 1000}k` : "0 Hz"]));
    plot.bottomAxis(SECOND_TICKS);
    // the second that the network sees
    const edges = [[-WINDOW_S, 0.005], [-WINDOW_S, 0.995], [0, 0.995], [0, 0.005], [-WINDOW_S, 0.005]];
    plot.line(edges, 1.5, plot.colour, [5, 4]);
  }

  drawPosteriors() {
    const plot = this.posteriors.plot({ x: [-SHOWN_S, 0], y: [0, 1] });
    plot.leftAxis([0, 0.5, 1].map((share) => [share, `${100 * share} %`]));
    plot.bottomAxis(SECOND_TICKS);
    const threshold = this.config.settings.threshold / 256;
    plot.line([[-SHOWN_S, threshold], [0, threshold]], 1, plot.colour, [3, 3]);
    const inferences = this.history.inferences();
    this.labels.forEach((label, i) => {
      const points = inferences.map(([time, averages]) => [time, averages[i]]);
      const quiet = label.startsWith("_");
      if (points.length) plot.line(points, quiet ? 1.5 : 2.5, this.colours[i], quiet ? [2, 2] : []);
    });
    this.markDetections(plot, true);
  }

  markDetections(plot, named) {
    for (const [time, { label }] of this.history.detections())
      plot.mark(time, named ? "" : this.labels[label], this.colours[label]);
  }

  drawSpectrum() {
    const { latest } = this.history;
    const power = powerSpectrum(this.window.map((w, n) => w * latest[n]));
    const level = (p) => Math.max(FLOOR_DB, 10 * Math.log10(p + 1e-9) - FULL_SCALE_DB);
    const plot = this.spectrum.plot({ x: [0, RATE / 2], y: [FLOOR_DB, 0] });
    plot.leftAxis([-80, -40, 0].map((db) => [db, `${db} dB`]));
    plot.bottomAxis([0, 2000, 4000, 6000, 8000].map((f) => [f, f ? `${f / 1000} kHz` : "0"]));
    plot.line(Array.from(power, (p, k) => [(k * RATE) / 512, level(p)]), 1.3, this.config.colours.sound);
    plot.line([[TOP_HZ, FLOOR_DB], [TOP_HZ, 0]], 1, plot.colour, [5, 4]);
  }
}

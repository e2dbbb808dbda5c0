// Fourier transforms of any length whose prime factors are small (Cooley and Tukey).

function smallestFactor(n) {
  for (let p = 2; p * p <= n; ++p) if (n % p === 0) return p;
  return n;
}

// exp(-2 pi i k / n) of all k.
function circle(n) {
  const turn = { re: new Float64Array(n), im: new Float64Array(n) };
  for (let k = 0; k < n; ++k) {
    turn.re[k] = Math.cos((2 * Math.PI * k) / n);
    turn.im[k] = -Math.sin((2 * Math.PI * k) / n);
  }
  return turn;
}

const circles = new Map();

// The transform of every stride-th sample from `from` on, `size` of them, into out at `to`.
function transform(samples, from, stride, size, out, to, turn) {
  if (size === 1) {
    out.re[to] = samples[from];
    out.im[to] = 0;
    return;
  }
  const p = smallestFactor(size);
  const m = size / p;
  for (let q = 0; q < p; ++q)
    transform(samples, from + q * stride, stride * p, m, out, to + q * m, turn);
  for (let k = 0; k < m; ++k) combine(out, to + k, m, p, k * stride, turn);
}

let part = { re: new Float64Array(8), im: new Float64Array(8) };

// p values m apart become p values of the transform that is p times as long.
function combine(out, at, m, p, angle, turn) {
  if (p > part.re.length) part = { re: new Float64Array(p), im: new Float64Array(p) };
  const { re, im } = part;
  const n = turn.re.length;
  for (let r = 0; r < p; ++r) {
    re[r] = im[r] = 0;
    for (let q = 0; q < p; ++q) {
      const t = (q * (angle + (r * n) / p)) % n;
      const [a, b] = [out.re[at + q * m], out.im[at + q * m]];
      re[r] += a * turn.re[t] - b * turn.im[t];
      im[r] += a * turn.im[t] + b * turn.re[t];
    }
  }
  for (let r = 0; r < p; ++r) {
    out.re[at + r * m] = re[r];
    out.im[at + r * m] = im[r];
  }
}

// Power at the frequencies 0, 1 ... n / 2 of n real samples.
export function powerSpectrum(samples) {
  const n = samples.length;
  if (!circles.has(n)) circles.set(n, circle(n));
  const out = { re: new Float64Array(n), im: new Float64Array(n) };
  transform(samples, 0, 1, n, out, 0, circles.get(n));
  return Float64Array.from(
    { length: Math.floor(n / 2) + 1 },
    (_, k) => out.re[k] ** 2 + out.im[k] ** 2,
  );
}

// A periodic Hann window.
export function hann(length) {
  return Float64Array.from({ length }, (_, n) => Math.sin((Math.PI * n) / length) ** 2);
}

// The field test by its rules, those of kwslib.field: which words, what counts, how sure.

const Z = 1.959963984540054; // of 95 %

// So many words in random order, each as often as the others or once more.
export function plan(keywords, count, random = Math.random) {
  const words = Array.from({ length: count }, (_, i) => keywords[i % keywords.length]);
  for (let i = words.length - 1; i > 0; --i) {
    const j = Math.floor(random() * (i + 1));
    [words[i], words[j]] = [words[j], words[i]];
  }
  const said = {};
  return words.map((word) => {
    said[word] = (said[word] ?? 0) + 1;
    return { word, name: `${word}/${said[word]}` };
  });
}

// A trial as kwslib.field.trials tells it. Times are told from the cue, since where a word ends is
// not known; the first detection after the cue is the answer.
export function judged({ word, name }, detections, labels, cueMs, lengthMs, repeats = 0) {
  const heard = detections.map(({ label, timeMs, probability }) => ({
    label: labels[label],
    time_ms: Math.round(timeMs - cueMs),
    probability: Math.round(1000 * probability) / 1000,
  }));
  const answer = heard.find(({ time_ms }) => time_ms >= 0);
  const trial = {
    said: word,
    recording: name,
    seconds: Math.round(lengthMs) / 1000,
    detected: answer?.label ?? null,
    detections: heard,
  };
  return repeats ? { ...trial, repeats } : trial;
}

export function succeeded({ said, detected }) {
  return said === detected;
}

// Successes and trials of each word, and of all.
export function counted(trials) {
  const words = {};
  for (const trial of trials) {
    words[trial.said] ??= { successes: 0, trials: 0 };
    ++words[trial.said].trials;
    if (succeeded(trial)) ++words[trial.said].successes;
  }
  return words;
}

// Wilson's 95 % interval of a share (1927).
export function wilson(successes, trials) {
  if (!trials) return [0, 1];
  const share = successes / trials;
  const middle = share + Z ** 2 / (2 * trials);
  const half = Z * Math.sqrt((share * (1 - share)) / trials + (Z / (2 * trials)) ** 2);
  const whole = 1 + Z ** 2 / trials;
  return [Math.max(0, (middle - half) / whole), Math.min(1, (middle + half) / whole)];
}

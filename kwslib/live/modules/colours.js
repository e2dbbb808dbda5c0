// Colours of values and of labels, the same as those of the report's charts.

export function colourMap(corners, low, high) {
  const colours = corners.map((corner) =>
    [1, 3, 5].map((at) => parseInt(corner.slice(at, at + 2), 16)),
  );
  return (value) => {
    const place = (Math.max(0, Math.min(1, (value - low) / (high - low))) * (colours.length - 1)) || 0;
    const below = Math.min(colours.length - 2, Math.floor(place));
    const share = place - below;
    const mixed = colours[below].map((a, i) => Math.round(a + share * (colours[below + 1][i] - a)));
    return [...mixed, 255];
  };
}

// A label's colour: its own, or the first that no other label has.
export function labelColours(labels, own, palette) {
  const free = palette.filter((colour) => !labels.some((label) => own[label] === colour));
  let next = 0;
  return labels.map((label) => own[label] ?? free[next++ % free.length]);
}

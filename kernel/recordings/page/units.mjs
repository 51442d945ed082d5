// Numbers as people read them. All times are nanoseconds.

/** A span: "350 ns", "1.20 ms", "2.5 s". */
export function span(nanoseconds) {
  const size = Math.abs(nanoseconds);
  if (size < 1e3) return `${Math.round(nanoseconds)} ns`;
  if (size < 1e6) return `${shortened(nanoseconds / 1e3)} µs`;
  if (size < 1e9) return `${shortened(nanoseconds / 1e6)} ms`;
  return `${shortened(nanoseconds / 1e9)} s`;
}

/** A point on a clock, in seconds: "0.25 s". */
export function clockTime(nanoseconds) {
  return `${Number((nanoseconds / 1e9).toFixed(6))} s`;
}

export function plural(count, word) {
  return `${count.toLocaleString("en")} ${word}${count === 1 ? "" : "s"}`;
}

/** "a, b and c" of pieces: a list of lists. */
export function joined(pieces) {
  return pieces.flatMap((piece, place) => [
    ...(place === 0 ? [] : [place === pieces.length - 1 ? " and " : ", "]),
    piece,
  ]);
}

function shortened(number) {
  return Number(number.toPrecision(3));
}

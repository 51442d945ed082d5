// Each task has a colour, which it keeps everywhere. Neighbours in number are far apart in hue.

const FIRST = [250, 45, 150, 320, 95, 200, 15, 280, 175, 65]; // degrees; the best told apart, for small programs
const GOLDEN = 137.508; // after these: no two of them are ever close for long

export function hueOf(task) {
  return FIRST[task] ?? Math.round((task * GOLDEN) % 360);
}

export function colourOf(task, dark, strength = 1) {
  return `oklch(${dark ? 72 : 54}% ${task < FIRST.length ? 0.15 : 0.11} ${hueOf(task)} / ${strength})`;
}

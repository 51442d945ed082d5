// A circle of tasks, each of which waits for the next, as a drawn circle.

import { element } from "./dom.mjs";
import { hueOf } from "./colours.mjs";
import { plural } from "./units.mjs";
import { waitOf } from "./waits.mjs";

const MOST = 10; // tasks that are drawn around; a larger circle is a chain of words
const MOST_WORDS = 20; // links of the chain
const RADIUS = 50, WIDE = 420, HIGH = 132;

export function circlePicture(recording, state, circle, boxes) {
  const links = circle.slice(0, MOST_WORDS).map((task, place) =>
    element("li", {}, ...boxes.pieces([{ task }, " waits for ", ...waited(recording, state, task), { task: circle[(place + 1) % circle.length] }])));
  if (circle.length > MOST_WORDS) links.push(element("li", {}, `and so on, through ${plural(circle.length, "task")}, back to the first`));
  const words = element("ol", { class: "chain" }, ...links);
  if (circle.length > MOST) return element("div", { class: "ring" }, words);
  return element("div", { class: "ring" }, drawing(recording, circle), words);
}

function waited(recording, state, task) {
  const wait = waitOf(recording, state, task);
  return wait?.thing ? [`${wait.title}, held by `] : [];
}

function drawing(recording, circle) {
  const picture = svg("svg", { viewBox: `0 0 ${WIDE} ${HIGH}`, role: "img", "aria-label": "A circle of tasks that wait for each other" });
  const at = circle.map((_, place) => {
    const angle = (place / circle.length) * 2 * Math.PI - Math.PI / 2 + (circle.length === 2 ? -Math.PI / 2 : 0);
    return [WIDE / 2 + Math.cos(angle) * RADIUS * 2.2, HIGH / 2 + Math.sin(angle) * RADIUS, angle];
  });
  const around = (2 * Math.PI) / circle.length;
  at.forEach(([, , angle]) => {
    const gap = Math.min(0.45, around / 4), from = angle + gap, to = angle + around - gap;
    const [x1, y1] = point(from), [x2, y2] = point(to);
    picture.append(svg("path", { class: "way", d: `M${x1} ${y1} A${RADIUS * 2.2} ${RADIUS} 0 ${around - 2 * gap > Math.PI ? 1 : 0} 1 ${x2} ${y2}` }));
    const [hx, hy] = point(to - 0.16);
    const turn = (Math.atan2(y2 - hy, x2 - hx) * 180) / Math.PI;
    picture.append(svg("path", { class: "head", d: "M-8 -5 L0 0 L-8 5 Z", transform: `translate(${x2} ${y2}) rotate(${turn})` }));
  });
  at.forEach(([x, y], place) => {
    const { name, number } = recording.tasks[circle[place]];
    const node = svg("g", { transform: `translate(${x} ${y})` });
    node.style.setProperty("--hue", hueOf(circle[place]));
    const text = svg("text", { y: 4 });
    text.textContent = `${number} ${name.length > 12 ? `${name.slice(0, 11)}…` : name}`;
    node.append(svg("rect", { class: "node", x: -54, y: -14, width: 108, height: 28, rx: 8 }), text);
    picture.append(node);
  });
  return picture;
}

function point(angle) {
  return [WIDE / 2 + Math.cos(angle) * RADIUS * 2.2, HIGH / 2 + Math.sin(angle) * RADIUS].map((one) => Math.round(one * 10) / 10);
}

function svg(tag, attributes) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  return made;
}

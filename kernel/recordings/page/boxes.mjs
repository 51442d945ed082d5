// The boxes of tasks. A task has one box, which moves; whoever else shows the task shows a small reference to it.

import { element, setText } from "./dom.mjs";
import { hueOf } from "./colours.mjs";

const LONGEST = 420; // milliseconds that a move takes
const MOST_MOVES = 80; // boxes that move at once: more are not followed by an eye

export class Boxes {
  constructor(recording, choose) {
    this.recording = recording;
    this.choose = choose;
    this.boxes = new Map(); // by task
    this.shown = new Set();
  }

  /** The box of a task, with a note under its name. */
  box(task, note = "", classes = "") {
    let box = this.boxes.get(task);
    if (!box) this.boxes.set(task, (box = this.#make(task)));
    setText(box.querySelector(".note"), note);
    box.title = note;
    box.className = `task ${classes}`;
    this.shown.add(task);
    return box;
  }

  #make(task) {
    const { name, number, task: id, host } = this.recording.tasks[task];
    const where = host ? [element("small", { class: "host-name" }, this.recording.hostName(host))] : [];
    return element(
      "button",
      { type: "button", "data-task": id, style: { "--hue": hueOf(task) }, onclick: () => this.choose(task) },
      element("span", { class: "number" }, String(number)),
      element("span", { class: "name" }, ...where, name),
      element("span", { class: "note" }),
    );
  }

  /** A small sign that stands for a task elsewhere. */
  reference(task) {
    const known = this.recording.tasks[task];
    if (!known) return element("span", {}, "a task");
    return element(
      "button",
      {
        type: "button",
        class: "reference",
        "data-reference": known.task,
        style: { "--hue": hueOf(task) },
        title: `Task ${known.number}: show what it does`,
        onclick: () => this.choose(task),
      },
      element("span", { class: "number" }, String(known.number)),
      known.name,
    );
  }

  /** The pieces of a sentence as elements. */
  pieces(pieces) {
    return pieces.map((piece) =>
      typeof piece === "string"
        ? piece
        : piece.code !== undefined
          ? element("code", {}, piece.code)
          : this.reference(piece.task),
    );
  }

  /** Draw the stage anew, and let each box glide from where it was to where it is. */
  move(draw, longest = LONGEST) {
    const focused = document.activeElement;
    const before = longest ? this.#places() : new Map();
    this.shown = new Set();
    draw();
    for (const task of this.boxes.keys()) if (!this.shown.has(task)) this.boxes.delete(task);
    if (focused !== document.activeElement && focused?.isConnected) focused.focus({ preventScroll: true });
    if (!longest || matchMedia("(prefers-reduced-motion: reduce)").matches) return;
    let moves = 0;
    for (const [task, place] of this.#places()) {
      const box = this.boxes.get(task),
        from = before.get(task);
      const x = from ? from.left - place.left : 0,
        y = from ? from.top - place.top : -12;
      if ((from && Math.abs(x) + Math.abs(y) < 2) || moves++ >= MOST_MOVES) continue;
      const far = Math.abs(x) + Math.abs(y) > 60;
      box.style.zIndex = far ? 3 : 2;
      const motion = box.animate(
        [
          { transform: `translate(${x}px, ${y}px)`, opacity: from ? 1 : 0 },
          { transform: "none", opacity: 1 },
        ],
        { duration: longest, easing: "cubic-bezier(.3, .7, .2, 1)" },
      );
      motion.onfinish = motion.oncancel = () => (box.style.zIndex = "");
    }
  }

  #places() {
    return new Map(
      [...this.boxes].filter(([, box]) => box.isConnected).map(([task, box]) => [task, box.getBoundingClientRect()]),
    );
  }
}

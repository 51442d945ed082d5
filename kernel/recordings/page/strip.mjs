// The strip of time: a lane for each task where they are few, and the number of tasks by state where they are many.

import { $, setText } from "./dom.mjs";
import { Axis, ticks } from "./axis.mjs";
import { colourOf } from "./colours.mjs";
import { countsOf } from "./counts.mjs";
import { ASK, BLOCKED, DEADLOCK, EXIT, RESUME, SPAWN, WAKE, YIELDED } from "./recording.mjs";
import { clockTime, span } from "./units.mjs";

const TOP = 18,
  BOTTOM = 17; // pixels for the ticks, and on a wide screen for the legend
const LOWEST_LANE = 4.5; // pixels of height that a lane needs
const LOWEST_NAME = 9; // and one with a name
const NAMES_WIDTH = 96;

export class Strip {
  /** `go(position)` jumps; `textOf(position)` says what happened there. */
  constructor(recording, go, textOf) {
    this.recording = recording;
    this.go = go;
    this.textOf = textOf;
    this.tip = $("#tip");
    this.axis = new Axis(recording);
    this.counts = countsOf(recording);
    this.deadlocks = [];
    recording.kind.forEach((kind, moment) => kind === DEADLOCK && this.deadlocks.push(moment));
    this.parent = $("#strip");
    this.canvas = this.parent.querySelector("canvas");
    this.position = 0;
    this.stopped = new AbortController(); // of the listeners, when another kernel's strip takes the place
    this.pointers = new Map();
    this.#listen(this.stopped.signal);
    this.observer = new ResizeObserver(() => this.draw());
    this.observer.observe(this.parent);
  }

  stop() {
    this.stopped.abort();
    this.observer.disconnect();
  }

  show(position, followed, hits) {
    Object.assign(this, { position, followed, hits });
    this.axis.reach(position);
    this.parent.setAttribute("aria-valuemax", this.recording.count);
    this.parent.setAttribute("aria-valuenow", position);
    this.parent.setAttribute("aria-valuetext", `moment ${position} of ${this.recording.count}`);
    this.draw();
  }

  zoom(factor, share = this.axis.share(this.axis.value(this.position))) {
    this.axis.zoom(factor, Math.max(0, Math.min(1, share)));
    this.draw();
  }

  #listen(signal) {
    const canvas = this.canvas;
    canvas.addEventListener(
      "pointerdown",
      (event) => {
        canvas.setPointerCapture(event.pointerId);
        this.pointers.set(event.pointerId, event.clientX);
        if (this.pointers.size === 1) this.go(this.axis.positionAt(this.#share(event.clientX)), true);
      },
      { signal },
    );
    canvas.addEventListener("pointerleave", () => (this.tip.hidden = true), { signal });
    canvas.addEventListener(
      "pointermove",
      (event) => {
        this.#showTip(event);
        if (!this.pointers.has(event.pointerId)) return;
        const before = this.#spread();
        this.pointers.set(event.pointerId, event.clientX);
        if (this.pointers.size === 2) {
          const xs = [...this.pointers.values()];
          this.zoom(before / Math.max(10, this.#spread()), this.#share((xs[0] + xs[1]) / 2));
        } else {
          this.go(this.axis.positionAt(this.#share(event.clientX)), true);
        }
      },
      { signal },
    );
    for (const over of ["pointerup", "pointercancel"]) {
      canvas.addEventListener(over, (event) => this.pointers.delete(event.pointerId), { signal });
    }
    canvas.addEventListener(
      "wheel",
      (event) => {
        event.preventDefault();
        if (Math.abs(event.deltaX) > Math.abs(event.deltaY) || event.shiftKey) {
          this.axis.pan((event.deltaX || event.deltaY) / this.width);
          this.draw();
        } else {
          this.zoom(Math.exp(event.deltaY / 400), this.#share(event.clientX));
        }
      },
      { passive: false, signal },
    );
  }

  /** What happened where the mouse points. */
  #showTip(event) {
    const position = this.axis.positionAt(this.#share(event.clientX));
    this.tip.hidden = event.pointerType !== "mouse" || event.buttons !== 0 || !position;
    if (this.tip.hidden) return;
    setText(this.tip, `${position.toLocaleString("en")}: ${this.textOf(position)}`);
    const left = event.clientX - this.parent.getBoundingClientRect().left;
    this.tip.style.left = `${Math.max(0, Math.min(left + 12, this.parent.clientWidth - this.tip.offsetWidth - 8))}px`;
  }

  #spread() {
    const [one, other] = [...this.pointers.values()];
    return other === undefined ? 1 : Math.max(10, Math.abs(one - other));
  }

  #share(x) {
    return Math.max(0, Math.min(1, (x - this.canvas.getBoundingClientRect().left - this.left) / this.width));
  }

  #x(value) {
    return this.left + this.axis.share(value) * this.width;
  }

  draw() {
    const { canvas, parent } = this,
      scale = devicePixelRatio || 1;
    const wide = parent.clientWidth,
      high = parent.clientHeight;
    const room = high - TOP - (wide > 600 ? BOTTOM : 2);
    if (!wide || !high) return;
    canvas.width = wide * scale;
    canvas.height = high * scale;
    this.left = wide > 600 ? NAMES_WIDTH : 8;
    this.width = wide - this.left - 8;
    this.style = getComputedStyle(document.body);
    this.dark = document.documentElement.dataset.theme === "dark";
    this.pen = canvas.getContext("2d");
    this.pen.setTransform(scale, 0, 0, scale, 0, 0);
    this.pen.clearRect(0, 0, wide, high);
    this.#drawTicks(high);
    const shown = this.#tasksShown(Math.floor(room / LOWEST_LANE));
    if (shown) this.#drawLanes(shown, room);
    else this.#drawCounts(high);
    this.parent.dataset.shows = shown ? "lanes" : "counts";
    this.#drawMarks(high);
    this.#drawCursor(high);
  }

  #colour(name) {
    return this.style.getPropertyValue(`--${name}`);
  }

  #drawTicks(high) {
    const { pen, axis } = this;
    pen.font = "11px system-ui, sans-serif";
    pen.textBaseline = "top";
    for (const at of ticks(axis.from, axis.to, this.width / 110)) {
      const x = Math.round(this.#x(at)) + 0.5;
      pen.fillStyle = this.#colour("line");
      pen.fillRect(x, TOP - 4, 1, high - TOP);
      pen.fillStyle = this.#colour("faint");
      if (x > this.left + this.width - 40) continue; // the word would be cut
      pen.fillText(
        axis.kind === "event" ? at.toLocaleString("en") : axis.kind === "real" ? span(at) : clockTime(at),
        x + 3,
        2,
      );
    }
  }

  get #range() {
    const { axis } = this;
    return [Math.max(0, axis.positionAt(0) - 1), Math.min(this.recording.count, axis.positionAt(1) + 1)];
  }

  /** The tasks of which something happens in what is shown, or undefined if they are too many. */
  #tasksShown(most) {
    const { recording } = this;
    if (recording.tasks.length <= most) return recording.tasks.map((_, task) => task);
    const [from, to] = this.#range,
      seen = new Set(this.followed === undefined ? [] : [this.followed]);
    for (let moment = from; moment < to && seen.size <= most; moment++) {
      if (recording.task[moment] >= 0) seen.add(recording.task[moment]);
    }
    return seen.size > most ? undefined : [...seen].sort((one, other) => one - other);
  }

  #drawLanes(tasks, room) {
    const { pen } = this;
    const lane = Math.min(22, room / Math.max(1, tasks.length));
    tasks.forEach((task, place) => {
      const middle = TOP + lane * (place + 0.5);
      pen.globalAlpha = this.followed === undefined || this.followed === task ? 1 : 0.3;
      this.#drawLane(task, middle, Math.min(12, lane - 2));
      if (this.left === NAMES_WIDTH && lane >= LOWEST_NAME) {
        pen.globalAlpha = 1;
        pen.fillStyle = this.#colour("ink");
        pen.textBaseline = "middle";
        pen.fillText(cut(pen, this.recording.tasks[task].name, NAMES_WIDTH - 12), 6, middle);
      }
    });
    pen.globalAlpha = 1;
  }

  /** Thick: it runs. Of middle height: it is ready. A line: it is blocked. */
  #drawLane(task, middle, height) {
    const { pen, axis, recording } = this,
      mine = recording.momentsOf(task);
    const colour = colourOf(task, this.dark),
      light = colourOf(task, this.dark, 0.35);
    let until = -Infinity,
      ran = -Infinity; // several moments in one pixel are drawn once; but no run gets lost
    for (let place = 0; place < mine.length; place++) {
      const moment = mine[place];
      const next = place + 1 < mine.length ? mine[place + 1] + 1 : recording.count;
      const x = this.#x(axis.value(moment + 1)),
        end = this.#x(axis.value(next));
      if (end < this.left || x > this.left + this.width || (end < until + 0.25 && x < ran + 1)) continue;
      const what = looks(recording, moment);
      if (end < until + 0.25 && what !== "runs") continue;
      until = end;
      if (!what) {
        if (recording.kind[moment] === EXIT && x >= this.left)
          this.#drawEnd(recording.first[moment], x, middle, height, colour);
        continue;
      }
      const size = what === "runs" ? height : what === "ready" ? height * 0.5 : 1.5;
      pen.fillStyle = what === "ready" ? light : colour;
      const from = Math.max(x, this.left);
      if (what === "runs") ran = from;
      pen.fillRect(
        from,
        middle - size / 2,
        Math.max(what === "runs" ? 1.5 : 1, Math.min(end, this.left + this.width) - from),
        size,
      );
    }
  }

  #drawEnd(how, x, middle, height, colour) {
    const { pen } = this,
      radius = Math.max(2.5, height / 3);
    pen.fillStyle = pen.strokeStyle = colour;
    pen.lineWidth = 1.5;
    pen.beginPath();
    if (how === 0) pen.arc(x, middle, radius, 0, 7);
    else {
      pen.moveTo(x - radius, middle - radius);
      pen.lineTo(x + radius, middle + radius);
      pen.moveTo(x - radius, middle + radius);
      pen.lineTo(x + radius, middle - radius);
    }
    if (how === 0) pen.fill();
    else pen.stroke();
  }

  /** For each pixel: how many tasks are blocked, ready and running, one on top of the other. */
  #drawCounts(high) {
    const { pen, axis, counts } = this,
      [from, to] = this.#range;
    let most = 1;
    for (let at = from; at <= to; at++)
      most = Math.max(most, counts.blocked[at] + counts.ready[at] + counts.running[at]);
    const unit = (high - TOP - 2) / most;
    for (let x = 0; x < this.width; x++) {
      const at = axis.positionAt(x / this.width);
      let bottom = high;
      for (const name of ["blocked", "ready", "running"]) {
        const size = counts[name][at] * unit;
        pen.fillStyle = this.#colour(`${name}-area`);
        pen.fillRect(this.left + x, bottom - size, 1, size);
        bottom -= size;
      }
    }
    if (this.left === NAMES_WIDTH) {
      pen.textBaseline = "middle";
      ["running", "ready", "blocked"].forEach((name, place) => {
        pen.fillStyle = this.#colour(`${name}-area`);
        pen.fillRect(6, TOP + 8 + place * 18, 10, 10);
        pen.fillStyle = this.#colour("ink");
        pen.fillText(name, 22, TOP + 13 + place * 18);
      });
      pen.fillStyle = this.#colour("faint");
      pen.fillText(`up to ${most.toLocaleString("en")}`, 6, TOP + 13 + 54);
    }
  }

  /** Deadlocks, and the hits of a search. */
  #drawMarks(high) {
    const { pen, axis } = this;
    pen.fillStyle = this.#colour("mark");
    let last = -Infinity;
    for (const moment of this.hits ?? []) {
      const x = this.#x(axis.value(moment + 1));
      if (x < this.left || x > this.left + this.width || x < last + 1) continue;
      pen.fillRect(x - 1, TOP - 6, 2, 6);
      last = x;
    }
    pen.fillStyle = this.#colour("alarm");
    for (const moment of this.deadlocks) pen.fillRect(this.#x(axis.value(moment + 1)) - 1, TOP - 6, 2, high);
  }

  #drawCursor(high) {
    const { pen } = this,
      x = this.#x(this.axis.value(this.position));
    pen.fillStyle = this.#colour("ink");
    pen.fillRect(x - 0.75, TOP - 8, 1.5, high);
    pen.beginPath();
    pen.moveTo(x - 5, TOP - 12);
    pen.lineTo(x + 5, TOP - 12);
    pen.lineTo(x, TOP - 4);
    pen.fill();
  }
}

/** What a task does after one of its moments. */
function looks(recording, moment) {
  const outcome = recording.second[moment];
  switch (recording.kind[moment]) {
    case SPAWN:
    case WAKE:
      return "ready";
    case RESUME:
      return "runs";
    case ASK:
      return outcome === BLOCKED ? "blocked" : outcome === YIELDED ? "ready" : "runs";
    default:
      return undefined;
  }
}

function cut(pen, text, width) {
  if (pen.measureText(text).width <= width) return text;
  let length = text.length;
  while (length > 1 && pen.measureText(text.slice(0, length) + "…").width > width) length--;
  return text.slice(0, length) + "…";
}

// The source pane: the program, the line that runs now, and signs in the margin where other tasks are suspended.

import { $, element, fill } from "./dom.mjs";
import { hueOf } from "./colours.mjs";
import { deedAt, framesOf, subjectOf, suspendedIn } from "./place.mjs";
import { tokens } from "./python.mjs";

const MOST_SIGNS = 3; // in the margin of one line
const AROUND = 400; // lines before and after the present one that are drawn, of a long file

export class Source {
  constructor(recording, choose) {
    this.recording = recording;
    this.choose = choose;
    this.tokens = new Map(); // by file
    this.drawn = { file: undefined, from: 0, to: 0 };
    this.frame = -1; // the one that was chosen; -1: the innermost
    this.lines = new Map(); // elements by number
    this.signed = [];
  }

  /** Show where `task` is; where nobody is chosen, the task of this moment. */
  draw(state, task = subjectOf(this.recording, state) ?? (this.recording.tasks.length ? 0 : undefined)) {
    if (task !== this.task) this.frame = -1;
    this.task = task;
    this.state = state;
    const frames = task === undefined ? [] : framesOf(this.recording, state, task);
    const place = this.frame >= 0 && this.frame < frames.length ? this.frame : frames.length - 1;
    this.#drawFrames(frames, place);
    const frame = frames[place];
    const source = frame && this.recording.data.sources[frame[0]];
    if (source === undefined) this.#drawNames(frames);
    else this.#drawLines(frame, source, place === frames.length - 1);
  }

  #drawFrames(frames, chosen) {
    const shown = frames.map(([file, line, name], place) =>
      element(
        "button",
        {
          type: "button",
          class: "frame",
          "aria-pressed": String(place === chosen),
          title: `${file}:${line} in ${name}`,
          onclick: () => {
            this.frame = place;
            this.draw(this.state, this.task);
          },
        },
        element("b", {}, name.replace(/.*<locals>\./, "")),
        ` ${baseName(file)}:${line}`,
      ),
    );
    fill(
      $("#frames"),
      shown.flatMap((one, place) => (place ? [element("span", { "aria-hidden": "true" }, "›"), one] : [one])),
    );
    $("#frames").scrollLeft = $("#frames").scrollWidth; // the innermost is to be seen
  }

  /** What can be said where there is no source. */
  #drawNames(frames) {
    this.drawn.file = undefined;
    const about = frames.length
      ? "The recording does not have the source of this file. The task is here:"
      : "Nothing is known of where this task is.";
    fill($("#lines"), [
      element("p", { class: "absent" }, about),
      ...frames.map(([file, line, name]) =>
        element("p", { class: "absent" }, element("code", {}, `${file}:${line} in ${name}`)),
      ),
    ]);
  }

  #drawLines([file, number], source, innermost) {
    if (!this.tokens.has(file)) this.tokens.set(file, tokens(source));
    const all = this.tokens.get(file);
    if (this.drawn.file !== file || number < this.drawn.from || number > this.drawn.to)
      this.#makeLines(file, all, number);
    for (const { line, signs } of this.signed) {
      line.className = "line";
      fill(signs, []);
      line.querySelector(".deed")?.remove();
    }
    this.signed = [];
    for (const [at, tasks] of suspendedIn(this.recording, this.state, file, this.task)) this.#sign(at, tasks);
    const now = this.#sign(number, []);
    if (!now) return;
    now.line.classList.add("now");
    now.line.style.setProperty("--hue", hueOf(this.task));
    const deed = innermost ? deedAt(this.recording, this.state, this.task) : "awaits the call here";
    now.line.append(element("span", { class: "deed" }, deed));
    keepInView($("#code"), now.line);
  }

  #makeLines(file, all, number) {
    const from = Math.max(1, number - AROUND),
      to = Math.min(all.length, number + AROUND);
    this.drawn = { file, from, to };
    this.lines = new Map();
    this.signed = [];
    for (let at = from; at <= to; at++) {
      const text = element(
        "code",
        {},
        ...all[at - 1].map(([kind, piece]) => (kind ? element("span", { class: kind }, piece) : piece)),
      );
      this.lines.set(
        at,
        element(
          "div",
          { class: "line", "data-line": at },
          element("span", { class: "signs" }),
          element("span", { class: "at" }, String(at)),
          text,
        ),
      );
    }
    fill($("#lines"), [...this.lines.values()]);
  }

  #sign(at, tasks) {
    const line = this.lines.get(at);
    if (!line) return undefined;
    const signs = line.querySelector(".signs");
    const shown = tasks.slice(0, tasks.length > MOST_SIGNS ? MOST_SIGNS - 1 : MOST_SIGNS);
    fill(
      signs,
      shown.map((task) => {
        const { number, name } = this.recording.tasks[task];
        return element(
          "button",
          {
            type: "button",
            class: "sign",
            style: { "--hue": hueOf(task) },
            tabindex: "-1",
            title: `${name} is suspended here`,
            onclick: () => this.choose(task),
          },
          String(number),
        );
      }),
    );
    const left = tasks.length - shown.length;
    if (left)
      signs.append(
        element("span", { class: "sign rest", title: `${tasks.length} tasks are suspended here` }, `+${left}`),
      );
    const signed = { line, signs };
    this.signed.push(signed);
    return signed;
  }
}

function keepInView(parent, line) {
  const top = line.offsetTop - parent.scrollTop,
    room = parent.clientHeight;
  if (top < room * 0.15 || top > room * 0.75) parent.scrollTop = line.offsetTop - room * 0.4;
}

export function baseName(file) {
  return file.slice(file.lastIndexOf("/") + 1);
}

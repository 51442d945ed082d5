// The tasks panel: a list of tasks, or one of them: what it does, why it waits, where it is.

import { $, element, fill } from "./dom.mjs";
import { chainOf, lastWaitOf } from "./causes.mjs";
import { hueOf } from "./colours.mjs";
import { baseName } from "./source.mjs";
import { framesOf } from "./place.mjs";
import { ABSENT, DONE, READY, WAITING } from "./replay.mjs";
import { endingOf } from "./scene.mjs";
import { Rows } from "./rows.mjs";
import { plural, span } from "./units.mjs";
import { waitOf } from "./waits.mjs";

const QUESTIONS = { [WAITING]: "Why is it waiting?", [READY]: "Why does it not run?" };

export class Tasks {
  /** `page` has `choose(task)`, `follow(task)` and `go(position)`. */
  constructor(recording, boxes, page) {
    this.recording = recording;
    this.boxes = boxes;
    this.page = page;
    this.listed = undefined; // a title and tasks; without it all tasks there are
    this.list = element("div", { class: "rows", tabindex: "0" });
    this.heading = element("p", { class: "heading" });
    fill($("#tasks"), [this.heading, this.list]);
    this.rows = new Rows(this.list, 28, (row) => this.#row(this.shown[row]));
  }

  /** List these tasks, until another is chosen. */
  show(title, tasks) {
    this.listed = { title, tasks: [...tasks] };
  }

  draw(state, task) {
    this.state = state;
    if (task === undefined) this.#drawList(state);
    else this.#drawTask(state, task);
  }

  #drawList(state) {
    const { recording } = this;
    this.shown =
      this.listed?.tasks ?? recording.tasks.map((_, task) => task).filter((task) => state.of(task) !== ABSENT);
    const title = this.listed
      ? `${this.listed.title}: ${plural(this.shown.length, "task")}. `
      : `${plural(this.shown.length, "task")} so far. `;
    fill(this.heading, [
      title,
      ...(this.listed
        ? [
            element(
              "button",
              {
                type: "button",
                onclick: () => {
                  this.listed = undefined;
                  this.draw(this.state);
                },
              },
              "all tasks",
            ),
          ]
        : ["Choose one, here or on the stage."]),
    ]);
    fill($("#tasks"), [this.heading, this.list]);
    this.rows.show(this.shown.length);
  }

  #row(task) {
    const what = this.state.of(task);
    return element(
      "button",
      {
        type: "button",
        class: "row",
        "data-listed": this.recording.tasks[task].task,
        style: { "--hue": hueOf(task) },
        onclick: () => this.page.choose(task),
      },
      element("span", { class: "at" }, String(this.recording.tasks[task].number)),
      element("span", { class: "dot" }),
      element("span", { class: "text" }, this.recording.tasks[task].name),
      element("span", { class: "does" }, this.#does(task, what)),
    );
  }

  #does(task, what) {
    if (what === WAITING) return waitOf(this.recording, this.state, task).request.text;
    if (what === DONE) return endingOf(this.recording, this.state, task).word;
    return what;
  }

  #drawTask(state, task) {
    const { recording, page } = this,
      { name, number, daemon, host } = recording.tasks[task];
    const last = lastWaitOf(recording, state, task);
    const frames = framesOf(recording, state, task);
    const since = state.last[task] < 0 ? "" : ` since ${span(recording.time[state.last[task]])}`;
    const mine = recording.momentsOf(task).length;
    fill($("#tasks"), [
      element(
        "div",
        { class: "one", "data-shown": recording.tasks[task].task, style: { "--hue": hueOf(task) } },
        element(
          "p",
          { class: "heading" },
          element("button", { type: "button", onclick: () => page.choose(undefined) }, "‹ all tasks"),
          element("button", { type: "button", onclick: () => page.follow(task) }, "Follow it"),
        ),
        element(
          "h3",
          {},
          element("span", { class: "dot" }),
          name,
          element("small", {}, ` task ${number}${daemon ? ", a daemon" : ""}${host ? `, on host ${recording.hostName(host)}` : ""}`),
        ),
        element(
          "p",
          {},
          element("b", {}, state.of(task) === ABSENT ? "not made yet" : state.of(task)),
          since,
          `. ${plural(mine, "moment")} in all.`,
        ),
        element("h4", {}, QUESTIONS[state.of(task)] ?? "What does it do?"),
        element(
          "ol",
          { id: "chain" },
          ...chainOf(recording, state, task).map(({ pieces, circle }) =>
            element("li", { class: circle ? "alarm" : "" }, ...this.boxes.pieces(pieces)),
          ),
        ),
        ...(last
          ? [
              element(
                "p",
                { id: "last-wait" },
                ...this.boxes.pieces(last.pieces),
                " ",
                element(
                  "button",
                  { type: "button", class: "link", onclick: () => page.go(last.moment + 1) },
                  "Go there",
                ),
              ),
            ]
          : []),
        ...(frames.length && state.of(task) !== ABSENT
          ? [
              element("h4", {}, "Where it is"),
              element(
                "ol",
                { class: "frames" },
                ...frames.map(([file, line, where]) =>
                  element("li", {}, element("code", {}, `${baseName(file)}:${line}`), ` in ${where}`),
                ),
              ),
            ]
          : []),
      ),
    ]);
  }
}

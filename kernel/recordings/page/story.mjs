// The story: a sentence for each moment, in a list around the present one. A click goes there.

import { $, element } from "./dom.mjs";
import { hueOf } from "./colours.mjs";
import { NAMES } from "./recording.mjs";
import { Replay } from "./replay.mjs";
import { Rows } from "./rows.mjs";
import { span } from "./units.mjs";
import { nameOf, plain, sentence } from "./words.mjs";

const HEIGHT = 28;

export class Story {
  constructor(recording, go) {
    this.recording = recording;
    this.go = go;
    this.replay = new Replay(recording); // its own: rows are drawn without moving the stage
    this.rows = new Rows($("#story"), HEIGHT, (row) => this.#row(row));
  }

  draw(position, followed) {
    this.position = position;
    this.followed = followed;
    this.rows.show(this.recording.count, Math.max(0, position - 1));
  }

  /** What happened in the moment that led to a position. */
  sentenceAt(position) {
    return position ? sentence(this.recording, this.replay.at(position - 1)) : undefined;
  }

  textAt(position) {
    return plain(this.recording, this.sentenceAt(position));
  }

  #row(moment) {
    const { recording } = this,
      task = recording.task[moment];
    const pieces = this.sentenceAt(moment + 1),
      text = plain(recording, pieces);
    const row = element(
      "button",
      {
        type: "button",
        class: `row ${NAMES[recording.kind[moment]]}`,
        "data-moment": moment + 1,
        title: text,
        tabindex: "-1",
        onclick: () => this.go(moment + 1),
      },
      element("span", { class: "at" }, span(recording.time[moment])),
      element("span", { class: "dot" }),
      element("span", { class: "text" }, ...pieces.map((piece) => this.#piece(piece))),
    );
    if (task >= 0) row.style.setProperty("--hue", hueOf(task));
    row.classList.toggle("nobody", task < 0);
    row.classList.toggle("now", moment + 1 === this.position);
    row.classList.toggle("future", moment + 1 > this.position);
    row.classList.toggle("dim", this.followed !== undefined && task !== this.followed);
    if (moment + 1 === this.position) row.setAttribute("aria-current", "step");
    return row;
  }

  #piece(piece) {
    if (typeof piece === "string") return piece;
    return piece.code !== undefined
      ? element("code", {}, piece.code)
      : element("b", {}, nameOf(this.recording, piece.task));
  }
}

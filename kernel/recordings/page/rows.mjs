// A list of which only the rows that can be seen exist. All rows have the same height.

import { element, fill } from "./dom.mjs";

const MOST_PIXELS = 8_000_000; // of height that browsers can scroll; longer lists scroll in larger steps

export class Rows {
  /** `draw(row)` makes the element of a row. */
  constructor(parent, height, draw) {
    this.parent = parent;
    this.height = height;
    this.draw = draw;
    this.count = 0;
    this.space = element("div", { class: "space" });
    this.window = element("div", { class: "window" });
    this.space.append(this.window);
    fill(parent, [this.space]);
    this.stopped = new AbortController();
    parent.addEventListener("scroll", () => this.redraw(), { passive: true, signal: this.stopped.signal });
    this.observer = new ResizeObserver(() => this.redraw());
    this.observer.observe(parent);
  }

  /** Leave the parent to another list. */
  stop() {
    this.stopped.abort();
    this.observer.disconnect();
  }

  /** Draw the list anew, with `count` rows; if `row` is given, with that row in the middle. */
  show(count, row) {
    this.count = count;
    this.space.style.height = `${Math.min(count * this.height, MOST_PIXELS)}px`;
    if (row !== undefined) this.parent.scrollTop = this.#topOf(Math.max(0, row - this.#fit / 2));
    this.redraw(row);
  }

  redraw(row) {
    if (!this.parent.clientHeight) return; // it is hidden
    const most = Math.max(0, this.count - this.#fit);
    const wanted = row === undefined ? this.parent.scrollTop / this.#step : row - this.#fit / 2;
    const first = Math.floor(Math.max(0, Math.min(most, wanted)));
    const last = Math.min(this.count, first + Math.ceil(this.#fit) + 1);
    const shown = [];
    for (let at = first; at < last; at++) shown.push(this.draw(at));
    fill(this.window, shown);
    const bottom = this.space.clientHeight - (last - first) * this.height;
    const top = this.#step === this.height ? first * this.height : Math.min(this.parent.scrollTop, bottom);
    this.window.style.transform = `translateY(${top}px)`;
  }

  get #fit() {
    return this.parent.clientHeight / this.height;
  }

  /** Pixels of scrolling for one row. */
  get #step() {
    return this.count * this.height <= MOST_PIXELS
      ? this.height
      : (MOST_PIXELS - this.parent.clientHeight) / (this.count - this.#fit);
  }

  #topOf(row) {
    return row * this.#step;
  }
}

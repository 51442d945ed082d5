// The keyboard, and the help that tells of it.

import { $, element, fill } from "./dom.mjs";

/** What each key does: the keys, words for it, and the name of a method of the page. */
export const KEYS = [
  [["ArrowRight", "l"], "→ or l", "one moment on", "on"],
  [["ArrowLeft", "h"], "← or h", "one moment back", "back"],
  [[" "], "Space", "play, or pause", "play"],
  [["Shift+ "], "Shift+Space", "play backwards", "playBack"],
  [["PageDown"], "Page down", "ten moments on", "tenOn"],
  [["PageUp"], "Page up", "ten moments back", "tenBack"],
  [["Home"], "Home", "to the beginning", "first"],
  [["End"], "End", "to the end", "last"],
  [["+", "="], "+", "play faster", "faster"],
  [["-"], "-", "play slower", "slower"],
  [["f"], "f", "follow the task of this moment, or all again", "follow"],
  [["w"], "w", "why is it waiting?", "why"],
  [["/"], "/", "search", "search"],
  [["n"], "n", "next hit", "nextHit"],
  [["p", "N"], "p", "previous hit", "previousHit"],
  [["a"], "a", "another axis for the strip", "axis"],
  [["]"], "]", "zoom in", "closer"],
  [["["], "[", "zoom out", "wider"],
  [["0"], "0", "show all of the strip", "whole"],
  [["t"], "t", "light or dark", "theme"],
  [["?"], "?", "this help", "help"],
  [["Escape"], "Escape", "let go: of the search, the task, the help", "escape"],
];

const ABOUT = [
  [
    "Task",
    "a function of the program that runs by itself and takes turns with others. Each has a number and a colour.",
  ],
  [
    "Trampoline",
    "the loop that runs tasks, one at a time. It hands a task an answer; the task runs until it asks for something.",
  ],
  ["Ready queue", "tasks that can run. The first in the queue is next; who becomes ready goes to the end."],
  ["Blocked", "tasks that have asked for something that is not there yet: a time, a lock, an item, another task."],
  ["Done", "tasks that have returned a value (✓), failed (✗), were cancelled (⊘), or stopped as their host crashed (■)."],
  [
    "Network",
    "of a simulated world: its hosts, and the packets on their way between them. A red line: a partition. A red number: a packet that it holds up.",
  ],
  ["Strip", "all moments. A thick bar: the task runs. A pale bar: it is ready. A thin line: it is blocked."],
];

export function listenToKeys(page) {
  const actions = new Map(KEYS.flatMap(([keys, , , action]) => keys.map((key) => [key, action])));
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    const typing = event.target.matches("input, select, textarea");
    if (typing && event.key !== "Escape") return;
    if (event.key === " " && event.target.matches("button")) return; // it presses it
    const key = event.shiftKey && event.key === " " ? "Shift+ " : event.key;
    const action = actions.get(key);
    if (!action || ($("#help").open && action !== "help")) return; // the dialog closes itself on Escape
    event.preventDefault();
    page[action]();
  });
}

export function fillHelp() {
  const close = element("button", { type: "button", onclick: () => $("#help").close() }, "Close");
  fill($("#help"), [
    element("div", { class: "top" }, element("h2", { id: "help-title" }, "What am I seeing?"), close),
    element(
      "p",
      {},
      "A program that was recorded while it ran, one moment after the other. Press → for the next moment.",
    ),
    element(
      "dl",
      { class: "about-list" },
      ...ABOUT.flatMap(([word, about]) => [element("dt", {}, word), element("dd", {}, about)]),
    ),
    element("h2", {}, "Keys"),
    element(
      "dl",
      { class: "keys" },
      ...KEYS.flatMap(([, shown, about]) => [element("dt", {}, element("kbd", {}, shown)), element("dd", {}, about)]),
    ),
  ]);
}

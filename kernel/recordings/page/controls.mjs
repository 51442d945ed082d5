// The controls: which button, list or field does what. `page` does it, as it does for the keys.

import { $ } from "./dom.mjs";

const BUTTONS = {
  first: "first",
  back: "back",
  play: "play",
  forward: "on",
  last: "last",
  why: "why",
  closer: "closer",
  wider: "wider",
  whole: "whole",
  theme: "theme",
  "play-back": "playBack",
  "help-button": "help",
  "hit-after": "nextHit",
  "hit-before": "previousHit",
};

export function listenToControls(page) {
  for (const [id, action] of Object.entries(BUTTONS)) $(`#${id}`).addEventListener("click", () => page[action]());
  const chosen = (id, act) => $(id).addEventListener("change", (event) => act(event.target.value));
  chosen("#speed", (value) => page.setSpeed(Number(value)));
  chosen("#follow", (value) => page.followTask(value === "" ? undefined : Number(value)));
  chosen("#axis", () => page.chooseAxis());
  chosen("#kernel", (value) => page.openKernel(Number(value)));

  $("#query").addEventListener("input", () => page.find());
  $("#search").addEventListener("submit", (event) => event.preventDefault());
  $("#query").addEventListener("keydown", (event) => {
    if (event.key !== "Enter") return;
    if (event.shiftKey) page.previousHit();
    else page.nextHit();
  });

  for (const one of document.querySelectorAll("[data-side]"))
    one.addEventListener("click", () => page.showSide(one.dataset.side));
  for (const one of document.querySelectorAll("#tabs button"))
    one.addEventListener("click", () => page.showTab(one.dataset.tab));

  // While a finger or the mouse drags the cursor, boxes jump to their places.
  for (const [kind, drags] of [
    ["pointerdown", true],
    ["pointerup", false],
    ["pointercancel", false],
  ]) {
    $("#strip").addEventListener(kind, () => (page.dragging = drags), true);
  }
}

// What is on the stage at one position: which task is where. Plain data; `stage.mjs` draws it.

import { CANCELLED, RAISED, STOPPED } from "./recording.mjs";
import { DONE, WAITING } from "./replay.mjs";
import { blocks, circles, ownersOf, waitAt, waitOf } from "./waits.mjs";

const LASTING = ["sleep", "tasks"];

/** The queue, who runs, the groups of those that are blocked, and those that are done, the latest first. */
export function sceneOf(recording, state, lasting) {
  const blocked = [],
    done = [];
  for (let task = 0; task < recording.tasks.length; task++) {
    const what = state.of(task);
    if (what === WAITING) blocked.push(task);
    else if (what === DONE) done.push(task);
  }
  done.sort((one, other) => state.last[other] - state.last[one]);
  const groups = groupsOf(recording, state, blocked, lasting);
  return {
    ready: state.ready,
    running: state.running,
    blocked,
    done,
    groups,
    circles: circles(recording, state, blocked),
  };
}

/** How a task ended: a word, a sign that does not need colour, and the value or the error. */
export function endingOf(recording, state, task) {
  const moment = state.last[task];
  const how = recording.first[moment],
    text = recording.text(recording.second[moment]);
  if (how === RAISED) return { word: "failed", sign: "✗", text };
  if (how === STOPPED) return { word: "stopped", sign: "■", text: "" };
  if (how === CANCELLED) return { word: "cancelled", sign: "⊘", text: "" };
  return { word: "returned", sign: "✓", text };
}

/** Whether anybody ever waits for timers, and for other tasks: those places stay, so that the stage is calm. */
export function lastingPlaces(recording) {
  const found = new Map();
  for (let moment = 0; moment < recording.count && found.size < LASTING.length; moment++) {
    if (recording.fourth[moment] || !blocks(recording, moment)) continue;
    const { key, title } = waitAt(recording, moment);
    if (LASTING.includes(key)) found.set(key, title);
  }
  return found;
}

function groupsOf(recording, state, blocked, lasting) {
  const groups = new Map([...lasting].map(([key, title]) => [key, { key, title, waits: [] }]));
  for (const thing of recording.things.values()) {
    if (state.things[thing.place] >= 0) groups.set(`thing:${thing.thing}`, thingGroup(recording, state, thing));
  }
  for (const task of blocked) {
    const wait = waitOf(recording, state, task);
    let group = groups.get(wait.key);
    if (!group) groups.set(wait.key, (group = { key: wait.key, title: wait.title, waits: [] }));
    group.waits.push(wait);
  }
  for (const group of groups.values()) {
    group.waits.sort(group.key === "sleep" ? byDeadline : (one, other) => one.moment - other.moment);
  }
  const order = new Map([...groups.values()].map((group) => [group, orderOf(group)]));
  return [...groups.values()].sort((one, other) => order.get(one) - order.get(other));
}

function thingGroup(recording, state, thing) {
  const standing = state.thing(thing.thing) ?? {};
  return {
    key: `thing:${thing.thing}`,
    title: thing.label,
    waits: [],
    text: standing.text ?? "",
    items: standing.items,
    size: standing.size,
    owners: standing.owners ? ownersOf(recording, state, thing.thing) : undefined,
  };
}

/** Timers come first, then other tasks, then what has a state, then descriptors, then the rest. */
function orderOf({ key }) {
  const [kind, number] = key.split(":");
  return { sleep: -2, tasks: -1, thing: Number(number), descriptor: 1e9 + Number(number) }[kind] ?? 2e9;
}

function byDeadline(one, other) {
  return (one.deadline || Infinity) - (other.deadline || Infinity) || one.moment - other.moment;
}

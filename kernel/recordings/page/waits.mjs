// What a blocked task waits for: where on the stage it belongs, and for which other tasks it waits.

import { BLOCKED, ASK } from "./recording.mjs";
import { WAITING } from "./replay.mjs";

/** What a task waits for, or undefined if it does not wait. */
export function waitOf(recording, state, task) {
  if (state.of(task) !== WAITING) return undefined;
  return waitAt(recording, state.last[task]);
}

/** What the request of one moment makes the task wait for. */
export function waitAt(recording, moment) {
  const request = recording.request(recording.first[moment]);
  const wait = {
    task: recording.task[moment], moment, request, since: recording.time[moment], deadline: recording.third[moment],
    thing: recording.fourth[moment], tasks: tasksOf(recording, request), descriptor: request.descriptor };
  return { ...wait, ...groupOf(wait, recording) };
}

export function blocks(recording, moment) {
  return recording.kind[moment] === ASK && recording.second[moment] === BLOCKED;
}

function tasksOf(recording, request) {
  return (request.tasks ?? []).map((number) => recording.placeOf(number)).filter((task) => task !== undefined);
}

/** The group of those that wait for the same: its key, and its title. */
function groupOf({ thing, deadline, request, tasks, descriptor }, recording) {
  if (thing) return { key: `thing:${thing}`, title: recording.things.get(thing)?.label ?? "a thing" };
  if (deadline || (request.kind === "time" && descriptor === undefined)) return { key: "sleep", title: "Timers" };
  if (tasks.length) return { key: "tasks", title: "Other tasks" };
  if (descriptor !== undefined) return { key: `descriptor:${descriptor}`, title: `Descriptor ${descriptor}` };
  return { key: `kind:${request.kind}`, title: TITLES[request.kind] ?? "Something else" };
}

const TITLES = {
  task: "Other tasks", sync: "Each other", queue: "A queue", network: "The network", thread: "A thread",
  process: "A process", signal: "A signal", file: "A file", future: "A future",
};

/** The tasks that have to do something before `task` can go on, as far as the recording knows. */
export function waitsFor(recording, state, task) {
  const wait = waitOf(recording, state, task);
  if (!wait) return [];
  if (wait.thing) return ownersOf(recording, state, wait.thing);
  return wait.tasks;
}

/** Who holds a lock. */
export function ownersOf(recording, state, thing) {
  return (state.thing(thing)?.owners ?? []).map((number) => recording.placeOf(number)).filter((task) => task !== undefined);
}

/** The tasks of a circle in which each waits for the next, beginning with `task`; or undefined. */
export function circleFrom(recording, state, task) {
  const way = [task];
  for (;;) {
    // Who waits for several tasks goes on when all are done, so one that never is suffices: each way would have to be tried.
    const next = waitsFor(recording, state, way[way.length - 1]);
    if (next.includes(task)) return way;
    const other = next.find((one) => state.of(one) === WAITING && !way.includes(one));
    if (other === undefined) return undefined;
    way.push(other);
  }
}

/** All circles of tasks there are; each task is in one at most. */
export function circles(recording, state, blocked) {
  const found = [], seen = new Set();
  for (const task of blocked) {
    if (seen.has(task)) continue;
    const circle = circleFrom(recording, state, task);
    if (!circle) continue;
    found.push(circle);
    circle.forEach((one) => seen.add(one));
  }
  return found;
}

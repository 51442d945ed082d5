// What a blocked task waits for: where on the stage it belongs, and for which other tasks it waits.

import { ASK, BLOCKED } from "./recording.mjs";
import { WAITING } from "./replay.mjs";

const MOST_CIRCLES = 8;

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
  if (state.of(task) !== WAITING) return [];
  const moment = state.last[task], thing = recording.fourth[moment];
  return thing ? ownersOf(recording, state, thing) : tasksOf(recording, recording.request(recording.first[moment]));
}

/** Who holds a lock. */
export function ownersOf(recording, state, thing) {
  return (state.thing(thing)?.owners ?? []).map((number) => recording.placeOf(number)).filter((task) => task !== undefined);
}

/** The circles of tasks each of which waits for the next one. A task that waits for several may be in more than one. */
export function circles(recording, state, tasks) {
  const found = [], over = new Set(); // tasks from which all ways have been tried
  const way = [], places = new Map(), rests = []; // the tasks of the present way, where each is on it, and its other ways
  const enter = (task) => {
    places.set(task, way.length);
    way.push(task);
    rests.push(waitsFor(recording, state, task).values());
  };
  for (const first of tasks) {
    if (!over.has(first)) enter(first);
    while (way.length && found.length < MOST_CIRCLES) {
      const { value: other, done } = rests[rests.length - 1].next();
      if (done) {
        rests.pop();
        places.delete(way[way.length - 1]);
        over.add(way.pop());
      } else if (places.has(other)) {
        found.push(way.slice(places.get(other)));
      } else if (!over.has(other) && state.of(other) === WAITING) {
        enter(other);
      }
    }
  }
  return found;
}

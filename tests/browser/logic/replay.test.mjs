// Replay: whatever way leads to a position, the state is the same.

import assert from "node:assert/strict";
import test from "node:test";
import {
  ASK,
  BLOCKED,
  EXIT,
  Recording,
  RESUME,
  SPAWN,
  WAKE,
  YIELDED,
} from "../../../kernel/recordings/page/recording.mjs";
import { Replay, State } from "../../../kernel/recordings/page/replay.mjs";

function recordingOf(rows, tasks) {
  const columns = { kind: [], passed: [], task: [], first: [], second: [], third: [], fourth: [] };
  rows.forEach(([kind, task, first = 0, second = 0, third = 0, fourth = 0]) => {
    for (const [name, value] of Object.entries({ kind, passed: 10, task, first, second, third, fourth }))
      columns[name].push(value);
  });
  return new Recording({
    begin: 0,
    kernels: [{ kernel: 1, clock: "virtual", at: 0, shows: 0 }],
    requests: [],
    things: [],
    states: [],
    texts: {},
    causes: {},
    stacks: {},
    sources: {},
    tasks: Array.from({ length: tasks }, (_, place) => ({ task: place + 1, kernel: 1, name: `t${place}` })),
    moments: columns,
  });
}

/** Random but possible: each task is made, and then asks, waits, is woken and ends. */
function random(seed, tasks, count) {
  const next = (most) => (seed = (seed * 48271) % 2147483647) % most;
  const rows = Array.from({ length: tasks }, (_, place) => [SPAWN, place + 1]);
  const does = new Array(tasks + 1).fill("ready");
  while (rows.length < count) {
    const task = 1 + next(tasks);
    if (does[task] === "ready") (rows.push([RESUME, task]), (does[task] = "running"));
    else if (does[task] === "running") {
      const outcome = next(20) === 0 ? EXIT : next(2) ? BLOCKED : YIELDED;
      if (outcome === EXIT) (rows.push([EXIT, task]), (does[task] = "done"));
      else (rows.push([ASK, task, 1, outcome]), (does[task] = outcome === BLOCKED ? "blocked" : "ready"));
    } else if (does[task] === "blocked") (rows.push([WAKE, task]), (does[task] = "ready"));
    else (rows.push([SPAWN, task]), (does[task] = "ready")); // a task has no second life, but a file may say so
  }
  return recordingOf(rows, tasks);
}

function seen(state) {
  return {
    position: state.position,
    ready: [...state.ready],
    running: [...state.running],
    last: [...state.last],
    asked: [...state.asked],
    now: state.now,
  };
}

test("a jump leads to the same state as steps", () => {
  const recording = random(7, 5, 2000);
  const straight = [];
  for (const state = new State(recording); ; state.apply()) {
    straight.push(seen(state));
    if (state.position === recording.count) break;
  }
  const replay = new Replay(recording);
  for (const position of [2000, 0, 1999, 1, 256, 255, 257, 512, 511, 1000, 700, 1300, 2000, 1024, 3]) {
    assert.deepEqual(seen(replay.at(position)), straight[position]);
  }
});

test("checkpoints are not touched by what comes after", () => {
  const replay = new Replay(random(3, 4, 1000));
  const before = seen(replay.at(256));
  replay.at(1000);
  assert.deepEqual(seen(replay.at(256)), before);
});

test("the states of a task", () => {
  const recording = recordingOf(
    [
      [SPAWN, 1],
      [RESUME, 1],
      [ASK, 1, 1, YIELDED],
      [RESUME, 1],
      [ASK, 1, 1, BLOCKED],
      [WAKE, 1],
      [RESUME, 1],
      [EXIT, 1],
    ],
    1,
  );
  const state = new State(recording),
    all = [state.of(0)];
  while (state.position < recording.count) {
    state.apply();
    all.push(state.of(0));
  }
  assert.deepEqual(all, ["absent", "ready", "running", "ready", "running", "blocked", "ready", "running", "done"]);
  assert.deepEqual([...recording.momentsOf(0)], [0, 1, 2, 3, 4, 5, 6, 7]);
  assert.equal(recording.lastBefore(0, 3), 2);
  assert.equal(recording.nextAfter(3), 4);
  assert.equal(recording.nextAfter(7), undefined);
});

// Who waits for whom: circles, and chains that are too long for a function that calls itself.

import assert from "node:assert/strict";
import test from "node:test";
import { chainOf } from "../../../kernel/recordings/page/causes.mjs";
import { ASK, BLOCKED, Recording, SPAWN } from "../../../kernel/recordings/page/recording.mjs";
import { Replay } from "../../../kernel/recordings/page/replay.mjs";
import { sceneOf } from "../../../kernel/recordings/page/scene.mjs";
import { circles } from "../../../kernel/recordings/page/waits.mjs";

/** All tasks are blocked; `waits` has for each the tasks that it waits for. */
function blocked(waits) {
  const rows = waits.flatMap((_, place) => [[SPAWN, place + 1, 0, 0], [ASK, place + 1, place + 1, BLOCKED]]);
  const zeros = rows.map(() => 0);
  const recording = new Recording({
    begin: 0, kernels: [{ kernel: 1, clock: "virtual", at: 0, shows: 0 }], things: [], states: [], texts: {}, causes: {}, stacks: {}, sources: {},
    tasks: waits.map((_, place) => ({ task: place + 1, kernel: 1, number: place + 1, name: `t${place}` })),
    requests: waits.map((others, place) => ({ request: place + 1, text: "wait()", kind: "task", tasks: others.map((one) => one + 1) })),
    moments: { kind: rows.map((row) => row[0]), passed: zeros, task: rows.map((row) => row[1]), first: rows.map((row) => row[2]),
               second: rows.map((row) => row[3]), third: zeros, fourth: zeros } });
  return [recording, new Replay(recording).at(rows.length), waits.map((_, place) => place)];
}

test("circles are found, whoever is asked first", () => {
  assert.deepEqual(circles(...blocked([[1], [2], [0]])), [[0, 1, 2]]);
  assert.deepEqual(circles(...blocked([[1], [2], [1]])), [[1, 2]]);
  assert.deepEqual(circles(...blocked([[0]])), [[0]]);
  assert.deepEqual(circles(...blocked([[1], [], [3], [2]])), [[2, 3]]);
  assert.deepEqual(circles(...blocked([[1, 2], [], [0]])), [[0, 2]]); // by the second task that it waits for
  assert.deepEqual(circles(...blocked([[1], [2], []])), []);
});

test("a chain of 50,000 tasks, and a circle of as many", () => {
  const chain = Array.from({ length: 50_000 }, (_, place) => (place < 49_999 ? [place + 1] : []));
  assert.deepEqual(circles(...blocked(chain)), []);
  chain[49_999] = [0];
  assert.equal(circles(...blocked(chain))[0].length, 50_000);
});

test("many circles are not all told", () => {
  const all = Array.from({ length: 300 }, (_, place) => [place]);
  assert.ok(circles(...blocked(all)).length < 20);
});

test("the chain of causes says that the circle is closed, and ends", () => {
  const [recording, state] = blocked([[1], [2], [1]]);
  const chain = chainOf(recording, state, 0);
  assert.equal(chain.length, 4);
  assert.ok(chain.at(-1).circle);
  const long = Array.from({ length: 1000 }, (_, place) => (place < 999 ? [place + 1] : []));
  assert.ok(chainOf(...blocked(long).slice(0, 2), 0).length < 100);
});

test("the stage has a group for those that wait for tasks", () => {
  const [recording, state] = blocked([[1], []]);
  const scene = sceneOf(recording, state, new Map());
  assert.deepEqual(scene.groups.map(({ key, waits }) => [key, waits.map(({ task }) => task)]), [["tasks", [0]], ["kind:task", [1]]]);
});

// The axis of the strip: a position leads to a share of the width, and back.

import assert from "node:assert/strict";
import test from "node:test";
import { Axis, ticks } from "../../../kernel/recordings/page/axis.mjs";

const recording = {
  count: 100,
  time: Float64Array.from({ length: 100 }, (_, at) => at * at),
  clock: Float64Array.from({ length: 100 }, (_, at) => Math.floor(at / 10)),
};

for (const kind of ["event", "real"]) {
  test(`there and back: ${kind}`, () => {
    const axis = new Axis(recording);
    axis.choose(kind);
    for (const position of [2, 3, 50, 99, 100])
      assert.equal(axis.positionAt(axis.share(axis.value(position))), position);
  });
}

test("a clock that stands still leads to a position with the same time", () => {
  const axis = new Axis(recording);
  axis.choose("kernel");
  for (const position of [1, 35, 100])
    assert.equal(axis.value(axis.positionAt(axis.share(axis.value(position)))), axis.value(position));
});

test("zoom keeps what is under the pointer, and ends at the ends", () => {
  const axis = new Axis(recording);
  const before = axis.from + 0.3 * (axis.to - axis.from);
  axis.zoom(0.5, 0.3);
  assert.ok(Math.abs(axis.from + 0.3 * (axis.to - axis.from) - before) < 1e-9);
  for (let times = 0; times < 50; times++) axis.zoom(0.5, 0);
  assert.equal(axis.to - axis.from, 8);
  for (let times = 0; times < 50; times++) axis.zoom(2, 0.5);
  assert.deepEqual([axis.from, axis.to], [0, 100]);
  axis.zoom(0.5, 0);
  axis.pan(100);
  assert.equal(axis.to, 100);
  axis.reach(0);
  assert.equal(axis.from, 0);
});

test("nothing was recorded", () => {
  for (const kind of ["event", "real", "kernel"]) {
    const axis = new Axis({ count: 0, time: new Float64Array(), clock: new Float64Array() });
    axis.choose(kind);
    axis.zoom(0.5, 0.5);
    assert.equal(axis.positionAt(1), 0);
    assert.ok(Number.isFinite(axis.share(axis.value(0))));
  }
});

test("ticks are round, and few", () => {
  assert.deepEqual(ticks(0, 100, 10), [0, 10, 20, 30, 40, 50, 60, 70, 80, 90, 100]);
  assert.deepEqual(ticks(3, 9, 3), [4, 6, 8]);
  assert.ok(ticks(0, 1e12, 7).length <= 8);
});

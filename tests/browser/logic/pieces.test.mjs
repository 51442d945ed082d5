// The small parts: Python's tokens, units, and colours.

import assert from "node:assert/strict";
import test from "node:test";
import { hueOf } from "../../../kernel/recordings/page/colours.mjs";
import { tokens } from "../../../kernel/recordings/page/python.mjs";
import { clockTime, joined, plural, span } from "../../../kernel/recordings/page/units.mjs";

test("no character of a source is lost", () => {
  const source =
    'def f(x):  # "a" comment\n    """A string\n    of several # lines"""\n    return x["a\\"b"] + f\'{x}\' + 0x1F + 1.5\n\n\'\'\'open\nto the end';
  assert.equal(
    tokens(source)
      .map((line) => line.map(([, text]) => text).join(""))
      .join("\n"),
    source,
  );
});

test("what tokens are", () => {
  const [line] = tokens("    await sleep(0.5)  # soon");
  assert.deepEqual(
    line.filter(([kind]) => kind),
    [
      ["keyword", "await"],
      ["figure", "0.5"],
      ["comment", "# soon"],
    ],
  );
  assert.deepEqual(
    tokens('x = """a\nb"""; return 1').map((tokens) => tokens.filter(([kind]) => kind)),
    [
      [["string", '"""a']],
      [
        ["string", 'b"""'],
        ["keyword", "return"],
        ["figure", "1"],
      ],
    ],
  );
});

test("a broken source does no harm", () => {
  for (const source of ["'", '"""', "\\", "\u0000\ud800", "f'''{", "'abc\\"]) tokens(source);
});

test("units", () => {
  assert.deepEqual([0, 350, 1200, 1.5e6, 2.5e9, 1e12].map(span), [
    "0 ns",
    "350 ns",
    "1.2 µs",
    "1.5 ms",
    "2.5 s",
    "1000 s",
  ]);
  assert.equal(clockTime(250_000_000), "0.25 s");
  assert.deepEqual([plural(1, "task"), plural(2000, "task")], ["1 task", "2,000 tasks"]);
  assert.deepEqual(joined(["a"]), ["a"]);
  assert.deepEqual(joined(["a", "b", "c"]), ["a", ", ", "b", " and ", "c"]);
});

test("neighbours differ in colour", () => {
  for (let task = 0; task < 200; task++) {
    const apart = Math.abs(hueOf(task) - hueOf(task + 1));
    assert.ok(Math.min(apart, 360 - apart) > 25, `${task}`);
  }
});

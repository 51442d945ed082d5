// The network: where hosts and packets are, and what is known of them after any moment.

import assert from "node:assert/strict";
import test from "node:test";
import { placesOf, shareOf, waysOf } from "../../../kernel/recordings/page/network.mjs";
import {
  ARRIVED,
  CLOCK,
  CRASHED,
  CUT,
  HELD,
  JOINED,
  LOST,
  Recording,
  SENT,
  STARTED,
} from "../../../kernel/recordings/page/recording.mjs";
import { Replay, State } from "../../../kernel/recordings/page/replay.mjs";
import { search } from "../../../kernel/recordings/page/search.mjs";
import { plain, sentence } from "../../../kernel/recordings/page/words.mjs";

const MAIN = 2,
  DB = 1;

function recordingOf(rows) {
  const columns = { kind: [], passed: [], task: [], first: [], second: [], third: [], fourth: [] };
  for (const [kind, first, second = 0] of rows) {
    for (const [name, value] of Object.entries({ kind, passed: 10, task: 1, first, second, third: 0, fourth: 0 }))
      columns[name].push(value);
  }
  return new Recording(
    {
      begin: 0,
      kernels: [{ kernel: 1, clock: "virtual", at: 0, shows: 0 }],
      requests: [],
      things: [],
      states: [],
      texts: {},
      causes: {},
      stacks: {},
      sources: {},
      tasks: [],
      hosts: [
        { host: DB, kernel: 1, name: "db", address: "10.0.0.2" },
        { host: MAIN, kernel: 1, name: "main", address: "10.0.0.1" },
      ],
      packets: [
        { packet: 1, source: MAIN, target: DB, text: "what main:1 sends to db:7", carries: "b'hello'", size: 5 },
        { packet: 2, source: DB, target: DB, text: "a datagram from db to db:9", carries: "", size: 0 },
      ],
      moments: columns,
    },
    1,
  );
}

const ROWS = [
  [STARTED, DB],
  [SENT, 1],
  [CLOCK, 1000],
  [CUT, MAIN, DB],
  [HELD, 1],
  [CLOCK, 4000],
  [JOINED, MAIN, DB],
  [ARRIVED, 1],
  [SENT, 2],
  [LOST, 2],
  [CRASHED, DB, 1],
  [STARTED, DB, 1],
];

function stateAt(recording, position) {
  const state = new State(recording);
  while (state.position < position) state.apply();
  return state;
}

function seen(state) {
  return [[...state.flying], [...state.held], [...state.down], [...state.cut]];
}

test("what is on its way, held up, cut off and down after each moment", () => {
  const recording = recordingOf(ROWS);
  const wanted = [
    [[], [], [], []],
    [[], [], [], []],
    [[1], [], [], []],
    [[1], [], [], []],
    [[1], [], [], ["2 1"]],
    [[1], [1], [], ["2 1"]],
    [[1], [1], [], ["2 1"]],
    [[1], [1], [], []],
    [[], [], [], []],
    [[2], [], [], []],
    [[], [], [], []],
    [[], [], [[DB, true]], []],
    [[], [], [], []],
  ];
  const replay = new Replay(recording);
  wanted.forEach((one, position) => assert.deepEqual(seen(replay.at(position)), one, `forward, ${position}`));
  for (let position = ROWS.length; position >= 0; position--)
    assert.deepEqual(seen(replay.at(position)), wanted[position], `back, ${position}`);
});

test("a copy of a state goes its own way", () => {
  const state = stateAt(recordingOf(ROWS), 5),
    copy = state.copy();
  while (copy.position < ROWS.length) copy.apply();
  assert.deepEqual(seen(state), [[1], [1], [], ["2 1"]]);
});

test("a packet is as far as its time has come", () => {
  const recording = recordingOf([[SENT, 1], [CLOCK, 1000], [CLOCK, 4000], [ARRIVED, 1]]);
  const packet = recording.packets.get(1);
  assert.equal(shareOf(recording, stateAt(recording, 1), packet, SENT), 0);
  assert.equal(shareOf(recording, stateAt(recording, 2), packet), 0.25);
  assert.equal(shareOf(recording, stateAt(recording, 4), packet, ARRIVED), 1);
  const lasting = recordingOf([[SENT, 1], [CLOCK, 1000]]);
  assert.equal(shareOf(lasting, stateAt(lasting, 2), lasting.packets.get(1)), 0.5); // nobody knows when it arrives
});

test("hosts do not cover each other", () => {
  for (let count = 1; count <= 12; count++) {
    const places = [...placesOf(Array.from({ length: count }, (_, host) => ({ host }))).values()];
    assert.equal(new Set(places.map(String)).size, count);
    for (const [x, y] of places) assert.ok(x >= 10 && x <= 90 && y >= 10 && y <= 90);
  }
});

test("a line for each pair of hosts, and none from a host to itself", () => {
  assert.deepEqual(waysOf(recordingOf(ROWS)).map((way) => way.sort()), [[DB, MAIN]]);
});

test("each moment in a sentence", () => {
  const recording = recordingOf(ROWS);
  const told = ROWS.map((_, position) => plain(recording, sentence(recording, stateAt(recording, position))));
  assert.deepEqual(
    told.filter((_, moment) => ROWS[moment][0] !== CLOCK),
    [
      "There is a host db.",
      "main sends 5 bytes to db: b'hello'.",
      "From now on nothing gets from main to db.",
      "b'hello' does not get from main to db: a partition holds it up.",
      "Packets get from main to db again.",
      "b'hello' has arrived at db after 4 µs.",
      "A datagram from db to db:9 is on its way.",
      "A datagram from db to db:9 is lost on its way from db to itself.",
      "Host db loses power: its tasks stop, and nobody is told.",
      "Host db starts again.",
    ],
  );
});

test("a search finds packets by what they carry", () => {
  assert.deepEqual(search(recordingOf(ROWS), "hello"), [1, 4, 7]);
});

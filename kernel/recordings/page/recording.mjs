// The recording, as the page has it: tables by their numbers, and moments as columns of integers.
// kernel/recordings/moments.py says what the columns mean. Tasks have a place in a list here, a small integer.

import { clockTime, span } from "./units.mjs";

export const SPAWN = 0,
  RESUME = 1,
  ASK = 2,
  WAKE = 3,
  EXIT = 4,
  CLOCK = 5,
  THING = 6,
  IDLE = 8,
  DEADLOCK = 9,
  SENT = 10,
  ARRIVED = 11,
  HELD = 12,
  LOST = 13,
  STARTED = 14,
  CRASHED = 15,
  CUT = 16,
  JOINED = 17;
export const ANSWERED = 0,
  YIELDED = 1,
  BLOCKED = 2,
  CALLED = 3,
  CAME_TO_END = 4; // how a request went on
export const RETURNED = 0,
  RAISED = 1,
  CANCELLED = 2,
  STOPPED = 3; // how a task ended
export const NAMES = ["spawn", "resume", "ask", "wake", "exit", "clock", "thing", "counts", "idle", "deadlock"].concat(
  ["sent", "arrived", "held", "lost", "started", "crashed", "cut", "joined"], // of a simulated network
);

const UNKNOWN_REQUEST = { text: "something that the recording does not name", kind: "other", stack: 0 };

/** The number of the kernel of which there is most to see. */
export function busiestKernel({ kernels, tasks, moments }) {
  const kernelOf = new Map(tasks.map((task) => [task.task, task.kernel]));
  const counts = new Map(kernels.map(({ kernel }) => [kernel, 0]));
  for (const task of moments.task) {
    const kernel = kernelOf.get(task);
    if (counts.has(kernel)) counts.set(kernel, counts.get(kernel) + 1);
  }
  return [...counts].reduce((most, one) => (one[1] > most[1] ? one : most), [undefined, -1])[0];
}

/** One kernel's part of a recording. Moments are counted from 0; after none of them, the position is 0. */
export class Recording {
  constructor(data, kernelNumber) {
    this.data = data;
    this.kernel = data.kernels.find((one) => one.kernel === kernelNumber) ??
      data.kernels[0] ?? { kernel: 0, kind: "native", clock: "real", at: data.begin, shows: 0 };
    this.tasks = data.tasks.filter((task) => task.kernel === this.kernel.kernel);
    this.places = new Map(this.tasks.map((task, place) => [task.task, place]));
    this.requests = byNumber(data.requests, "request");
    this.things = byNumber(labelled(data.things.filter((thing) => thing.kernel === this.kernel.kernel)), "thing");
    this.states = byNumber(data.states, "state");
    this.hosts = byNumber((data.hosts ?? []).filter((host) => host.kernel === this.kernel.kernel), "host");
    this.#takeMoments(data.moments);
    this.#takePackets(data.packets ?? []);
    this.#indexTasks();
  }

  #takeMoments({ kind, passed, task, first, second, third, fourth }) {
    const mine = [];
    for (let row = 0; row < kind.length; row++) {
      if (kind[row] <= EXIT ? this.places.has(task[row]) : task[row] === this.kernel.kernel) mine.push(row);
    }
    this.count = mine.length;
    this.kind = Uint8Array.from(mine, (row) => kind[row]);
    this.task = Int32Array.from(mine, (row) => (kind[row] <= EXIT ? this.places.get(task[row]) : -1));
    this.first = Float64Array.from(mine, (row) => first[row]);
    this.second = Float64Array.from(mine, (row) => second[row]);
    this.third = Float64Array.from(mine, (row) => (third[row] ? third[row] - this.#origin : 0));
    this.fourth = Float64Array.from(mine, (row) => fourth[row]);
    const times = new Float64Array(kind.length);
    for (let row = 0, time = 0; row < kind.length; row++) times[row] = time += passed[row];
    this.time = Float64Array.from(mine, (row) => times[row]);
    this.clock = this.#clocks();
  }

  /** The packets between hosts, each with the moments at which it was sent, and at which its way was over. */
  #takePackets(packets) {
    this.packets = byNumber(
      packets.filter((packet) => this.hosts.has(packet.source)).map((packet) => ({ ...packet })),
      "packet",
    );
    this.cuts = []; // pairs of hosts: from the first to the second nothing got through for a while
    this.kind.forEach((kind, moment) => {
      if (kind === SENT) this.packets.get(this.first[moment]).sent = moment;
      else if (kind === ARRIVED || kind === LOST) this.packets.get(this.first[moment]).over ??= moment;
      else if (kind === CUT) this.cuts.push([this.first[moment], this.second[moment]]);
    });
  }

  hostName(number) {
    return this.hosts.get(number)?.name ?? "a host";
  }

  /** What a real clock showed when the recording began, from where its times count here: it is a large number. */
  get #origin() {
    const { at, shows, clock } = this.kernel;
    return clock === "real" ? shows - (at - this.data.begin) : 0;
  }

  /** What the kernel's clock showed at each moment, in nanoseconds. */
  #clocks() {
    if (this.kernel.clock === "real") return this.time;
    let now = this.kernel.shows;
    return this.time.map((_, moment) => {
      if (this.kind[moment] === CLOCK) now = this.first[moment];
      return now;
    });
  }

  /** What the kernel's clock shows at first. */
  get start() {
    return this.kernel.shows - this.#origin;
  }

  /** The moments of each task, one after the other in one column; `begins` says where those of a task begin. */
  #indexTasks() {
    const begins = (this.begins = new Int32Array(this.tasks.length + 1));
    for (const task of this.task) if (task >= 0) begins[task + 1]++;
    for (let task = 0; task < this.tasks.length; task++) begins[task + 1] += begins[task];
    const next = begins.slice();
    this.ofTasks = new Int32Array(begins[this.tasks.length]);
    this.task.forEach((task, moment) => {
      if (task >= 0) this.ofTasks[next[task]++] = moment;
    });
  }

  /** The moments of a task, in order. */
  momentsOf(task) {
    return this.ofTasks.subarray(this.begins[task], this.begins[task + 1]);
  }

  request(number) {
    return this.requests.get(number) ?? UNKNOWN_REQUEST;
  }

  /** The frames at which a task made the request: [file, line, function], the innermost last. */
  framesOf(request) {
    return this.data.stacks[request.stack] ?? [];
  }

  /** What the kernel's clock shows, in words. A real one shows more digits than anybody wants to read. */
  clockText(nanoseconds) {
    return this.kernel.clock === "real" ? span(nanoseconds) : clockTime(nanoseconds);
  }

  text(number) {
    return this.data.texts[Math.abs(number)] ?? "";
  }

  /** The task with the number that it has in the recording's tables: its place here, or undefined. */
  placeOf(number) {
    return this.places.get(number);
  }

  /** The task's next moment after this one, or undefined. */
  nextAfter(moment) {
    const mine = this.momentsOf(this.task[moment]);
    return mine[firstNotBelow(mine, moment + 1)];
  }

  /** Who was the cause of a moment: a task or a callback of it, or words. */
  cause(number) {
    if (number < 0) return { task: this.placeOf(-number), text: "a task of another kernel" };
    const { task, call, text } = this.data.causes[number] ?? { text: "code outside of the kernel" };
    return { task: this.placeOf(task), callback: true, call, text };
  }

  /** The task's last moment before a position, or -1. */
  lastBefore(task, position) {
    const mine = this.momentsOf(task);
    return mine[firstNotBelow(mine, position) - 1] ?? -1;
  }
}

/** Things with their places in this list, and what they are called: "Lock 2", or only "Queue" if there is no other. */
function labelled(things) {
  const ofKind = new Map();
  for (const { kind } of things) ofKind.set(kind, { all: (ofKind.get(kind)?.all ?? 0) + 1, named: 0 });
  return things.map((thing, place) => {
    const counts = ofKind.get(thing.kind);
    return { ...thing, place, label: counts.all === 1 ? thing.kind : `${thing.kind} ${++counts.named}` };
  });
}

function byNumber(rows, name) {
  return new Map(rows.map((row) => [row[name], row]));
}

/** Where in the sorted `numbers` the first is that is not below `limit`. */
export function firstNotBelow(numbers, limit) {
  let low = 0,
    high = numbers.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (numbers[middle] < limit) low = middle + 1;
    else high = middle;
  }
  return low;
}

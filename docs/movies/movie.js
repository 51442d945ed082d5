const $dom = (() => {
// Making elements. What a program has named goes in as text, never as HTML.

const $ = (selector) => document.querySelector(selector);

function element(tag, properties = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name === "class") made.className = value;
    else if (name === "style") for (const [key, text] of Object.entries(value)) made.style.setProperty(key, text);
    else if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (value !== undefined) made.setAttribute(name, value);
  }
  made.append(...children);
  return made;
}

/** Make `children` the children of `parent`, and move none that is in its place: a moved one loses the focus. */
function fill(parent, children) {
  let next = parent.firstChild;
  for (const child of children) {
    if (child === next) next = next.nextSibling;
    else parent.insertBefore(typeof child === "string" ? document.createTextNode(child) : child, next);
  }
  while (next) {
    const after = next.nextSibling;
    next.remove();
    next = after;
  }
}

function setText(parent, text) {
  if (parent.textContent !== text) parent.textContent = text;
}
return { $, element, fill, setText };
})();
const $colours = (() => {
// Each task has a colour, which it keeps everywhere. Neighbours in number are far apart in hue.

const FIRST = [250, 45, 150, 320, 95, 200, 15, 280, 175, 65]; // degrees; the best told apart, for small programs
const GOLDEN = 137.508; // after these: no two of them are ever close for long

function hueOf(task) {
  return FIRST[task] ?? Math.round((task * GOLDEN) % 360);
}

function colourOf(task, dark, strength = 1) {
  return `oklch(${dark ? 72 : 54}% ${task < FIRST.length ? 0.15 : 0.11} ${hueOf(task)} / ${strength})`;
}
return { hueOf, colourOf };
})();
const $boxes = (() => {
// The boxes of tasks. A task has one box, which moves; whoever else shows the task shows a small reference to it.

const { element, setText } = $dom;
const { hueOf } = $colours;

const LONGEST = 420; // milliseconds that a move takes
const MOST_MOVES = 80; // boxes that move at once: more are not followed by an eye

class Boxes {
  constructor(recording, choose) {
    this.recording = recording;
    this.choose = choose;
    this.boxes = new Map(); // by task
    this.shown = new Set();
  }

  /** The box of a task, with a note under its name. */
  box(task, note = "", classes = "") {
    let box = this.boxes.get(task);
    if (!box) this.boxes.set(task, (box = this.#make(task)));
    setText(box.querySelector(".note"), note);
    box.title = note;
    box.className = `task ${classes}`;
    this.shown.add(task);
    return box;
  }

  #make(task) {
    const { name, number, task: id, host } = this.recording.tasks[task];
    const where = host ? [element("small", { class: "host-name" }, this.recording.hostName(host))] : [];
    return element(
      "button",
      { type: "button", "data-task": id, style: { "--hue": hueOf(task) }, onclick: () => this.choose(task) },
      element("span", { class: "number" }, String(number)),
      element("span", { class: "name" }, ...where, name),
      element("span", { class: "note" }),
    );
  }

  /** A small sign that stands for a task elsewhere. */
  reference(task) {
    const known = this.recording.tasks[task];
    if (!known) return element("span", {}, "a task");
    return element(
      "button",
      {
        type: "button",
        class: "reference",
        "data-reference": known.task,
        style: { "--hue": hueOf(task) },
        title: `Task ${known.number}: show what it does`,
        onclick: () => this.choose(task),
      },
      element("span", { class: "number" }, String(known.number)),
      known.name,
    );
  }

  /** The pieces of a sentence as elements. */
  pieces(pieces) {
    return pieces.map((piece) =>
      typeof piece === "string"
        ? piece
        : piece.code !== undefined
          ? element("code", {}, piece.code)
          : this.reference(piece.task),
    );
  }

  /** Draw the stage anew, and let each box glide from where it was to where it is. */
  move(draw, longest = LONGEST) {
    const focused = document.activeElement;
    const before = longest ? this.#places() : new Map();
    this.shown = new Set();
    draw();
    for (const task of this.boxes.keys()) if (!this.shown.has(task)) this.boxes.delete(task);
    if (focused !== document.activeElement && focused?.isConnected) focused.focus({ preventScroll: true });
    if (!longest || matchMedia("(prefers-reduced-motion: reduce)").matches) return;
    let moves = 0;
    for (const [task, place] of this.#places()) {
      const box = this.boxes.get(task),
        from = before.get(task);
      const x = from ? from.left - place.left : 0,
        y = from ? from.top - place.top : -12;
      if ((from && Math.abs(x) + Math.abs(y) < 2) || moves++ >= MOST_MOVES) continue;
      const far = Math.abs(x) + Math.abs(y) > 60;
      box.style.zIndex = far ? 3 : 2;
      const motion = box.animate(
        [
          { transform: `translate(${x}px, ${y}px)`, opacity: from ? 1 : 0 },
          { transform: "none", opacity: 1 },
        ],
        { duration: longest, easing: "cubic-bezier(.3, .7, .2, 1)" },
      );
      motion.onfinish = motion.oncancel = () => (box.style.zIndex = "");
    }
  }

  #places() {
    return new Map(
      [...this.boxes].filter(([, box]) => box.isConnected).map(([task, box]) => [task, box.getBoundingClientRect()]),
    );
  }
}
return { Boxes };
})();
const $controls = (() => {
// The controls: which button, list or field does what. `page` does it, as it does for the keys.

const { $ } = $dom;

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

function listenToControls(page) {
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
return { listenToControls };
})();
const $units = (() => {
// Numbers as people read them. All times are nanoseconds.

/** A span: "350 ns", "1.20 ms", "2.5 s". */
function span(nanoseconds) {
  const size = Math.abs(nanoseconds);
  if (size < 1e3) return `${Math.round(nanoseconds)} ns`;
  if (size < 1e6) return `${shortened(nanoseconds / 1e3)} µs`;
  if (size < 1e9) return `${shortened(nanoseconds / 1e6)} ms`;
  return `${shortened(nanoseconds / 1e9)} s`;
}

/** A point on a clock, in seconds: "0.25 s". */
function clockTime(nanoseconds) {
  return `${Number((nanoseconds / 1e9).toFixed(6))} s`;
}

function plural(count, word) {
  return `${count.toLocaleString("en")} ${word}${count === 1 ? "" : "s"}`;
}

/** "a, b and c" of pieces: a list of lists. */
function joined(pieces) {
  return pieces.flatMap((piece, place) => [
    ...(place === 0 ? [] : [place === pieces.length - 1 ? " and " : ", "]),
    piece,
  ]);
}

function shortened(number) {
  return Number(number.toPrecision(3));
}
return { span, clockTime, plural, joined };
})();
const $recording = (() => {
// The recording, as the page has it: tables by their numbers, and moments as columns of integers.
// kernel/recordings/moments.py says what the columns mean. Tasks have a place in a list here, a small integer.

const { clockTime, span } = $units;

const SPAWN = 0,
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
const ANSWERED = 0,
  YIELDED = 1,
  BLOCKED = 2,
  CALLED = 3,
  CAME_TO_END = 4; // how a request went on
const RETURNED = 0,
  RAISED = 1,
  CANCELLED = 2,
  STOPPED = 3; // how a task ended
const NAMES = ["spawn", "resume", "ask", "wake", "exit", "clock", "thing", "counts", "idle", "deadlock"].concat(
  ["sent", "arrived", "held", "lost", "started", "crashed", "cut", "joined"], // of a simulated network
);

const UNKNOWN_REQUEST = { text: "something that the recording does not name", kind: "other", stack: 0 };

/** The number of the kernel of which there is most to see. */
function busiestKernel({ kernels, tasks, moments }) {
  const kernelOf = new Map(tasks.map((task) => [task.task, task.kernel]));
  const counts = new Map(kernels.map(({ kernel }) => [kernel, 0]));
  for (const task of moments.task) {
    const kernel = kernelOf.get(task);
    if (counts.has(kernel)) counts.set(kernel, counts.get(kernel) + 1);
  }
  return [...counts].reduce((most, one) => (one[1] > most[1] ? one : most), [undefined, -1])[0];
}

/** One kernel's part of a recording. Moments are counted from 0; after none of them, the position is 0. */
class Recording {
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
function firstNotBelow(numbers, limit) {
  let low = 0,
    high = numbers.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (numbers[middle] < limit) low = middle + 1;
    else high = middle;
  }
  return low;
}
return { SPAWN, RESUME, ASK, WAKE, EXIT, CLOCK, THING, IDLE, DEADLOCK, SENT, ARRIVED, HELD, LOST, STARTED, CRASHED, CUT, JOINED, ANSWERED, YIELDED, BLOCKED, CALLED, CAME_TO_END, RETURNED, RAISED, CANCELLED, STOPPED, NAMES, busiestKernel, Recording, firstNotBelow };
})();
const $player = (() => {
// Playing: so many moments a second, forwards or backwards, all or those of one task.

const { firstNotBelow } = $recording;

const SPEEDS = [0.5, 1, 2, 5, 10, 50, 200, 1000]; // moments a second

class Player {
  /** `show(position, playing)` shows a position; `changed()` is told when playing begins or ends. */
  constructor(recording, show, changed) {
    this.recording = recording;
    this.show = show;
    this.changed = changed;
    this.position = 0;
    this.direction = 0; // 1: forwards; -1: backwards; 0: it stands
    this.speed = 1;
    this.followed = undefined; // a task
  }

  /** Where `steps` on leads. Of a task that is followed, only its own moments count. */
  target(steps) {
    const { position, recording, followed } = this;
    if (followed === undefined) return Math.max(0, Math.min(recording.count, position + steps));
    const mine = recording.momentsOf(followed); // position - 1 is the present moment
    if (steps > 0) {
      const place = firstNotBelow(mine, position) + steps - 1;
      return place < mine.length ? mine[place] + 1 : Math.max(position, (mine[mine.length - 1] ?? -1) + 1);
    }
    const place = firstNotBelow(mine, position - 1) + steps;
    return place >= 0 ? mine[place] + 1 : 0;
  }

  go(position) {
    this.position = Math.max(0, Math.min(this.recording.count, position));
    this.show(this.position, this.direction !== 0);
  }

  step(steps) {
    this.stop();
    this.go(this.target(steps));
  }

  play(direction) {
    if (this.direction === direction) return this.stop();
    if (this.target(direction) === this.position) this.go(direction > 0 ? 0 : this.recording.count);
    this.direction = direction;
    this.owed = 0.6; // the first moment comes soon
    this.time = performance.now();
    this.changed();
    requestAnimationFrame((now) => this.#tick(now));
  }

  stop() {
    if (!this.direction) return;
    this.direction = 0;
    this.changed();
  }

  #tick(now) {
    if (!this.direction) return;
    this.owed = Math.min(this.owed + ((now - this.time) / 1000) * this.speed, 200); // a hidden page gets no ticks
    this.time = now;
    const steps = Math.floor(this.owed);
    if (steps > 0) {
      this.owed -= steps;
      const target = this.target(this.direction * steps);
      if (target === this.position) return this.stop();
      this.go(target);
    }
    requestAnimationFrame((later) => this.#tick(later));
  }
}
return { SPEEDS, Player };
})();
const $header = (() => {
// The header: what was recorded, and what the reader has to know of the recording.

const { $, element, fill, setText } = $dom;
const { SPEEDS } = $player;
const { plural } = $units;

function fillHeader(data) {
  setText($("#title"), data.title);
  const kinds = [...new Set(data.kernels.map((kernel) => kernel.kind))].join(" and ");
  setText(
    $("#subtitle"),
    `${kinds ? `${kinds} program` : "without a kernel"}${data.python ? `, Python ${data.python}` : ""}`,
  );
  const said = [];
  if (data.damage) said.push(`The recording is damaged: ${data.damage}.`);
  if (!data.data) said.push("Recorded without data: values and arguments are left out.");
  const shown = data.moments.kind.length;
  if (shown < data.total) {
    said.push(
      `The recording has ${plural(data.total, "moment")}. This page shows the first ${shown.toLocaleString("en")}:`,
    );
    said.push("record a shorter part of the program to see the rest.");
  }
  setText($("#notice"), said.join(" "));
  $("#notice").hidden = !said.length;
  $("#kernels").hidden = data.kernels.length < 2;
  fill(
    $("#kernel"),
    data.kernels.map(({ kernel, kind }) => element("option", { value: kernel }, `${kernel} (${kind})`)),
  );
  fill(
    $("#speed"),
    SPEEDS.map((speed) => element("option", { value: speed }, `${speed} / s`)),
  );
  $("#speed").value = "1";
}
return { fillHeader };
})();
const $keys = (() => {
// The keyboard, and the help that tells of it.

const { $, element, fill } = $dom;

/** What each key does: the keys, words for it, and the name of a method of the page. */
const KEYS = [
  [["ArrowRight", "l"], "→ or l", "one moment on", "on"],
  [["ArrowLeft", "h"], "← or h", "one moment back", "back"],
  [[" "], "Space", "play, or pause", "play"],
  [["Shift+ "], "Shift+Space", "play backwards", "playBack"],
  [["PageDown"], "Page down", "ten moments on", "tenOn"],
  [["PageUp"], "Page up", "ten moments back", "tenBack"],
  [["Home"], "Home", "to the beginning", "first"],
  [["End"], "End", "to the end", "last"],
  [["+", "="], "+", "play faster", "faster"],
  [["-"], "-", "play slower", "slower"],
  [["f"], "f", "follow the task of this moment, or all again", "follow"],
  [["w"], "w", "why is it waiting?", "why"],
  [["/"], "/", "search", "search"],
  [["n"], "n", "next hit", "nextHit"],
  [["p", "N"], "p", "previous hit", "previousHit"],
  [["a"], "a", "another axis for the strip", "axis"],
  [["]"], "]", "zoom in", "closer"],
  [["["], "[", "zoom out", "wider"],
  [["0"], "0", "show all of the strip", "whole"],
  [["t"], "t", "light or dark", "theme"],
  [["?"], "?", "this help", "help"],
  [["Escape"], "Escape", "let go: of the search, the task, the help", "escape"],
];

const ABOUT = [
  [
    "Task",
    "a function of the program that runs by itself and takes turns with others. Each has a number and a colour.",
  ],
  [
    "Trampoline",
    "the loop that runs tasks, one at a time. It hands a task an answer; the task runs until it asks for something.",
  ],
  ["Ready queue", "tasks that can run. The first in the queue is next; who becomes ready goes to the end."],
  ["Blocked", "tasks that have asked for something that is not there yet: a time, a lock, an item, another task."],
  ["Done", "tasks that have returned a value (✓), failed (✗), were cancelled (⊘), or stopped as their host crashed (■)."],
  [
    "Network",
    "of a simulated world: its hosts, and the packets on their way between them. A red line: a partition. A red number: a packet that it holds up.",
  ],
  ["Strip", "all moments. A thick bar: the task runs. A pale bar: it is ready. A thin line: it is blocked."],
];

function listenToKeys(page) {
  const actions = new Map(KEYS.flatMap(([keys, , , action]) => keys.map((key) => [key, action])));
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    const typing = event.target.matches("input, select, textarea");
    if (typing && event.key !== "Escape") return;
    if (event.key === " " && event.target.matches("button")) return; // it presses it
    const key = event.shiftKey && event.key === " " ? "Shift+ " : event.key;
    const action = actions.get(key);
    if (!action || ($("#help").open && action !== "help")) return; // the dialog closes itself on Escape
    event.preventDefault();
    page[action]();
  });
}

function fillHelp() {
  const close = element("button", { type: "button", onclick: () => $("#help").close() }, "Close");
  fill($("#help"), [
    element("div", { class: "top" }, element("h2", { id: "help-title" }, "What am I seeing?"), close),
    element(
      "p",
      {},
      "A program that was recorded while it ran, one moment after the other. Press → for the next moment.",
    ),
    element(
      "dl",
      { class: "about-list" },
      ...ABOUT.flatMap(([word, about]) => [element("dt", {}, word), element("dd", {}, about)]),
    ),
    element("h2", {}, "Keys"),
    element(
      "dl",
      { class: "keys" },
      ...KEYS.flatMap(([, shown, about]) => [element("dt", {}, element("kbd", {}, shown)), element("dd", {}, about)]),
    ),
  ]);
}
return { KEYS, listenToKeys, fillHelp };
})();
const $replay = (() => {
// How things stood after any moment. A task's last moment says nearly all: what it does is derived from that.
// kernel/recordings/states.py does the same; the tests compare the two.

const {
  ANSWERED,
  ARRIVED,
  ASK,
  BLOCKED,
  CALLED,
  CAME_TO_END,
  CLOCK,
  CRASHED,
  CUT,
  EXIT,
  HELD,
  JOINED,
  LOST,
  RESUME,
  SENT,
  SPAWN,
  STARTED,
  THING,
  WAKE,
  YIELDED,
} = $recording;

const ABSENT = "absent",
  READY = "ready",
  RUNNING = "running",
  WAITING = "blocked",
  DONE = "done";

const GOES_ON = new Set([ANSWERED, CALLED, CAME_TO_END]);

/** The state of one kernel before its first moment; `apply` moves it on by one. */
class State {
  constructor(recording) {
    this.recording = recording;
    this.position = 0; // moments that have been applied
    this.last = new Int32Array(recording.tasks.length).fill(-1); // the last moment of each task
    this.asked = new Int32Array(recording.tasks.length).fill(-1); // that of its last request, which says where it is
    this.ready = []; // tasks, first come first
    this.running = []; // the innermost is last
    this.things = new Int32Array(recording.things.size).fill(-1); // locks, queues and the like: the last change of each
    this.flying = new Set(); // packets on their way, first sent first
    this.held = new Set(); // those of them that a partition holds up
    this.down = new Map(); // hosts that have crashed; whether their systems have, too
    this.cut = new Set(); // "1 2": nothing gets from host 1 to host 2
    this.now = recording.start; // on the kernel's clock
  }

  copy() {
    const copy = Object.create(State.prototype);
    copy.recording = this.recording;
    copy.position = this.position;
    copy.last = this.last.slice();
    copy.asked = this.asked.slice();
    copy.ready = this.ready.slice();
    copy.running = this.running.slice();
    copy.things = this.things.slice();
    copy.flying = new Set(this.flying);
    copy.held = new Set(this.held);
    copy.down = new Map(this.down);
    copy.cut = new Set(this.cut);
    copy.now = this.now;
    return copy;
  }

  apply() {
    const moment = this.position++;
    const { kind: kinds, task: tasks, first, second } = this.recording;
    const kind = kinds[moment],
      task = tasks[moment];
    this.now = this.recording.clock[moment];
    if (kind === THING) {
      const place = this.recording.things.get(first[moment])?.place ?? -1; // -1 is no place
      this.things[place] = second[moment] ? moment : -1;
    }
    if (kind >= SENT) this.applyToNetwork(kind, first[moment], second[moment]);
    if (task < 0) return;
    this.last[task] = moment;
    if (kind === SPAWN || kind === WAKE) {
      this.ready.push(task);
    } else if (kind === RESUME) {
      remove(this.ready, task);
      if (!this.running.includes(task)) this.running.push(task);
    } else if (kind === ASK) {
      if (first[moment]) this.asked[task] = moment;
      if (!GOES_ON.has(second[moment])) {
        remove(this.running, task);
        remove(this.ready, task); // a condition moves a task that it has woken into the line of its lock
      }
      if (second[moment] === YIELDED) this.ready.push(task);
    } else if (kind === EXIT) {
      remove(this.ready, task);
      remove(this.running, task);
    }
  }

  applyToNetwork(kind, first, second) {
    if (kind === SENT) this.flying.add(first);
    else if (kind === HELD) this.held.add(first);
    else if (kind === ARRIVED || kind === LOST) {
      this.flying.delete(first);
      this.held.delete(first);
    } else if (kind === CRASHED) this.down.set(first, second === 1);
    else if (kind === STARTED) this.down.delete(first);
    else if (kind === CUT) this.cut.add(`${first} ${second}`);
    else if (kind === JOINED) this.cut.delete(`${first} ${second}`);
  }

  /** What a task does: it is absent before it was made, and after that ready, running, blocked or done. */
  of(task) {
    const moment = this.last[task];
    if (moment < 0) return ABSENT;
    const kind = this.recording.kind[moment];
    if (kind === SPAWN || kind === WAKE) return READY;
    if (kind === RESUME) return RUNNING;
    if (kind === EXIT) return DONE;
    const outcome = this.recording.second[moment];
    return outcome === BLOCKED ? WAITING : outcome === YIELDED ? READY : RUNNING;
  }

  /** How a lock, queue or the like stands, if that is known. */
  thing(number) {
    const moment = this.things[this.recording.things.get(number)?.place] ?? -1;
    return moment < 0 ? undefined : this.recording.states.get(this.recording.second[moment]);
  }
}

function remove(tasks, task) {
  const place = tasks.indexOf(task);
  if (place >= 0) tasks.splice(place, 1);
}

/** Gives the state at any position, from the nearest checkpoint before it. Checkpoints are made on the way. */
class Replay {
  constructor(recording) {
    this.recording = recording;
    // Few tasks: copies are cheap and close together. Many: as much memory for the copies as for the moments, about.
    this.interval = Math.max(512, recording.tasks.length, recording.things.size);
    this.checkpoints = [new State(recording)];
    this.state = this.checkpoints[0].copy();
  }

  at(position) {
    const nearest = Math.floor(position / this.interval);
    if (position < this.state.position || this.state.position < nearest * this.interval) {
      this.state = this.checkpoints[Math.min(nearest, this.checkpoints.length - 1)].copy();
    }
    while (this.state.position < position) {
      this.state.apply();
      if (this.state.position === this.checkpoints.length * this.interval) this.checkpoints.push(this.state.copy());
    }
    return this.state;
  }
}
return { ABSENT, READY, RUNNING, WAITING, DONE, State, Replay };
})();
const $place = (() => {
// Where tasks are in the program's source: which line a moment is about, and where the others are suspended.

const { ASK, CALLED, EXIT, RESUME, SPAWN, WAKE } = $recording;
const { ABSENT, DONE } = $replay;

/** The task that a position is about. */
function subjectOf(recording, state) {
  for (let moment = state.position - 1; moment >= 0; moment--) {
    if (recording.task[moment] < 0) continue;
    // Whoever starts or wakes another one runs meanwhile, and the line that does it is the one to see.
    const cause = recording.kind[moment] === SPAWN || recording.kind[moment] === WAKE ? recording.first[moment] : 0;
    const other = cause < 0 ? recording.placeOf(-cause) : undefined;
    return other !== undefined && state.running.includes(other) ? other : recording.task[moment];
  }
  return undefined;
}

/** The frames of a task, as [file, line, function], the innermost last. At first: where its code begins. */
function framesOf(recording, state, task) {
  const asked = state.asked[task];
  if (asked >= 0) return recording.framesOf(recording.request(recording.first[asked]));
  const { place } = recording.tasks[task];
  return place ? [place] : [];
}

/** What the task does at its line: a word for it. */
function deedAt(recording, state, task) {
  const moment = state.last[task];
  if (moment < 0) return "the program begins here";
  const asked = state.asked[task] >= 0;
  switch (recording.kind[moment]) {
    case SPAWN:
      return "will begin here";
    case RESUME:
      return recording.second[recording.lastBefore(task, moment)] === CALLED
        ? "the call is here"
        : asked
          ? "goes on here"
          : "begins here";
    case ASK:
      return recording.first[moment]
        ? state.running.includes(task)
          ? "asks here"
          : "is suspended here"
        : "was here last";
    case WAKE:
      return "will go on here";
    case EXIT:
      return "was here last";
    default:
      return "";
  }
}

/** By line of a file: the tasks, other than `subject`, that are suspended there. */
function suspendedIn(recording, state, file, subject) {
  const lines = new Map();
  for (let task = 0; task < recording.tasks.length; task++) {
    if (task === subject || state.of(task) === DONE || state.of(task) === ABSENT) continue;
    const frame = framesOf(recording, state, task).at(-1);
    if (!frame || frame[0] !== file) continue;
    const here = lines.get(frame[1]);
    if (here) here.push(task);
    else lines.set(frame[1], [task]);
  }
  return lines;
}
return { subjectOf, framesOf, deedAt, suspendedIn };
})();
const $search = (() => {
// Search: which moments have to do with a text. It may be a task's name, a line ("main.py:12"), or a part of a request
// or of a packet.

const { ARRIVED, ASK, HELD, LOST, SENT, SPAWN } = $recording;

const PACKETS = [SENT, ARRIVED, HELD, LOST];
const PLACE = /^(.*):(\d+)$/;

/** The moments that fit, in order. */
function search(recording, query) {
  const wanted = query.trim().toLowerCase();
  if (!wanted) return [];
  const place = PLACE.exec(wanted);
  const requests = new Set(
    [...recording.requests.values()]
      .filter((request) => fitsRequest(recording, request, wanted, place))
      .map((request) => request.request),
  );
  const packets = new Set(
    [...recording.packets.values()]
      .filter(({ text, carries }) => `${text} ${carries}`.toLowerCase().includes(wanted))
      .map(({ packet }) => packet),
  );
  const tasks = recording.tasks.map(
    (task) =>
      task.name.toLowerCase().includes(wanted) ||
      wanted === `#${task.number}` ||
      (place !== null && task.place && fitsPlace(task.place, place)),
  );
  const byName = tasks.some(Boolean) && place === null;
  const found = [];
  for (let moment = 0; moment < recording.count; moment++) {
    const task = recording.task[moment],
      kind = recording.kind[moment];
    if (PACKETS.includes(kind) && packets.has(recording.first[moment])) found.push(moment);
    if (task < 0) continue;
    if (kind === ASK && requests.has(recording.first[moment])) found.push(moment);
    else if (tasks[task] && (byName ? true : kind === SPAWN)) found.push(moment);
  }
  return found;
}

function fitsRequest(recording, request, wanted, place) {
  if (place) return recording.framesOf(request).some((frame) => fitsPlace(frame, place));
  return request.text.toLowerCase().includes(wanted);
}

function fitsPlace([file, line], [, name, number]) {
  return line === Number(number) && (name === "" || file.toLowerCase().endsWith(name));
}
return { search };
})();
const $python = (() => {
// Python source, cut into tokens by what they are, so that it can be shown as editors show it.

const KEYWORDS = new Set(
  (
    "False None True and as assert async await break class continue def del elif else except finally for from " +
    "global if import in is lambda match case nonlocal not or pass raise return try while with yield"
  ).split(" "),
);
const PREFIX = "[rbfuRBFU]{0,2}";
const TOKEN = new RegExp(
  [
    "(#.*)", // a comment
    `(${PREFIX}(?:"""|'''))`, // the beginning of a string that may go on over lines
    String.raw`(${PREFIX}(?:"(?:\\.|[^"\\])*"?|'(?:\\.|[^'\\])*'?))`, // a string
    String.raw`(@?[A-Za-z_]\w*)`, // a name
    String.raw`(\d[\w.]*)`, // a number
    String.raw`(\s+|.)`,
  ].join("|"),
  "g",
);

/** For each line its tokens, as [class, text]; the class is "" for what is shown as it is. */
function tokens(source) {
  let open = ""; // the quotes of a string that goes on over lines
  return source.split("\n").map((line) => {
    const found = [];
    let rest = 0;
    if (open) {
      const end = line.indexOf(open);
      if (end < 0) return [["string", line]];
      rest = end + 3;
      found.push(["string", line.slice(0, rest)]);
      open = "";
    }
    TOKEN.lastIndex = rest;
    for (let match; TOKEN.lastIndex < line.length && (match = TOKEN.exec(line));) {
      const [text, comment, triple, string, word, number] = match;
      if (triple) {
        const quotes = triple.slice(-3),
          end = line.indexOf(quotes, TOKEN.lastIndex);
        if (end < 0) {
          open = quotes;
          found.push(["string", line.slice(match.index)]);
          break;
        }
        found.push(["string", line.slice(match.index, end + 3)]);
        TOKEN.lastIndex = end + 3;
      } else {
        found.push([
          comment ? "comment" : string ? "string" : number ? "figure" : KEYWORDS.has(word) ? "keyword" : "",
          text,
        ]);
      }
    }
    return found;
  });
}
return { tokens };
})();
const $source = (() => {
// The source pane: the program, the line that runs now, and signs in the margin where other tasks are suspended.

const { $, element, fill } = $dom;
const { hueOf } = $colours;
const { deedAt, framesOf, subjectOf, suspendedIn } = $place;
const { tokens } = $python;

const MOST_SIGNS = 3; // in the margin of one line
const AROUND = 400; // lines before and after the present one that are drawn, of a long file

class Source {
  constructor(recording, choose) {
    this.recording = recording;
    this.choose = choose;
    this.tokens = new Map(); // by file
    this.drawn = { file: undefined, from: 0, to: 0 };
    this.frame = -1; // the one that was chosen; -1: the innermost
    this.lines = new Map(); // elements by number
    this.signed = [];
  }

  /** Show where `task` is; where nobody is chosen, the task of this moment. */
  draw(state, task = subjectOf(this.recording, state) ?? (this.recording.tasks.length ? 0 : undefined)) {
    if (task !== this.task) this.frame = -1;
    this.task = task;
    this.state = state;
    const frames = task === undefined ? [] : framesOf(this.recording, state, task);
    const place = this.frame >= 0 && this.frame < frames.length ? this.frame : frames.length - 1;
    this.#drawFrames(frames, place);
    const frame = frames[place];
    const source = frame && this.recording.data.sources[frame[0]];
    if (source === undefined) this.#drawNames(frames);
    else this.#drawLines(frame, source, place === frames.length - 1);
  }

  #drawFrames(frames, chosen) {
    const shown = frames.map(([file, line, name], place) =>
      element(
        "button",
        {
          type: "button",
          class: "frame",
          "aria-pressed": String(place === chosen),
          title: `${file}:${line} in ${name}`,
          onclick: () => {
            this.frame = place;
            this.draw(this.state, this.task);
          },
        },
        element("b", {}, name.replace(/.*<locals>\./, "")),
        ` ${baseName(file)}:${line}`,
      ),
    );
    fill(
      $("#frames"),
      shown.flatMap((one, place) => (place ? [element("span", { "aria-hidden": "true" }, "›"), one] : [one])),
    );
    $("#frames").scrollLeft = $("#frames").scrollWidth; // the innermost is to be seen
  }

  /** What can be said where there is no source. */
  #drawNames(frames) {
    this.drawn.file = undefined;
    const about = frames.length
      ? "The recording does not have the source of this file. The task is here:"
      : "Nothing is known of where this task is.";
    fill($("#lines"), [
      element("p", { class: "absent" }, about),
      ...frames.map(([file, line, name]) =>
        element("p", { class: "absent" }, element("code", {}, `${file}:${line} in ${name}`)),
      ),
    ]);
  }

  #drawLines([file, number], source, innermost) {
    if (!this.tokens.has(file)) this.tokens.set(file, tokens(source));
    const all = this.tokens.get(file);
    if (this.drawn.file !== file || number < this.drawn.from || number > this.drawn.to)
      this.#makeLines(file, all, number);
    for (const { line, signs } of this.signed) {
      line.className = "line";
      fill(signs, []);
      line.querySelector(".deed")?.remove();
    }
    this.signed = [];
    for (const [at, tasks] of suspendedIn(this.recording, this.state, file, this.task)) this.#sign(at, tasks);
    const now = this.#sign(number, []);
    if (!now) return;
    now.line.classList.add("now");
    now.line.style.setProperty("--hue", hueOf(this.task));
    const deed = innermost ? deedAt(this.recording, this.state, this.task) : "awaits the call here";
    now.line.append(element("span", { class: "deed" }, deed));
    keepInView($("#code"), now.line);
  }

  #makeLines(file, all, number) {
    const from = Math.max(1, number - AROUND),
      to = Math.min(all.length, number + AROUND);
    this.drawn = { file, from, to };
    this.lines = new Map();
    this.signed = [];
    for (let at = from; at <= to; at++) {
      const text = element(
        "code",
        {},
        ...all[at - 1].map(([kind, piece]) => (kind ? element("span", { class: kind }, piece) : piece)),
      );
      this.lines.set(
        at,
        element(
          "div",
          { class: "line", "data-line": at },
          element("span", { class: "signs" }),
          element("span", { class: "at" }, String(at)),
          text,
        ),
      );
    }
    fill($("#lines"), [...this.lines.values()]);
  }

  #sign(at, tasks) {
    const line = this.lines.get(at);
    if (!line) return undefined;
    const signs = line.querySelector(".signs");
    const shown = tasks.slice(0, tasks.length > MOST_SIGNS ? MOST_SIGNS - 1 : MOST_SIGNS);
    fill(
      signs,
      shown.map((task) => {
        const { number, name } = this.recording.tasks[task];
        return element(
          "button",
          {
            type: "button",
            class: "sign",
            style: { "--hue": hueOf(task) },
            tabindex: "-1",
            title: `${name} is suspended here`,
            onclick: () => this.choose(task),
          },
          String(number),
        );
      }),
    );
    const left = tasks.length - shown.length;
    if (left)
      signs.append(
        element("span", { class: "sign rest", title: `${tasks.length} tasks are suspended here` }, `+${left}`),
      );
    const signed = { line, signs };
    this.signed.push(signed);
    return signed;
  }
}

function keepInView(parent, line) {
  const top = line.offsetTop - parent.scrollTop,
    room = parent.clientHeight;
  if (top < room * 0.15 || top > room * 0.75) parent.scrollTop = line.offsetTop - room * 0.4;
}

function baseName(file) {
  return file.slice(file.lastIndexOf("/") + 1);
}
return { Source, baseName };
})();
const $network = (() => {
// The network: hosts as boxes, the packets on their way between them, and those that a partition holds up.

const { $, element, fill, setText } = $dom;
const { ARRIVED, HELD, LOST, SENT } = $recording;
const { ABSENT, DONE } = $replay;
const { clockTime, plural, span } = $units;

const MOST_HOSTS = 12,
  MOST_DOTS = 40; // shown
const MOST_ROWS = { pair: 2, round: 4 }; // packets of which there is a row, so that all have room beside the picture
const NEAR = 15; // percent of the width that a packet keeps from the middle of either box
const APART = 7; // pixels between two lines there and back, and between dots at one place

class Network {
  /** `more` is called with a title and tasks, to list them. */
  constructor(recording, more) {
    this.recording = recording;
    this.more = more;
    this.hosts = inOrder([...recording.hosts.values()]).slice(0, MOST_HOSTS);
    this.places = placesOf(this.hosts);
    this.dots = new Map(); // elements by packet
    this.ways = waysOf(recording).filter((way) => way.every((host) => this.places.has(host)));
    const picture = $("#network .picture");
    $("#network").hidden = !recording.hosts.size;
    this.shape = this.hosts.length > 2 ? "round" : "pair";
    $("#network").dataset.shape = this.shape;
    this.boxes = new Map(this.hosts.map((host) => [host.host, this.#box(host)]));
    this.lines = svg("svg", { viewBox: "0 0 100 100", preserveAspectRatio: "none", "aria-hidden": "true" });
    this.drawn = this.ways.map(([one, other]) => this.#line(one, other));
    this.layer = element("div", { class: "dots", "aria-hidden": "true" });
    fill(picture, [this.lines, ...this.boxes.values(), this.layer]);
  }

  draw(state) {
    if (!this.recording.hosts.size) return;
    const moment = state.position - 1,
      kind = this.recording.kind[moment];
    const present = [SENT, ARRIVED, HELD, LOST].includes(kind) ? this.recording.first[moment] : undefined;
    const over = kind === ARRIVED || kind === LOST ? [present] : []; // it is shown once more where its way ends
    const shown = [...new Set([...over, ...state.flying])].map((number) => this.recording.packets.get(number));
    const left = this.recording.hosts.size - this.hosts.length;
    const held = state.held.size ? `, ${state.held.size} of them held up` : "";
    setText($("#network-count"), String(state.flying.size));
    setText(
      $("#network .about"),
      `${state.flying.size === 1 ? "packet is" : "packets are"} on the way${held}${left > 0 ? `; ${plural(left, "more host")}` : ""}`,
    );
    for (const host of this.hosts) this.#drawHost(state, host);
    this.drawn.forEach((line, place) => {
      const [one, other] = this.ways[place];
      const cut = [state.cut.has(`${one} ${other}`), state.cut.has(`${other} ${one}`)].filter(Boolean).length;
      line.setAttribute("class", ["", "half cut", "cut"][cut]);
    });
    this.#drawDots(state, shown, present, kind);
    this.#drawRows(state, shown, present, kind);
  }

  #box({ host, name, address }) {
    const [x, y] = this.places.get(host);
    return element(
      "button",
      {
        type: "button",
        class: "host",
        "data-host": host,
        title: `${name}, at ${address}: list its tasks`,
        style: { left: `${x}%`, top: `${y}%` },
        onclick: () => this.more(`On ${name}`, this.#tasksOf(host)),
      },
      element("b", {}, name),
      element("span", {}),
    );
  }

  #line(one, other) {
    const [[x1, y1], [x2, y2]] = [this.places.get(one), this.places.get(other)];
    const line = svg("line", { x1, y1, x2, y2, "data-way": `${one} ${other}` });
    this.lines.append(line);
    return line;
  }

  /** The tasks of a host. The program's own is the one to which no task says that it belongs. */
  #tasksOf(host) {
    const { recording } = this,
      own = recording.hosts.get(host).name === "main";
    return recording.tasks
      .map((_, task) => task)
      .filter((task) => (own ? !recording.tasks[task].host : recording.tasks[task].host === host))
      .filter((task) => this.state.of(task) !== ABSENT);
  }

  #drawHost(state, { host }) {
    this.state = state;
    const box = this.boxes.get(host),
      power = state.down.get(host);
    const alive = this.#tasksOf(host).filter((task) => state.of(task) !== DONE).length;
    box.classList.toggle("down", power !== undefined);
    setText(box.lastChild, power === undefined ? plural(alive, "task") : power ? "no power" : "crashed");
  }

  #drawDots(state, shown, present, kind) {
    const kept = new Map(),
      taken = new Map(); // how many dots are at one place already
    for (const packet of shown.slice(0, MOST_DOTS)) {
      const from = this.places.get(packet.source),
        to = this.places.get(packet.target);
      if (!from || !to) continue;
      const done = shareOf(this.recording, state, packet, packet.packet === present ? kind : undefined);
      const near = Math.min(0.4, NEAR / Math.max(1, Math.hypot(to[0] - from[0], (to[1] - from[1]) / 2)));
      const share = near + (1 - 2 * near) * done;
      const [x, y] = [0, 1].map((axis) => from[axis] + (to[axis] - from[axis]) * share);
      const key = `${packet.source} ${packet.target} ${Math.round(share * 20)}`;
      const before = taken.get(key) ?? 0;
      taken.set(key, before + 1);
      const dot = this.dots.get(packet.packet) ?? element("i", { "data-packet": packet.packet }, String(packet.packet));
      dot.className = classOf(state, packet, present, kind);
      dot.style.left = `${x}%`;
      dot.style.top = `${y}%`;
      const [aside, along] = [sideOf(from, to), from === to ? 0 : before * APART * 2.6];
      const back = Math.sign(from[0] - to[0]) || 1;
      dot.style.transform = `translate(${-50}%, -50%) translate(${back * along + aside[0]}px, ${aside[1]}px)`;
      kept.set(packet.packet, dot);
    }
    this.dots = kept;
    fill(this.layer, [...kept.values()]);
  }

  #drawRows(state, shown, present, kind) {
    const first = shown.filter((packet) => packet.packet === present);
    const ordered = [...first, ...shown.filter((packet) => packet.packet !== present)];
    const rows = ordered.slice(0, MOST_ROWS[this.shape]).map((packet) => {
      const what = packet.carries || packet.text;
      const since = `since ${clockTime(this.recording.clock[packet.sent] ?? 0)}`;
      const now = packet.packet === present;
      const stands =
        now && kind === ARRIVED
          ? `has arrived, after ${span(state.now - this.recording.clock[packet.sent])}`
          : now && kind === LOST
            ? "is lost"
            : state.held.has(packet.packet)
              ? `held up by a partition, ${since}`
              : `on its way ${since}`;
      return element(
        "li",
        { class: classOf(state, packet, present, kind), title: `${packet.text}: ${plural(packet.size, "byte")}` },
        element("span", { class: "packet" }, String(packet.packet)),
        element("b", {}, `${this.recording.hostName(packet.source)} → ${this.recording.hostName(packet.target)}`),
        packet.carries ? element("code", {}, what) : element("span", { class: "what" }, what),
        element("small", {}, stands),
      );
    });
    fill($("#network .packets"), rows);
  }
}

function classOf(state, packet, present, kind) {
  const now = packet.packet === present;
  return [
    now ? "now" : "",
    state.held.has(packet.packet) ? "held" : "",
    now && kind === LOST ? "lost" : "",
    now && kind === ARRIVED ? "arrived" : "",
  ].join(" ");
}

/** How much of its way a packet has behind it, from 0 to 1. One that is held up is at the middle, where the cut is. */
function shareOf(recording, state, packet, kind) {
  if (kind === ARRIVED) return 1;
  if (kind === LOST || state.held.has(packet.packet)) return 0.44;
  const begin = recording.clock[packet.sent],
    end = recording.clock[packet.over];
  if (kind === SENT) return 0;
  return end > begin ? Math.min(1, (state.now - begin) / (end - begin)) : 0.5;
}

/** The host of the program itself first. */
function inOrder(hosts) {
  return hosts.sort((one, other) => (other.name === "main") - (one.name === "main") || one.host - other.host);
}

/** Where the hosts are, in percent: two side by side, more in a circle, the first one on the left. */
function placesOf(hosts) {
  if (hosts.length === 1) return new Map([[hosts[0].host, [50, 50]]]);
  const high = hosts.length > 2 ? 38 : 0;
  return new Map(
    hosts.map(({ host }, place) => {
      const angle = Math.PI + (place / hosts.length) * 2 * Math.PI;
      return [host, [50 + 38 * Math.cos(angle), 50 + high * Math.sin(angle)].map((one) => Math.round(one * 10) / 10)];
    }),
  );
}

/** The pairs of hosts between which anything was sent or cut, each once. */
function waysOf(recording) {
  const ways = new Map();
  const add = (one, other) => one !== other && ways.set(`${Math.min(one, other)} ${Math.max(one, other)}`, [one, other]);
  for (const { source, target } of recording.packets.values()) add(source, target);
  for (const [source, target] of recording.cuts) add(source, target);
  return [...ways.values()];
}

/** By how many pixels the dots of one direction are beside the line, so that those of the other one have room. */
function sideOf([x1, y1], [x2, y2]) {
  if (x1 === x2 && y1 === y2) return [0, -26]; // above the box of a host that sends to itself
  return Math.abs(x2 - x1) >= Math.abs(y2 - y1)
    ? [0, x2 > x1 ? -APART * 1.3 : APART * 1.3]
    : [y2 > y1 ? APART * 1.3 : -APART * 1.3, 0];
}

function svg(tag, attributes) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  return made;
}
return { Network, shareOf, placesOf, waysOf };
})();
const $waits = (() => {
// What a blocked task waits for: where on the stage it belongs, and for which other tasks it waits.

const { ASK, BLOCKED } = $recording;
const { WAITING } = $replay;

const MOST_CIRCLES = 8;

/** What a task waits for, or undefined if it does not wait. */
function waitOf(recording, state, task) {
  if (state.of(task) !== WAITING) return undefined;
  return waitAt(recording, state.last[task]);
}

/** What the request of one moment makes the task wait for. */
function waitAt(recording, moment) {
  const request = recording.request(recording.first[moment]);
  const wait = {
    task: recording.task[moment],
    moment,
    request,
    since: recording.time[moment],
    deadline: recording.third[moment],
    thing: recording.fourth[moment],
    tasks: tasksOf(recording, request),
    descriptor: request.descriptor,
  };
  return { ...wait, ...groupOf(wait, recording) };
}

function blocks(recording, moment) {
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
  task: "Other tasks",
  sync: "Each other",
  queue: "A queue",
  network: "The network",
  thread: "A thread",
  process: "A process",
  signal: "A signal",
  file: "A file",
  future: "A future",
};

/** The tasks that have to do something before `task` can go on, as far as the recording knows. */
function waitsFor(recording, state, task) {
  if (state.of(task) !== WAITING) return [];
  const moment = state.last[task],
    thing = recording.fourth[moment];
  return thing ? ownersOf(recording, state, thing) : tasksOf(recording, recording.request(recording.first[moment]));
}

/** Who holds a lock. */
function ownersOf(recording, state, thing) {
  return (state.thing(thing)?.owners ?? [])
    .map((number) => recording.placeOf(number))
    .filter((task) => task !== undefined);
}

/** The circles of tasks each of which waits for the next one. A task that waits for several may be in more than one. */
function circles(recording, state, tasks) {
  const found = [],
    over = new Set(); // tasks from which all ways have been tried
  const way = [],
    places = new Map(),
    rests = []; // the tasks of the present way, where each is on it, and its other ways
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
return { waitOf, waitAt, blocks, waitsFor, ownersOf, circles };
})();
const $scene = (() => {
// What is on the stage at one position: which task is where. Plain data; `stage.mjs` draws it.

const { CANCELLED, RAISED, STOPPED } = $recording;
const { DONE, WAITING } = $replay;
const { blocks, circles, ownersOf, waitAt, waitOf } = $waits;

const LASTING = ["sleep", "tasks"];

/** The queue, who runs, the groups of those that are blocked, and those that are done, the latest first. */
function sceneOf(recording, state, lasting) {
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
function endingOf(recording, state, task) {
  const moment = state.last[task];
  const how = recording.first[moment],
    text = recording.text(recording.second[moment]);
  if (how === RAISED) return { word: "failed", sign: "✗", text };
  if (how === STOPPED) return { word: "stopped", sign: "■", text: "" };
  if (how === CANCELLED) return { word: "cancelled", sign: "⊘", text: "" };
  return { word: "returned", sign: "✓", text };
}

/** Whether anybody ever waits for timers, and for other tasks: those places stay, so that the stage is calm. */
function lastingPlaces(recording) {
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
return { sceneOf, endingOf, lastingPlaces };
})();
const $words = (() => {
// Each moment in a sentence. A sentence is a list of pieces: words, tasks ({ task }) and code ({ code }).

const {
  ANSWERED,
  ARRIVED,
  ASK,
  BLOCKED,
  CALLED,
  CAME_TO_END,
  CLOCK,
  CRASHED,
  CUT,
  DEADLOCK,
  EXIT,
  HELD,
  IDLE,
  JOINED,
  LOST,
  RAISED,
  RESUME,
  RETURNED,
  SENT,
  SPAWN,
  STARTED,
  STOPPED,
  THING,
  WAKE,
  YIELDED,
} = $recording;
const { joined, plural, span } = $units;
const { circles, ownersOf, waitAt, waitOf } = $waits;

/** What happens in the next moment after `before`. */
function sentence(recording, before) {
  const moment = before.position;
  return (
    SENTENCES[recording.kind[moment]]?.(recording, before, moment, { task: recording.task[moment] }) ?? [
      "Something happens.",
    ]
  );
}

/** A sentence as text, for a screen reader and for a search. */
function plain(recording, pieces) {
  return pieces
    .map((piece) =>
      typeof piece === "string" ? piece : piece.code !== undefined ? piece.code : `'${nameOf(recording, piece.task)}'`,
    )
    .join("");
}

function nameOf(recording, task) {
  return recording.tasks[task]?.name ?? "a task";
}

/** The cause of a moment, as the pieces with which a sentence begins. */
function causeOf(recording, moment) {
  const { task, callback, call, text } = recording.cause(recording.first[moment]);
  if (task === undefined) return [text.charAt(0).toUpperCase() + text.slice(1)];
  if (!callback) return [{ task }];
  return call ? ["A callback of ", { task }, ", ", { code: call }, ","] : ["A callback of ", { task }];
}

const MOST_NAMED = 4; // tasks in a sentence

const SENTENCES = {
  [SPAWN](recording, before, moment, task) {
    if (recording.first[moment] === 0) return [task, " is made, and is ready to run."];
    return [...causeOf(recording, moment), " starts ", task, ". It goes to the end of the ready queue."];
  },

  [RESUME](recording, before, moment, task) {
    const answer = recording.first[moment];
    if (answer < 0) return [task, " goes on: the kernel raises ", { code: recording.text(answer) }, " in it."];
    const outcome = recording.second[recording.lastBefore(recording.task[moment], moment)];
    if (recording.second[moment] && outcome === CALLED) return ["The code that ", task, " has called begins to run."];
    if (recording.second[moment] && outcome === CAME_TO_END) {
      return [
        "The call returns ",
        { code: answer ? recording.text(answer) : "None" },
        ", and ",
        task,
        " goes on after it.",
      ];
    }
    if (recording.second[moment]) {
      return answer
        ? [task, " has its answer at once, ", { code: recording.text(answer) }, ", and goes on."]
        : [task, " has its answer at once, and goes on."];
    }
    if (before.asked[recording.task[moment]] < 0)
      return ["The trampoline starts ", task, ": it runs for the first time."];
    const asked = before.asked[recording.task[moment]];
    if (recording.second[asked] === YIELDED && !answer)
      return ["The turn of ", task, " has come: the trampoline resumes it."];
    return answer
      ? ["The trampoline resumes ", task, " and hands it ", { code: recording.text(answer) }, "."]
      : ["The trampoline resumes ", task, " where it waited."];
  },

  [ASK](recording, before, moment, task) {
    const outcome = recording.second[moment];
    if (recording.first[moment] === 0) {
      const ends = recording.kind[recording.nextAfter(moment)] !== RESUME;
      return ends
        ? ["The code of ", task, " has come to its end."]
        : ["The code that ", task, " has called has come to its end."];
    }
    const wait = waitAt(recording, moment);
    const code = { code: wait.request.text };
    if (outcome === CALLED) return [task, " calls another function: ", code, ". It runs as a part of ", task, "."];
    if (outcome === YIELDED)
      return [task, " lets others run first: ", code, ". It goes to the end of the ready queue."];
    const asks = [task, ...asksFor(recording, wait), code, ". "];
    if (outcome === ANSWERED || outcome === CAME_TO_END) return [...asks, "The kernel can answer at once."];
    return [...asks, ...becauseOf(recording, before, wait)];
  },

  [WAKE](recording, before, moment, task) {
    const ends = endOfWait(recording, before, moment, task);
    return [...causeOf(recording, moment), ...ends, " It goes to the end of the ready queue."];
  },

  [EXIT](recording, before, moment, task) {
    const text = recording.text(recording.second[moment]);
    const how = recording.first[moment];
    if (how === RETURNED) return text ? [task, " is done: it returned ", { code: text }, "."] : [task, " is done."];
    if (how === RAISED) return [task, " is done: it failed with ", { code: text }, "."];
    const { host } = recording.tasks[recording.task[moment]];
    if (how === STOPPED) return [task, ` is stopped: its host ${recording.hostName(host)} has crashed.`];
    return [task, " is done: it was cancelled."];
  },

  [CLOCK](recording, before, moment) {
    return [
      `The clock of this kernel jumps to ${recording.clockText(recording.first[moment])}, when the next timer is due. `,
      "It is no real clock, so nobody has to wait.",
    ];
  },

  [THING](recording, before, moment) {
    const thing = recording.things.get(recording.first[moment]);
    const state = recording.states.get(recording.second[moment]);
    if (thing && !recording.second[moment])
      return [`From here on nothing is known of ${thing.label}: the recording follows those that were used last.`];
    return thing && state ? changed(recording, thing.label, state) : ["Something that tasks wait at has changed."];
  },

  [IDLE](recording, before) {
    const deadline = nextDeadline(recording, before);
    return [
      deadline
        ? `Nothing can run. The kernel waits: the next timer is due in ${span(deadline - before.now)}.`
        : "Nothing can run. The kernel waits until something happens.",
    ];
  },

  [SENT](recording, before, moment) {
    const { carries, text, size, ...packet } = packetAt(recording, moment);
    if (!size) return [`${text.charAt(0).toUpperCase() + text.slice(1)} is on its way.`];
    const name = recording.hostName(packet.source);
    const whom = packet.source === packet.target ? "itself" : recording.hostName(packet.target);
    return [`${name} sends ${plural(size, "byte")} to ${whom}: `, { code: carries || text }, "."];
  },

  [ARRIVED](recording, before, moment) {
    const packet = packetAt(recording, moment);
    const took = recording.clock[moment] - recording.clock[packet.sent];
    const after = took > 0 ? ` after ${span(took)}` : "";
    return [...subjectOfPacket(packet), ` has arrived at ${recording.hostName(packet.target)}${after}.`];
  },

  [HELD](recording, before, moment) {
    const packet = packetAt(recording, moment);
    return [...subjectOfPacket(packet), ` does not get from ${wayOf(recording, packet)}: a partition holds it up.`];
  },

  [LOST](recording, before, moment) {
    const packet = packetAt(recording, moment);
    return [...subjectOfPacket(packet), ` is lost on its way from ${wayOf(recording, packet)}.`];
  },

  [STARTED](recording, before, moment) {
    const name = recording.hostName(recording.first[moment]);
    return [recording.second[moment] ? `Host ${name} starts again.` : `There is a host ${name}.`];
  },

  [CRASHED](recording, before, moment) {
    const name = recording.hostName(recording.first[moment]);
    return [
      recording.second[moment]
        ? `Host ${name} loses power: its tasks stop, and nobody is told.`
        : `Host ${name} crashes: its tasks stop, and its system closes their connections.`,
    ];
  },

  [CUT](recording, before, moment) {
    return [`From now on nothing gets from ${waysOfHosts(recording, moment)}.`];
  },

  [JOINED](recording, before, moment) {
    return [`Packets get from ${waysOfHosts(recording, moment)} again.`];
  },

  [DEADLOCK](recording, before, moment) {
    const { tasks } = recording.data.deadlocks[recording.first[moment]] ?? { tasks: [] };
    const places = placesOf(recording, tasks);
    const [circle] = circles(recording, before, places);
    if (circle)
      return ["Deadlock: ", ...several(circle), " wait for each other in a circle. None of them can ever go on."];
    return ["Deadlock: nothing can ever wake ", ...several(places), "."];
  },
};

function packetAt(recording, moment) {
  return recording.packets.get(recording.first[moment]);
}

function wayOf(recording, { source, target }) {
  return `${recording.hostName(source)} to ${source === target ? "itself" : recording.hostName(target)}`;
}

function waysOfHosts(recording, moment) {
  return wayOf(recording, { source: recording.first[moment], target: recording.second[moment] });
}

/** A packet, as the pieces with which a sentence begins. */
function subjectOfPacket({ carries, text }) {
  return carries ? [{ code: carries }] : [text.charAt(0).toUpperCase() + text.slice(1)];
}

function nextDeadline(recording, state) {
  let first = 0;
  for (let task = 0; task < recording.tasks.length; task++) {
    const deadline = waitOf(recording, state, task)?.deadline;
    if (deadline > state.now && !(deadline >= first && first)) first = deadline;
  }
  return first;
}

function changed(recording, label, state) {
  if (state.owners) {
    const owners = placesOf(recording, state.owners);
    return owners.length
      ? [...several(owners), owners.length === 1 ? ` holds ${label} now.` : ` hold ${label} now.`]
      : [`Nobody holds ${label} now.`];
  }
  if (state.size === 0) return [`${label} is empty now.`];
  if (state.size) {
    const items = (state.items ?? []).slice(0, MOST_NAMED).map((item) => ({ code: item }));
    return [
      `${label} has ${plural(state.size, "item")} now`,
      ...(items.length ? [": ", ...items.flatMap((item, place) => (place ? [", ", item] : [item]))] : []),
      state.size > items.length && items.length ? " and more." : ".",
    ];
  }
  const about = aboutThing(state);
  return [
    /set$/.test(about)
      ? `${label} is ${about} now.`
      : /^\d/.test(about)
        ? `${label} has ${about} now.`
        : `${label} has changed: ${about}.`,
  ];
}

/** How a lock, a queue or the like stands. */
function standing(recording, state) {
  if (state.owners) {
    const owners = placesOf(recording, state.owners);
    return owners.length ? ["held by ", ...several(owners)] : ["nobody holds it"];
  }
  if (state.size !== undefined) return [state.size === 0 ? "it is empty" : `it has ${plural(state.size, "item")}`];
  return [aboutThing(state)];
}

/** What the recording says of it, without its name: "not set", "2 left". */
function aboutThing(state) {
  return state.text.replace(/^\S+ (with )?(of .*, )?/, ""); // a condition's text has that of its lock in it
}

function placesOf(recording, numbers) {
  return numbers.map((number) => recording.placeOf(number)).filter((task) => task !== undefined);
}

/** Tasks, the first of them by name. */
function several(tasks) {
  const named = tasks.slice(0, MOST_NAMED).map((task) => ({ task }));
  return joined(tasks.length > MOST_NAMED ? [...named, `${plural(tasks.length - MOST_NAMED, "other")}`] : named);
}

function asksFor(recording, { request, key, tasks, deadline, thing }) {
  const label = recording.things.get(thing)?.label;
  if (key === "sleep" && /sleep/.test(request.text)) return [" asks to sleep: "];
  if (deadline) return [" asks for something by a time: "];
  if (request.kind === "queue" && /get/.test(request.text)) return [" asks for an item: "];
  if (request.kind === "queue" && /put/.test(request.text)) return [" hands over an item: "];
  if (label && /acquire/.test(request.text)) return [` asks for ${label}: `];
  if (label && /wait/.test(request.text)) return [` waits for ${label}: `];
  if (/spawn|create_task/.test(request.text)) return [" asks for a new task: "];
  if (tasks.length) return [" waits for ", ...several(tasks), ": "];
  if (request.kind === "network") return [" asks the network: "];
  return [" asks: "];
}

// Why tasks wait at such a thing.
const REASONS = [
  ["Semaphore", "All its places are taken, so it is blocked."],
  ["Event", "It is not set yet, so it is blocked."],
  ["Condition", "It is blocked until another task notifies it."],
  ["Barrier", "Not all have come yet, so it is blocked."],
];

/** Why the request blocks its task. */
function becauseOf(recording, before, { thing, deadline, request, tasks, descriptor }) {
  const kind = recording.things.get(thing)?.kind ?? "";
  const owners = thing ? ownersOf(recording, before, thing) : [];
  if (owners.length)
    return [
      ...joined(owners.map((task) => ({ task }))),
      owners.length === 1 ? " holds it" : " hold it",
      ", so it is blocked.",
    ];
  const reason = REASONS.find(([word]) => kind.includes(word));
  if (reason) return [reason[1]];
  if (request.kind === "queue" && /get/.test(request.text)) return ["The queue is empty, so it is blocked."];
  if (request.kind === "queue" && /put/.test(request.text)) return ["The queue is full, so it is blocked."];
  if (deadline) return [`It is blocked until the clock shows ${recording.clockText(deadline)}.`];
  if (tasks.length)
    return [
      tasks.length === 1 ? "That task is not done, so it is blocked." : "They are not all done, so it is blocked.",
    ];
  if (descriptor !== undefined) return [`Nothing is there yet: it is blocked until descriptor ${descriptor} is ready.`];
  return ["There is no answer yet, so it is blocked."];
}

/** What ends the wait of a task: an answer or, as one can see only later, an error. */
function endOfWait(recording, before, moment, task) {
  const asked = before.asked[task.task];
  if (asked < 0) return [" wakes ", task, "."];
  const next = recording.nextAfter(moment);
  if (next !== undefined && recording.kind[next] === RESUME && recording.first[next] < 0) {
    const error = recording.text(recording.first[next]),
      cause = recording.cause(recording.first[moment]);
    const awaited = waitAt(recording, asked).tasks.includes(cause.task); // its own cancellation is the answer
    return /^Cancelled/.test(error) && !awaited
      ? [" cancels ", task, "."]
      : [" wakes ", task, " with an error, ", { code: error }, "."];
  }
  const wait = waitAt(recording, asked);
  const since = recording.clock[moment] - recording.clock[asked];
  const time = since > 0 ? ` after ${span(since)}` : "";
  return [
    " wakes ",
    task,
    wait.key === "sleep" ? `: its time has come${time}.` : `: what it waited for is there${time}.`,
  ];
}
return { sentence, plain, nameOf, causeOf, standing, aboutThing };
})();
const $stage = (() => {
// The stage: the ready queue, the trampoline, what tasks are blocked on, and those that are done.

const { $, element, fill, setText } = $dom;
const { hueOf } = $colours;
const { Network } = $network;
const { ASK, RESUME } = $recording;
const { DONE } = $replay;
const { endingOf, lastingPlaces, sceneOf } = $scene;
const { plural, span } = $units;
const { aboutThing } = $words;

const MOST = { ready: 8, group: 6, timers: 5, done: 7, groups: 12, items: 8, named: 6 }; // shown; the rest is a number

// What tasks wait at, for whoever points at its name.
const ABOUT = [
  ["Timers", "Tasks that asked to be woken at a time. The line begins now, and the dot is when."],
  ["Other tasks", "Tasks that wait until other tasks are done."],
  ["Lock", "One task at a time may hold it. The others wait in line."],
  ["Semaphore", "So many tasks at a time may hold it. The others wait in line."],
  ["Queue", "Some tasks put items in, and others get them, first in, first out."],
  ["Event", "Tasks wait until another one sets it."],
  ["Condition", "Tasks wait until another one notifies them that something has changed."],
  ["Barrier", "Tasks wait until so many have come; then all go on."],
  ["Descriptor", "A connection, a file or the like, by the number that the system gave it."],
];

// What a group is, in a word.
const HINTS = { tasks: "until they are done", descriptor: "until data comes" };

class Stage {
  constructor(recording, boxes, more) {
    this.recording = recording;
    this.boxes = boxes;
    this.more = more; // called with a title and tasks, to list them all
    this.lasting = lastingPlaces(recording);
    this.groups = new Map(); // elements by key
    this.network = new Network(recording, more);
  }

  draw(state, duration) {
    const scene = sceneOf(this.recording, state, state.position ? this.lasting : []);
    this.boxes.move(() => {
      this.#drawQueue(state, scene);
      this.#drawRunning(state, scene);
      this.#drawBlocked(state, scene);
      this.#drawDone(state, scene);
      this.network.draw(state);
    }, duration);
    return scene;
  }

  #fold(tasks, most, title, draw) {
    const shown = tasks.slice(0, tasks.length > most + 1 ? most : tasks.length).map(draw);
    const left = tasks.length - shown.length;
    if (left > 0) {
      shown.push(
        element(
          "button",
          {
            type: "button",
            class: "more",
            "data-more": left,
            title: "List them all",
            onclick: () => this.more(title, tasks),
          },
          `+ ${left.toLocaleString("en")} more`,
        ),
      );
    }
    return shown;
  }

  #drawQueue(state, { ready }) {
    setText($("#ready-count"), String(ready.length));
    const boxes = this.#fold(ready, MOST.ready, "In the ready queue", (task) => this.boxes.box(task));
    if (!boxes.length) boxes.push(element("span", { class: "empty" }, "empty: nobody can run"));
    fill($("#ready-boxes"), boxes);
  }

  #drawRunning(state, { running }) {
    const { recording } = this,
      moment = state.position - 1;
    const now = recording.kind[moment];
    const last = running.length ? state.last[running[running.length - 1]] : now === ASK ? moment : -1;
    const asks = last >= 0 && recording.kind[last] === ASK;
    const resumed = last < 0 ? -1 : asks ? this.#resumeBefore(last) : last;
    this.#show($("#sent"), resumed, now === RESUME, this.#answer(resumed));
    this.#show($("#asked"), last, now === ASK, asks ? this.#request(last) : "");
    $("#running").classList.toggle("occupied", running.length > 0);
    const boxes = this.#fold(running.slice().reverse(), 3, "Running", (task) => this.boxes.box(task));
    if (!boxes.length) boxes.push(element("span", { class: "empty" }, state.position ? "nobody" : "nobody yet"));
    fill($("#running-boxes"), boxes);
  }

  /** A line of what the task gets, or asks. It has the task's number, since the box may be elsewhere by now. */
  #show(line, moment, isNow, text) {
    const [, number, code] = line.children;
    line.classList.toggle("now", isNow);
    line.classList.toggle("nothing", !text);
    setText(code, text || "–");
    code.title = text;
    number.hidden = !text;
    if (!text) return;
    const task = this.recording.task[moment];
    setText(number, String(this.recording.tasks[task].number));
    number.style.setProperty("--hue", hueOf(task));
  }

  #resumeBefore(moment) {
    const before = this.recording.lastBefore(this.recording.task[moment], moment);
    return before >= 0 && this.recording.kind[before] === RESUME ? before : -1;
  }

  #answer(moment) {
    if (moment < 0) return "";
    const answer = this.recording.first[moment];
    return answer === 0 ? "None" : answer < 0 ? `error ${this.recording.text(answer)}` : this.recording.text(answer);
  }

  #request(moment) {
    const { recording } = this;
    return recording.first[moment] ? recording.request(recording.first[moment]).text : "– it ends";
  }

  #drawBlocked(state, { blocked, groups, circles }) {
    setText($("#blocked-count"), String(blocked.length));
    const inCircle = new Set(circles.flat());
    const waited = groups.filter((group) => group.waits.length || group.owners?.length || group.size);
    const idle = groups.filter((group) => !waited.includes(group));
    const shown = groups.length > MOST.groups ? [...waited, ...idle].slice(0, MOST.groups) : groups;
    const kept = new Map();
    for (const group of shown) kept.set(group.key, this.#group(state, group, inCircle));
    this.groups = kept;
    const elements = [...kept.values()];
    const left = groups.length - shown.length;
    if (left > 0) {
      const tasks = groups
        .filter((group) => !kept.has(group.key))
        .flatMap((group) => group.waits.map((wait) => wait.task));
      elements.push(
        element(
          "button",
          {
            type: "button",
            class: "more group-more",
            "data-more": tasks.length,
            onclick: () => this.more("Blocked elsewhere", tasks),
          },
          `+ ${left.toLocaleString("en")} more places, with ${plural(tasks.length, "task")}`,
        ),
      );
    }
    if (!elements.length)
      elements.push(state.position ? element("span", { class: "empty" }, "no task is blocked") : introduction());
    fill($("#groups"), elements);
  }

  #group(state, group, inCircle) {
    let made = this.groups.get(group.key);
    if (!made) {
      const classes = `group ${group.key.split(":")[0]}`;
      made = element(
        "section",
        { class: classes, "data-group": group.key },
        element("div", { class: "top" }, element("h3"), element("div", { class: "state" })),
        element("div", { class: "boxes" }),
      );
    }
    const [top, boxes] = made.children,
      [title, stands] = top.children;
    const { waits } = group;
    made.classList.toggle("wide", waits.length > 3);
    made.classList.toggle("idle", !waits.length && !group.owners?.length && !group.size);
    title.title = ABOUT.find(([word]) => group.title.includes(word))?.[1] ?? "";
    fill(title, [
      group.title,
      ...(waits.length > 1 ? [element("span", { class: "count" }, String(waits.length))] : []),
    ]);
    fill(stands, this.#standing(state, group));
    const draw = (wait, note) => this.boxes.box(wait.task, note, inCircle.has(wait.task) ? "stuck" : "");
    if (group.key === "sleep") fill(boxes, this.#timers(state, waits, draw));
    else if (group.key === "tasks")
      fill(
        boxes,
        this.#foldWaits(group, MOST.group, (wait) => this.#waitForTasks(state, wait, draw)),
      );
    else if (group.key.startsWith("thing:")) fill(boxes, this.#lines(group, draw));
    else
      fill(
        boxes,
        this.#foldWaits(group, MOST.group, (wait) => draw(wait, wait.request.text)),
      );
    return made;
  }

  #foldWaits({ title, waits }, most, draw) {
    const waiting = new Map(waits.map((wait) => [wait.task, wait]));
    return this.#fold([...waiting.keys()], most, `Blocked: ${title}`, (task) => draw(waiting.get(task)));
  }

  /** Those that wait at a lock, a queue or the like, first come first, by what they want to do there. */
  #lines({ title, waits }, draw) {
    const calls = new Map();
    for (const wait of waits) {
      const call = /(\w+)\([^()]*\)?\W*$/.exec(wait.request.text)?.[1] ?? wait.request.text;
      calls.set(call, [...(calls.get(call) ?? []), wait]);
    }
    return [...calls].map(([call, those]) =>
      element(
        "div",
        { class: "waiting", "data-call": call },
        element("span", { class: "call", title: `Those who called ${call}(), first come first` }, call),
        ...this.#foldWaits({ title, waits: those }, Math.ceil(MOST.group / calls.size), (wait) => draw(wait, "")),
      ),
    );
  }

  /** What is known of a lock, a queue, or the clock. */
  #standing(state, group) {
    if (group.key === "sleep" && !group.waits.length)
      return [`nobody sleeps; the clock shows ${this.recording.clockText(state.now)}`];
    if (group.key === "sleep") return [`the clock shows ${this.recording.clockText(state.now)}`];
    if (group.key === "tasks" && !group.waits.length) return ["nobody waits for one"];
    if (HINTS[group.key.split(":")[0]]) return [HINTS[group.key.split(":")[0]]];
    if (group.owners) {
      return group.owners.length
        ? ["held by ", ...group.owners.map((task) => this.boxes.reference(task))]
        : ["nobody holds it"];
    }
    if (group.items) {
      const items = group.items.slice(0, MOST.items).map((item) => element("code", { class: "item" }, item));
      const left = group.size - items.length;
      return group.size ? ["items: ", ...items, ...(left > 0 ? [`+ ${left} more`] : [])] : ["empty"];
    }
    return group.text ? [aboutThing(group)] : [];
  }

  /** Sleepers on an axis of time that begins now. */
  #timers(state, waits, draw) {
    const place = scaleOf(waits.slice(0, MOST.timers + 1).map((wait) => wait.deadline - state.now));
    return this.#foldWaits({ title: "Timers", waits }, MOST.timers, (wait) => {
      const left = wait.deadline - state.now;
      const share = wait.deadline ? place(left) : 1;
      return element(
        "div",
        { class: "timer" },
        draw(wait, wait.request.text),
        element("span", { class: "way", style: { "--share": share, "--hue": hueOf(wait.task) } }),
        element("span", { class: "left" }, !wait.deadline ? "no end" : left > 0 ? `in ${span(left)}` : "due"),
      );
    });
  }

  #waitForTasks(state, wait, draw) {
    const named = wait.tasks.slice(0, MOST.named).map((task) => {
      const sign = this.boxes.reference(task);
      sign.classList.toggle("over", state.of(task) === DONE);
      return sign;
    });
    const left = wait.tasks.length - named.length;
    return element(
      "div",
      { class: "for" },
      draw(wait, wait.request.text),
      element("span", { class: "arrow" }, "waits for"),
      ...named,
      ...(left > 0 ? [element("span", { class: "arrow" }, `+ ${left} more`)] : []),
    );
  }

  #drawDone(state, { done }) {
    setText($("#done-count"), String(done.length));
    const boxes = this.#fold(done, MOST.done, "Done", (task) => {
      const { word, sign, text } = endingOf(this.recording, state, task);
      return this.boxes.box(task, text || word !== "returned" ? `${sign} ${text || word}` : sign, `done ${word}`);
    });
    if (!boxes.length) boxes.push(element("span", { class: "empty" }, "no task has ended yet"));
    fill($("#done-boxes"), boxes);
  }
}

function introduction() {
  return element(
    "div",
    { class: "introduction" },
    element(
      "p",
      {},
      "A box is a task: a function that takes turns with others. The kernel runs one of them at a time.",
    ),
    element(
      "ol",
      {},
      ...[
        "A task that can run stands in the ready queue.",
        "The first one jumps on the trampoline, and runs until it asks for something.",
        "If there is no answer yet, the task is blocked: its box waits here, at what it waits for.",
        "When the answer is there, the task goes back to the ready queue. When its code ends, it is done.",
      ].map((text) => element("li", {}, text)),
    ),
  );
}

/** Where spans lie on an axis, from 0 to 1; by logarithms where one is much longer than the others. */
function scaleOf(spans) {
  const ahead = spans.filter((one) => one > 0),
    longest = Math.max(...ahead, 1),
    shortest = Math.min(...ahead, longest);
  const bend = longest / shortest > 25 ? (one) => Math.log1p(one / shortest) : (one) => one;
  return (one) => Math.max(0, Math.min(1, bend(Math.max(0, one)) / bend(longest)));
}
return { Stage };
})();
const $rows = (() => {
// A list of which only the rows that can be seen exist. All rows have the same height.

const { element, fill } = $dom;

const MOST_PIXELS = 8_000_000; // of height that browsers can scroll; longer lists scroll in larger steps

class Rows {
  /** `draw(row)` makes the element of a row. */
  constructor(parent, height, draw) {
    this.parent = parent;
    this.height = height;
    this.draw = draw;
    this.count = 0;
    this.space = element("div", { class: "space" });
    this.window = element("div", { class: "window" });
    this.space.append(this.window);
    fill(parent, [this.space]);
    this.stopped = new AbortController();
    parent.addEventListener("scroll", () => this.redraw(), { passive: true, signal: this.stopped.signal });
    this.observer = new ResizeObserver(() => this.redraw());
    this.observer.observe(parent);
  }

  /** Leave the parent to another list. */
  stop() {
    this.stopped.abort();
    this.observer.disconnect();
  }

  /** Draw the list anew, with `count` rows; if `row` is given, with that row in the middle. */
  show(count, row) {
    this.count = count;
    this.space.style.height = `${Math.min(count * this.height, MOST_PIXELS)}px`;
    if (row !== undefined) this.parent.scrollTop = this.#topOf(Math.max(0, row - this.#fit / 2));
    this.redraw(row);
  }

  redraw(row) {
    if (!this.parent.clientHeight) return; // it is hidden
    const most = Math.max(0, this.count - this.#fit);
    const wanted = row === undefined ? this.parent.scrollTop / this.#step : row - this.#fit / 2;
    const first = Math.floor(Math.max(0, Math.min(most, wanted)));
    const last = Math.min(this.count, first + Math.ceil(this.#fit) + 1);
    const shown = [];
    for (let at = first; at < last; at++) shown.push(this.draw(at));
    fill(this.window, shown);
    const bottom = this.space.clientHeight - (last - first) * this.height;
    const top = this.#step === this.height ? first * this.height : Math.min(this.parent.scrollTop, bottom);
    this.window.style.transform = `translateY(${top}px)`;
  }

  get #fit() {
    return this.parent.clientHeight / this.height;
  }

  /** Pixels of scrolling for one row. */
  get #step() {
    return this.count * this.height <= MOST_PIXELS
      ? this.height
      : (MOST_PIXELS - this.parent.clientHeight) / (this.count - this.#fit);
  }

  #topOf(row) {
    return row * this.#step;
  }
}
return { Rows };
})();
const $story = (() => {
// The story: a sentence for each moment, in a list around the present one. A click goes there.

const { $, element } = $dom;
const { hueOf } = $colours;
const { NAMES } = $recording;
const { Replay } = $replay;
const { Rows } = $rows;
const { span } = $units;
const { nameOf, plain, sentence } = $words;

const HEIGHT = 28;

class Story {
  constructor(recording, go) {
    this.recording = recording;
    this.go = go;
    this.replay = new Replay(recording); // its own: rows are drawn without moving the stage
    this.rows = new Rows($("#story"), HEIGHT, (row) => this.#row(row));
  }

  draw(position, followed) {
    this.position = position;
    this.followed = followed;
    this.rows.show(this.recording.count, Math.max(0, position - 1));
  }

  /** What happened in the moment that led to a position. */
  sentenceAt(position) {
    return position ? sentence(this.recording, this.replay.at(position - 1)) : undefined;
  }

  textAt(position) {
    return plain(this.recording, this.sentenceAt(position));
  }

  #row(moment) {
    const { recording } = this,
      task = recording.task[moment];
    const pieces = this.sentenceAt(moment + 1),
      text = plain(recording, pieces);
    const row = element(
      "button",
      {
        type: "button",
        class: `row ${NAMES[recording.kind[moment]]}`,
        "data-moment": moment + 1,
        title: text,
        tabindex: "-1",
        onclick: () => this.go(moment + 1),
      },
      element("span", { class: "at" }, span(recording.time[moment])),
      element("span", { class: "dot" }),
      element("span", { class: "text" }, ...pieces.map((piece) => this.#piece(piece))),
    );
    if (task >= 0) row.style.setProperty("--hue", hueOf(task));
    row.classList.toggle("nobody", task < 0);
    row.classList.toggle("now", moment + 1 === this.position);
    row.classList.toggle("future", moment + 1 > this.position);
    row.classList.toggle("dim", this.followed !== undefined && task !== this.followed);
    if (moment + 1 === this.position) row.setAttribute("aria-current", "step");
    return row;
  }

  #piece(piece) {
    if (typeof piece === "string") return piece;
    return piece.code !== undefined
      ? element("code", {}, piece.code)
      : element("b", {}, nameOf(this.recording, piece.task));
  }
}
return { Story };
})();
const $axis = (() => {
// The strip's axis: where a position lies, in moments, in real time or on the kernel's clock; and what part is shown.

const CLOSEST = 8; // moments that are shown at least

class Axis {
  constructor(recording) {
    this.recording = recording;
    this.kind = "event";
    this.whole();
  }

  /** Where a position is, in the axis' own unit. */
  value(position) {
    if (this.kind === "event" || !this.recording.count) return position;
    const times = this.kind === "real" ? this.recording.time : this.recording.clock;
    return times[Math.min(Math.max(position - 1, 0), this.recording.count - 1)];
  }

  get ends() {
    return [this.value(0), Math.max(this.value(this.recording.count), this.value(0) + 1)];
  }

  choose(kind) {
    this.kind = kind;
    this.whole();
  }

  whole() {
    [this.from, this.to] = this.ends;
  }

  /** From 0 to 1, where it is shown. */
  share(value) {
    return (value - this.from) / (this.to - this.from);
  }

  /** The last position at a share of the width. */
  positionAt(share) {
    const value = this.from + share * (this.to - this.from);
    if (this.kind === "event") return Math.max(0, Math.min(this.recording.count, Math.round(value)));
    return nearest(value, this.recording.count, (position) => this.value(position));
  }

  /** Show more or less: below 1 is closer. What is at `share` stays there. */
  zoom(factor, share) {
    const [first, last] = this.ends;
    const smallest = this.kind === "event" ? Math.min(CLOSEST, last - first) : Math.min(1000, last - first);
    const width = Math.max(smallest, Math.min(last - first, (this.to - this.from) * factor));
    const fixed = this.from + share * (this.to - this.from);
    this.#show(fixed - share * width, width);
  }

  /** Move what is shown by a share of its width. */
  pan(share) {
    const width = this.to - this.from;
    this.#show(this.from + share * width, width);
  }

  /** See that a position is shown. */
  reach(position) {
    const share = this.share(this.value(position));
    if (share < 0.02 || share > 0.98) this.pan(share - 0.5);
  }

  #show(from, width) {
    const [first, last] = this.ends;
    this.from = Math.max(first, Math.min(last - width, from));
    this.to = this.from + width;
  }
}

/** The position whose value is nearest to the one that is wanted; values do not fall. */
function nearest(wanted, count, value) {
  let low = 0,
    high = count;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (value(middle) < wanted) low = middle + 1;
    else high = middle;
  }
  return low > 0 && wanted - value(low - 1) < value(low) - wanted ? low - 1 : low;
}

/** Round numbers between `from` and `to`, `most` at most. */
function ticks(from, to, most) {
  const rough = (to - from) / Math.max(1, most);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((times) => times * power).find((one) => one >= rough);
  const found = [];
  for (let at = Math.ceil(from / step) * step; at <= to; at += step) found.push(at);
  return found;
}
return { Axis, ticks };
})();
const $counts = (() => {
// How many tasks run, are ready, and are blocked after each moment: for a strip without room for a lane a task.

const { ASK, BLOCKED, EXIT, RESUME, SPAWN, WAKE, YIELDED } = $recording;

/** Columns by position, from 0 to the number of moments. */
function countsOf(recording) {
  const { count, kind: kinds, task: tasks, second } = recording;
  const running = new Int32Array(count + 1),
    ready = new Int32Array(count + 1),
    blocked = new Int32Array(count + 1);
  const where = new Uint8Array(recording.tasks.length); // 0: nowhere, or the column
  const columns = [undefined, running, ready, blocked];
  const now = [0, 0, 0, 0];
  for (let moment = 0; moment < count; moment++) {
    const task = tasks[moment];
    if (task >= 0) {
      const to = column(kinds[moment], second[moment]);
      now[where[task]]--;
      now[(where[task] = to)]++;
    }
    for (let at = 1; at < 4; at++) columns[at][moment + 1] = now[at];
  }
  return { running, ready, blocked };
}

function column(kind, outcome) {
  if (kind === EXIT) return 0;
  if (kind === RESUME) return 1;
  if (kind === SPAWN || kind === WAKE) return 2;
  return kind === ASK && outcome === BLOCKED ? 3 : outcome === YIELDED ? 2 : 1;
}
return { countsOf };
})();
const $strip = (() => {
// The strip of time: a lane for each task where they are few, and the number of tasks by state where they are many.

const { $, setText } = $dom;
const { Axis, ticks } = $axis;
const { colourOf } = $colours;
const { countsOf } = $counts;
const { ASK, BLOCKED, DEADLOCK, EXIT, RESUME, SPAWN, WAKE, YIELDED } = $recording;
const { clockTime, span } = $units;

const TOP = 18,
  BOTTOM = 17; // pixels for the ticks, and on a wide screen for the legend
const LOWEST_LANE = 4.5; // pixels of height that a lane needs
const LOWEST_NAME = 9; // and one with a name
const NAMES_WIDTH = 96;

class Strip {
  /** `go(position)` jumps; `textOf(position)` says what happened there. */
  constructor(recording, go, textOf) {
    this.recording = recording;
    this.go = go;
    this.textOf = textOf;
    this.tip = $("#tip");
    this.axis = new Axis(recording);
    this.counts = countsOf(recording);
    this.deadlocks = [];
    recording.kind.forEach((kind, moment) => kind === DEADLOCK && this.deadlocks.push(moment));
    this.parent = $("#strip");
    this.canvas = this.parent.querySelector("canvas");
    this.position = 0;
    this.stopped = new AbortController(); // of the listeners, when another kernel's strip takes the place
    this.pointers = new Map();
    this.#listen(this.stopped.signal);
    this.observer = new ResizeObserver(() => this.draw());
    this.observer.observe(this.parent);
  }

  stop() {
    this.stopped.abort();
    this.observer.disconnect();
  }

  show(position, followed, hits) {
    Object.assign(this, { position, followed, hits });
    this.axis.reach(position);
    this.parent.setAttribute("aria-valuemax", this.recording.count);
    this.parent.setAttribute("aria-valuenow", position);
    this.parent.setAttribute("aria-valuetext", `moment ${position} of ${this.recording.count}`);
    this.draw();
  }

  zoom(factor, share = this.axis.share(this.axis.value(this.position))) {
    this.axis.zoom(factor, Math.max(0, Math.min(1, share)));
    this.draw();
  }

  #listen(signal) {
    const canvas = this.canvas;
    canvas.addEventListener(
      "pointerdown",
      (event) => {
        canvas.setPointerCapture(event.pointerId);
        this.pointers.set(event.pointerId, event.clientX);
        if (this.pointers.size === 1) this.go(this.axis.positionAt(this.#share(event.clientX)), true);
      },
      { signal },
    );
    canvas.addEventListener("pointerleave", () => (this.tip.hidden = true), { signal });
    canvas.addEventListener(
      "pointermove",
      (event) => {
        this.#showTip(event);
        if (!this.pointers.has(event.pointerId)) return;
        const before = this.#spread();
        this.pointers.set(event.pointerId, event.clientX);
        if (this.pointers.size === 2) {
          const xs = [...this.pointers.values()];
          this.zoom(before / Math.max(10, this.#spread()), this.#share((xs[0] + xs[1]) / 2));
        } else {
          this.go(this.axis.positionAt(this.#share(event.clientX)), true);
        }
      },
      { signal },
    );
    for (const over of ["pointerup", "pointercancel"]) {
      canvas.addEventListener(over, (event) => this.pointers.delete(event.pointerId), { signal });
    }
    canvas.addEventListener(
      "wheel",
      (event) => {
        event.preventDefault();
        if (Math.abs(event.deltaX) > Math.abs(event.deltaY) || event.shiftKey) {
          this.axis.pan((event.deltaX || event.deltaY) / this.width);
          this.draw();
        } else {
          this.zoom(Math.exp(event.deltaY / 400), this.#share(event.clientX));
        }
      },
      { passive: false, signal },
    );
  }

  /** What happened where the mouse points. */
  #showTip(event) {
    const position = this.axis.positionAt(this.#share(event.clientX));
    this.tip.hidden = event.pointerType !== "mouse" || event.buttons !== 0 || !position;
    if (this.tip.hidden) return;
    setText(this.tip, `${position.toLocaleString("en")}: ${this.textOf(position)}`);
    const left = event.clientX - this.parent.getBoundingClientRect().left;
    this.tip.style.left = `${Math.max(0, Math.min(left + 12, this.parent.clientWidth - this.tip.offsetWidth - 8))}px`;
  }

  #spread() {
    const [one, other] = [...this.pointers.values()];
    return other === undefined ? 1 : Math.max(10, Math.abs(one - other));
  }

  #share(x) {
    return Math.max(0, Math.min(1, (x - this.canvas.getBoundingClientRect().left - this.left) / this.width));
  }

  #x(value) {
    return this.left + this.axis.share(value) * this.width;
  }

  draw() {
    const { canvas, parent } = this,
      scale = devicePixelRatio || 1;
    const wide = parent.clientWidth,
      high = parent.clientHeight;
    const room = high - TOP - (wide > 600 ? BOTTOM : 2);
    if (!wide || !high) return;
    canvas.width = wide * scale;
    canvas.height = high * scale;
    this.left = wide > 600 ? NAMES_WIDTH : 8;
    this.width = wide - this.left - 8;
    this.style = getComputedStyle(document.body);
    this.dark = document.documentElement.dataset.theme === "dark";
    this.pen = canvas.getContext("2d");
    this.pen.setTransform(scale, 0, 0, scale, 0, 0);
    this.pen.clearRect(0, 0, wide, high);
    this.#drawTicks(high);
    const shown = this.#tasksShown(Math.floor(room / LOWEST_LANE));
    if (shown) this.#drawLanes(shown, room);
    else this.#drawCounts(high);
    this.parent.dataset.shows = shown ? "lanes" : "counts";
    this.#drawMarks(high);
    this.#drawCursor(high);
  }

  #colour(name) {
    return this.style.getPropertyValue(`--${name}`);
  }

  #drawTicks(high) {
    const { pen, axis } = this;
    pen.font = "11px system-ui, sans-serif";
    pen.textBaseline = "top";
    for (const at of ticks(axis.from, axis.to, this.width / 110)) {
      const x = Math.round(this.#x(at)) + 0.5;
      pen.fillStyle = this.#colour("line");
      pen.fillRect(x, TOP - 4, 1, high - TOP);
      pen.fillStyle = this.#colour("faint");
      if (x > this.left + this.width - 40) continue; // the word would be cut
      pen.fillText(
        axis.kind === "event" ? at.toLocaleString("en") : axis.kind === "real" ? span(at) : clockTime(at),
        x + 3,
        2,
      );
    }
  }

  get #range() {
    const { axis } = this;
    return [Math.max(0, axis.positionAt(0) - 1), Math.min(this.recording.count, axis.positionAt(1) + 1)];
  }

  /** The tasks of which something happens in what is shown, or undefined if they are too many. */
  #tasksShown(most) {
    const { recording } = this;
    if (recording.tasks.length <= most) return recording.tasks.map((_, task) => task);
    const [from, to] = this.#range,
      seen = new Set(this.followed === undefined ? [] : [this.followed]);
    for (let moment = from; moment < to && seen.size <= most; moment++) {
      if (recording.task[moment] >= 0) seen.add(recording.task[moment]);
    }
    return seen.size > most ? undefined : [...seen].sort((one, other) => one - other);
  }

  #drawLanes(tasks, room) {
    const { pen } = this;
    const lane = Math.min(22, room / Math.max(1, tasks.length));
    tasks.forEach((task, place) => {
      const middle = TOP + lane * (place + 0.5);
      pen.globalAlpha = this.followed === undefined || this.followed === task ? 1 : 0.3;
      this.#drawLane(task, middle, Math.min(12, lane - 2));
      if (this.left === NAMES_WIDTH && lane >= LOWEST_NAME) {
        pen.globalAlpha = 1;
        pen.fillStyle = this.#colour("ink");
        pen.textBaseline = "middle";
        pen.fillText(cut(pen, this.recording.tasks[task].name, NAMES_WIDTH - 12), 6, middle);
      }
    });
    pen.globalAlpha = 1;
  }

  /** Thick: it runs. Of middle height: it is ready. A line: it is blocked. */
  #drawLane(task, middle, height) {
    const { pen, axis, recording } = this,
      mine = recording.momentsOf(task);
    const colour = colourOf(task, this.dark),
      light = colourOf(task, this.dark, 0.35);
    let until = -Infinity,
      ran = -Infinity; // several moments in one pixel are drawn once; but no run gets lost
    for (let place = 0; place < mine.length; place++) {
      const moment = mine[place];
      const next = place + 1 < mine.length ? mine[place + 1] + 1 : recording.count;
      const x = this.#x(axis.value(moment + 1)),
        end = this.#x(axis.value(next));
      if (end < this.left || x > this.left + this.width || (end < until + 0.25 && x < ran + 1)) continue;
      const what = looks(recording, moment);
      if (end < until + 0.25 && what !== "runs") continue;
      until = end;
      if (!what) {
        if (recording.kind[moment] === EXIT && x >= this.left)
          this.#drawEnd(recording.first[moment], x, middle, height, colour);
        continue;
      }
      const size = what === "runs" ? height : what === "ready" ? height * 0.5 : 1.5;
      pen.fillStyle = what === "ready" ? light : colour;
      const from = Math.max(x, this.left);
      if (what === "runs") ran = from;
      pen.fillRect(
        from,
        middle - size / 2,
        Math.max(what === "runs" ? 1.5 : 1, Math.min(end, this.left + this.width) - from),
        size,
      );
    }
  }

  #drawEnd(how, x, middle, height, colour) {
    const { pen } = this,
      radius = Math.max(2.5, height / 3);
    pen.fillStyle = pen.strokeStyle = colour;
    pen.lineWidth = 1.5;
    pen.beginPath();
    if (how === 0) pen.arc(x, middle, radius, 0, 7);
    else {
      pen.moveTo(x - radius, middle - radius);
      pen.lineTo(x + radius, middle + radius);
      pen.moveTo(x - radius, middle + radius);
      pen.lineTo(x + radius, middle - radius);
    }
    if (how === 0) pen.fill();
    else pen.stroke();
  }

  /** For each pixel: how many tasks are blocked, ready and running, one on top of the other. */
  #drawCounts(high) {
    const { pen, axis, counts } = this,
      [from, to] = this.#range;
    let most = 1;
    for (let at = from; at <= to; at++)
      most = Math.max(most, counts.blocked[at] + counts.ready[at] + counts.running[at]);
    const unit = (high - TOP - 2) / most;
    for (let x = 0; x < this.width; x++) {
      const at = axis.positionAt(x / this.width);
      let bottom = high;
      for (const name of ["blocked", "ready", "running"]) {
        const size = counts[name][at] * unit;
        pen.fillStyle = this.#colour(`${name}-area`);
        pen.fillRect(this.left + x, bottom - size, 1, size);
        bottom -= size;
      }
    }
    if (this.left === NAMES_WIDTH) {
      pen.textBaseline = "middle";
      ["running", "ready", "blocked"].forEach((name, place) => {
        pen.fillStyle = this.#colour(`${name}-area`);
        pen.fillRect(6, TOP + 8 + place * 18, 10, 10);
        pen.fillStyle = this.#colour("ink");
        pen.fillText(name, 22, TOP + 13 + place * 18);
      });
      pen.fillStyle = this.#colour("faint");
      pen.fillText(`up to ${most.toLocaleString("en")}`, 6, TOP + 13 + 54);
    }
  }

  /** Deadlocks, and the hits of a search. */
  #drawMarks(high) {
    const { pen, axis } = this;
    pen.fillStyle = this.#colour("mark");
    let last = -Infinity;
    for (const moment of this.hits ?? []) {
      const x = this.#x(axis.value(moment + 1));
      if (x < this.left || x > this.left + this.width || x < last + 1) continue;
      pen.fillRect(x - 1, TOP - 6, 2, 6);
      last = x;
    }
    pen.fillStyle = this.#colour("alarm");
    for (const moment of this.deadlocks) pen.fillRect(this.#x(axis.value(moment + 1)) - 1, TOP - 6, 2, high);
  }

  #drawCursor(high) {
    const { pen } = this,
      x = this.#x(this.axis.value(this.position));
    pen.fillStyle = this.#colour("ink");
    pen.fillRect(x - 0.75, TOP - 8, 1.5, high);
    pen.beginPath();
    pen.moveTo(x - 5, TOP - 12);
    pen.lineTo(x + 5, TOP - 12);
    pen.lineTo(x, TOP - 4);
    pen.fill();
  }
}

/** What a task does after one of its moments. */
function looks(recording, moment) {
  const outcome = recording.second[moment];
  switch (recording.kind[moment]) {
    case SPAWN:
    case WAKE:
      return "ready";
    case RESUME:
      return "runs";
    case ASK:
      return outcome === BLOCKED ? "blocked" : outcome === YIELDED ? "ready" : "runs";
    default:
      return undefined;
  }
}

function cut(pen, text, width) {
  if (pen.measureText(text).width <= width) return text;
  let length = text.length;
  while (length > 1 && pen.measureText(text.slice(0, length) + "…").width > width) length--;
  return text.slice(0, length) + "…";
}
return { Strip };
})();
const $causes = (() => {
// "Why is it waiting?": the chain of causes from a task to what it waits for in the end, and who ended its last wait.

const { blocks, ownersOf, waitOf } = $waits;
const { RESUME, SPAWN, WAKE } = $recording;
const { DONE, READY, RUNNING, WAITING, ABSENT } = $replay;
const { endingOf } = $scene;
const { joined, plural, span } = $units;
const { causeOf, standing } = $words;

const LONGEST = 64; // links of a chain
const ENDINGS = { returned: "it returned", failed: "it failed", cancelled: "it was cancelled" };

/** The chain: a list of sentences, in pieces. The last link says what has to happen, or that the circle is closed. */
function chainOf(recording, state, task) {
  const links = [],
    seen = new Set();
  for (let at = task; links.length < LONGEST;) {
    if (seen.has(at)) {
      links.push({
        pieces: [{ task: at }, " waits itself: the circle is closed, and none of them can go on."],
        circle: true,
      });
      break;
    }
    seen.add(at);
    const [pieces, next] = link(recording, state, at);
    links.push({ pieces });
    if (next === undefined) return links;
    at = next;
  }
  if (links.length === LONGEST) links.push({ pieces: ["And so on: the chain is longer."] });
  return links;
}

/** What keeps one task, and the task that keeps it. */
function link(recording, state, task) {
  const it = { task };
  switch (state.of(task)) {
    case ABSENT:
      return [[it, " has not been made yet."]];
    case RUNNING:
      return [[it, " runs: it waits for nothing."]];
    case DONE:
      return [[it, ` is done: ${ENDINGS[endingOf(recording, state, task).word]}.`]];
    case READY: {
      const ahead = state.ready.indexOf(task);
      return [
        [
          it,
          ahead > 0
            ? ` can run: ${plural(ahead, "task")} ${ahead === 1 ? "is" : "are"} before it in the ready queue.`
            : " can run: it is next in the ready queue.",
        ],
      ];
    }
    case WAITING:
      return blockedLink(recording, state, waitOf(recording, state, task));
  }
  return [[it, " waits."]];
}

function blockedLink(recording, state, { task, thing, tasks, deadline, descriptor, request }) {
  const it = { task },
    code = { code: request.text };
  const open = tasks.filter((other) => state.of(other) !== DONE);
  if (thing) {
    const label = recording.things.get(thing)?.label ?? "a thing";
    const owners = ownersOf(recording, state, thing);
    if (owners.length)
      return [
        [
          it,
          ` waits for ${label}, which `,
          ...joined(owners.map((one) => ({ task: one }))),
          ` ${owners.length === 1 ? "holds" : "hold"}: `,
          code,
          ".",
        ],
        owners[0],
      ];
    const stands = state.thing(thing);
    return [
      [
        it,
        ` waits at ${label}: `,
        code,
        ". ",
        ...(stands ? [...capital(standing(recording, stands)), ". "] : []),
        "Another task has to change that.",
      ],
    ];
  }
  if (open.length)
    return [
      [
        it,
        " waits for ",
        ...joined(open.slice(0, 3).map((one) => ({ task: one }))),
        ...(open.length > 3 ? [` and ${open.length - 3} more`] : []),
        ": ",
        code,
        ".",
      ],
      open[0],
    ];
  if (deadline)
    return [
      [
        it,
        ` waits until the clock shows ${recording.clockText(deadline)}, `,
        `in ${span(Math.max(0, deadline - state.now))}: `,
        code,
        ".",
      ],
    ];
  if (descriptor !== undefined)
    return [[it, ` waits for descriptor ${descriptor}: `, code, ". The other side has to act."]];
  return [[it, " waits for ", code, "."]];
}

function capital([first, ...rest]) {
  return [typeof first === "string" ? first[0].toUpperCase() + first.slice(1) : first, ...rest];
}

/** The last wait of a task that is over: what it was, how long it took, who ended it and when; or undefined. */
function lastWaitOf(recording, state, task) {
  const mine = recording.momentsOf(task);
  let woken = -1;
  for (let place = mine.length - 1; place >= 0; place--) {
    const moment = mine[place];
    if (moment >= state.position) continue;
    if (woken < 0 && recording.kind[moment] === WAKE) woken = moment;
    else if (woken >= 0 && blocks(recording, moment)) {
      return {
        moment: woken,
        pieces: [
          "Its last wait was ",
          { code: recording.request(recording.first[moment]).text },
          ". It took ",
          span(recording.clock[woken] - recording.clock[moment]),
          ". ",
          ...causeOf(recording, woken),
          " ended it.",
        ],
      };
    } else if (woken >= 0 && (recording.kind[moment] === SPAWN || recording.kind[moment] === RESUME)) return undefined;
  }
  return undefined;
}
return { chainOf, lastWaitOf };
})();
const $tasks = (() => {
// The tasks panel: a list of tasks, or one of them: what it does, why it waits, where it is.

const { $, element, fill } = $dom;
const { chainOf, lastWaitOf } = $causes;
const { hueOf } = $colours;
const { baseName } = $source;
const { framesOf } = $place;
const { ABSENT, DONE, READY, WAITING } = $replay;
const { endingOf } = $scene;
const { Rows } = $rows;
const { plural, span } = $units;
const { waitOf } = $waits;

const QUESTIONS = { [WAITING]: "Why is it waiting?", [READY]: "Why does it not run?" };

class Tasks {
  /** `page` has `choose(task)`, `follow(task)` and `go(position)`. */
  constructor(recording, boxes, page) {
    this.recording = recording;
    this.boxes = boxes;
    this.page = page;
    this.listed = undefined; // a title and tasks; without it all tasks there are
    this.list = element("div", { class: "rows", tabindex: "0" });
    this.heading = element("p", { class: "heading" });
    fill($("#tasks"), [this.heading, this.list]);
    this.rows = new Rows(this.list, 28, (row) => this.#row(this.shown[row]));
  }

  /** List these tasks, until another is chosen. */
  show(title, tasks) {
    this.listed = { title, tasks: [...tasks] };
  }

  draw(state, task) {
    this.state = state;
    if (task === undefined) this.#drawList(state);
    else this.#drawTask(state, task);
  }

  #drawList(state) {
    const { recording } = this;
    this.shown =
      this.listed?.tasks ?? recording.tasks.map((_, task) => task).filter((task) => state.of(task) !== ABSENT);
    const title = this.listed
      ? `${this.listed.title}: ${plural(this.shown.length, "task")}. `
      : `${plural(this.shown.length, "task")} so far. `;
    fill(this.heading, [
      title,
      ...(this.listed
        ? [
            element(
              "button",
              {
                type: "button",
                onclick: () => {
                  this.listed = undefined;
                  this.draw(this.state);
                },
              },
              "all tasks",
            ),
          ]
        : ["Choose one, here or on the stage."]),
    ]);
    fill($("#tasks"), [this.heading, this.list]);
    this.rows.show(this.shown.length);
  }

  #row(task) {
    const what = this.state.of(task);
    return element(
      "button",
      {
        type: "button",
        class: "row",
        "data-listed": this.recording.tasks[task].task,
        style: { "--hue": hueOf(task) },
        onclick: () => this.page.choose(task),
      },
      element("span", { class: "at" }, String(this.recording.tasks[task].number)),
      element("span", { class: "dot" }),
      element("span", { class: "text" }, this.recording.tasks[task].name),
      element("span", { class: "does" }, this.#does(task, what)),
    );
  }

  #does(task, what) {
    if (what === WAITING) return waitOf(this.recording, this.state, task).request.text;
    if (what === DONE) return endingOf(this.recording, this.state, task).word;
    return what;
  }

  #drawTask(state, task) {
    const { recording, page } = this,
      { name, number, daemon, host } = recording.tasks[task];
    const last = lastWaitOf(recording, state, task);
    const frames = framesOf(recording, state, task);
    const since = state.last[task] < 0 ? "" : ` since ${span(recording.time[state.last[task]])}`;
    const mine = recording.momentsOf(task).length;
    fill($("#tasks"), [
      element(
        "div",
        { class: "one", "data-shown": recording.tasks[task].task, style: { "--hue": hueOf(task) } },
        element(
          "p",
          { class: "heading" },
          element("button", { type: "button", onclick: () => page.choose(undefined) }, "‹ all tasks"),
          element("button", { type: "button", onclick: () => page.follow(task) }, "Follow it"),
        ),
        element(
          "h3",
          {},
          element("span", { class: "dot" }),
          name,
          element("small", {}, ` task ${number}${daemon ? ", a daemon" : ""}${host ? `, on host ${recording.hostName(host)}` : ""}`),
        ),
        element(
          "p",
          {},
          element("b", {}, state.of(task) === ABSENT ? "not made yet" : state.of(task)),
          since,
          `. ${plural(mine, "moment")} in all.`,
        ),
        element("h4", {}, QUESTIONS[state.of(task)] ?? "What does it do?"),
        element(
          "ol",
          { id: "chain" },
          ...chainOf(recording, state, task).map(({ pieces, circle }) =>
            element("li", { class: circle ? "alarm" : "" }, ...this.boxes.pieces(pieces)),
          ),
        ),
        ...(last
          ? [
              element(
                "p",
                { id: "last-wait" },
                ...this.boxes.pieces(last.pieces),
                " ",
                element(
                  "button",
                  { type: "button", class: "link", onclick: () => page.go(last.moment + 1) },
                  "Go there",
                ),
              ),
            ]
          : []),
        ...(frames.length && state.of(task) !== ABSENT
          ? [
              element("h4", {}, "Where it is"),
              element(
                "ol",
                { class: "frames" },
                ...frames.map(([file, line, where]) =>
                  element("li", {}, element("code", {}, `${baseName(file)}:${line}`), ` in ${where}`),
                ),
              ),
            ]
          : []),
      ),
    ]);
  }
}
return { Tasks };
})();
const $circle = (() => {
// A circle of tasks, each of which waits for the next, as a drawn circle.

const { element } = $dom;
const { hueOf } = $colours;
const { plural } = $units;
const { waitOf } = $waits;

const MOST = 10; // tasks that are drawn around; a larger circle is a chain of words
const MOST_WORDS = 20; // links of the chain
const RADIUS = 50,
  WIDE = 420,
  HIGH = 132;

function circlePicture(recording, state, circle, boxes) {
  const links = circle
    .slice(0, MOST_WORDS)
    .map((task, place) =>
      element(
        "li",
        {},
        ...boxes.pieces([
          { task },
          " waits for ",
          ...waited(recording, state, task),
          { task: circle[(place + 1) % circle.length] },
        ]),
      ),
    );
  if (circle.length > MOST_WORDS)
    links.push(element("li", {}, `and so on, through ${plural(circle.length, "task")}, back to the first`));
  const words = element("ol", { class: "chain" }, ...links);
  if (circle.length > MOST) return element("div", { class: "ring" }, words);
  return element("div", { class: "ring" }, drawing(recording, circle), words);
}

function waited(recording, state, task) {
  const wait = waitOf(recording, state, task);
  return wait?.thing ? [`${wait.title}, held by `] : [];
}

function drawing(recording, circle) {
  const picture = svg("svg", {
    viewBox: `0 0 ${WIDE} ${HIGH}`,
    role: "img",
    "aria-label": "A circle of tasks that wait for each other",
  });
  const at = circle.map((_, place) => {
    const angle = (place / circle.length) * 2 * Math.PI - Math.PI / 2 + (circle.length === 2 ? -Math.PI / 2 : 0);
    return [WIDE / 2 + Math.cos(angle) * RADIUS * 2.2, HIGH / 2 + Math.sin(angle) * RADIUS, angle];
  });
  const around = (2 * Math.PI) / circle.length;
  at.forEach(([, , angle]) => {
    const gap = Math.min(0.45, around / 4),
      from = angle + gap,
      to = angle + around - gap;
    const [x1, y1] = point(from),
      [x2, y2] = point(to);
    picture.append(
      svg("path", {
        class: "way",
        d: `M${x1} ${y1} A${RADIUS * 2.2} ${RADIUS} 0 ${around - 2 * gap > Math.PI ? 1 : 0} 1 ${x2} ${y2}`,
      }),
    );
    const [hx, hy] = point(to - 0.16);
    const turn = (Math.atan2(y2 - hy, x2 - hx) * 180) / Math.PI;
    picture.append(
      svg("path", { class: "head", d: "M-8 -5 L0 0 L-8 5 Z", transform: `translate(${x2} ${y2}) rotate(${turn})` }),
    );
  });
  at.forEach(([x, y], place) => {
    const { name, number } = recording.tasks[circle[place]];
    const node = svg("g", { transform: `translate(${x} ${y})` });
    node.style.setProperty("--hue", hueOf(circle[place]));
    const text = svg("text", { y: 4 });
    text.textContent = `${number} ${name.length > 12 ? `${name.slice(0, 11)}…` : name}`;
    node.append(svg("rect", { class: "node", x: -54, y: -14, width: 108, height: 28, rx: 8 }), text);
    picture.append(node);
  });
  return picture;
}

function point(angle) {
  return [WIDE / 2 + Math.cos(angle) * RADIUS * 2.2, HIGH / 2 + Math.sin(angle) * RADIUS].map(
    (one) => Math.round(one * 10) / 10,
  );
}

function svg(tag, attributes) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  return made;
}
return { circlePicture };
})();
const $main = (() => {
// The page: it holds what is shown, and tells each part to draw itself.

const { $, element, fill, setText } = $dom;
const { Boxes } = $boxes;
const { listenToControls } = $controls;
const { fillHeader } = $header;
const { fillHelp, listenToKeys } = $keys;
const { subjectOf } = $place;
const { Player, SPEEDS } = $player;
const { busiestKernel, DEADLOCK, Recording } = $recording;
const { Replay, WAITING } = $replay;
const { search } = $search;
const { Source } = $source;
const { Stage } = $stage;
const { Story } = $story;
const { Strip } = $strip;
const { Tasks } = $tasks;
const { clockTime, span } = $units;
const { plain } = $words;
const { circlePicture } = $circle;

const LONG = 120; // characters of a sentence that are shown in a smaller size
const MOST_FOLLOWED = 500; // tasks in the list of those that can be followed

class Page {
  constructor(data) {
    this.data = data;
    this.selected = undefined; // a task, of which the panel tells
    this.hits = [];
    this.side = "story";
    fillHelp();
    fillHeader(data);
    listenToControls(this);
    listenToKeys(this);
    this.#readHash();
    window.addEventListener("hashchange", () => this.#readHash());
  }

  /** Show another kernel of the recording. */
  open(kernel) {
    this.strip?.stop();
    this.story?.rows.stop();
    this.tasks?.rows.stop();
    this.recording = new Recording(this.data, kernel);
    const { recording } = this;
    this.replay = new Replay(recording);
    this.boxes = new Boxes(recording, (task) => this.choose(task));
    this.stage = new Stage(recording, this.boxes, (title, tasks) => this.#listTasks(title, tasks));
    this.source = new Source(recording, (task) => this.choose(task));
    this.story = new Story(recording, (position) => this.#jump(position));
    this.strip = new Strip(
      recording,
      (position) => this.#jump(position),
      (position) => this.story.textAt(position),
    );
    this.tasks = new Tasks(recording, this.boxes, {
      choose: (task) => this.choose(task),
      follow: (task) => this.followTask(task),
      go: (position) => this.#jump(position),
    });
    const speed = this.player?.speed ?? 1;
    this.player?.stop();
    this.player = new Player(
      recording,
      (position, playing) => this.draw(position, playing),
      () => this.drawPlaying(),
    );
    this.player.speed = speed;
    const real = recording.kernel.clock === "real";
    $('#axis [value="kernel"]').hidden = $('#axis [value="kernel"]').disabled = real; // it shows the same
    $("#axis").value = "event";
    this.selected = undefined;
    this.drawn = 0;
    fill($("#follow"), [
      element("option", { value: "" }, "all tasks"),
      ...recording.tasks
        .slice(0, MOST_FOLLOWED)
        .map((task, place) => element("option", { value: place }, `${task.number} ${task.name}`)),
    ]);
    this.find();
  }

  draw(position, playing = false) {
    const { recording } = this,
      state = this.replay.at(position);
    const far = Math.abs(position - this.drawn) > 1;
    const longest = this.dragging ? 0 : playing ? Math.min(420, 700 / this.player.speed) : far ? 250 : 420;
    const scene = this.stage.draw(state, longest < 40 ? 0 : longest);
    this.drawn = position;
    this.source.draw(state, this.selected);
    if (this.side === "story") this.story.draw(position, this.player.followed);
    else this.tasks.draw(state, this.selected);
    this.strip.show(position, this.player.followed, this.hits);
    this.#drawCaption(position);
    this.#drawAlarm(state, scene);
    const at = position ? recording.time[position - 1] : 0;
    const clock = recording.kernel.clock === "real" ? "" : ` · clock ${clockTime(state.now)}`;
    setText(
      $("#position"),
      `${position.toLocaleString("en")} of ${recording.count.toLocaleString("en")} · ${span(at)}${clock}`,
    );
    document.body.dataset.position = position;
    this.#drawMarks(state);
    this.#writeHash(position);
  }

  /** Dim the others of a task that is followed, and mark the one that is chosen. */
  #drawMarks(state) {
    const { followed } = this.player;
    const subject = subjectOf(this.recording, state);
    for (const [task, box] of this.boxes.boxes) {
      box.classList.toggle("dim", followed !== undefined && task !== followed);
      box.classList.toggle("chosen", task === this.selected);
      box.classList.toggle("subject", task === subject);
    }
    $("#follow").value = followed === undefined ? "" : String(followed);
  }

  #drawCaption(position) {
    const pieces = this.story.sentenceAt(position);
    const shown = pieces
      ? this.boxes.pieces(pieces)
      : [
          this.recording.count
            ? `This is a recording of ${this.data.title}. Press play, or the right arrow key for one moment.`
            : "Nothing was recorded: no task ran while the recording went on.",
        ];
    fill($("#caption"), shown);
    $("#caption").classList.toggle("long", $("#caption").textContent.length > LONG);
  }

  #drawAlarm(state, scene) {
    const alarm = $("#alarm"),
      moment = state.position - 1;
    const deadlock = this.recording.kind[moment] === DEADLOCK;
    alarm.hidden = !deadlock && !scene.circles.length;
    if (alarm.hidden) return;
    const said = scene.circles.length
      ? "These tasks wait for each other in a circle. None of them can go on."
      : "Deadlock: nothing can ever wake the tasks that are blocked.";
    fill(alarm, [
      element("p", {}, element("b", {}, "Deadlock "), said.replace(/^Deadlock: /, "")),
      ...scene.circles.slice(0, 2).map((circle) => circlePicture(this.recording, state, circle, this.boxes)),
    ]);
  }

  drawPlaying() {
    for (const [id, direction] of [
      ["play", 1],
      ["play-back", -1],
    ]) {
      const plays = this.player.direction === direction;
      $(`#${id}`).setAttribute("aria-pressed", plays);
      $(`#${id}`).setAttribute("aria-label", plays ? "Pause" : direction > 0 ? "Play" : "Play backwards");
    }
    // A screen reader could not keep up.
    $("#caption").setAttribute("aria-live", this.player.direction && this.player.speed > 1 ? "off" : "polite");
  }

  // What can be done, by button and by key.

  on() {
    this.player.step(1);
  }
  back() {
    this.player.step(-1);
  }
  tenOn() {
    this.player.step(10);
  }
  tenBack() {
    this.player.step(-10);
  }
  first() {
    this.#jump(0);
  }
  last() {
    this.#jump(this.recording.count);
  }
  play() {
    this.player.play(this.player.direction ? this.player.direction : 1);
  }
  playBack() {
    this.player.play(this.player.direction ? this.player.direction : -1);
  }
  faster() {
    this.#speed(1);
  }
  slower() {
    this.#speed(-1);
  }
  closer() {
    this.strip.zoom(0.6);
  }
  wider() {
    this.strip.zoom(1 / 0.6);
  }
  search() {
    $("#query").focus();
    $("#query").select();
  }
  nextHit() {
    this.#hit(1);
  }
  previousHit() {
    this.#hit(-1);
  }

  whole() {
    this.strip.axis.whole();
    this.strip.draw();
  }

  setSpeed(speed) {
    this.player.speed = speed;
    $("#speed").value = speed;
    this.drawPlaying();
  }

  openKernel(kernel) {
    this.open(kernel);
    this.draw(0);
  }

  axis() {
    const kinds = this.recording.kernel.clock === "real" ? ["event", "real"] : ["event", "real", "kernel"];
    $("#axis").value = kinds[(kinds.indexOf($("#axis").value) + 1) % kinds.length];
    this.chooseAxis();
  }

  follow() {
    const task = this.selected ?? subjectOf(this.recording, this.replay.at(this.player.position));
    this.followTask(this.player.followed === undefined ? task : undefined);
  }

  followTask(task) {
    this.player.followed = task;
    this.draw(this.player.position);
  }

  why() {
    const task = this.selected ?? this.player.followed ?? this.#whoWaits();
    if (task !== undefined) this.choose(task);
  }

  /** The task of this moment if it waits, else the first that does. */
  #whoWaits() {
    const state = this.replay.at(this.player.position),
      subject = subjectOf(this.recording, state);
    if (subject !== undefined && state.of(subject) === WAITING) return subject;
    const waiting = this.recording.tasks.findIndex((_, task) => state.of(task) === WAITING);
    return waiting >= 0 ? waiting : subject;
  }

  choose(task) {
    this.selected = task;
    this.showSide("tasks");
  }

  theme() {
    const root = document.documentElement;
    root.dataset.theme = root.dataset.theme === "dark" ? "light" : "dark";
    this.strip.draw();
  }

  help() {
    const help = $("#help");
    if (help.open) help.close();
    else help.showModal();
  }

  escape() {
    if (document.activeElement === $("#query")) {
      $("#query").value = "";
      $("#query").blur();
      this.find();
    } else if (this.selected !== undefined) {
      this.selected = undefined;
      this.showSide("story");
    } else {
      this.followTask(undefined);
    }
  }

  #listTasks(title, tasks) {
    this.tasks.show(title, tasks);
    this.selected = undefined;
    this.showSide("tasks");
  }

  showSide(side) {
    this.side = side;
    document
      .querySelectorAll("[data-side]")
      .forEach((one) => one.setAttribute("aria-pressed", one.dataset.side === side));
    $("#story").hidden = side !== "story";
    $("#tasks").hidden = side !== "tasks";
    setText(
      $("#side-about"),
      side === "story" ? "what happened, moment by moment" : "what each does, and why it waits",
    );
    if (document.body.dataset.tab !== "stage" || side === "tasks") this.#markTab(side);
    this.draw(this.player.position);
  }

  /** On a narrow screen, one part at a time is shown. */
  showTab(tab) {
    this.#markTab(tab);
    if (tab === "story" || tab === "tasks") this.showSide(tab);
    else this.draw(this.player.position);
  }

  #markTab(tab) {
    document.body.dataset.tab = tab;
    document
      .querySelectorAll("#tabs button")
      .forEach((one) => one.setAttribute("aria-pressed", one.dataset.tab === tab));
  }

  #jump(position) {
    this.player.stop();
    this.player.go(position);
  }

  #speed(change) {
    const place = SPEEDS.indexOf(this.player.speed) + change;
    if (place < 0 || place >= SPEEDS.length) return;
    this.setSpeed(SPEEDS[place]);
  }

  chooseAxis() {
    this.strip.axis.choose($("#axis").value);
    this.strip.show(this.player.position, this.player.followed, this.hits);
  }

  find() {
    this.hits = search(this.recording, $("#query").value);
    const { length } = this.hits;
    setText($("#hits"), $("#query").value.trim() ? (length ? `${length.toLocaleString("en")}` : "nothing") : "");
    this.strip.show(this.player.position, this.player.followed, this.hits);
  }

  #hit(direction) {
    const { position } = this.player,
      { hits } = this;
    if (!hits.length) return;
    const later = hits.findIndex((moment) => moment + 1 > position);
    const earlier = hits.findLastIndex((moment) => moment + 1 < position);
    const place = direction > 0 ? (later < 0 ? 0 : later) : earlier < 0 ? hits.length - 1 : earlier;
    this.#jump(hits[place] + 1);
    setText($("#hits"), `${(place + 1).toLocaleString("en")} of ${hits.length.toLocaleString("en")}`);
  }

  // The address says what is shown: #m=123, and &k=2 for the second kernel.

  #readHash() {
    const wanted = new URLSearchParams(location.hash.slice(1));
    const kernel = Number(wanted.get("k")) || busiestKernel(this.data);
    if (!this.recording || (wanted.has("k") && kernel !== this.recording.kernel.kernel)) this.open(kernel);
    $("#kernel").value = this.recording.kernel.kernel;
    const position = Math.floor(Number(wanted.get("m")));
    const valid =
      position >= 0 && position <= this.recording.count ? position : position > 0 ? this.recording.count : 0;
    if (document.body.dataset.position !== String(valid) || !wanted.has("m")) this.#jump(valid);
  }

  #writeHash(position) {
    const kernel = this.data.kernels.length > 1 ? `&k=${this.recording.kernel.kernel}` : "";
    const hash = `#m=${position}${kernel}`;
    clearTimeout(this.hashing); // browsers refuse more than some hundred changes in a while
    this.hashing = setTimeout(
      () => {
        try {
          history.replaceState(null, "", hash);
        } catch (error) {
          console.info(`The address stays as it is: ${error.message}`); // of a frame that may not change it
        }
      },
      this.player.direction ? 400 : 60,
    );
  }
}

document.documentElement.dataset.theme = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
new Page(JSON.parse($("#recording").textContent));
return {  };
})();

// The stage: the ready queue, the trampoline, what tasks are blocked on, and those that are done.

import { $, element, fill, setText } from "./dom.mjs";
import { hueOf } from "./colours.mjs";
import { Network } from "./network.mjs";
import { ASK, RESUME } from "./recording.mjs";
import { DONE } from "./replay.mjs";
import { endingOf, lastingPlaces, sceneOf } from "./scene.mjs";
import { plural, span } from "./units.mjs";
import { aboutThing } from "./words.mjs";

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

export class Stage {
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

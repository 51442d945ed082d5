// The stage: the ready queue, the trampoline, what tasks are blocked on, and those that are done.

import { $, element, fill, setText } from "./dom.mjs";
import { ASK, BLOCKED, CAME_TO_END, RESUME } from "./recording.mjs";
import { endingOf, sceneOf } from "./scene.mjs";
import { clockTime, plural, span } from "./units.mjs";
import { nameOf } from "./words.mjs";

const MOST = { ready: 14, group: 6, timers: 8, done: 12, groups: 12, items: 8 }; // that are shown; the rest is a number

export class Stage {
  constructor(recording, boxes, more) {
    this.recording = recording;
    this.boxes = boxes;
    this.more = more; // called with a title and tasks, to list them all
    this.groups = new Map(); // elements by key
  }

  draw(state, duration) {
    const scene = sceneOf(this.recording, state);
    this.boxes.move(() => {
      this.#drawQueue(state, scene);
      this.#drawRunning(state, scene);
      this.#drawBlocked(state, scene);
      this.#drawDone(state, scene);
    }, duration);
    return scene;
  }

  #fold(tasks, most, title, draw) {
    const shown = tasks.slice(0, tasks.length > most + 1 ? most : tasks.length).map(draw);
    const left = tasks.length - shown.length;
    if (left > 0) {
      shown.push(element("button", { type: "button", class: "more", "data-more": left, title: "List them all",
                                     onclick: () => this.more(title, tasks) }, `+ ${left.toLocaleString("en")} more`));
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
    const { recording } = this, moment = state.position - 1;
    const now = recording.kind[moment];
    const last = running.length ? state.last[running[running.length - 1]] : now === ASK ? moment : -1;
    const asks = last >= 0 && recording.kind[last] === ASK;
    const resumed = last < 0 ? -1 : asks ? this.#resumeBefore(last) : last;
    show($("#sent"), now === RESUME, this.#answer(resumed));
    show($("#asked"), now === ASK, asks ? this.#request(last) : "");
    $("#running").classList.toggle("occupied", running.length > 0);
    const boxes = this.#fold(running.slice().reverse(), 3, "Running", (task) => this.boxes.box(task));
    if (!boxes.length) boxes.push(element("span", { class: "empty" }, state.position ? "nobody" : "the program has not begun"));
    fill($("#running-boxes"), boxes);
  }

  #resumeBefore(moment) {
    const before = this.recording.lastBefore(this.recording.task[moment], moment);
    return before >= 0 && this.recording.kind[before] === RESUME ? before : -1;
  }

  #answer(moment) {
    if (moment < 0) return "";
    const answer = this.recording.first[moment];
    return answer === 0 ? "None" : answer < 0 ? `raises ${this.recording.text(answer)}` : this.recording.text(answer);
  }

  #request(moment) {
    const { recording } = this;
    if (recording.second[moment] === CAME_TO_END && !recording.first[moment]) return "its end";
    const text = recording.request(recording.first[moment]).text;
    return recording.second[moment] === BLOCKED ? `${text} → ${nameOf(recording, recording.task[moment])} is blocked` : text;
  }

  #drawBlocked(state, { blocked, groups, circles }) {
    setText($("#blocked-count"), String(blocked.length));
    const inCircle = new Set(circles.flat());
    const waited = groups.filter((group) => group.waits.length || group.owners?.length || group.size);
    const idle = groups.filter((group) => !waited.includes(group));
    const shown = [...waited, ...idle].slice(0, MOST.groups);
    const kept = new Map();
    for (const group of shown) kept.set(group.key, this.#group(state, group, inCircle));
    this.groups = kept;
    const elements = [...kept.values()];
    const left = groups.length - shown.length;
    if (left > 0) {
      const tasks = groups.filter((group) => !kept.has(group.key)).flatMap((group) => group.waits.map((wait) => wait.task));
      elements.push(element("button", { type: "button", class: "more group-more", "data-more": tasks.length,
                                        onclick: () => this.more("Blocked elsewhere", tasks) },
        `+ ${left.toLocaleString("en")} more places, with ${plural(tasks.length, "task")}`));
    }
    if (!elements.length) elements.push(element("span", { class: "empty" }, "no task is blocked"));
    fill($("#groups"), elements);
  }

  #group(state, group, inCircle) {
    let made = this.groups.get(group.key);
    if (!made) {
      made = element("section", { class: "group", "data-group": group.key },
        element("h3"), element("div", { class: "state" }), element("div", { class: "boxes" }));
    }
    const [title, stands, boxes] = made.children;
    made.classList.toggle("timers", group.key === "sleep");
    setText(title, group.title);
    title.append(...this.#count(group));
    fill(stands, this.#standing(state, group));
    const most = group.key === "sleep" ? MOST.timers : MOST.group;
    const horizon = Math.max(...group.waits.slice(0, most + 1).map((wait) => wait.deadline - state.now), 1);
    fill(boxes, this.#fold(group.waits, most, `Blocked: ${group.title}`,
      (wait) => this.#wait(state, group, wait, horizon, inCircle)).map((one) => one));
    return made;
  }

  #count(group) {
    return group.waits.length > 1 ? [element("span", { class: "count" }, String(group.waits.length))] : [];
  }

  /** What is known of a lock, a queue, or the clock. */
  #standing(state, group) {
    if (group.key === "sleep") {
      return [element("span", { class: "clock" }, `now ${clockTime(state.now)}`)];
    }
    if (group.owners) {
      return group.owners.length ? ["held by ", ...group.owners.map((task) => this.boxes.reference(task))] : ["free: nobody holds it"];
    }
    if (group.items) {
      const items = group.items.slice(0, MOST.items).map((item) => element("code", { class: "item" }, item));
      const left = group.size - items.length;
      return group.size ? ["items: ", ...items, ...(left > 0 ? [`+ ${left} more`] : [])] : ["it is empty"];
    }
    return group.text ? [group.text.replace(/^\S+ (with )?/, "")] : [];
  }

  #wait(state, group, wait, horizon, inCircle) {
    const box = this.boxes.box(wait.task, wait.request.text, inCircle.has(wait.task) ? "circle" : "");
    if (group.key === "sleep") {
      const left = wait.deadline - state.now;
      const share = wait.deadline ? Math.max(0, Math.min(1, left / horizon)) : 1;
      return element("div", { class: "timer" }, box,
        element("span", { class: "bar", style: { "--share": share } }),
        element("span", { class: "left" }, !wait.deadline ? "no end" : left > 0 ? `in ${span(left)}` : "due"));
    }
    if (group.key === "tasks") {
      const named = wait.tasks.slice(0, 6).map((task) => {
        const sign = this.boxes.reference(task);
        sign.classList.toggle("over", state.of(task) === "done");
        return sign;
      });
      const left = wait.tasks.length - named.length;
      return element("div", { class: "for" }, box, element("span", { class: "arrow" }, "waits for"), ...named,
        ...(left > 0 ? [`+ ${left} more`] : []));
    }
    return box;
  }

  #drawDone(state, { done }) {
    setText($("#done-count"), String(done.length));
    const boxes = this.#fold(done, MOST.done, "Done", (task) => {
      const { word, sign, text } = endingOf(this.recording, state, task);
      return this.boxes.box(task, `${sign} ${text || word}`, `done ${word}`);
    });
    if (!boxes.length) boxes.push(element("span", { class: "empty" }, "no task has ended yet"));
    fill($("#done-boxes"), boxes);
  }
}

function show(line, isNow, text) {
  line.classList.toggle("now", isNow);
  line.classList.toggle("nothing", !text);
  setText(line.querySelector("code"), text || "–");
}

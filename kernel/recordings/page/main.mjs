// The page: it holds what is shown, and tells each part to draw itself.

import { $, element, fill, setText } from "./dom.mjs";
import { Boxes } from "./boxes.mjs";
import { fillHelp, listenToKeys } from "./keys.mjs";
import { subjectOf } from "./place.mjs";
import { Player, SPEEDS } from "./player.mjs";
import { DEADLOCK, Recording } from "./recording.mjs";
import { Replay, WAITING } from "./replay.mjs";
import { search } from "./search.mjs";
import { Source } from "./source.mjs";
import { Stage } from "./stage.mjs";
import { Story } from "./story.mjs";
import { Strip } from "./strip.mjs";
import { Tasks } from "./tasks.mjs";
import { clockTime, span } from "./units.mjs";
import { plain } from "./words.mjs";
import { circlePicture } from "./circle.mjs";

const LONG = 120; // characters of a sentence that are shown in a smaller size
const MOST_FOLLOWED = 500; // tasks in the list of those that can be followed

class Page {
  constructor(data) {
    this.data = data;
    this.selected = undefined; // a task, of which the panel tells
    this.hits = [];
    this.side = "story";
    fillHelp();
    this.#listen();
    listenToKeys(this);
    this.#drawHeader();
    this.#readHash();
    window.addEventListener("hashchange", () => this.#readHash());
  }

  /** Show another kernel of the recording. */
  open(kernel) {
    this.strip?.stop();
    this.recording = new Recording(this.data, kernel);
    const { recording } = this;
    this.replay = new Replay(recording);
    this.boxes = new Boxes(recording, (task) => this.choose(task));
    this.stage = new Stage(recording, this.boxes, (title, tasks) => this.#listTasks(title, tasks));
    this.source = new Source(recording, (task) => this.choose(task));
    this.story = new Story(recording, (position) => this.#jump(position));
    this.strip = new Strip(recording, (position) => this.#jump(position), (position) => this.story.textAt(position));
    this.tasks = new Tasks(recording, this.boxes, {
      choose: (task) => this.choose(task), follow: (task) => this.followTask(task), go: (position) => this.#jump(position) });
    const speed = this.player?.speed ?? 1;
    this.player?.stop();
    this.player = new Player(recording, (position, playing) => this.draw(position, playing), () => this.#drawPlaying());
    this.player.speed = speed;
    const real = recording.kernel.clock === "real";
    $('#axis [value="kernel"]').hidden = $('#axis [value="kernel"]').disabled = real; // it shows the same
    $("#axis").value = "event";
    this.selected = undefined;
    this.drawn = 0;
    fill($("#follow"), [element("option", { value: "" }, "all tasks"), ...recording.tasks.slice(0, MOST_FOLLOWED).map((task, place) =>
      element("option", { value: place }, `${task.number} ${task.name}`))]);
    this.#find();
  }

  draw(position, playing = false) {
    const { recording } = this, state = this.replay.at(position);
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
    setText($("#position"), `${position.toLocaleString("en")} of ${recording.count.toLocaleString("en")} · ${span(at)}${clock}`);
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
    const shown = pieces ? this.boxes.pieces(pieces) : [this.recording.count ? `This is a recording of ${this.data.title}. Press play, or the right arrow key for one moment.` : "Nothing was recorded: no task ran while the recording went on."];
    fill($("#caption"), shown);
    $("#caption").classList.toggle("long", $("#caption").textContent.length > LONG);
  }

  #drawAlarm(state, scene) {
    const alarm = $("#alarm"), moment = state.position - 1;
    const deadlock = this.recording.kind[moment] === DEADLOCK;
    alarm.hidden = !deadlock && !scene.circles.length;
    if (alarm.hidden) return;
    const said = scene.circles.length ? "These tasks wait for each other in a circle. None of them can go on."
      : "Deadlock: nothing can ever wake the tasks that are blocked.";
    fill(alarm, [element("p", {}, element("b", {}, "Deadlock "), said.replace(/^Deadlock: /, "")), ...scene.circles.slice(0, 2).map((circle) =>
      circlePicture(this.recording, state, circle, this.boxes))]);
  }

  #drawHeader() {
    const { data } = this;
    setText($("#title"), data.title);
    const kinds = [...new Set(data.kernels.map((kernel) => kernel.kind))].join(" and ");
    setText($("#subtitle"), `${kinds || "no kernel"}${data.python ? `, Python ${data.python}` : ""}`);
    const said = [];
    if (data.damage) said.push(`The recording is damaged: ${data.damage}.`);
    if (!data.data) said.push("Recorded without data: values and arguments are left out.");
    const shown = data.moments.kind.length;
    if (shown < data.total) said.push(`The recording has ${data.total.toLocaleString("en")} moments. This page shows the first ${shown.toLocaleString("en")}: record a shorter part of the program to see the rest.`);
    setText($("#notice"), said.join(" "));
    $("#notice").hidden = !said.length;
    $("#kernels").hidden = data.kernels.length < 2;
    fill($("#kernel"), data.kernels.map(({ kernel, kind }) => element("option", { value: kernel }, `${kernel} (${kind})`)));
    fill($("#speed"), SPEEDS.map((speed) => element("option", { value: speed }, `${speed} / s`)));
    $("#speed").value = "1";
  }

  #drawPlaying() {
    for (const [id, direction] of [["play", 1], ["play-back", -1]]) {
      const plays = this.player.direction === direction;
      $(`#${id}`).setAttribute("aria-pressed", plays);
      $(`#${id}`).setAttribute("aria-label", plays ? "Pause" : direction > 0 ? "Play" : "Play backwards");
    }
    // A screen reader could not keep up.
    $("#caption").setAttribute("aria-live", this.player.direction && this.player.speed > 1 ? "off" : "polite");
  }

  // What can be done, by button and by key.

  on() { this.player.step(1); }
  back() { this.player.step(-1); }
  tenOn() { this.player.step(10); }
  tenBack() { this.player.step(-10); }
  first() { this.#jump(0); }
  last() { this.#jump(this.recording.count); }
  play() { this.player.play(this.player.direction ? this.player.direction : 1); }
  playBack() { this.player.play(this.player.direction ? this.player.direction : -1); }
  faster() { this.#speed(1); }
  slower() { this.#speed(-1); }
  closer() { this.strip.zoom(0.6); }
  wider() { this.strip.zoom(1 / 0.6); }
  search() { $("#query").focus(); $("#query").select(); }
  nextHit() { this.#hit(1); }
  previousHit() { this.#hit(-1); }

  whole() {
    this.strip.axis.whole();
    this.strip.draw();
  }

  axis() {
    const kinds = this.recording.kernel.clock === "real" ? ["event", "real"] : ["event", "real", "kernel"];
    $("#axis").value = kinds[(kinds.indexOf($("#axis").value) + 1) % kinds.length];
    this.#axis();
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
    const state = this.replay.at(this.player.position), subject = subjectOf(this.recording, state);
    if (subject !== undefined && state.of(subject) === WAITING) return subject;
    const waiting = this.recording.tasks.findIndex((_, task) => state.of(task) === WAITING);
    return waiting >= 0 ? waiting : subject;
  }

  choose(task) {
    this.selected = task;
    this.#showSide("tasks");
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
      this.#find();
    } else if (this.selected !== undefined) {
      this.selected = undefined;
      this.#showSide("story");
    } else {
      this.followTask(undefined);
    }
  }

  #listTasks(title, tasks) {
    this.tasks.show(title, tasks);
    this.selected = undefined;
    this.#showSide("tasks");
  }

  #showSide(side) {
    this.side = side;
    document.querySelectorAll("[data-side]").forEach((one) => one.setAttribute("aria-pressed", one.dataset.side === side));
    $("#story").hidden = side !== "story";
    $("#tasks").hidden = side !== "tasks";
    setText($("#side-about"), side === "story" ? "what happened, moment by moment" : "what each does, and why it waits");
    if (document.body.dataset.tab !== "stage" || side === "tasks") this.#tab(side);
    this.draw(this.player.position);
  }

  /** On a narrow screen, one part at a time is shown. */
  #tab(tab) {
    document.body.dataset.tab = tab;
    document.querySelectorAll("#tabs button").forEach((one) => one.setAttribute("aria-pressed", one.dataset.tab === tab));
  }

  #jump(position) {
    this.player.stop();
    this.player.go(position);
  }

  #speed(change) {
    const place = SPEEDS.indexOf(this.player.speed) + change;
    if (place < 0 || place >= SPEEDS.length) return;
    $("#speed").value = this.player.speed = SPEEDS[place];
    this.#drawPlaying();
  }

  #axis() {
    this.strip.axis.choose($("#axis").value);
    this.strip.show(this.player.position, this.player.followed, this.hits);
  }

  #find() {
    this.hits = search(this.recording, $("#query").value);
    const { length } = this.hits;
    setText($("#hits"), $("#query").value.trim() ? (length ? `${length.toLocaleString("en")}` : "nothing") : "");
    this.strip.show(this.player.position, this.player.followed, this.hits);
  }

  #hit(direction) {
    const { position } = this.player, { hits } = this;
    if (!hits.length) return;
    const later = hits.findIndex((moment) => moment + 1 > position);
    const earlier = hits.findLastIndex((moment) => moment + 1 < position);
    const place = direction > 0 ? (later < 0 ? 0 : later) : earlier < 0 ? hits.length - 1 : earlier;
    this.#jump(hits[place] + 1);
    setText($("#hits"), `${(place + 1).toLocaleString("en")} of ${hits.length.toLocaleString("en")}`);
  }

  #listen() {
    const buttons = {
      first: "first", back: "back", play: "play", forward: "on", last: "last", why: "why", closer: "closer", wider: "wider",
      whole: "whole", theme: "theme", "help-button": "help", "hit-after": "nextHit", "hit-before": "previousHit" };
    for (const [id, action] of Object.entries(buttons)) $(`#${id}`).addEventListener("click", () => this[action]());
    $("#play-back").addEventListener("click", () => this.playBack());
    $("#speed").addEventListener("change", (event) => {
      this.player.speed = Number(event.target.value);
      this.#drawPlaying();
    });
    $("#follow").addEventListener("change", (event) => this.followTask(event.target.value === "" ? undefined : Number(event.target.value)));
    $("#axis").addEventListener("change", () => this.#axis());
    $("#kernel").addEventListener("change", (event) => {
      this.open(Number(event.target.value));
      this.draw(0);
    });
    $("#query").addEventListener("input", () => this.#find());
    $("#search").addEventListener("submit", (event) => event.preventDefault());
    $("#query").addEventListener("keydown", (event) => {
      if (event.key === "Enter") this.#hit(event.shiftKey ? -1 : 1);
    });
    document.querySelectorAll("[data-side]").forEach((one) => one.addEventListener("click", () => this.#showSide(one.dataset.side)));
    document.querySelectorAll("#tabs button").forEach((one) => one.addEventListener("click", () => {
      const { tab } = one.dataset;
      this.#tab(tab);
      if (tab === "story" || tab === "tasks") this.#showSide(tab);
      else this.draw(this.player.position);
    }));
    for (const [kind, drags] of [["pointerdown", true], ["pointerup", false], ["pointercancel", false]]) {
      $("#strip").addEventListener(kind, () => (this.dragging = drags), true);
    }
  }

  // The address says what is shown: #m=123, and &k=2 for the second kernel.

  #readHash() {
    const wanted = new URLSearchParams(location.hash.slice(1));
    const kernel = Number(wanted.get("k")) || this.data.kernels[0]?.kernel;
    if (!this.recording || (wanted.has("k") && kernel !== this.recording.kernel.kernel)) this.open(kernel);
    $("#kernel").value = this.recording.kernel.kernel;
    const position = Math.floor(Number(wanted.get("m")));
    const valid = position >= 0 && position <= this.recording.count ? position : position > 0 ? this.recording.count : 0;
    if (document.body.dataset.position !== String(valid) || !wanted.has("m")) this.#jump(valid);
  }

  #writeHash(position) {
    const kernel = this.data.kernels.length > 1 ? `&k=${this.recording.kernel.kernel}` : "";
    const hash = `#m=${position}${kernel}`;
    clearTimeout(this.hashing); // browsers refuse more than some hundred changes in a while
    this.hashing = setTimeout(() => {
      try {
        history.replaceState(null, "", hash);
      } catch (error) {
        console.info(`The address stays as it is: ${error.message}`); // of a frame that may not change it
      }
    }, this.player.direction ? 400 : 60);
  }
}

document.documentElement.dataset.theme = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
new Page(JSON.parse($("#recording").textContent));

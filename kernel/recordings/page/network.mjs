// The network: hosts as boxes, the packets on their way between them, and those that a partition holds up.

import { $, element, fill, setText } from "./dom.mjs";
import { ARRIVED, HELD, LOST, SENT } from "./recording.mjs";
import { ABSENT, DONE } from "./replay.mjs";
import { clockTime, plural, span } from "./units.mjs";

const MOST_HOSTS = 12,
  MOST_DOTS = 40; // shown
const MOST_ROWS = { pair: 2, round: 4 }; // packets of which there is a row, so that all have room beside the picture
const NEAR = 15; // percent of the width that a packet keeps from the middle of either box
const APART = 7; // pixels between two lines there and back, and between dots at one place

export class Network {
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
export function shareOf(recording, state, packet, kind) {
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
export function placesOf(hosts) {
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
export function waysOf(recording) {
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

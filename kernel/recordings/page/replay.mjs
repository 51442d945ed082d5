// How things stood after any moment. A task's last moment says nearly all: what it does is derived from that.
// kernel/recordings/states.py does the same; the tests compare the two.

import {
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
} from "./recording.mjs";

export const ABSENT = "absent",
  READY = "ready",
  RUNNING = "running",
  WAITING = "blocked",
  DONE = "done";

const GOES_ON = new Set([ANSWERED, CALLED, CAME_TO_END]);

/** The state of one kernel before its first moment; `apply` moves it on by one. */
export class State {
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
export class Replay {
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

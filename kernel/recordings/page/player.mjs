// Playing: so many moments a second, forwards or backwards, all or those of one task.

import { firstNotBelow } from "./recording.mjs";

export const SPEEDS = [0.5, 1, 2, 5, 10, 50, 200, 1000]; // moments a second

export class Player {
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

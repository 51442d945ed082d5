// How many tasks run, are ready, and are blocked after each moment: for a strip without room for a lane a task.

import { ASK, BLOCKED, EXIT, RESUME, SPAWN, WAKE, YIELDED } from "./recording.mjs";

/** Columns by position, from 0 to the number of moments. */
export function countsOf(recording) {
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

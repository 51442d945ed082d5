// Where tasks are in the program's source: which line a moment is about, and where the others are suspended.

import { ASK, CALLED, EXIT, RESUME, SPAWN, WAKE } from "./recording.mjs";
import { ABSENT, DONE } from "./replay.mjs";

/** The task that a position is about. */
export function subjectOf(recording, state) {
  for (let moment = state.position - 1; moment >= 0; moment--) {
    if (recording.task[moment] < 0) continue;
    // Whoever starts or wakes another one runs meanwhile, and the line that does it is the one to see.
    const cause = recording.kind[moment] === SPAWN || recording.kind[moment] === WAKE ? recording.first[moment] : 0;
    const other = cause < 0 ? recording.placeOf(-cause) : undefined;
    return other !== undefined && state.running.includes(other) ? other : recording.task[moment];
  }
  return undefined;
}

/** The frames of a task, as [file, line, function], the innermost last. Before its first request: where its code begins. */
export function framesOf(recording, state, task) {
  const asked = state.asked[task];
  if (asked >= 0) return recording.framesOf(recording.request(recording.first[asked]));
  const { place } = recording.tasks[task];
  return place ? [place] : [];
}

/** What the task does at its line: a word for it. */
export function deedAt(recording, state, task) {
  const moment = state.last[task];
  if (moment < 0) return "the program begins here";
  const asked = state.asked[task] >= 0;
  switch (recording.kind[moment]) {
    case SPAWN: return "will begin here";
    case RESUME: return recording.second[recording.lastBefore(task, moment)] === CALLED ? "the call is here" : asked ? "goes on here" : "begins here";
    case ASK: return recording.first[moment] ? (state.running.includes(task) ? "asks here" : "is suspended here") : "was here last";
    case WAKE: return "will go on here";
    case EXIT: return "was here last";
    default: return "";
  }
}

/** By line of a file: the tasks, other than `subject`, that are suspended there. */
export function suspendedIn(recording, state, file, subject) {
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

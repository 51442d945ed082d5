// Search: which moments have to do with a text. It may be a task's name, a line ("main.py:12"), or a part of a request
// or of a packet.

import { ARRIVED, ASK, HELD, LOST, SENT, SPAWN } from "./recording.mjs";

const PACKETS = [SENT, ARRIVED, HELD, LOST];
const PLACE = /^(.*):(\d+)$/;

/** The moments that fit, in order. */
export function search(recording, query) {
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

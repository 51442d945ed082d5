// "Why is it waiting?": the chain of causes from a task to what it waits for in the end, and who ended its last wait.

import { blocks, ownersOf, waitOf } from "./waits.mjs";
import { RESUME, SPAWN, WAKE } from "./recording.mjs";
import { DONE, READY, RUNNING, WAITING, ABSENT } from "./replay.mjs";
import { endingOf } from "./scene.mjs";
import { joined, plural, span } from "./units.mjs";
import { causeOf, standing } from "./words.mjs";

const LONGEST = 64; // links of a chain

/** The chain: a list of sentences, in pieces. The last link says what has to happen, or that the circle is closed. */
export function chainOf(recording, state, task) {
  const links = [], seen = new Set();
  for (let at = task; links.length < LONGEST; ) {
    if (seen.has(at)) {
      links.push({ pieces: [{ task: at }, " waits itself: the circle is closed, and none of them can go on."], circle: true });
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
    case ABSENT: return [[it, " has not been made yet."]];
    case RUNNING: return [[it, " runs: it waits for nothing."]];
    case DONE: return [[it, ` is done: it ${endingOf(recording, state, task).word === "failed" ? "failed" : `was ${endingOf(recording, state, task).word}`.replace("was returned", "returned")}.`]];
    case READY: {
      const ahead = state.ready.indexOf(task);
      return [[it, ahead > 0 ? ` can run: ${plural(ahead, "task")} ${ahead === 1 ? "is" : "are"} before it in the ready queue.` : " can run: it is next in the ready queue."]];
    }
    case WAITING: return blockedLink(recording, state, waitOf(recording, state, task));
  }
  return [[it, " waits."]];
}

function blockedLink(recording, state, { task, thing, tasks, deadline, descriptor, request }) {
  const it = { task }, code = { code: request.text };
  const open = tasks.filter((other) => state.of(other) !== DONE);
  if (thing) {
    const label = recording.things.get(thing)?.label ?? "a thing";
    const owners = ownersOf(recording, state, thing);
    if (owners.length) return [[it, ` waits for ${label}, which `, ...joined(owners.map((one) => ({ task: one }))), ` ${owners.length === 1 ? "holds" : "hold"}: `, code, "."], owners[0]];
    const stands = state.thing(thing);
    return [[it, ` waits at ${label}: `, code, ". ", ...(stands ? [...capital(standing(recording, stands)), ". "] : []), "Another task has to change that."]];
  }
  if (open.length) return [[it, " waits for ", ...joined(open.slice(0, 3).map((one) => ({ task: one }))), ...(open.length > 3 ? [` and ${open.length - 3} more`] : []), ": ", code, "."], open[0]];
  if (deadline) return [[it, ` waits until the clock shows ${recording.clockText(deadline)}, in ${span(Math.max(0, deadline - state.now))}: `, code, "."]];
  if (descriptor !== undefined) return [[it, ` waits for descriptor ${descriptor}: `, code, ". The other side has to act."]];
  return [[it, " waits for ", code, "."]];
}

function capital([first, ...rest]) {
  return [typeof first === "string" ? first[0].toUpperCase() + first.slice(1) : first, ...rest];
}

/** The last wait of a task that is over: what it was, how long it took, who ended it and at which moment; or undefined. */
export function lastWaitOf(recording, state, task) {
  const mine = recording.momentsOf(task);
  let woken = -1;
  for (let place = mine.length - 1; place >= 0; place--) {
    const moment = mine[place];
    if (moment >= state.position) continue;
    if (woken < 0 && recording.kind[moment] === WAKE) woken = moment;
    else if (woken >= 0 && blocks(recording, moment)) {
      return {
        moment: woken, pieces: ["Its last wait was ", { code: recording.request(recording.first[moment]).text }, ". It took ",
          span(recording.clock[woken] - recording.clock[moment]), ". ", ...sentenceStart(causeOf(recording, woken)), " ended it."] };
    } else if (woken >= 0 && (recording.kind[moment] === SPAWN || recording.kind[moment] === RESUME)) return undefined;
  }
  return undefined;
}

function sentenceStart(piece) {
  return capital([piece]);
}

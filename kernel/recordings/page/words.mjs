// Each moment in a sentence. A sentence is a list of pieces: words, tasks ({ task }) and code ({ code }).

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
  DEADLOCK,
  EXIT,
  HELD,
  IDLE,
  JOINED,
  LOST,
  RAISED,
  RESUME,
  RETURNED,
  SENT,
  SPAWN,
  STARTED,
  STOPPED,
  THING,
  WAKE,
  YIELDED,
} from "./recording.mjs";
import { joined, plural, span } from "./units.mjs";
import { circles, ownersOf, waitAt, waitOf } from "./waits.mjs";

/** What happens in the next moment after `before`. */
export function sentence(recording, before) {
  const moment = before.position;
  return (
    SENTENCES[recording.kind[moment]]?.(recording, before, moment, { task: recording.task[moment] }) ?? [
      "Something happens.",
    ]
  );
}

/** A sentence as text, for a screen reader and for a search. */
export function plain(recording, pieces) {
  return pieces
    .map((piece) =>
      typeof piece === "string" ? piece : piece.code !== undefined ? piece.code : `'${nameOf(recording, piece.task)}'`,
    )
    .join("");
}

export function nameOf(recording, task) {
  return recording.tasks[task]?.name ?? "a task";
}

/** The cause of a moment, as the pieces with which a sentence begins. */
export function causeOf(recording, moment) {
  const { task, callback, call, text } = recording.cause(recording.first[moment]);
  if (task === undefined) return [text.charAt(0).toUpperCase() + text.slice(1)];
  if (!callback) return [{ task }];
  return call ? ["A callback of ", { task }, ", ", { code: call }, ","] : ["A callback of ", { task }];
}

const MOST_NAMED = 4; // tasks in a sentence

const SENTENCES = {
  [SPAWN](recording, before, moment, task) {
    if (recording.first[moment] === 0) return [task, " is made, and is ready to run."];
    return [...causeOf(recording, moment), " starts ", task, ". It goes to the end of the ready queue."];
  },

  [RESUME](recording, before, moment, task) {
    const answer = recording.first[moment];
    if (answer < 0) return [task, " goes on: the kernel raises ", { code: recording.text(answer) }, " in it."];
    const outcome = recording.second[recording.lastBefore(recording.task[moment], moment)];
    if (recording.second[moment] && outcome === CALLED) return ["The code that ", task, " has called begins to run."];
    if (recording.second[moment] && outcome === CAME_TO_END) {
      return [
        "The call returns ",
        { code: answer ? recording.text(answer) : "None" },
        ", and ",
        task,
        " goes on after it.",
      ];
    }
    if (recording.second[moment]) {
      return answer
        ? [task, " has its answer at once, ", { code: recording.text(answer) }, ", and goes on."]
        : [task, " has its answer at once, and goes on."];
    }
    if (before.asked[recording.task[moment]] < 0)
      return ["The trampoline starts ", task, ": it runs for the first time."];
    const asked = before.asked[recording.task[moment]];
    if (recording.second[asked] === YIELDED && !answer)
      return ["The turn of ", task, " has come: the trampoline resumes it."];
    return answer
      ? ["The trampoline resumes ", task, " and hands it ", { code: recording.text(answer) }, "."]
      : ["The trampoline resumes ", task, " where it waited."];
  },

  [ASK](recording, before, moment, task) {
    const outcome = recording.second[moment];
    if (recording.first[moment] === 0) {
      const ends = recording.kind[recording.nextAfter(moment)] !== RESUME;
      return ends
        ? ["The code of ", task, " has come to its end."]
        : ["The code that ", task, " has called has come to its end."];
    }
    const wait = waitAt(recording, moment);
    const code = { code: wait.request.text };
    if (outcome === CALLED) return [task, " calls another function: ", code, ". It runs as a part of ", task, "."];
    if (outcome === YIELDED)
      return [task, " lets others run first: ", code, ". It goes to the end of the ready queue."];
    const asks = [task, ...asksFor(recording, wait), code, ". "];
    if (outcome === ANSWERED || outcome === CAME_TO_END) return [...asks, "The kernel can answer at once."];
    return [...asks, ...becauseOf(recording, before, wait)];
  },

  [WAKE](recording, before, moment, task) {
    const ends = endOfWait(recording, before, moment, task);
    return [...causeOf(recording, moment), ...ends, " It goes to the end of the ready queue."];
  },

  [EXIT](recording, before, moment, task) {
    const text = recording.text(recording.second[moment]);
    const how = recording.first[moment];
    if (how === RETURNED) return text ? [task, " is done: it returned ", { code: text }, "."] : [task, " is done."];
    if (how === RAISED) return [task, " is done: it failed with ", { code: text }, "."];
    const { host } = recording.tasks[recording.task[moment]];
    if (how === STOPPED) return [task, ` is stopped: its host ${recording.hostName(host)} has crashed.`];
    return [task, " is done: it was cancelled."];
  },

  [CLOCK](recording, before, moment) {
    return [
      `The clock of this kernel jumps to ${recording.clockText(recording.first[moment])}, when the next timer is due. `,
      "It is no real clock, so nobody has to wait.",
    ];
  },

  [THING](recording, before, moment) {
    const thing = recording.things.get(recording.first[moment]);
    const state = recording.states.get(recording.second[moment]);
    if (thing && !recording.second[moment])
      return [`From here on nothing is known of ${thing.label}: the recording follows those that were used last.`];
    return thing && state ? changed(recording, thing.label, state) : ["Something that tasks wait at has changed."];
  },

  [IDLE](recording, before) {
    const deadline = nextDeadline(recording, before);
    return [
      deadline
        ? `Nothing can run. The kernel waits: the next timer is due in ${span(deadline - before.now)}.`
        : "Nothing can run. The kernel waits until something happens.",
    ];
  },

  [SENT](recording, before, moment) {
    const { carries, text, size, ...packet } = packetAt(recording, moment);
    if (!size) return [`${text.charAt(0).toUpperCase() + text.slice(1)} is on its way.`];
    const name = recording.hostName(packet.source);
    const whom = packet.source === packet.target ? "itself" : recording.hostName(packet.target);
    return [`${name} sends ${plural(size, "byte")} to ${whom}: `, { code: carries || text }, "."];
  },

  [ARRIVED](recording, before, moment) {
    const packet = packetAt(recording, moment);
    const took = recording.clock[moment] - recording.clock[packet.sent];
    const after = took > 0 ? ` after ${span(took)}` : "";
    return [...subjectOfPacket(packet), ` has arrived at ${recording.hostName(packet.target)}${after}.`];
  },

  [HELD](recording, before, moment) {
    const packet = packetAt(recording, moment);
    return [...subjectOfPacket(packet), ` does not get from ${wayOf(recording, packet)}: a partition holds it up.`];
  },

  [LOST](recording, before, moment) {
    const packet = packetAt(recording, moment);
    return [...subjectOfPacket(packet), ` is lost on its way from ${wayOf(recording, packet)}.`];
  },

  [STARTED](recording, before, moment) {
    const name = recording.hostName(recording.first[moment]);
    return [recording.second[moment] ? `Host ${name} starts again.` : `There is a host ${name}.`];
  },

  [CRASHED](recording, before, moment) {
    const name = recording.hostName(recording.first[moment]);
    return [
      recording.second[moment]
        ? `Host ${name} loses power: its tasks stop, and nobody is told.`
        : `Host ${name} crashes: its tasks stop, and its system closes their connections.`,
    ];
  },

  [CUT](recording, before, moment) {
    return [`From now on nothing gets from ${waysOfHosts(recording, moment)}.`];
  },

  [JOINED](recording, before, moment) {
    return [`Packets get from ${waysOfHosts(recording, moment)} again.`];
  },

  [DEADLOCK](recording, before, moment) {
    const { tasks } = recording.data.deadlocks[recording.first[moment]] ?? { tasks: [] };
    const places = placesOf(recording, tasks);
    const [circle] = circles(recording, before, places);
    if (circle)
      return ["Deadlock: ", ...several(circle), " wait for each other in a circle. None of them can ever go on."];
    return ["Deadlock: nothing can ever wake ", ...several(places), "."];
  },
};

function packetAt(recording, moment) {
  return recording.packets.get(recording.first[moment]);
}

function wayOf(recording, { source, target }) {
  return `${recording.hostName(source)} to ${source === target ? "itself" : recording.hostName(target)}`;
}

function waysOfHosts(recording, moment) {
  return wayOf(recording, { source: recording.first[moment], target: recording.second[moment] });
}

/** A packet, as the pieces with which a sentence begins. */
function subjectOfPacket({ carries, text }) {
  return carries ? [{ code: carries }] : [text.charAt(0).toUpperCase() + text.slice(1)];
}

function nextDeadline(recording, state) {
  let first = 0;
  for (let task = 0; task < recording.tasks.length; task++) {
    const deadline = waitOf(recording, state, task)?.deadline;
    if (deadline > state.now && !(deadline >= first && first)) first = deadline;
  }
  return first;
}

function changed(recording, label, state) {
  if (state.owners) {
    const owners = placesOf(recording, state.owners);
    return owners.length
      ? [...several(owners), owners.length === 1 ? ` holds ${label} now.` : ` hold ${label} now.`]
      : [`Nobody holds ${label} now.`];
  }
  if (state.size === 0) return [`${label} is empty now.`];
  if (state.size) {
    const items = (state.items ?? []).slice(0, MOST_NAMED).map((item) => ({ code: item }));
    return [
      `${label} has ${plural(state.size, "item")} now`,
      ...(items.length ? [": ", ...items.flatMap((item, place) => (place ? [", ", item] : [item]))] : []),
      state.size > items.length && items.length ? " and more." : ".",
    ];
  }
  const about = aboutThing(state);
  return [
    /set$/.test(about)
      ? `${label} is ${about} now.`
      : /^\d/.test(about)
        ? `${label} has ${about} now.`
        : `${label} has changed: ${about}.`,
  ];
}

/** How a lock, a queue or the like stands. */
export function standing(recording, state) {
  if (state.owners) {
    const owners = placesOf(recording, state.owners);
    return owners.length ? ["held by ", ...several(owners)] : ["nobody holds it"];
  }
  if (state.size !== undefined) return [state.size === 0 ? "it is empty" : `it has ${plural(state.size, "item")}`];
  return [aboutThing(state)];
}

/** What the recording says of it, without its name: "not set", "2 left". */
export function aboutThing(state) {
  return state.text.replace(/^\S+ (with )?(of .*, )?/, ""); // a condition's text has that of its lock in it
}

function placesOf(recording, numbers) {
  return numbers.map((number) => recording.placeOf(number)).filter((task) => task !== undefined);
}

/** Tasks, the first of them by name. */
function several(tasks) {
  const named = tasks.slice(0, MOST_NAMED).map((task) => ({ task }));
  return joined(tasks.length > MOST_NAMED ? [...named, `${plural(tasks.length - MOST_NAMED, "other")}`] : named);
}

function asksFor(recording, { request, key, tasks, deadline, thing }) {
  const label = recording.things.get(thing)?.label;
  if (key === "sleep" && /sleep/.test(request.text)) return [" asks to sleep: "];
  if (deadline) return [" asks for something by a time: "];
  if (request.kind === "queue" && /get/.test(request.text)) return [" asks for an item: "];
  if (request.kind === "queue" && /put/.test(request.text)) return [" hands over an item: "];
  if (label && /acquire/.test(request.text)) return [` asks for ${label}: `];
  if (label && /wait/.test(request.text)) return [` waits for ${label}: `];
  if (/spawn|create_task/.test(request.text)) return [" asks for a new task: "];
  if (tasks.length) return [" waits for ", ...several(tasks), ": "];
  if (request.kind === "network") return [" asks the network: "];
  return [" asks: "];
}

// Why tasks wait at such a thing.
const REASONS = [
  ["Semaphore", "All its places are taken, so it is blocked."],
  ["Event", "It is not set yet, so it is blocked."],
  ["Condition", "It is blocked until another task notifies it."],
  ["Barrier", "Not all have come yet, so it is blocked."],
];

/** Why the request blocks its task. */
function becauseOf(recording, before, { thing, deadline, request, tasks, descriptor }) {
  const kind = recording.things.get(thing)?.kind ?? "";
  const owners = thing ? ownersOf(recording, before, thing) : [];
  if (owners.length)
    return [
      ...joined(owners.map((task) => ({ task }))),
      owners.length === 1 ? " holds it" : " hold it",
      ", so it is blocked.",
    ];
  const reason = REASONS.find(([word]) => kind.includes(word));
  if (reason) return [reason[1]];
  if (request.kind === "queue" && /get/.test(request.text)) return ["The queue is empty, so it is blocked."];
  if (request.kind === "queue" && /put/.test(request.text)) return ["The queue is full, so it is blocked."];
  if (deadline) return [`It is blocked until the clock shows ${recording.clockText(deadline)}.`];
  if (tasks.length)
    return [
      tasks.length === 1 ? "That task is not done, so it is blocked." : "They are not all done, so it is blocked.",
    ];
  if (descriptor !== undefined) return [`Nothing is there yet: it is blocked until descriptor ${descriptor} is ready.`];
  return ["There is no answer yet, so it is blocked."];
}

/** What ends the wait of a task: an answer or, as one can see only later, an error. */
function endOfWait(recording, before, moment, task) {
  const asked = before.asked[task.task];
  if (asked < 0) return [" wakes ", task, "."];
  const next = recording.nextAfter(moment);
  if (next !== undefined && recording.kind[next] === RESUME && recording.first[next] < 0) {
    const error = recording.text(recording.first[next]),
      cause = recording.cause(recording.first[moment]);
    const awaited = waitAt(recording, asked).tasks.includes(cause.task); // its own cancellation is the answer
    return /^Cancelled/.test(error) && !awaited
      ? [" cancels ", task, "."]
      : [" wakes ", task, " with an error, ", { code: error }, "."];
  }
  const wait = waitAt(recording, asked);
  const since = recording.clock[moment] - recording.clock[asked];
  const time = since > 0 ? ` after ${span(since)}` : "";
  return [
    " wakes ",
    task,
    wait.key === "sleep" ? `: its time has come${time}.` : `: what it waited for is there${time}.`,
  ];
}

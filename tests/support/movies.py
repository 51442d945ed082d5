"""What a movie's page shows, read from it as a person reads it; and what it has to show, as the recording says."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any, NamedTuple

from kernel.recordings import moments as kinds
from kernel.recordings.reading import Recording
from kernel.recordings.states import State

ENDINGS = {0: "✓", 1: "✗", 2: "⊘", 3: "■"}  # returned, raised, cancelled, stopped

# A function of the page that tells what is to be seen on it. It looks at the document only, not at the page's state.
SEEN = """() => {
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const tasks = (root) => all("[data-task]", root).map((box) => Number(box.dataset.task));
  const folded = (root) => all("[data-more]", root).reduce((sum, one) => sum + Number(one.dataset.more), 0);
  const zone = (name) => document.querySelector(`[data-zone=${name}]`);
  const groups = {};
  for (const group of all("[data-group]")) groups[group.dataset.group] = {
    waiting: tasks(group), folded: folded(group),
    holders: all(".state [data-reference]", group).map((one) => Number(one.dataset.reference)),
    items: all(".item", group).map((one) => one.textContent) };
  const line = document.querySelector("#code .line.now");
  return {
    ready: tasks(zone("ready")), ready_count: Number(document.querySelector("#ready-count").textContent),
    running: tasks(zone("running")), groups,
    blocked_count: Number(document.querySelector("#blocked-count").textContent),
    done: Object.fromEntries(all("[data-task]", zone("done")).map(
      (box) => [box.dataset.task, box.querySelector(".note").textContent[0]])),
    done_count: Number(document.querySelector("#done-count").textContent),
    flying: all(".dots [data-packet]").filter((dot) => !/arrived|lost/.test(dot.className)).map(
      (dot) => Number(dot.dataset.packet)),
    held: all(".dots .held").map((dot) => Number(dot.dataset.packet)),
    down: all(".host.down").map((host) => Number(host.dataset.host)),
    cut: all("#network .cut").map((line) => line.dataset.way.split(" ").map(Number)),
    line: line ? Number(line.dataset.line) : null, caption: document.querySelector("#caption").textContent,
    position: document.querySelector("#position").textContent.split(" ")[0],
    now: all(".row.now .text").map((one) => one.textContent).join() };
}"""

# Presses a key so many times, and returns what was to be seen after each.
WALK = f"""([key, times]) => {{
  const seen = {SEEN}, all = [];
  for (let at = 0; at < times; at++) {{
    document.body.dispatchEvent(new KeyboardEvent("keydown", {{ key, bubbles: true, cancelable: true }}));
    all.push(seen());
  }}
  return all;
}}"""


class Expected(NamedTuple):
    """How things stand after one moment, as the recording says."""

    ready: list[int]
    running: list[int]
    groups: dict[str, list[int]]  # tasks that are blocked, by what they wait for
    holders: dict[str, list[int]]  # of locks
    items: dict[str, list[str]]  # of queues
    done: dict[int, str]
    network: dict[str, list[Any]]  # packets on their way and held up, hosts that are down, pairs with a partition
    lines: dict[int, int | None]  # where each task is; None: there is no source
    moment: kinds.Moment | None


def shown_moments(recording: Recording, kernel: int) -> list[kinds.Moment]:
    """The moments that the page shows of a kernel: all but the counts."""
    return [moment for moment in recording.moments if moment.kind != kinds.COUNTS
            and kernel == (recording.tasks[moment.task]["kernel"] if moment.kind in kinds.OF_TASKS else moment.task)]


def positions(recording: Recording, kernel: int = 1, only: Collection[int] | None = None) -> Iterator[Expected]:
    """How things stand at the beginning, and after each of the moments; or `only` at some of these positions."""
    state = State(recording)
    if only is None or 0 in only:
        yield expected(recording, state, kernel, None)
    for position, moment in enumerate(shown_moments(recording, kernel), 1):
        state.apply(moment)
        if only is None or position in only:
            yield expected(recording, state, kernel, moment)


def expected(recording: Recording, state: State, kernel: int, moment: kinds.Moment | None) -> Expected:
    groups: dict[str, list[int]] = {}
    for task, wait in state.blocked.items():
        groups.setdefault(group_of(recording.requests[wait.request], wait.thing, wait.deadline), []).append(task)
    things = {f"thing:{thing}": recording.states[number] for thing, number in state.things.items()}
    lines: dict[int, int | None] = {}
    for task in recording.tasks:
        frames = recording.stacks[recording.requests[state.asked[task]]["stack"]] if task in state.asked else (
            [recording.tasks[task]["place"]])
        file, line, _ = frames[-1]
        lines[task] = line if file in recording.sources else None
    return Expected(
        list(state.ready[kernel]), list(state.running[kernel]), {key: sorted(tasks) for key, tasks in groups.items()},
        {key: thing["owners"] for key, thing in things.items() if thing.get("owners")},
        {key: thing["items"] for key, thing in things.items() if thing.get("items")},
        {task: ENDINGS[how] for task, how in state.done.items()},
        {"flying": list(state.flying), "held": list(state.held), "down": sorted(state.down),
         "cut": sorted({tuple(sorted(pair)) for pair in state.cut})}, lines, moment)


def group_of(request: dict[str, Any], thing: int, deadline: int) -> str:
    if thing:
        return f"thing:{thing}"
    if deadline or request["kind"] == "time" and "descriptor" not in request:
        return "sleep"
    if request.get("tasks"):
        return "tasks"
    return f"descriptor:{request['descriptor']}" if "descriptor" in request else f"kind:{request['kind']}"


def check(seen: dict[str, Any], wanted: Expected, position: int) -> None:
    """That the page shows what the recording says. What is folded away counts, but need not be named."""
    assert seen["position"] == f"{position:,}"
    assert seen["ready"] == wanted.ready[:len(seen["ready"])]
    assert seen["ready_count"] == len(wanted.ready)
    assert sorted(seen["running"]) == sorted(wanted.running)
    assert seen["blocked_count"] == sum(map(len, wanted.groups.values()))
    waiting = {key: group for key, group in seen["groups"].items() if group["waiting"]}
    assert waiting.keys() == wanted.groups.keys(), seen
    for key, group in waiting.items():
        if group["folded"]:
            assert set(group["waiting"]) <= set(wanted.groups[key])
            assert len(group["waiting"]) + group["folded"] == len(wanted.groups[key])
        else:
            assert sorted(group["waiting"]) == wanted.groups[key]
    assert {key: group["holders"] for key, group in seen["groups"].items() if group["holders"]} == wanted.holders
    assert {key: group["items"] for key, group in seen["groups"].items() if group["items"]} == wanted.items
    assert seen["done_count"] == len(wanted.done)
    assert {int(task): sign for task, sign in seen["done"].items()}.items() <= wanted.done.items()
    network = {name: sorted(tuple(sorted(pair)) for pair in seen[name]) if name == "cut" else sorted(seen[name])
               for name in wanted.network}
    assert network == {name: sorted(those) for name, those in wanted.network.items()}
    moment = wanted.moment
    if moment is not None:
        assert seen["caption"] and seen["now"]
        if moment.kind in (kinds.RESUME, kinds.ASK, kinds.EXIT):
            assert seen["line"] == wanted.lines[moment.task], moment

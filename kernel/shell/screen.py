"""`trampoline top` on the whole screen: the table of tasks, one task's stack and why it waits, the keys.

A thread reads what the process tells, and hands it to the view. While the view is paused, it is handed over all the same
and not shown, so that the end of the process is noticed.
"""

from __future__ import annotations

import os
import re
import textwrap
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from typing import Any

from textual.app import App, ComposeResult
from textual.binding import Binding
from textual.containers import ScrollableContainer, Vertical
from textual.content import Content
from textual.events import Resize
from textual.message import Message
from textual.screen import ModalScreen
from textual.widgets import Footer, Input, Static

from ..serving.live import INTERVALS
from ..snapshots.hangs import free_waits, hangs, in_vain
from ..snapshots.listing import frames, head
from ..snapshots.reasons import reasons
from ..snapshots.words import cut, duration, label, safe
from .client import Conversation, Unreachable
from .following import KernelMoment, Moment
from .gauges import bars, state, work
from .rows import COLUMNS, Choice, rows_of
from .task_table import TaskTable

STEPS = 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0  # seconds, between which + and - choose
PATIENCE = 2.0  # seconds, for the thread to end
SILENCE = 2.0  # seconds without a word from the process that are told of, beyond two intervals

KEYS = """\
arrows     move in the table, as page up, page down, home and end do; left and right move it aside
enter      look into the task: its stack, and why it waits; on "... more like it": the same as a
s, S       sort by the next column, or by the one before; a click on a column's name sorts by it
r          reverse the order
/          show only tasks with a text in their names, waits or places; escape ends that
t          show each task below the one whose group it belongs to, or which awaits it
a          show each task, also where many are alike
c          the circles of waits, and the tasks that wait for what is free
n          the next kernel, if the process has several
space, p   pause, and go on
+, -       a longer or a shorter interval
d          dark or light
q          quit, as Ctrl-C does
"""


def show(moments: Iterator[Moment], asked: Conversation, pid: int, interval: float, choice: Choice) -> None:
    """Run the view until the user quits. Raises `Unreachable` when the process has ended, and what has failed."""
    view = LiveView(moments, lambda seconds: asked.tell({"interval": seconds}), pid, interval, choice)
    try:
        failure = view.run()
    finally:
        asked.cut_off()
        view.reader.join(PATIENCE)
    if failure is not None:
        raise failure


class TextScreen(ModalScreen[None]):
    """A text over the table. `lines` is called again whenever there is something new.

    A long line goes on below, set in under its own words; in a `drawing` it goes on at the right.
    """

    BINDINGS = [Binding("escape,q,enter", "dismiss_text", "Back")]
    DEFAULT_CSS = """
    TextScreen { align: center middle; }
    TextScreen > Vertical { width: 96%; height: 90%; border: round $primary; padding: 0 1; background: $surface; }
    TextScreen ScrollableContainer { height: 1fr; scrollbar-size: 1 1; }
    TextScreen #title { text-style: bold; color: $text-accent; }
    TextScreen #text { width: auto; }
    TextScreen #keys { color: $text-muted; }
    """

    def __init__(self, title: str, lines: Callable[[], Iterable[Content | str]], drawing: bool = False) -> None:
        super().__init__()
        self._lines = lines
        self._drawing = drawing
        self._title = Static(title, markup=False, id="title")
        self._text = Static(markup=False, id="text")
        self._scroll = ScrollableContainer(self._text)

    def compose(self) -> ComposeResult:
        with Vertical():
            yield self._title
            yield self._scroll
            yield Static("escape: back   arrows: scroll", markup=False, id="keys")

    def on_mount(self) -> None:
        self._scroll.focus()
        self.call_after_refresh(self.renew)  # then the width is known

    def on_resize(self, event: Resize) -> None:
        self.call_after_refresh(self.renew)

    def renew(self) -> None:
        width = max(20, self._scroll.size.width - 1)
        lines: list[Content] = []
        for line in self._lines():
            if isinstance(line, Content):
                lines.append(line)
            else:
                lines += map(Content, [line] if self._drawing else set_in(line, width))
        self._text.update(Content("\n").join(lines))

    def action_dismiss_text(self) -> None:
        self.dismiss()


def set_in(line: str, width: int) -> list[str]:
    """The line in pieces of that width. Later ones begin below its words: after its indentation, or its first column."""
    found = re.match(r"(\S.{1,10}?  +|\s*(?:└ )?)", line)
    indent = min(len(found[1]) if found is not None else 0, width // 2)
    return textwrap.wrap(line, width, subsequent_indent=" " * indent, break_on_hyphens=False) or [""]


class LiveView(App[Exception | None]):
    """The whole screen."""

    class Told(Message):
        """The process has told something, or has ended."""

    TITLE = "trampoline top"
    ENABLE_COMMAND_PALETTE = False
    CSS = """
    #process { background: $primary-muted; color: $text; height: 1; text-wrap: nowrap; text-overflow: ellipsis; }
    #kernel { height: auto; padding-bottom: 1; }
    #filter { height: 1; border: none; padding: 0; display: none; }
    """
    BINDINGS = [Binding("s", "sort(1)", "Sort"), Binding("S,shift+s", "sort(-1)", show=False),
                Binding("r", "turn('reversed')", "Reverse"), Binding("slash", "filter", "Filter", key_display="/", priority=True),
                Binding("escape", "no_filter", show=False), Binding("t", "turn('tree')", "Tree"),
                Binding("a", "turn('all')", "All"), Binding("c", "circles", "Circles", show=False),
                Binding("n", "next_kernel", show=False), Binding("p,space", "pause", "Pause"),
                Binding("plus,equals_sign", "interval(1)", show=False), Binding("minus", "interval(-1)", show=False),
                Binding("d", "dark", show=False), Binding("question_mark,f1,h", "help", "Help", key_display="?"),
                Binding("q", "quit", "Quit"), Binding("ctrl+c,ctrl+q", "quit", show=False, priority=True)]

    def __init__(self, moments: Iterator[Moment], tell_interval: Callable[[float], object], pid: int, interval: float,
                 choice: Choice) -> None:
        super().__init__()
        self._moments = moments
        self._tell_interval = tell_interval
        self._pid = pid
        self._interval = interval
        self.choice = choice
        self._place = 0  # of the kernel that is shown
        self.latest: Moment | None = None
        self._failure: Exception | None = None
        self._heard = time.monotonic()
        self._told = False  # and has not looked yet
        self.moment: Moment | None = None  # which is shown: an older one in a pause
        self.paused = False
        self._process_text = Static(markup=False, id="process")
        self._kernel_text = Static(markup=False, id="kernel")
        self._table = TaskTable()
        self._filter = Input(placeholder="a text in names, waits or places", id="filter", value=choice.filter)
        self.reader = threading.Thread(target=self._read, name="reader", daemon=True)

    def compose(self) -> ComposeResult:
        yield self._process_text
        yield self._kernel_text
        yield self._table
        yield self._filter
        yield Footer()

    def on_mount(self) -> None:
        self._table.focus()
        self.set_interval(SILENCE / 4, self._show_process)
        self.renew()
        self.reader.start()

    # What the process tells

    def _read(self) -> None:
        """In the thread: keep what comes, and in the end why nothing more does."""
        try:
            for moment in self._moments:
                self.latest = moment
                self._heard = time.monotonic()
                self._tell()
            self._failure = Unreachable(f"process {self._pid} has ended", 1)
        except Exception as error:  # `show` raises it, when the screen is as it was
            self._failure = error
        self._tell()

    def _tell(self) -> None:
        """Have the view look, once at a time: it may be slower than the process."""
        if not self._told:
            self._told = True
            with suppress(RuntimeError):  # the view has ended
                self.post_message(self.Told())

    def on_live_view_told(self, event: Told) -> None:
        self._told = False
        if self._failure is not None:
            self.exit(self._failure)
        elif not self.paused:
            self.moment = self.latest
            self.renew()

    @property
    def kernel(self) -> KernelMoment | None:
        """The kernel that is shown."""
        kernels = [] if self.moment is None else self.moment.kernels
        return kernels[self._place % len(kernels)] if kernels else None

    # The picture of it

    def renew(self) -> None:
        """Show the moment, and the choice of what of it."""
        if not self._table.is_attached:  # the view is ending
            return
        kernel = self.kernel
        self._show_process()
        self._kernel_text.update(Content("\n").join(self._kernel_lines()))
        rows = [] if kernel is None else rows_of(kernel, self.choice)
        self._table.show(kernel, self.choice, rows)
        for screen in self.screen_stack:
            if isinstance(screen, TextScreen) and screen.is_attached:
                screen.renew()

    def _show_process(self) -> None:
        self._process_text.update(Content(self._process_line()))

    def _process_line(self) -> str:
        parts = [f"trampoline top {self._pid}", "PAUSED" if self.paused else f"every {self._interval:g}s"]
        silence = time.monotonic() - self._heard
        if silence > SILENCE + 2 * self._interval:
            parts.append(f"NO ANSWER for {duration(silence)}")
        if self.moment is not None:
            if len(self.moment.kernels) > 1:
                parts.append(f"kernel {self._place % len(self.moment.kernels) + 1} of {len(self.moment.kernels)}")
            if self.choice.filter:
                parts.append(f"only {safe(self.choice.filter)!r}")
            parts.append(cut(" ".join(map(safe, self.moment.argv)), 200))
        return " " + " · ".join(parts)

    def _kernel_lines(self) -> Iterator[Content]:
        kernel = self.kernel
        if kernel is None:
            yield Content("waiting for the process to answer" if self.moment is None else
                          "No kernel runs in this process.")
            yield Content("")
            return
        yield Content(state(kernel))
        for line in list(head(kernel))[1:]:  # it is held up
            yield Content.styled(line.strip(), "$text-error")
        lag = kernel.kernel["lag"]
        text = f"{work(kernel)}, lag {'?' if lag is None else f'{lag:.3f}s'} "
        yield Content.assemble(text, (bars(kernel.lags, max(0, self.size.width - len(text))), "$text-accent"))
        circles = len(kernel.kernel["circles"])
        if circles:
            yield Content.styled(f"{'a circle' if circles == 1 else f'{circles} circles'} of waits: c shows it", "$text-error")
        free = len(free_waits(kernel))
        if free:
            yield Content.styled(f"{in_vain(free)}: c shows {'it' if free == 1 else 'them'}", "$text-error")

    def _task_lines(self, number: int) -> Iterator[Content | str]:
        kernel = self.kernel
        task = None if kernel is None else kernel.tasks.get(number)
        if kernel is None or task is None:
            yield "The task has ended."
            return
        yield Content.styled("Why is it waiting?" if task["state"] == "blocked" else "What is it doing?", "bold")
        yield from reasons(kernel, task)
        yield ""
        yield Content.styled("The chain of awaits, the innermost last", "bold")
        yield from frames(kernel, task["stack"])
        yield ""
        for title in "SINCE", "STEPS", "BUSY%", "BUSY", "LONGEST":
            yield f"{title:<8} {COLUMNS[title].text(kernel, task):>9}  {COLUMNS[title].meaning}"
        if task["longest_at"]:
            directory = os.path.join(kernel.directory or "", "")
            yield f"The longest step ended at {safe(task['longest_at'].removeprefix(directory))}"

    def _help_lines(self) -> Iterator[Content | str]:
        yield Content.styled("Keys", "bold")
        yield from KEYS.splitlines()
        yield ""
        yield Content.styled("Columns", "bold")
        for title, column in COLUMNS.items():
            yield f"{title:<10} {column.meaning}"
        yield ""
        yield Content.styled("The bars of the lag", "bold")
        yield ("Each is a moment, the newest at the right: how late the kernel ran what was ready then. The lowest is under "
               "1 ms, the steps are 1, 3, 10, 30, 100 and 300 ms, and the highest is a second or more. Late means that a task "
               "or a callback held the kernel that long, or that there is more to do than it can.")

    def _hang_lines(self) -> list[str]:
        lines = [] if self.kernel is None else list(hangs(self.kernel))
        return lines or ["No tasks wait in a circle.", "No task waits for what is free."]

    # The keys

    def choose(self, **changes: Any) -> None:
        self.choice = self.choice._replace(**changes)
        self.renew()

    def action_sort(self, steps: int) -> None:
        titles = list(COLUMNS)
        self.sort_by(titles[(titles.index(self.choice.column) + steps) % len(titles)])

    def sort_by(self, title: str) -> None:
        self.choose(column=title, reversed=False, tree=False)

    def action_turn(self, name: str) -> None:
        self.choose(**{name: not getattr(self.choice, name)})

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        # A slash comes before all other keys, so that those typed quickly after it belong to the filter; but within the
        # filter it is a letter.
        return action != "filter" or (len(self.screen_stack) == 1 and not isinstance(self.focused, Input))

    def action_filter(self) -> None:
        self._filter.display = True
        self.screen.set_focus(self._filter)  # at once, unlike `focus`: the next key belongs to it

    def action_no_filter(self) -> None:
        self._filter.value = ""
        self._close_filter()

    def _close_filter(self) -> None:
        self._filter.display = False
        self.screen.set_focus(self._table)

    def on_input_changed(self, event: Input.Changed) -> None:
        self.choose(filter=event.value)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        self._close_filter()

    def on_task_table_opened(self, event: TaskTable.Opened) -> None:
        task = event.row.task
        number = task["id"]
        self.push_screen(TextScreen(label(task), lambda: self._task_lines(number)))

    def on_task_table_unfolded(self, event: TaskTable.Unfolded) -> None:
        self.choose(all=True)

    def on_task_table_sorted_by(self, event: TaskTable.SortedBy) -> None:
        if event.title == self.choice.column and not self.choice.tree:
            self.action_turn("reversed")
        else:
            self.sort_by(event.title)

    def action_circles(self) -> None:
        self.push_screen(TextScreen("Waits that nothing is going to end", self._hang_lines, drawing=True))

    def action_next_kernel(self) -> None:
        self._place += 1
        self.renew()

    def action_pause(self) -> None:
        self.paused = not self.paused
        if not self.paused:
            self.moment = self.latest
        self.renew()

    def action_interval(self, steps: int) -> None:
        others = [step for step in STEPS if (step > self._interval if steps > 0 else step < self._interval)]
        if others:
            self._interval = others[0] if steps > 0 else others[-1]
            assert INTERVALS[0] <= self._interval <= INTERVALS[1]
            self._tell_interval(self._interval)
            self.renew()

    def action_dark(self) -> None:
        self.theme = "textual-light" if self.current_theme.dark else "textual-dark"

    def action_help(self) -> None:
        self.push_screen(TextScreen("trampoline top: a live view of a process", self._help_lines))

"""The tasks of a live view as a table to move in. Only the lines that are on the screen are made, so many tasks cost little.

This module, and `screen`, need Textual, an optional extra. Text of the program's is never taken for Textual's markup: it
goes to the screen in segments, as it is, but for control characters, which are escaped before.
"""

from __future__ import annotations

from collections.abc import Iterator

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from rich.style import Style
from textual.binding import Binding
from textual.events import Click, Resize
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from .following import KernelMoment
from .rows import COLUMNS, Choice, Row

GAP = 2  # between two columns
NARROW = 120  # characters; in a narrower table the columns of SECONDARY are left out, unless it is sorted by them
SECONDARY = "STEPS", "BUSY"
SHORTEST_WAIT = 24  # characters to which WAITS-FOR is cut for the last column to be seen
INDENT, DEEPEST = 2, 12  # of a level of the tree, and levels that are set in


class TaskTable(ScrollView):
    """A head line that stays, and a line for each row. The cursor stays on its task when the order changes."""

    COMPONENT_CLASSES = {"table--head", "table--sorted", "table--cursor", "table--ready", "table--running", "table--circle",
                         "table--more"}
    DEFAULT_CSS = """
    TaskTable { height: 1fr; scrollbar-size-horizontal: 0; }
    TaskTable > .table--head { color: $text-muted; text-style: bold; }
    TaskTable > .table--sorted { color: $text-accent; text-style: bold; }
    TaskTable > .table--cursor { background: $primary-muted; text-style: bold; }
    TaskTable > .table--ready { color: $text-warning; }
    TaskTable > .table--running { color: $text-success; }
    TaskTable > .table--circle { color: $text-error; }
    TaskTable > .table--more { color: $text-muted; text-style: italic; }
    """
    BINDINGS = [Binding("up,k", "move(-1)", "Up", show=False), Binding("down,j", "move(1)", "Down", show=False),
                Binding("pageup", "page(-1)", "Page up", show=False), Binding("pagedown", "page(1)", "Page down", show=False),
                Binding("home", "to_end(0)", "First", show=False), Binding("end", "to_end(1)", "Last", show=False),
                Binding("left", "aside(-1)", "Left", show=False), Binding("right", "aside(1)", "Right", show=False),
                Binding("enter", "open", "Task")]

    class Opened(Message):
        """A row was chosen."""

        def __init__(self, row: Row) -> None:
            super().__init__()
            self.row = row

    class Unfolded(Message):
        """The line that stands for more tasks was chosen."""

    class SortedBy(Message):
        """The head of a column was chosen."""

        def __init__(self, title: str) -> None:
            super().__init__()
            self.title = title

    def __init__(self) -> None:
        super().__init__()
        self._kernel: KernelMoment | None = None
        self._choice = Choice()
        self._lines: list[tuple[Row, bool]] = []  # True for the line that says how many more are like this row
        self._needed: dict[str, int] = {}  # how wide each column would be
        self._widths: dict[str, int] = {}  # and is, of those that are shown
        self._in_circle: set[int] = set()
        self.cursor = 0
        self._moved = False  # by the user; before that it stays on the first line

    def show(self, kernel: KernelMoment | None, choice: Choice, rows: list[Row]) -> None:
        """Show these rows from now on."""
        chosen = self._lines[self.cursor] if self._moved and self.cursor < len(self._lines) else None
        if choice != self._choice or kernel is None:
            self._needed = {}
        self._kernel, self._choice = kernel, choice
        self._lines = [(row, more) for row in rows for more in ((False, True) if row.alike else (False,))]
        self._in_circle = set() if kernel is None else {
            link["task"] for circle in kernel.kernel["circles"] for link in circle}
        if chosen is not None:
            number, on_more = chosen[0].task["id"], chosen[1]
            places = [place for place, (row, more) in enumerate(self._lines)
                      if row.task["id"] == number and more is on_more]
            if places and self.cursor not in places:
                self.cursor = places[0]
        self.cursor = max(0, min(self.cursor, len(self._lines) - 1))
        self._measure()
        self.refresh()

    @property
    def row(self) -> Row | None:
        """The row under the cursor."""
        return self._lines[self.cursor][0] if 0 <= self.cursor < len(self._lines) else None

    @property
    def _titles(self) -> list[str]:
        """The columns that are shown."""
        left_out = SECONDARY if self.size.width < NARROW else ()
        return [title for title in COLUMNS if title not in left_out or title == self._choice.column]

    def _measure(self) -> None:
        """Make the columns wide enough for what is on the screen. They do not become narrower while one looks."""
        top = int(self.scroll_offset.y)
        seen = [row for row, more in self._lines[top:top + max(1, self.size.height)] if not more]
        for title in self._titles:
            cells = [cell_len(self._text(row, title)) for row in seen]
            self._needed[title] = max(self._needed.get(title, 0), len(title) + (title == self._choice.column), *cells, 0)
        self._widths = {title: self._needed[title] for title in self._titles}
        width = sum(self._widths.values()) + GAP * (len(self._widths) - 1)
        excess = max(0, min(width - self.size.width, self._widths["WAITS-FOR"] - SHORTEST_WAIT))
        self._widths["WAITS-FOR"] -= excess
        self.virtual_size = Size(max(width - excess, 1), len(self._lines) + 1)

    def _text(self, row: Row, title: str) -> str:
        assert self._kernel is not None
        text = COLUMNS[title].text(self._kernel, row.task)
        if title == "NAME" and row.level:
            deep = f"[{row.level}] " if row.level > DEEPEST else ""
            return " " * (INDENT * min(row.level, DEEPEST)) + deep + text + (" (again)" if row.again else "")
        return text

    def render_line(self, y: int) -> Strip:
        left = int(self.scroll_offset.x)
        place = int(self.scroll_offset.y) + y - 1
        style = self.rich_style
        if y == 0:
            segments = list(self._head())
        elif place < len(self._lines) and self._kernel is not None:
            segments = list(self._segments(place))
            if place == self.cursor:
                style = style + self.get_component_rich_style("table--cursor")
        else:
            segments = []
        strip = Strip(segments).crop_extend(left, left + self.size.width, style)
        return strip.apply_style(style)

    def _head(self) -> Iterator[Segment]:
        for title in self._widths:
            name, column = title, COLUMNS[title]
            if title == self._choice.column and not self._choice.tree:
                name += "▼" if column.falling is not self._choice.reversed else "▲"
            style = self.get_component_rich_style("table--sorted" if name != title else "table--head")
            yield self._cell(title, name, style)

    def _segments(self, place: int) -> Iterator[Segment]:
        row, more = self._lines[place]
        if more:
            text = f"{' ' * (self._widths['ID'] + GAP)}... and {row.alike:,} more like it"
            yield Segment(text, self.get_component_rich_style("table--more"))
            return
        for title in self._widths:
            yield self._cell(title, self._text(row, title), self._style(row, title))

    def _style(self, row: Row, title: str) -> Style:
        state = row.task["state"]
        if row.task["id"] in self._in_circle and title in ("ID", "NAME", "WAITS-FOR"):
            return self.get_component_rich_style("table--circle")
        if title == "STATE" and state in ("ready", "running"):
            return self.get_component_rich_style(f"table--{state}")
        return Style.null()

    def _cell(self, title: str, text: str, style: Style) -> Segment:
        width = self._widths[title]
        text = text.rjust(width) if COLUMNS[title].right else text
        if cell_len(text) > width:
            text = set_cell_size(text, width - 1) + "…"
        return Segment(set_cell_size(text, width) + " " * GAP, style)

    def on_resize(self, event: Resize) -> None:
        self._measure()

    def watch_scroll_y(self, old: float, new: float) -> None:
        super().watch_scroll_y(old, new)
        self._measure()
        self.refresh()

    def action_move(self, lines: int) -> None:
        self._put_cursor(max(0, min(self.cursor + lines, len(self._lines) - 1)))

    def action_page(self, pages: int) -> None:
        self.action_move(pages * max(1, self.size.height - 2))

    def action_to_end(self, end: int) -> None:
        self.action_move(len(self._lines) if end else -len(self._lines))

    def action_aside(self, steps: int) -> None:
        self.scroll_to(x=self.scroll_offset.x + 10 * steps, animate=False)

    def _put_cursor(self, place: int) -> None:
        """Move the cursor to that line, and the line on the screen."""
        self.cursor, self._moved = place, True
        shown = max(1, self.size.height - 1)
        top = int(self.scroll_offset.y)
        if not top <= self.cursor < top + shown:
            self.scroll_to(y=self.cursor if self.cursor < top else self.cursor - shown + 1, animate=False, force=True)
        self.refresh()

    def action_open(self) -> None:
        if 0 <= self.cursor < len(self._lines):
            row, more = self._lines[self.cursor]
            self.post_message(self.Unfolded() if more else self.Opened(row))

    def on_click(self, event: Click) -> None:
        if event.y == 0:
            self._click_head(int(event.x + self.scroll_offset.x))
            return
        place = int(self.scroll_offset.y) + event.y - 1
        if place < len(self._lines):
            again = place == self.cursor and self._moved
            self._put_cursor(place)
            if again:
                self.action_open()

    def _click_head(self, x: int) -> None:
        for title, width in self._widths.items():
            x -= width + GAP
            if x < 0:
                self.post_message(self.SortedBy(title))
                return



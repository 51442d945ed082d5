"""The charts of the benchmarks show what the results say, all of it and nothing else."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from math import prod
from pathlib import Path

import pytest

from benchmarks import report
from benchmarks.__main__ import main as measure
from benchmarks.catalogue import WORKLOADS
from benchmarks.charts.__main__ import main as draw_again
from benchmarks.charts.marks import ABOUT
from benchmarks.contenders import EVERYONE, OURS
from benchmarks.report import RESULTS, Machine
from benchmarks.rows import Row, Spread
from tests.support.pictures import Picture, lines, points

MEASURED = sorted(RESULTS.glob("*.json"))
NAMES = [contender.name for contender in EVERYONE if contender.name != "asyncio"]
MACHINE = Machine("Python", "System", 4, "today", False)
pytestmark = pytest.mark.timeout(120)  # matplotlib may have to look through the fonts of the machine first


def families(rows: list[Row]) -> dict[str, list[Row]]:
    names = dict.fromkeys(row.family for row in rows)
    return {family: [row for row in rows if row.family == family] for family in names}


def speeds(rows: list[Row], name: str) -> list[tuple[Row, Spread]]:
    return [(row, speed) for row in rows if (speed := row.ratio(name, "asyncio")) is not None]


def mean(rows: list[Row], name: str) -> float:
    medians = [speed.median for _, speed in speeds(rows, name)]
    return prod(medians) ** (1 / len(medians))


def check_every_row(path: Path, rows: list[Row]) -> None:
    """Compare the long chart with the rows: each label, legend, mark and line."""
    picture = Picture(path)
    labels = {row.name: word for row in rows for word in picture.words
              if word.text.removesuffix(" *").removesuffix(f", {row.unit}") == row.title}
    assert len(labels) == len(rows)
    assert all(picture.texts.count(word.text) == 1 for word in labels.values())
    assert [family for family in families(rows) if picture.texts.count(family) == 1] == list(families(rows))
    groups, expected = picture.groups(), set()
    for (family, chosen), legend in zip(families(rows).items(), picture.legends(), strict=True):
        present = [name for name in NAMES if speeds(chosen, name)]
        assert legend == [f"{name} {mean(chosen, name):.2f}×" for name in present]
        for name in present:
            for doubtful, ending in ((False, "sure"), (True, "doubtful")):
                some = [(row, speed) for row, speed in speeds(chosen, name) if speed.too_wide == doubtful]
                if not some:
                    continue
                expected.add(f"{family}-{name}-{ending}")
                for (row, speed), (x, y) in zip(some, points(groups[f"{family}-{name}-{ending}"]), strict=True):
                    assert picture.ratio(x) == pytest.approx(speed.median, rel=0.001)
                    middle = {other: label.y - 3 for other, label in labels.items()}  # of the letters
                    assert min(middle, key=lambda other: abs(middle[other] - y)) == row.name
            expected.add(f"{family}-{name}-spread")
            for (_, speed), ends in zip(speeds(chosen, name), lines(groups[f"{family}-{name}-spread"]), strict=True):
                assert [picture.ratio(end) for end in ends] == pytest.approx([speed.low, speed.high], rel=0.001)
    assert set(groups) == expected
    for row in rows:
        if row.failures:
            assert any(text.endswith(f"failed: {', '.join(row.failures)}") for text in picture.texts)


def check_families(path: Path, rows: list[Row]) -> None:
    """Compare the small chart with the rows: each family's mean of each contender, and the legend."""
    picture = Picture(path)
    present = [name for name in NAMES if speeds(rows, name)]
    assert picture.legends() == [present]
    expected = {f"{family}-{name}": mean(chosen, name) for family, chosen in families(rows).items() for name in present
                if speeds(chosen, name)}
    groups = picture.groups()
    assert {name: picture.ratio(x) for name, group in groups.items() for x, _ in points(group)} == pytest.approx(
        expected, rel=0.001)
    for name, speed in expected.items():
        if name.endswith(OURS):  # have their numbers beside their marks, on the far side of asyncio
            (x, y), = points(groups[name])
            number, = [word for word in picture.words if word.text == f"{speed:.2f}" and abs(word.y - y) < 6]
            assert number.anchor == "end" and number.x < x if speed < 1 else number.x > x


@pytest.mark.parametrize("results", MEASURED, ids=lambda path: path.stem)
def test_the_charts_of_the_repository_show_its_results(results: Path) -> None:
    machine, rows = report.read(results)
    check_every_row(results.with_suffix(".svg"), rows)
    check_families(results.with_name(f"{results.stem}-families.svg"), rows)
    for ending in (".svg", "-families.svg"):
        assert machine.line in Picture(Path(f"{results.with_suffix('')}{ending}")).texts


def row_of(title: str, unit: str = "ns", family: str = "scheduling", **values: Sequence[float]) -> Row:
    return Row(title.split()[0], family, title, unit, {name: list(figures) for name, figures in values.items()},
               {name: {} for name in values})


def draw(directory: Path, rows: list[Row]) -> tuple[Path, Path]:
    pytest.importorskip("matplotlib")
    every_row, small = report.draw(directory / "drawn", MACHINE, rows)
    return every_row, small


def test_results_are_drawn_as_they_are(tmp_path: Path) -> None:
    _, rows = report.read(RESULTS / "3.13.json")
    every_row, small = draw(tmp_path, rows)
    check_every_row(every_row, rows)
    check_families(small, rows)


def test_slower_is_to_the_left_and_the_spread_is_that_of_the_middle_half(tmp_path: Path) -> None:
    rows = [row_of("slower", kernel=[200, 400, 200, 400], compat=[300] * 4, asyncio=[100, 200, 100, 200]),
            row_of("faster", family="new", kernel=[50, 25, 50, 40], asyncio=[100] * 4)]
    every_row, small = draw(tmp_path, rows)
    check_every_row(every_row, rows)
    check_families(small, rows)
    assert any("the middle half of the rounds" in text for text in Picture(every_row).texts)
    assert Picture(every_row).legends() == [["kernel 0.50×", "compat 0.50×"], ["kernel 2.25×"]]


def test_a_row_without_a_mark_says_why(tmp_path: Path) -> None:
    refused = row_of("refused", asyncio=[100] * 4)
    refused.failures = {"kernel": "OSError", "trio": "no answer"}
    rows = [row_of("alone", kernel=[100] * 4), row_of("shrunk", compat=[100] * 4, kernel=[0] * 4, asyncio=[100] * 4),
            refused, row_of("nothing", unit="bytes"), row_of("unknown", asyncio=[100] * 4, another=[100] * 4)]
    picture = Picture(draw(tmp_path, rows)[0])
    for remark in ("no figure of asyncio, only of kernel", "no ratio, as a figure was not above 0: kernel",
                   "failed: kernel, trio", "no figures", "not drawn: another", "nothing, bytes"):
        assert remark in picture.texts
    assert picture.legends() == [["compat 1.00×"]]


def test_rows_of_one_title_are_told_apart_and_a_family_has_one_heading(tmp_path: Path) -> None:
    rows = [row_of("echo", family="io", kernel=[1] * 4, asyncio=[2] * 4),
            row_of("sleep", kernel=[1] * 4, asyncio=[2] * 4),
            row_of("echo", family="io", kernel=[1] * 4, asyncio=[3] * 4)]
    rows[2].name = "echo-2"
    rows[1].disturbance = 0.5
    texts = Picture(draw(tmp_path, rows)[0]).texts
    assert texts.count("io") == 1 and texts.count("echo") == 0
    assert {"echo (echo)", "echo (echo-2)", "sleep *"} < set(texts)
    assert any(text.startswith("* Other programs were at work") for text in texts)


def test_no_label_is_cut_off_and_its_letters_are_only_letters(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    from benchmarks.charts.canvas import measure as width_of, settings
    titles = ["a very long " * 12 + "title", "<script>alert('$1 & $2')</script>"]
    for path in draw(tmp_path, [row_of(title, kernel=[1] * 4, asyncio=[2] * 4) for title in titles]):
        picture = Picture(path)
        for word in picture.words:
            with settings():
                width = width_of(word.text, 8.5)
            assert word.anchor != "end" or word.x - width >= 0
            assert word.x <= picture.width
    texts = Picture(tmp_path / "drawn.svg").texts
    assert set(titles) < set(texts)


@pytest.mark.parametrize("rows", [[], [row_of("alone", kernel=[100] * 4)]], ids=["no row", "no ratio"])
def test_nothing_to_compare(tmp_path: Path, rows: list[Row]) -> None:
    for path in draw(tmp_path, rows):
        assert Picture(path).legends() == [] and Picture(path).groups() == {}


def test_every_contender_has_a_look_of_its_own() -> None:
    pytest.importorskip("matplotlib")
    from benchmarks.charts.canvas import STYLES
    assert list(STYLES) == NAMES
    assert len({style.colour for style in STYLES.values()}) == len(NAMES)
    assert len({style.shape for style in STYLES.values()}) == len(NAMES)


def test_every_family_is_told_about() -> None:
    assert set(ABOUT) == {workload.family for workload in WORKLOADS}


def test_the_same_figures_make_the_same_file_whatever_the_user_prefers(tmp_path: Path) -> None:
    matplotlib = pytest.importorskip("matplotlib")
    rows = [row_of("sleep", kernel=[1] * 4, asyncio=[2] * 4)]
    first = [path.read_bytes() for path in draw(tmp_path, rows)]
    with matplotlib.rc_context({"text.color": "red", "svg.fonttype": "path", "axes.facecolor": "red"}):
        assert [path.read_bytes() for path in draw(tmp_path, rows)] == first
        assert matplotlib.rcParams["text.color"] == "red"


def test_results_without_matplotlib_have_no_charts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
                                                   capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)  # is not found any more
    assert measure(["switch-1", "--quick", "--rounds", "1", "--against", "asyncio", "--write", str(tmp_path)]) == 0
    assert {path.suffix for path in tmp_path.iterdir()} == {".json", ".md"}
    said, = [line for line in capsys.readouterr().out.splitlines() if line.startswith("no charts are drawn")]
    file, = tmp_path.glob("*.json")
    assert f"python -m benchmarks.charts {file}" in said
    with pytest.raises(SystemExit) as exit:
        draw_again([str(file)])
    assert exit.value.code == 1 and "matplotlib, which is not installed" in capsys.readouterr().err


def test_charts_are_drawn_again_from_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("matplotlib")
    rows = [row_of("sleep", kernel=[1] * 4, asyncio=[2] * 4)]
    file = report.write(tmp_path / "3.99", MACHINE, rows)[0]
    assert draw_again([str(file)]) == 0
    assert capsys.readouterr().out.splitlines() == [
        f"written: {tmp_path}/3.99.svg", f"written: {tmp_path}/3.99-families.svg"]
    check_every_row(tmp_path / "3.99.svg", rows)


@pytest.mark.parametrize("content", [None, b"{", b"[]", b"\xff", b'{"machine": {}, "rows": []}',
                                     json.dumps({"machine": {"python": ""}, "rows": 3}).encode()])
def test_a_file_of_something_else(tmp_path: Path, capsys: pytest.CaptureFixture[str], content: bytes | None) -> None:
    pytest.importorskip("matplotlib")
    file = tmp_path / "results.json"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(SystemExit) as exit:
        draw_again([str(file)])
    assert exit.value.code == 1
    complaint, = capsys.readouterr().err.splitlines()
    assert str(file) in complaint

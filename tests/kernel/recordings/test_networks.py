"""Recordings of simulated worlds: hosts, packets, partitions and crashes; and their text and their timeline."""

from __future__ import annotations

import base64
import io
import json
import random
import struct
import zlib
from pathlib import Path
from typing import Any

import pytest

import kernel
from kernel import open_connection, serve, sleep
from kernel.insight import record
from kernel.recordings import moments as kinds
from kernel.recordings.movies import movie_data
from kernel.recordings.reading import Recording, read
from kernel.recordings.rows import STOPPED
from kernel.recordings.states import State
from kernel.recordings.timelines import write_timeline
from kernel.sim import world
from tests.support.programs import pool
from tests.support.recordings import lines_of, recorded
from tests.support.transcripts import text_of
from tests.support.worlds import recorded_world, server, two_hosts

NETWORK = [kinds.NAMES[kind] for kind in sorted(kinds.OF_NETWORKS)]


def network_lines(recording: Recording, *more: str) -> list[str]:
    return [line for line in lines_of(recording) if line.split()[0] in (*NETWORK, *more)]


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Recording:
    return recorded_world(tmp_path_factory.mktemp("world") / "a.rec")


def test_packets_partitions_and_crashes_come_when_they_happen(recording: Recording) -> None:
    assert network_lines(recording, "clock") == [
        "started db",
        "sent main->db the wish of main to connect to db:7",
        "clock 0.25", "arrived main->db the wish of main to connect to db:7", "sent db->main the answer of db",
        "clock 0.5", "arrived db->main the answer of db", "sent main->db what main:32768 sends to db:7 b'hello'",
        "clock 0.75", "arrived main->db what main:32768 sends to db:7 b'hello'",
        "sent db->main what db:7 sends to main:32768 b'HELLO'",
        "clock 1", "arrived db->main what db:7 sends to main:32768 b'HELLO'", "cut db->main", "cut main->db",
        "sent main->db what main:32768 sends to db:7 b'again'", "sent main->db a datagram from main to db:9 b'lost'",
        "clock 1.25", "held main->db what main:32768 sends to db:7 b'again'",
        "lost main->db a datagram from main to db:9 b'lost'",
        "clock 2", "joined db->main", "joined main->db", "arrived main->db what main:32768 sends to db:7 b'again'",
        "sent db->main what db:7 sends to main:32768 b'AGAIN'",
        "clock 2.25", "arrived db->main what db:7 sends to main:32768 b'AGAIN'",
        "clock 3", "crashed db", "sent db->main the end of what db:7 sends to main:32768",
        "clock 3.25", "arrived db->main the end of what db:7 sends to main:32768",
        "clock 4", "started db again",
        "clock 5", "crashed db without power", "sent main->db a reset after what main:32768 sends to db:7"]


def test_a_task_belongs_to_a_host(recording: Recording) -> None:
    db = next(host for host in recording.hosts.values() if host["name"] == "db")
    assert db["address"] == "10.0.0.2"
    of_db = [task["name"] for task in recording.tasks.values() if task.get("host") == db["host"]]
    assert of_db == ["db", "accept at the server at 0.0.0.0:7", "handle the connection to 10.0.0.1:32768",
                     "db", "accept at the server at 0.0.0.0:7"]
    assert [task["name"] for task in recording.tasks.values() if "host" not in task] == ["two_hosts"]


def test_the_tasks_of_a_host_that_crashes_are_stopped(recording: Recording) -> None:
    state = State(recording)
    for moment in recording.moments:
        state.apply(moment)
    assert sorted(state.done.values()) == [0] + [STOPPED] * 5
    assert len(state.flying) == 1 and not state.held and not state.cut
    assert [recording.hosts[host]["name"] for host in state.down] == ["db"]
    assert sum("was stopped" in line for line in lines_of(recording)) == 5


def test_time_never_goes_back(recording: Recording) -> None:
    times = [moment.time for moment in recording.moments]
    assert times == sorted(times)


def test_the_text_has_lines_for_packets_and_hosts(recording: Recording) -> None:
    text = text_of(recording)
    for line in (
            "0.500000 [main -> db] packet 3, 5 bytes: what main:32768 sends to db:7: b'hello'",
            "0.750000 [main -> db] +++ packet 3 has arrived <0.250000s> +++",
            "1.250000 [main -> db] +++ packet 5 is held up by a partition <0.250000s> +++",
            "1.250000 [main -> db] +++ packet 6 is lost <0.250000s> +++",
            "1.000000 [db -> main] +++ cut off +++",
            "2.000000 [main -> db] +++ no longer cut off +++",
            "2.000000 [main -> db] +++ packet 5 has arrived <1.000000s> +++",
            "0.000000 [host db] +++ is there, at 10.0.0.2 +++",
            "3.000000 [host db] +++ crashes +++",
            "3.000000 [task 2 'db' on db] +++ was stopped: its host has crashed +++",
            "4.000000 [host db] +++ starts again +++",
            "5.000000 [host db] +++ loses power +++"):
        assert f"{line}\n" in text
    assert "b'hello'" not in text_of(recording, data=False)
    assert "packet" in text_of(recording, kinds=["network"]) and "packet" not in text_of(recording, kinds=["time"])
    assert "packet" not in text_of(recording, task="db")


def test_without_data_the_bytes_stay_out_of_the_file(tmp_path: Path) -> None:
    recording = recorded_world(tmp_path / "a.rec", data=False)
    assert {packet["carries"] for packet in recording.packets.values()} == {""}
    assert [packet["size"] for packet in recording.packets.values()] == [0, 0, 5, 5, 5, 4, 5, 0, 0]
    assert "hello" not in repr((recording.texts, recording.packets, recording.requests))


def test_the_timeline_has_rows_of_hosts_and_arrows_of_packets(recording: Recording) -> None:
    stream = io.StringIO()
    write_timeline(recording, stream)
    events: list[dict[str, Any]] = json.loads(stream.getvalue())["traceEvents"]
    rows = {event["args"]["name"]: event["tid"] for event in events if event.get("name") == "thread_name"}
    assert {"host db", "host main", "two_hosts (1)"} < rows.keys()
    assert any(name.endswith("db (2) on db") for name in rows)
    begins, ends = ({event["id"]: event for event in events if event["ph"] == phase and event["cat"] == "packet"}
                    for phase in "sf")
    assert sorted(begins) == list(range(1, 10))
    assert begins.keys() - ends.keys() == {6, 9}  # one is lost, and one does not arrive before the end
    slices = [event for event in events if event.get("cat") == "network" and event["ph"] == "X"]
    for arrow, name in (begins[3], "sends b'hello'"), (ends[3], "gets b'hello'"):
        assert [event["name"] for event in slices if (event["tid"], event["ts"]) == (arrow["tid"], arrow["ts"])] == [name]
    assert begins[3]["tid"] == rows["host main"] and ends[3]["tid"] == rows["host db"]
    assert abs(ends[3]["ts"] - begins[3]["ts"] - 250_000) < 100_000  # the axis is the virtual clock, nearly
    spans = [(event["ph"], event.get("name")) for event in events if event.get("cat") == "network" and event["ph"] in "BE"]
    assert spans == [("B", "has crashed"), ("E", None), ("B", "has no power"), ("E", None)]


def test_slices_of_one_host_do_not_overlap(recording: Recording) -> None:
    stream = io.StringIO()
    write_timeline(recording, stream)
    by_row: dict[int, list[tuple[float, float]]] = {}
    for event in json.loads(stream.getvalue())["traceEvents"]:
        if event.get("cat") == "network" and event["ph"] == "X":
            by_row.setdefault(event["tid"], []).append((event["ts"], event["dur"]))
    for slices in by_row.values():
        assert all(since + duration <= later + 1e-3 for (since, duration), (later, _) in zip(slices, slices[1:]))


def test_the_page_gets_hosts_and_packets_where_there_are_any(recording: Recording, tmp_path: Path) -> None:
    data = movie_data(recording)
    assert [host["name"] for host in data["hosts"]] == ["db", "main"] and len(data["packets"]) == 9
    assert not {"hosts", "packets"} & movie_data(recorded(pool, tmp_path / "a.rec")).keys()


def test_a_file_without_a_world_has_nothing_of_that(tmp_path: Path) -> None:
    recorded(pool, tmp_path / "a.rec")
    lines = [json.loads(line) for line in (tmp_path / "a.rec").read_text().splitlines()]
    assert [line for line in lines if "network" in line or "host" in line] == []


def test_a_simulation_without_packets_has_no_hosts(tmp_path: Path) -> None:
    async def main() -> None:
        await sleep(1)

    with record(tmp_path / "a.rec"):
        kernel.simulate(main)
    recording = read(tmp_path / "a.rec")
    assert (recording.hosts, recording.packets) == ({}, {})


def test_what_a_program_sends_to_itself_is_of_its_own_host(tmp_path: Path) -> None:
    async def main() -> None:
        async with await serve(server_of_one, "127.0.0.1", 7), await open_connection("127.0.0.1", 7) as stream:
            await stream.write_all(b"x")
            await stream.read(1)

    async def server_of_one(stream: Any) -> None:
        await stream.write_all(await stream.read(1))

    with record(tmp_path / "a.rec"):
        kernel.simulate(main)
    recording = read(tmp_path / "a.rec")
    assert [host["name"] for host in recording.hosts.values()] == ["main"]
    assert "arrived main->main what main:32768 sends to main:7 b'x'" in network_lines(recording)


def test_a_program_that_an_older_release_reads_is_the_same_to_it(recording: Recording, tmp_path: Path) -> None:
    """Older readers pass over lines that they do not know. Without those the rest is complete."""
    recorded_world(tmp_path / "a.rec")
    lines = (tmp_path / "a.rec").read_text().splitlines(keepends=True)
    kept = [line for line in lines if next(iter(json.loads(line))) not in ("network", "host")]
    (tmp_path / "b.rec").write_text("".join(kept))
    older = read(tmp_path / "b.rec")
    assert older.damage is None and len(kept) < len(lines)
    assert [line.partition(" was ")[0] for line in lines_of(older)] == [
        line.partition(" was ")[0] for line in lines_of(recording) if line.split()[0] not in NETWORK]


def test_a_recording_that_begins_in_the_middle_has_the_hosts_that_are_there(tmp_path: Path) -> None:
    async def main() -> None:
        db, spare = world.host("db"), world.host("spare")
        db.run(server)
        spare.run(server)
        world.partition("main", "db", one_way=True)
        await sleep(1)
        spare.crash(power=True)
        with record(tmp_path / "a.rec"):
            await sleep(1)
            world.heal()
        db.crash()  # of which nobody is told any more

    kernel.simulate(main)
    assert network_lines(read(tmp_path / "a.rec")) == [
        "started db", "started spare", "crashed spare without power", "cut main->db", "joined main->db"]


def test_two_recordings_of_one_run_tell_the_same(tmp_path: Path) -> None:
    async def main() -> None:
        with record(tmp_path / "a.rec"), record(tmp_path / "b.rec"):
            await two_hosts()

    kernel.simulate(main)
    first, second = (network_lines(read(tmp_path / name)) for name in ("a.rec", "b.rec"))
    assert first == second and len(first) > 20


@pytest.mark.parametrize("integers", [
    [16 * 7 + 1, 5],  # a packet that was not sent
    [16 + 4, 5],  # a host that is not defined
    [16 + 15, 5],  # a kind that there is not
])
def test_rows_of_a_network_that_make_no_sense_are_damage(integers: list[int], tmp_path: Path) -> None:
    recorded(pool, tmp_path / "a.rec")
    whole = (tmp_path / "a.rec").read_text().splitlines(keepends=True)
    data = base64.b64encode(zlib.compress(struct.pack(f"<{len(integers)}q", *integers))).decode()
    whole.insert(-1, json.dumps({"network": len(integers), "data": data}) + "\n")
    (tmp_path / "a.rec").write_text("".join(whole))
    damage = read(tmp_path / "a.rec").damage
    assert damage is not None and "cannot be read (" in damage


@pytest.mark.parametrize("seed", range(3))
def test_no_view_fails_for_rows_with_wrong_numbers(seed: int, tmp_path: Path) -> None:
    file = tmp_path / "a.rec"
    recorded_world(file)
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    rows = next(line for line in lines if "network" in line)
    right = list(struct.unpack(f"<{rows['network']}q", zlib.decompress(base64.b64decode(rows["data"]))))
    chance = random.Random(seed)
    outcomes = set()
    for _ in range(100):
        wrong = list(right)
        for _ in range(chance.choice([1, 1, 3])):
            place = chance.randrange(len(wrong))
            wrong[place] = chance.choice([-1, 0, 1, 2, 5, 16, wrong[place] + 1, wrong[place] + 16, chance.choice(wrong)])
        rows["data"] = base64.b64encode(zlib.compress(struct.pack(f"<{len(wrong)}q", *wrong))).decode()
        file.write_text("".join(f"{json.dumps(line)}\n" for line in lines))
        recording = read(file)
        outcomes.add(recording.damage is None)
        text_of(recording)
        write_timeline(recording, io.StringIO())
        movie_data(recording)
    assert outcomes == {True, False}

"""Processes that write one folder while others read it: every read sees one whole version."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import duckdb
import pytest
import smallpond
from drawn import drawn, first
from output_ways import WAYS, Way, everything_but_data, publishing_state, rows_of_version

Start = Callable[..., subprocess.Popen]

SIDE_PROCESS = Path(__file__).with_name("side_process.py")


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts a side process and waits until it is ready."""
    processes: list[subprocess.Popen] = []

    def run(*arguments: object) -> subprocess.Popen:
        process = subprocess.Popen(
            [sys.executable, str(SIDE_PROCESS), *map(str, arguments)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        processes.append(process)
        assert process.stdout and process.stdout.readline() == "ready\n"
        return process

    yield run
    for process in processes:
        process.kill()
        process.communicate()


def go(process: subprocess.Popen) -> None:
    process.stdin.write("go\n")
    process.stdin.flush()


def lines_of(process: subprocess.Popen) -> list[str]:
    lines = process.stdout.read().splitlines()
    assert process.wait() == 0
    return lines


def finish(readers: dict[str, subprocess.Popen], stop: Path) -> dict[str, dict[str, int]]:
    stop.touch()
    return {name: json.loads(lines_of(process)[-1]) for name, process in readers.items()}


def start_readers(
    start: Start, way: str, mode: str, folder: Path, stop: Path
) -> dict[str, subprocess.Popen]:
    return {
        "folder": start("read", way, mode, folder, "", stop),
        "glob": start("read", way, mode, folder, WAYS[way].pattern, stop),
        "plain DuckDB": start("glob", way, mode, folder, stop),
    }


def check_plain_reads(seen: dict[str, int]) -> None:
    # Torn: a part of one version's files. No file is torn itself, which would be told apart.
    assert set(seen) <= {"quiet whole", "whole", "mixed", "torn", "gone"}, f"plain DuckDB: {seen}"
    assert seen["quiet whole"] > 0


def check_reads(seen: dict[str, dict[str, int]]) -> None:
    for name in ["folder", "glob"]:
        assert set(seen[name]) == {"whole"}, f"by {name}: {seen[name]}"
    check_plain_reads(seen["plain DuckDB"])
    print(seen)


def check_end(sp: smallpond.Session, way: Way, folder: Path, versions: list[int]) -> None:
    """Exactly these versions stand in the folder, for every reader, and nothing else does."""
    expected = [rows_of_version(version) for version in versions]
    assert way.read(sp, folder) == expected
    assert way.read(sp, f"{folder}{way.pattern}") == expected
    with duckdb.connect() as connection:
        assert way.glob(connection, folder) == expected
    assert everything_but_data(folder) == {"_smallpond"}


def write_and_read(
    sp: smallpond.Session,
    start: Start,
    folder: Path,
    way: str,
    mode: str,
    num_versions: int,
    kills: list[int],
) -> None:
    """Writers follow each other, each of them but the last killed at a line that it prints."""
    stop = folder.parent / "stop"
    WAYS[way].write(sp, 0, folder, mode)
    readers = start_readers(start, way, mode, folder, stop)
    version = 1
    done: list[int] = [0]
    unknown: set[int] = set()  # Nobody knows whether they were committed.
    for kill_at in [*kills, None]:
        writer = start("write", way, mode, folder, version, num_versions)
        go(writer)
        if kill_at is None:
            lines = lines_of(writer)
        else:
            lines = [writer.stdout.readline().strip() for _ in range(kill_at)]
            writer.send_signal(signal.SIGKILL)
            lines += writer.stdout.read().splitlines()  # What it printed until it died.
            writer.wait()
        done += [int(line.split()[1]) for line in lines if line.startswith("done")]
        begun = [int(line.split()[1]) for line in lines if line.startswith("begin")]
        unknown |= set(begun) - set(done)
        version = begun[-1] + 1
    check_reads(finish(readers, stop))
    if mode == "append":
        found = [row[0] for row in WAYS[way].read(sp, folder)]
        assert set(done) <= set(found) <= set(done) | unknown
        check_end(sp, WAYS[way], folder, found)
    else:
        check_end(sp, WAYS[way], folder, done[-1:])


def test_readers_while_a_writer_overwrites(
    sp: smallpond.Session, start: Start, tmp_path: Path
) -> None:
    write_and_read(sp, start, tmp_path / "out", "parquet", "overwrite", 40, [])


MODES = ["overwrite", "append"]
FAST_KILLS = [
    ("parquet", "overwrite"),
    ("parquet", "append"),
    ("csv", "overwrite"),
    ("json", "append"),
    ("parquet-by-kind", "overwrite"),
]


@pytest.mark.parametrize(("way", "mode"), FAST_KILLS)
def test_readers_while_writers_are_killed(
    sp: smallpond.Session, start: Start, tmp_path: Path, way: str, mode: str
) -> None:
    write_and_read(sp, start, tmp_path / "out", way, mode, 5, [1, 3, 4])


@pytest.mark.slow
@pytest.mark.parametrize("seed", first(1, range(2)))
@pytest.mark.parametrize(("mode", "way"), drawn(MODES, list(WAYS), 0, 1))
def test_readers_while_many_writers_are_killed(
    sp: smallpond.Session, start: Start, tmp_path: Path, way: str, mode: str, seed: int
) -> None:
    choice = random.Random(f"{way} {mode} {seed}")
    kills = [choice.randrange(1, 20) for _ in range(10)]
    write_and_read(sp, start, tmp_path / "out", way, mode, 20, kills)


def write_parallel_for(
    sp: smallpond.Session, start: Start, folder: Path, way: str, mode: str
) -> None:
    """Three writers race, and plain DuckDB watches them."""
    stop = folder.parent / "stop"
    WAYS[way].write(sp, 0, folder, "overwrite")
    reader = start("glob", way, mode, folder, stop)
    writers = [start("write", way, mode, folder, 1 + 100 * i, 12) for i in range(3)]
    for writer in writers:
        go(writer)
    lines = [line for writer in writers for line in lines_of(writer)]
    done = sorted(int(line.split()[1]) for line in lines if line.startswith("done"))
    lost = sorted(int(line.split()[1]) for line in lines if line.startswith("lost"))
    assert len(done) + len(lost) == 36
    check_plain_reads(finish({"plain DuckDB": reader}, stop)["plain DuckDB"])
    assert publishing_state(folder) == (1 + len(done), True), "as many versions as winners"
    if mode == "append":
        assert lost == []
        check_end(sp, WAYS[way], folder, [0, *done])
    else:
        found = WAYS[way].read(sp, folder)
        assert len(found) == 1 and found[0][0] in done
        check_end(sp, WAYS[way], folder, [found[0][0]])


FAST_RACES = [("parquet", "overwrite"), ("parquet", "append"), ("csv-by-kind", "append")]


@pytest.mark.parametrize(("way", "mode"), FAST_RACES)
def test_writers_parallel_for(
    sp: smallpond.Session, start: Start, tmp_path: Path, way: str, mode: str
) -> None:
    write_parallel_for(sp, start, tmp_path / "out", way, mode)


@pytest.mark.slow
@pytest.mark.parametrize(("mode", "way"), drawn(MODES, list(WAYS), 0, 1))
def test_writers_parallel_for_every_way(
    sp: smallpond.Session, start: Start, tmp_path: Path, way: str, mode: str
) -> None:
    write_parallel_for(sp, start, tmp_path / "out", way, mode)

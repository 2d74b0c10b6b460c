"""Processes that write one folder while others read it: every read sees one whole version."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import smallpond
from side_process import num_rows, verdict, version_sql

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


def everything_but_data(folder: Path) -> set[str]:
    """What stands in a folder and its metadata, but for data files and the notes of versions."""
    names = {str(path.relative_to(folder)) for path in folder.rglob("*")}
    notes = ("_smallpond/manifest-", "_smallpond/published-")
    return {
        name
        for name in names
        if not name.startswith(notes) and not (name.endswith(".parquet") and "/" not in name)
    }


def content(sp: smallpond.Session, folder: Path | str) -> list[tuple[int, int, int]]:
    table = sp.sql(
        "SELECT version, count(*) AS n, count(DISTINCT i) AS d FROM {0} GROUP BY ALL ORDER BY ALL",
        sp.read_parquet(folder),
    ).to_arrow()
    return list(zip(*(column.to_pylist() for column in table.columns), strict=True))


def finish(readers: dict[str, subprocess.Popen], stop: Path) -> dict[str, dict[str, int]]:
    stop.touch()
    return {name: json.loads(lines_of(process)[-1]) for name, process in readers.items()}


def start_readers(start: Start, folder: Path, stop: Path) -> dict[str, subprocess.Popen]:
    return {
        "folder": start("read", folder, "", stop),
        "glob": start("read", folder, "/*.parquet", stop),
        "plain DuckDB": start("glob", folder, "/*.parquet", stop),
    }


def check_reads(seen: dict[str, dict[str, int]]) -> None:
    for name in ["folder", "glob"]:
        assert set(seen[name]) == {"whole"}, f"by {name}: {seen[name]}"
    plain = seen["plain DuckDB"]
    # Torn: a part of one version's files.
    assert set(plain) <= {"whole", "mixed", "torn", "gone"}, f"plain DuckDB: {plain}"
    print(seen)


def write_and_read(
    sp: smallpond.Session, start: Start, folder: Path, num_versions: int, kills: list[int]
) -> None:
    """Writers follow each other, each of them but the last killed at a line that it prints."""
    stop = folder.parent / "stop"
    sp.sql(version_sql(0)).write_parquet(folder)
    readers = start_readers(start, folder, stop)
    version = 1
    for kill_at in [*kills, None]:
        writer = start("write", folder, version, num_versions, "overwrite")
        go(writer)
        if kill_at is None:
            last = lines_of(writer)[-1]
            assert last == f"done {version + num_versions - 1}"
            break
        line = ""
        for _ in range(kill_at):
            line = writer.stdout.readline()
        writer.send_signal(signal.SIGKILL)
        writer.wait()
        version = max(version, int(line.split()[1])) + 1  # Nobody knows whether it was committed.
    check_reads(finish(readers, stop))
    last_version = version + num_versions - 1
    assert content(sp, folder) == [(last_version, num_rows(last_version), num_rows(last_version))]
    assert content(sp, f"{folder}/*.parquet") == content(sp, folder)
    assert everything_but_data(folder) == {"_smallpond"}


def test_readers_while_a_writer_overwrites(
    sp: smallpond.Session, start: Start, tmp_path: Path
) -> None:
    write_and_read(sp, start, tmp_path / "out", 40, [])


def test_readers_while_writers_are_killed(
    sp: smallpond.Session, start: Start, tmp_path: Path
) -> None:
    write_and_read(sp, start, tmp_path / "out", 10, [1, 3, 4])


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
def test_readers_while_many_writers_are_killed(
    sp: smallpond.Session, start: Start, tmp_path: Path, seed: int
) -> None:
    choice = random.Random(seed)
    write_and_read(sp, start, tmp_path / "out", 40, [choice.randrange(1, 40) for _ in range(15)])


@pytest.mark.parametrize("mode", ["overwrite", "append"])
def test_writers_side_by_side(
    sp: smallpond.Session, start: Start, tmp_path: Path, mode: str
) -> None:
    folder = tmp_path / "out"
    writers = [start("write", folder, 1 + 100 * i, 12, mode) for i in range(3)]
    for writer in writers:
        go(writer)
    lines = [line for writer in writers for line in lines_of(writer)]
    done = sorted(int(line.split()[1]) for line in lines if line.startswith("done"))
    lost = sorted(int(line.split()[1]) for line in lines if line.startswith("lost"))
    assert len(done) + len(lost) == 36
    manifests = sorted(path.name for path in (folder / "_smallpond").glob("manifest-*"))
    assert int(manifests[-1][9:19]) == len(done), "as many versions as writers that won"
    found = content(sp, folder)
    assert content(sp, f"{folder}/*.parquet") == found
    assert everything_but_data(folder) == {"_smallpond"}
    if mode == "append":
        assert lost == []
        assert found == [(version, num_rows(version), num_rows(version)) for version in done]
    else:
        assert verdict(found) == "whole" and found[0][0] in done

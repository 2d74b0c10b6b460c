"""Writers that are killed at every step of a write: each call by which they change the folder.

A folder after a kill is also what others see while a writer lives and is at that step. Our readers
see one version. A glob sees whole files of ours, and of one version but where a commit is not
published yet; the next write mends that.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest
import smallpond
from output_ways import (
    WAYS,
    Way,
    everything_but_data,
    publishing_state,
    rows_of_version,
    sizes_in_manifests,
)

HERE = Path(__file__).parent
MODES = ["overwrite", "append"]
CASES = [(way, mode) for way in WAYS for mode in MODES]
FAST_CASES = [("parquet", "append"), ("csv", "overwrite"), ("json-by-kind", "overwrite")]
OLD, NEW, NEXT = 2, 3, 5  # Of several files each.


@pytest.fixture(scope="session")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What is preloaded into a writer to kill it."""
    path = tmp_path_factory.mktemp("kill") / "kill_at_step.so"
    source = HERE / "kill_at_step.cc"
    subprocess.run(["c++", "-shared", "-fPIC", "-O1", "-o", path, source, "-ldl"], check=True)
    return path


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(config={"threads": 1}) as connection:
        yield connection


class KilledWriter:
    """Writes the version NEW over OLD in a process of its own."""

    def __init__(self, sp: smallpond.Session, library: Path, tmp: Path, way: str, mode: str):
        self.library, self.way, self.mode = library, way, mode
        self.log, self.before, self.tmp = tmp / "log", tmp / "before", tmp / "work"
        self.folder = self.tmp / "out"  # Attempts lie beside it.
        WAYS[way].write(sp, OLD, self.before, "overwrite")

    def write(self, kill_at: int) -> list[str]:
        """The steps that the writer began, all where `kill_at` is 0."""
        shutil.rmtree(self.tmp, ignore_errors=True)
        shutil.copytree(self.before, self.folder)
        self.log.write_text("")
        preload = [*filter(None, [os.environ.get("LD_PRELOAD")]), str(self.library)]
        killing = {
            "KILL_FOLDER": f"{self.tmp}/",
            "KILL_AT": str(kill_at),
            "KILL_LOG": str(self.log),
        }
        arguments = ["write", self.way, self.mode, self.folder, str(NEW), "1"]
        done = subprocess.run(
            [sys.executable, HERE / "side_process.py", *arguments],
            env=os.environ | killing | {"LD_PRELOAD": " ".join(preload)},
            input="go\n",
            capture_output=True,
            text=True,
            check=False,
        )
        steps = self.log.read_text().splitlines()
        if kill_at == 0:
            assert done.returncode == 0 and f"done {NEW}" in done.stdout, done.stderr
        elif len(steps) >= kill_at:
            assert done.returncode == -signal.SIGKILL, done.stderr
        return steps


def check_folder(
    sp: smallpond.Session,
    connection: duckdb.DuckDBPyConnection,
    way: Way,
    folder: Path,
    mode: str,
) -> tuple[str, list[int]]:
    """How far the write came, and which versions there are now."""
    number, is_published = publishing_state(folder)
    old, new = rows_of_version(OLD), rows_of_version(NEW)
    is_committed = number == 2
    expected = [old] if not is_committed else [old, new] if mode == "append" else [new]
    assert way.read(sp, folder) == expected
    assert way.read(sp, f"{folder}{way.pattern}") == expected
    committed = sizes_in_manifests(folder)
    found = way.data_files(folder)
    assert found == {name: committed.get(name) for name in found}, "whole files of ours"
    rows = way.glob(connection, folder)
    for version, count, distinct, texts in rows:
        assert count == distinct == texts, f"doubled or torn rows of version {version}"
    if is_published:
        assert rows == expected
    return (
        "published" if is_committed and is_published else "committed" if is_committed else "before",
        [row[0] for row in expected],
    )


def check_kills(
    sp: smallpond.Session,
    connection: duckdb.DuckDBPyConnection,
    writer: KilledWriter,
    kills: list[int],
) -> dict[str, int]:
    """How often each state of the folder was left."""
    way, folder, states = WAYS[writer.way], writer.folder, {}
    for kill_at in kills:
        writer.write(kill_at)
        state, versions = check_folder(sp, connection, way, folder, writer.mode)
        states[state] = states.get(state, 0) + 1
        way.write(sp, NEXT, folder, writer.mode)
        expected = [NEXT] if writer.mode == "overwrite" else [*versions, NEXT]
        rows = [rows_of_version(version) for version in expected]
        assert way.read(sp, folder) == way.glob(connection, folder) == rows, f"after {state}"
        assert everything_but_data(folder) == {"_smallpond"}, f"after {state}"
    return states


@pytest.mark.parametrize(("way", "mode"), FAST_CASES)
def test_killed_at_each_kind_of_step(
    sp: smallpond.Session,
    connection: duckdb.DuckDBPyConnection,
    library: Path,
    tmp_path: Path,
    way: str,
    mode: str,
) -> None:
    writer = KilledWriter(sp, library, tmp_path, way, mode)
    steps = writer.write(0)
    links = [number for number, step in enumerate(steps, 1) if step == "link"]
    first = [steps.index(step) + 1 for step in dict.fromkeys(steps)]
    commit = steps.index("rename") + 1
    # The rename commits, the first link is the first file's name, the last publishes all.
    kills = sorted({*first, commit, commit + 1, *links[:2], links[-1] + 1, len(steps)})
    states = check_kills(sp, connection, writer, kills)
    assert set(states) == {"before", "committed", "published"}, states


def every_step(way: str, mode: str) -> Any:
    """JSON is committed by the same steps as CSV, folders of CSV by those of Parquet's, and appends
    of all by those of plain Parquet."""
    is_like_another = (
        way.startswith("json") or way == "csv-by-kind" or (mode == "append" and way != "parquet")
    )
    return pytest.param(way, mode, marks=pytest.mark.whole if is_like_another else [])


@pytest.mark.slow
@pytest.mark.parametrize(("way", "mode"), [every_step(*case) for case in CASES])
def test_killed_at_every_step(
    sp: smallpond.Session,
    connection: duckdb.DuckDBPyConnection,
    library: Path,
    tmp_path: Path,
    way: str,
    mode: str,
) -> None:
    writer = KilledWriter(sp, library, tmp_path, way, mode)
    num_steps = len(writer.write(0))
    states = check_kills(sp, connection, writer, list(range(1, num_steps + 1)))
    assert min(states[state] for state in ["before", "committed", "published"]) >= 3, states
    print(states)

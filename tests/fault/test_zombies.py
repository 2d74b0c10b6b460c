"""Workers that their driver has given up and that write on. What they leave is not published."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import cut_off_worker
import duckdb
import psutil
import pytest
from folder_content import everything_below
from output_ways import files_of, publishing_state, read_manifest
from smallpond import process_executor
from staged_output import (
    NUM_ROWS,
    Output,
    assert_files,
    cases,
    count_rows,
    finished,
    write_times,
)
from worker_faults import (
    AT_MOST_SECONDS,
    WorkerFaults,
    names_of_files,
    session,
    wait_until,
    workers,
)

Plain = duckdb.DuckDBPyConnection


class Workers:
    """Those of sessions that are opened now. Each can be stopped and cut off from its driver."""

    def __init__(self, notes: Path) -> None:
        self.notes = notes
        self.cut_off: list[psutil.Process] = []

    def cut_off_who_has(self, begin: str) -> psutil.Process:
        """Stops the worker that has a file open whose path begins so. Its driver loses it, and
        nobody ends it."""
        found: list[psutil.Process] = []
        wait_until(lambda: found or found.extend(self._who_has(begin)))
        self.cut_off.append(found[0])
        found[0].suspend()
        os.kill(int((self.notes / f"{found[0].pid}.relay").read_text()), signal.SIGKILL)
        return found[0]

    def _who_has(self, begin: str) -> Iterator[psutil.Process]:
        for note in self.notes.glob("*.relay"):
            if any(name.startswith(begin) for name in names_of_files(int(note.stem))):
                yield psutil.Process(int(note.stem))

    def let_end(self, worker: psutil.Process) -> str:
        """Waits until it has reported to nobody, and has ended then. Returns the report."""
        said = self.notes / f"{worker.pid}.said"
        wait_until(lambda: b'"ok":' in said.read_bytes())
        worker.parent().kill()  # Who listens to it.
        worker.wait(AT_MOST_SECONDS)
        return said.read_bytes().decode(errors="replace")


@pytest.fixture
def relayed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workers]:
    notes = tmp_path / "workers"
    notes.mkdir()
    relay = [sys.executable, "-I", "-S", cut_off_worker.__file__, str(notes)]
    relay += process_executor.worker_command()
    monkeypatch.setattr(process_executor, "worker_command", lambda: relay)
    found = Workers(notes)
    yield found
    for worker in found.cut_off:
        if worker.is_running():
            worker.kill()


def attempts_of(out: Path) -> set[str]:
    """The attempts, TASK-ATTEMPT, that wrote the files of the latest version."""
    version, _ = publishing_state(out)
    manifest = read_manifest(out / "_smallpond" / f"manifest-{version:010}")
    return {path.split("/")[3] for path, _ in files_of(manifest).values()}


def sizes(folder: Path) -> dict[str, int]:
    return {str(p.relative_to(folder)): p.stat().st_size for p in folder.rglob("*") if p.is_file()}


@cases("name", [("repartition",)], ["flat", "partition_by", "file_size", "repartition"])
def test_a_zombie_ends_before_the_commit(
    name: str, faults: WorkerFaults, relayed: Workers, oracle: Plain, tmp_path: Path, files: Path
) -> None:
    """Its files lie whole beside those of the attempt that counts."""
    with session(tmp_path, "processes") as sp:
        output = Output(oracle, sp, files, tmp_path, name)
        stage, (task, last, *_) = output.learn(faults)
        said: list[str] = []

        def lose() -> None:
            gate = faults.folder / f"{stage}.{task}.0.flip-file"
            relayed.cut_off_who_has(str(gate))
            wait_until(lambda: task in finished(output.job(), stage))
            relayed.cut_off[0].resume()

        def end() -> None:
            wait_until(lambda: task in finished(output.job(), stage))
            said.append(relayed.let_end(relayed.cut_off[0]))
            zombie, winner = (sizes(output.staging() / f"{task}-{n}") for n in [0, 1])
            assert zombie and zombie.keys() == winner.keys()

        with faults.held(stage, last, end), faults.held(stage, task, lose):
            output.write()
        assert '"ok":true' in said[0]
        assert faults.take_attempts()[stage, task] == 2
        assert {f"{task}-1", f"{last}-0"} <= attempts_of(output.out)
        assert f"{task}-0" not in attempts_of(output.out)
        output.check()
        output.write("append")
        assert_files(output.out)


# How often the rows are written, and how: so that a worker can be stopped while it writes.
LAYOUTS: dict[str, tuple[int, dict[str, Any]]] = {
    "flat": (1000, {}),
    "folders": (2000, {"partition_by": ["kind", "country"]}),
    "sorted folders": (100, {"partition_by": ["kind", "user_id"], "sort_by": "h"}),
    "sizes": (1000, {"file_size": "50KB", "sort_by": "h"}),
}


@cases("layout", [("flat",)], list(LAYOUTS))
def test_a_zombie_goes_on_after_the_commit(
    layout: str, faults: WorkerFaults, relayed: Workers, tmp_path: Path, files: Path
) -> None:
    """It was stopped while it wrote."""
    out, (times, options) = tmp_path / "out", LAYOUTS[layout]
    with session(tmp_path, "processes") as sp, ThreadPoolExecutor(1) as beside:
        lost = beside.submit(relayed.cut_off_who_has, str(tmp_path / ".out.attempt-"))
        write_times(sp, files, out, times, **options)
        zombie = lost.result(AT_MOST_SECONDS)
        attempts = faults.take_attempts()
        [(stage, task)] = [each for each, count in attempts.items() if count == 2]
        assert stage == max(attempts)[0] and f"{task}-0" not in attempts_of(out)
        assert count_rows(out) == (times * NUM_ROWS, times * NUM_ROWS)
        assert_files(out)
        before = everything_below(out)
        zombie.resume()
        assert '"ok":false' in relayed.let_end(zombie)
        assert everything_below(out) == before
        write_times(sp, files, out, **options)
        assert count_rows(out) == (NUM_ROWS, NUM_ROWS)
        assert_files(out)


@pytest.mark.whole  # It takes the half minute after which a silent worker is killed.
def test_a_worker_that_is_stopped_is_killed(
    faults: WorkerFaults, oracle: Plain, tmp_path: Path, files: Path
) -> None:
    """After half a minute without a word of it, so that it can't write on."""
    with session(tmp_path, "processes") as sp:
        output = Output(oracle, sp, files, tmp_path, "partition_by")
        stage, (task, *_) = output.learn(faults)
        stopped: list[psutil.Process] = []

        def stop() -> None:
            gate = str(faults.folder / f"{stage}.{task}.0.flip-file")
            stopped.extend(worker for worker in workers() if gate in names_of_files(worker.pid))
            stopped[0].suspend()
            wait_until(lambda: task in finished(output.job(), stage))

        with faults.held(stage, task, stop):
            output.write()
        assert faults.take_attempts()[stage, task] == 2
        assert not stopped[0].is_running()
        assert f"{task}-1" in attempts_of(output.out)
        output.check()

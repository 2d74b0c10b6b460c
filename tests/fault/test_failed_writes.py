"""Writes by tasks that can't come to an end leave the output as it was, and nothing beside it."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import duckdb
import psutil
import pyarrow
import pytest
import smallpond
from folder_content import everything_below
from staged_output import (
    EXECUTORS,
    MANY_SQL,
    NUM_ROWS,
    Output,
    assert_files,
    cases,
    count_rows,
    finished,
    tasks_of,
    write_times,
)
from worker_faults import (
    AT_MOST_SECONDS,
    WorkerFaults,
    last_tasks,
    session,
    take_kept_job,
    wait_until,
)
from written import assert_nothing_beside

Plain = duckdb.DuckDBPyConnection


MORE_THAN_TRAVELS = 1 << 20  # Fewer bytes are part of what tasks are told.


def given_frame(
    sp: smallpond.Session, oracle: Plain, least_bytes: int = MORE_THAN_TRAVELS
) -> smallpond.DataFrame:
    """Groups of rows that only the driver has, as many as take up so many bytes in a file."""
    [(num_rows,)] = oracle.execute("SELECT count(*) FROM events").fetchall()
    repeats = 1 + least_bytes // (32 * num_rows)  # The texts alone.
    rows = sp.from_arrow(
        oracle.execute(
            f"SELECT *, md5(i || event_id) AS text FROM events, range({repeats}) AS r(i)"
        ).to_arrow_table()
    )
    return sp.sql("SELECT kind, count(*) AS n, max(text) AS text FROM {0} GROUP BY kind", rows)


@cases(
    "fault executor",
    [("flip-file", "processes"), ("cut", "threads"), ("drop", "threads")],
    ["flip-file", "cut", "drop"],
    EXECUTORS,
)
def test_rows_that_only_the_driver_had_are_lost(
    fault: str, executor: str, faults: WorkerFaults, oracle: Plain, tmp_path: Path
) -> None:
    """The first stage is given by the driver. In what reads it, one task has done its work."""
    name, out = "stage-0/task-0.attempt-0.exchange", tmp_path / "out"
    with session(tmp_path, executor) as sp:
        given_frame(sp, oracle).write_parquet(out)
        before = everything_below(out)
        assert min(faults.take_attempts()) == (1, 0)

        def lose() -> None:
            (job,) = (tmp_path / "root" / "jobs").iterdir()
            wait_until(lambda: finished(job, 1))
            if fault == "drop":
                (job / name).unlink()
            else:
                os.truncate(job / name, (job / name).stat().st_size // 2)

        for write in [
            lambda frame: frame.write_parquet(out),
            lambda frame: frame.repartition(2).write_parquet(out, mode="append"),
        ]:
            with pytest.raises(smallpond.IoError, match=r"Stage 0, task 0 .* is gone or damaged"):
                if fault == "flip-file":
                    faults.ask(1, 1, fault, text=name)  # It reads the middle of the file.
                    write(given_frame(sp, oracle))
                else:
                    with faults.held(1, 0, lose):
                        write(given_frame(sp, oracle))
            assert faults.pending() == []
            assert max(faults.take_attempts().values()) == 1, "nobody can make it again"
            assert everything_below(out) == before
            assert_nothing_beside(out)
            take_kept_job(tmp_path)


@pytest.mark.parametrize("executor", EXECUTORS)
def test_few_rows_of_the_driver_travel_with_their_readers(
    executor: str, faults: WorkerFaults, oracle: Plain, tmp_path: Path
) -> None:
    name = "stage-0/task-0.attempt-0.exchange"
    with session(tmp_path, executor) as sp:
        expected = sorted(
            oracle.execute("SELECT kind, count(*) FROM events GROUP BY ALL").fetchall()
        )
        removed: list[int] = []

        def lose() -> None:
            (job,) = (tmp_path / "root" / "jobs").iterdir()
            wait_until(lambda: finished(job, 1))
            removed.append((job / name).stat().st_size)
            (job / name).unlink()

        with faults.held(1, 0, lose):
            found = given_frame(sp, oracle, least_bytes=0).to_arrow().to_pylist()
        assert sorted((row["kind"], row["n"]) for row in found) == expected
        assert len(removed) == 1 and removed[0] < MORE_THAN_TRAVELS


SCRIPT = """
import sys, smallpond
from pathlib import Path

def main(files, folder, executor, sql, n, mode):
    files, folder = Path(files), Path(folder)
    with smallpond.init(executor=executor, threads=2, partitions=3, broadcast_size=1,
                        num_executors=2 if executor == "processes" else None,
                        duckdb_memory="1GB", data_root=folder / "root") as sp:
        def write(n):
            frame = sp.sql(sql.replace("{n}", n), sp.read_parquet(files / "events"),
                           sp.read_parquet(files / "users"))
            frame.write_parquet(folder / "out", mode=mode)
        try:
            write(n)
        except KeyboardInterrupt:
            print("interrupted", flush=True)
            print([path.name for path in folder.glob(".*")], flush=True)
            print(list((folder / "root" / "jobs").iterdir()), flush=True)
            sys.stdin.readline()
            write("1")
            print("goes on", flush=True)

main(*sys.argv[1:])
"""


class Driver:
    """A process that writes `n` times the rows of SQL over an older version, or to it."""

    def __init__(self, files: Path, folder: Path, executor: str, n: int, mode: str):
        self.out = folder / "out"
        arguments = [str(files), str(folder), executor, MANY_SQL, str(n), mode]
        self.process = subprocess.Popen(
            [sys.executable, "-c", SCRIPT, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def is_writing(self) -> bool:
        """Whether a task writes a file now."""
        staged = self.out.parent.glob(f".{self.out.name}.attempt-*/*/*/*.parquet?writing")
        return any(path.stat().st_size for path in staged)

    def kill(self) -> list[psutil.Process]:
        """Returns the workers, which may live for a while."""
        workers = psutil.Process(self.process.pid).children(recursive=True)
        self.process.kill()
        self.process.communicate()
        return workers


MANY = 30_000


@cases("mode", [("append",)], ["append", "overwrite"])
def test_the_driver_is_killed_while_tasks_write(
    mode: str, sp: smallpond.Session, tmp_path: Path, files: Path
) -> None:
    """The next write comes while the workers may still be at it."""
    out = tmp_path / "out"
    write_times(sp, files, out)
    before = everything_below(out)
    driver = Driver(files, tmp_path, "processes", MANY, mode)
    wait_until(driver.is_writing)
    left = driver.kill()
    assert everything_below(out) == before
    assert sp.read_parquet(out).count() == NUM_ROWS
    write_times(sp, files, out, mode=mode)
    assert count_rows(out) == (NUM_ROWS * (2 if mode == "append" else 1), NUM_ROWS)
    assert psutil.wait_procs(left, timeout=AT_MOST_SECONDS)[1] == []
    write_times(sp, files, out)
    assert count_rows(out) == (NUM_ROWS, NUM_ROWS)
    assert_files(out)


@cases("executor", [("processes",)], EXECUTORS)
def test_a_write_is_interrupted_while_tasks_write(
    executor: str, sp: smallpond.Session, tmp_path: Path, files: Path
) -> None:
    out = tmp_path / "out"
    write_times(sp, files, out)
    before = everything_below(out)
    driver = Driver(files, tmp_path, executor, MANY, "append")
    try:
        wait_until(driver.is_writing)
        driver.process.send_signal(signal.SIGINT)
        assert driver.process.stdout.readline() == "interrupted\n"
        assert everything_below(out) == before
        driver.process.stdin.write("go\n")
        driver.process.stdin.flush()
        assert driver.process.stdout.read() == "[]\n[]\ngoes on\n"
    finally:
        driver.process.kill()
    assert count_rows(out) == (2 * NUM_ROWS, NUM_ROWS)
    assert_files(out)


@cases("keys executor", [("kind", "threads")], ["", "kind"], EXECUTORS)
def test_the_disk_gets_full_while_tasks_write(
    keys: str, executor: str, faults: WorkerFaults, tmp_path: Path, files: Path, small_disk: Path
) -> None:
    out, options = small_disk / "out", {"partition_by": keys} if keys else {}
    with session(tmp_path, executor) as sp:
        write_times(sp, files, out, **options)
        before = everything_below(small_disk)
        with pytest.raises(smallpond.IoError, match=f"(?i){small_disk}.*no space left"):
            write_times(sp, files, out, 1000, **options)
        assert everything_below(small_disk) == before
        take_kept_job(tmp_path)
        write_times(sp, files, out, mode="append", **options)
    assert count_rows(out) == (2 * NUM_ROWS, NUM_ROWS)


@cases("harm executor", [("is gone", "processes")], ["is a file", "is gone"], EXECUTORS)
def test_the_staging_folder_of_a_worker(
    harm: str, executor: str, faults: WorkerFaults, oracle: Plain, tmp_path: Path, files: Path
) -> None:
    with session(tmp_path, executor) as sp:
        output = Output(oracle, sp, files, tmp_path, "flat")
        stage, tasks = output.learn(faults)
        before = everything_below(output.out)

        def do_harm() -> None:
            wait_until(lambda: len(finished(output.job(), stage)) == len(tasks) - 1)
            staging = output.staging()
            shutil.rmtree(staging)
            if harm == "is a file":
                staging.touch()

        error = smallpond.IoError if harm == "is a file" else smallpond.InvalidInputError
        path = re.escape(f"'{tmp_path}/.out.attempt-")
        with pytest.raises(error, match=path), faults.held(stage, 0, do_harm):
            output.write()
        assert everything_below(output.out) == before
        assert_nothing_beside(output.out)
        if harm == "is a file":
            take_kept_job(tmp_path)
        output.write()
        output.check()


@cases("executor", [("threads",)], EXECUTORS)
def test_a_disk_that_is_full_for_a_while(
    executor: str, faults: WorkerFaults, tmp_path: Path, files: Path, small_disk: Path
) -> None:
    """What a failed attempt has written makes room for the next one."""
    out, filler = small_disk / "out", small_disk / "filler"
    with session(tmp_path, executor) as sp:
        write_times(sp, files, out, 100, partition_by="kind")  # About half of the disk.
        stage, _ = last_tasks(faults.take_attempts())[-1]
        task = tasks_of(out)[0]
        shutil.rmtree(out)
        free = os.statvfs(small_disk)
        filler.write_bytes(bytes(free.f_bavail * free.f_frsize - 60_000))
        left: list[Path] = []

        def make_room() -> None:
            left.extend(small_disk.glob(f".out.attempt-*/*/{task}-0/**/*"))
            filler.unlink()

        with faults.held(stage, task, make_room, attempt=1):
            write_times(sp, files, out, 100, partition_by="kind")
        assert left == []
    assert count_rows(out) == (NUM_ROWS * 100, NUM_ROWS * 100)


@cases("executor", [("threads",)], EXECUTORS)
def test_rows_of_the_driver_that_can_not_be_written(
    executor: str, faults: WorkerFaults, tmp_path: Path
) -> None:
    """A query that is wrong tells all itself: no job's folder is kept."""
    maps = pyarrow.array([[(1, 1), (1, 2)]] * 1000, pyarrow.map_(pyarrow.int32(), pyarrow.int32()))
    with session(tmp_path, executor) as sp:
        with pytest.raises(smallpond.InvalidInputError):
            rows = pyarrow.table({"m": maps, "k": pyarrow.array(range(1000))})
            sp.sql("SELECT k % 7 AS k, count(m) FROM {0} GROUP BY 1", sp.from_arrow(rows)).count()
        assert list((tmp_path / "root" / "jobs").iterdir()) == []

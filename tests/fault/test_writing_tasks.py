"""Tasks that write files for users: whatever happens to workers and to files, an output shows each
row of one execution once, or stays as it was."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path

import duckdb
import pytest
import smallpond
from folder_content import everything_below
from staged_output import EXECUTORS, WRITES, Output, assert_files, cases, finished
from worker_faults import WorkerFaults, last_tasks, session, take_kept_job, wait_until
from written import assert_nothing_beside

Plain = duckdb.DuckDBPyConnection
KILLS = ["kill-at-start", "kill-in-middle", "kill-at-end"]
LOSSES = ["cut", "drop"]
MODES = ["append", "overwrite"]


@cases(
    "name mode kill",
    [
        ("flat", "append", "kill-at-start"),
        ("concat", "overwrite", "kill-at-end"),
        ("partition_by", "append", "kill-in-middle"),
    ],
    list(WRITES),
    MODES,
    KILLS,
)
def test_a_writing_worker_is_killed(
    name: str,
    mode: str,
    kill: str,
    faults: WorkerFaults,
    oracle: Plain,
    tmp_path: Path,
    files: Path,
) -> None:
    with session(tmp_path, "processes") as sp:
        output = Output(oracle, sp, files, tmp_path, name)
        stage, tasks = output.learn(faults)
        faults.ask(stage, tasks[-1], kill)
        output.write(mode)
        assert faults.pending() == []
        assert faults.take_attempts()[stage, tasks[-1]] == 2
        output.check(mode)


@cases(
    "name mode loss executor",
    [("flat", "append", "cut", "processes"), ("partition_by", "overwrite", "drop", "threads")],
    ["flat", "partition_by", "repartition"],
    MODES,
    LOSSES,
    EXECUTORS,
)
def test_staged_files_are_lost(
    name: str,
    mode: str,
    loss: str,
    executor: str,
    faults: WorkerFaults,
    oracle: Plain,
    tmp_path: Path,
    files: Path,
) -> None:
    """After they were reported: of one task, then of all."""
    with session(tmp_path, executor) as sp:
        output = Output(oracle, sp, files, tmp_path, name)
        stage, all_tasks = output.learn(faults)
        for tasks in [all_tasks[-1:], all_tasks]:
            for task in tasks:
                faults.ask(stage, task, loss)
            output.write(mode)
            assert faults.pending() == []
            attempts = faults.take_attempts()
            assert [attempts[stage, task] for task in tasks] == [2] * len(tasks)
            output.check(mode)
            output.write_old()
            faults.take_attempts()


@cases("executor", [("threads",)], EXECUTORS)
def test_a_staged_file_that_is_always_lost(
    executor: str, faults: WorkerFaults, oracle: Plain, tmp_path: Path, files: Path
) -> None:
    with session(tmp_path, executor) as sp:
        output = Output(oracle, sp, files, tmp_path, "flat")
        stage, (*_, task) = output.learn(faults)
        before = everything_below(output.out)
        for attempt in range(10):
            faults.ask(stage, task, "drop", attempt)
        with pytest.raises(smallpond.IoError, match=f"Stage {stage}, task {task}.* was lost"):
            output.write()
        assert everything_below(output.out) == before
        assert_nothing_beside(output.out)
        assert '"event":"output lost"' in take_kept_job(tmp_path)


@cases("executor", [("threads",)], EXECUTORS)
def test_what_no_attempt_reported_is_not_published(
    executor: str, faults: WorkerFaults, oracle: Plain, tmp_path: Path, files: Path
) -> None:
    """A file beside those of an attempt that counts, and the folders of attempts that nobody waits
    for: one that was given up, and one of a task that there isn't."""
    with session(tmp_path, executor) as sp:
        for name in ["flat", "partition_by"]:
            output = Output(oracle, sp, files, tmp_path, name)
            stage, tasks = output.learn(faults)

            def leave_others(output: Output = output, stage: int = stage) -> None:
                wait_until(lambda: finished(output.job(), stage))
                done = finished(output.job(), stage).pop()
                for other in [f"{done}-7", "99-0"]:
                    shutil.copytree(output.staging() / f"{done}-0", output.staging() / other)

            faults.ask(stage, tasks[0], "extra")
            faults.ask(stage, tasks[-1], "drop")
            with faults.held(stage, tasks[0], leave_others):
                output.write("append")
            assert faults.pending() == []
            output.check("append")
            shutil.rmtree(output.out)


# Queries over events, most of which another execution would answer in another way, and what holds
# of their rows in each.
TWICE = "WITH t AS MATERIALIZED (SELECT event_id, uuid() AS u FROM {0}) "
QUERIES: dict[str, tuple[str, str]] = {
    "same again": (
        "SELECT event_id, max(moment) AS moment FROM {0} GROUP BY event_id",
        "count(DISTINCT moment) > 1",
    ),
    "one value": (
        "SELECT event_id, marker FROM {0}, (SELECT random() AS marker)",
        "count(DISTINCT marker) = 1",
    ),
    "each row twice": (
        TWICE + "SELECT a.event_id, a.u AS l, b.u AS r FROM t a JOIN t b USING (event_id)",
        "bool_and(l = r)",
    ),
    "unordered window": (
        "SELECT event_id, row_number() OVER () AS n, user_id FROM {0}",
        "count(DISTINCT n) = count(*)",
    ),
    "groups": (
        "SELECT unnest(list(event_id)) AS event_id, any_value(u) AS u, user_id "
        "FROM (SELECT *, uuid() AS u FROM {0}) GROUP BY user_id",
        "count(DISTINCT u) = count(DISTINCT coalesce(user_id, 0))",
    ),
}
SPREADS: dict[str, Callable[[smallpond.DataFrame], smallpond.DataFrame]] = {
    "by tasks": lambda frame: frame,
    "evenly": lambda frame: frame.repartition(4),
    "by rows": lambda frame: frame.repartition(4, by_rows=True),
    "by hash": lambda frame: frame.repartition(4, hash_by="event_id"),
}


@cases(
    "query spread executor",
    [
        ("same again", "evenly", "processes"),
        ("one value", "by tasks", "threads"),
        ("each row twice", "by hash", "threads"),
        ("unordered window", "by rows", "processes"),
        ("groups", "by tasks", "threads"),
    ],
    list(QUERIES),
    list(SPREADS),
    EXECUTORS,
)
def test_inputs_are_lost_while_tasks_write(
    query: str, spread: str, executor: str, faults: WorkerFaults, tmp_path: Path, files: Path
) -> None:
    """The inputs of one task, when others have written already: before it begins, and where it has
    to begin again since its own files were lost."""
    sql, holds = QUERIES[query]
    out, gone = tmp_path / "out", []
    with session(tmp_path, executor) as sp:

        def write() -> None:
            frame = SPREADS[spread](sp.sql(sql, sp.read_parquet(files / "events")))
            frame.write_parquet(out)

        write()
        stage, last = last_tasks(faults.take_attempts())[-1]

        def lose(stage_lost: int) -> None:
            (job,) = (tmp_path / "root" / "jobs").iterdir()
            wait_until(lambda: finished(job, stage) or last == 0)
            for file in (job / f"stage-{stage_lost}").glob("*.exchange"):
                file.unlink()
                gone.append(file)

        for lost in range(stage):
            for attempt in [0, 1]:
                if attempt == 1:
                    faults.ask(stage, 0, "drop")
                with faults.held(stage, 0, partial(lose, lost), attempt):
                    write()
                assert faults.pending() == []
                with duckdb.connect() as connection:
                    ids = "count(*), count(DISTINCT event_id), min(event_id), max(event_id)"
                    found = connection.execute(f"SELECT {ids}, {holds} FROM '{out}/*.parquet'")
                    assert found.fetchall() == [(400, 400, 1, 400, True)]
                assert_files(out)
        assert len(gone) >= 2, "those that the tasks read, for each attempt"

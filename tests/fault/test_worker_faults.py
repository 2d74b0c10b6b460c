"""Workers that are killed, and files between tasks that are damaged, change no answer."""

from __future__ import annotations

import os
import signal
import threading
from pathlib import Path

import duckdb
import pyarrow
import pytest
import smallpond
from oracle import Answer, assert_same, duckdb_answer
from worker_faults import SQL, WorkerFaults, frame, last_tasks, session, take_kept_job, workers

pytestmark = pytest.mark.usefixtures("faults")


@pytest.fixture(scope="module")
def expected(oracle: duckdb.DuckDBPyConnection) -> Answer:
    return duckdb_answer(oracle, SQL.replace("{0}", "events").replace("{1}", "users"))


@pytest.mark.parametrize("fault", ["kill-at-start", "kill-in-middle", "kill-at-end"])
def test_a_worker_is_killed_in_each_stage(
    fault: str, faults: WorkerFaults, tmp_path: Path, files: Path, expected: Answer
) -> None:
    with session(tmp_path, "processes") as sp:
        assert_same(frame(sp, files), expected)
        tasks = last_tasks(faults.take_attempts())
        assert len(tasks) >= 5
        for stage, task in tasks:
            faults.ask(stage, task, fault)
            assert_same(frame(sp, files), expected)
            assert faults.pending() == []
            assert faults.take_attempts()[stage, task] >= 2


@pytest.mark.parametrize("executor", ["threads", "processes"])
@pytest.mark.parametrize("fault", ["flip", "cut", "drop"])
def test_a_file_of_each_stage_is_damaged(
    fault: str,
    executor: str,
    faults: WorkerFaults,
    tmp_path: Path,
    files: Path,
    expected: Answer,
) -> None:
    with session(tmp_path, executor) as sp:
        assert_same(frame(sp, files), expected)
        for stage, task in last_tasks(faults.take_attempts()):
            faults.ask(stage, task, fault)
            assert_same(frame(sp, files), expected)
            assert faults.pending() == []
            assert faults.take_attempts()[stage, task] >= 2


@pytest.mark.parametrize("fault", ["flip", "cut", "drop"])
def test_each_action_reads_a_damaged_result_again(
    fault: str, faults: WorkerFaults, tmp_path: Path, files: Path, expected: Answer
) -> None:
    with session(tmp_path, "threads") as sp:
        frame(sp, files).to_arrow()
        *_, sorted_from, result = last_tasks(faults.take_attempts())
        rows = sorted(expected.rows)

        def ask(damaged: tuple[int, int]) -> smallpond.DataFrame:
            faults.ask(*damaged, fault)
            return frame(sp, files)

        assert len(ask(result).take(100)) == len(rows)
        ask(sorted_from).write_parquet(tmp_path / "out")
        assert sorted(duckdb_rows(tmp_path / "out")) == rows
        ask(result).show()
        assert faults.pending() == []


def duckdb_rows(folder: Path) -> list[tuple[object, ...]]:
    with duckdb.connect() as connection:
        return connection.execute(f"FROM '{folder}/*.parquet'").fetchall()


def test_a_stream_that_has_not_begun_is_made_again(
    faults: WorkerFaults, tmp_path: Path, files: Path, expected: Answer
) -> None:
    with session(tmp_path, "threads") as sp:
        frame(sp, files).to_arrow()
        stage, task = last_tasks(faults.take_attempts())[-1]
        faults.ask(stage, task, "flip")
        assert pyarrow.table(frame(sp, files)).num_rows == len(expected.rows)
        assert faults.pending() == []


def test_a_stream_that_has_begun_says_what_to_do(
    faults: WorkerFaults, tmp_path: Path, files: Path
) -> None:
    with session(tmp_path, "threads") as sp:
        many = sp.sql(
            "SELECT event_id, i, hash(event_id, i) AS h FROM {0}, range(2000) t(i)",
            sp.read_parquet(files / "events"),
        )
        assert pyarrow.table(many).num_rows == 800_000
        stage, task = last_tasks(faults.take_attempts())[-1]
        faults.ask(stage, task, "flip")
        with pytest.raises(OSError, match=r"(?s)task-\d+\.attempt-0\.exchange.*computed anew"):
            pyarrow.table(many)
        assert faults.pending() == []
        assert pyarrow.table(many).num_rows == 800_000
        del many  # A frame keeps what its session has.


def test_a_file_that_is_always_damaged_is_an_error(
    faults: WorkerFaults, tmp_path: Path, files: Path
) -> None:
    with session(tmp_path, "processes") as sp:
        frame(sp, files).to_arrow()
        faults.take_attempts()
        for attempt in range(10):
            faults.ask(0, 0, "flip", attempt)
        with pytest.raises(smallpond.IoError, match="Check the storage that it was written to"):
            frame(sp, files).to_arrow()
        # What people can look into stays.
        log = take_kept_job(tmp_path)
        assert '"event":"failed"' in log and '"event":"job failed"' in log


def test_workers_are_killed_at_any_time(tmp_path: Path, files: Path, expected: Answer) -> None:
    with session(tmp_path, "processes") as sp:
        frame(sp, files).to_arrow()
        ended = threading.Event()

        def kill_some() -> None:
            # Spread over the queries, which take some tenths of a second each.
            for round in range(6):
                if ended.wait(0.13 * (1 + round % 3)):
                    return
                alive = workers()
                if alive:
                    os.kill(alive[round % len(alive)].pid, signal.SIGKILL)

        killer = threading.Thread(target=kill_some)
        killer.start()
        try:
            for _ in range(8):
                assert_same(frame(sp, files), expected)
        finally:
            ended.set()
            killer.join()


def test_a_session_survives_more_deaths_than_one_executor_does(
    faults: WorkerFaults, tmp_path: Path, files: Path, expected: Answer
) -> None:
    with session(tmp_path, "processes") as sp:
        for _ in range(4):
            for attempt in range(3):
                faults.ask(0, 0, "kill-at-start", attempt)
            assert_same(frame(sp, files), expected)
            assert faults.pending() == []


def test_workers_spill_to_folders_of_their_own(
    faults: WorkerFaults, tmp_path: Path, oracle: duckdb.DuckDBPyConnection
) -> None:
    (tmp_path / "rows").mkdir()
    for part in range(4):
        sql = (
            f"SELECT hash(i) AS k, repeat('x', 60) || i AS s FROM range({part}, 2_400_000, 4) t(i)"
        )
        oracle.execute(f"COPY ({sql}) TO '{tmp_path}/rows/{part}.parquet'")
    with session(tmp_path, "processes", memory="250MB") as sp:
        sql = "SELECT s, max(k) AS k FROM {0} GROUP BY s"
        grouped = sp.sql(sql, sp.read_parquet(tmp_path / "rows"))
        summed = "SELECT count(*) AS n, sum(hash(s)) AS h, sum(k) AS k FROM {0}"
        expected = duckdb_answer(oracle, summed.replace("{0}", f"'{tmp_path}/rows/*.parquet'"))
        faults.ask(1, 0, "kill-at-end")
        assert_same(sp.sql(summed, grouped), expected)
        assert faults.pending() == []
        alive = {str(worker.pid) for worker in workers()} | {str(os.getpid())}
        folders = (tmp_path / "root" / "temp").iterdir()
        assert {path.name.split("-")[3] for path in folders} == alive
        del grouped  # A frame keeps what its session has.

"""What tests of faults let tasks write, and what must stand in the output then."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import duckdb
import pytest
import smallpond
from oracle import Rows, assert_same_rows, rows_of
from output_ways import files_of, publishing_state, read_manifest
from worker_faults import WorkerFaults, last_tasks
from written import assert_nothing_beside, data_files

Plain = duckdb.DuckDBPyConnection
COLUMNS = "event_id, kind, user_id, country"
SQL = f"SELECT {COLUMNS} FROM {{0}} JOIN {{1}} USING (user_id)"
NUM_ROWS = 381  # Of SQL.
MANY_SQL = f"SELECT i, hash(i, event_id) AS h, {COLUMNS} FROM ({SQL}), range({{n}}) r(i)"
EXECUTORS = ["threads", "processes"]


def cases(names: str, fast: Sequence[tuple[str, ...]], *values: Sequence[str]) -> Any:
    """Parametrizes a test by all combinations. Those that are not `fast` are slow tests."""
    found = [
        pytest.param(*case, marks=() if case in fast else pytest.mark.slow)
        for case in itertools.product(*values)
    ]
    assert sum(not case.marks for case in found) == len(fast)
    return pytest.mark.parametrize(names.split(), found)


def plain_frame(sp: smallpond.Session, files: Path) -> smallpond.DataFrame:
    return sp.sql(SQL, sp.read_parquet(files / "events"), sp.read_parquet(files / "users"))


def concatenated(sp: smallpond.Session, files: Path) -> smallpond.DataFrame:
    events, users = (
        sp.read_parquet(files / table).repartition(4, hash_by="user_id")
        for table in ["events", "users"]
    )
    return sp.partial_sql(SQL, events, users, merge="concat")


# What is written, and how. All give the rows of SQL.
WRITES: dict[str, tuple[Callable[..., smallpond.DataFrame], dict[str, Any]]] = {
    "flat": (plain_frame, {}),
    "partition_by": (plain_frame, {"partition_by": "kind"}),
    "file_size": (plain_frame, {"file_size": "1KB", "sort_by": "event_id"}),
    "repartition": (lambda *args: plain_frame(*args).repartition(4, hash_by="user_id"), {}),
    "concat": (concatenated, {}),
}


class Output:
    """A folder with an older version, to be written again."""

    def __init__(self, oracle: Plain, sp: smallpond.Session, files: Path, folder: Path, name: str):
        self.oracle, self.sp, self.files, self.folder = oracle, sp, files, folder
        self.out = folder / "out"
        self.make, self.options = WRITES[name]
        sql = SQL.format("events", "users")
        self.new: Rows = oracle.execute(sql).fetchall()
        older = f"SELECT * REPLACE (event_id + 1000 AS event_id) FROM ({sql}) LIMIT 50"
        self.old_table = oracle.execute(older).to_arrow_table()
        self.write_old()

    def write_old(self) -> None:
        keys = {key: value for key, value in self.options.items() if key == "partition_by"}
        self.sp.from_arrow(self.old_table).write_parquet(self.out, **keys)

    def write(self, mode: str = "overwrite", frame: smallpond.DataFrame | None = None) -> None:
        frame = frame or self.make(self.sp, self.files)
        frame.write_parquet(self.out, mode=mode, **self.options)

    def learn(self, faults: WorkerFaults) -> tuple[int, list[int]]:
        """Writes once. Returns the stage that writes, and those of its tasks that have rows."""
        self.write()
        stage, _ = last_tasks(faults.take_attempts())[-1]
        tasks = tasks_of(self.out)
        assert len(tasks) >= 2
        self.write_old()
        faults.take_attempts()
        return stage, tasks

    def check(self, mode: str = "overwrite") -> None:
        """The rows are there for our readers and for a glob, the files are those of the manifest,
        and nothing else is there."""
        expected = self.new + (rows_of(self.old_table) if mode == "append" else [])
        glob = f"read_parquet('{self.out}/**/*.parquet', hive_partitioning = true)"
        found = self.oracle.execute(f"SELECT {COLUMNS} FROM {glob}").fetchall()
        assert_same_rows(found, expected)
        read = self.sp.sql(f"SELECT {COLUMNS} FROM {{0}}", self.sp.read_parquet(self.out))
        assert_same_rows(rows_of(read.to_arrow()), expected)
        assert_files(self.out)

    def staging(self) -> Path:
        """Where the tasks' folders lie while a job writes."""
        (staging,) = self.out.parent.glob(f".{self.out.name}.attempt-*/*")
        return staging

    def job(self) -> Path:
        (job,) = (self.folder / "root" / "jobs").iterdir()
        return job


def assert_files(out: Path) -> None:
    """The files are those of the latest version, and nothing else is there."""
    version, is_published = publishing_state(out)
    assert is_published
    manifest = read_manifest(out / "_smallpond" / f"manifest-{version:010}")
    committed = {name: size for name, (_, size) in files_of(manifest).items()}
    found = {str(file.relative_to(out)): file.stat().st_size for file in data_files(out)}
    assert found == committed
    assert_nothing_beside(out)


def tasks_of(out: Path) -> list[int]:
    """The tasks that wrote the files."""
    return sorted({int(file.name.split("-")[1]) for file in data_files(out)})


def finished(job: Path, stage: int) -> set[int]:
    """The tasks of a stage that the driver knows to be done."""
    lines = (job / "events.jsonl").read_text().splitlines(keepends=True)
    events = [json.loads(line) for line in lines if line.endswith("\n")]
    return {e["task"] for e in events if e["event"] == "finished" and e["stage"] == stage}


def write_times(sp: smallpond.Session, files: Path, out: Path, n: int = 1, **options: Any) -> None:
    """Writes `n` times the rows of SQL."""
    sources = [sp.read_parquet(files / table) for table in ["events", "users"]]
    sp.sql(MANY_SQL.replace("{n}", str(n)), *sources).write_parquet(out, **options)


def count_rows(out: Path) -> tuple[int, int]:
    with duckdb.connect() as connection:
        sql = f"SELECT count(*), count(DISTINCT (event_id, i)) FROM '{out}/**/*.parquet'"
        return connection.execute(sql).fetchone()

"""Sorts by ranges whose files are lost on the way: all rows are there once and in order, whatever
was placed by the sample that is gone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pytest
import smallpond
from staged_output import EXECUTORS, cases, finished
from worker_faults import WorkerFaults, last_tasks, session, wait_until
from written import write_parts

NUM_FILES = 4
NUM_ROWS = 50_000  # More than a sample takes, so that no two samples are the same.
SORTS = {
    "scan": "SELECT i, v, 0.0 AS r FROM {0} ORDER BY v DESC, i",
    "random column": "SELECT i, v, random() AS r FROM {0} ORDER BY v DESC, i",
    "random key": "SELECT i, v, r FROM (SELECT *, random() AS r FROM {0}) ORDER BY r, i",
    "heavy key": "SELECT i, 0 AS v, random() AS r, one FROM {0} ORDER BY one",
}
# What holds of each row and the one before it.
IN_ORDER = {
    "scan": "(v, -i) < (prev.v, -prev.i)",
    "random column": "(v, -i) < (prev.v, -prev.i)",
    "random key": "(r, i) > (prev.r, prev.i)",
    "heavy key": "one = prev.one",
}


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> str:
    sql = f"SELECT i, i * 7919 % 5003 AS v, 1 AS one FROM range({NUM_ROWS}) t(i) "
    parts = [sql + f"WHERE i % {NUM_FILES} = {number}" for number in range(NUM_FILES)]
    return write_parts(tmp_path_factory.mktemp("rows"), parts)


def write(sp: smallpond.Session, rows: str, sort: str, out: Path) -> None:
    sp.sql(SORTS[sort], sp.read_parquet(rows)).write_parquet(out)


def assert_sorted(sort: str, out: Path) -> None:
    """Files in the order of their names hold the rows in order, each once."""
    with duckdb.connect() as connection:
        before = "lag(t) OVER (ORDER BY filename, file_row_number) AS prev"
        found = connection.execute(
            f"SELECT count(*), count(DISTINCT i), bool_and(prev IS NULL OR {IN_ORDER[sort]}) "
            f"FROM (SELECT t.*, {before} FROM '{out}/*.parquet' t)"
        )
        assert found.fetchall() == [(NUM_ROWS, NUM_ROWS, True)]
        assert len(list(out.glob("*.parquet"))) == 3, "more than one task sorts"


@contextmanager
def losing(
    faults: WorkerFaults, folder: Path, lost: list[int], held: tuple[int, int]
) -> Iterator[list[Path]]:
    """Loses what stages have written while one task of a later stage waits to begin and the others
    are done."""
    stage, task = held
    gone: list[Path] = []

    def lose() -> None:
        (job,) = (folder / "root" / "jobs").iterdir()
        wait_until(lambda: finished(job, stage) or task == 0)
        for number in lost:
            for file in (job / f"stage-{number}").glob("*.exchange"):
                file.unlink()
                gone.append(file)

    with faults.held(stage, task, lose):
        yield gone


@cases(
    "sort executor",
    [("random key", "threads"), ("scan", "processes")],
    list(SORTS),
    EXECUTORS,
)
def test_files_are_lost(
    sort: str, executor: str, faults: WorkerFaults, tmp_path: Path, rows: str
) -> None:
    """Of the stage before, then of all before: keys, their sample, rows by range, sorted rows. What
    is no scan has a stage of rows before them."""
    out = tmp_path / "out"
    with session(tmp_path, executor) as sp:
        write(sp, rows, sort, out)
        assert_sorted(sort, out)
        stages = last_tasks(faults.take_attempts())
        assert len(stages) == (4 if sort == "scan" else 5)
        for stage, task in stages[1:]:
            for lost in [[stage - 1], list(range(stage))]:
                with losing(faults, tmp_path, lost, (stage, task)) as gone:
                    write(sp, rows, sort, out)
                assert gone
                assert faults.pending() == []
                attempts = faults.take_attempts()
                assert max(attempts[key] for key in attempts if key[0] == stage - 1) > 1
                assert_sorted(sort, out)

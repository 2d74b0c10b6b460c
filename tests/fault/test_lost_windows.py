"""Windows whose ORDER BY has ties, and whose files are lost on the way: no answer has rows of two
runs of one, each with an order of its own."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest
from staged_output import EXECUTORS, cases
from test_lost_sort_ranges import losing
from worker_faults import WorkerFaults, last_tasks, session
from written import write_parts

NUM_FILES = 4
NUM_ROWS = 60_000
NUM_KEYS = 11
# Read by the window's hash, numbered, and moved by another hash to be joined.
SQL = """
    SELECT n.k, r, id, o.v FROM (
        SELECT k, id, row_number() OVER (PARTITION BY k ORDER BY id % 2) AS r FROM {0}
    ) n JOIN {0} o USING (id)
"""


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> str:
    sql = f"SELECT i AS id, i * 7919 % {NUM_KEYS} AS k, i % 3 AS v FROM range({NUM_ROWS}) t(i) "
    parts = [sql + f"WHERE i % {NUM_FILES} = {number}" for number in range(NUM_FILES)]
    return write_parts(tmp_path_factory.mktemp("rows"), parts, "(ROW_GROUP_SIZE 4000)")


def assert_numbered(out: Path) -> None:
    """Each row is there once, and those of a key are numbered from 1, even ids first."""
    with duckdb.connect() as connection:
        found = connection.execute(
            "SELECT count(*), count(DISTINCT id), count(DISTINCT (k, r)), bool_and(r BETWEEN 1 "
            "AND n), bool_and((r <= evens) = (id % 2 = 0)) FROM (SELECT *, count(*) OVER "
            "(PARTITION BY k) AS n, count(*) FILTER (WHERE id % 2 = 0) OVER (PARTITION BY k) "
            f"AS evens FROM '{out}/*.parquet')"
        )
        assert found.fetchall() == [(NUM_ROWS, NUM_ROWS, NUM_ROWS, True, True)]


@cases("executor", [("threads",)], EXECUTORS)
def test_files_are_lost(executor: str, faults: WorkerFaults, tmp_path: Path, rows: str) -> None:
    """Those of the window, and those of all stages before, while a task of the join waits and the
    others may be done."""
    out = tmp_path / "out"
    with session(tmp_path, executor) as sp:
        sp.sql(SQL, sp.read_parquet(rows)).write_parquet(out)
        assert_numbered(out)
        *before, (join, task) = last_tasks(faults.take_attempts())
        assert (len(before), task) == (3, 2), "by hash, numbered, the other side; joined"
        for lost in [[1], [stage for stage, _ in before]]:
            with losing(faults, tmp_path, lost, (join, task)) as gone:
                sp.sql(SQL, sp.read_parquet(rows)).write_parquet(out)
            assert gone
            assert faults.pending() == []
            attempts = faults.take_attempts()
            assert max(attempts[key] for key in attempts if key[0] == 1) > 1
            assert_numbered(out)


# By ranges of a key with ties.
RANGES = """
    SELECT k, id, row_number() OVER (ORDER BY k) AS r, rank() OVER (ORDER BY k) AS first,
           sum(v) OVER (ORDER BY k, id) AS total, count(*) OVER () AS n
    FROM (SELECT *, id % 1009 AS k FROM {0})
"""


def assert_numbered_by_ranges(rows: str, out: Path) -> None:
    with duckdb.connect() as connection:
        plain = RANGES.replace("{0}", f"'{rows}'")
        found = f"FROM (SELECT k, id, first, total, n FROM '{out}/*.parquet')"
        missing = f"(SELECT k, id, first, total, n FROM ({plain})) EXCEPT {found}"
        assert connection.execute(missing).fetchall() == []
        numbers = connection.execute(
            "SELECT count(*), count(DISTINCT r), min(r), max(r), bool_and(k >= prev) FROM "
            f"(SELECT *, lag(k, 1, 0) OVER (ORDER BY r) AS prev FROM '{out}/*.parquet')"
        )
        assert numbers.fetchall() == [(NUM_ROWS, NUM_ROWS, 1, NUM_ROWS, True)]
        assert len(list(out.glob("*.parquet"))) == 3, "more than one task has rows"


@cases("executor", [("threads",)], EXECUTORS)
def test_files_of_ranges_are_lost(
    executor: str, faults: WorkerFaults, tmp_path: Path, rows: str
) -> None:
    """Keys, their sample, rows by range, what is in each range, and what is before it: of the stage
    before, then of all before."""
    out = tmp_path / "out"
    with session(tmp_path, executor) as sp:
        sp.sql(RANGES, sp.read_parquet(rows)).write_parquet(out)
        assert_numbered_by_ranges(rows, out)
        stages = last_tasks(faults.take_attempts())
        assert len(stages) == 6
        for stage, task in stages[1:]:
            for lost in [[stage - 1], list(range(stage))]:
                with losing(faults, tmp_path, lost, (stage, task)) as gone:
                    sp.sql(RANGES, sp.read_parquet(rows)).write_parquet(out)
                assert gone
                assert faults.pending() == []
                attempts = faults.take_attempts()
                assert max(attempts[key] for key in attempts if key[0] == stage - 1) > 1
                assert_numbered_by_ranges(rows, out)

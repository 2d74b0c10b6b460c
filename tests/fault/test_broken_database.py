"""A DuckDB that has failed for good, as after an internal error of its own, ends one query: another
takes its place, in workers and in the driver."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest
import smallpond
from worker_faults import WorkerFaults

SQL = "SELECT n % 5 AS k, count(*) AS rows FROM {0} GROUP BY k"
NUM_ROWS = 100


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    (tmp_path / "rows").mkdir()
    with duckdb.connect() as connection:
        for part in range(2):
            sql = f"SELECT i AS n FROM range({NUM_ROWS}) r(i) WHERE i % 2 = {part}"
            connection.execute(f"COPY ({sql}) TO '{tmp_path}/rows/{part}.parquet'")
    return tmp_path / "rows"


@pytest.mark.parametrize("executor", ["threads", "processes"])
def test_tasks_go_on_with_another_database(
    executor: str, faults: WorkerFaults, rows: Path, tmp_path: Path
) -> None:
    with smallpond.init(
        executor=executor, threads=1, partitions=2, broadcast_size=1, data_root=tmp_path / "root"
    ) as sp:
        sp.execute("CREATE MACRO twice(x) AS 2 * x")
        for stage in (0, 1):
            faults.ask(stage, 0, "break")
            found = sp.sql(SQL, sp.read_parquet(rows)).take_all()
            assert sum(row["rows"] for row in found) == NUM_ROWS
            assert faults.pending() == []
            assert faults.take_attempts()[stage, 0] >= 2
        assert sp.sql("SELECT twice(21) AS x").take_all() == [{"x": 42}]


def test_the_session_goes_on_with_another_database(
    faults: WorkerFaults, rows: Path, tmp_path: Path
) -> None:
    """Threads of the driver share its database."""
    with smallpond.init(
        executor="threads", threads=2, partitions=2, data_root=tmp_path / "root"
    ) as sp:
        sp.execute("CREATE TABLE kept AS SELECT 7 AS seven; CREATE TABLE dropped AS SELECT 1 AS i")
        sp.execute("DROP TABLE dropped; CREATE VIEW over AS FROM kept")
        sp.execute("CREATE MACRO twice(x) AS 2 * x; CREATE VIEW alone AS SELECT twice(4) AS eight")
        sp.execute(f"ATTACH '{tmp_path}/whole.db' AS whole; CREATE TABLE whole.t AS SELECT 5 AS i")
        sp.execute("CREATE SCHEMA s; SET VARIABLE v = 3")
        before = sp.sql("FROM kept")

        faults.ask(0, 0, "break")
        found = sp.sql(SQL, sp.read_parquet(rows)).take_all()
        assert sum(row["rows"] for row in found) == NUM_ROWS
        assert faults.pending() == []

        assert sp.sql("SELECT getvariable('v') AS v, * FROM alone").take_all() == [
            {"v": 3, "eight": 8}
        ]
        assert sp.sql("FROM whole.t").take_all() == [{"i": 5}]
        lost = "was lost when DuckDB failed"
        for table in ["kept", "over"]:
            with pytest.raises(smallpond.InvalidInputError, match=f"'{table}' {lost}"):
                sp.sql(f"FROM {table}")
        with pytest.raises(smallpond.InvalidInputError, match=f"'kept' {lost}"):
            before.take_all()
        with pytest.raises(smallpond.InvalidInputError) as caught:
            sp.sql("FROM dropped")
        assert lost not in str(caught.value)
        sp.execute("CREATE TABLE kept AS SELECT 8 AS seven")
        assert before.take_all() == [{"seven": 8}]

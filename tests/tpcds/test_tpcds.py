"""TPC-DS in stages: all 99 queries give plain DuckDB's answer, over data of its extension."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import duckdb
import pytest
import smallpond
from drawn import drawn
from oracle import assert_same_rows, duckdb_answer, frame_answer
from roads import SHUFFLED, StageRoad, StageSession, assert_in_stages, open_sessions
from written import PROCESSES

NUM_FILES = 4  # Of each table with more rows than ROWS_OF_ONE_FILE.
ROWS_OF_ONE_FILE = 2_000
# What one task does of a query, and why; of large tables it is none of the rest.
GATHERED = {
    "an aggregate that can't be split",  # first() of a subquery that gives one row.
    "windows without a common PARTITION BY",  # Ranks over all groups.
    "ORDER BY of what is small",
}


class Tpcds:
    """The data of one size, the queries, and what plain DuckDB answers."""

    def __init__(self, scale: float, folder: Path) -> None:
        spec = find_spec("duckdb_extension_tpcds")
        assert spec and spec.origin, "Install requirements-dev.txt"
        self.folder = folder
        self.connection = duckdb.connect()
        extension = next(Path(spec.origin).parent.rglob("tpcds.duckdb_extension"))
        self.connection.execute(f"LOAD '{extension}'")
        self.connection.execute(f"CALL dsdgen(sf = {scale})")
        names = self.connection.execute("SELECT table_name FROM duckdb_tables()").fetchall()
        self.tables = [name for (name,) in names]
        for table in self.tables:
            self._write(table)
        queries = "SELECT query_nr, query FROM tpcds_queries()"
        self.queries = dict(self.connection.execute(queries).fetchall())

    def _write(self, table: str) -> None:
        [(rows,)] = self.connection.execute(f"SELECT count(*) FROM {table}").fetchall()
        num_files = NUM_FILES if rows > ROWS_OF_ONE_FILE else 1
        (self.folder / table).mkdir()
        for number in range(num_files):
            begin, end = (rows * n // num_files for n in (number, number + 1))
            self.connection.execute(
                f"COPY (FROM {table} WHERE rowid >= {begin} AND rowid < {end}) "
                f"TO '{self.folder}/{table}/{number}.parquet'"
            )

    def check(self, sp: smallpond.Session, number: int) -> None:
        sql = self.queries[number].strip().rstrip(";")
        used = {
            table: sp.read_parquet(self.folder / table)
            for table in self.tables
            if re.search(rf"\b{table}\b", sql)
        }
        expected = duckdb_answer(self.connection, sql)
        frame = sp.sql(sql, **used)
        stages = assert_in_stages(frame, sql)
        assert {why for stage in stages for why in stage.get("gathered") or []} <= GATHERED
        answer = frame_answer(frame)
        assert answer.names == expected.names
        assert answer.types == expected.types
        assert_same_rows(answer.rows, expected.rows)


@pytest.fixture(scope="module")
def session_of() -> Iterator[StageSession]:
    with open_sessions(duckdb_memory="4GB", threads=2) as session_of:
        yield session_of


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Tpcds:
    return Tpcds(0.01, tmp_path_factory.mktemp("tpcds_small"))


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Tpcds:
    return Tpcds(1, tmp_path_factory.mktemp("tpcds_large"))


@pytest.mark.parametrize(("road", "number"), drawn([SHUFFLED, PROCESSES], range(1, 100), 0.15, 0.3))
def test_small(small: Tpcds, session_of: StageSession, road: StageRoad, number: int) -> None:
    small.check(session_of(road), number)


@pytest.mark.whole
@pytest.mark.parametrize("road", [SHUFFLED, PROCESSES], ids=lambda road: road.name)
@pytest.mark.parametrize("number", range(1, 100))
def test_large(large: Tpcds, session_of: StageSession, road: StageRoad, number: int) -> None:
    large.check(session_of(road), number)

"""Random queries in stages, with shuffles forced: the answer is DuckDB's."""

from __future__ import annotations

import tempfile
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import smallpond
from drawn import first
from hypothesis import given, seed, settings
from oracle import assert_same, duckdb_answer
from query_grammar import queries
from roads import SHUFFLED, StageSession, assert_in_stages
from test_random_queries import SEARCH, SEARCHES, TABLE, table_of

NUM_FILES = 3
ARGUMENTS = {"sql": queries(), "left": TABLE, "right": TABLE}


def write_files(table: pa.Table, folder: Path) -> list[Path]:
    """Files of some of the rows each, so that several tasks read the table."""
    folder.mkdir()
    paths = []
    for number in range(NUM_FILES):
        begin, end = (table.num_rows * n // NUM_FILES for n in (number, number + 1))
        paths.append(folder / f"{number}.parquet")
        pq.write_table(table.slice(begin, end - begin), paths[-1])
    return paths


def check(sp: smallpond.Session, sql: str, tables: list[pa.Table]) -> None:
    with duckdb.connect(config={"threads": 1}) as oracle:
        for name, table in zip("ab", tables, strict=True):
            oracle.register(name, table)
        expected = duckdb_answer(oracle, sql.replace("{0}", "a").replace("{1}", "b"))
    with tempfile.TemporaryDirectory() as folder:
        paths = [
            write_files(table, Path(folder, name)) for name, table in zip("ab", tables, strict=True)
        ]
        frame = sp.sql(sql, *(sp.read_parquet(files) for files in paths))
        assert_in_stages(frame, sql)
        assert_same(frame, expected)


@given(**ARGUMENTS)
@settings(SEARCH, max_examples=70)
def test_answer(stage_session: StageSession, sql: str, left: list, right: list) -> None:
    check(stage_session(SHUFFLED), sql, [table_of(left, 124), table_of(right, 1000)])


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("search", first(1, SEARCHES))
def test_many_answers(stage_session: StageSession, search: int) -> None:
    @seed(search)
    @given(**ARGUMENTS)
    @settings(SEARCH, max_examples=500)
    def run(sql: str, left: list, right: list) -> None:
        check(stage_session(SHUFFLED), sql, [table_of(left, 124), table_of(right, 1000)])

    run()

"""What depends on the order of a sorted subquery, in stages, where plain DuckDB's answer is
determined: one thread of it reads the rows. Beyond that its own answers differ from run to run.
"""

from __future__ import annotations

from collections.abc import Callable

import duckdb
import pytest
import smallpond
from oracle import assert_same_sequence, duckdb_answer, rows_of
from roads import BROADCAST, SHUFFLED, StageRoad, assert_in_stages

NUM_FILES = 7
FEW, MANY = 2_000, 100_000
NUM_RUNS = 3

# c is a common table that is sorted by v, and {s} the same as a subquery.
OVER_A_COMMON_TABLE = [
    "SELECT list(v)::VARCHAR, first(v), last(v) FROM c",
    "SELECT list(v)::VARCHAR, string_agg(v, ','), (SELECT count(*) FROM c) FROM c",
    "SELECT k, list(v)::VARCHAR, first(v), last(v) FROM c GROUP BY k ORDER BY k",
    "SELECT first(v), any_value(v) FROM c WHERE v % 3 = 0",
]
ALSO_OF_MANY_ROWS = [
    "SELECT list(v)::VARCHAR, first(v), last(v) FROM {s}",
    "SELECT k, list(v)::VARCHAR, first(v) FROM {s} WHERE v % 7 > 0 GROUP BY k ORDER BY k",
    "SELECT sum(r * v) FROM (SELECT v, row_number() OVER () AS r FROM {s})",
    "SELECT sum(r * v) FROM (SELECT v, row_number() OVER () AS r FROM c)",
    "SELECT sum(v), count(*) FROM (SELECT v FROM c LIMIT 100 OFFSET 7)",
    "SELECT v, (SELECT max(v) FROM c) FROM {s}",
    "FROM {s} WHERE v % 2 = 0",
]


@pytest.fixture(scope="module")
def files_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[[int], str]:
    """Gives the files of a table of so many rows."""
    folder = tmp_path_factory.mktemp("unsorted")

    def files(rows: int) -> str:
        if not (folder / str(rows)).exists():
            (folder / str(rows)).mkdir()
            with duckdb.connect() as connection:
                for number in range(NUM_FILES):
                    connection.execute(
                        f"COPY (SELECT i * 7919 % 100003 AS v, i % 5 AS k FROM range({rows}) r(i) "
                        f"WHERE i % {NUM_FILES} = {number}) TO '{folder}/{rows}/{number}.parquet'"
                    )
        return f"'{folder}/{rows}/*.parquet'"

    return files


@pytest.mark.parametrize("road", [SHUFFLED, BROADCAST], ids=lambda road: road.name)
@pytest.mark.parametrize(
    ("rows", "sql"),
    [(FEW, sql) for sql in OVER_A_COMMON_TABLE + ALSO_OF_MANY_ROWS]
    + [(MANY, sql) for sql in ALSO_OF_MANY_ROWS],
)
def test_order_is_kept(
    road: StageRoad,
    rows: int,
    sql: str,
    files_of: Callable[[int], str],
    stage_session: Callable[[StageRoad], smallpond.Session],
) -> None:
    sorted_rows = f"(SELECT v, k FROM {files_of(rows)} ORDER BY v)"
    text = f"WITH c AS MATERIALIZED {sorted_rows} " + sql.format(s=sorted_rows)
    with duckdb.connect() as connection:
        expected = duckdb_answer(connection, text)
    for _ in range(NUM_RUNS):
        frame = stage_session(road).sql(text)
        assert_in_stages(frame, text)
        assert_same_sequence(rows_of(frame.to_arrow()), expected.rows)

"""Rows come as they stand in the files, or as they are sorted, wherever something goes by that."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest
import smallpond
from oracle import assert_same_sequence, duckdb_answer, rows_of
from roads import SHUFFLED, STAGE_ROADS, StageRoad, assert_in_stages

NUM_FILES = 5
NUM_RUNS = 2
FEW, MANY = 3_000, 60_000  # The files of the second have several row groups each.

BY_PLACE = [
    "SELECT v FROM {t} LIMIT 2 OFFSET 1000",
    "SELECT v FROM {t} WHERE v % 3 = 0 LIMIT 5 OFFSET 700",
    "SELECT sum(r * v) FROM (SELECT v, row_number() OVER () AS r FROM {t})",
    "SELECT v, row_number() OVER () AS r FROM {t} WHERE k > 1 QUALIFY r BETWEEN 1200 AND 1210",
    "SELECT sum(n * v) FROM (SELECT v, lag(v, 1, 0) OVER () AS n FROM {t})",
    "SELECT sum(u) FROM (SELECT unnest([v, -v, 0]) AS u FROM {t} LIMIT 1000 OFFSET 500)",
    "SELECT v + 1 AS w FROM {t} WHERE k = 2",
    "SELECT v, k FROM {t} WHERE v > (SELECT avg(v) FROM {t}) LIMIT 7 OFFSET 600",
]
# DuckDB's threads fill a common table in any order; in stages it has that of the files.
BY_PLACE_IN_A_TABLE = [
    "WITH c AS MATERIALIZED (FROM {t} WHERE k < 3) "
    "SELECT (SELECT sum(v) FROM (FROM c LIMIT 500 OFFSET 300)) AS a, count(*) AS n FROM c",
]
SORTED_TWICE = [
    "WITH c AS (SELECT v, k FROM {t} ORDER BY v) SELECT v FROM c WHERE v >= (SELECT min(v) FROM c)",
    "WITH c AS (SELECT v, k FROM {t} ORDER BY v), d AS (SELECT v * 2 AS w FROM c WHERE k > 0) "
    "SELECT w, (SELECT count(*) FROM c) AS n FROM d",
    "WITH c AS MATERIALIZED (SELECT v FROM {t} ORDER BY v DESC) "
    "SELECT (SELECT max(v) FROM c) AS m, v FROM c",
    "WITH c AS MATERIALIZED (SELECT v FROM {t} ORDER BY v DESC) "
    "(SELECT v FROM c) UNION ALL (SELECT v FROM c ORDER BY v) UNION ALL (SELECT max(v) FROM c)",
]


@pytest.fixture(scope="module")
def files_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[[int], str]:
    """Gives the files of a table of so many rows, which stand in no order in them."""
    folder = tmp_path_factory.mktemp("places")

    def files(rows: int) -> str:
        if not (folder / str(rows)).exists():
            (folder / str(rows)).mkdir()
            with duckdb.connect() as connection:
                connection.execute("SET threads = 1")
                for number in range(NUM_FILES):
                    connection.execute(
                        f"COPY (SELECT i * 7919 % 1000003 AS v, i % 5 AS k FROM range({rows}) r(i) "
                        f"WHERE i * {NUM_FILES} // {rows} = {number}) "
                        f"TO '{folder}/{rows}/{number}.parquet' (ROW_GROUP_SIZE 10240)"
                    )
        return f"'{folder}/{rows}/*.parquet'"

    return files


@pytest.mark.parametrize("road", STAGE_ROADS, ids=lambda road: road.name)
@pytest.mark.parametrize("rows", [FEW, MANY])
def test_rows_in_their_order_in_stages(
    road: StageRoad,
    rows: int,
    files_of: Callable[[int], str],
    stage_session: Callable[[StageRoad], smallpond.Session],
) -> None:
    for text in BY_PLACE + BY_PLACE_IN_A_TABLE + SORTED_TWICE:
        sql = text.format(t=files_of(rows))
        with duckdb.connect(config={"threads": 1}) as connection:
            expected = duckdb_answer(connection, sql)
        for _ in range(NUM_RUNS):
            frame = stage_session(road).sql(sql)
            assert_in_stages(frame, sql)
            assert_same_sequence(rows_of(frame.to_arrow()), expected.rows)


@pytest.mark.parametrize("sql", BY_PLACE)
def test_rows_in_their_order_direct(
    sql: str, files_of: Callable[[int], str], sp: smallpond.Session
) -> None:
    sql = sql.format(t=files_of(MANY))
    with duckdb.connect() as connection:
        expected = duckdb_answer(connection, sql)
    assert_same_sequence(rows_of(sp.sql(sql).to_arrow()), expected.rows)


@pytest.mark.parametrize("sql", SORTED_TWICE)
def test_files_of_a_size_keep_the_order(
    sql: str,
    stage_session: Callable[[StageRoad], smallpond.Session],
    files_of: Callable[[int], str],
    tmp_path: Path,
) -> None:
    text = sql.format(t=files_of(MANY))
    stage_session(SHUFFLED).sql(text).write_parquet(tmp_path / "out", file_size="200KB")
    with duckdb.connect(config={"threads": 1}) as connection:
        expected = duckdb_answer(connection, text)
    assert_same_sequence(rows_of_files(tmp_path / "out"), expected.rows)


def test_files_of_a_size_keep_the_order_direct(
    sp: smallpond.Session, files_of: Callable[[int], str], tmp_path: Path
) -> None:
    """DuckDB keeps the order of this table, whose rows one thread sorts, if it is asked to."""
    sp.sql(
        f"WITH c AS (SELECT v FROM {files_of(FEW)} ORDER BY v) SELECT unnest(range(100)) + v * 100 "
        "AS u FROM c WHERE v >= (SELECT min(v) FROM c)"
    ).write_parquet(tmp_path / "out", file_size="200KB")
    found = [row[0] for row in rows_of_files(tmp_path / "out")]
    assert len(found) == 100 * FEW
    assert found == sorted(found)


def rows_of_files(folder: Path) -> list[tuple[object, ...]]:
    written = sorted(str(path) for path in folder.glob("*.parquet"))
    assert len(written) > 1
    with duckdb.connect(config={"threads": 1}) as connection:
        return connection.execute(f"FROM read_parquet({written})").fetchall()

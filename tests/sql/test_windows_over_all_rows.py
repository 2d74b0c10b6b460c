"""OVER () goes by the order of the rows as they are stored, also beside windows that sort them."""

from __future__ import annotations

import duckdb
import pytest
from oracle import assert_same, duckdb_answer
from roads import ONE_TASK, SHUFFLED, StageRoad, StageSession
from written import DIRECT, PROCESSES, write_parts

ROADS = [DIRECT, ONE_TASK, SHUFFLED, PROCESSES]
NUM_FILES, ROWS = 4, 3000


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> str:
    sql = "SELECT i, i * 7919 % 10007 AS v, i % 5 AS g FROM "
    ranges = [f"range({file * ROWS}, {(file + 1) * ROWS}) t(i)" for file in range(NUM_FILES)]
    return write_parts(tmp_path_factory.mktemp("stored"), [sql + rows for rows in ranges])


@pytest.mark.parametrize("road", ROADS, ids=lambda road: road.name)
@pytest.mark.parametrize(
    "sql",
    [
        "SELECT i, row_number() OVER () r, rank() OVER (ORDER BY v) k FROM {t} ORDER BY i",
        "SELECT i, lag(i) OVER () r, rank() OVER (ORDER BY v DESC) k FROM {t} ORDER BY i",
        "SELECT i, first_value(i) OVER () f, row_number() OVER (ORDER BY v DESC, i) k FROM {t} "
        "ORDER BY i",
        "SELECT i, row_number() OVER () r, count(*) OVER (PARTITION BY g) k FROM {t} ORDER BY i",
        "SELECT list(r) FROM (SELECT row_number() OVER () r FROM {t})",
        "SELECT list(m) FROM (SELECT lag(i) OVER () m FROM {t} WHERE g > 1)",
        "SELECT string_agg(i, ',') FROM (FROM {t} QUALIFY row_number() OVER () > 5)",
        "SELECT g, first(r), list(r) FROM (SELECT g, row_number() OVER () r FROM {t}) GROUP BY g "
        "ORDER BY g",
    ],
)
def test_as_they_are_stored(
    road: StageRoad, sql: str, files: str, stage_session: StageSession
) -> None:
    sql = sql.replace("{t}", f"'{files}'")
    with duckdb.connect(config={"threads": 1}) as plain:
        expected = duckdb_answer(plain, sql)
    for _ in range(2):
        assert_same(stage_session(road).sql(sql), expected)


@pytest.mark.parametrize("road", ROADS, ids=lambda road: road.name)
def test_in_each_partition(road: StageRoad, files: str, stage_session: StageSession) -> None:
    sp = stage_session(road)
    parts = sp.read_parquet(files).repartition(3, by_rows=True)
    sql = "SELECT i, row_number() OVER () AS n, rank() OVER (ORDER BY v) AS k FROM {0}"
    frame = sp.partial_sql(sql, parts, merge="concat")
    rows = sp.sql("SELECT i, n FROM {0} ORDER BY i", frame).take_all()
    size = NUM_FILES * ROWS // 3
    assert [row["n"] for row in rows] == [i % size + 1 for i in range(NUM_FILES * ROWS)]

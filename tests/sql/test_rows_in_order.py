"""What goes by the order of rows in files, with many row groups and several threads: the answer of
DuckDB with one thread, in each of several runs. With more, its own answers differ.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest
import smallpond
from oracle import assert_same_sequence, duckdb_answer, rows_of
from roads import STAGE_ROADS, StageRoad, StageSession

NUM_ROWS = 42_000
NUM_FILES = 3
NUM_RUNS = 2

DIRECT = StageRoad("direct", {"threads": 4})

# {t} is a table whose rows stand in the order of i, k = i % 7; {u} another that follows on it.
QUERIES = [
    "SELECT first(i), last(i), arbitrary(i), md5(list(i)::VARCHAR) FROM {t}",
    "SELECT k, first(i), last(i), md5(string_agg(i::VARCHAR, '')) FROM {t} GROUP BY k ORDER BY k",
    "SELECT k, list(DISTINCT k), first(i) FILTER (i > 9) FROM {t} WHERE i % 3 = 1 GROUP BY k "
    "ORDER BY k",
    "SELECT * FROM (SELECT DISTINCT ON (k) * FROM {t}) ORDER BY k",
    "SELECT k, md5(list(i)::VARCHAR) FROM (SELECT i, unnest([k, k + 1]) AS k FROM {t}) GROUP BY k "
    "ORDER BY k",
    "WITH m AS MATERIALIZED (FROM {t}) SELECT md5(list(i)::VARCHAR), (SELECT max(k) FROM m) FROM m",
    "WITH m AS MATERIALIZED (FROM {t}) SELECT i, (SELECT max(k) FROM m) FROM m "
    "LIMIT 3 OFFSET 25000",
    "SELECT md5(list(i)::VARCHAR) FROM (SELECT i FROM {t} ORDER BY k, i DESC)",
    "SELECT first(i), md5(list(i)::VARCHAR) FROM (SELECT i FROM {t} UNION ALL SELECT i FROM {u})",
    "SELECT k, first(i), last(i) FROM (FROM {t} UNION ALL FROM {u}) GROUP BY k ORDER BY k",
    "SELECT i, k FROM (FROM {t} UNION ALL FROM {u}) LIMIT 5 OFFSET 41998",
    "SELECT i + 1 FROM (FROM {t} UNION ALL FROM {u} UNION ALL FROM {t}) LIMIT 5 OFFSET 83998",
    "SELECT i FROM (FROM {t} UNION ALL FROM {u}) WHERE k = 3 LIMIT 2 OFFSET 5998",
    "SELECT i, k FROM (FROM {t} UNION ALL FROM {u}) LIMIT 50%",
    "SELECT sum(n * i) FROM (SELECT i, row_number() OVER () AS n "
    "FROM (FROM {t} UNION ALL FROM {u}))",
    "SELECT count(l) FROM (SELECT i - lag(i) OVER () AS l FROM {t}) WHERE l != 1",
    "SELECT first(i), count(*) FROM {t} WHERE i < 0",
]


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("rows_in_order")
    for name, start in {"t": 0, "u": NUM_ROWS}.items():
        (folder / name).mkdir()
        for number in range(NUM_FILES):
            write_part(folder / name / f"{number}.parquet", start, number)
    return {name: f"'{folder}/{name}/*.parquet'" for name in "tu"}


def write_part(file: Path, start: int, number: int) -> None:
    rows = NUM_ROWS // NUM_FILES
    first = start + number * rows
    duckdb.sql(f"SELECT i, i % 7 AS k FROM range({first}, {first + rows}) r(i)").write_parquet(
        str(file), row_group_size=2048
    )


@pytest.fixture(scope="module")
def one_thread() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(config={"threads": 1}) as connection:
        yield connection


@pytest.fixture(scope="module", params=[DIRECT, *STAGE_ROADS], ids=lambda road: road.name)
def session(request: pytest.FixtureRequest) -> Iterator[smallpond.Session]:
    opened = request.param.open()
    yield opened
    opened.shutdown()


@pytest.mark.parametrize("sql", QUERIES)
def test_runs_agree_with_one_thread(
    session: smallpond.Session,
    sql: str,
    tables: dict[str, str],
    one_thread: duckdb.DuckDBPyConnection,
) -> None:
    text = sql.format(**tables)
    expected = duckdb_answer(one_thread, text)
    for _ in range(NUM_RUNS):
        assert_same_sequence(rows_of(session.sql(text).to_arrow()), expected.rows)


def test_a_limit_over_a_union_reads_no_more_of_its_inputs(
    stage_session: StageSession, tables: dict[str, str]
) -> None:
    text = "SELECT i FROM (FROM {t} UNION ALL FROM {u}) LIMIT 5".format(**tables)
    plan = stage_session(STAGE_ROADS[0]).sql(text).explain()
    assert plan.count("limit 5") >= 3, plan


def test_users_can_let_all_threads_bring_rows(tables: dict[str, str]) -> None:
    with smallpond.init() as opened:
        text = "SELECT first(i) FROM {t}".format(**tables)
        assert "IN_ORDER" in opened.sql(text).explain()
        opened.execute("SET preserve_insertion_order = false")
        assert "IN_ORDER" not in opened.sql(text).explain()

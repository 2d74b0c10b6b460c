"""What goes by the order of rows in files, with many row groups and several threads: the answer of
DuckDB with one thread, in each of several runs. With more, its own answers differ.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import duckdb
import pytest
import smallpond
from drawn import drawn
from oracle import assert_same_sequence, duckdb_answer, rows_of
from roads import STAGE_ROADS, StageRoad, StageSession
from written import write_parts

NUM_ROWS = 42_000
NUM_FILES = 3
NUM_RUNS = 2

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
    "SELECT first(i) FILTER (i > 20000), last(i) FILTER (i < 20000), median(k), avg(k) FROM {t}",
    "SELECT k, first(i), last(i), count(DISTINCT i % 5) FROM {t} GROUP BY ROLLUP (k) ORDER BY k",
]


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    rows = NUM_ROWS // NUM_FILES
    paths = {}
    for name, start in {"t": 0, "u": NUM_ROWS}.items():
        firsts = range(start, start + NUM_ROWS, rows)
        parts = [f"SELECT i, i % 7 AS k FROM range({n}, {n + rows}) r(i)" for n in firsts]
        files = write_parts(tmp_path_factory.mktemp(name), parts, "(ROW_GROUP_SIZE 2048)")
        paths[name] = f"'{files}'"
    return paths


@pytest.fixture(scope="module")
def one_thread() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(config={"threads": 1}) as connection:
        yield connection


@pytest.fixture(scope="module")
def direct() -> Iterator[smallpond.Session]:
    with smallpond.init(threads=4) as opened:
        yield opened


@pytest.fixture
def assert_agree(
    tables: dict[str, str], one_thread: duckdb.DuckDBPyConnection
) -> Callable[[smallpond.Session, str], None]:
    """Fails unless a session answers like DuckDB with one thread, each time."""

    def agree(session: smallpond.Session, sql: str) -> None:
        text = sql.format(**tables)
        expected = duckdb_answer(one_thread, text)
        for _ in range(NUM_RUNS):
            assert_same_sequence(rows_of(session.sql(text).to_arrow()), expected.rows)

    return agree


@pytest.mark.parametrize("sql", QUERIES)
def test_one_database(
    direct: smallpond.Session, sql: str, assert_agree: Callable[[smallpond.Session, str], None]
) -> None:
    assert_agree(direct, sql)


@pytest.mark.parametrize(("road", "sql"), drawn(STAGE_ROADS, QUERIES, 1, 1))
def test_stages(
    road: StageRoad,
    sql: str,
    stage_session: StageSession,
    assert_agree: Callable[[smallpond.Session, str], None],
) -> None:
    assert_agree(stage_session(road), sql)


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


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT DISTINCT ON (k) k, i FROM {t} ORDER BY k, i DESC",
        "SELECT (SELECT i FROM {t} WHERE i * 2 = 14)",
        "SELECT k, first(i ORDER BY i), string_agg(i::VARCHAR ORDER BY i) FROM {t} GROUP BY k",
        "SELECT k, any_value(i), max(i), count(*) FROM {t} GROUP BY k",
        "SELECT list(a.i) FROM {t} a JOIN {u} b USING (k)",
    ],
)
def test_all_threads_read_where_no_order_counts(
    direct: smallpond.Session, sql: str, tables: dict[str, str]
) -> None:
    assert "IN_ORDER" not in direct.sql(sql.format(**tables)).explain()

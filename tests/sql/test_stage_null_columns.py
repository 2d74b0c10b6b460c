"""Columns whose type is NULL, alone and in nested types, cross exchanges as in plain DuckDB."""

from __future__ import annotations

import duckdb
import pytest
import smallpond
from oracle import assert_same_rows, duckdb_answer, rows_of
from roads import ONE_TASK, SHUFFLED, StageRoad, StageSession
from type_table import VALUES

PROCESSES = StageRoad(
    "processes_2",
    {"executor": "processes", "num_executors": 2, "partitions": 7, "broadcast_size": 1},
)

# t has the columns i and k.
AGGREGATES = [
    "SELECT k, max(NULL) FROM t GROUP BY k",
    "SELECT k, min(NULL), any_value(NULL), first(NULL), count(NULL), sum(NULL) FROM t GROUP BY k",
    "SELECT k, avg(NULL), var_pop(NULL), product(NULL), bool_and(NULL), bit_xor(NULL) FROM t "
    "GROUP BY k",
    "SELECT k, list(NULL)::VARCHAR, list([])::VARCHAR, mode(NULL), string_agg(NULL, ',') FROM t "
    "GROUP BY k",
    "SELECT k, arg_max(NULL, i), arg_max(i, NULL), median(NULL), approx_count_distinct(NULL) "
    "FROM t GROUP BY k",
    "SELECT k, max([])::VARCHAR, min({'a': NULL})::VARCHAR FROM t GROUP BY k",
    "SELECT max(NULL) FROM t",
    "SELECT max(n), min(n), count(n) FROM (SELECT NULL AS n FROM t)",
    "SELECT k, max(n) FILTER (WHERE n IS NULL) FROM (SELECT k, NULL AS n FROM t) GROUP BY k",
    "SELECT count(DISTINCT NULL) FROM t",
    "SELECT k, count(DISTINCT NULL), sum(i) FROM t GROUP BY k",
    "SELECT k, NULL AS n, count(*) FROM t GROUP BY k, n",
    "SELECT k, NULL AS n, count(*) FROM t GROUP BY ROLLUP (k, n)",
    "SELECT k, CASE WHEN k > 1 THEN NULL END AS n, coalesce(NULL, NULL) AS m, count(*) FROM t "
    "GROUP BY ALL",
    "PIVOT (SELECT k, i % 2 AS p, NULL AS n FROM t) ON p IN (0, 1) USING max(n) GROUP BY k",
]
NESTED = [
    "SELECT DISTINCT k, [] AS n FROM t",
    "SELECT DISTINCT k, [NULL, NULL]::VARCHAR AS n, [[]] AS m FROM t",
    "SELECT DISTINCT k, {'a': NULL, 'b': []}::VARCHAR AS n FROM t",
    "SELECT DISTINCT k, n::VARCHAR FROM (SELECT k, MAP {'a': NULL} AS n FROM t)",
    "SELECT DISTINCT k, n::VARCHAR FROM (SELECT k, array_value(NULL, NULL) AS n FROM t)",
    "SELECT u::VARCHAR, count(*) FROM (SELECT k, union_value(a := NULL) AS u FROM t) GROUP BY u",
    "SELECT u::VARCHAR, k, count(*) FROM (SELECT k, map() AS u FROM t) GROUP BY ALL",
    "SELECT k, [x FOR x IN []] AS u, count(*) FROM t GROUP BY ALL",
    "SELECT a.i, b.n::VARCHAR FROM t a JOIN (SELECT i, [] AS n, {'x': NULL} AS o FROM t) b "
    "ON a.i = b.i",
    "SELECT a.i FROM (SELECT i, [] AS n FROM t) a JOIN (SELECT i, [] AS n FROM t) b "
    "ON a.n = b.n AND a.i = b.i",
]
JOINS = [
    "SELECT a.i, b.n FROM t a JOIN (SELECT i, NULL AS n FROM t) b ON a.i = b.i",
    "SELECT a.i FROM t a JOIN (SELECT i, NULL AS n FROM t) b ON a.i = b.n",
    "SELECT a.i, b.n FROM (SELECT i, NULL AS n FROM t) a JOIN (SELECT i, NULL AS n FROM t) b "
    "ON a.n IS NOT DISTINCT FROM b.n AND a.i = b.i",
    "SELECT a.i, b.n FROM t a LEFT JOIN (SELECT i, NULL AS n FROM t WHERE i > 30) b ON a.i = b.i",
    "SELECT a.i, b.n FROM t a FULL JOIN (SELECT i + 30 AS i, NULL AS n FROM t) b ON a.i = b.i",
    "SELECT i FROM t SEMI JOIN (SELECT NULL AS i FROM t) b ON t.i = b.i",
    "SELECT i FROM t ANTI JOIN (SELECT NULL AS i FROM t) b ON t.i = b.i",
    "SELECT t.i, v.n FROM t JOIN (VALUES (1, NULL), (2, NULL)) v(k, n) USING (k)",
    "SELECT i FROM t WHERE i IN (SELECT NULL FROM t)",
    "SELECT i FROM t WHERE i NOT IN (SELECT NULL FROM t)",
    "SELECT i, (SELECT NULL FROM t u WHERE u.i = t.i) FROM t",
]
OTHERS = [
    "WITH c AS MATERIALIZED (SELECT k, NULL AS n FROM t) SELECT * FROM c UNION ALL SELECT * FROM c",
    "SELECT i, NULL AS n FROM t UNION SELECT i + 1, NULL FROM t",
    "SELECT i, NULL AS n FROM t EXCEPT SELECT i, NULL FROM t WHERE k = 1",
    "SELECT i, NULL AS n FROM t INTERSECT SELECT i, NULL FROM t WHERE k = 1",
    "SELECT i, n FROM (SELECT i, NULL AS n FROM t) ORDER BY n, i LIMIT 5",
    "SELECT i, lag(NULL) OVER (ORDER BY i), first_value(NULL) OVER (PARTITION BY k ORDER BY i) "
    "FROM t",
    "SELECT k, NULL AS n, row_number() OVER (PARTITION BY k ORDER BY i) FROM t",
    "SELECT NULL AS a, [] AS b, {'x': NULL}::VARCHAR AS c FROM t",
    "SELECT k, unnest([NULL, NULL]) AS u FROM t",
]


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Seven files, as SQL that reads them."""
    folder = tmp_path_factory.mktemp("table")
    with duckdb.connect() as connection:
        for number in range(7):
            rows = f"SELECT i, i % 3 AS k FROM range(50) r(i) WHERE i % 7 = {number}"
            connection.execute(f"COPY ({rows}) TO '{folder}/{number}.parquet'")
    return f"'{folder}/*.parquet'"


def check(sp: smallpond.Session, table: str, queries: list[str]) -> None:
    t = sp.sql(f"FROM {table}")
    with duckdb.connect() as connection:
        connection.execute(f"CREATE VIEW t AS FROM {table}")
        for query in queries:
            expected = duckdb_answer(connection, query)
            assert_same_rows(rows_of(sp.sql(query, t=t).to_arrow()), expected.rows)


@pytest.mark.parametrize(
    "queries",
    [
        pytest.param(AGGREGATES, id="aggregates"),
        pytest.param(NESTED, id="nested"),
        pytest.param(JOINS, id="joins"),
        pytest.param(OTHERS, id="others"),
    ],
)
@pytest.mark.parametrize(
    "road",
    [SHUFFLED, pytest.param(ONE_TASK, marks=pytest.mark.slow)],
    ids=lambda road: road.name,
)
def test_null_columns(
    road: StageRoad, queries: list[str], table: str, stage_session: StageSession
) -> None:
    check(stage_session(road), table, queries)


def test_null_columns_by_processes(table: str, stage_session: StageSession) -> None:
    check(stage_session(PROCESSES), table, [AGGREGATES[0], NESTED[2], JOINS[0], OTHERS[0]])


def test_every_type_of_duckdb(table: str, stage_session: StageSession) -> None:
    """The values that test_all_types() has of each type, by an exchange that hashes them and one
    that carries them. test_stage_types has more of the types that it knows."""
    sp = stage_session(SHUFFLED)
    t = sp.sql(f"FROM {table}")
    with duckdb.connect() as connection:
        connection.execute(f"CREATE VIEW t AS FROM {table}")
        columns = connection.execute(
            "SELECT column_name, column_type FROM (DESCRIBE FROM test_all_types())"
        ).fetchall()
        for name, kind in columns:
            if kind in VALUES:
                continue
            texts = connection.execute(f'SELECT "{name}"::VARCHAR FROM test_all_types()').fetchall()
            values = ", ".join(
                "NULL" if text is None else f"TRY_CAST({quote(text)} AS {kind})"
                for (text,) in texts
            )
            x = f"(SELECT i, [{values}][1 + i % {len(texts)}] AS x FROM t)"
            for query in [
                f"SELECT x::VARCHAR, count(*) FROM {x} GROUP BY x",
                f"SELECT a.i, b.x::VARCHAR FROM t a JOIN {x} b ON a.i = b.i",
            ]:
                expected = duckdb_answer(connection, query)
                assert_same_rows(rows_of(sp.sql(query, t=t).to_arrow()), expected.rows)


def quote(text: str) -> str:
    return "('" + text.replace("'", "''").replace("\0", "' || chr(0) || '") + "')"

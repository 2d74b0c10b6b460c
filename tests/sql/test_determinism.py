"""Which stages count as deterministic: explain() tells, and lost outputs are treated so."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest
import smallpond
from roads import SHUFFLED, StageRoad

# Of t(id, k, x, d, s): x is DOUBLE, d is DECIMAL, s is text.
DETERMINISTIC = [
    "SELECT k, sum(id), sum(d), avg(id), avg(d), count(*), min(x), bit_xor(id) FROM {t} GROUP BY k",
    "SELECT k, sum(x), avg(x), stddev(id), corr(x, id) FROM {t} GROUP BY k",
    "SELECT k, sum(x) + 1 AS y, sqrt(avg(x)) AS z, sum(x) IS NULL AS n FROM {t} GROUP BY k",
    "SELECT k, sum(x) AS y FROM {t} GROUP BY k HAVING count(*) > 5",
    "SELECT k, max(y) FROM (SELECT k, s, sum(x) AS y FROM {t} GROUP BY k, s) GROUP BY k",
    "SELECT a.k, a.y, b.y FROM (SELECT k, sum(x) AS y FROM {t} GROUP BY k) a "
    "JOIN (SELECT k, avg(x) AS y FROM {t} GROUP BY k) b ON a.k = b.k",
    "SELECT k, array_agg(s ORDER BY s, id), string_agg(s, ',' ORDER BY s) FROM {t} GROUP BY k",
    "SELECT k, median(x), quantile_cont(x, 0.9), histogram(id % 3) FROM {t} GROUP BY k",
    "SELECT count(DISTINCT id), approx_count_distinct(s) FROM {t}",
    "SELECT id, rank() OVER (PARTITION BY k ORDER BY x) FROM {t}",
    "SELECT id, sum(id) OVER (PARTITION BY k ORDER BY x) FROM {t}",
    "SELECT id, sum(d) OVER (PARTITION BY k), count(*) OVER (ORDER BY s) FROM {t}",
    "SELECT k, rank() OVER (ORDER BY n DESC, k) FROM (SELECT k, count(*) AS n FROM {t} GROUP BY k)",
    "SELECT k, count(*) AS n FROM {t} GROUP BY k ORDER BY n DESC, k LIMIT 3",
    "SELECT DISTINCT k, s FROM {t} ORDER BY s, k LIMIT 5",
    "SELECT k, s, row_number() OVER (PARTITION BY s ORDER BY k) FROM (SELECT DISTINCT k, s "
    "FROM {t})",
    "SELECT k, x FROM {t} EXCEPT ALL SELECT k, d FROM {t}",
    "SELECT k, s, sum(id), grouping(k) FROM {t} GROUP BY ROLLUP (k, s)",
    "SELECT id FROM {t} LIMIT 3 OFFSET 50",
    "SELECT id, row_number() OVER () FROM {t} WHERE k > 1",
    "SELECT id FROM {t} WHERE x > (SELECT avg(d) FROM {t})",
    "SELECT id FROM {t} WHERE k = (SELECT max(k) FROM {t})",
    "SELECT sum(id) FROM {t} WHERE k IN (SELECT k FROM {t} WHERE x > 3)",
    "SELECT round(x), x::VARCHAR FROM {t} WHERE x > 2",
]
NONDETERMINISTIC = [
    "SELECT id, random() FROM {t}",
    "SELECT k, list(id) FROM {t} GROUP BY k",
    "SELECT k, first(id), last(id) FROM {t} GROUP BY k",
    "SELECT k, string_agg(s, ',' ORDER BY x) FROM {t} GROUP BY k",
    "SELECT k, arg_max(id, x), any_value(id) FROM {t} GROUP BY k",
    "SELECT k, mode(s), approx_quantile(x, 0.5) FROM {t} GROUP BY k",
    "SELECT id, row_number() OVER (PARTITION BY k ORDER BY x) FROM {t}",
    "SELECT id, lag(id) OVER (ORDER BY x) FROM {t}",
    "SELECT id, ntile(4) OVER (PARTITION BY k ORDER BY s) FROM {t}",
    "SELECT id, first_value(id) OVER (PARTITION BY k ORDER BY s) FROM {t}",
    "SELECT id, sum(id) OVER (PARTITION BY k ORDER BY s ROWS 3 PRECEDING) FROM {t}",
    "SELECT id, list(id) OVER (PARTITION BY k) FROM {t}",
    "SELECT id, row_number() OVER (PARTITION BY k) FROM {t}",
    "SELECT id, lag(id) OVER (PARTITION BY k) FROM {t}",
    "SELECT id, first_value(id) OVER (PARTITION BY k), rank() OVER (PARTITION BY k) FROM {t}",
    "SELECT id FROM {t} ORDER BY k LIMIT 5",
    "SELECT k, count(*) AS n FROM {t} GROUP BY k ORDER BY n DESC LIMIT 3",
    "SELECT DISTINCT ON (k) id, k FROM {t}",
    "SELECT id FROM {t} USING SAMPLE 10 ROWS",
    "SELECT count(*) FROM (SELECT id FROM (SELECT DISTINCT id FROM {t}) LIMIT 7)",
    "SELECT k, sum(x) AS y FROM {t} GROUP BY k ORDER BY y",
    "SELECT k, sum(x) AS y FROM {t} GROUP BY k HAVING y > 10",
    "SELECT k, sum(x) AS y FROM {t} GROUP BY k ORDER BY y LIMIT 3",
    "SELECT k, round(sum(x), 2) FROM {t} GROUP BY k",
    "SELECT k, avg(x)::VARCHAR FROM {t} GROUP BY k",
    "SELECT k, stddev(id)::INTEGER, hash(sum(x)) FROM {t} GROUP BY k",
    "SELECT y, count(*) FROM (SELECT sum(x) AS y FROM {t} GROUP BY k) GROUP BY y",
    "SELECT DISTINCT sum(x) FROM {t} GROUP BY k",
    "SELECT count(DISTINCT y) FROM (SELECT sum(x) AS y FROM {t} GROUP BY k)",
    "SELECT k, rank() OVER (ORDER BY y) FROM (SELECT k, sum(x) AS y FROM {t} GROUP BY k)",
    "SELECT arg_max(k, y) FROM (SELECT k, sum(x) AS y FROM {t} GROUP BY k)",
    "SELECT CASE WHEN sum(x) > 10 THEN 'a' END FROM {t} GROUP BY k",
    "SELECT id FROM {t} WHERE x > (SELECT avg(x) FROM {t})",
    "SELECT count(*) FROM (SELECT sum(x) AS y FROM {t} GROUP BY k) a JOIN {t} b ON a.y = b.x",
    "WITH m AS MATERIALIZED (SELECT k, sum(sqrt(id)) AS y FROM {t} GROUP BY k) "
    "SELECT count(*) FROM m a JOIN m b ON a.k = b.k AND a.y = b.y",
    "WITH c AS MATERIALIZED (SELECT id FROM {t} ORDER BY k) "
    "SELECT (SELECT sum(id) FROM (FROM c LIMIT 5)), count(*) FROM c",
]


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("rows")
    with duckdb.connect() as connection:
        for number in range(4):
            connection.execute(
                "COPY (SELECT i AS id, i % 5 AS k, i / 7 AS x, (i / 4)::DECIMAL(9, 2) AS d, "
                f"'s' || i % 3 AS s FROM range(400) r(i) WHERE i // 100 = {number}) "
                f"TO '{folder}/{number}.parquet'"
            )
    return f"'{folder}/*.parquet'"


def deterministic(session: smallpond.Session, sql: str) -> list[bool]:
    """By stage, producers first; without those that take any keys to sort by: no row depends on
    which."""
    told = json.loads(session.sql(sql).explain(format="json"))
    assert told["stages"], told.get("whole_because")
    return [
        stage["deterministic"]
        for stage in told["stages"]
        if not stage["operators"][0]["operator"].startswith(("top 30000 by random", "sample of"))
    ]


def test_deterministic_queries(
    table: str, stage_session: Callable[[StageRoad], smallpond.Session]
) -> None:
    for sql in DETERMINISTIC:
        stages = deterministic(stage_session(SHUFFLED), sql.format(t=table))
        assert all(stages), (sql, stages)


def test_nondeterministic_queries(
    table: str, stage_session: Callable[[StageRoad], smallpond.Session]
) -> None:
    for sql in NONDETERMINISTIC:
        stages = deterministic(stage_session(SHUFFLED), sql.format(t=table))
        assert not all(stages), (sql, stages)


def test_the_stage_that_computes_a_sum_is_the_one(
    table: str, stage_session: Callable[[StageRoad], smallpond.Session]
) -> None:
    """What decides by a sum gives the same for the same sums; what makes the sums need not."""
    sql = f"SELECT arg_min(k, k) FROM (SELECT k, sum(x) AS y FROM {table} GROUP BY k) WHERE y > 10"
    stages = deterministic(stage_session(SHUFFLED), f"SELECT count(*) FROM ({sql})")
    assert stages[:2] == [False, False]  # Sums of parts, and of all.
    plain = deterministic(
        stage_session(SHUFFLED),
        f"SELECT count(*) FROM (SELECT a.k, y FROM (SELECT k, sum(x) AS y FROM {table} "
        f"GROUP BY k) a JOIN (SELECT DISTINCT k FROM {table}) b ON a.k = b.k) WHERE y > 10",
    )
    assert not all(plain) and plain[-1]


def test_an_order_that_the_session_does_not_keep(table: str) -> None:
    with smallpond.init(duckdb_memory="1GB", threads=2, **SHUFFLED.options) as session:
        session.execute("SET preserve_insertion_order = false")
        assert not all(deterministic(session, f"SELECT id FROM {table} LIMIT 3"))


def test_rows_that_a_query_reads_twice_are_computed_once(tmp_path: Path) -> None:
    """Sums of two runs differ in their last digits where several threads add."""
    with duckdb.connect() as connection:
        connection.execute(
            f"COPY (SELECT i AS id, i % 1000 AS k FROM range(400000) r(i)) TO "
            f"'{tmp_path}/t.parquet' (ROW_GROUP_SIZE 20000)"
        )
    with smallpond.init(duckdb_memory="1GB", threads=2) as session:
        sums = session.sql(f"SELECT k, sum(sqrt(id)) AS y FROM '{tmp_path}/t.parquet' GROUP BY k")
        twice = session.sql(
            "SELECT count(*) AS n FROM {0} a JOIN {0} b ON a.k = b.k AND a.y = b.y", sums
        )
        assert twice.take_all() == [{"n": 1000}]

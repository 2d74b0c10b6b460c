"""Joins that tasks share although no row finds its partner by a hash alone: correlated subqueries
over lists, whose rows are numbered; ASOF joins; those without an equality that keep the rows of the
side which all tasks have; NOT IN of many rows."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest
from drawn import drawn, rank
from moves import PROCESSES, Fill, assert_gathered, same_answer, stages_of, write_tables
from roads import BROADCAST, ONE_TASK, SHUFFLED, StageRoad, StageSession
from written import DIRECT

ROADS = [SHUFFLED, PROCESSES, BROADCAST, ONE_TASK, DIRECT]

# DuckDB numbers the rows of the outer query where it refers to one of their lists.
NUMBERED = [
    "SELECT id, (SELECT r.id FROM {r} r WHERE r.k = l.k AND list_contains(l.li, r.x % 3) "
    "ORDER BY r.id LIMIT 1) FROM {l} l",
    "SELECT l.id, s.id FROM {l} l, LATERAL (SELECT r.id FROM {r} r WHERE r.li = l.li AND r.k = l.k "
    "ORDER BY r.x, r.id LIMIT 2) s",
    "SELECT l.id, s.id FROM {l} l LEFT JOIN LATERAL (SELECT r.id FROM {r} r WHERE r.li = l.li "
    "AND r.k < l.k ORDER BY r.x, r.id LIMIT 1 OFFSET 1) s ON true",
    "SELECT id, (SELECT count(*) FROM {r} r WHERE r.li = l.li AND r.k > l.k) FROM {l} l",
    "SELECT id, (SELECT count(*) FROM {e} r WHERE r.li = l.li AND r.k > l.k) FROM {l} l",
    "SELECT id, (SELECT sum(u) FROM (SELECT unnest(l.li) AS u)) FROM {l} l",
    "SELECT id, (SELECT max(u + r.x) FROM (SELECT unnest(l.li) AS u), {r} r WHERE r.k = l.k) "
    "FROM {l} l",
    "SELECT id, EXISTS (SELECT 1 FROM {r} r WHERE r.li = l.li AND r.x > l.x) FROM {l} l",
    "SELECT id FROM {l} l WHERE EXISTS (SELECT 1 FROM {r} r WHERE r.li = l.li AND r.x > l.x "
    "ORDER BY r.id LIMIT 1)",
    "SELECT id FROM {l} l WHERE NOT EXISTS (SELECT 1 FROM {r} r WHERE list_contains(l.li, r.x))",
    "SELECT id FROM {l} l WHERE id > 20 AND k < 15 AND "
    "(SELECT max(r.x) FROM {r} r WHERE list_contains(l.li, r.id % 4)) > l.x",
    "SELECT id, (SELECT max(n) FROM (SELECT row_number() OVER (PARTITION BY r.k ORDER BY r.id) "
    "AS n FROM {r} r WHERE r.li = l.li)) FROM {l} l",
    "SELECT id, (SELECT string_agg(r.s, ',' ORDER BY r.id) FROM {r} r "
    "WHERE MAP {'a': l.k} = MAP {'a': r.k} AND r.st = l.st) FROM {l} l",
    "SELECT u.id, (SELECT min(r.id) FROM {r} r WHERE r.li = u.li AND r.x >= u.x) FROM "
    "(SELECT id, li, x FROM {l} UNION ALL SELECT id, li, x FROM {r}) u",
    "SELECT g.li, (SELECT count(*) FROM {r} r WHERE r.li = g.li AND r.x < g.n) FROM "
    "(SELECT li, count(*) AS n FROM {l} GROUP BY li) g",
    "SELECT id, (SELECT max((SELECT count(*) FROM {u} u WHERE list_contains(l.li, u.k) "
    "AND u.k < r.k)) FROM {r} r WHERE r.k = l.k) FROM {l} l",
    "SELECT id, (SELECT count(*) FROM {r} r WHERE list_contains(l.li, r.x % 3)), "
    "(SELECT min(r.id) FROM {r} r WHERE r.li = l.li AND r.k = l.k) FROM {l} l",
    "SELECT id, (SELECT count(*) FROM {r} r WHERE r.li = l.li AND r.x < n) FROM "
    "(SELECT id, li, row_number() OVER (PARTITION BY k ORDER BY id) AS n FROM {l}) l",
]
# Others are found again by their values.
BY_VALUE = [
    "SELECT id, (SELECT r.id FROM {r} r WHERE r.k = l.k ORDER BY r.x, r.id LIMIT 1) FROM {l} l",
    "SELECT l.id, s.id FROM {l} l, LATERAL (SELECT r.id FROM {r} r WHERE r.k = l.k "
    "ORDER BY r.x, r.id LIMIT 2) s",
    "SELECT l.id, s.id FROM {l} l LEFT JOIN LATERAL (SELECT r.id FROM {r} r WHERE r.st = l.st "
    "AND r.x < l.x ORDER BY r.x, r.id LIMIT 2 OFFSET 1) s ON true",
    "SELECT id, EXISTS (SELECT 1 FROM {r} r WHERE r.k = l.k ORDER BY r.id LIMIT 1) FROM {l} l",
    "SELECT id, EXISTS (SELECT 1 FROM {r} r WHERE r.k = l.k AND r.x > l.x) FROM {l} l",
    "SELECT id, NOT EXISTS (SELECT 1 FROM {e} r WHERE r.k2 IS NOT DISTINCT FROM l.k2) FROM {l} l",
]

ASOF = [
    "SELECT l.id, r.ts FROM {l} l ASOF JOIN {r} r ON l.k = r.k AND l.ts >= r.ts",
    "SELECT l.id, r.ts FROM {l} l ASOF LEFT JOIN {r} r ON l.k = r.k AND l.ts > r.ts",
    "SELECT l.id, r.ts FROM {l} l ASOF JOIN {r} r ON l.k2 = r.k2 AND l.ts <= r.ts",
    "SELECT l.id, r.ts FROM {l} l ASOF LEFT JOIN {e} r ON l.k = r.k AND l.ts < r.ts",
    "SELECT l.id, r.dec FROM {l} l ASOF LEFT JOIN {r} r ON l.st = r.st AND l.dec >= r.dec",
    "SELECT l.id, r.x FROM {l} l ASOF JOIN {r} r ON l.s = r.s COLLATE NOCASE AND l.x >= r.x",
    "SELECT l.id, r.x FROM {l} l ASOF LEFT JOIN {r} r ON l.x > r.x + 1 AND l.id % 40 = r.id",
    "SELECT l.id, r.x FROM {l} l ASOF LEFT JOIN {r} r ON l.k = r.k AND l.x >= r.x AND l.id % 2 = 0",
    "SELECT l.k, count(*), max(r.ts) FROM {l} l ASOF JOIN {r} r ON l.k = r.k AND l.ts >= r.ts "
    "GROUP BY l.k",
    "SELECT id, ts FROM (SELECT k, id, max(ts) AS t FROM {l} GROUP BY k, id) l "
    "ASOF JOIN (SELECT k, ts FROM {r}) r ON l.k = r.k AND t >= r.ts",
]

# DuckDB takes NULL for a moment (docs/duckdb_bugs.md), so there is none.
RIGHT = "ASOF JOIN that keeps all rows on the right"
ASOF_IN_ONE_TASK = {
    "SELECT l.id, r.ts FROM {l} l ASOF JOIN {r} r ON l.ts >= r.ts": "ASOF JOIN without an equality",
    "SELECT r.id, r.ts FROM {l} l ASOF RIGHT JOIN {r} r ON l.k = r.k AND l.ts >= r.ts": RIGHT,
    "SELECT l.id, r.ts FROM {l} l ASOF FULL JOIN (SELECT k, ts FROM {r} GROUP BY ALL) r "
    "ON l.k = r.k AND l.ts >= r.ts": RIGHT,
}
TWO_RANGES = (
    "SELECT l.id, r.id FROM {l} l FULL JOIN {r} r ON l.x < r.x AND l.k > r.k",
    "COMPARISON_JOIN without an equality",
)

# Without an equality; a side that one task has, or one of which all rows are kept.
KEPT = [
    "SELECT l.id, r.id FROM {l} l FULL JOIN {r} r ON l.x < r.x",
    "SELECT l.id, l.k2, r.k2 FROM {l} l FULL JOIN {r} r ON l.x + r.x = 20 OR l.k = r.k",
    "SELECT l.id, r.id FROM {l} l FULL JOIN {e} r ON l.x < r.x",
    "SELECT l.id, r.id FROM {e} l FULL JOIN {r} r ON l.x < r.x",
    "SELECT l.id, r.id FROM {l} l FULL JOIN {r} r ON l.x < r.x AND l.id % 5 = 0 AND r.id > 60",
    "SELECT l.id, r.id FROM {l} l FULL JOIN {r} r ON false",
    "SELECT l.id, r.id FROM {l} l FULL JOIN {r} r ON l.x <> r.x AND r.x = 3",
    "SELECT * FROM {u} u FULL JOIN (SELECT id, x, h, en FROM {l}) l ON u.k > l.x",
    "SELECT count(*), sum(l.id), sum(r.id) FROM {l} l FULL JOIN {r} r ON l.x < r.x",
    "SELECT l.k, count(r.id) FROM {l} l FULL JOIN {r} r ON l.x > r.x GROUP BY l.k",
    "SELECT l.id, r.id, u.name FROM {l} l FULL JOIN {r} r ON l.x < r.x LEFT JOIN {u} u "
    "ON u.k = l.k",
    "SELECT * FROM (SELECT id, x FROM {l} UNION ALL SELECT id, x FROM {r}) l FULL JOIN "
    "(SELECT x AS y FROM {r} WHERE x > 15) r ON l.x < r.y",
    "SELECT a.n, r.id FROM (SELECT count(*) AS n, 4 AS x FROM {l}) a FULL JOIN {r} r ON a.x < r.x",
    "SELECT a.n, r.id FROM (SELECT count(*) AS n, 40 AS x FROM {l}) a LEFT JOIN {r} r ON a.x < r.x",
    "SELECT a.n, r.id FROM (SELECT count(*) AS n, 4 AS x FROM {l}) a LEFT JOIN {r} r ON a.x < r.x",
    "SELECT v.a, r.id FROM (VALUES (1), (50), (NULL)) v(a) LEFT JOIN {r} r ON v.a > r.x",
    "SELECT v.a, r.id FROM (VALUES (1), (50), (NULL), (1)) v(a) FULL JOIN {r} r ON v.a > r.x",
    "SELECT v.a, v.b FROM (VALUES (1, 'a'), (50, 'b'), (NULL, 'c'), (1, 'a')) v(a, b) "
    "WHERE EXISTS (SELECT 1 FROM {r} r WHERE v.a > r.x)",
    "SELECT v.a, v.b FROM (VALUES (1, 'a'), (50, 'b'), (NULL, 'c'), (0, 'a')) v(a, b) "
    "WHERE NOT EXISTS (SELECT 1 FROM {r} r WHERE v.a > r.x)",
    "SELECT n FROM (SELECT count(*) AS n, 4 AS x FROM {l}) a ANTI JOIN {r} r ON a.x < r.x",
    "SELECT a.id, r.id FROM (SELECT id, x FROM {l} ORDER BY id LIMIT 7) a LEFT JOIN {r} r "
    "ON a.x < r.x AND a.id > r.id",
]

NOT_IN = [
    "SELECT id FROM {l} WHERE k NOT IN (SELECT k FROM {r})",
    "SELECT id FROM {l} WHERE k NOT IN (SELECT k FROM {r} WHERE k IS NOT NULL)",
    "SELECT id FROM {l} WHERE k NOT IN (SELECT k FROM {e})",
    "SELECT id, k IN (SELECT k FROM {r}), k NOT IN (SELECT k FROM {e}) FROM {l}",
    "SELECT id, k IN (SELECT k FROM {r} WHERE k IS NOT NULL) FROM {l}",
    "SELECT id, k IN (SELECT k FROM {r} WHERE k IS NULL) FROM {l}",
    "SELECT id, k IN (SELECT k FROM {r} WHERE k > 20) FROM {l} WHERE k IS NULL OR k < 5",
    "SELECT id, k + 1 NOT IN (SELECT kb FROM {r}) FROM {l}",
    "SELECT id, x NOT IN (SELECT kd FROM {r}), x::VARCHAR IN (SELECT ks FROM {r}) FROM {l}",
    "SELECT id, z IN (SELECT z FROM {r}), li IN (SELECT li FROM {r}), st NOT IN "
    "(SELECT st FROM {r}) FROM {l}",
    "SELECT id, s COLLATE NOCASE IN (SELECT s FROM {r}), iv NOT IN (SELECT iv FROM {r}) FROM {l}",
    "SELECT k, count(*) FROM {l} WHERE k NOT IN (SELECT k FROM {r} WHERE k IS NOT NULL) GROUP BY k",
    "SELECT k, n, k IN (SELECT k FROM {u}) FROM (SELECT k, count(*) AS n FROM {l} GROUP BY k)",
    "SELECT id, k NOT IN (SELECT k FROM {l} GROUP BY k HAVING count(*) > 13) FROM {r}",
    "SELECT sum(CASE WHEN k IN (SELECT k FROM {r}) THEN x END) FROM {l}",
    "SELECT 5 IN (SELECT k FROM {l}), 100 NOT IN (SELECT k FROM {l}), NULL IN (SELECT k FROM {l}), "
    "NULL IN (SELECT k FROM {e})",
    "SELECT id, (k IN (SELECT k FROM {r})) IS NULL OR id IN (SELECT id FROM {r}) FROM {l}",
]


@pytest.fixture(scope="module")
def fill(tmp_path_factory: pytest.TempPathFactory) -> Fill:
    return write_tables(tmp_path_factory.mktemp("tables"))


@pytest.mark.parametrize(
    ("road", "sql"), drawn(ROADS, [*NUMBERED, *BY_VALUE, *ASOF, *KEPT, *NOT_IN], 1, 1)
)
def test_nothing_is_gathered(
    road: StageRoad, sql: str, fill: Fill, stage_session: StageSession
) -> None:
    frame = same_answer(stage_session(road), fill(sql))
    if road is not DIRECT:
        assert [why for stage in stages_of(frame) for why in stage["gathered"]] == []


@pytest.mark.parametrize("sql", ASOF_IN_ONE_TASK)
def test_one_task_has_the_others(sql: str, fill: Fill, stage_session: StageSession) -> None:
    frame = same_answer(stage_session(SHUFFLED), fill(sql))
    assert_gathered(frame, "asof", ASOF_IN_ONE_TASK[sql])


def test_one_task_joins_by_two_ranges(fill: Fill, stage_session: StageSession) -> None:
    frame = same_answer(stage_session(SHUFFLED), fill(TWO_RANGES[0]))
    assert_gathered(frame, "full join", TWO_RANGES[1])


def test_small_right_side_comes_to_all(fill: Fill, stage_session: StageSession) -> None:
    sql = next(iter(ASOF_IN_ONE_TASK))
    frame = same_answer(stage_session(BROADCAST), fill(sql))
    kinds = [one["exchange"] for stage in stages_of(frame) for one in stage["inputs"]]
    assert kinds == ["broadcast"]


# Values of a type from a number; NaN, zeros of both signs and wide ones among them.
VALUES = {
    "INTEGER": "n",
    "DECIMAL(20, 3)": "n / 4",
    "HUGEINT": "n::HUGEINT * 10 ** 18 * 10 ** 12",
    "DATE": "DATE '2026-01-01' + n",
    "TIMESTAMP": "TIMESTAMP '2026-01-01' + to_hours(n)",
    "TIMESTAMPTZ": "TIMESTAMPTZ '2026-01-01 00:00:00+00' + to_hours(n)",
    "VARCHAR": "CASE WHEN n % 2 = 0 THEN chr(97 + n) ELSE repeat(chr(97 + n), 20) END",
    "DOUBLE": "CASE n WHEN 0 THEN -0.0 WHEN 1 THEN 0.0 WHEN 2 THEN 'nan'::DOUBLE ELSE n / 3 END",
    "INTEGER[]": "CASE WHEN n = 0 THEN [] ELSE [n, NULL, n % 2] END",
    "STRUCT(p INTEGER, q VARCHAR)": "{'p': n % 3, 'q': chr(97 + n)}",
}
RANDOM = [
    "SELECT a.id, b.id FROM {a} a FULL JOIN {b} b ON a.k < b.k",
    "SELECT a.id, b.id FROM {a} a FULL JOIN {b} b ON a.k <> b.k AND (a.n + b.n) % 3 = 0",
    "SELECT a.id, b.id FROM {a} a LEFT JOIN {b} b ON a.k > b.k AND a.n IS DISTINCT FROM b.n",
    "SELECT a.id, b.id FROM {a} a RIGHT JOIN {b} b ON a.k >= b.k",
    "SELECT a.id FROM {a} a WHERE EXISTS (FROM {b} b WHERE a.k < b.k)",
    "SELECT a.id FROM {a} a WHERE NOT EXISTS (FROM {b} b WHERE a.k < b.k AND a.n <> b.n)",
    "SELECT a.id, b.k, b.n FROM (FROM {a} WHERE n >= 0) a ASOF JOIN (FROM {b} WHERE n >= 0) b "
    "ON a.k = b.k AND a.n >= b.n",
    "SELECT a.id, b.k, b.n FROM (FROM {a} WHERE k IS NOT NULL) a ASOF LEFT JOIN (FROM {b} WHERE k "
    "IS NOT NULL) b ON a.n = b.n AND a.k < b.k",
    "SELECT id, k IN (SELECT k FROM {b}), k NOT IN (SELECT k FROM {b} WHERE k IS NOT NULL) FROM "
    "{a}",
    "SELECT id FROM {a} WHERE k NOT IN (SELECT k FROM {b} WHERE n > 1)",
    "SELECT id, (SELECT count(*) FROM {b} b WHERE b.l = a.l AND b.k >= a.k) FROM {a} a",
    "SELECT a.id, s.id FROM {a} a LEFT JOIN LATERAL (SELECT b.id FROM {b} b WHERE "
    "list_contains(a.l, b.n) AND b.k > a.k ORDER BY b.id LIMIT 2) s ON true",
]
NUM_FILES = 3  # Some of them empty.


def write_random(folder: Path, seed: int, type_name: str) -> Fill:
    """Writes tables a and b, of some rows or none, some of their files empty."""
    paths = {}
    with duckdb.connect() as connection:
        for name in "ab":
            rows = [0, 1, 25, 60][int(4 * rank("rows", name, str(seed)))]
            connection.execute(f"SELECT setseed({rank(name, str(seed))})")
            connection.execute(
                f"CREATE TABLE {name} AS SELECT id, n, l, ({VALUES[type_name]})::{type_name} AS k, "
                "file FROM (SELECT i AS id, CASE WHEN random() < 0.85 THEN "
                "floor(random() * 6)::INTEGER END AS n, CASE WHEN random() < 0.9 THEN "
                "[floor(random() * 3)::INTEGER, NULL] END AS l, "
                f"floor(random() * {NUM_FILES + 1})::INTEGER AS file FROM range({rows}) t(i))"
            )
            # Not the key's own number, so that two columns differ.
            connection.execute(f"UPDATE {name} SET n = floor(random() * 4)::INTEGER WHERE id > 2")
            paths[name] = f"'{folder}/{name}/*.parquet'"
            (folder / name).mkdir()
            for number in range(NUM_FILES):
                connection.execute(
                    f"COPY (SELECT * EXCLUDE (file) FROM {name} WHERE file = {number} OR "
                    f"(file = {NUM_FILES} AND {number} = 1 AND id < 30)) "
                    f"TO '{folder}/{name}/{number}.parquet'"
                )
    return lambda sql: sql.format(**paths)


@pytest.mark.parametrize(
    ("seed", "type_name"),
    [
        pytest.param(seed, name, marks=[] if seed == 1 else pytest.mark.slow)
        for seed in (1, 2, 3)
        for name in VALUES
    ],
)
def test_random_tables(
    seed: int, type_name: str, stage_session: StageSession, tmp_path: Path
) -> None:
    fill = write_random(tmp_path, seed, type_name)
    roads = [SHUFFLED, BROADCAST, ONE_TASK]
    for sql in RANDOM:
        road = min(roads, key=lambda road: rank(road.name, sql, type_name, str(seed)))
        frame = same_answer(stage_session(road), fill(sql))
        assert [why for stage in stages_of(frame) for why in stage["gathered"]] == []

"""UNION, EXCEPT and INTERSECT, shared among tasks by the hash of all columns."""

from __future__ import annotations

from pathlib import Path

import pytest
import stage_tables
from drawn import drawn
from moves import (
    PROCESSES,
    Fill,
    assert_shared,
    num_moves,
    same_answer,
    stages_of,
    write_tables,
)
from roads import ONE_TASK, SHUFFLED, StageRoad, StageSession
from written import DIRECT, write_parts

ROADS = [SHUFFLED, PROCESSES, ONE_TASK, DIRECT]
OPERATORS = ["UNION", "EXCEPT", "EXCEPT ALL", "INTERSECT", "INTERSECT ALL"]


TABLES = {
    **stage_tables.TABLES,
    "m": """
        SELECT * REPLACE (CASE WHEN i % 4 = 0 THEN -z ELSE z END AS z) FROM (
            FROM l, (SELECT i FROM range(3) t(i))) WHERE (id + i) % 4 > 0""",
    "q": """
        SELECT i % 6 AS "a ""b""; -- x", i % 4 AS " ", i % 5 AS "EXCEPT SELECT", i % 7 AS c0
        FROM range(200) t(i)""",
}

# Columns of both sides: of every kind, NULLs, and values that are equal though they look different.
COLUMNS = [
    "k", "k2, x", "d", "z", "f, b", "dec", "s", "st", "li", "en", "tz", "h", "dt", "iv", "ut, sm",
    "ts, k", "z, li, k", "[z, f]", "{'z': z, 'iv': iv}", "MAP {s: z}",
    "array_value(z, f)", "NULL", "k, NULL", "NULL::INTEGER[]", "id, k, k2, x, d, z, dec, s, st, li",
]  # fmt: skip

# {op} is any of the operators.
OTHERS = [
    "SELECT k FROM {l} {op} SELECT kd FROM {r}",
    "SELECT k FROM {l} {op} SELECT ks FROM {r}",
    "SELECT x::VARCHAR FROM (SELECT tz::TIMETZ AS x FROM {l} {op} SELECT tz::TIMETZ FROM {m})",
    "SELECT k FROM {l} {op} SELECT k FROM {e}",
    "SELECT k FROM {e} {op} SELECT k FROM {l}",
    "SELECT k FROM {l} WHERE id < 0 {op} SELECT k FROM {r}",
    "SELECT k FROM {l} {op} SELECT k FROM {r} WHERE id < 0",
    "SELECT k FROM {l} {op} SELECT 3",
    "SELECT k FROM {l} {op} VALUES (1), (NULL), (NULL), (3)",
    "VALUES (1), (NULL), (NULL), (3) {op} SELECT k FROM {l}",
    "SELECT k FROM {l} {op} SELECT max(k) FROM {r}",
    "SELECT max(k) FROM {l} {op} SELECT k FROM {r}",
    "SELECT k FROM {l} {op} SELECT k FROM {l}",
    "SELECT k FROM {l} {op} (SELECT k FROM {r} {op} SELECT x FROM {l})",
    "(SELECT k FROM {l} {op} SELECT k FROM {r}) UNION ALL "
    "(SELECT x FROM {r} {op} SELECT k FROM {l})",
    "SELECT k, count(*) FROM (SELECT k, x FROM {l} {op} SELECT k, x FROM {r}) GROUP BY k",
    "SELECT count(*) FROM (SELECT k2 FROM {l} {op} SELECT k2 FROM {r}) JOIN {l} USING (k2)",
    "SELECT id FROM {l} WHERE k IN (SELECT k FROM {l} {op} SELECT x FROM {r})",
    "SELECT id, (SELECT count(*) FROM (SELECT x FROM {r} r WHERE r.k = l.k {op} "
    "SELECT x FROM {l} m WHERE m.k = l.k)) FROM {l} l",
    "WITH c AS MATERIALIZED (SELECT k FROM {l} {op} SELECT k FROM {r}) "
    "SELECT a.k, b.k FROM c a JOIN c b ON a.k = b.k + 1",
    "SELECT k FROM {l} {op} SELECT k FROM {r} ORDER BY k LIMIT 4",
    "SELECT k, sum(x) FROM {l} GROUP BY k {op} SELECT k, x FROM {r}",
    "SELECT k, rank() OVER (PARTITION BY k ORDER BY id) FROM {l} {op} SELECT k, x FROM {r}",
    'SELECT "a ""b""; -- x", " " FROM {q} {op} SELECT "EXCEPT SELECT", c0 AS "; --" FROM {q}',
    'SELECT "a ""b""; -- x", c0 AS c0 FROM {q} {op} SELECT " ", c0 FROM {q} WHERE c0 > 2',
    "SELECT unnest(li) FROM {l} {op} SELECT unnest(li) FROM {r}",
]

# With how often rows move by hash.
MOVES = {
    "SELECT k, x FROM {l} EXCEPT SELECT k, x FROM {r}": 2,
    "SELECT k, x FROM {l} INTERSECT ALL SELECT k, x FROM {r}": 2,
    "SELECT k FROM {l} UNION SELECT k FROM {r}": 1,
    # Rows that lie by some of the columns stay, and the others follow them.
    "SELECT k, max(x) FROM {l} GROUP BY k EXCEPT SELECT k, max(x) FROM {r} GROUP BY k": 2,
    "SELECT k, max(x) FROM {l} GROUP BY k INTERSECT SELECT k, x FROM {r}": 2,
    "SELECT k, x FROM {l} EXCEPT ALL SELECT k, max(x) FROM {r} GROUP BY k": 2,
    # So do those of the result.
    "SELECT k, count(*) FROM (SELECT k, x FROM {l} EXCEPT SELECT k, x FROM {r}) GROUP BY k, x": 2,
    "SELECT k FROM (SELECT k FROM {l} INTERSECT SELECT k FROM {r}) JOIN {u} USING (k)": 3,
    "SELECT k, count(*) FROM (SELECT k FROM {l} UNION SELECT k FROM {r}) GROUP BY k": 1,
    "SELECT k FROM {l} EXCEPT SELECT k FROM {r} INTERSECT SELECT k FROM {u}": 3,
}


@pytest.fixture(scope="module")
def fill(tmp_path_factory: pytest.TempPathFactory) -> Fill:
    return write_tables(tmp_path_factory.mktemp("tables"), TABLES)


def name_of(operator: str) -> str:
    return "distinct" if operator == "UNION" else operator.lower()


SAME_COLUMNS = [
    f"SELECT {columns} FROM {{l}} {operator} SELECT {columns} FROM {{m}}"
    for columns in COLUMNS
    for operator in OPERATORS
]


@pytest.mark.parametrize(
    ("road", "sql"),
    [
        *drawn(ROADS, SAME_COLUMNS, 0.1, 0.2),
        *drawn(ROADS, [sql.replace("{op}", op) for sql in OTHERS for op in OPERATORS], 0.1, 0.2),
    ],
)
def test_answer_is_that_of_one_duckdb(
    road: StageRoad, sql: str, fill: Fill, stage_session: StageSession
) -> None:
    frame = same_answer(stage_session(road), fill(sql))
    if road is not DIRECT:
        assert [why for stage in stages_of(frame) for why in stage["gathered"]] == []


@pytest.mark.parametrize("operator", OPERATORS)
def test_tasks_share_it(operator: str, fill: Fill, stage_session: StageSession) -> None:
    sql = fill(f"SELECT z, li, k FROM {{l}} {operator} SELECT z, li, k FROM {{m}}")
    for road in ROADS[:3]:
        assert_shared(same_answer(stage_session(road), sql), road, name_of(operator))


@pytest.mark.parametrize("sql", MOVES)
def test_rows_move_no_more_than_needed(sql: str, fill: Fill, stage_session: StageSession) -> None:
    assert num_moves(same_answer(stage_session(SHUFFLED), fill(sql))) == MOVES[sql]


@pytest.mark.parametrize("collation", ["NOCASE", "NOCASE.NOACCENT", "de"])
def test_collations_decide(collation: str, fill: Fill, stage_session: StageSession) -> None:
    """Of rows that are equal any may stand for the others, so they are counted. Whether EXCEPT and
    INTERSECT take them for equal depends on DuckDB's plan, so that it runs them as a whole."""
    for operator in OPERATORS:
        sides = [f"SELECT s COLLATE {collation} AS s FROM {{l}} WHERE id % 5 < {n}" for n in (4, 2)]
        sql = f"SELECT lower(s) AS x, count(*) FROM ({f' {operator} '.join(sides)}) GROUP BY x"
        if "ALL" not in operator:
            sql = f"SELECT DISTINCT lower(s) FROM ({f' {operator} '.join(sides)})"
        frame = same_answer(stage_session(SHUFFLED), fill(sql))
        if "UNION" in operator:
            assert_shared(frame, SHUFFLED, name_of(operator))
        else:
            assert "by their collation in" in frame.explain()


@pytest.mark.parametrize("operator", ["EXCEPT", "INTERSECT", "EXCEPT ALL", "INTERSECT ALL"])
@pytest.mark.parametrize("sides", [(" COLLATE NOCASE", " COLLATE NOCASE"), (" COLLATE NOCASE", "")])
def test_collations_that_a_plan_forgets(
    operator: str, sides: tuple[str, str], stage_session: StageSession, tmp_path: Path
) -> None:
    rows = "SELECT unnest(['Ab', 'aB', 'c']) AS s"
    left, right = sides
    files = f"'{write_parts(tmp_path, [rows, rows])}'"
    for kept in ["Ab", "aB"]:
        sql = (
            f"SELECT s{left} AS s FROM {files} {operator} "
            f"SELECT s{right} FROM {files} WHERE s = '{kept}'"
        )
        same_answer(stage_session(SHUFFLED), sql)

"""Windows with PARTITION BY, shared among tasks by the hash of what they are partitioned by."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest
import stage_tables
from drawn import drawn
from moves import (
    KEYS,
    PROCESSES,
    Fill,
    assert_gathered,
    assert_shared,
    assert_shared_with_setting,
    num_moves,
    same_answer,
    write_tables,
)
from oracle import assert_same_rows, duckdb_answer
from roads import ONE_TASK, SHUFFLED, StageRoad, StageSession
from written import DIRECT

STAGE_ROADS = [SHUFFLED, PROCESSES]
ROADS = [*STAGE_ROADS, ONE_TASK, DIRECT]

TABLES = {
    **stage_tables.TABLES,
    # Names that need quotes, wherever they are shown or looked up.
    "q": """
        SELECT i AS "PARTITION BY", i % 6 AS "a ""b""; -- x", i % 4 AS " ", i AS "OVER ("" ",
               i % 9 AS c0
        FROM range(200) t(i)""",
}

OF_KEYS = (
    "SELECT id, row_number() OVER w, lag(x, 2, -1) OVER w, sum(dec) OVER (w ROWS 3 PRECEDING), "
    "first_value(s) OVER w FROM {{l}} WINDOW w AS (PARTITION BY {} ORDER BY id DESC)"
)

SHARED = [
    "SELECT id, rank() OVER (PARTITION BY k, k2 ORDER BY x), "
    "lag(x) OVER (PARTITION BY k2 ORDER BY id), ntile(3) OVER (PARTITION BY b, k2 ORDER BY id) "
    "FROM {l}",
    "SELECT id, row_number() OVER (PARTITION BY k, x % 2 ORDER BY id), "
    "dense_rank() OVER (PARTITION BY x % 2 ORDER BY k) FROM {l}",
    "SELECT id, k FROM {l} QUALIFY row_number() OVER (PARTITION BY k ORDER BY id DESC) <= 2",
    "SELECT k, max(id) FROM {l} GROUP BY k QUALIFY row_number() OVER (PARTITION BY k % 2 "
    "ORDER BY max(id)) = 1",
    "SELECT id, sum(x) FILTER (WHERE b) OVER w, count(DISTINCT x) OVER w, "
    "list(x ORDER BY id) OVER w FROM {l} WINDOW w AS (PARTITION BY k ORDER BY id)",
    "SELECT id, last_value(k2 IGNORE NULLS) OVER w, nth_value(x, 2) OVER w, cume_dist() OVER w, "
    "percent_rank() OVER w FROM {l} WINDOW w AS (PARTITION BY s ORDER BY id "
    "ROWS BETWEEN 3 PRECEDING AND 2 FOLLOWING EXCLUDE CURRENT ROW)",
    "SELECT id, sum(x) OVER (PARTITION BY k ORDER BY dec RANGE BETWEEN 20 PRECEDING AND x "
    "FOLLOWING), max(d) OVER (PARTITION BY k ORDER BY dt GROUPS 1 PRECEDING) FROM {l}",
    "SELECT id, row_number(ORDER BY x, id) OVER (PARTITION BY k ORDER BY dt) FROM {l}",
    "SELECT id, quantile_cont(x, 0.5) OVER (PARTITION BY k ORDER BY id ROWS 5 PRECEDING), "
    "mode(x) OVER (PARTITION BY k ORDER BY id ROWS 0 PRECEDING) FROM {l}",
    "SELECT id, rank() OVER (PARTITION BY k ORDER BY x) FROM {l} WHERE id < 0",
    "SELECT id, rank() OVER (PARTITION BY k ORDER BY x) FROM {e}",
    "SELECT id, rank() OVER (PARTITION BY k ORDER BY x) FROM {l} WHERE id = 7",
    "SELECT id, rank() OVER (PARTITION BY n ORDER BY id) FROM (SELECT id, "
    "CASE WHEN id < 0 THEN k END AS n FROM {l})",
    "SELECT l.id, r.id, rank() OVER (PARTITION BY l.k2 ORDER BY r.x, l.id, r.id) FROM {l} l "
    "LEFT JOIN {r} r USING (k)",
    "SELECT id, r, rank() OVER (PARTITION BY k2 ORDER BY r, id) FROM (SELECT id, k2, "
    "rank() OVER (PARTITION BY k ORDER BY x) AS r FROM {l})",
    "SELECT id, (SELECT max(r) FROM (SELECT rank() OVER (PARTITION BY k2 ORDER BY id) AS r "
    "FROM {r} r WHERE r.k = l.k)) FROM {l} l",
    "WITH c AS MATERIALIZED (SELECT id, k, rank() OVER (PARTITION BY k ORDER BY id) AS r FROM {l}) "
    "SELECT a.id, b.id FROM c a JOIN c b ON a.k = b.k AND a.r = b.r + 1",
    "SELECT r, count(*) FROM (SELECT rank() OVER (PARTITION BY k ORDER BY id) AS r FROM {l}) "
    "GROUP BY r",
    "SELECT DISTINCT rank() OVER (PARTITION BY k2 ORDER BY x) AS r FROM {l} ORDER BY r LIMIT 9",
    "SELECT id, rank() OVER (PARTITION BY k ORDER BY x) AS r FROM {l} ORDER BY r, id LIMIT 20",
    "SELECT id, rank() OVER (PARTITION BY k ORDER BY id) FROM {l} UNION ALL "
    "SELECT id, rank() OVER (PARTITION BY x ORDER BY id) FROM {r}",
    'SELECT "PARTITION BY", rank() OVER (PARTITION BY "a ""b""; -- x" ORDER BY "OVER ("" ") '
    'AS "ORDER BY ""x""; --" FROM {q}',
    'SELECT c0, row_number() OVER (PARTITION BY " ", c0 ORDER BY "PARTITION BY") AS c0 FROM {q}',
    # What is left open of the order tells nothing here.
    "SELECT k, r, count(*) FROM (SELECT k, row_number() OVER (PARTITION BY k) AS r FROM {l}) "
    "GROUP BY k, r",
    "SELECT k, min(n), max(n) FROM (SELECT k, sum(1) OVER (PARTITION BY k ROWS UNBOUNDED "
    "PRECEDING) AS n FROM {l}) GROUP BY k",
]

# With how often rows move by hash.
MOVES = {
    "SELECT id, rank() OVER (PARTITION BY k ORDER BY x) FROM {l}": 1,
    # Then rows lie by k already, and they stay.
    "SELECT k, max(r) FROM (SELECT k, rank() OVER (PARTITION BY k ORDER BY x) AS r FROM {l}) "
    "GROUP BY k": 1,
    "SELECT k, r, count(*) FROM (SELECT k, rank() OVER (PARTITION BY k ORDER BY x) AS r FROM {l}) "
    "GROUP BY r, k": 1,
    "SELECT DISTINCT k, r FROM (SELECT k, rank() OVER (PARTITION BY k ORDER BY x) AS r "
    "FROM {l})": 1,
    "SELECT k, n, rank() OVER (PARTITION BY k ORDER BY n, k2) FROM (SELECT k, k2, count(*) AS n "
    "FROM {l} GROUP BY k, k2)": 2,
    "SELECT k, n, rank() OVER (PARTITION BY k, n ORDER BY m) FROM (SELECT k, max(x) AS n, "
    "count(*) AS m FROM {l} GROUP BY k)": 1,
    "SELECT id, rank() OVER (PARTITION BY k, k2 ORDER BY r, id) FROM (SELECT id, k, k2, "
    "rank() OVER (PARTITION BY k ORDER BY x) AS r FROM {l})": 1,
    "SELECT a.id, r.id FROM (SELECT id, k, rank() OVER (PARTITION BY k ORDER BY id) AS n FROM {l}) "
    "a JOIN {r} r ON a.k = r.k AND a.n = r.x": 2,
    "SELECT l.id, r.id, rank() OVER (PARTITION BY l.k, l.k2 ORDER BY l.id, r.id) FROM {l} l "
    "JOIN {r} r ON l.k = r.k": 2,
    "SELECT l.id, r.id, rank() OVER (PARTITION BY r.k ORDER BY l.id, r.id) FROM {l} l "
    "JOIN {r} r ON l.k = r.k": 2,
    # Of what is no column, nobody knows later that rows lie so.
    "SELECT g, max(r) FROM (SELECT k % 3 AS g, rank() OVER (PARTITION BY k % 3 ORDER BY x) AS r "
    "FROM {l}) GROUP BY g": 2,
}

GATHERED = [
    "SELECT id, lag(x) OVER (ORDER BY id) FROM {l}",
    "SELECT id, rank() OVER (PARTITION BY k ORDER BY x), lag(id) OVER (PARTITION BY k2 ORDER BY id)"
    " FROM {l}",
    "SELECT id, rank() OVER (PARTITION BY k ORDER BY x), sum(x) OVER (ORDER BY id) FROM {l}",
    "SELECT id, rank() OVER (PARTITION BY 1 ORDER BY x) FROM {l}",
    "SELECT count(*), sum(r) FROM (SELECT rank() OVER (PARTITION BY random() > 2 ORDER BY id) AS r "
    "FROM {l})",
]


@pytest.fixture(scope="module")
def fill(tmp_path_factory: pytest.TempPathFactory) -> Fill:
    return write_tables(tmp_path_factory.mktemp("tables"), TABLES)


@pytest.mark.parametrize(
    ("road", "sql"),
    [
        *drawn(ROADS, [OF_KEYS.format(key) for key in KEYS], 0.25, 0.5),
        *drawn(ROADS, SHARED, 0.5, 1),
    ],
)
def test_windows_are_shared(
    road: StageRoad, sql: str, fill: Fill, stage_session: StageSession
) -> None:
    frame = same_answer(stage_session(road), fill(sql))
    if road is not DIRECT:
        assert_shared(frame, road, "window")


@pytest.mark.parametrize("sql", MOVES)
def test_rows_move_no_more_than_needed(sql: str, fill: Fill, stage_session: StageSession) -> None:
    frame = same_answer(stage_session(SHUFFLED), fill(sql))
    assert_shared(frame, SHUFFLED, "window")
    assert num_moves(frame) == MOVES[sql]


@pytest.mark.parametrize("sql", GATHERED)
def test_one_task_has_the_others(sql: str, fill: Fill, stage_session: StageSession) -> None:
    frame = same_answer(stage_session(SHUFFLED), fill(sql))
    assert_gathered(frame, "window", "windows without a common PARTITION BY")


SETTINGS = [
    "default_order = 'DESC'",
    "default_null_order = 'NULLS_FIRST'",
    "default_collation = 'NOCASE'",
]


@pytest.mark.parametrize("setting", SETTINGS)
def test_settings_decide(setting: str, fill: Fill, stage_session: StageSession) -> None:
    sql = fill("SELECT id, row_number() OVER (PARTITION BY s ORDER BY k, id) FROM {l}")
    assert_shared_with_setting(stage_session(SHUFFLED), SHUFFLED, setting, sql, "window")


def test_fewer_keys_than_tasks(fill: Fill, stage_session: StageSession) -> None:
    """Some tasks have no rows then; explain() tells how the rows come."""
    sql = fill("SELECT id, row_number() OVER (PARTITION BY b ORDER BY id) FROM {l}")
    frame = same_answer(stage_session(SHUFFLED), sql)
    assert "window row_number() over (partition by b order by id" in frame.explain().lower()
    told = frame.explain(analyze=True)
    assert "  per task, min / median / max: 0 / 0 / 200 rows" in told


def test_written_files_hold_all_rows(
    fill: Fill, stage_session: StageSession, tmp_path: Path
) -> None:
    sql = fill("SELECT id, k, row_number() OVER (PARTITION BY k ORDER BY id) AS n FROM {l}")
    stage_session(SHUFFLED).sql(sql).write_parquet(tmp_path / "out")
    with duckdb.connect() as connection:
        found = duckdb_answer(connection, f"FROM '{tmp_path}/out/*.parquet'").rows
        assert_same_rows(found, duckdb_answer(connection, sql).rows)
    assert len(list((tmp_path / "out").glob("*.parquet"))) > 1

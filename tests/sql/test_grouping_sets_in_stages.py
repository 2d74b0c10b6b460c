"""GROUPING SETS, ROLLUP and CUBE, aggregated by all tasks and merged by the hash of groups and
sets."""

from __future__ import annotations

import pytest
from drawn import drawn
from moves import (
    PROCESSES,
    Fill,
    assert_gathered,
    assert_shared,
    same_answer,
    stages_of,
    write_tables,
)
from roads import ONE_TASK, SHUFFLED, StageRoad, StageSession
from written import DIRECT

ROADS = [SHUFFLED, PROCESSES, ONE_TASK, DIRECT]

SETS = [
    "ROLLUP (k, k2)",
    "CUBE (k, b, k2)",
    "GROUPING SETS ((k), (k2), ())",
    "GROUPING SETS ((k, k2), (k))",
    "k, ROLLUP (k2, b)",
    "ROLLUP ((k, k2), b)",
    "CUBE (z, li)",
    "ROLLUP (st, iv, tz)",
    "ROLLUP (s COLLATE NOCASE)",
    "CUBE (k % 3, x % 2)",
    "ROLLUP (f, d)",
]
OF_SETS = "SELECT count(*), sum(x), avg(dec), min(id), max(ts), count(d), var_pop(id) FROM {{l}} {}"

SHARED = [
    "SELECT k, k2, grouping(k), grouping(k2), grouping(k2, k), grouping_id(k), count(*) FROM {l} "
    "GROUP BY CUBE (k, k2)",
    "SELECT k, grouping(k), count(*) FROM {l} GROUP BY k",
    "SELECT k, sum(x) FROM {l} GROUP BY ROLLUP (k) HAVING grouping(k) = 1 OR count(*) > 14",
    "SELECT k, sum(x) FROM {l} GROUP BY ROLLUP (k) HAVING k IS NULL",
    "SELECT k, sum(x) FILTER (WHERE b), count(*) FROM {l} GROUP BY ROLLUP (k)",
    "SELECT k, count(*), sum(x), avg(d) FROM {l} WHERE id < 0 GROUP BY ROLLUP (k)",
    "SELECT k, count(*), sum(x), avg(x) FROM {e} GROUP BY ROLLUP (k)",
    "SELECT k, count(*) FROM {e} GROUP BY GROUPING SETS ((), (k))",
    "SELECT k, k2, count(*) FROM {e} GROUP BY GROUPING SETS ((k, k2), (k2))",
    "SELECT k, NULL AS n, count(*) FROM {l} GROUP BY ROLLUP (k, n)",
    "SELECT k, k2 FROM {l} GROUP BY CUBE (k, k2)",
    "SELECT k, max(n) FROM (SELECT k, k2, count(*) AS n FROM {l} GROUP BY CUBE (k, k2)) GROUP BY k",
    "SELECT a.k, n, m FROM (SELECT k, count(*) AS n FROM {l} GROUP BY ROLLUP (k)) a JOIN "
    "(SELECT k, sum(x) AS m FROM {r} GROUP BY ROLLUP (k)) b ON a.k IS NOT DISTINCT FROM b.k",
    "SELECT l.k, r.k2, count(*), sum(r.x) FROM {l} l JOIN {r} r USING (k) "
    "GROUP BY CUBE (l.k, r.k2)",
    "SELECT k, count(*) AS n FROM {l} GROUP BY ROLLUP (k) ORDER BY n DESC, k LIMIT 5",
    "SELECT k, rank() OVER (PARTITION BY grouping(k) ORDER BY count(*), k) FROM {l} "
    "GROUP BY ROLLUP (k)",
    'SELECT k AS "GROUPING(""k"")", count(*) AS "; --" FROM {l} GROUP BY ROLLUP (1)',
    # A set that is there several times.
    "SELECT k, count(*), sum(x) FROM {l} GROUP BY GROUPING SETS ((k), (k), ())",
    "SELECT k, count(*) FROM {l} GROUP BY GROUPING SETS ((), (), (k))",
    "SELECT k, grouping(k), count(*) FROM {l} GROUP BY ROLLUP (k), ROLLUP (k)",
    "SELECT k, k2, grouping(k2, k), avg(d) FROM {l} GROUP BY CUBE (k, k2), ROLLUP (k2)",
    "SELECT z, count(*), max(k) FROM {l} GROUP BY GROUPING SETS ((z), (z), (z), ())",
    "SELECT k, count(*) FROM {e} GROUP BY GROUPING SETS ((k), (k), (), (), ())",
    "SELECT k FROM {l} GROUP BY GROUPING SETS ((k), (k))",
    "SELECT k, sum(x) FROM {l} GROUP BY GROUPING SETS ((k), (k), ()) ORDER BY k, 2 LIMIT 9",
    "SELECT a.k, n FROM (SELECT k, count(*) AS n FROM {l} GROUP BY GROUPING SETS ((k), (k), ())) a "
    "JOIN {r} r ON a.k IS NOT DISTINCT FROM r.k",
    "SELECT n, count(*) FROM (SELECT k, count(*) AS n FROM {l} GROUP BY GROUPING SETS ((k), (k))) "
    "GROUP BY n",
    "SELECT DISTINCT k, n FROM (SELECT k, count(*) AS n FROM {l} GROUP BY ROLLUP (k), ROLLUP (k))",
    "SELECT k, first(x), arg_max(x, id), approx_count_distinct(s) FROM {l} GROUP BY ROLLUP (k)",
]

# Sets of no groups: one task has the last word.
OF_NOTHING = [
    "SELECT count(*), sum(x) FROM {l} GROUP BY GROUPING SETS ((), ())",
    "SELECT count(*), sum(k) FROM {e} GROUP BY GROUPING SETS ((), (), ())",
    "SELECT sum(n) FROM (SELECT count(*) AS n FROM {l} GROUP BY GROUPING SETS ((), ()))",
]

UNSPLIT = "GROUPING SETS of an aggregate that can't be split"
GATHERED = {
    "SELECT k, median(x) FROM {l} GROUP BY ROLLUP (k)": UNSPLIT,
    "SELECT k, count(DISTINCT x) FROM {l} GROUP BY ROLLUP (k)": UNSPLIT,
}


@pytest.fixture(scope="module")
def fill(tmp_path_factory: pytest.TempPathFactory) -> Fill:
    return write_tables(tmp_path_factory.mktemp("tables"))


@pytest.mark.parametrize(
    ("road", "sql"),
    [
        *drawn(ROADS, [OF_SETS.format(f"GROUP BY {sets}") for sets in SETS], 0.5, 1),
        *drawn(ROADS, SHARED, 0.5, 1),
    ],
)
def test_sets_are_shared(
    road: StageRoad, sql: str, fill: Fill, stage_session: StageSession
) -> None:
    frame = same_answer(stage_session(road), fill(sql))
    if road is not DIRECT:
        assert_shared(frame, road, ("aggregate", "distinct"))


@pytest.mark.parametrize(("road", "sql"), drawn(ROADS, OF_NOTHING, 1, 1))
def test_sets_of_no_groups(
    road: StageRoad, sql: str, fill: Fill, stage_session: StageSession
) -> None:
    frame = same_answer(stage_session(road), fill(sql))
    if road is not DIRECT:
        assert [why for stage in stages_of(frame) for why in stage["gathered"]] == []


@pytest.mark.parametrize("sql", GATHERED)
def test_one_task_has_the_others(sql: str, fill: Fill, stage_session: StageSession) -> None:
    frame = same_answer(stage_session(SHUFFLED), fill(sql))
    assert_gathered(frame, "aggregate", GATHERED[sql])


def test_explain_tells_the_sets(fill: Fill, stage_session: StageSession) -> None:
    sql = fill("SELECT k, k2, count(*) FROM {l} GROUP BY ROLLUP (k, k2)")
    told = stage_session(SHUFFLED).sql(sql).explain()
    assert "aggregate count(*) by sets of k, k2" in told
    assert "aggregate sum(count(*)) by k, k2, grouping(k, k2)" in told

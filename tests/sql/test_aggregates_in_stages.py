"""Aggregates of which tasks compute parts: values of one row, sketches, and what goes by how often
each value is there."""

from __future__ import annotations

import pytest
import smallpond
from drawn import drawn
from moves import PROCESSES, Fill, same_answer, stages_of, write_tables
from roads import ONE_TASK, SHUFFLED, StageRoad, StageSession
from written import DIRECT

ROADS = [SHUFFLED, PROCESSES, ONE_TASK, DIRECT]

# Of one row, and merged by values or states. Both with groups and without.
OF_PARTS = [
    "first(k), last(k), arbitrary(k2), first(k2) FILTER (WHERE k2 IS NULL)",
    "first(x) FILTER (WHERE id > 250), last(x) FILTER (WHERE id < 5), first(k) FILTER (id < 0)",
    "first(st), last(li), first(iv), last(z), first(h), last(tz), first(en), last(dec), first(f)",
    "any_value(CASE WHEN id = 77 THEN s END), any_value(k) FILTER (id = 33), any_value(NULL)",
    "arg_max(k, id), arg_min(k, id), arg_max(k2, -id), min_by(st, id), max_by(li, id)",
    "arg_max(id, s || id), arg_min(id, s || id), max_by(z, (s || id) COLLATE NOCASE)",
    "arg_max(id, dec), arg_min(s, dec), arg_max(d, d), arg_min(k, k), arg_max(ts, h * 900 + id)",
    "arg_max(id, {'a': x, 'b': id}), arg_min(id, [x, id]), arg_max(id, iv + to_days(id))",
    "arg_max_null(k, id), arg_min_null(k2, id), arg_max_null(NULL, id), arg_min_null(id, k2 || id)",
    "arg_max(id, id) FILTER (WHERE b), arg_min(x, id) FILTER (WHERE id < 0), arg_max(k, NULL::INT)",
    "first(k ORDER BY id DESC), last(k2 ORDER BY id), first(x ORDER BY s DESC, id)",
    "approx_count_distinct(k), approx_count_distinct(s) FILTER (b), approx_count_distinct(st)",
    "approx_count_distinct(d), approx_count_distinct(li), approx_count_distinct(NULL)",
    "bitstring_agg(x, 0, 20)::TEXT, (bitstring_agg(k, 0, 30) FILTER (WHERE b))::TEXT, "
    "bitstring_agg(id, 1, 300)::TEXT, bitstring_agg(k, 0, 30) FILTER (WHERE id < 0)",
    "count_if(b), countif(k > 5), count_if(k2 = 'a') FILTER (WHERE x > 3), count_if(NULL)",
    "fsum(dec), favg(x), kahan_sum(f), sumkahan(id) FILTER (WHERE b)",
    "first(k), count(*), sum(x), avg(dec), arg_max(s, id)",
]
# By counts of the values, without groups.
OF_COUNTS = [
    "median(x), median(x) FILTER (WHERE b), quantile_cont(x, 0.3), quantile_disc(x, 0.3)",
    "quantile_cont(x, [0.1, 0.9, 0.0, 1.0]), quantile_disc(x, [0.25, 0.5]), quantile_cont(x, -0.2)",
    "median(k), median(dec), median(dec::DECIMAL(38, 4)), median(ut), median(sm)",
    "quantile_cont(dec, 0.33), quantile_cont(x::HUGEINT, 0.7), median(x::DOUBLE)",
    "median(ts), median(dt), median(tz), quantile_cont(ts, 0.37), quantile_disc(dt, [0.1, 0.2])",
    "median(s), quantile_disc(s, 0.7), quantile_disc(en, 0.4), quantile(k2, 0.9), median(ts::TIME)",
    "mad(x), mad(dec), mad(ts), mad(dt)",
    "mode(b), mode(CASE WHEN id % 2 = 0 THEN 7 ELSE x END), mode(CASE WHEN b THEN s ELSE 'm' END)",
    "mode(CASE WHEN b THEN NULL ELSE {'a': 1} END), mode(NULL), mode([b, NULL])",
    "histogram(x), histogram(k2), histogram(dt) FILTER (WHERE x > 5), histogram(en), histogram(f)",
    "histogram(st), histogram(li), histogram(dec), histogram(NULL::INT)",
    "entropy(x), entropy(k2), entropy(st), entropy(k) FILTER (WHERE b)",
    "median(x), avg(x), count(*), arg_max(k, id), quantile_cont(dec, 0.1), mad(dec)",
    "median(x), count(DISTINCT k), first(b) IS NULL, sum(DISTINCT x), max(s), median(x) + avg(x)",
    'median(x) AS "n; --", histogram(x) AS "SELECT"',
]
OVER = [
    "FROM {l}",
    "FROM {l} WHERE id < 0",
    "FROM (SELECT l.* FROM {l} l JOIN {u} u USING (k) WHERE l.x > 2)",
]
# Each value comes more often than rows go into one of DuckDB's vectors.
OFTEN = (
    "SELECT mode(b), median(x), quantile_cont(dec, 0.4), histogram(b), entropy(b) "
    "FROM {l}, range(90)"
)


@pytest.fixture(scope="module")
def fill(tmp_path_factory: pytest.TempPathFactory) -> Fill:
    return write_tables(tmp_path_factory.mktemp("tables"))


def assert_parts(frame: smallpond.DataFrame) -> None:
    """Fails unless several tasks aggregate, and nothing but their results goes to one task."""
    stages = stages_of(frame)
    assert [why for stage in stages for why in stage["gathered"]] == [], frame.explain()
    shared = [stage for stage in stages if stage["tasks"] > 1]
    assert any(
        one["operator"].startswith("aggregate") for stage in shared for one in stage["operators"]
    ), frame.explain()


@pytest.mark.parametrize(
    ("road", "sql"),
    [
        *drawn(
            ROADS, [f"SELECT {calls} {over}" for calls in OF_PARTS for over in OVER[:2]], 0.5, 1
        ),
        *drawn(ROADS, [f"SELECT k2, {calls} FROM {{l}} GROUP BY k2" for calls in OF_PARTS], 0.5, 1),
        *drawn(ROADS, [f"SELECT {calls} {over}" for calls in OF_COUNTS for over in OVER], 0.5, 1),
        *drawn(ROADS, [OFTEN], 2, 1),
    ],
)
def test_tasks_compute_parts(
    road: StageRoad, sql: str, fill: Fill, stage_session: StageSession
) -> None:
    frame = same_answer(stage_session(road), fill(sql))
    if road in (SHUFFLED, PROCESSES):
        assert_parts(frame)


# What one task computes of all rows.
WHOLE = [
    "list(x ORDER BY id), string_agg(s, '' ORDER BY id)",
    "median(iv)",
    "median(d), quantile_disc(d, [0.95, 0.01]), quantile_cont(f, 0.3), mad(f)",
    "mode(s COLLATE NOCASE)",
    "approx_quantile(x, 0.5)",
    "max(id, 3), arg_max(s, id, 2)",
    "arg_max_nulls_last(k, id)",
]


@pytest.mark.parametrize("calls", WHOLE)
def test_one_task_computes_others(calls: str, fill: Fill, stage_session: StageSession) -> None:
    frame = same_answer(stage_session(SHUFFLED), fill(f"SELECT {calls} FROM {{l}}"))
    told = [why for stage in stages_of(frame) for why in stage["gathered"]]
    assert told == ["an aggregate that can't be split"]


def test_explain_tells_the_counts(fill: Fill, stage_session: StageSession) -> None:
    told = stage_session(SHUFFLED).sql(fill("SELECT median(x), first(k) FROM {l}")).explain()
    assert "aggregate count(*) by x" in told
    assert "aggregate median of count(*), x" in told
    assert "aggregate first(k), count(*)" in told


def test_a_subquery_has_one_row(fill: Fill, stage_session: StageSession) -> None:
    sp = stage_session(SHUFFLED)
    same_answer(sp, fill("SELECT id, (SELECT x FROM {l} WHERE id = 7) FROM {l}"))
    with pytest.raises(smallpond.Error, match="More than one row"):
        sp.sql(fill("SELECT (SELECT x FROM {l} WHERE id < 7)")).to_arrow()

"""Aggregates of distinct values beside others are computed by all tasks."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest
from drawn import drawn
from oracle import assert_same_rows, duckdb_answer, rows_of
from roads import SHUFFLED, STAGE_ROADS, StageRoad, StageSession, assert_in_stages
from written import write_parts


@pytest.mark.parametrize(
    "aggregates",
    [
        "count(DISTINCT i % 9), avg(i), stddev(i)",
        "sum(DISTINCT i % 9), count(*), corr(i, v), product(1)",
        "count(DISTINCT (g, i % 9)), var_pop(v) FILTER (WHERE i > 3), max(i)",
    ],
)
@pytest.mark.parametrize("groups", ["", " GROUP BY g"])
def test_nothing_is_gathered(
    aggregates: str, groups: str, stage_session: StageSession, tmp_path: Path
) -> None:
    files = write_parts(tmp_path, ["SELECT i, i % 5 AS g, i / 7 AS v FROM range(900) t(i)"] * 3)
    sql = f"SELECT {aggregates} FROM '{files}'{groups}"
    stages = assert_in_stages(stage_session(SHUFFLED).sql(sql), sql)
    assert not any(stage.get("gathered") for stage in stages)
    (first, *_) = stages
    assert first["tasks"] == 3 and "state of" in str(first)


# Aggregates over all rows, of several kinds of DISTINCT values, and in how many parts one task
# computes them.
APART = {
    "count(DISTINCT g), count(DISTINCT i % 9), sum(i), avg(v), count(*)": 0,
    "count(DISTINCT g) FILTER (i > 3), sum(DISTINCT g) FILTER (i > 3), count(DISTINCT i % 9)": 0,
    "count(DISTINCT (g, i % 9)) FILTER (v > 100) * 2, min(i), count(DISTINCT n), max(n)": 0,
    "count(DISTINCT i % 9) FILTER (g IS NULL)": 0,
    "count(DISTINCT g), median(v), list(DISTINCT g ORDER BY g), first(i ORDER BY i)": 2,
}
# What they are of: a scan, no rows, rows that are computed first, and two scans.
OVER = [
    "FROM {t}",
    "FROM {t} WHERE i < 0",
    "FROM (SELECT a.i, b.g, a.v, b.n FROM {t} a JOIN {t} b USING (i)) WHERE i % 3 > 0",
    "FROM (SELECT i, any_value(g) AS g, max(v) AS v, min(n) AS n FROM {t} GROUP BY i)",
    "FROM (FROM {t} UNION ALL FROM {t})",
]
VALUES = (
    "SELECT i, CASE WHEN i % 4 > 0 THEN i % 5 END AS g, i / 7 AS v, NULL AS n FROM range(900) t(i)"
)


@pytest.mark.parametrize(
    ("road", "query"),
    drawn(
        STAGE_ROADS, [f"SELECT {aggregates} {over}" for aggregates in APART for over in OVER], 1, 1
    ),
)
def test_several_distinct_over_all_rows(
    road: StageRoad, query: str, stage_session: StageSession, tmp_path: Path
) -> None:
    sql = query.format(t=f"'{write_parts(tmp_path, [VALUES] * 3)}'")
    frame = stage_session(road).sql(sql)
    with duckdb.connect() as connection:
        assert_same_rows(rows_of(frame.to_arrow()), duckdb_answer(connection, sql).rows)
    stages = assert_in_stages(frame, sql)
    if road == SHUFFLED and "UNION" not in sql:
        [wanted] = [parts for aggregates, parts in APART.items() if f"SELECT {aggregates} " in sql]
        assert sum(len(stage.get("gathered", [])) for stage in stages) == wanted


def test_several_distinct_for_each_row(stage_session: StageSession, tmp_path: Path) -> None:
    files = f"'{write_parts(tmp_path, [VALUES] * 3)}'"
    sql = (
        f"SELECT i, (SELECT count(DISTINCT g) + count(DISTINCT v) FROM {files} b WHERE b.i < a.i) "
        f"FROM {files} a WHERE i < 5"
    )
    with duckdb.connect() as connection:
        expected = duckdb_answer(connection, sql).rows
    assert_same_rows(rows_of(stage_session(SHUFFLED).sql(sql).to_arrow()), expected)

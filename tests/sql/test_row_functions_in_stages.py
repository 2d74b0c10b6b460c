"""Table functions of another table's rows that make what they make of each row by itself: every
task does so with its rows."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest
from drawn import drawn
from oracle import assert_same_rows, duckdb_answer, rows_of
from roads import SHUFFLED, STAGE_ROADS, StageRoad, StageSession, assert_in_stages
from written import write_parts

QUERIES = [
    "SELECT i, r FROM {t} t, range(t.k) x(r)",
    "SELECT count(*), sum(r) FROM {t} t, generate_series(t.k, t.k + 2) x(r)",
    "SELECT i, (SELECT sum(r) FROM range(t.k, t.k + 3) x(r)) AS s FROM {t} t",
    "SELECT k, count(r) FROM {t} t LEFT JOIN LATERAL (FROM range(t.k, 5) x(r)) ON true GROUP BY k",
    "SELECT i, r FROM {t} t, range(t.n) x(r) WHERE n IS NULL OR n < 3",
    "SELECT i, u FROM {t} t, unnest([t.k, t.n]) x(u)",
    "SELECT count(*), sum(u.k) FROM {t} t, range(t.k) x(r) JOIN {t} u ON u.i = x.r",
    "SELECT i, r FROM {t} t, range(t.k) x(r) WHERE i < 0",
    "SELECT i, count(*) FROM {t} t, range(DATE '2026-01-01', DATE '2026-01-01' + t.k::INTEGER, "
    "INTERVAL 1 DAY) x(r) GROUP BY i",
]
VALUES = (
    "SELECT i, i % 7 AS k, CASE WHEN i % 3 > 0 THEN i % 9 END AS n FROM range({0}, {0} + 200) t(i)"
)


@pytest.mark.parametrize(("road", "sql"), drawn(STAGE_ROADS, QUERIES, 1, 1))
def test_rows_are_those_of_duckdb(
    road: StageRoad, sql: str, stage_session: StageSession, tmp_path: Path
) -> None:
    parts = [VALUES.format(start) for start in (0, 200, 400)]
    text = sql.format(t=f"'{write_parts(tmp_path, parts)}'")
    frame = stage_session(road).sql(text)
    with duckdb.connect() as connection:
        assert_same_rows(rows_of(frame.to_arrow()), duckdb_answer(connection, text).rows)
    stages = assert_in_stages(frame, text)
    if road == SHUFFLED:
        assert not any(stage.get("gathered") for stage in stages)

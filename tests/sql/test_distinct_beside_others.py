"""Aggregates of distinct values beside others are computed by all tasks."""

from __future__ import annotations

from pathlib import Path

import pytest
from roads import SHUFFLED, StageSession, assert_in_stages
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

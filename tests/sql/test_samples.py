"""Samples in stages: those with a seed are plain DuckDB's, the others are drawn by each task."""

from __future__ import annotations

import duckdb
import pytest
import smallpond
from roads import ONE_TASK, SHUFFLED, StageRoad, StageSession, assert_in_stages
from written import DIRECT, PROCESSES, write_parts

ROADS = [DIRECT, ONE_TASK, SHUFFLED, PROCESSES]
NUM_FILES, ROWS = 3, 100_000


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Files of the same rows, but for the file's number."""
    parts = [f"SELECT {file} AS file, i FROM range({ROWS}) t(i)" for file in range(NUM_FILES)]
    return write_parts(tmp_path_factory.mktemp("sampled"), parts)


@pytest.mark.parametrize("road", ROADS, ids=lambda road: road.name)
@pytest.mark.parametrize(
    "sql",
    [
        "FROM {t} USING SAMPLE 1% (bernoulli, 7)",
        "FROM {t} TABLESAMPLE system(20%) REPEATABLE (7)",
        "FROM {t} USING SAMPLE reservoir(20 ROWS) REPEATABLE (7)",
        "FROM (FROM {t} WHERE i % 3 = 0) USING SAMPLE 10% (bernoulli, 3)",
        "SELECT file, count(*), sum(i) FROM {t} TABLESAMPLE bernoulli(5%) REPEATABLE (1) "
        "GROUP BY file ORDER BY file",
    ],
)
def test_a_seed_gives_duckdbs_sample(
    road: StageRoad, sql: str, files: str, stage_session: StageSession
) -> None:
    sql = sql.replace("{t}", f"'{files}'")
    expected = duckdb.sql(sql).fetchall()
    for _ in range(3):
        found = [tuple(row.values()) for row in stage_session(road).sql(sql).take_all()]
        if "reservoir" in sql:  # It has no order.
            found, expected = sorted(found), sorted(expected)
        assert found == expected


@pytest.mark.parametrize("road", [SHUFFLED, PROCESSES], ids=lambda road: road.name)
@pytest.mark.parametrize("share", ["bernoulli(50%)", "system(50%)"])
def test_each_task_draws_for_itself(
    road: StageRoad, share: str, files: str, stage_session: StageSession
) -> None:
    sql = f"FROM '{files}' TABLESAMPLE {share}"
    frame = stage_session(road).sql(sql)
    assert not any(stage.get("gathered") for stage in assert_in_stages(frame, sql))
    drawn: list[set[int]] = [set() for _ in range(NUM_FILES)]
    for row in frame.take_all():
        drawn[row["file"]].add(row["i"])
    assert all(0 < len(rows) < ROWS for rows in drawn)
    assert len({frozenset(rows) for rows in drawn}) == NUM_FILES


@pytest.mark.parametrize("road", ROADS, ids=lambda road: road.name)
def test_a_number_of_rows(road: StageRoad, files: str, stage_session: StageSession) -> None:
    for sql, number in [("17 ROWS", 17), ("reservoir(0 ROWS)", 0), ("reservoir(10%)", 30_000)]:
        frame = stage_session(road).sql(f"FROM '{files}' USING SAMPLE {sql}")
        assert frame.count() == number


@pytest.mark.parametrize("road", ROADS, ids=lambda road: road.name)
def test_no_rows(road: StageRoad, files: str, stage_session: StageSession) -> None:
    sp: smallpond.Session = stage_session(road)
    for share in ["bernoulli(50%)", "system(50%)", "reservoir(5 ROWS)", "bernoulli(0%)"]:
        where = "" if "(0%" in share else "WHERE i < 0"
        frame = sp.sql(f"FROM (FROM '{files}' {where}) USING SAMPLE {share}")
        assert frame.count() == 0

"""sort_by sorts all rows of a frame, however many tasks write them: files in the order of their
names, as one task writes them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import pytest
from roads import STAGE_ROADS, StageRoad, StageSession

NUM_ROWS = 20_000
WAYS: dict[str, dict[str, Any]] = {
    "files": {},
    "small files": {"file_size": "20KB"},
    "folders": {"partition_by": "k"},
    "small files of folders": {"partition_by": "k", "file_size": "20KB"},
}
ORDERS = {"id": "id", "v DESC NULLS LAST, id": ["v DESC NULLS LAST", "id"]}


@pytest.fixture(scope="module")
def shuffled(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("shuffled")
    with duckdb.connect() as connection:
        connection.execute(
            "CREATE TABLE t AS "
            "SELECT i AS id, CASE WHEN i % 11 > 0 THEN i % 97 END AS v, i % 3 AS k "
            f"FROM range({NUM_ROWS}) r(i) ORDER BY hash(i)"
        )
        for part in range(5):
            connection.execute(
                f"COPY (FROM t LIMIT {NUM_ROWS // 5} OFFSET {NUM_ROWS // 5 * part}) "
                f"TO '{folder}/{part}.parquet'"
            )
    return f"{folder}/*.parquet"


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("road", STAGE_ROADS, ids=lambda road: road.name)
def test_rows_come_back_sorted(
    road: StageRoad,
    way: str,
    order: str,
    shuffled: str,
    stage_session: StageSession,
    tmp_path: Path,
) -> None:
    sp = stage_session(road)
    sp.read_parquet(shuffled).write_parquet(tmp_path, sort_by=ORDERS[order], **WAYS[way])
    columns = "id, v, k::BIGINT AS k"
    with duckdb.connect() as connection:
        expected = connection.execute(
            f"SELECT {columns} FROM '{shuffled}' ORDER BY {'k, ' * ('folders' in way)}{order}"
        ).fetchall()
        connection.execute("SET threads = 1")
        found = connection.execute(
            f"SELECT {columns} FROM read_parquet('{tmp_path}/**/*.parquet')"
        ).fetchall()
    assert found == expected

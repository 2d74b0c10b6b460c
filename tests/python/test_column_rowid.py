"""A column named rowid hides the numbers of a table's rows. Nothing of ours goes by these then."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import smallpond
from roads import ONE_TASK, SHUFFLED, StageRoad, StageSession
from written import DIRECT, PROCESSES

ROWS = {"rowid": [10, 11, 12, None, -1, 5], "g": [0, 0, 1, 1, 2, 2], "k": [5, 4, 3, 2, 1, 0]}
WRITES: list[tuple[str, dict[str, Any]]] = [
    ("parquet", {"partition_by": "g", "sort_by": "k"}),
    ("parquet", {"partition_by": "g", "file_size": "1MB"}),
    ("parquet", {"sort_by": "rowid", "file_size": "1KB"}),
    ("parquet", {"partition_by": "rowid", "sort_by": "k"}),
    ("parquet", {"partition_by": ["g", "rowid"], "file_size": "1MB", "sort_by": "rowid DESC"}),
    ("json", {"partition_by": "g"}),
    ("csv", {"partition_by": "g", "sort_by": "k"}),
    ("parquet", {}),
]


@pytest.mark.parametrize("road", [DIRECT, ONE_TASK, SHUFFLED, PROCESSES], ids=lambda r: r.name)
@pytest.mark.parametrize("name", ["rowid", "RowID"])
def test_all_rows_are_written(
    road: StageRoad, name: str, stage_session: StageSession, tmp_path: Path
) -> None:
    sp: smallpond.Session = stage_session(road)
    table = pa.table({name: ROWS["rowid"], "g": ROWS["g"], "k": ROWS["k"]})
    expected = sorted(table.to_pylist(), key=lambda row: row["k"])
    frames = [sp.from_arrow(table), sp.sql("FROM {0} ORDER BY g", sp.from_arrow(table))]
    frames.append(sp.from_arrow(table).repartition(2, hash_by="g"))
    for number, (form, options) in enumerate(WRITES):
        for frame in frames:
            out = tmp_path / str(number)
            write = getattr(frame, f"write_{form}")
            assert write(out, mode="overwrite", **options).num_rows == len(expected)
            read = getattr(sp, f"read_{form}")(out)
            assert set(read.columns) == {name, "g", "k"}
            rows = sp.sql(f'SELECT "{name}"::BIGINT AS {name}, g, k FROM {{0}} ORDER BY k', read)
            assert rows.take_all() == expected, (form, options)

"""Files of a job that are changed after they were written are noticed by whoever reads them."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest
import smallpond
from worker_faults import WorkerFaults

NUM_ROWS = 400
SQL = "SELECT n % 5 AS k, count(*) AS rows FROM {0} WHERE s = 'MAIL' GROUP BY k"


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    (tmp_path / "rows").mkdir()
    with duckdb.connect() as connection:
        for part in range(2):
            sql = (
                "SELECT i AS n, CASE WHEN i % 2 = 0 THEN 'MAIL' ELSE 'SHIP' END AS s "
                f"FROM range({NUM_ROWS}) r(i) WHERE i // 2 % 2 = {part}"
            )
            connection.execute(f"COPY ({sql}) TO '{tmp_path}/rows/{part}.parquet'")
    return tmp_path / "rows"


# What a task of the second stage reads first, and one of the first stage; the file's name in the
# job's folder as the error tells it.
@pytest.mark.parametrize(
    ("stage", "file", "name"),
    [
        (0, "fragment", "fragments/"),
        (0, "stage-0/scans-0.json", "stage-0/scans-0.json"),
        (1, "stage-1/inputs-0.json", "stage-1/inputs-0.json"),
        (1, "stage-0/outputs-0.json", "stage-0/outputs-0.json"),
    ],
)
@pytest.mark.parametrize("executor", ["threads", "processes"])
def test_changed_file(
    executor: str,
    stage: int,
    file: str,
    name: str,
    faults: WorkerFaults,
    rows: Path,
    tmp_path: Path,
) -> None:
    with smallpond.init(
        executor=executor, threads=1, partitions=2, broadcast_size=1, data_root=tmp_path / "root"
    ) as sp:
        faults.ask(stage, 0, "flip-file", text=file)
        with pytest.raises(smallpond.IoError, match="is not what was written") as caught:
            sp.sql(SQL, sp.read_parquet(rows)).to_arrow()
        assert faults.pending() == []
        assert name in str(caught.value)
        assert "run the query again" in str(caught.value)
        assert faults.take_attempts()[stage, 0] == 4, "storage may serve the right bytes later"
        again = sp.sql(SQL, sp.read_parquet(rows)).take_all()
        assert sum(row["rows"] for row in again) == NUM_ROWS / 2


def test_another_worker_may_read_the_right_bytes(
    faults: WorkerFaults, rows: Path, tmp_path: Path
) -> None:
    """A flip that is undone by the next attempt, as by a cache that lets go of a bad page."""
    with smallpond.init(
        executor="threads", threads=1, partitions=2, broadcast_size=1, data_root=tmp_path / "root"
    ) as sp:
        faults.ask(1, 0, "flip-file", text="stage-0/outputs-0.json")
        faults.ask(1, 0, "flip-file", attempt=1, text="stage-0/outputs-0.json")
        found = sp.sql(SQL, sp.read_parquet(rows)).take_all()
        assert sum(row["rows"] for row in found) == NUM_ROWS / 2
        assert faults.pending() == []

"""Keys and other credentials among a write's options: tasks write with them, and no file of a job
holds them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest
import smallpond
from worker_faults import VARIABLE, WorkerFaults
from written import data_files

KEY = "hush, and say it"
NUM_ROWS = 4_000
NUM_TASKS = 3
OPTIONS: list[dict[str, Any]] = [
    {"encryption_config": {"footer_key_value": KEY}},
    {"kv_metadata": {"password": KEY}},
    {"encryption_config": {"footer_key_value": KEY}, "kv_metadata": {"token": f"{KEY} too"}},
]


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("root")


@pytest.fixture(scope="module")
def faults(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WorkerFaults]:
    folder = tmp_path_factory.mktemp("faults")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(VARIABLE, str(folder))
        yield WorkerFaults(folder)


@pytest.fixture(scope="module", params=["threads", "processes"])
def sp(
    request: pytest.FixtureRequest, root: Path, faults: WorkerFaults
) -> Iterator[smallpond.Session]:
    workers: dict[str, Any] = {"num_executors": 2} if request.param == "processes" else {}
    with smallpond.init(
        executor=request.param,
        partitions=NUM_TASKS,
        threads=2,
        duckdb_memory="1GB",
        data_root=root,
        **workers,
    ) as sp:
        yield sp


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("rows")
    for number in range(NUM_TASKS):
        duckdb.sql(
            f"COPY (SELECT i, i::VARCHAR AS s FROM range({NUM_ROWS}) t(i) "
            f"WHERE i % {NUM_TASKS} = {number}) TO '{folder}/{number}.parquet'"
        )
    return folder


@pytest.mark.parametrize("partition_by", [None, "p"])
@pytest.mark.parametrize("options", OPTIONS, ids=lambda options: "+".join(options))
def test_tasks_write(
    sp: smallpond.Session, rows: Path, tmp_path: Path, options: dict[str, Any], partition_by: Any
) -> None:
    frame = sp.sql("SELECT *, i % 2 AS p FROM t", t=sp.read_parquet(rows))
    out = tmp_path / "out"
    frame.write_parquet(out, partition_by=partition_by, **options)
    frame.write_parquet(out, "append", partition_by=partition_by, **options)
    files = data_files(out)
    assert len(files) >= 2 * NUM_TASKS
    config = options.get("encryption_config")
    read = sp.read_parquet(out, encryption_config=config) if config else sp.read_parquet(out)
    assert sp.sql("SELECT count(*) AS n, sum(i) AS s FROM t", t=read).take_all() == [
        {"n": 2 * NUM_ROWS, "s": NUM_ROWS * (NUM_ROWS - 1)}
    ]
    if config:
        with pytest.raises(duckdb.Error, match="encrypted"):
            duckdb.sql(f"FROM '{files[0]}'").fetchall()
    else:
        found = duckdb.sql(f"SELECT DISTINCT value FROM parquet_kv_metadata('{out}/**/*.parquet')")
        assert found.fetchall() == [(KEY.encode(),)]


@pytest.mark.parametrize("options", OPTIONS, ids=lambda options: "+".join(options))
def test_no_file_of_a_job_holds_them(
    sp: smallpond.Session,
    root: Path,
    faults: WorkerFaults,
    rows: Path,
    tmp_path: Path,
    options: dict[str, Any],
) -> None:
    texts: list[bytes] = []

    def read_job() -> None:
        (job,) = (root / "jobs").iterdir()
        texts.extend(path.read_bytes() for path in job.rglob("*") if path.is_file())

    frame = sp.read_parquet(rows)
    with faults.held(0, 1, read_job):
        frame.write_parquet(tmp_path / "out", **options)
    assert any(b"smallpond_" + next(iter(options)).encode() in text for text in texts)
    assert all(KEY.encode() not in text for text in texts)


def test_the_session_has_no_variables_by_it(
    sp: smallpond.Session, rows: Path, tmp_path: Path
) -> None:
    sp.execute("SET VARIABLE mine = 7")
    sp.read_parquet(rows).write_parquet(tmp_path / "out", **OPTIONS[0])
    assert sp.sql("SELECT name FROM duckdb_variables()").take_all() == [{"name": "mine"}]
    assert sp.sql("SELECT count(*) AS n FROM t WHERE i < getvariable('mine')",
                  t=sp.read_parquet(rows)).take_all() == [{"n": 7}]  # fmt: skip

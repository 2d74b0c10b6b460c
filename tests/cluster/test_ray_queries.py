"""Queries on two Ray nodes of this machine give DuckDB's answers, also when one of them dies."""

from __future__ import annotations

import importlib.util
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest
import smallpond
from oracle import Answer, assert_same, duckdb_answer
from ray_nodes import NODE
from worker_faults import WorkerFaults, last_tasks

pytestmark = pytest.mark.slow

SCALE = 0.1
TABLES = ["customer", "lineitem", "nation", "orders", "region", "supplier"]
SORTED_BY = {1: ["l_returnflag", "l_linestatus"], 5: ["revenue"], 18: ["o_totalprice"]}


@pytest.fixture(scope="module")
def tpch(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    """DuckDB with the tables of TPC-H, which are also files of its `folder`, four each."""
    found = importlib.util.find_spec("duckdb_extension_tpch")
    if found is None or not found.submodule_search_locations:
        pytest.skip("the package duckdb-extension-tpch is not installed")
    package = Path(found.submodule_search_locations[0])
    (extension,) = package.rglob("v1.5.5/tpch.duckdb_extension")
    with duckdb.connect(config={"memory_limit": "2GB", "threads": 2}) as connection:
        connection.load_extension(str(extension))
        connection.execute(f"CALL dbgen(sf = {SCALE})")
        yield connection


@pytest.fixture(scope="module")
def files(tpch: duckdb.DuckDBPyConnection, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tpch")
    for table in TABLES:
        (folder / table).mkdir()
        for part in range(4):
            rows = f"FROM {table} WHERE rowid % 4 = {part}"
            tpch.execute(f"COPY ({rows}) TO '{folder}/{table}/{part}.parquet'")
    return folder


def ask(sp: smallpond.Session, files: Path, sql: str) -> smallpond.DataFrame:
    return sp.sql(
        sql, **{table: sp.read_parquet(files / table) for table in TABLES if table in sql}
    )


def query(tpch: duckdb.DuckDBPyConnection, number: int) -> tuple[str, Answer]:
    """The text of a TPC-H query and DuckDB's answer."""
    (sql,) = tpch.execute(
        "SELECT query FROM tpch_queries() WHERE query_nr = ?", [number]
    ).fetchone() or ("",)
    return sql, duckdb_answer(tpch, sql.rstrip().rstrip(";"))


@pytest.mark.parametrize("number", [1, 5, 18])
def test_tpch(
    number: int,
    tpch: duckdb.DuckDBPyConnection,
    files: Path,
    ray_sp: smallpond.Session,
    faults: WorkerFaults,
) -> None:
    """First as it is, then with a worker that dies, then with a damaged file.

    One after the other: stages run side by side in a worker, whose death would take the attempt
    that was to damage its file.
    """
    sql, expected = query(tpch, number)
    assert_same(ask(ray_sp, files, sql), expected, order_by=SORTED_BY[number])
    tasks = last_tasks(faults.take_attempts())
    assert len(tasks) >= 3
    for task, fault in [(tasks[1], "kill-at-start"), (tasks[0], "flip")]:
        faults.ask(*task, fault)
        assert_same(ask(ray_sp, files, sql), expected, order_by=SORTED_BY[number])
        assert faults.pending() == []
    faults.take_attempts()


def test_the_article_s_job(
    cluster: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    faults: WorkerFaults,
) -> None:
    """examples/ecommerce.py as it is: it opens its session without a word of a cluster."""
    examples = Path(__file__).parents[2] / "examples"
    monkeypatch.syspath_prepend(str(examples))
    monkeypatch.setenv("SP_RAY_ADDRESS", cluster.address)
    monkeypatch.setenv("SP_DATA_ROOT", str(tmp_path / "root"))
    monkeypatch.setenv("SP_DUCKDB_MEMORY", "500MB")
    monkeypatch.setenv("SP_PARTITIONS", "4")
    monkeypatch.setenv("SP_BROADCAST_SIZE", "1")
    monkeypatch.setattr(
        sys,
        "argv",
        ["ecommerce.py", "--folder", str(tmp_path), "--users", "2000", "--events-per-day", "20000"],
    )
    import ecommerce

    assert ecommerce.main() == 0
    assert "The answers are the same" in capsys.readouterr().out
    assert len(last_tasks(faults.take_attempts())) >= 2
    assert list((tmp_path / "root" / "jobs").iterdir()) == []


def test_a_node_dies_during_a_query(
    cluster: Any, tpch: duckdb.DuckDBPyConnection, files: Path, ray_sp: smallpond.Session
) -> None:
    third = cluster.add_node(**NODE)
    sql, expected = query(tpch, 18)
    # Its first answer says that all nodes are ready.
    assert_same(ask(ray_sp, files, sql), expected, order_by=SORTED_BY[18])
    killer = threading.Timer(0.3, lambda: cluster.remove_node(third, allow_graceful=False))
    killer.start()
    try:
        for _ in range(3):
            assert_same(ask(ray_sp, files, sql), expected, order_by=SORTED_BY[18])
    finally:
        killer.join()

"""init(): what it accepts, what is in force, and what it says of values it can't read."""

from __future__ import annotations

import datetime as dt
import gc
import inspect
import os
import subprocess
import sys
import uuid
from pathlib import Path
from typing import Any

import duckdb
import psutil
import pyarrow as pa
import pytest
import smallpond

SMALL = {"duckdb_memory": "500MB", "threads": 1}


def setting(sp: smallpond.Session, name: str) -> Any:
    [row] = sp.sql(f"SELECT current_setting('{name}') AS s").take_all()
    return row["s"]


def spill_folder(sp: smallpond.Session) -> str:
    """DuckDB is told a path that leads to the folder whatever its name is by then."""
    return os.path.realpath(setting(sp, "temp_directory"))


def duckdb_memory_text(size: str) -> str:
    """How DuckDB prints a memory limit."""
    with duckdb.connect(config={"memory_limit": size}) as connection:
        row = connection.execute("SELECT current_setting('memory_limit')").fetchone()
    return row[0]


# --- in force ---


@pytest.mark.parametrize("size", ["1GB", "512MiB", "1.5GB", "700 MB"])
def test_duckdb_memory(size: str) -> None:
    with smallpond.init(duckdb_memory=size) as sp:
        assert setting(sp, "memory_limit") == duckdb_memory_text(size)


def test_duckdb_memory_as_a_number() -> None:
    with smallpond.init(duckdb_memory=1_000_000_000) as sp:
        assert setting(sp, "memory_limit") == duckdb_memory_text("1GB")


def test_threads() -> None:
    with smallpond.init(threads=3, duckdb_memory="500MB") as sp:
        assert setting(sp, "threads") == 3
        assert "3 threads" in sp.sql("SELECT 1").explain()


def test_default_threads_are_the_processs_cores() -> None:
    with smallpond.init(duckdb_memory="500MB") as sp:
        assert 1 <= setting(sp, "threads") <= len(psutil.Process().cpu_affinity())


def test_data_dir(tmp_path: Path, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with smallpond.init(data_dir=data, **SMALL) as sp:
        assert sp.read_parquet("events.parquet").count() == 400
        assert sp.read_parquet(["users.parquet", data / "users.parquet"]).count() == 120
    (tmp_path / "base").mkdir()
    with smallpond.init(data_dir="base", **SMALL) as sp:
        sp.sql("SELECT 1 AS x").write_parquet("out")
        assert sp.read_parquet("out").count() == 1
    assert list((tmp_path / "base" / "out").glob("*.parquet"))


def test_temp_dir(tmp_path: Path) -> None:
    """Spilled there, in a folder of the session's own, and removed at the end."""
    temp = tmp_path / "not" / "there" / "yet"
    with smallpond.init(temp_dir=temp, duckdb_memory="60MB", threads=1) as sp:
        assert spill_folder(sp).startswith(str(temp))
        sorted_rows = sp.sql("SELECT hash(i) AS h, i FROM range(3_000_000) t(i) ORDER BY h")
        reader = pa.RecordBatchReader.from_stream(sorted_rows)
        reader.read_next_batch()
        assert [path for path in temp.rglob("*") if path.is_file()], "the sort spills"
    del reader, sorted_rows
    gc.collect()
    assert not list(temp.rglob("*"))


def test_temp_dir_that_cannot_be_made(data: Path) -> None:
    with pytest.raises(smallpond.IoError, match="temp_dir"):
        smallpond.init(temp_dir=data / "events.parquet" / "spill")


def test_data_root_holds_the_spill_folder(tmp_path: Path) -> None:
    with smallpond.init(data_root=tmp_path / "root", **SMALL) as sp:
        assert spill_folder(sp).startswith(str(tmp_path / "root"))


def test_job_id() -> None:
    with smallpond.init(job_id="nightly-7", **SMALL) as sp:
        assert sp.job_id == "nightly-7"
    with smallpond.init(**SMALL) as first, smallpond.init(**SMALL) as second:
        assert uuid.UUID(first.job_id).version == 4
        assert first.job_id != second.job_id


# --- every argument, as in smallpond 0.15 and the article ---

HARMLESS: dict[str, Any] = {
    "broadcast_size": "1MB", "max_exchange_bytes": "1GB",
    "job_id": "a", "job_time": "2026-01-31T12:00:00", "job_name": "n", "num_executors": 0,
    "bind_numa_node": True, "_remove_output_root": False, "memory_allocator": "jemalloc",
    "num_nodes": 1, "duckdb_memory": "500MB", "executor": "direct", "threads": 1,
    "partition_size": "256MB", "partitions": 10, "merge": "auto", "whole_size": "1GB",
}  # fmt: skip
FOLDERS = ["data_root", "data_dir", "temp_dir"]
CLUSTER: dict[str, Any] = {
    "num_nodes": 10, "num_executors": 2, "executor": "ray", "platform": "mpi",
}  # fmt: skip


@pytest.mark.parametrize("name", HARMLESS)
def test_argument(name: str) -> None:
    with smallpond.init(**{**SMALL, name: HARMLESS[name]}) as sp:
        assert sp.sql("SELECT 1 AS x").count() == 1


@pytest.mark.parametrize("name", FOLDERS)
def test_folder_argument(name: str, tmp_path: Path) -> None:
    for value in [tmp_path, str(tmp_path)]:
        with smallpond.init(**SMALL, **{name: value}) as sp:
            assert sp.sql("SELECT 1 AS x").count() == 1


@pytest.mark.parametrize("name", ["data_root", "temp_dir"])
def test_folders_are_of_a_file_system(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for url in ["s3://b/x", "file://host/x", "https://u:hush@host/x"]:
        with pytest.raises(smallpond.UnsupportedError, match=f"{name}=.*is no folder") as caught:
            smallpond.init(**SMALL, **{name: url})
        assert "hush" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []
    with smallpond.init(**SMALL, **{name: f"file://{tmp_path}/x"}) as sp:
        assert sp.sql("SELECT 1 AS x").count() == 1
        assert f"temp_dir={tmp_path}/x/" in str(sp)
    assert [path.name for path in tmp_path.iterdir()] == ["x"]


@pytest.mark.parametrize("executor", ["direct", "threads", "processes"])
def test_a_ray_address_is_for_ray(executor: str) -> None:
    with pytest.raises(smallpond.InvalidInputError, match=f"executor='{executor}' does not use"):
        smallpond.init(**SMALL, ray_address="head:6379", executor=executor)


@pytest.mark.parametrize("value", [dt.datetime(2026, 1, 31, 12), "1769860800"])
def test_job_time(value: Any) -> None:
    smallpond.init(job_time=value, **SMALL).shutdown()


@pytest.mark.parametrize("name", [name for name in CLUSTER if name != "platform"])
def test_cluster_argument(name: str) -> None:
    with pytest.raises(smallpond.UnsupportedError) as caught:
        smallpond.init(**SMALL, **{name: CLUSTER[name]})
    assert name in str(caught.value) and "cluster" in str(caught.value)


def test_every_argument_is_tested() -> None:
    known = set(inspect.signature(smallpond.init).parameters)
    assert known == {*HARMLESS, *FOLDERS, *CLUSTER, "ray_address"}


def test_ray_address_is_looked_at_by_the_first_action() -> None:
    with smallpond.init(**SMALL, ray_address="ray://head:10001", whole_size=0) as sp:
        frame = sp.sql("SELECT 1 AS x")
        with pytest.raises(smallpond.UnsupportedError, match="Ray Client"):
            frame.count()


def test_positional_arguments_stand_as_in_0_15() -> None:
    names = ["job_id", "job_time", "job_name", "data_root", "num_executors", "ray_address"]
    assert list(inspect.signature(smallpond.init).parameters)[: len(names)] == names
    with smallpond.init("a", None, "n", None, 0, **SMALL) as sp:
        assert sp.job_id == "a"


# --- the environment ---


@pytest.mark.parametrize(
    ("variable", "value", "name", "expected"),
    [
        ("SP_THREADS", "2", "threads", 2),
        ("SP_DUCKDB_MEMORY", "1GB", "memory_limit", "953.6 MiB"),
    ],
)
def test_variable(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, name: str, expected: Any
) -> None:
    monkeypatch.setenv(variable, value)
    with smallpond.init() as sp:
        assert setting(sp, name) == expected


def test_variables_of_the_job(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, data: Path) -> None:
    monkeypatch.setenv("SP_JOBID", "from-the-environment")
    monkeypatch.setenv("SP_DATA_DIR", str(data))
    monkeypatch.setenv("SP_TEMP_DIR", str(tmp_path))
    monkeypatch.setenv("SP_MERGE", "concat")
    with smallpond.init(**SMALL) as sp:
        assert sp.job_id == "from-the-environment"
        assert spill_folder(sp).startswith(str(tmp_path))
        spread = sp.read_parquet("events.parquet").repartition(4)
        assert sp.partial_sql("SELECT count(*) FROM {0}", spread).count() == 4


def test_argument_beats_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SP_THREADS", "3")
    monkeypatch.setenv("SP_NUM_NODES", "10")
    with smallpond.init(threads=2, num_nodes=1, duckdb_memory="500MB") as sp:
        assert setting(sp, "threads") == 2


def test_empty_variable_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SP_THREADS", "")
    smallpond.init(duckdb_memory="500MB").shutdown()


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("SP_THREADS", "many"), ("SP_DUCKDB_MEMORY", "8 apples"), ("SP_MERGE", "sum"),
        ("SP_BIND_NUMA_NODE", "perhaps"), ("SP_NUM_EXECUTORS", "-1"), ("SP_EXECUTOR", "fast"),
    ],
)  # fmt: skip
def test_bad_variable(monkeypatch: pytest.MonkeyPatch, variable: str, value: str) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(smallpond.InvalidInputError) as caught:
        smallpond.init()
    assert variable in str(caught.value) and value in str(caught.value)


# --- mistakes ---


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("threads", 0), ("threads", "x"), ("threads", 1.5), ("threads", True), ("threads", -1),
        ("duckdb_memory", "8 apples"), ("duckdb_memory", ""), ("duckdb_memory", 0),
        ("duckdb_memory", "-1GB"), ("duckdb_memory", "nan"), ("num_nodes", 0),
        ("num_executors", -1), ("merge", "sum"), ("executor", "fast"), ("partitions", 0),
        ("partition_size", "big"), ("memory_allocator", "own"), ("bind_numa_node", "perhaps"),
        ("data_dir", "no/such/folder"),
        ("job_time", "yesterday"),
    ],
)  # fmt: skip
def test_bad_value(name: str, value: Any) -> None:
    with pytest.raises(smallpond.InvalidInputError) as caught:
        smallpond.init(**{name: value})
    assert name in str(caught.value) and str(value).lower() in str(caught.value).lower()


def test_data_dir_that_is_a_file(data: Path) -> None:
    with pytest.raises(smallpond.InvalidInputError, match=r"events\.parquet.*not a folder"):
        smallpond.init(data_dir=data / "events.parquet")


def test_executors_of_threads() -> None:
    with pytest.raises(smallpond.InvalidInputError, match=r"num_executors=2 counts worker proc"):
        smallpond.init(executor="threads", num_executors=2)


@pytest.mark.parametrize(
    ("wrong", "right"), [("thread", "threads"), ("memory", "duckdb_memory"), ("nodes", "num_nodes")]
)
def test_unknown_argument(wrong: str, right: str) -> None:
    with pytest.raises(TypeError, match=f"'{wrong}'.*'{right}'"):
        smallpond.init(**{wrong: 1})
    with pytest.raises(TypeError, match="Known are: job_id"):
        smallpond.init(zzzzzz=1)


# --- nothing hidden ---


def test_starts_no_process() -> None:
    code = """
import psutil, smallpond
sp = smallpond.init(duckdb_memory="500MB")
sp.sql("SELECT sum(i) FROM range(100000) t(i)").count()
assert psutil.Process().children(recursive=True) == []
connections = psutil.Process().net_connections()
assert connections == [], connections
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_import_is_light() -> None:
    """What is large and not always needed is imported late."""
    code = """
import sys, smallpond
smallpond.init(duckdb_memory="500MB").sql("SELECT 1 AS x").count()
heavy = {"pandas", "pyarrow", "numpy", "polars", "rich", "duckdb", "ray"} & set(sys.modules)
assert not heavy, heavy
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_leaves_no_folder_behind(tmp_path: Path) -> None:
    code = f"""
import smallpond
sp = smallpond.init(duckdb_memory="60MB", threads=1, temp_dir="{tmp_path}")
f = sp.sql("SELECT hash(i) AS h, i FROM range(3_000_000) t(i) ORDER BY h")
import pyarrow
reader = pyarrow.RecordBatchReader.from_stream(f)
reader.read_next_batch()
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
    assert list(tmp_path.iterdir()) == []

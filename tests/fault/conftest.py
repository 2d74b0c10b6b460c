"""Fixtures of the tests of faults."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest
from worker_faults import VARIABLE, WorkerFaults


@pytest.fixture
def faults(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> WorkerFaults:
    """Sessions that are opened after it have these faults."""
    folder = tmp_path / "faults"
    folder.mkdir()
    monkeypatch.setenv(VARIABLE, str(folder))
    return WorkerFaults(folder)


@pytest.fixture(scope="session")
def files(oracle: duckdb.DuckDBPyConnection, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Both tables in four files each, so that there is work for several tasks."""
    folder = tmp_path_factory.mktemp("files")
    for table in ["events", "users"]:
        (folder / table).mkdir()
        for part in range(4):
            sql = f"FROM {table} WHERE hash({table}) % 4 = {part}"
            oracle.execute(f"COPY ({sql}) TO '{folder}/{table}/{part}.parquet'")
    return folder


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 2 MB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    if os.geteuid() != 0:
        pytest.skip("only root may mount")
    mount = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(disk)]
    mounted = subprocess.run(mount, capture_output=True, text=True)
    if mounted.returncode != 0:
        pytest.skip(f"no tmpfs can be mounted here: {mounted.stderr.strip()}")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)

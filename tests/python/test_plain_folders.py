"""Other programs read an output folder as a plain folder of files, with every pattern, after each
write and while one runs; and it can be moved, copied and removed as one."""

from __future__ import annotations

import contextlib
import os
import shutil
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import polars as pl
import pyarrow.csv  # noqa: F401  for pyarrow.dataset
import pyarrow.dataset as ds
import pytest
import smallpond

SQL = "SELECT i, 'x' || i AS s, i % 3 AS k FROM range({}, {}) t(i)"

# What each reads of a folder: the values of i, and the columns.
PARQUET_READERS: dict[str, Callable[[Path], Any]] = {
    "polars read": lambda out: pl.read_parquet(out).to_arrow(),
    "polars scan": lambda out: pl.scan_parquet(out).collect().to_arrow(),
    "pyarrow": lambda out: ds.dataset(out, partitioning="hive").to_table(),
    "pandas": lambda out: __import__("pyarrow").Table.from_pandas(pd.read_parquet(out)),
    "duckdb **/*": lambda out: duckdb.sql(f"FROM read_parquet('{out}/**/*')").to_arrow_table(),
    "duckdb **": lambda out: duckdb.sql(f"FROM read_parquet('{out}/**')").to_arrow_table(),
}
TEXT_READERS: dict[str, dict[str, Callable[[Path], Any]]] = {
    "csv": {
        "polars": lambda out: pl.read_csv(out).to_arrow(),
        "pyarrow": lambda out: ds.dataset(out, format="csv", partitioning="hive").to_table(),
        "duckdb **/*": lambda out: duckdb.sql(f"FROM read_csv('{out}/**/*')").to_arrow_table(),
    },
    "json": {
        "polars": lambda out: pl.read_ndjson(out).to_arrow(),
        "duckdb **/*": lambda out: duckdb.sql(f"FROM read_json('{out}/**/*')").to_arrow_table(),
    },
}


def check_all(out: Path, numbers: range, form: str = "parquet") -> None:
    readers = PARQUET_READERS if form == "parquet" else TEXT_READERS[form]
    for name, read in readers.items():
        table = read(out)
        assert sorted(table["i"].to_pylist()) == list(numbers), name
        assert set(table.column_names) == {"i", "s", "k"}, name


@pytest.mark.parametrize("options", [{}, {"partition_by": "k"}], ids=str)
def test_parquet(sp: smallpond.Session, tmp_path: Path, options: dict[str, Any]) -> None:
    out = tmp_path / "out"
    sp.sql(SQL.format(0, 50)).repartition(3).write_parquet(out, **options)
    check_all(out, range(50))
    sp.sql(SQL.format(0, 20)).write_parquet(out, **options)
    check_all(out, range(20))
    sp.sql(SQL.format(20, 40)).write_parquet(out, "append", **options)
    check_all(out, range(40))


@pytest.mark.parametrize("form", TEXT_READERS)
def test_text(sp: smallpond.Session, tmp_path: Path, form: str) -> None:
    out = tmp_path / "out"
    for numbers, mode in [((0, 50), "overwrite"), ((0, 20), "overwrite"), ((20, 40), "append")]:
        getattr(sp.sql(SQL.format(*numbers)), f"write_{form}")(out, mode)
        check_all(out, range(numbers[1]), form)


def test_while_a_write_runs(sp: smallpond.Session, tmp_path: Path) -> None:
    out, looks = tmp_path / "out", 0
    sp.sql(SQL.format(0, 20)).write_parquet(out)
    failing = sp.sql("SELECT md5(i::VARCHAR), error('end') FROM range(1_500_000) t(i) WHERE i = -1 "
                     "UNION ALL SELECT md5(i::VARCHAR), CASE WHEN i = 1_499_999 THEN error('end') "
                     "ELSE 1 END FROM range(1_500_000) t(i)")  # fmt: skip

    def write() -> None:
        with pytest.raises(smallpond.Error, match="end"):
            failing.write_parquet(out)

    for _ in range(20):
        writer = threading.Thread(target=write)
        writer.start()
        while writer.is_alive():
            staged: list[Path] = []
            with contextlib.suppress(FileNotFoundError):  # The attempt may go as it is looked at.
                staged = list(tmp_path.glob(".out.attempt-*/*"))
            if not staged:
                continue
            check_all(out, range(20))
            looks += staged[0].exists()
        writer.join()
        if looks:
            break
    assert looks > 0
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


@pytest.mark.parametrize("options", [{}, {"partition_by": "k"}], ids=str)
def test_moved_copied_and_removed(
    sp: smallpond.Session, tmp_path: Path, options: dict[str, Any]
) -> None:
    out, moved, copy = tmp_path / "out", tmp_path / "moved", tmp_path / "deep" / "copy"
    sp.sql(SQL.format(0, 20)).write_parquet(out, **options)
    out.rename(moved)
    shutil.copytree(moved, copy)
    sp.sql(SQL.format(0, 7)).write_parquet(out, **options)  # The name is free again.
    for folder in [moved, copy]:
        check_all(folder, range(20))
        assert sp.read_parquet(folder).count() == 20
        sp.sql(SQL.format(20, 30)).write_parquet(folder, "append", **options)
        check_all(folder, range(30))
    shutil.rmtree(out)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["deep", "moved"]
    sp.sql(SQL.format(0, 9)).write_parquet(out, "append", **options)
    check_all(out, range(9))
    assert sp.read_parquet(out).count() == 9


def test_no_file_but_data(sp: smallpond.Session, tmp_path: Path) -> None:
    out = tmp_path / "out"
    for _ in range(20):
        sp.sql(SQL.format(0, 5)).write_parquet(out)
    files = [path for path in out.rglob("*") if not path.is_dir()]
    assert len(files) == 1 and files[0].parent == out
    longest = max(len(name.encode()) for _, names, _ in os.walk(out) for name in names)
    assert longest <= 255
    assert len(list((out / "_smallpond").glob("manifest-*"))) < 30


def test_without_its_notes_it_is_a_plain_folder(sp: smallpond.Session, tmp_path: Path) -> None:
    """As after a copy that knows files only."""
    out = tmp_path / "out"
    sp.sql(SQL.format(0, 20)).write_parquet(out, partition_by="k")
    shutil.rmtree(out / "_smallpond")
    assert sp.read_parquet(out).count() == 20
    check_all(out, range(20))

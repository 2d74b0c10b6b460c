"""What others put into a folder that smallpond wrote is not read, and is named."""

from __future__ import annotations

import warnings
from pathlib import Path

import duckdb
import pytest
import smallpond


@pytest.fixture
def output(sp: smallpond.Session, tmp_path: Path) -> Path:
    sp.sql("SELECT i, i % 2 AS k FROM range(4) r(i)").write_parquet(
        tmp_path / "out", partition_by=["k"]
    )
    return tmp_path / "out"


def put(file: Path) -> None:
    duckdb.sql("SELECT 100 AS i").write_parquet(str(file))


@pytest.mark.parametrize(
    ("name", "read"),
    [
        ("extra.parquet", ""),
        ("extra.parquet", "**/*.parquet"),
        ("k=1/extra.parquet", ""),
        ("k=1/extra.parquet", "k=1"),
        ("k=1/extra.parquet", "*/*.parquet"),
        ("k=7/extra.parquet", ""),
        ("part-00000-1f3a9c02-77aa-4f00-8000-0123456789ab-c000.snappy.parquet", ""),  # Spark's.
        ("notes.txt", ""),
        ("deep/", ""),
    ],
)
def test_it_is_named(fresh_sp: smallpond.Session, output: Path, name: str, read: str) -> None:
    path = output / name
    if name.endswith("/"):
        path.mkdir()
    else:
        path.parent.mkdir(exist_ok=True)
        put(path)
    with pytest.warns(smallpond.UnreadFilesWarning, match=path.name) as caught:
        frame = fresh_sp.read_parquet(output / read)
    assert len(caught) == 1 and "others" not in str(caught[0].message)
    assert frame.to_arrow()["i"].to_pylist() == ([1, 3] if read == "k=1" else [0, 2, 1, 3])


@pytest.mark.parametrize("read", ["", "**/*.parquet", "k=0"])
@pytest.mark.parametrize("name", ["", "_SUCCESS", ".hidden.parquet", "k=0/_metadata"])
def test_nothing_else_is(fresh_sp: smallpond.Session, output: Path, name: str, read: str) -> None:
    """Nor what an earlier version of the folder has left behind."""
    if name:
        (output / name).touch()
    old = next((output / "k=0").iterdir())
    put(old.with_name("part-00009-0123456789ab.parquet"))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fresh_sp.read_parquet(output / read).count()

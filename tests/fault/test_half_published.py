"""Folders as a writer leaves them that dies while it publishes: files under final names, others
still under their staged ones. Readers see the whole version, in every format."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import smallpond
from output_ways import files_of, read_manifest

WRITES = {
    "parquet": ("write_parquet", "read_parquet", {}),
    "zstd": ("write_parquet", "read_parquet", {"compression": "zstd"}),
    "csv": ("write_csv", "read_csv", {}),
    "csv gzip": ("write_csv", "read_csv", {"compression": "gzip"}),
    "csv zstd": ("write_csv", "read_csv", {"compression": "zstd"}),
    "json": ("write_json", "read_json", {}),
    "json gzip": ("write_json", "read_json", {"compression": "gzip"}),
}


def unpublish(folder: Path, names: list[str]) -> None:
    """Gives files of the latest version their staged names back."""
    metadata = folder / "_smallpond"
    latest = max(metadata.glob("manifest-*"))
    files = files_of(read_manifest(latest))
    for name in names:
        staged = folder / files[name][0]
        staged.parent.mkdir(parents=True, exist_ok=True)
        os.rename(folder / name, staged)
    for path in metadata.glob("published-*"):
        if path.name[10:] == latest.name[9:19]:
            path.rmdir()


def data_files(folder: Path) -> list[str]:
    return sorted(
        str(path.relative_to(folder))
        for path in folder.rglob("*")
        if path.is_file() and "_smallpond" not in path.parts
    )


@pytest.mark.parametrize("staged", ["none", "first", "last", "all"])
@pytest.mark.parametrize("way", WRITES)
def test_every_format(sp: smallpond.Session, tmp_path: Path, way: str, staged: str) -> None:
    write, read, options = WRITES[way]
    out = tmp_path / "out"
    frame = sp.sql("SELECT i, 'text ' || i AS s FROM range(999) t(i)").repartition(3, by_rows=True)
    getattr(frame, write)(out, **options)
    files = data_files(out)
    assert len(files) == 3
    unpublish(out, {"none": [], "first": files[:1], "last": files[-1:], "all": files}[staged])
    expected = frame.to_arrow().to_pydict()
    pattern = "*" + files[0][files[0].index(".") :]
    for path in [out, out / pattern]:
        found = getattr(sp, read)(path).to_arrow()
        assert found.to_pydict() == expected, path
    getattr(sp.sql("SELECT 1 AS i, 'x' AS s"), write)(out, mode="append", **options)
    assert getattr(sp, read)(out).count() == 1000
    assert len(data_files(out)) == 4
    assert not list(tmp_path.glob(".out.attempt-*")) or staged != "none"


@pytest.mark.parametrize("staged", ["first", "last", "all"])
def test_partition_folders(sp: smallpond.Session, tmp_path: Path, staged: str) -> None:
    out = tmp_path / "out"
    frame = sp.sql("SELECT i, ['a/b', 'x=y', 'é', 'n'][1 + i % 4] AS p FROM range(40) t(i)")
    frame.write_parquet(out, partition_by="p")
    files = data_files(out)
    unpublish(out, {"first": files[:1], "last": files[-1:], "all": files}[staged])
    expected = sp.sql("SELECT * FROM {0} ORDER BY i", frame).to_arrow().to_pydict()
    for path in [out, out / "*" / "*.parquet", out / "p=*" / "*"]:
        found = sp.sql("SELECT i, p FROM {0} ORDER BY i", sp.read_parquet(path)).to_arrow()
        assert found.to_pydict() == expected, path


def test_a_part_of_the_folder(sp: smallpond.Session, tmp_path: Path) -> None:
    """A partition's folder alone, and a pattern that crosses folders."""
    out = tmp_path / "out"
    sp.sql("SELECT i, i % 2 AS p FROM range(10) t(i)").write_parquet(out, partition_by="p")
    sp.sql("SELECT i, i % 2 AS p FROM range(20) t(i)").write_parquet(out, partition_by="p")
    files = data_files(out)
    assert sp.read_parquet(out / "p=1").count() == 10
    unpublish(out, files)
    for path, rows in [("p=1", 10), ("p=1/*.parquet", 10), ("**/*.parquet", 20), ("**", 20)]:
        assert sp.read_parquet(out / path).count() == rows, path


def test_a_pattern_over_several_outputs(sp: smallpond.Session, tmp_path: Path) -> None:
    for name in "ab":
        sp.sql("SELECT i FROM range(10) t(i)").repartition(3).write_parquet(tmp_path / name)
    unpublish(tmp_path / "b", data_files(tmp_path / "b"))
    assert sp.read_parquet(tmp_path / "*" / "*.parquet").count() == 20
    assert sp.read_parquet(tmp_path, recursive=True).count() == 20


@pytest.mark.parametrize("form", ["csv", "json"])
@pytest.mark.parametrize("codecs", [(None, "gzip"), ("gzip", None), ("zstd", "gzip")])
@pytest.mark.parametrize("staged", ["old", "new", "all"])
def test_an_append_with_another_compression(
    sp: smallpond.Session, tmp_path: Path, form: str, codecs: tuple, staged: str
) -> None:
    out = tmp_path / "out"
    for i, codec in enumerate(codecs):
        frame = sp.sql(f"SELECT i + {100 * i} AS i, 'text ' || i AS s FROM range(100) t(i)")
        getattr(frame, f"write_{form}")(out, "append", compression=codec)
    old, new = files_of(read_manifest(max((out / "_smallpond").glob("manifest-*"))))
    unpublish(out, {"old": [old], "new": [new], "all": [old, new]}[staged])
    found = getattr(sp, f"read_{form}")(out).to_arrow()
    assert sorted(found["i"].to_pylist()) == list(range(200))
    assert {*found["s"].to_pylist()} == {f"text {i}" for i in range(100)}

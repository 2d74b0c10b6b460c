"""What the options promise of the files: order, keys, sizes, and no empty files."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import smallpond


def data_files(folder: Path) -> list[Path]:
    return sorted(
        path for path in folder.rglob("*") if path.is_file() and "_smallpond" not in path.parts
    )


def values(paths: list[Path], column: str) -> list:
    return [v for path in paths for v in pq.ParquetFile(path).read()[column].to_pylist()]


@pytest.mark.parametrize("order", ["h", "h DESC"])
def test_names_sort_as_the_rows(sp: smallpond.Session, tmp_path: Path, order: str) -> None:
    frame = sp.sql("SELECT i, hash(i) AS h FROM range(400_000) t(i)")
    result = frame.write_parquet(tmp_path / "out", sort_by=order, file_size="300KB")
    files = data_files(tmp_path / "out")
    assert result.num_files == len(files) > 10
    found = values(files, "h")
    assert found == sorted(found, reverse=order.endswith("DESC")) and len(found) == 400_000
    assert result.num_bytes == sum(path.stat().st_size for path in files)
    sizes = [path.stat().st_size for path in files[:-1]]
    assert max(sizes) < 2 * 300_000 and min(sizes) > 300_000 / 2


@pytest.mark.parametrize("options", [{}, {"file_size": "1MB"}, {"sort_by": "i"}])
@pytest.mark.parametrize("write", ["write_parquet", "write_csv", "write_json"])
def test_no_empty_files(sp: smallpond.Session, tmp_path: Path, write: str, options: dict) -> None:
    frame = sp.sql("SELECT i, (i % 2 * 5)::INTEGER AS part FROM range(100) t(i)")
    frame = frame.repartition(7, by="part")
    getattr(frame, write)(tmp_path / "out", **options)
    assert len(data_files(tmp_path / "out")) == 2
    nothing = frame.filter("i < 0")
    result = getattr(nothing, write)(tmp_path / "none", **options)
    assert result.num_files == len(data_files(tmp_path / "none")) == 1, "it tells the columns"
    if write == "write_parquet":
        assert sp.read_parquet(tmp_path / "none").schema == frame.schema


def test_no_rows_in_partition_folders(sp: smallpond.Session, tmp_path: Path) -> None:
    frame = sp.sql("SELECT 1 AS i, 'x' AS k WHERE false")
    frame.write_parquet(tmp_path / "out", partition_by="k")
    assert len(data_files(tmp_path / "out")) == 1
    assert sp.read_parquet(tmp_path / "out").count() == 0
    assert set(sp.read_parquet(tmp_path / "out").columns) == {"i", "k"}


KEYS = {
    "INTEGER": [1, -5, None],
    "DATE": ["2026-01-01", "1969-12-31", None],
    "BOOLEAN": ["true", "false", None],
    "DECIMAL(10,2)": ["1.50", "-0.01", None],
    "TIMESTAMP": ["2026-01-01 12:34:56.789", "2026-01-01 00:00:00", None],
    "VARCHAR": [
        "a/b",
        "x=y",
        "ünï 字",
        "a b",
        "%2F",
        "'",
        '"',
        "a\nb",
        "*",
        "[x]",
        "?",
        "\\",
        None,
    ],
}


@pytest.mark.parametrize("kind", KEYS)
def test_partition_keys_come_back(sp: smallpond.Session, tmp_path: Path, kind: str) -> None:
    frame = sp.from_items([{"i": i, "text": value} for i, value in enumerate(KEYS[kind])])
    frame = sp.sql(f"SELECT i, text::VARCHAR::{kind} AS k FROM {{0}}", frame)
    frame.repartition(2).write_parquet(tmp_path / "out", partition_by="k")
    files = data_files(tmp_path / "out")
    assert len(files) == len(KEYS[kind])
    read = sp.read_parquet(tmp_path / "out", hive_partitioning=True, hive_types_autocast=False)
    query = "SELECT i, k::VARCHAR AS k FROM {0} ORDER BY i"
    assert sp.sql(query, read).take_all() == sp.sql(query, frame).take_all()
    for path in files:  # A file of each, named as it is.
        assert sp.read_parquet(path).count() == 1
    frame.write_parquet(tmp_path / "out", partition_by="k")
    assert len(data_files(tmp_path / "out")) == len(KEYS[kind]), "the second replaces the first"
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        "_smallpond",
        *(path.parent.name for path in data_files(tmp_path / "out")),
    }


NAMES = ["a\nb", "tab\there", "back\\slash", "-dash", "100%", "{0}", "$x", "字", " x ", "a" * 200]


@pytest.mark.parametrize("name", NAMES)
def test_names_of_folders(sp: smallpond.Session, tmp_path: Path, name: str) -> None:
    out = tmp_path / name
    frame = sp.sql("SELECT i, i % 3 AS p FROM range(9) t(i)")
    for options in [{}, {"partition_by": "p"}, {"file_size": "1MB"}, {"mode": "append"}]:
        frame.write_parquet(out, **options)
    assert sp.read_parquet(out).count() == 18
    assert sorted(path.name for path in tmp_path.iterdir()) == [name]


def test_compression_and_row_groups_together(sp: smallpond.Session, tmp_path: Path) -> None:
    frame = sp.sql("SELECT i, i % 2 AS p, 'text ' || i AS s FROM range(50_000) t(i)")
    for options in [{}, {"partition_by": "p"}, {"sort_by": "i", "file_size": "100KB"}]:
        frame.write_parquet(tmp_path / "out", compression="zstd", row_group_size=4096, **options)
        for path in data_files(tmp_path / "out"):
            metadata = pq.ParquetFile(path).metadata
            groups = [metadata.row_group(i) for i in range(metadata.num_row_groups)]
            assert {group.column(0).compression for group in groups} == {"ZSTD"}
            assert max(group.num_rows for group in groups) <= 4096, options


@pytest.mark.parametrize("form", ["csv", "json"])
def test_text_forms_come_back_equal(sp: smallpond.Session, tmp_path: Path, form: str) -> None:
    rows = pa.table(
        {
            "i": pa.array([1, -2, None, 2**62], pa.int64()),
            "s": ["a,b", 'say "x"', "line\nbreak", None],
            "d": [0.1, -1e300, None, 5e-324],
            "b": [True, None, False, True],
        }
    )
    frame = sp.from_arrow(rows)
    how = {"schema": frame.schema} | ({"header": True} if form == "csv" else {})
    for options in [{}, {"compression": "gzip"}, {"file_size": "1MB"}]:
        getattr(frame, f"write_{form}")(tmp_path / "out", **options)
        read = getattr(sp, f"read_{form}")(tmp_path / "out", **how)
        assert read.to_arrow().to_pydict() == rows.to_pydict(), options

"""Which of a folder's files a reader takes for data, and what it says of the others."""

from __future__ import annotations

import gzip
import shutil
import subprocess
import sys
import warnings
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest
import smallpond
from roads import STAGE_ROADS, StageRoad

HIDDEN = [".hidden.parquet", "_SUCCESS", "_metadata", "_common_metadata", ".part-0000.crc", "x.crc"]


def parquet(path: Path, rows: str) -> None:
    duckdb.execute(f"COPY (SELECT unnest({rows}) AS a) TO '{path}' (FORMAT parquet)")


def numbers(frame: smallpond.DataFrame) -> list[int]:
    return sorted(row["a"] for row in frame.take_all())


@pytest.fixture
def mixed(tmp_path: Path) -> Path:
    """A folder with Parquet files of all kinds of names."""
    folder = tmp_path / "mixed"
    folder.mkdir()
    names = ["a.parquet", "b.PARQUET", "part-0000", "000001_0", "c.Pq", "d.snappy.parquet"]
    for number, name in enumerate(names):
        parquet(folder / name, f"[{number}]")
    for name in HIDDEN:
        (folder / name).write_text("not data")
    return folder


def test_all_data_of_a_folder_is_read(fresh_sp: smallpond.Session, mixed: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert numbers(fresh_sp.read_parquet(mixed)) == [0, 1, 2, 3, 4, 5]


@pytest.mark.parametrize("road", STAGE_ROADS, ids=lambda road: road.name)
def test_all_data_is_read_in_stages(
    stage_session: Callable[[StageRoad], smallpond.Session], road: StageRoad, mixed: Path
) -> None:
    sp = stage_session(road)
    frame = sp.sql("SELECT a, count(*) AS n FROM {0} GROUP BY a", sp.read_parquet(mixed))
    assert numbers(frame) == [0, 1, 2, 3, 4, 5]


@pytest.mark.parametrize("reader", ["read_csv", "read_json"])
def test_text_of_all_names_is_read(
    fresh_sp: smallpond.Session, tmp_path: Path, reader: str
) -> None:
    ending = reader.removeprefix("read_")
    text = (lambda i: f"a\n{i}\n") if ending == "csv" else (lambda i: f'{{"a": {i}}}\n')
    names = [f"a.{ending}", f"b.{ending.upper()}", "part-0000"]
    names += ["c.txt", "d.TSV"] if ending == "csv" else ["c.NDJSON", "d.jsonl"]
    for number, name in enumerate(names):
        (tmp_path / name).write_text(text(number))
    for number, name in enumerate([f"e.{ending}.gz", f"f.{ending.upper()}.gz", "part-0001.gz"], 5):
        (tmp_path / name).write_bytes(gzip.compress(text(number).encode()))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert numbers(getattr(fresh_sp, reader)(tmp_path)) == list(range(8))


def test_partitions_whose_column_begins_with_an_underscore(
    fresh_sp: smallpond.Session, tmp_path: Path
) -> None:
    for name in ["_k=1", "_k=2", ".k=3", "_temporary"]:
        (tmp_path / name).mkdir()
        parquet(tmp_path / name / "x.parquet", f"[{name[-1]}]" if "=" in name else "[9]")
    frame = fresh_sp.read_parquet(tmp_path)
    assert frame.columns == ["a", "_k"]
    assert numbers(fresh_sp.sql("SELECT _k AS a FROM {0}", frame)) == [1, 2]
    deep = fresh_sp.read_parquet(tmp_path, recursive=True)
    assert numbers(fresh_sp.sql("SELECT a FROM {0}", deep)) == [1, 2]


def test_what_is_not_read_is_named_once(fresh_sp: smallpond.Session, mixed: Path) -> None:
    (mixed / "README").write_text("no digit, no data")
    (mixed / "notes.md").write_text("no data")
    (mixed / "deep").mkdir()
    parquet(mixed / "deep" / "e.parquet", "[6]")
    with pytest.warns(smallpond.UnreadFilesWarning) as caught:
        frame = fresh_sp.read_parquet(mixed)
    assert numbers(frame) == [0, 1, 2, 3, 4, 5]
    text = str(caught[0].message)
    for word in ["README'", "notes.md'", "deep/'", "recursive=True"]:
        assert word in text
    assert caught[0].filename == __file__
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fresh_sp.read_parquet(mixed)
    with pytest.warns(smallpond.UnreadFilesWarning, match="README"):
        assert numbers(fresh_sp.read_parquet(mixed, recursive=True)) == [0, 1, 2, 3, 4, 5, 6]


def test_long_lists_are_cut(fresh_sp: smallpond.Session, mixed: Path) -> None:
    for number in range(9):
        (mixed / f"note{number}.md").touch()
    with pytest.warns(smallpond.UnreadFilesWarning, match=r"note2\.md' and 6 others"):
        fresh_sp.read_parquet(mixed)


def test_where_nothing_is_left_an_error_says_so(sp: smallpond.Session, tmp_path: Path) -> None:
    for name in [*HIDDEN, "notes.md"]:
        (tmp_path / name).touch()
    with pytest.raises(smallpond.InvalidInputError, match=r"1 others, such as '.*notes\.md'"):
        sp.read_parquet(tmp_path)


def test_command_line_names_what_it_does_not_read(mixed: Path) -> None:
    (mixed / "notes.md").touch()
    command = [sys.executable, "-m", "smallpond", "sql", "SELECT sum(a) AS s FROM t"]
    result = subprocess.run(
        [*command, "-f", "csv", "-i", f"t={mixed}"], capture_output=True, text=True, timeout=60
    )
    assert result.stdout == "s\n15\n" and result.returncode == 0
    assert "warning: read_parquet does not read" in result.stderr and "notes.md" in result.stderr


# --- tables of Delta Lake, Iceberg and Hudi ---


def make_delta(folder: Path) -> None:
    (folder / "_delta_log").mkdir()
    (folder / "_delta_log" / "00000000000000000000.json").write_text('{"a": 1}')


def make_iceberg(folder: Path) -> None:
    (folder / "metadata").mkdir()
    (folder / "metadata" / "v1.metadata.json").write_text("{}")


def make_hudi(folder: Path) -> None:
    (folder / ".hoodie").mkdir()


TABLES = {"Delta Lake": make_delta, "Iceberg": make_iceberg, "Hudi": make_hudi}
LAYOUTS = ["x.parquet", "day=1/x.parquet", "data/x.parquet"]


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("kind", TABLES)
def test_table_formats_are_refused(
    sp: smallpond.Session, tmp_path: Path, kind: str, layout: str
) -> None:
    folder = tmp_path / "table"
    file = folder / layout
    file.parent.mkdir(parents=True)
    parquet(file, "[1]")
    TABLES[kind](folder)
    glob = file.parent / "*.parquet"
    for read in [
        lambda: sp.read_parquet(folder),
        lambda: sp.read_parquet(file),
        lambda: sp.read_parquet(glob),
        lambda: sp.read_parquet([file]),
        lambda: sp.sql(f"FROM '{file}'"),
        lambda: sp.sql(f"FROM read_parquet('{glob}')"),
        lambda: sp.sql(f"SELECT count(*) FROM parquet_scan(['{file}'])"),
        lambda: sp.execute(f"CREATE TABLE never AS FROM '{file}'"),
    ]:
        with pytest.raises(smallpond.UnsupportedError, match=rf"table' is an? {kind} table"):
            read()


def test_a_refusal_says_what_to_do(sp: smallpond.Session, tmp_path: Path) -> None:
    parquet(tmp_path / "x.parquet", "[1]")
    make_delta(tmp_path)
    with pytest.raises(smallpond.UnsupportedError) as caught:
        sp.read_parquet(tmp_path)
    for word in ["rows that were removed", "LOAD delta", f"delta_scan('{tmp_path}')", "deltalake"]:
        assert word in str(caught.value)


def test_what_only_looks_like_a_table_is_read(sp: smallpond.Session, tmp_path: Path) -> None:
    (tmp_path / "metadata").mkdir()
    parquet(tmp_path / "x.parquet", "[1]")
    parquet(tmp_path / "metadata" / "y.parquet", "[2]")
    assert numbers(sp.read_parquet(tmp_path / "*.parquet")) == [1]
    assert numbers(sp.read_parquet(tmp_path / "metadata")) == [2]


def test_a_tables_own_log_can_be_read(sp: smallpond.Session, tmp_path: Path) -> None:
    make_delta(tmp_path)
    parquet(tmp_path / "_delta_log" / "1.checkpoint.parquet", "[1]")
    assert numbers(sp.read_json(tmp_path / "_delta_log" / "*.json")) == [1]
    assert numbers(sp.read_parquet(tmp_path / "_delta_log" / "*.parquet")) == [1]


def test_files_of_a_table_that_was_converted(sp: smallpond.Session, tmp_path: Path) -> None:
    """A folder is looked at anew each time."""
    parquet(tmp_path / "x.parquet", "[1]")
    make_delta(tmp_path)
    with pytest.raises(smallpond.UnsupportedError, match="Delta Lake"):
        sp.read_parquet(tmp_path)
    shutil.rmtree(tmp_path / "_delta_log")
    assert numbers(sp.read_parquet(tmp_path)) == [1]


# --- files that differ ---


@pytest.mark.parametrize("number", [0, 1, 2])
def test_types_that_differ_name_both_files(
    sp: smallpond.Session, tmp_path: Path, number: int
) -> None:
    parquet(tmp_path / "first.parquet", "[1, 2]")
    parquet(tmp_path / "second.parquet", "['x']")
    reads = [
        lambda: sp.read_parquet(tmp_path),
        lambda: sp.sql(f"FROM '{tmp_path}/*.parquet'"),
        lambda: sp.partial_sql("SELECT a FROM {0}", sp.read_parquet(tmp_path).repartition(3)),
    ]
    with pytest.raises(smallpond.InvalidInputError) as caught:
        reads[number]().to_arrow()
    for word in ["first.parquet'", "second.parquet", "Column a is VARCHAR", "union_by_name"]:
        assert word in str(caught.value)


def test_columns_that_differ_name_both_files(sp: smallpond.Session, tmp_path: Path) -> None:
    duckdb.execute(f"COPY (SELECT 1 AS a) TO '{tmp_path}/first.parquet'")
    duckdb.execute(f"COPY (SELECT 1 AS b) TO '{tmp_path}/second.parquet'")
    with pytest.raises(smallpond.InvalidInputError, match=r"(?s)first\.parquet.*second\.parquet"):
        sp.read_parquet(tmp_path).to_arrow()
    (tmp_path / "first.csv").write_text("a,b\n1,x\n2,y\n")
    (tmp_path / "second.csv").write_text("a,c\n1,x\n2,y\n")
    with pytest.raises(smallpond.InvalidInputError, match=r"(?s)first\.csv.*second\.csv"):
        sp.read_csv(tmp_path / "*.csv").to_arrow()

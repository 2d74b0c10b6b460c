"""Which files a path stands for, and what is made of them."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import smallpond
from oracle import assert_same, duckdb_answer

CSV = "id,name\n1,a\n2,b\n"
JSONL = '{"id": 1, "name": "a"}\n{"id": 2, "name": "b"}\n'
ROWS = [{"id": 1, "name": "a"}, {"id": 2, "name": "b"}]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Parquet files: two on top, one below, two in folders by key, and one that is no data."""
    for name, first in [
        ("a.parquet", 0), ("b.parquet", 10), ("sub/c.parquet", 20),
        ("year=2025/d.parquet", 30), ("year=2026/e.parquet", 40), ("_hidden/f.parquet", 50),
    ]:  # fmt: skip
        (tmp_path / name).parent.mkdir(exist_ok=True)
        duckdb.execute(f"COPY (FROM range({first}, {first + 10}) t(i)) TO '{tmp_path / name}'")
    (tmp_path / "notes.txt").write_text("no data")
    return tmp_path


def ids(frame: smallpond.DataFrame) -> set[int]:
    """The tens of the numbers read: which files they come from."""
    rows = frame.take_all()
    assert len(rows) == frame.count()
    return {row["i"] // 10 for row in rows}


# --- paths ---


@pytest.mark.parametrize(
    ("paths", "expected"),
    [
        ("a.parquet", {0}),
        ("*.parquet", {0, 1}),
        ("*/*.parquet", {2, 3, 4, 5}),
        ("**/c.parquet", {2}),
        ("[ab].parquet", {0, 1}),
        ("{a,b}.parquet", None),
        (["a.parquet", "sub/c.parquet"], {0, 2}),
        (["a.parquet", "sub"], {0, 2}),
        (("b.parquet",), {1}),
        ("sub", {2}),
        ("sub/", {2}),
        (".", {0, 1, 3, 4}),
        ("year=2026", {4}),
        ("sub/../a.parquet", {0}),
    ],
)
def test_paths(
    sp: smallpond.Session,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    paths: Any,
    expected: set[int] | None,
) -> None:
    monkeypatch.chdir(folder)
    if expected is None:
        with pytest.raises(smallpond.IoError):
            sp.read_parquet(paths)
        return
    assert ids(sp.read_parquet(paths, union_by_name=True)) == expected
    if isinstance(paths, str):
        assert ids(sp.read_parquet(folder / paths, union_by_name=True)) == expected
        assert ids(sp.read_parquet([folder / paths], union_by_name=True)) == expected
    else:
        assert ids(sp.read_parquet(iter(paths))) == expected


def test_recursive(sp: smallpond.Session, folder: Path) -> None:
    assert ids(sp.read_parquet(folder, recursive=True, union_by_name=True)) == {0, 1, 2, 3, 4}


def test_hidden_files_of_a_folder_are_no_data(sp: smallpond.Session, folder: Path) -> None:
    (folder / ".d.parquet").write_text("no data")
    (folder / "_d.parquet").write_text("no data")
    assert ids(sp.read_parquet(folder, union_by_name=True)) == {0, 1, 3, 4}


def test_folders_by_key_are_a_column(sp: smallpond.Session, tmp_path: Path) -> None:
    for year in [2025, 2026]:
        (tmp_path / f"t/year={year}/m=1").mkdir(parents=True)
        duckdb.execute(f"COPY (FROM range(3) t(i)) TO '{tmp_path}/t/year={year}/m=1/x.parquet'")
    frame = sp.read_parquet(tmp_path / "t")
    assert frame.schema == {"i": "BIGINT", "m": "BIGINT", "year": "BIGINT"}
    assert sp.sql("SELECT i FROM {0} WHERE year = 2026", frame).count() == 3


@pytest.mark.parametrize(
    "name", ["a b", "quo'te", 'dou"ble', "ünï", "x;y", "a$1", "{0}", "st*r", "[x]"]
)
def test_names_of_files(sp: smallpond.Session, tmp_path: Path, name: str) -> None:
    (tmp_path / "x.csv").write_text(CSV)
    (tmp_path / f"{name}.csv").write_text(CSV)
    assert sp.read_csv(tmp_path / f"{name}.csv").take_all() == ROWS


# --- formats ---


WRITERS: dict[str, Callable[[Path], object]] = {
    "x.csv": lambda path: path.write_text(CSV),
    "x.tsv": lambda path: path.write_text(CSV.replace(",", "\t")),
    "x.csv.gz": lambda path: path.write_bytes(gzip.compress(CSV.encode())),
    "x.tsv.gz": lambda path: path.write_bytes(gzip.compress(CSV.replace(",", "\t").encode())),
    "x.json": lambda path: path.write_text(json.dumps(ROWS)),
    "x.jsonl": lambda path: path.write_text(JSONL),
    "x.ndjson": lambda path: path.write_text(JSONL),
    "x.json.gz": lambda path: path.write_bytes(gzip.compress(json.dumps(ROWS).encode())),
    "x.jsonl.gz": lambda path: path.write_bytes(gzip.compress(JSONL.encode())),
    "x.CSV.GZ": lambda path: path.write_bytes(gzip.compress(CSV.encode())),
    "x.csv.ZST": lambda path: path.write_bytes(pa.compress(CSV.encode(), "zstd", asbytes=True)),
    "x.JSON.Gz": lambda path: path.write_bytes(gzip.compress(json.dumps(ROWS).encode())),
}


def read(sp: smallpond.Session, name: str, path: Path) -> smallpond.DataFrame:
    return sp.read_json(path) if "json" in name.lower() else sp.read_csv(path)


@pytest.mark.parametrize("name", WRITERS)
def test_text_formats(sp: smallpond.Session, tmp_path: Path, name: str) -> None:
    WRITERS[name](tmp_path / name)
    for path in [tmp_path / name, tmp_path / "x.*", tmp_path]:
        frame = read(sp, name, path)
        assert frame.columns == ["id", "name"] and frame.schema["id"] == "BIGINT"
        assert frame.take_all() == ROWS
        assert frame.count() == 2


def test_compression_told_in_capitals(sp: smallpond.Session, tmp_path: Path) -> None:
    sp.from_items(ROWS).write_csv(tmp_path / "u.CSV.GZ")
    assert sp.read_csv(tmp_path / "u.CSV.GZ").take_all() == ROWS
    assert sp.read_csv(tmp_path / "u.CSV.GZ", compression="gzip").take_all() == ROWS
    WRITERS["x.csv.gz"](tmp_path / "x.csv.gz")
    assert sp.read_csv(tmp_path).count() == 4
    WRITERS["x.csv"](tmp_path / "x.csv")
    with pytest.raises(smallpond.InvalidInputError, match=r"u\.CSV\.GZ' is compressed with gzip"):
        sp.read_csv(tmp_path)


def test_folder_takes_one_formats_files(sp: smallpond.Session, tmp_path: Path) -> None:
    for name in ["x.csv", "x.json", "x.tsv"]:
        WRITERS[name](tmp_path / name)
    (tmp_path / "x.txt").write_text("no data")
    assert sp.read_json(tmp_path).count() == 2
    with pytest.raises(smallpond.InvalidInputError, match=r"\.parquet"):
        sp.read_parquet(tmp_path)


def test_schema(sp: smallpond.Session, tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("1,2026-01-31\n2,\n")
    frame = sp.read_csv(tmp_path / "x.csv", {"id": "SMALLINT", "day": "DATE"})
    assert frame.schema == {"id": "SMALLINT", "day": "DATE"}
    assert [row["id"] for row in frame.take_all()] == [1, 2]
    (tmp_path / "x.jsonl").write_text('{"id": 1, "more": 5}\n{"id": 2}\n')
    frame = sp.read_json(tmp_path / "x.jsonl", {"id": "UTINYINT"})
    assert frame.schema == {"id": "UTINYINT"} and frame.count() == 2


def test_delim_and_options(sp: smallpond.Session, tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("id|name\n1|NA\n2|b\n")
    path = tmp_path / "x.csv"
    expected = [{"id": 1, "name": None}, {"id": 2, "name": "b"}]
    assert sp.read_csv(path, None, "|", nullstr="NA").take_all() == expected
    assert sp.read_csv(path, delim="|", nullstr=["NA", "-"], header=True).take_all() == expected
    schema = {"a": "VARCHAR", "b": "VARCHAR"}
    assert sp.read_csv(path, schema, "|", header=False).count() == 3
    # With a schema the delimiter is a comma, as smallpond 0.15 has it.
    (tmp_path / "y.csv").write_text("1,x|y\n")
    found = sp.read_csv(tmp_path / "y.csv", schema, header=False)
    assert found.take_all() == [{"a": "1", "b": "x|y"}]


def test_columns(sp: smallpond.Session, data: Path, oracle: duckdb.DuckDBPyConnection) -> None:
    frame = sp.read_parquet(data / "events.parquet", columns=["kind", "EVENT_ID"])
    assert_same(frame, duckdb_answer(oracle, "SELECT kind, event_id FROM events"))
    with pytest.raises(smallpond.InvalidInputError, match="kin"):
        sp.read_parquet(data / "events.parquet", columns=["kin"])


def test_union_by_name(sp: smallpond.Session, tmp_path: Path) -> None:
    duckdb.execute(f"COPY (SELECT 1 AS a, 2 AS b) TO '{tmp_path}/x.parquet'")
    duckdb.execute(f"COPY (SELECT 3 AS c, 4 AS a) TO '{tmp_path}/y.parquet'")
    frame = sp.read_parquet(tmp_path, union_by_name=True)
    assert sp.sql("SELECT a, b, c FROM {0} ORDER BY a", frame).take_all() == [
        {"a": 1, "b": 2, "c": None},
        {"a": 4, "b": None, "c": 3},
    ]


def test_options_of_duckdb(sp: smallpond.Session, folder: Path) -> None:
    frame = sp.read_parquet(folder / "a.parquet", filename=True, file_row_number=True)
    assert frame.columns == ["i", "file_row_number", "filename"] or set(frame.columns) == {
        "i", "file_row_number", "filename",
    }  # fmt: skip
    assert sp.read_parquet(folder, hive_partitioning=False).columns == ["i"]


def test_explain_says_what_is_read(sp: smallpond.Session, data: Path) -> None:
    path = data / "events.parquet"
    assert f"read_parquet({path})" in sp.read_parquet(path).explain()


def test_csv_schema_has_no_header(sp: smallpond.Session, tmp_path: Path) -> None:
    """As in smallpond 0.15. Where all columns are text, DuckDB's own guess drops the first row."""
    (tmp_path / "a.csv").write_text("1,x\n2,y\n")
    schema = {"a": "VARCHAR", "b": "VARCHAR"}
    rows = [{"a": "1", "b": "x"}, {"a": "2", "b": "y"}]
    assert sp.read_csv(tmp_path / "a.csv", schema).take_all() == rows
    assert sp.read_csv(tmp_path / "a.csv", schema, header=True).take_all() == rows[1:]


def test_explain_says_how_files_are_cut(data: Path, tmp_path: Path) -> None:
    duckdb.execute(
        f"COPY (SELECT i, hash(i) AS h FROM range(100_000) t(i)) TO '{tmp_path}/x.parquet' "
        "(ROW_GROUP_SIZE 10_240)"
    )
    duckdb.execute(f"COPY (SELECT 1 AS i, 2::UBIGINT AS h) TO '{tmp_path}/y.parquet'")
    (tmp_path / "a.csv").write_text("1,x\n")
    (tmp_path / "b.csv").write_text("2,y\n")

    def splits(frame: smallpond.DataFrame) -> list[int]:
        return [int(count) for count in re.findall(r"(\d+) splits? where", frame.explain())]

    def cut(**settings: Any) -> tuple[int, int]:
        with smallpond.init(duckdb_memory="512MB", **settings) as sp:
            files = sp.read_parquet(tmp_path)
            text = files.explain()
            assert re.search(r"2 files, 1\.\d MB; ", text)
            joined = sp.sql("FROM {0} JOIN {1} USING (i)", files, files.repartition(3))
            assert splits(joined) == splits(files) * 2
            assert splits(sp.read_csv(tmp_path / "*.csv")) == [
                2 if settings.get("partitions") else 1
            ]
            return splits(files)[0], files.count()

    # Ten row groups: of about 120 kB each, so that 500 kB hold four.
    assert cut(threads=2) == (1, 100_001), "too small to be worth two tasks"
    assert cut(threads=2, partition_size="500kB") == (3, 100_001)
    assert cut(threads=2, partition_size="1kB") == (11, 100_001)
    assert cut(threads=2, partitions=7) == (7, 100_001)


def test_row_groups_without_rows(tmp_path: Path) -> None:
    schema = pa.schema([("i", pa.int64())])
    with pq.ParquetWriter(tmp_path / "x.parquet", schema) as writer:
        for rows in [0, 5000, 0, 0, 5000, 0]:
            writer.write_table(pa.table({"i": pa.array(range(rows), pa.int64())}))
    with smallpond.init(duckdb_memory="512MB", partitions=7) as sp:
        frame = sp.read_parquet(tmp_path / "x.parquet")
        assert "2 splits where" in frame.explain() and frame.count() == 10_000

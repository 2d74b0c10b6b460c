"""Each option of each format: what it does, and that a wrong one is refused before anything is
made."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import smallpond

SQL = """SELECT 1 AS i, 'a,b' AS s, DATE '2026-01-02' AS d, TIMESTAMP '2026-01-02 03:04:05' AS t,
                NULL::VARCHAR AS n"""


@pytest.fixture
def row(sp: smallpond.Session) -> smallpond.DataFrame:
    return sp.sql(SQL)


CSV = [
    ({}, 'i,s,d,t,n\n1,"a,b",2026-01-02,2026-01-02 03:04:05,\n'),
    ({"header": False}, '1,"a,b",2026-01-02,2026-01-02 03:04:05,\n'),
    ({"Header": "FALSE", "Compression": "None"}, '1,"a,b",2026-01-02,2026-01-02 03:04:05,\n'),
    ({"delim": "|"}, "i|s|d|t|n\n1|a,b|2026-01-02|2026-01-02 03:04:05|\n"),
    ({"SEP": "\\t"}, "i\ts\td\tt\tn\n1\ta,b\t2026-01-02\t2026-01-02 03:04:05\t\n"),
    ({"delimiter": "\t"}, "i\ts\td\tt\tn\n1\ta,b\t2026-01-02\t2026-01-02 03:04:05\t\n"),
    ({"quote": "'"}, "i,s,d,t,n\n1,'a,b',2026-01-02,2026-01-02 03:04:05,\n"),
    ({"nullstr": "NA"}, 'i,s,d,t,n\n1,"a,b",2026-01-02,2026-01-02 03:04:05,NA\n'),
    ({"null": "NA"}, 'i,s,d,t,n\n1,"a,b",2026-01-02,2026-01-02 03:04:05,NA\n'),
    ({"dateformat": "%d/%m/%Y"}, 'i,s,d,t,n\n1,"a,b",02/01/2026,2026-01-02 03:04:05,\n'),
    ({"timestampformat": "%H"}, 'i,s,d,t,n\n1,"a,b",2026-01-02,03,\n'),
    ({"force_quote": ["i", "D"]}, '"i",s,"d",t,n\n"1","a,b","2026-01-02",2026-01-02 03:04:05,\n'),
    ({"force_quote": "i"}, '"i",s,d,t,n\n"1","a,b",2026-01-02,2026-01-02 03:04:05,\n'),
    ({"force_quote": True, "header": False},
     '"1","a,b","2026-01-02","2026-01-02 03:04:05",\n'),
    ({"force_quote": "*", "header": False}, '"1","a,b","2026-01-02","2026-01-02 03:04:05",\n'),
    ({"force_quote": [], "header": False}, '1,"a,b",2026-01-02,2026-01-02 03:04:05,\n'),
    ({"prefix": "<", "suffix": ">"}, '<1,"a,b",2026-01-02,2026-01-02 03:04:05,>'),
    ({"new_line": "\r\n", "header": False}, '1,"a,b",2026-01-02,2026-01-02 03:04:05,\r\n'),
]  # fmt: skip


@pytest.mark.parametrize(("options", "text"), CSV, ids=lambda value: str(value)[:30])
def test_csv(row: smallpond.DataFrame, tmp_path: Path, options: dict[str, Any], text: str) -> None:
    row.write_csv(tmp_path / "one.csv", **options)
    assert (tmp_path / "one.csv").read_bytes().decode() == text
    row.write_csv(tmp_path / "out", **options)
    [path] = (tmp_path / "out").glob("*.csv")
    assert path.read_bytes().decode() == text


def test_escape(sp: smallpond.Session, tmp_path: Path) -> None:
    sp.sql("SELECT 'a\"b' AS s").write_csv(tmp_path / "one.csv", escape="\\")
    assert (tmp_path / "one.csv").read_text() == 's\n"a\\"b"\n'


JSON = {"i": 1, "s": "a,b", "d": "2026-01-02", "t": "2026-01-02 03:04:05", "n": None}


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"array": True}, [JSON]),
        ({"ARRAY": False}, JSON),
        ({"dateformat": "%Y"}, JSON | {"d": "2026"}),
        ({"timestamp_format": "%H"}, JSON | {"t": "03"}),
    ],
)
def test_json(
    row: smallpond.DataFrame, tmp_path: Path, options: dict[str, Any], expected: Any
) -> None:
    row.write_json(tmp_path / "one.json", **options)
    assert json.loads((tmp_path / "one.json").read_text()) == expected


def metadata_of(frame: smallpond.DataFrame, path: Path, **options: Any) -> pq.FileMetaData:
    frame.write_parquet(path, **options)
    return pq.ParquetFile(path).metadata


def test_parquet(sp: smallpond.Session, tmp_path: Path) -> None:
    one, frame = tmp_path / "o.parquet", sp.sql("SELECT i, 'x' || i AS s FROM range(9000) t(i)")
    by_level = [
        metadata_of(frame, one, compression="ZSTD", compression_level=level).row_group(0)
        for level in [1, 19]
    ]
    assert {group.column(0).compression for group in by_level} == {"ZSTD"}
    sizes = [sum(group.column(i).total_compressed_size for i in range(2)) for group in by_level]
    assert sizes[1] < sizes[0]
    assert metadata_of(frame, one, codec="Gzip").row_group(0).column(0).compression == "GZIP"
    assert metadata_of(frame, one, ROW_GROUP_SIZE="2048").num_row_groups == 5
    told = metadata_of(frame, one, kv_metadata={"source": "web", "n": 3}).metadata
    assert (told[b"source"], told[b"n"]) == (b"web", b"3")
    frame.write_parquet(one, field_ids={"i": 7, "s": 9})
    fields = pq.read_schema(one)
    assert [field.metadata[b"PARQUET:field_id"] for field in fields] == [b"7", b"9"]
    encodings = {
        version: metadata_of(frame, one, parquet_version=version).row_group(0).column(0).encodings
        for version in ["v1", 2]
    }
    assert "DELTA_BINARY_PACKED" not in encodings["v1"] and "DELTA_BINARY_PACKED" in encodings[2]
    few = sp.sql("SELECT 'text ' || (i % 5) AS s FROM range(9000) t(i)")
    in_dictionary = {
        limit: metadata_of(few, one, string_dictionary_page_size_limit=limit).row_group(0)
        for limit in [8, "1MB"]
    }
    assert not in_dictionary[8].column(0).has_dictionary_page
    assert in_dictionary["1MB"].column(0).has_dictionary_page
    assert (
        not metadata_of(few, one, dictionary_size_limit=2)
        .row_group(0)
        .column(0)
        .has_dictionary_page
    )
    for name, value in [
        ("bloom_filter_false_positive_ratio", 0.1),
        ("dictionary_compression_ratio_threshold", 1.0),
        ("write_bloom_filter", False),
        ("geoparquet_version", "none"),
    ]:
        assert metadata_of(few, one, **{name: value}).num_rows == 9000
    assert sp.read_parquet(one).count() == 9000


def test_row_group_size_bytes(tmp_path: Path) -> None:
    with smallpond.init(threads=1, duckdb_memory="500MB") as sp:
        frame = sp.sql("SELECT hash(i) AS h FROM range(50_000) t(i)")
        with pytest.raises(smallpond.Error, match="preserve_insertion_order"):
            frame.write_parquet(tmp_path / "o.parquet", row_group_size_bytes="100KB")
        sp.execute("SET preserve_insertion_order = false")
        metadata = metadata_of(frame, tmp_path / "o.parquet", row_group_size_bytes="100KB")
        assert metadata.num_row_groups > 2


def test_encryption(tmp_path: Path) -> None:
    """DuckDB needs httpfs for it, which loads by itself from its installed package."""
    with smallpond.init(threads=1, duckdb_memory="500MB") as sp:
        sp.execute("PRAGMA add_parquet_key('k', '0123456789112345')")
        frame = sp.sql("SELECT i FROM range(9) t(i)")
        for out in [tmp_path / "o.parquet", tmp_path / "out"]:
            with pytest.raises(smallpond.Error, match="No key with name"):
                frame.write_parquet(out, encryption_config={"footer_key": "l"})
            assert list(tmp_path.glob(f"{out.name}*")) == []
            frame.write_parquet(out, encryption_config={"footer_key": "k"})
            files = str(out) if out.is_file() else f"{out}/*.parquet"
            with pytest.raises(smallpond.Error, match="encrypted"):
                sp.sql(f"FROM '{files}'").count()
            reader = f"read_parquet('{files}', encryption_config={{footer_key: 'k'}})"
            assert sp.sql(f"SELECT sum(i) AS s FROM {reader}").take_all() == [{"s": 36}]


def test_a_key_of_another_length_is_refused(tmp_path: Path) -> None:
    """DuckDB would give up its database, with the session's tables."""
    with smallpond.init(threads=1, duckdb_memory="500MB") as sp:
        sp.execute("CREATE TABLE kept AS SELECT 1 AS a")
        frame = sp.sql("SELECT i FROM range(9) t(i)")
        for key in ["", "abc", "0123456789abcde", "0" * 33, r"\x00\x01"]:
            with pytest.raises(smallpond.InvalidInputError, match="Give one of 16, 24 or 32"):
                frame.write_parquet(tmp_path / "o", encryption_config={"footer_key_value": key})
        for key in ["0" * 16, "0" * 24, "0" * 32, r"\x00" * 16]:
            frame.write_parquet(
                tmp_path / "o", mode="overwrite", encryption_config={"footer_key_value": key}
            )
        assert sp.sql("FROM kept").take_all() == [{"a": 1}]


BROKEN = [
    "per_thread_output", "overwrite", "overwrite_or_ignore", "append", "use_tmp_file",
    "filename_pattern", "file_extension", "return_files", "return_stats", "write_empty_file",
    "write_partition_columns", "hive_file_pattern", "preserve_order", "row_groups_per_file",
    "file_size_bytes", "format",
]  # fmt: skip


@pytest.mark.parametrize("form", ["csv", "json", "parquet"])
@pytest.mark.parametrize("name", BROKEN)
def test_options_that_would_write_other_files(
    row: smallpond.DataFrame, tmp_path: Path, form: str, name: str
) -> None:
    getattr(row, f"write_{form}")(tmp_path / "out")
    before = sorted((tmp_path / "out").rglob("*"))
    for path in [tmp_path / "out", tmp_path / f"one.{form}"]:
        with pytest.raises(smallpond.InvalidInputError, match=f"does not take {name.upper()}. "):
            getattr(row, f"write_{form}")(path, **{name.upper(): True})
    assert sorted((tmp_path / "out").rglob("*")) == before
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


WRONG = [
    ("csv", {"header": "perhaps"}, "header must be True or False, not 'perhaps'"),
    ("csv", {"delim": ""}, "delim must be"),
    ("csv", {"delim": "||"}, "delim must be 1 byte long, not"),
    ("csv", {"quote": "ab"}, "quote must be 1 byte long"),
    ("csv", {"nullstr": 3}, "nullstr must be text, not 3"),
    ("csv", {"delim": ";", "SEP": ","}, "'delim' is given twice"),
    ("csv", {"compression": "gzip", "COMPRESSION": "zstd"}, "'compression' is given twice"),
    ("csv", {"force_quote": ["z"]}, "force_quote names the column 'z'"),
    ("csv", {"force_quote": 3}, "force_quote must be a list of columns"),
    ("csv", {"prefix": "x"}, "prefix and suffix go together"),
    ("csv", {"prefix": "<", "suffix": ">", "header": True}, "header=True does not go with prefix"),
    ("csv", {"new_line": "x"}, "new_line must be one of"),
    ("csv", {"heder": True}, "Did you mean 'header'"),
    ("csv", {"array": True}, "has no option 'array'"),
    ("json", {"delim": ","}, "has no option 'delim'"),
    ("json", {"array": "x"}, "array must be True or False"),
    ("parquet", {"header": True}, "has no option 'header'"),
    ("parquet", {"compression_level": 3}, "only, and this is 'snappy'"),
    ("parquet", {"compression": "zstd", "compression_level": 99}, "must be -131072 to 22"),
    ("parquet", {"parquet_version": "v3"}, "parquet_version must be one of 'V1', 'V2'"),
    ("parquet", {"kv_metadata": "x"}, "kv_metadata must be a dict"),
    ("parquet", {"field_ids": {"i": 1.5}}, "field_ids must be a dict of"),
    ("parquet", {"field_ids": {"i": -1}}, "field_ids must be numbers from 0 to 2147483647"),
    ("parquet", {"field_ids": {"i": 2**31}}, "field_ids must be numbers from 0 to 2147483647"),
    ("parquet", {"field_ids": {"i": {"__duckdb_field_id": -2}}}, "field_ids must be numbers from"),
    ("parquet", {"row_group_size_bytes": 0}, "row_group_size_bytes must be"),
    ("parquet", {"bloom_filter_false_positive_ratio": "x"}, "must be a number"),
]


@pytest.mark.parametrize(("form", "options", "message"), WRONG)
def test_wrong_values(
    row: smallpond.DataFrame, tmp_path: Path, form: str, options: dict[str, Any], message: str
) -> None:
    for path in [tmp_path / "out", tmp_path / f"one.{form}"]:
        with pytest.raises(smallpond.InvalidInputError, match=message):
            getattr(row, f"write_{form}")(path, **options)
    assert list(tmp_path.iterdir()) == []


def test_result_tells(sp: smallpond.Session, tmp_path: Path) -> None:
    result = sp.sql("FROM range(3000)").repartition(2).write_csv(tmp_path / "out")
    assert (result.path, result.is_folder, result.num_rows) == (str(tmp_path / "out"), True, 3000)
    assert repr(result).startswith(f"WriteResult(folder '{tmp_path}/out', 2 files, 3,000 rows, ")

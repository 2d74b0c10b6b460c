"""Folders key=value: what partition_by wrote reads back equal, with its names, values and types."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import pytest
import smallpond

TEXTS = [
    "a/b", "x=y", "ünï 字", "a b", " ", "", "%2F", "%", "'", '"', "a\nb", "*", "[x]", "?", "\\",
    "..", "1", "007", "2026-01-01", "true", "NULL", "null", "Null", "__HIVE_DEFAULT_PARTITION__",
    "nul", "_smallpond", "+", "#&", "{0}", "a" * 150, None,
]  # fmt: skip

NAMES = ["k", "k k", "k=k", "k/k", "k%k", "k%20k", "ключ", "K.k-k~k_", "'", '"', "[k]", "k\nk", "1"]

WAYS = {
    "plain": {},
    "sorted": {"sort_by": "i"},
    "in files": {"file_size": "1KB"},
    "both": {"sort_by": ["i DESC"], "file_size": "1MB"},
}

READ_OPTIONS = {"csv": {"quotechar": '"'}, "json": {}, "parquet": {}}


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def data_files(folder: Path) -> list[Path]:
    return sorted(
        path for path in folder.rglob("*") if path.is_file() and "_smallpond" not in path.parts
    )


def sorted_rows(sp: smallpond.Session, frame: smallpond.DataFrame, columns: list[str]) -> list:
    names = ", ".join(map(quoted, columns))
    return sp.sql(f"SELECT {names} FROM {{0}} ORDER BY i", frame).take_all()


def text_frame(sp: smallpond.Session, name: str = "k") -> smallpond.DataFrame:
    items = [{"i": i, name: TEXTS[i % len(TEXTS)]} for i in range(3 * len(TEXTS))]
    return sp.from_items(items)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("form", ["parquet", "csv", "json"])
def test_texts(sp: smallpond.Session, tmp_path: Path, form: str, way: str) -> None:
    out, frame = tmp_path / "out", text_frame(sp)
    getattr(frame, f"write_{form}")(out, partition_by="k", **WAYS[way])
    folders = {path.parent.name for path in data_files(out)}
    assert len(folders) == len(TEXTS), "a folder a value"
    for path in [out, out / "*" / f"*.{form}"]:
        read = getattr(sp, f"read_{form}")(path)
        assert read.schema == {"i": "BIGINT", "k": "VARCHAR"}
        assert sorted_rows(sp, read, ["i", "k"]) == frame.take_all()


def test_names_of_folders_are_the_same_in_every_way(sp: smallpond.Session, tmp_path: Path) -> None:
    found = {}
    for way, options in WAYS.items():
        text_frame(sp).write_parquet(tmp_path / way, partition_by="k", **options)
        found[way] = {path.parent.name for path in data_files(tmp_path / way)}
    assert found["plain"] == found["sorted"] == found["in files"] == found["both"]


def test_plain_duckdb_reads_the_same_texts(sp: smallpond.Session, tmp_path: Path) -> None:
    frame = text_frame(sp)
    frame.write_parquet(tmp_path / "out", partition_by="k")
    sql = (
        f"SELECT i, k FROM read_parquet('{tmp_path}/out/*/*.parquet', "
        "hive_types={'k': 'VARCHAR'}) ORDER BY i"
    )
    assert duckdb.sql(sql).fetchall() == [tuple(row.values()) for row in frame.take_all()]


@pytest.mark.parametrize("way", ["plain", "sorted"])
@pytest.mark.parametrize("name", NAMES)
def test_names(sp: smallpond.Session, tmp_path: Path, name: str, way: str) -> None:
    out, frame = tmp_path / "out", text_frame(sp, name)
    frame.write_parquet(out, partition_by=[name], **WAYS[way])
    read = sp.read_parquet(out)
    assert read.schema == {"i": "BIGINT", name: "VARCHAR"}
    assert sorted_rows(sp, read, ["i", name]) == frame.take_all()
    chosen = sp.read_parquet(out, columns=[name, "i"])
    assert chosen.columns == [name, "i"]
    assert sorted_rows(sp, chosen, ["i", name]) == frame.take_all()
    own = sp.read_parquet(out, hive_partitioning=False)
    assert own.columns == ["i"] and own.count() == frame.count()
    one = sp.sql(f"SELECT count(*) AS n FROM {{0}} WHERE {quoted(name)} = 'a b'", read)
    assert one.take_all() == [{"n": 3}], "a filter on the key"


KEYS = {
    "BOOLEAN": ["true", "false"],
    "TINYINT": ["-128", "5"],
    "INTEGER": ["1", "-5"],
    "UBIGINT": ["18446744073709551615", "0"],
    "DOUBLE": ["0.1", "-1e300", "inf", "nan", "5e-324"],
    "FLOAT": ["0.1", "-0.5"],
    "DECIMAL(10,2)": ["1.50", "-0.01"],
    "DATE": ["2026-01-01", "1969-12-31"],
    "TIME": ["01:02:03.5", "00:00:00"],
    "TIMESTAMP": ["2026-01-01 12:34:56.789", "2026-01-01 00:00:00"],
    "TIMESTAMP_NS": ["2026-01-01 12:34:56.789012345"],
    "TIMESTAMP WITH TIME ZONE": ["2026-01-01 12:34:56+05", "2026-07-01 00:00:00+00"],
    "UUID": ["00000000-0000-0000-0000-000000000001"],
    "INTERVAL": ["1 month 2 days 00:00:03"],
    "BLOB": ["ab\\x00\\xFF", "c"],
    "VARCHAR": ["1", "2"],
    "INTEGER[]": ["[1, 2]", "[]", "[NULL]"],
    "VARCHAR[]": ["['a, b', '[', NULL]", "['NULL']", "['']", "['it\\'s', '\"']"],
    "STRUCT(a INTEGER, b VARCHAR)": ["{'a': 1, 'b': 'x, y'}", "{'a': NULL, 'b': ' '}"],
    "STRUCT(k DATE[], s STRUCT(z DOUBLE))": ["{'k': [2026-01-01], 's': {'z': 0.1}}"],
    "MAP(VARCHAR, INTEGER)": ["{'x=y'=1}", "{}"],
}


@pytest.mark.parametrize("way", ["plain", "sorted"])
@pytest.mark.parametrize("kind", KEYS)
def test_types(sp: smallpond.Session, tmp_path: Path, kind: str, way: str) -> None:
    items = [{"i": i, "text": text} for i, text in enumerate([*KEYS[kind], None])]
    frame = sp.sql(f"SELECT i, text::VARCHAR::{kind} AS k FROM {{0}}", sp.from_items(items))
    frame.write_parquet(tmp_path / "out", partition_by="k", **WAYS[way])
    read = sp.read_parquet(tmp_path / "out")
    assert read.schema == frame.schema
    query = "SELECT i, k::VARCHAR AS k FROM {0} ORDER BY i"
    assert sp.sql(query, read).take_all() == sp.sql(query, frame).take_all()


def test_two_keys(sp: smallpond.Session, tmp_path: Path) -> None:
    out = tmp_path / "out"
    frame = sp.sql(
        "SELECT i, i % 2 AS \"a b\", ['NULL', NULL, '7'][1 + i % 3] AS c FROM range(12) t(i)"
    )
    frame.repartition(2).write_parquet(out, partition_by=["a b", "c"])
    assert sorted_rows(sp, sp.read_parquet(out), ["i", "a b", "c"]) == frame.take_all()
    part = sp.read_parquet(out / "a%20b=1")
    assert part.schema == {"i": "BIGINT", "a b": "BIGINT", "c": "VARCHAR"} and part.count() == 6


def test_appends(sp: smallpond.Session, tmp_path: Path) -> None:
    out = tmp_path / "out"
    first = sp.sql("SELECT i, i % 2 AS k FROM range(4) t(i)")
    first.filter("i < 0").write_parquet(out, "append", partition_by="k")
    assert sp.read_parquet(out).columns == ["i", "k"] and len(data_files(out)) == 1
    first.write_parquet(out, "append", partition_by="k")
    first.filter("i < 0").write_parquet(out, "append", partition_by="k")
    assert len(data_files(out)) == 2, "no file without rows beside others"
    with pytest.raises(smallpond.InvalidInputError, match="Column 'k' holds x"):
        sp.sql("SELECT 4 AS i, 'x' AS k").write_parquet(out, "append", partition_by="k")
    sp.sql("SELECT 4 AS i, '1' AS k").write_parquet(out, "append", partition_by="k")
    rows = sorted_rows(sp, sp.read_parquet(out), ["i", "k"])
    assert rows == [{"i": i, "k": i % 2} for i in range(4)] + [{"i": 4, "k": 1}]
    for options in [{}, {"partition_by": "i"}]:
        with pytest.raises(smallpond.InvalidInputError, match="are partitioned by k, and"):
            first.write_parquet(out, "append", **options)
    assert len(sp.read_parquet(out).take_all()) == 5
    first.write_parquet(out)
    assert sp.read_parquet(out).schema == first.schema


def test_an_output_beside_other_files(sp: smallpond.Session, tmp_path: Path) -> None:
    """DuckDB's rules hold where only some of the files come from a partitioned output."""
    sp.sql("SELECT 1 AS i, 'a' AS k").write_parquet(tmp_path / "out", partition_by="k")
    (tmp_path / "k=b").mkdir()
    duckdb.sql(f"COPY (SELECT 2 AS i) TO '{tmp_path}/k=b/x.parquet'")
    read = sp.read_parquet([tmp_path / "out", tmp_path / "k=b"])
    assert sorted_rows(sp, read, ["i", "k"]) == [{"i": 1, "k": "a"}, {"i": 2, "k": "b"}]


@pytest.mark.parametrize("form", ["parquet", "csv", "json"])
def test_sorted_files_of_a_size(sp: smallpond.Session, tmp_path: Path, form: str) -> None:
    size = 12_000 if form == "parquet" else 60_000
    frame = sp.sql(
        "SELECT (hash(i) // 3)::BIGINT AS h, i % 3 AS k, repeat('x', 40) AS s "
        "FROM range(60_000) t(i)"
    )
    getattr(frame, f"write_{form}")(tmp_path / "out", partition_by="k", sort_by="h", file_size=size)
    files = data_files(tmp_path / "out")
    assert len(files) > 33, "more than 11 a folder"
    for k in range(3):
        paths = [str(path) for path in files if path.parent.name == f"k={k}"]
        scans = [f"SELECT h, {i} AS n FROM '{path}'" for i, path in enumerate(paths)]
        found = duckdb.sql(" UNION ALL ".join(scans)).fetchall()
        assert len(found) == 20_000
        by_file = sorted(found, key=lambda row: row[1])
        assert [row[0] for row in by_file] == sorted(row[0] for row in found)
        sizes = [Path(path).stat().st_size for path in paths[:-1]]
        assert max(sizes) < 3 * size and min(sizes) > size / 3
    read = getattr(sp, f"read_{form}")(tmp_path / "out")
    query = "SELECT count(*) AS n, sum(h::HUGEINT) AS h, sum(k) AS k FROM {0}"
    assert sp.sql(query, read).take_all() == sp.sql(query, frame).take_all()


def test_a_global_order_in_folders(sp: smallpond.Session, tmp_path: Path) -> None:
    frame = sp.sql("SELECT hash(i) AS h, i % 3 AS k FROM range(200_000) t(i) ORDER BY h DESC")
    frame.write_parquet(tmp_path / "out", partition_by="k")
    files = data_files(tmp_path / "out")
    assert len(files) == 3
    for path in files:
        found = pq.ParquetFile(path).read()["h"].to_pylist()
        assert found == sorted(found, reverse=True)


def test_many_folders(sp: smallpond.Session, tmp_path: Path) -> None:
    frame = sp.sql("SELECT i, i % 500 AS k FROM range(5_000) t(i)")
    for form in ["parquet", "json"]:
        result = getattr(frame, f"write_{form}")(tmp_path / form, partition_by="k")
        assert result.num_files == 500
        read = getattr(sp, f"read_{form}")(tmp_path / form)
        assert sorted_rows(sp, read, ["i", "k"]) == frame.take_all()


@pytest.mark.parametrize(
    ("sql", "keys", "message"),
    [
        ('SELECT 1 AS "k k", 2 AS "K%20K", 3 AS i', ["k k"], "hides the column 'k%20k'"),
        ("SELECT 1 AS k, 2 AS i, 3 AS j", ["k", "K"], "'k' twice"),
        ("SELECT 1 AS k", ["k"], "every column"),
        ("SELECT 1 AS k, 2 AS i", ["l"], "'l', which does not exist"),
    ],
)
def test_keys_that_are_refused(
    sp: smallpond.Session, tmp_path: Path, sql: str, keys: list[str], message: str
) -> None:
    with pytest.raises(smallpond.InvalidInputError, match=f"(?i){message}"):
        sp.sql(sql).write_parquet(tmp_path / "out", partition_by=keys)
    assert list(tmp_path.iterdir()) == []


def test_a_value_too_long_for_a_name(sp: smallpond.Session, tmp_path: Path) -> None:
    frame = sp.sql("SELECT 1 AS i, repeat('x', 300) AS k")
    for options in WAYS.values():
        with pytest.raises(smallpond.InvalidInputError, match=r"(?i)too long"):
            frame.write_parquet(tmp_path / "out", partition_by="k", **options)
    assert list(tmp_path.iterdir()) == []

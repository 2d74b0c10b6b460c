"""Files that differ: columns in other orders, missing ones, other types. Read as DuckDB reads them,
or an error where DuckDB has one; never a value in a wrong column."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest
import smallpond
from oracle import assert_same, duckdb_answer

Oracle = duckdb.DuckDBPyConnection

CSV_FILES = {
    "a": "id,name\n1,a\n2,b\n",
    "other_order": "name,id\nc,3\nd,4\n",
    "extra": "id,name,more\n5,e,x\n",
    "missing": "id\n6\n",
    "no_header": "7,g\n8,h\n",
    "empty": "",
    "header_only": "id,name\n",
    "upper_case": "ID,NAME\n9,i\n",
    "other_names": "x,y\n1,2\n",
    "pipe": "id|name\n1|a\n",
    "other_types": "id,name\nabc,zz\n",
    "text": "k,v\nx,y\n",
    "text_other_order": "v,k\ny2,x2\n",
}
JSON_FILES = {
    "a": '{"id": 1, "s": "a"}\n',
    "other_order": '{"s": "b", "id": 2}\n',
    "other_types": '{"id": "x", "s": "c"}\n',
    "missing": '{"id": 3}\n',
    "extra": '{"id": 3, "s": "e", "m": [1]}\n',
    "array": '[{"id": 9, "s": "f"}]',
    "empty": "",
    "empty_array": "[]",
    "upper_case": '{"ID": 1, "s": "a"}',
    "nested": '{"id": {"a": 1}, "s": null}',
    "same_name": '{"id": 1, "id": 2}',
}
PARQUET_FILES = {
    "a": "SELECT 1 AS id, 'a' AS s",
    "other_order": "SELECT 'b' AS s, 2 AS id",
    "wider": "SELECT 5_000_000_000 AS id, 'w' AS s",
    "text": "SELECT 'xx' AS id, 't' AS s",
    "number_as_text": "SELECT '17' AS id, 't' AS s",
    "decimal": "SELECT 1.25::DECIMAL(5, 2) AS id, 's' AS s",
    "nested": "SELECT [1] AS id, 's' AS s",
    "upper_case": "SELECT 3 AS ID, 'c' AS S",
    "extra": "SELECT 4 AS id, 'x' AS s, 9 AS m",
    "missing": "SELECT 6 AS id",
    "no_rows": "SELECT 7 AS id, 'n' AS s WHERE false",
}
# DuckDB rounds the ids of the second file to the first one's type; we refuse to.
LOSSY_PARQUET = [("a", "number_as_text"), ("a", "decimal")]


def pairs(files: dict[str, str]) -> list[tuple[str, str]]:
    """The first file before and behind each other one."""
    first, *others = files
    both = [(first, other) for other in others] + [(other, first) for other in others]
    return [("text", "text_other_order"), *both] if "text_other_order" in files else both


def write_texts(
    folder: Path, form: str, names: tuple[str, str], texts: dict[str, str]
) -> list[str]:
    """Writes files of these names and returns their paths."""
    for name in names:
        (folder / f"{name}.{form}").write_text(texts[name])
    return [str(folder / f"{name}.{form}") for name in names]


def assert_same_or_both_fail(
    read: Callable[[], smallpond.DataFrame], oracle: Oracle, sql: str
) -> None:
    try:
        expected = duckdb_answer(oracle, sql)
    except duckdb.Error:
        with pytest.raises(smallpond.InvalidInputError):
            read().to_arrow()
        return
    assert_same(read(), expected)


@pytest.mark.parametrize("union_by_name", [False, True])
@pytest.mark.parametrize("header", [None, True])
@pytest.mark.parametrize("names", pairs(CSV_FILES), ids="+".join)
def test_csv(
    sp: smallpond.Session,
    oracle: Oracle,
    tmp_path: Path,
    names: tuple[str, str],
    header: bool | None,
    union_by_name: bool,
) -> None:
    paths = write_texts(tmp_path, "csv", names, CSV_FILES)
    options = f", union_by_name={union_by_name}" + (f", header={header}" if header else "")
    assert_same_or_both_fail(
        lambda: sp.read_csv(paths, header=header, union_by_name=union_by_name),
        oracle,
        f"FROM read_csv({paths}{options})",
    )


@pytest.mark.parametrize("header", [False, True])
@pytest.mark.parametrize("names", pairs(CSV_FILES), ids="+".join)
def test_csv_with_schema(
    sp: smallpond.Session, oracle: Oracle, tmp_path: Path, names: tuple[str, str], header: bool
) -> None:
    """By position, whatever a header says; files of no bytes have no rows."""
    paths = write_texts(tmp_path, "csv", names, CSV_FILES)
    filled = [path for path in paths if Path(path).stat().st_size > 0]
    for schema in [{"id": "VARCHAR", "name": "VARCHAR"}, {"id": "BIGINT", "name": "VARCHAR"}]:
        assert_same_or_both_fail(
            lambda schema=schema: sp.read_csv(paths, schema, header=header),
            oracle,
            f"FROM read_csv({filled}, columns={schema}, delim=',', header={header})",
        )


@pytest.mark.parametrize("union_by_name", [False, True])
@pytest.mark.parametrize("names", pairs(JSON_FILES), ids="+".join)
def test_json(
    sp: smallpond.Session,
    oracle: Oracle,
    tmp_path: Path,
    names: tuple[str, str],
    union_by_name: bool,
) -> None:
    paths = write_texts(tmp_path, "json", names, JSON_FILES)
    assert_same_or_both_fail(
        lambda: sp.read_json(paths, union_by_name=union_by_name),
        oracle,
        f"FROM read_json({paths}, union_by_name={union_by_name})",
    )
    schema = {"s": "VARCHAR", "id": "BIGINT", "none": "DATE"}
    assert_same_or_both_fail(
        lambda: sp.read_json(paths, schema), oracle, f"FROM read_json({paths}, columns={schema})"
    )


@pytest.mark.parametrize("union_by_name", [False, True])
@pytest.mark.parametrize("names", pairs(PARQUET_FILES), ids="+".join)
def test_parquet(
    sp: smallpond.Session,
    oracle: Oracle,
    tmp_path: Path,
    names: tuple[str, str],
    union_by_name: bool,
) -> None:
    paths = [str(tmp_path / f"{name}.parquet") for name in names]
    for path, name in zip(paths, names, strict=True):
        oracle.execute(f"COPY ({PARQUET_FILES[name]}) TO '{path}'")
    sql = f"FROM read_parquet({paths}, union_by_name={union_by_name})"
    if names in LOSSY_PARQUET and not union_by_name:
        with pytest.raises(smallpond.InvalidInputError, match="Column id is"):
            sp.read_parquet(paths).to_arrow()
        return
    assert_same_or_both_fail(
        lambda: sp.read_parquet(paths, union_by_name=union_by_name), oracle, sql
    )
    assert_same_or_both_fail(
        lambda: sp.read_parquet(paths, columns=["S", "id"], union_by_name=union_by_name),
        oracle,
        f"SELECT s, id {sql}",
    )


KEYS = {
    "numbers": ["y=1", "y=2"],
    "numbers_and_text": ["y=1", "y=x"],
    "zeros_first": ["y=007"],
    "other_keys": ["a=1", "b=1"],
    "column_of_the_file": ["i=7"],
    "null_and_escaped": ["k=__HIVE_DEFAULT_PARTITION__", "k=a b%2Fc"],
    "two_levels": ["y=1/m=a", "y=2/m=b"],
    "with_and_without": ["y=1", "plain"],
}


@pytest.mark.parametrize("hive_partitioning", [None, True, False])
@pytest.mark.parametrize("kind", ["parquet", "csv", "json"])
@pytest.mark.parametrize("folders", KEYS.values(), ids=KEYS)
def test_folders_by_key(
    sp: smallpond.Session,
    oracle: Oracle,
    tmp_path: Path,
    folders: list[str],
    kind: str,
    hive_partitioning: bool | None,
) -> None:
    paths = [str(tmp_path / folder / f"f.{kind}") for folder in folders]
    for number, path in enumerate(paths):
        Path(path).parent.mkdir(parents=True)
        header = ", HEADER" if kind == "csv" else ""
        oracle.execute(f"COPY (SELECT {number} AS i) TO '{path}' (FORMAT {kind}{header})")
    option = "" if hive_partitioning is None else f", hive_partitioning={hive_partitioning}"
    assert_same_or_both_fail(
        lambda: getattr(sp, f"read_{kind}")(paths, hive_partitioning=hive_partitioning),
        oracle,
        f"FROM read_{kind}({paths}{option})",
    )


# --- options ---


def test_header(sp: smallpond.Session, tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("a,b\nc,d\n")
    path = tmp_path / "x.csv"
    assert sp.read_csv(path, header=True).columns == ["a", "b"]
    assert sp.read_csv(path, header=False).count() == 2
    schema = {"x": "VARCHAR", "y": "VARCHAR"}
    rows = [{"x": "a", "y": "b"}, {"x": "c", "y": "d"}]
    assert sp.read_csv(path, schema).take_all() == rows
    assert sp.read_csv(path, schema, ",", False).take_all() == rows
    assert sp.read_csv(path, schema, ",", True).take_all() == rows[1:]


def test_ignore_errors(sp: smallpond.Session, tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("1,a\nx,b\n3,c,d\n4,e\n")
    schema = {"id": "INTEGER", "s": "VARCHAR"}
    with pytest.raises(smallpond.InvalidInputError, match=r"x\.csv"):
        sp.read_csv(tmp_path / "x.csv", schema).to_arrow()
    kept = sp.read_csv(tmp_path / "x.csv", schema, ignore_errors=True)
    assert kept.take_all() == [{"id": 1, "s": "a"}, {"id": 4, "s": "e"}]
    (tmp_path / "x.jsonl").write_text('{"id": 1}\n{"id": \n{"id": "x"}\n{"id": 3}\n')
    with pytest.raises(smallpond.InvalidInputError, match=r"x\.jsonl"):
        sp.read_json(tmp_path / "x.jsonl", {"id": "INTEGER"}).to_arrow()
    found = sp.read_json(tmp_path / "x.jsonl", {"id": "INTEGER"}, ignore_errors=True)
    assert [row["id"] for row in found.take_all()] == [1, None, None, 3]


def test_delim(sp: smallpond.Session, tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("1;a,b\n2;c,d\n")
    schema = {"id": "INTEGER", "s": "VARCHAR"}
    rows = [{"id": 1, "s": "a,b"}, {"id": 2, "s": "c,d"}]
    assert sp.read_csv(path, schema, ";").take_all() == rows
    assert sp.read_csv(path, schema, sep=";").take_all() == rows
    assert sp.read_csv(path, delim=";", names=["id", "s"]).count() == 2
    for wrong in ["", "::::::"]:
        with pytest.raises(smallpond.InvalidInputError, match="delim"):
            sp.read_csv(path, schema, wrong)
    with pytest.raises(smallpond.InvalidInputError, match="delim"):
        sp.read_csv(path, schema, ";", sep=";")


def test_csv_files_of_no_bytes(sp: smallpond.Session, tmp_path: Path) -> None:
    schema = {"id": "INTEGER", "day": "DATE"}
    (tmp_path / "a.csv").write_text("")
    for header in [None, True, False]:
        empty = sp.read_csv(tmp_path, schema, header=header)
        assert empty.schema == schema and empty.count() == 0
    (tmp_path / "b.csv").write_text("1,2026-01-31\n")
    (tmp_path / "c.csv").write_text("")
    frame = sp.read_csv(tmp_path, schema)
    assert frame.count() == 1 and frame.schema == schema
    (tmp_path / "c.csv").write_text("2,2026-02-01\n")
    assert frame.count() == 2, "files are looked at anew"


def test_schema_that_is_none(sp: smallpond.Session, data: Path) -> None:
    for reader in [sp.read_csv, sp.read_json]:
        for wrong in [["id"], "id INTEGER", {}, {"": "INTEGER"}]:
            with pytest.raises(smallpond.InvalidInputError, match="schema"):
                reader(data / "events.parquet", wrong)
    with pytest.raises(smallpond.InvalidInputError, match="twice"):
        sp.read_csv(data / "events.parquet", {"id": "INTEGER"}, columns={"id": "INTEGER"})


@pytest.mark.parametrize("name", ["a b", 'quo"te', "quo'te", "a,b", "ünï", "select", "{0}", "a.b"])
def test_names_in_a_schema(sp: smallpond.Session, tmp_path: Path, name: str) -> None:
    (tmp_path / "x.csv").write_text("1\n")
    (tmp_path / "x.json").write_text('{"other": 1}')
    schema = {name: "INTEGER"}
    assert sp.read_csv(tmp_path / "x.csv", schema).take_all() == [{name: 1}]
    assert sp.read_json(tmp_path / "x.json", schema).take_all() == [{name: None}]


def test_columns_of_parquet(sp: smallpond.Session, data: Path) -> None:
    path = data / "events.parquet"
    assert sp.read_parquet(path, columns="kind").columns == ["kind"], "one name, not its letters"
    assert sp.read_parquet(path, columns=iter(["kind"])).columns == ["kind"]
    with pytest.raises(smallpond.InvalidInputError, match="columns is empty"):
        sp.read_parquet(path, columns=[])


# --- names and compression ---


@pytest.mark.parametrize("folder", ["in", "a b", "a[1]", "[x]", "quo'te", ".dot", "ünï", "{0}"])
@pytest.mark.parametrize("name", ["x", "?", "*", "a[1]", ".dot", "_x", " ", "k=1", "-", "a%20b"])
def test_names_mean_themselves(
    sp: smallpond.Session, tmp_path: Path, folder: str, name: str
) -> None:
    for other in [folder, "a1", "x"]:  # What a pattern would match.
        (tmp_path / other).mkdir(exist_ok=True)
        for file in [name, "xx", "a1"]:
            (tmp_path / other / f"{file}.csv").write_text(f"n\n{other}/{file}\n")
    path = tmp_path / folder / f"{name}.csv"
    expected = f"{folder}/{name}"
    assert [row["n"] for row in sp.read_csv(path).take_all()] == [expected]
    named = {f"{folder}/{file}" for file in {name, "xx", "a1"}}
    found = sp.read_csv(tmp_path / folder / "[!b]*.csv").take_all()
    assert {row["n"] for row in found} == named, "a folder's name is no pattern if there is one"
    written = tmp_path / folder / f"{name}.parquet"
    pattern = written.as_posix().replace("'", "''")
    duckdb.execute(f"COPY (SELECT 1 AS i) TO '{pattern}'")
    assert sp.read_parquet(written).count() == 1
    assert sp.sql(
        "SELECT sum(i) AS s FROM {0}", sp.read_parquet([written, written])
    ).take_all() == [{"s": 2}]


def test_name_that_is_not_utf8(sp: smallpond.Session, tmp_path: Path) -> None:
    path = os.fsencode(tmp_path) + b"/x\xff.csv"
    with open(path, "w") as file:
        file.write("n\n1\n")
    for wrong in [path, os.fsdecode(path), [os.fsdecode(path)]]:
        with pytest.raises(smallpond.InvalidInputError, match="not UTF-8"):
            sp.read_csv(wrong)
    os.rename(path, tmp_path / "x.csv")
    assert sp.read_csv(os.fsencode(tmp_path / "x.csv")).count() == 1


def test_output_in_a_folder_with_brackets(sp: smallpond.Session, tmp_path: Path) -> None:
    """A pattern finds the version that was committed last, there too."""
    for folder in ["a[1]", "a1"]:
        for rows in [3, 5]:
            sp.sql(f"FROM range({rows})").write_parquet(tmp_path / folder / "out")
    (tmp_path / "a[1]/out/other.parquet").write_text("not of the version")
    for pattern in ["a[1]/out", "a[1]/out/*.parquet", "a[1]/*/*.parquet", "a[1]/**/*.parquet"]:
        assert sp.read_parquet(tmp_path / pattern).count() == 5, pattern
    assert sp.read_parquet(tmp_path / "a*/*/*.parquet").count() == 10


@pytest.mark.parametrize("compression", ["gzip", "zstd"])
@pytest.mark.parametrize("kind", ["csv", "json", "jsonl", "ndjson"])
def test_compressed(
    sp: smallpond.Session, oracle: Oracle, data: Path, tmp_path: Path, kind: str, compression: str
) -> None:
    name = f"x.{kind}." + {"gzip": "gz", "zstd": "zst"}[compression]
    written = "csv" if kind == "csv" else "json"
    array = ", ARRAY true" if kind == "json" else ""
    sql = "SELECT event_id, kind, note FROM events"
    oracle.execute(
        f"COPY ({sql}) TO '{tmp_path / name}' (FORMAT {written}, COMPRESSION {compression}{array})"
    )
    for path in [tmp_path / name, tmp_path, tmp_path / "*"]:
        read = sp.read_csv if kind == "csv" else sp.read_json
        assert_same(read(path), duckdb_answer(oracle, sql))


def test_recursive_of_text(sp: smallpond.Session, tmp_path: Path) -> None:
    for folder in ["", "a", "a/b", "k=1"]:
        (tmp_path / folder).mkdir(parents=True, exist_ok=True)
        (tmp_path / folder / "x.csv").write_text("n\n1\n")
        (tmp_path / folder / "x.ndjson").write_text('{"n": 1}\n')
    for read in [sp.read_csv, sp.read_json]:
        options: Any = {"hive_partitioning": False}
        assert read(tmp_path, **options).count() == 2
        assert read(tmp_path, recursive=True, **options).count() == 4

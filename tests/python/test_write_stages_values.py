"""Values of all types and columns of any name, written by tasks as plain DuckDB writes them; what
the session has set holds in them too."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq
import pytest
import smallpond
from oracle import assert_same_rows, duckdb_answer
from roads import SHUFFLED, STAGE_ROADS, StageRoad, StageSession
from written import (
    DIRECT,
    FORMS,
    PROCESSES,
    Plain,
    as_stored,
    assert_nothing_beside,
    assert_written,
    data_files,
    each_road,
    folders,
    lines_of,
    scan,
    write,
)

NUM_ROWS = 60


@pytest.fixture(scope="module")
def numbers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Files whose column i says which of a type's values a row gets."""
    folder = tmp_path_factory.mktemp("numbers")
    for number in range(4):
        rows = f"SELECT i FROM range({NUM_ROWS}) t(i) WHERE i * 4 // {NUM_ROWS} = {number}"
        duckdb.sql(f"COPY ({rows}) TO '{folder}/{number}.parquet'")
    return folder


def check(
    sp: smallpond.Session, plain: Plain, numbers: Path, out: Path, sql: str, forms: list[str]
) -> None:
    for form in forms:
        frame = sp.sql(sql, numbers=sp.read_parquet(numbers))
        for number, spread in enumerate([frame, frame.repartition(3)]):
            path = out / f"{form}-{number}"
            write(spread, form, path)
            assert_written(plain, path, with_files(sql, numbers), form)


def with_files(sql: str, numbers: Path) -> str:
    return sql.replace("FROM numbers", f"FROM read_parquet('{numbers}/*.parquet')")


# --- types

TYPES: dict[str, list[str]] = {
    "BOOLEAN": ["true", "false"],
    "TINYINT": ["-128", "127"],
    "UBIGINT": ["0", "18446744073709551615"],
    "BIGINT": ["-9223372036854775808", "9007199254740993"],
    "HUGEINT": ["-99999999999999999999999999999999999999", "9223372036854775808"],
    "UHUGEINT": ["0", "99999999999999999999999999999999999999"],
    "BIGNUM": ["'123456789012345678901234567890123456789012345678901234567890'"],
    "DOUBLE": ["5e-324", "'-0.0'", "'nan'", "'-inf'", "0.1"],
    "FLOAT": ["1e-45", "'nan'", "0.1"],
    "DECIMAL(4,1)": ["-999.9", "0.1"],
    "DECIMAL(18,6)": ["-999999999999.999999"],
    "DECIMAL(38,10)": ["'-9999999999999999999999999999.9999999999'", "0.0000000001"],
    "VARCHAR": ["''", "'NULL'", "'a,\"b\"'", "'it''s'", "' 字\U0001f600 '", "'\\'", "'{0}'"],
    "BLOB": ["''", "'\\x00\\xFF\\x27'"],
    "BIT": ["'1'", "'000101010111'"],
    "UUID": ["'00000000-0000-0000-0000-000000000000'", "'ffffffff-ffff-ffff-ffff-fffffffffff1'"],
    "DATE": ["'0001-01-01'", "'9999-12-31'"],
    "TIME": ["'00:00:00'", "'23:59:59.999999'"],
    "TIME WITH TIME ZONE": ["'12:34:56.789012+00'", "'23:59:59-15:59'"],
    "TIMESTAMP": ["'0001-01-01'", "'9999-12-31 23:59:59.999999'"],
    "TIMESTAMP_S": ["'1969-12-31 23:59:59'"],
    "TIMESTAMP_MS": ["'1969-12-31 23:59:59.999'"],
    "TIMESTAMP_NS": ["'2262-04-11 23:47:16.854775806'"],
    "TIMESTAMP WITH TIME ZONE": ["'2026-01-31 12:34:56.789012+05:30'"],
    "INTERVAL": ["'0 days'", "'1 year 2 months 40 days 30 hours 0.5 seconds'"],
    "ENUM('a', 'ü', 'it''s')": ["'a'", "'ü'", "'it''s'"],
    "JSON": ["""'{"a": [1, null]}'""", "'null'"],
    "GEOMETRY": ["'POINT (1 2)'"],
    "INTEGER[2]": ["[1, 2]", "[3, NULL]"],
    "VARCHAR[][]": ["[['a', NULL], [], NULL]", "[]"],
    "STRUCT(a BIGINT, \"B b\" VARCHAR[])": ["{'a': 9007199254740993, 'B b': ['x', NULL]}"],
    "STRUCT(s STRUCT(d DATE, m MAP(VARCHAR, INTEGER)))[]": [
        "[{'s': {'d': '1969-12-31', 'm': MAP {'k': 1, 'l': NULL}}}, NULL]", "[]"
    ],
    "MAP(DATE, STRUCT(x BLOB, y FLOAT[]))": ["MAP {'2026-01-31': {'x': 'x', 'y': ['nan', NULL]}}"],
    "UNION(num INTEGER, str VARCHAR)": ["union_value(num := 1)", "union_value(str := 'x')"],
    "HUGEINT[]": ["[9223372036854775808, NULL]"],
    "INTERVAL[]": ["['1 month 2 days 3 seconds', NULL]"],
    "TIME WITH TIME ZONE[]": ["['12:00:00+02'::TIMETZ, NULL]"],
}  # fmt: skip


def column(kind: str) -> str:
    """A column of the type, which is computed from i; every type has a NULL."""
    values = [f"({value})::{kind}" for value in [*TYPES[kind], "NULL"]]
    return f"[{', '.join(values)}][1 + i % {len(values)}]"


ALL_TYPES = "SELECT i, " + ", ".join(f"{column(kind)} AS c{n}" for n, kind in enumerate(TYPES, 1))


@each_road
def test_types(
    stage_session: StageSession, oracle: Plain, numbers: Path, tmp_path: Path, road: StageRoad
) -> None:
    check(stage_session(road), oracle, numbers, tmp_path, f"{ALL_TYPES} FROM numbers", FORMS)


@pytest.mark.parametrize("road", [SHUFFLED, PROCESSES], ids=lambda road: road.name)
def test_types_after_a_shuffle(
    stage_session: StageSession, oracle: Plain, numbers: Path, tmp_path: Path, road: StageRoad
) -> None:
    names = [f"c{n}" for n, kind in enumerate(TYPES, 1) if kind not in ("GEOMETRY", "JSON")]
    chosen = ", ".join(f"max({name} ORDER BY i) AS {name}" for name in names)
    sql = f"SELECT i % 11 AS g, {chosen} FROM ({ALL_TYPES} FROM numbers) GROUP BY g"
    sql = sql.replace("max(", "arg_max(").replace(" ORDER BY i)", ", i)")
    check(stage_session(road), oracle, numbers, tmp_path, sql, ["parquet"])


@pytest.mark.parametrize("road", STAGE_ROADS, ids=lambda road: road.name)
def test_values_that_no_file_can_hold(
    stage_session: StageSession, numbers: Path, tmp_path: Path, road: StageRoad
) -> None:
    """They are told as on the direct road, by column; nothing is left."""
    values = {
        "HUGEINT": "170141183460469231731687303715884105727",
        "INTERVAL": "INTERVAL (-1) MONTH",
    }
    for kind, value in values.items():
        sql = f"SELECT i, CASE WHEN i = 57 THEN {value} END::{kind} AS wide FROM numbers"
        told = []
        for each in [DIRECT, road]:
            sp = stage_session(each)
            with pytest.raises(smallpond.InvalidInputError) as error:
                sp.sql(sql, numbers=sp.read_parquet(numbers)).write_parquet(tmp_path / "out")
            told.append(str(error.value).splitlines()[0])
            assert list(tmp_path.iterdir()) == []
        assert told[0] in told[1] and (kind != "HUGEINT" or "wide" in told[0])


# --- names of columns

NAMES = [
    "c0", "c1", "C2", "it's", 'q"q', "a b", " ", "select", "order", "rowid", "ключ", "ünï", "x=y",
    "a.b", "a,b", "%s", "{0}", "$1", "?", "*", "\\", "count(*)", "file_row_number", "filename",
    "__smallpond_partition", "partition", "0", "-- x", "a;b", "é" * 40,
]  # fmt: skip


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


NAMED = "SELECT " + ", ".join(f"i + {n} AS {quoted(name)}" for n, name in enumerate(NAMES))


@each_road
def test_names_of_columns(
    stage_session: StageSession, oracle: Plain, numbers: Path, tmp_path: Path, road: StageRoad
) -> None:
    sp, sql = stage_session(road), f"{NAMED} FROM numbers"
    check(sp, oracle, numbers, tmp_path, sql, FORMS)
    for name in ["it's", 'q"q', "__smallpond_partition"]:
        out = tmp_path / "out"
        frame = sp.sql(sql, numbers=sp.read_parquet(numbers))
        frame.repartition(3, hash_by=name).write_parquet(out, sort_by=name)
        assert_written(oracle, out, with_files(sql, numbers))
        few = frame.map(f"* REPLACE ({quoted(name)} % 3 AS {quoted(name)})")
        few.write_parquet(out, partition_by=name)
        assert len(folders(out)) == 3


@each_road
def test_equal_names(
    stage_session: StageSession, oracle: Plain, numbers: Path, tmp_path: Path, road: StageRoad
) -> None:
    sp = stage_session(road)
    for number, names in enumerate([["a", "A"], ["a", "a", "a"], ["c0", "C0", "c1", "c0"]]):
        columns = ", ".join(f"i + {n} AS {quoted(name)}" for n, name in enumerate(names))
        sql = f"SELECT {columns} FROM numbers"
        check(sp, oracle, numbers, tmp_path / str(number), sql, ["parquet", "csv"])


# --- what the session has

SETUP = [
    "SET TimeZone = 'Asia/Tokyo'",
    "SET default_null_order = 'nulls_first'",
    "SET default_order = 'desc'",
    "CREATE TYPE mood AS ENUM ('sad', 'it''s ok')",
    "CREATE MACRO doubled(x) AS 2 * x",
    "CREATE TABLE kept AS SELECT i AS k, 'n' || i AS name FROM range(9) t(i)",
    "SET VARIABLE chosen = 7",
]
KEY = "PRAGMA add_parquet_key('k', '0123456789112345')"
OF_THE_SESSION = [
    "SELECT i, TIMESTAMPTZ '2026-01-01 00:00:00+00' + to_hours(i) AS t FROM numbers",
    "SELECT i, ['sad', 'it''s ok'][1 + i % 2]::mood AS m, doubled(i) AS d FROM numbers",
    "SELECT NULLIF(i, 30) AS i FROM numbers ORDER BY i",
    "SELECT i, name FROM numbers LEFT JOIN kept ON k = i",
    "SELECT i FROM numbers WHERE i > getvariable('chosen')",
]


@pytest.fixture(scope="module", params=["direct", "threads", "processes"])
def own(request: pytest.FixtureRequest) -> Iterator[smallpond.Session]:
    """A session of this module's own, with settings."""
    workers: dict[str, Any] = {"num_executors": 2} if request.param == "processes" else {}
    partitions = None if request.param == "direct" else 3
    with smallpond.init(
        executor=request.param, partitions=partitions, duckdb_memory="1GB", threads=2, **workers
    ) as sp:
        for statement in [*SETUP, KEY]:
            sp.execute(statement)
        yield sp


@pytest.mark.parametrize("options", [{}, {"file_size": "1MB"}, {"sort_by": "n"}])
def test_arrays_are_keys_of_folders(
    own: smallpond.Session, tmp_path: Path, options: dict[str, str]
) -> None:
    """DuckDB's own PARTITION_BY gives up its database over them."""
    own.execute("CREATE OR REPLACE TABLE stays AS SELECT 1 AS a")
    frame = own.sql("SELECT [i % 2, 1]::INT[2] AS k, i AS n FROM range(9) t(i)")
    frame.write_parquet(tmp_path / "out", partition_by="k", **options)
    found = own.read_parquet(tmp_path / "out")
    rows = own.sql("SELECT k::VARCHAR AS k, sum(n) AS n FROM {0} GROUP BY k", found).take_all()
    assert sorted((row["k"], row["n"]) for row in rows) == [("[0, 1]", 20), ("[1, 1]", 16)]
    assert own.sql("FROM stays").take_all() == [{"a": 1}]


def test_of_the_session(own: smallpond.Session, numbers: Path, tmp_path: Path) -> None:
    with duckdb.connect() as plain:
        for statement in SETUP:
            plain.execute(statement)
        for number, sql in enumerate(OF_THE_SESSION):
            for form in FORMS:
                out = tmp_path / f"{number}-{form}"
                write(own.sql(sql, numbers=own.read_parquet(numbers)), form, out)
                order = ["i"] if "ORDER" in sql else []
                assert_written(plain, out, with_files(sql, numbers), form, order)
        out = tmp_path / "sorted"
        frame = own.sql("SELECT NULLIF(i, 30) AS i FROM numbers", numbers=own.read_parquet(numbers))
        frame.repartition(1).write_parquet(out, sort_by="i")
        assert_written(plain, out, with_files(OF_THE_SESSION[2], numbers), order_by=["i"])


def test_encryption(own: smallpond.Session, numbers: Path, tmp_path: Path) -> None:
    sql = "SELECT i, 'secret ' || i AS s FROM numbers"
    frame = own.sql(sql, numbers=own.read_parquet(numbers))
    with duckdb.connect() as plain:
        plain.execute(KEY)
        expected = duckdb_answer(plain, as_stored(plain, with_files(sql, numbers)))
        for number, spread in enumerate([frame, frame.repartition(3, hash_by="i")]):
            out = tmp_path / str(number)
            with pytest.raises(smallpond.Error, match="No key with name"):
                spread.write_parquet(out, encryption_config={"footer_key": "l"})
            assert list(tmp_path.glob(f"*{number}*")) == []
            spread.write_parquet(out, encryption_config={"footer_key": "k"})
            spread.write_parquet(out, "append", encryption_config={"footer_key": "k"})
            files = data_files(out)
            assert all(b"secret" not in file.read_bytes() for file in files)
            with pytest.raises(duckdb.Error, match="encrypted"):
                plain.execute(f"FROM {scan(files)}")
            reader = scan(files, ", encryption_config = {footer_key: 'k'}")
            found = duckdb_answer(plain, f"FROM {reader}")
            assert_same_rows(found.rows, expected.rows * 2)
            assert_nothing_beside(out)


@pytest.mark.parametrize("executor", ["direct", "threads"])
def test_row_groups_by_bytes(numbers: Path, tmp_path: Path, executor: str) -> None:
    """The option needs a setting of the session, wherever the files are written."""
    sql = "SELECT i, hash(i, j) AS h FROM numbers, range(600) t(j)"
    with smallpond.init(executor=executor, threads=1, duckdb_memory="500MB") as sp:
        frame = sp.sql(sql, numbers=sp.read_parquet(numbers))
        with pytest.raises(smallpond.Error, match="preserve_insertion_order"):
            frame.write_parquet(tmp_path / "out", row_group_size_bytes="50KB")
        assert list(tmp_path.iterdir()) == []
        sp.execute("SET preserve_insertion_order = false")
        frame.write_parquet(tmp_path / "out", row_group_size_bytes="50KB")
        metadata = [pq.ParquetFile(file).metadata for file in data_files(tmp_path / "out")]
        assert sum(data.num_rows for data in metadata) == 600 * NUM_ROWS
        assert sum(data.num_row_groups for data in metadata) > 4


def test_no_setting_is_shared_with_other_sessions(
    stage_session: StageSession, numbers: Path, tmp_path: Path
) -> None:
    sql = "SELECT i, TIMESTAMPTZ '2026-01-01 00:00:00+00' + to_hours(i) AS t FROM numbers"
    texts = []
    for road in [DIRECT, SHUFFLED, PROCESSES]:
        sp = stage_session(road)
        write(sp.sql(sql, numbers=sp.read_parquet(numbers)), "csv", tmp_path / road.name)
        files = data_files(tmp_path / road.name)
        texts.append({line for line in lines_of(files) if line != "i,t"})
    assert texts[0] == texts[1] == texts[2] and len(texts[0]) == NUM_ROWS

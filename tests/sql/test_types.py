"""Every type, NULLs and empty inputs come through queries, partitions and files as they are."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest
import smallpond
from oracle import assert_same, assert_same_rows, duckdb_answer, rows_of

VALUES = {
    "BOOLEAN": "true",
    "TINYINT": "-128",
    "SMALLINT": "-32768",
    "INTEGER": "2147483647",
    "BIGINT": "-9223372036854775808",
    "HUGEINT": "170141183460469231731687303715884105",
    "UTINYINT": "255",
    "USMALLINT": "65535",
    "UINTEGER": "4294967295",
    "UBIGINT": "18446744073709551615",
    "UHUGEINT": "12345678901234567890123",
    "FLOAT": "1.5",
    "DOUBLE": "1e300",
    "DECIMAL(4,1)": "-999.9",
    "DECIMAL(18,6)": "123456789012.345678",
    "DECIMAL(38,10)": "1234567890123456789012345678.0123456789",
    "VARCHAR": "'ünï\U0001f600'",
    "BLOB": "'\\x00\\xFF'",
    "BIT": "'10101'",
    "UUID": "'12345678-1234-5678-1234-567812345678'",
    "DATE": "'2026-01-31'",
    "TIME": "'12:34:56.789012'",
    "TIMESTAMP": "'2026-01-31 12:34:56.789012'",
    "TIMESTAMP_S": "'2026-01-31 12:34:56'",
    "TIMESTAMP_MS": "'2026-01-31 12:34:56.789'",
    "TIMESTAMP_NS": "'2026-01-31 12:34:56.789012345'",
    "TIMESTAMP WITH TIME ZONE": "'2026-01-31 12:34:56+05:30'",
    "TIME WITH TIME ZONE": "'12:34:56+02:00'",
    "INTERVAL": "'1 year 2 days 3 seconds'",
    "ENUM('a', 'b')": "'b'",
    "INTEGER[]": "[1, NULL, 3]",
    "INTEGER[3]": "[1, 2, 3]",
    "VARCHAR[][]": "[['a'], []]",
    "STRUCT(a INTEGER, b VARCHAR)": "{'a': 1, 'b': NULL}",
    "MAP(VARCHAR, INTEGER)": "MAP {'k': 1}",
    "UNION(num INTEGER, str VARCHAR)": "union_value(str := 'x')",
    "JSON": """'{"a": [1, 2]}'""",
}

# DuckDB hands out its own bytes of BIT, and a time without its offset.
TEXT_IN_ARROW = ("BIT", "TIME WITH TIME ZONE")


def rows_sql(kind: str) -> str:
    """Two values and a NULL."""
    value = f"({VALUES[kind]})::{kind}"
    return f"SELECT 0 AS i, {value} AS x UNION ALL SELECT 1, {value} UNION ALL SELECT 2, NULL"


@pytest.mark.parametrize("kind", VALUES)
@pytest.mark.parametrize("rows", ["rows", "no_rows", "all_null"])
def test_type_is_kept(
    sp: smallpond.Session, oracle: duckdb.DuckDBPyConnection, kind: str, rows: str
) -> None:
    condition = {"rows": "true", "no_rows": "i < 0", "all_null": "i = 2"}[rows]
    sql = f"SELECT * FROM ({rows_sql(kind)}) WHERE {condition}"
    expected = duckdb_answer(oracle, sql)
    if kind in TEXT_IN_ARROW:
        as_text = duckdb_answer(oracle, f"SELECT i, x::VARCHAR AS x FROM ({sql})")
        expected = dataclasses.replace(expected, table=as_text.table)
    frame = sp.sql(sql)
    assert frame.schema["x"] == kind
    assert_same(frame, expected)
    assert_same(sp.sql("FROM {0}", frame), expected)
    assert_same(sp.partial_sql("FROM {0}", frame.repartition(3)), expected)
    assert_same(sp.partial_sql("FROM {0}", frame.repartition(3), merge="concat"), expected)
    by_key = sp.partial_sql("FROM {0}", frame.repartition(3, hash_by="x"), merge="concat")
    assert_same(by_key, expected)


@pytest.mark.parametrize("kind", VALUES)
def test_type_in_parquet_is_duckdbs(
    sp: smallpond.Session, oracle: duckdb.DuckDBPyConnection, kind: str, tmp_path: Path
) -> None:
    """But for 128-bit integers, which DuckDB would write as DOUBLE."""
    sql = rows_sql(kind)
    sp.sql(sql).write_parquet(tmp_path / "out")
    found = duckdb_answer(oracle, f"FROM '{tmp_path}/out/*.parquet'")
    if kind in ("HUGEINT", "UHUGEINT"):
        assert found.types == ["INTEGER", "DECIMAL(38,0)"]
        assert_same_rows(found.rows, duckdb_answer(oracle, sql).rows)
        return
    oracle.execute(f"COPY ({sql}) TO '{tmp_path}/expected.parquet'")
    expected = duckdb_answer(oracle, f"FROM '{tmp_path}/expected.parquet'")
    assert found.types == expected.types
    assert_same_rows(found.rows, expected.rows)


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT count(*) AS n, sum(x) AS s, min(x) AS m FROM {0}",
        "SELECT x, count(*) FROM {0} GROUP BY x",
        "SELECT DISTINCT x FROM {0}",
        "SELECT a.x FROM {0} a JOIN {0} b ON a.x = b.x",
        "SELECT x, row_number() OVER (PARTITION BY x) FROM {0}",
        "SELECT x FROM {0} ORDER BY x LIMIT 5",
        "SELECT x FROM {0} UNION SELECT 5",
        "SELECT 5 NOT IN (SELECT x FROM {0}) AS missing",
        "PIVOT {0} ON x IN (1, 2) USING count(*)",
    ],
)
@pytest.mark.parametrize("rows", ["WHERE false", "WHERE x IS NULL"], ids=["no_rows", "all_null"])
def test_empty_and_null_inputs(
    sp: smallpond.Session, oracle: duckdb.DuckDBPyConnection, sql: str, rows: str
) -> None:
    source = f"SELECT * FROM (VALUES (1), (NULL), (NULL)) v(x) {rows}"
    expected = duckdb_answer(oracle, sql.replace("{0}", f"({source})"))
    frame = sp.sql(source)
    for spread in [frame, frame.repartition(1), frame.repartition(4, hash_by="x")]:
        assert_same(sp.partial_sql(sql, spread), expected)
    by_rows = frame.repartition(4, by_rows=True)
    concat = sp.partial_sql("FROM {0}", by_rows, merge="concat")
    assert_same(concat, duckdb_answer(oracle, source))


def test_untyped_null(sp: smallpond.Session, oracle: duckdb.DuckDBPyConnection) -> None:
    expected = duckdb_answer(oracle, "SELECT NULL AS x, [] AS l")
    frame = sp.sql("SELECT NULL AS x, [] AS l")
    assert_same(frame, expected)
    assert_same(sp.partial_sql("FROM {0}", frame.repartition(2), merge="concat"), expected)


@pytest.mark.parametrize(
    "expression",
    ["row(i, 'x')", "[row(i, NULL), NULL]", "{'a': row(row(i), {'b': row(i, i)})}", "row(i)"],
)
def test_unnamed_struct(
    sp: smallpond.Session, oracle: duckdb.DuckDBPyConnection, tmp_path: Path, expression: str
) -> None:
    """row(1, 2) has fields without names, which no table of DuckDB holds. Outside of queries they
    are called f1, f2 …"""
    sql = f"SELECT {expression} AS r, i FROM range(20) t(i)"
    frame = sp.sql(sql)
    as_text = "SELECT r::VARCHAR AS r, i FROM {0}"
    expected = duckdb_answer(oracle, as_text.replace("{0}", f"({sql})"))
    for spread in [
        frame.repartition(3),
        frame.repartition(3, hash_by="r"),
        frame.repartition(3, hash_by=["i", "r"]),
    ]:
        concat = sp.partial_sql("FROM {0}", spread, merge="concat")
        assert concat.schema == frame.schema
        assert_same(sp.sql(as_text, concat), expected)
        assert_same(sp.partial_sql(as_text, concat, merge="concat"), expected)
        counted = sp.partial_sql("SELECT r, count(*) AS n FROM {0} GROUP BY r", spread)
        assert sorted(row["n"] for row in counted.take_all()) == [1] * 20
    frame.repartition(2).write_parquet(tmp_path / "spread")
    frame.write_parquet(tmp_path / "sorted", sort_by="i DESC", file_size="1KB")
    for name in ["spread", "sorted"]:
        read = sp.read_parquet(tmp_path / name)
        assert "f1 BIGINT" in read.schema["r"]
        assert_same_rows(rows_of(read.to_arrow()), rows_of(frame.to_arrow()))


def test_unnamed_struct_in_python(sp: smallpond.Session) -> None:
    frame = sp.sql("SELECT row(1, 'x') AS r, [row(NULL, 2)] AS l")
    expected = {"r": {"f1": 1, "f2": "x"}, "l": [{"f1": None, "f2": 2}]}
    assert frame.take_all() == [expected]
    assert frame.to_arrow().to_pylist() == [expected]
    found = frame.to_pandas().to_dict("records")[0]
    assert found["r"] == expected["r"] and list(found["l"]) == expected["l"]


def test_same_names(sp: smallpond.Session, tmp_path: Path) -> None:
    """As in DuckDB, a result may have two columns of one name; read as a table, they differ."""
    frame = sp.sql(
        "SELECT i AS a, i + 1 AS a, sum(i) AS s, sum(i + 1) AS s FROM range(3) t(i) GROUP BY i"
    )
    assert frame.columns == ["a", "a", "s", "s"]
    assert frame.to_arrow().schema.names == ["a", "a", "s", "s"]
    assert sp.sql("FROM {0}", frame).columns == ["a", "a_1", "s", "s_1"]
    concat = sp.partial_sql("FROM {0}", frame.repartition(2), merge="concat")
    assert concat.columns == concat.to_arrow().schema.names == ["a", "a_1", "s", "s_1"]
    for number, spread in enumerate([frame, frame.repartition(2)]):
        spread.write_parquet(tmp_path / f"out{number}")
        read = sp.read_parquet(tmp_path / f"out{number}")
        assert_same_rows(
            rows_of(read.to_arrow()), [tuple(row) for row in rows_of(frame.to_arrow())]
        )


@pytest.mark.parametrize(
    "expression",
    ["[sum(x)]", "{'s': sum(x)}", "MAP {'k': sum(x)}", "[{'a': [sum(x)]}]"],
)
def test_nested_sums_keep_digits_in_parquet(
    sp: smallpond.Session, tmp_path: Path, expression: str
) -> None:
    frame = sp.sql(f"SELECT {expression} AS n FROM (VALUES (9007199254740993)) v(x)")
    frame.write_parquet(tmp_path / "out")
    [row] = sp.sql("SELECT n::VARCHAR AS n FROM {0}", sp.read_parquet(tmp_path / "out")).take_all()
    assert "9007199254740993" in row["n"]


@pytest.mark.parametrize("value", [2**127 - 1, -(2**127), 10**38])
def test_integers_too_wide_for_arrow_and_parquet(
    sp: smallpond.Session, tmp_path: Path, value: int
) -> None:
    """Arrow and Parquet hold 38 digits. More is an error that names the column."""
    frame = sp.sql("SELECT ?::HUGEINT AS wide", params=[value])
    with pytest.raises(smallpond.InvalidInputError, match="wide"):
        frame.write_parquet(tmp_path / "out")
    with pytest.raises(smallpond.InvalidInputError, match="wide"):
        frame.to_arrow()


def test_unsigned_integers_too_wide_for_arrow(sp: smallpond.Session) -> None:
    frame = sp.sql("SELECT '340282366920938463463374607431768211455'::UHUGEINT AS wide")
    with pytest.raises(smallpond.InvalidInputError, match="wide"):
        frame.to_arrow()
    with pytest.raises(smallpond.InvalidInputError, match="wide"):
        pa.table(frame)

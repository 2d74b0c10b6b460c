"""Lists of Python values in and out, where pyarrow is not installed."""

from __future__ import annotations

import datetime as dt
import decimal
import sys
from typing import Any

import pytest
import smallpond
from smallpond.arrow_values import read_columns


@pytest.fixture
def no_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    for package in ["pyarrow", "pandas", "numpy"]:
        monkeypatch.setitem(sys.modules, package, None)


# --- in ---

COLUMNS: dict[str, list[Any]] = {
    "integers": [1, None, -(2**63), 2**63 - 1],
    "floats": [1.5, None, 3],
    "decimals": [decimal.Decimal("1.50"), None],
    "text": ["a", "ü\n\0", None, ""],
    "bytes": [b"a\0", None, b""],
    "flags": [True, None, False],
    "dates": [dt.date(2026, 1, 31), None],
    "moments": [dt.datetime(2026, 1, 31, 12, 0, 0, 5), None],
    "times": [dt.time(12, 30, 0, 5), None],
    "lists": [[1, None], [], None],
    "dicts": [{"a": 1, "b": "x"}, {"a": None}],
    "nested": [{"a": [{"b": 1}]}, {"a": []}],
    "nothing": [None, None],
}


@pytest.mark.parametrize("name", COLUMNS)
def test_items_are_those_of_pyarrow(
    sp: smallpond.Session, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    items = [{"value": value} for value in COLUMNS[name]]
    with_pyarrow = sp.from_items(items)
    types, rows = with_pyarrow.schema, with_pyarrow.take_all()
    for package in ["pyarrow", "pandas", "numpy"]:
        monkeypatch.setitem(sys.modules, package, None)
    frame = sp.from_items(items)
    assert frame.take_all() == rows
    assert frame.schema == types


def test_items_that_are_no_dicts(sp: smallpond.Session, no_packages: None) -> None:
    frame = sp.from_items([3, 1, 2])
    assert frame.schema == {"item": "BIGINT"}
    assert frame.filter("item > 1").take_all() == [{"item": 3}, {"item": 2}]
    assert sp.sql("SELECT sum(item) AS s FROM {0}", frame).take(1) == [{"s": 6}]


def test_names_are_quoted(sp: smallpond.Session, no_packages: None) -> None:
    rows = [{'a "b"': 1, "SELECT": 2}]
    assert sp.from_items(rows).take_all() == rows


@pytest.mark.parametrize(
    ("items", "words"),
    [
        ([1, "a"], "no common type"),
        ([[1], ["a"]], "no common type"),
        ([{"a": {"b": 1}}, {"a": {"b": b"x"}}], "no common type"),
        ([2**63], "64 bits"),
        ([], "empty"),
        ([{"a": 1}, 2], "item 1 is 2"),
        ("abc", "give a list"),
        ([object()], "object"),
    ],
)
@pytest.mark.parametrize("installed", [True, False])
def test_items_without_a_column(
    sp: smallpond.Session,
    monkeypatch: pytest.MonkeyPatch,
    items: Any,
    words: str,
    installed: bool,
) -> None:
    if not installed:
        monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(smallpond.InvalidInputError, match=words):
        sp.from_items(items)


# --- out ---

VALUES = {
    "BOOLEAN": "true",
    "TINYINT": "-128",
    "SMALLINT": "-32768",
    "INTEGER": "-2147483648",
    "BIGINT": "-9223372036854775808",
    "UTINYINT": "255",
    "USMALLINT": "65535",
    "UINTEGER": "4294967295",
    "UBIGINT": "18446744073709551615",
    "FLOAT": "1.5",
    "DOUBLE": "'-inf'",
    "DECIMAL(4, 1)": "-999.9",
    "DECIMAL(18, 3)": "0",
    "DECIMAL(38, 38)": "-0.12345678901234567890123456789012345678",
    "VARCHAR": "'a ü 漢字 🦆' || chr(0) || chr(10)",
    "BLOB": "'\\x00\\xFFa'::BLOB",
    "BIT": "'0101'",
    "UUID": "'01234567-89ab-cdef-0123-456789abcdef'",
    "DATE": "'0001-01-01'",
    "TIME": "'23:59:59.999999'",
    "TIMESTAMP": "'9999-12-31 23:59:59.999999'",
    "TIMESTAMP_S": "'1969-12-31 23:59:59'",
    "TIMESTAMP_MS": "'1969-12-31 23:59:59.001'",
    "TIMESTAMP_NS": "'2026-01-31 12:00:00.000001'",
    "TIME_NS": "'12:00:00.000001'",
    "TIMESTAMP WITH TIME ZONE": "'2026-07-31 12:00:00+02'",
    "INTERVAL": "INTERVAL '-14 months 3 days -5 microseconds'",
    "ENUM('b', 'a')": "'a'",
    "JSON": "'{\"a\": [1]}'",
    "INTEGER[]": "[1, NULL, 3]",
    "VARCHAR[][]": "[['a'], NULL, []]",
    "INTEGER[2]": "[1, NULL]",
    "VARCHAR[2][2]": "[['a', 'b'], NULL]",
    "STRUCT(a BIGINT, b VARCHAR[])": "{'a': NULL, 'b': ['x']}",
    "MAP(VARCHAR, DATE[])": "MAP {'k': [DATE '2026-01-31'], 'l': NULL}",
    "UNION(num INTEGER, str VARCHAR)": "'x'",
    "ENUM('b', 'a')[]": "['a', NULL]",
    "DECIMAL(38, 10)[]": "[1.5, NULL]",
    "STRUCT(u UNION(n INTEGER, s VARCHAR), i INTERVAL)[]": "[{'u': 1, 'i': INTERVAL 1 DAY}]",
}
FRAMES = {  # NULLs before, after and between; and many rows, in several batches.
    "one": "SELECT ({value})::{type} AS v",
    "null": "SELECT NULL::{type} AS v",
    "many": "SELECT unnest([({value})::{type}, NULL]) AS v FROM range(2500)",
    "none": "SELECT ({value})::{type} AS v LIMIT 0",
}


@pytest.mark.parametrize("kind", VALUES)
def test_values_are_those_of_pyarrow(sp: smallpond.Session, kind: str) -> None:
    for text in FRAMES.values():
        frame = sp.sql(text.format(value=VALUES[kind], type=kind))
        expected = frame.to_arrow().column(0).to_pylist()
        found = [row["v"] for row in frame.take_all()]
        assert found == expected
        assert repr(found[:4]) == repr(expected[:4]) or kind == "INTERVAL"


def test_no_value_needs_a_package(sp: smallpond.Session, no_packages: None) -> None:
    for kind, value in VALUES.items():
        [row] = sp.sql(f"SELECT ({value})::{kind} AS v").take_all()
        assert row["v"] is not None


def test_integers_that_arrow_lacks(sp: smallpond.Session, no_packages: None) -> None:
    sql = f"SELECT {2**100}::HUGEINT AS h, {2**70}::UHUGEINT AS u, '{10**50}'::BIGNUM AS b"
    assert sp.sql(sql).take(1) == [{"h": 2**100, "u": 2**70, "b": 10**50}]


def test_nanoseconds_need_pandas(sp: smallpond.Session, no_packages: None) -> None:
    moment = "TIMESTAMP_NS '2026-01-31 12:00:00.0000015' AS t"
    with pytest.raises(smallpond.InvalidInputError, match=r"'t'.*nanoseconds"):
        sp.sql(f"SELECT {moment}").take_all()


def test_an_interval_names_its_parts(sp: smallpond.Session, no_packages: None) -> None:
    [row] = sp.sql("SELECT INTERVAL '14 months 3 days 5 seconds' AS i").take_all()
    assert (row["i"].months, row["i"].days, row["i"].nanoseconds) == (14, 3, 5_000_000_000)


def test_columns_of_one_name(sp: smallpond.Session, no_packages: None) -> None:
    assert sp.sql("SELECT 1 AS a, 'x' AS a").take(5) == [{"a": 1, "a_1": "x"}]


# --- what DuckDB does not hand out, and others do ---


def arrays() -> list[Any]:
    import pyarrow as pa

    text = ["a", None, "longer than twelve bytes", "", "ü"] * 3
    lists = [[1, 2], None, [], [3]]
    return [
        pa.array(text, pa.large_string()),
        pa.array(text, pa.string_view()),
        pa.array([b"a", None, b"longer than twelve bytes"], pa.binary_view()),
        pa.array([b"ab", None], pa.binary(2)),
        pa.array([b"ab", None], pa.large_binary()),
        pa.array(lists, pa.large_list(pa.int64())),
        pa.array(lists, pa.list_view(pa.int64())),
        pa.array(lists, pa.large_list_view(pa.int64())),
        pa.array([decimal.Decimal("1.5"), None], pa.decimal64(5, 1)),
        pa.array([1, None], pa.time32("s")),
        pa.array([5, None], pa.time32("ms")),
        pa.array([dt.datetime(2026, 7, 1), None], pa.timestamp("us", "Europe/Berlin")),
        pa.array([dt.datetime(2026, 7, 1), None], pa.timestamp("us", "-01:30")),
        pa.nulls(3),
        pa.UnionArray.from_dense(
            pa.array([0, 1, 0], pa.int8()),
            pa.array([0, 0, 1], pa.int32()),
            [pa.array([1, 2]), pa.array(["x"])],
        ),
        pa.array([{"a": 1, "b": "x"}, None, {"a": None, "b": "y"}]),
        pa.array([[{"a": [1]}, None], None]),
        pa.array([[1, 2], None, [3, 4]], pa.list_(pa.int64(), 2)),
        pa.array(["a", "b", None, "a"]).dictionary_encode(),
        pa.array([[("k", 1)], None, []], pa.map_(pa.string(), pa.int64())),
    ]


@pytest.mark.parametrize("number", range(20))
@pytest.mark.parametrize("skipped", [0, 1])
def test_every_layout(number: int, skipped: int) -> None:
    """Also where a batch begins within its buffers."""
    import pyarrow as pa

    array = arrays()[number].slice(skipped)
    table = pa.table({"v": array, "w": array})
    reader = pa.RecordBatchReader.from_batches(table.schema, table.to_batches(max_chunksize=2))
    columns = read_columns(reader, 2, lambda _, read: read())
    assert columns == [array.to_pylist()] * 2


@pytest.mark.parametrize("number", range(20))
def test_no_rows(number: int) -> None:
    import pyarrow as pa

    kind = arrays()[number].type
    buffers = [None] * (3 if pa.types.is_string(kind) or pa.types.is_binary(kind) else 0)
    empty = pa.Array.from_buffers(kind, 0, buffers) if buffers else arrays()[number][:0]
    batch = pa.record_batch({"v": empty, "w": empty})
    reader = pa.RecordBatchReader.from_batches(batch.schema, [batch, batch])
    assert read_columns(reader, 2, lambda _, read: read()) == [[], []]


def test_a_stream_that_fails() -> None:
    """The error names what the stream said; what was read before is let go."""
    import pyarrow as pa

    def batches() -> Any:
        yield pa.record_batch({"v": [1, 2]})
        raise OSError("the disk is gone")

    reader = pa.RecordBatchReader.from_batches(pa.schema({"v": pa.int64()}), batches())
    with pytest.raises(smallpond.IoError, match="the disk is gone"):
        read_columns(reader, 1, lambda _, read: read())


def test_memory_is_let_go(sp: smallpond.Session) -> None:
    import pyarrow as pa

    before = pa.total_allocated_bytes()
    for _ in range(3):
        table = pa.table({"v": list(range(100_000))})
        reader = pa.RecordBatchReader.from_batches(table.schema, table.to_batches())
        columns = read_columns(reader, 1, lambda _, read: read())
        assert len(columns[0]) == 100_000
        del table, reader, columns
    assert pa.total_allocated_bytes() == before

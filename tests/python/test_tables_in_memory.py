"""from_pandas, from_arrow and from_items: what becomes of names, types and missing values."""

from __future__ import annotations

import datetime
import decimal
import io
import zoneinfo
from collections.abc import Callable
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.dataset
import pytest
import smallpond
from oracle import Answer, assert_same, duckdb_answer

HOSTILE = ['quo"te', "quo'te", "a.b", "a b", "{0}", "select", "ünï", "a,b", "--", "\n", "$1", "*"]

PANDAS: dict[str, Callable[[], pd.DataFrame]] = {
    "no_rows": lambda: pd.DataFrame({"a": pd.Series([], dtype="int64")}),
    "no_rows_of_objects": lambda: pd.DataFrame({"a": pd.Series([], dtype="object")}),
    "only_none": lambda: pd.DataFrame({"a": [None, None]}),
    "only_nan": lambda: pd.DataFrame({"a": [np.nan, np.nan]}),
    "only_nat": lambda: pd.DataFrame({"a": pd.Series([pd.NaT], dtype="datetime64[ns]")}),
    "hostile_names": lambda: pd.DataFrame([range(len(HOSTILE))], columns=HOSTILE),
    "names_that_are_no_text": lambda: pd.DataFrame([[1, 2, 3]], columns=[5, 1.5, ("x", "y")]),
    "same_names": lambda: pd.DataFrame([[1, 2, "x"]], columns=["a", "a", "A"]),
    "names_in_levels": lambda: pd.DataFrame(
        [[1, 2]], columns=pd.MultiIndex.from_tuples([("a", "b"), ("a", "c")])
    ),
    "index": lambda: pd.DataFrame({"a": [1, 2]}, index=pd.Index(["x", "y"], name="k")),
    "index_in_levels": lambda: pd.DataFrame(
        {"a": [1, 2]}, index=pd.MultiIndex.from_tuples([(1, 2), (3, 4)], names=["p", "q"])
    ),
    "index_of_a_columns_name": lambda: pd.DataFrame({"a": [1]}, index=pd.Index([9], name="a")),
    "nullable": lambda: pd.DataFrame(
        {
            "i": pd.array([1, None], dtype="Int32"),
            "u": pd.array([1, None], dtype="UInt8"),
            "f": pd.array([1.5, None], dtype="Float64"),
            "b": pd.array([True, None], dtype="boolean"),
            "s": pd.array(["a", None], dtype="string"),
            "arrow": pd.array([1, None], dtype="int64[pyarrow]"),
        }
    ),
    "categories": lambda: pd.DataFrame(
        {
            "c": pd.Categorical(["b", None, "a'"], ["b", "a'"]),
            "o": pd.Categorical(["low", "high", "low"], ["low", "mid", "high"], ordered=True),
            "unused": pd.Categorical([None, None, None], ["x", ""]),
        }
    ),
    "categories_of_one_name": lambda: pd.concat(
        [pd.DataFrame({"c": pd.Categorical(["x"], [*"yx"])})] * 2, axis="columns"
    ),
    "categories_of_durations": lambda: pd.DataFrame(
        {"c": pd.Categorical(pd.to_timedelta(["1 day", None, "40 days", "1 day"]))}
    ),
    "categories_without_rows": lambda: pd.DataFrame({"c": pd.Categorical([], ["b", "a"])}),
    "objects": lambda: pd.DataFrame(
        {
            "s": ["a", None],
            "b": [b"\0x", None],
            "d": [decimal.Decimal("1.50"), None],
            "day": [datetime.date(2026, 1, 31), None],
            "time": [datetime.time(1, 2), None],
        }
    ),
    "times": lambda: pd.DataFrame(
        {
            "ns": pd.to_datetime(["2026-01-01 00:00:00.123456789", None]),
            "delta": [pd.Timedelta("1h"), pd.NaT],
        }
    ),
    "durations": lambda: pd.DataFrame(
        {
            "ns": pd.to_timedelta(["1 day", None, "-40 days", "400 days 00:00:05"]),
            "s": pd.Series([86_400, -90_000, 0, 1], dtype="timedelta64[s]"),
            "python": pd.Series(
                [datetime.timedelta(days=1), None, datetime.timedelta(hours=-26), pd.Timedelta(5)],
                dtype=object,
            ),
            "list": [[datetime.timedelta(days=1)], [], None, [datetime.timedelta(days=-1)]],
        }
    ),
    "mixed_objects": lambda: pd.DataFrame(
        {
            "t": [1, "x", None, datetime.date(2026, 1, 31)],
            "wide": [2**70, "x", 1.5, True],
            "beyond": [2**200, 1, None, -1],
            "numbers": [decimal.Decimal("1.5"), 2.5, None, 1],
            "moments": [datetime.date(2026, 1, 31), datetime.datetime(2026, 1, 31, 5), None, None],
            "lists": [[1], 2, None, "x"],
        }
    ),
    "wide_decimals": lambda: pd.DataFrame(
        {
            "digits": [decimal.Decimal("1" * 39), None],
            "many": [decimal.Decimal("1" * 80), decimal.Decimal(1)],
            "scale": [decimal.Decimal("1" * 30), decimal.Decimal("-0." + "6" * 20)],
            "list": [[decimal.Decimal("1" * 39)], None],
            "struct": [{"x": decimal.Decimal("1" * 39)}, None],
        }
    ),
    "mixed_in_cells": lambda: pd.DataFrame(
        {
            "struct": [{"x": 1, "y": 2.5}, {"x": "s", "y": 1.0}, None],
            "list": [[1, "x", datetime.date(2026, 1, 31)], [], (1.5, None)],
            "lists": [[[1], ["s"]], None, []],
            "structs": [[{"x": True}, {"x": "s"}], None, [None]],
            "numbers": [[1.5, decimal.Decimal("1.5")], None, [2]],
            "moments": [
                [datetime.date(2026, 1, 31), datetime.datetime(2026, 1, 31, 5)],
                [datetime.date(2026, 1, 31)],
                None,
            ],
            "durations": [{"x": datetime.timedelta(days=1)}, None, {"x": None}],
        }
    ),
    "half_floats": lambda: pd.DataFrame({"a": np.array([1.5, np.nan], dtype="float16")}),
    "strided": lambda: pd.DataFrame({"a": np.arange(10)[::2]}),
}


@pytest.mark.parametrize("make", PANDAS.values(), ids=PANDAS)
def test_pandas(
    sp: smallpond.Session, oracle: duckdb.DuckDBPyConnection, make: Callable[[], pd.DataFrame]
) -> None:
    frame = make()
    found = sp.from_pandas(frame)
    oracle.register("in_memory", frame)
    expected = duckdb_answer(oracle, "FROM in_memory")
    assert_same(found, expected)
    assert found.columns == expected.names and list(found.schema.values()) == expected.types
    assert found.num_partitions == 1
    assert_same(sp.sql("FROM {0}", frame), expected)
    assert_same(sp.sql("FROM frame"), expected)
    assert_same(sp.partial_sql("FROM {0}", found.repartition(3)), expected)


def test_order_of_categories(sp: smallpond.Session, oracle: duckdb.DuckDBPyConnection) -> None:
    sizes = ["low", "mid", "high"]
    frame = pd.DataFrame({"o": pd.Categorical(["high", "low", "mid"], sizes, ordered=True)})
    oracle.register("frame", frame)
    sql = "SELECT o, o::VARCHAR || '!' AS s FROM frame WHERE o < 'high' ORDER BY o DESC"
    assert_same(sp.sql(sql), duckdb_answer(oracle, sql), order_by=["o"])
    back = sp.sql("FROM frame ORDER BY o").to_pandas()
    assert back["o"].tolist() == sizes
    # In the order of text they are text, which is faster and sorts the same.
    assert sp.from_pandas(pd.DataFrame({"o": pd.Categorical(sizes)})).schema == {"o": "VARCHAR"}


def test_a_name_that_is_empty(sp: smallpond.Session) -> None:
    for table in [pa.table({"": [1], "z": [2]}), pl.DataFrame({"": [1], "z": [2]})]:
        assert sp.from_arrow(table).take_all() == [{"v0": 1, "z": 2}], "DuckDB's name for it"
    assert sp.from_items([{"": 1, "z": 2}]).count() == 1
    assert sp.from_pandas(pd.DataFrame([[1, 2]], columns=["", "z"])).columns == ["v0", "z"]


@pytest.mark.parametrize(
    ("column", "reason"),
    [
        ([b"1", "x", 5], "'a' of type object, with values of bytes, int, str"),
        (pd.period_range("2026-01", periods=2, freq="M"), r"'a' holds periods"),
        ([1j, 2j], "complex"),
        (pd.arrays.SparseArray([0, 1]), "[Ss]parse"),
        ([object(), object()], "object"),
        (pd.Categorical(pd.period_range("2026-01", periods=2, freq="M")), "'a' holds periods"),
        (pd.cut([1, 2, 3], 2), r"'a' holds intervals"),
        ([[1, [2]]], "'a' of type object, with values of list"),
        ([datetime.time(1, tzinfo=zoneinfo.ZoneInfo("Europe/Berlin"))], "depends on the date"),
    ],
    ids=[
        "mixed_bytes",
        "periods",
        "complex",
        "sparse",
        "objects",
        "categories_of_periods",
        "categories_of_intervals",
        "lists_of_lists_and_others",
        "zone_without_offset",
    ],
)
def test_pandas_that_cant_be_read(sp: smallpond.Session, column: Any, reason: str) -> None:
    with pytest.raises(smallpond.InvalidInputError, match=reason):
        sp.from_pandas(pd.DataFrame({"a": column}))


def test_times_with_a_zone(sp: smallpond.Session, oracle: duckdb.DuckDBPyConnection) -> None:
    """Arrow has no type for them, so their texts are compared."""
    east, far = (datetime.timezone(datetime.timedelta(hours=hours)) for hours in (2, 11.5))
    values = [datetime.time(1, 2, 3, 4, tzinfo=east), None, datetime.time(23, tzinfo=far)]
    frame = pd.DataFrame({"t": values, "l": [values, [], None], "s": [{"x": v} for v in values]})
    kinds = ["TIME WITH TIME ZONE", "TIME WITH TIME ZONE[]", "STRUCT(x TIME WITH TIME ZONE)"]
    oracle.register("in_memory", frame)
    expected = duckdb_answer(oracle, "SELECT COLUMNS(*)::VARCHAR FROM in_memory")
    for found in (sp.from_pandas(frame), sp.from_items(frame.to_dict("records"))):
        assert list(found.schema.values()) == kinds
        assert_same(sp.sql("SELECT COLUMNS(*)::VARCHAR FROM {0}", found), expected)
    # Where some have none, no zone is lost. DuckDB's package fails on those west of Greenwich.
    west = datetime.timezone(-datetime.timedelta(hours=11, minutes=30))
    some = pd.DataFrame({"t": [datetime.time(1), datetime.time(2, tzinfo=west)]})
    texts = sp.sql("SELECT t::VARCHAR AS t FROM {0}", some).take_all()
    assert texts == [{"t": "01:00:00+00"}, {"t": "02:00:00-11:30"}]


ARROW: dict[str, Callable[[], Any]] = {
    "no_rows": lambda: pa.table({"a": pa.array([], pa.int32())}),
    "no_chunks": lambda: pa.table({"a": pa.chunked_array([], pa.string())}),
    "no_types": lambda: pa.table({"a": pa.nulls(3)}),
    "chunks": lambda: pa.table(
        {"a": pa.chunked_array([[1, 2], [], [3]]), "b": pa.chunked_array([["x"], ["y", None]])}
    ),
    "slice": lambda: pa.table({"a": range(100)}).slice(97),
    "same_names": lambda: pa.table([pa.array([1]), pa.array([2])], names=["a", "A"]),
    "hostile_names": lambda: pa.table({name: [1] for name in HOSTILE}),
    "dictionary": lambda: pa.table({"a": pa.array(["x", None, "x"]).dictionary_encode()}),
    "polars": lambda: pl.DataFrame(
        {
            "i": [1, None],
            "c": pl.Series(["p", "q"], dtype=pl.Categorical),
            "e": pl.Series(["p", "q"], dtype=pl.Enum(["q", "p"])),
            "l": [[1], []],
            "d": [decimal.Decimal("1.5"), None],
        }
    ),
    "scanner": lambda: pyarrow.dataset.dataset(pa.table({"a": [1, 2]})).scanner(),
    "polars_slice": lambda: pl.DataFrame({"a": range(100)}).slice(50, 2),
    "polars_no_rows": lambda: pl.DataFrame({"a": []}, schema={"a": pl.Int16}),
}


@pytest.mark.parametrize("make", ARROW.values(), ids=ARROW)
def test_arrow(
    sp: smallpond.Session, oracle: duckdb.DuckDBPyConnection, make: Callable[[], Any]
) -> None:
    table = make()
    oracle.register("in_memory", table.to_arrow() if isinstance(table, pl.DataFrame) else table)
    expected = duckdb_answer(oracle, "FROM in_memory")
    assert_same(sp.from_arrow(table), expected)
    assert_same(sp.sql("FROM table_", table_=table), expected)


# --- what else DuckDB takes for a table ---

ARRAYS: dict[str, Callable[[], Any]] = {
    "array": lambda: np.array([1, 2, 3]),
    "two_dimensions": lambda: np.array([[1, 2, 3], [4, 5, 6]]),
    "dict_of_arrays": lambda: {"a": np.array([1.5, np.nan]), "b": np.array([True, False])},
    "list_of_arrays": lambda: [np.array([1, 2], "int8"), np.array([3, 4], "datetime64[us]")],
    "half_floats": lambda: np.array([1.5, -2], dtype="float16"),
    "objects": lambda: {
        "mixed": np.array([1, "x", None], dtype=object),
        "text": np.array(["x", None, ""], dtype=object),
        "durations": np.array([datetime.timedelta(days=1), None, None], dtype=object),
        "moments": np.array([datetime.date(2026, 1, 31), datetime.datetime(2026, 1, 31), None]),
        "lists": np.array([[1, "x"], None, []], dtype=object),
    },
    "lazy_frame": lambda: pl.LazyFrame({"a": [1, 2]}).filter(pl.col("a") > 1),
}


@pytest.mark.parametrize("make", ARRAYS.values(), ids=ARRAYS)
def test_arrays_and_lazy_frames(
    sp: smallpond.Session, oracle: duckdb.DuckDBPyConnection, make: Callable[[], Any]
) -> None:
    value = make()
    found = oracle.sql("FROM value")
    types = [str(kind) for kind in found.types]
    expected = Answer(found.columns, types, found.to_arrow_table())
    assert_same(sp.sql("FROM value"), expected)
    assert_same(sp.sql("FROM {0}", value), expected)
    assert_same(sp.sql("FROM t", t=value), expected)
    assert_same(sp.from_arrow(value), expected)


def test_half_floats_of_arrow(sp: smallpond.Session) -> None:
    """DuckDB has no type for them."""
    table = pa.table({"a": pa.array([np.float16(1.5), None]), "l": [[np.float16(2)], []]})
    frame = sp.from_arrow(table)
    assert frame.schema == {"a": "FLOAT", "l": "FLOAT[]"}
    assert frame.take_all() == [{"a": 1.5, "l": [2.0]}, {"a": None, "l": []}]


@pytest.mark.parametrize(
    ("value", "advice"),
    [
        (pd.Series([1]), r"Series.*to_frame\(\)"),
        (pl.Series([1]), r"Series.*to_frame\(\)"),
        (pa.array([1]), r"pyarrow\.table"),
        (pa.chunked_array([[1]]), r"pyarrow\.table"),
        (np.zeros((2, 2, 2)), r"pandas\.DataFrame"),
        (np.array([(1, 2.0)], dtype=[("a", "i4"), ("b", "f8")]), r"pandas\.DataFrame"),
        ({"a": [1]}, r"pyarrow\.table"),
        ([1, 2], r"from_items"),
        (io.StringIO("a\n1"), r"read_csv\(\)"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_is_no_table_is_told_how_to_become_one(
    sp: smallpond.Session, value: Any, advice: str
) -> None:
    for read in [
        lambda: sp.sql("FROM {0}", value),
        lambda: sp.sql("FROM t", t=value),
        lambda: sp.from_arrow(value),
        lambda: sp.from_pandas(value),
    ]:
        with pytest.raises(TypeError, match=advice) as caught:
            read()
        assert isinstance(caught.value, smallpond.InvalidInputError)


def test_arrow_types_that_cant_be_read(sp: smallpond.Session) -> None:
    wide = decimal.Decimal("1" * 39)
    for table, reason in [
        (pa.table({"a": [1], "w": [wide]}), r"'w' has decimals of 256 bits.*decimal128"),
        (pa.table({"w": [[{"x": wide}]]}), r"'w' has decimals of 256 bits.*decimal128"),
        (pl.DataFrame({"q": pl.Series([1], dtype=pl.Int128)}), r"'q' has a type.*Cast it to Int64"),
    ]:
        for read in (sp.from_arrow, lambda t: sp.sql("FROM {0}", t)):
            with pytest.raises(smallpond.UnsupportedError, match=reason):
                read(table)


def test_arrays_that_are_no_table(sp: smallpond.Session) -> None:
    with pytest.raises(smallpond.InvalidInputError, match="column1 expected length 2"):
        sp.from_arrow([np.array([1, 2]), np.array([3])])
    with pytest.raises(smallpond.InvalidInputError, match=r"'a' of type timedelta64\[M\]"):
        sp.from_arrow({"a": np.array([1], "timedelta64[M]")})
    assert sp.sql("SELECT $x AS x", params={"x": np.array([1, 2])}).take_all() == [{"x": [1, 2]}]


def reader() -> pa.RecordBatchReader:
    batches = [pa.record_batch({"a": [1]}), pa.record_batch({"a": [2]})]
    return pa.RecordBatchReader.from_batches(batches[0].schema, iter(batches))


def test_reader_is_read_once(sp: smallpond.Session, fresh_sp: smallpond.Session) -> None:
    once = reader()
    frame = sp.from_arrow(once)
    assert frame.count() == 2 and frame.to_arrow()["a"].to_pylist() == [1, 2]
    assert sp.from_arrow(once).count() == 2, "the same rows"
    assert sp.sql("SELECT sum(a) AS s FROM once").take_all() == [{"s": 3}]
    assert sp.sql("FROM {0} UNION ALL FROM {1}", once, once).count() == 4
    with pytest.raises(smallpond.InvalidInputError, match="another session"):
        fresh_sp.from_arrow(once)
    assert fresh_sp.from_arrow(reader()).count() == 2


def test_reader_that_was_begun(sp: smallpond.Session) -> None:
    begun = reader()
    begun.read_next_batch()
    assert sp.from_arrow(begun).take_all() == [{"a": 2}]


def test_polars_objects_are_no_data(sp: smallpond.Session) -> None:
    """Polars hands out their addresses."""
    with pytest.raises(smallpond.InvalidInputError, match="'a' holds Python objects"):
        sp.from_arrow(pl.DataFrame({"a": [object()]}))


@pytest.mark.parametrize("table", [pa.table({}), pl.DataFrame(), pd.DataFrame(index=[1, 2])])
def test_no_columns(sp: smallpond.Session, table: Any) -> None:
    with pytest.raises(smallpond.InvalidInputError, match="no columns"):
        sp.from_arrow(table)


def test_items(sp: smallpond.Session) -> None:
    assert sp.from_items([None, None]).schema == {"item": "INTEGER"}
    assert sp.from_items([1, 2.5]).schema == {"item": "DOUBLE"}
    assert sp.from_items(np.array([1, 2])).count() == 2
    assert sp.from_items([{"a": None}, {"b": "x"}]).take_all() == [
        {"a": None, "b": None},
        {"a": None, "b": "x"},
    ]
    assert sp.from_items([{name: 1 for name in HOSTILE}]).columns == HOSTILE


def test_items_that_pyarrow_reads_otherwise(sp: smallpond.Session) -> None:
    day, moment = datetime.date(2026, 1, 31), datetime.datetime(2026, 1, 31, 5)
    frame = sp.from_items([{"i": datetime.timedelta(days=1), "m": day}, {"i": None, "m": moment}])
    assert frame.schema == {"i": "INTERVAL", "m": "TIMESTAMP"}
    texts = sp.sql("SELECT i::VARCHAR AS i, m FROM {0}", frame).take_all()
    assert [row["i"] for row in texts] == ["1 day", None] and texts[1]["m"] == moment
    rows = [{"s": {"d": datetime.timedelta(days=1), "f": float("nan")}}]
    sql = "SELECT s.f IS NULL AS is_null, s.d::VARCHAR AS d FROM {0}"
    assert sp.sql(sql, sp.from_items(rows)).take_all() == [{"is_null": False, "d": "1 day"}]


@pytest.mark.parametrize(
    ("items", "reason"),
    [
        ([], "empty"),
        ("abc", "list of items"),
        (b"abc", "list of items"),
        ({"a": 1}, "list of items"),
        (None, "list of items, not None"),
        (5, "list of items, not 5"),
        ([1, "x"], "common type"),
        ([{"a": 1}, 5], "item 1 is 5"),
        ([{"a": 1}, None], "item 1 is None"),
        ([{}, {}], "no columns"),
        ([2**70], "64 bits"),
        ([decimal.Decimal("1" * 39)], "'item' holds a decimal of more than 38 digits"),
        ([object()], "common type"),
    ],
)
def test_items_that_are_no_table(sp: smallpond.Session, items: Any, reason: str) -> None:
    with pytest.raises(smallpond.InvalidInputError, match=reason):
        sp.from_items(items)

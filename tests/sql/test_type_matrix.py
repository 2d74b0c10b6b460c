"""Every type to Parquet, Arrow, pandas, Python, Polars and text, and back: the same values."""

from __future__ import annotations

import datetime
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import smallpond
from type_table import VALUES, page, rows_sql, table_row

PAGE = Path(__file__).parents[2] / "docs" / "types.md"
KINDS = list(VALUES)
IN_ARROW = [kind for kind in KINDS if kind != "VARIANT"]

# In Parquet, a time with a zone is the moment in UTC.
IN_UTC = {
    "TIME WITH TIME ZONE": "timezone('UTC', x)",
    "TIME WITH TIME ZONE[]": "list_transform(x, lambda t: timezone('UTC', t))",
}
# What from_pandas() takes for another type that does not cast back, or for as many days in other
# months (test_pandas_types).
NOT_FROM_PANDAS = {"TIME_NS", "GEOMETRY", "UNION(num INTEGER, str VARCHAR)", "INTERVAL"}
# NaN is NULL in pandas.
NAN_IS_NULL = {"FLOAT", "DOUBLE"}
# DuckDB's own text is another one, or is not read as the type: as numbers, JSON has no more digits
# than DOUBLE, and a fraction of 38 digits is written without its zero. CSV has 'NULL' for a union.
NOT_FROM_TEXT = {
    "csv": {"UNION(num INTEGER, str VARCHAR)"},
    "json": {"BIGNUM", "BLOB", "BIT", "BIT[]", "VARIANT", "JSON"}
    | {"DECIMAL(18,6)", "DECIMAL(38,38)"},
}
# Python values without a type of a parameter, or one that DuckDB does not cast to this.
NO_PARAM = {"GEOMETRY", "BIGNUM", "TIME_NS"}


def texts(oracle: duckdb.DuckDBPyConnection, kind: str, of: str = "x") -> list[str | None]:
    """The values as plain DuckDB writes them, which tells every two values of a type apart."""
    sql = f"SELECT ({of})::VARCHAR FROM ({rows_sql(kind)}) ORDER BY i"
    return [row[0] for row in oracle.execute(sql).fetchall()]


def texts_of(sp: smallpond.Session, kind: str, frame: Any) -> list[str | None]:
    """The values of a frame that came back, as the type that they had."""
    sql = f"SELECT x::{kind}::VARCHAR AS t FROM {{0}} ORDER BY i"
    if kind == "TIMESTAMP_S":  # DuckDB has no cast from milliseconds.
        sql = sql.replace("x::", "x::TIMESTAMP::")
    return [row["t"] for row in sp.sql(sql, frame).take_all()]


@pytest.fixture
def make(sp: smallpond.Session) -> Callable[[str], smallpond.DataFrame]:
    return lambda kind: sp.sql(rows_sql(kind))


Make = Callable[[str], smallpond.DataFrame]


@pytest.mark.parametrize("kind", KINDS)
def test_the_page_tells_what_happens(sp: smallpond.Session, kind: str, tmp_path: Path) -> None:
    assert table_row(sp, kind, tmp_path) in PAGE.read_text().splitlines()


def test_the_page_is_whole(sp: smallpond.Session) -> None:
    """Where this fails: python tests/sql/type_table.py > docs/types.md"""
    assert PAGE.read_text() == "\n".join(page(sp)) + "\n"


def test_no_type_is_forgotten(oracle: duckdb.DuckDBPyConnection) -> None:
    sql = "SELECT DISTINCT logical_type FROM duckdb_types() WHERE database_name = 'system'"
    names = {name for (name,) in oracle.execute(sql).fetchall()}
    names -= {"NULL", "TYPE"}  # A column of NULLs is an INTEGER; TYPE is in test_type_errors.
    names -= {"LIST", "ARRAY", "STRUCT", "MAP", "UNION", "DECIMAL", "ENUM"}  # With arguments.
    assert names <= set(KINDS)


@pytest.mark.parametrize("kind", KINDS)
def test_parquet(
    sp: smallpond.Session,
    oracle: duckdb.DuckDBPyConnection,
    make: Make,
    tmp_path: Path,
    kind: str,
) -> None:
    make(kind).write_parquet(tmp_path / "out")
    expected = texts(oracle, kind, IN_UTC.get(kind, "x"))
    assert texts_of(sp, kind, sp.read_parquet(tmp_path / "out")) == expected
    found = oracle.execute(f"SELECT count(x), count(*) FROM '{tmp_path}/out/*.parquet'").fetchone()
    assert found == (len(VALUES[kind]), len(VALUES[kind]) + 1), "others can read it, too"


@pytest.mark.parametrize("kind", IN_ARROW)
def test_arrow(
    sp: smallpond.Session, oracle: duckdb.DuckDBPyConnection, make: Make, kind: str
) -> None:
    """As a table, as a stream, as a result that is kept, and from pyarrow's own file format."""
    frame = make(kind)
    table = frame.to_arrow()
    expected = texts(oracle, kind)
    assert texts_of(sp, kind, sp.from_arrow(table)) == expected
    assert texts_of(sp, kind, frame) == expected, "of the kept result"
    streamed = pa.table(frame)
    assert streamed.schema == table.schema
    assert texts_of(sp, kind, streamed) == expected
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    assert texts_of(sp, kind, pa.ipc.open_stream(sink.getvalue()).read_all()) == expected
    assert texts_of(sp, kind, pa.concat_tables([table, table.slice(0, 0)]).slice(0)) == expected


@pytest.mark.parametrize(
    "kind",
    [kind for kind in IN_ARROW if not any(odd in kind for odd in ("INTERVAL", "UNION", "')[]"))],
)
def test_polars(
    sp: smallpond.Session, oracle: duckdb.DuckDBPyConnection, make: Make, kind: str
) -> None:
    assert texts_of(sp, kind, pl.DataFrame(make(kind))) == texts(oracle, kind)


@pytest.mark.parametrize("kind", IN_ARROW)
def test_pandas(
    sp: smallpond.Session, oracle: duckdb.DuckDBPyConnection, make: Make, kind: str
) -> None:
    frame = make(kind)
    found = frame.to_pandas()
    for mine, row in zip(found["x"], frame.take_all(), strict=True):
        assert is_same(mine, row["x"]), (mine, row["x"])
    if kind not in NOT_FROM_PANDAS and "MAP" not in kind:
        expected = texts(oracle, kind)
        if kind in NAN_IS_NULL:
            expected = [None if text == "nan" else text for text in expected]
        assert texts_of(sp, kind, found) == expected


@pytest.mark.parametrize("kind", IN_ARROW)
def test_python_values_as_params(
    sp: smallpond.Session, oracle: duckdb.DuckDBPyConnection, make: Make, kind: str
) -> None:
    """What take_all() gives can be given back."""
    if kind in NO_PARAM or "INTERVAL" in kind or "MAP" in kind:
        pytest.skip("no parameter has this type")
    for row, text in zip(make(kind).take_all(), texts(oracle, kind), strict=True):
        sql = f"SELECT ?::{kind}::VARCHAR AS t"
        assert sp.sql(sql, params=[row["x"]]).take_all() == [{"t": text}]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("format", ["csv", "json"])
def test_text(
    sp: smallpond.Session,
    oracle: duckdb.DuckDBPyConnection,
    make: Make,
    tmp_path: Path,
    kind: str,
    format: str,
) -> None:
    if kind in NOT_FROM_TEXT[format]:
        pytest.skip("not text that is read back")
    written = {"nullstr": "\\N"} if format == "csv" else {}
    getattr(make(kind), f"write_{format}")(tmp_path / "out", **written)
    read = getattr(sp, f"read_{format}")
    # Else CSV has one text for NULL and "".
    options = {"header": True, "nullstr": "\\N"} if format == "csv" else {}
    frame = read(tmp_path / "out", {"i": "INTEGER", "x": kind}, **options)
    assert texts_of(sp, kind, frame) == texts(oracle, kind)


def is_same(pandas_value: Any, value: Any) -> bool:
    """Whether pandas' value is the Python value: NaN for None, arrays for lists."""
    if value is None:
        return pandas_value is None or pandas_value is pd.NA or pandas_value != pandas_value
    if isinstance(pandas_value, pd.Timestamp) and type(value) is datetime.date:
        return pandas_value.time() == datetime.time() and pandas_value.date() == value
    if isinstance(pandas_value, pd.Timedelta):
        days = pd.Timedelta(days=30 * value.months + value.days)
        return pandas_value == days + pd.Timedelta(value.nanoseconds, "ns")
    if isinstance(pandas_value, np.ndarray):
        return isinstance(value, list) and is_same(list(pandas_value), value)
    if type(value).__name__ == "MonthDayNano":
        parts = ("months", "days", "nanoseconds")
        return all(getattr(pandas_value, part) == getattr(value, part) for part in parts)
    if isinstance(value, (list, tuple)):
        pairs = zip(pandas_value, value, strict=True)
        return len(pandas_value) == len(value) and all(is_same(a, b) for a, b in pairs)
    if isinstance(value, dict):
        return list(pandas_value) == list(value) and all(
            is_same(pandas_value[name], value[name]) for name in value
        )
    if isinstance(value, float) and math.isnan(value):
        return bool(np.isnan(pandas_value))
    return bool(pandas_value == value)

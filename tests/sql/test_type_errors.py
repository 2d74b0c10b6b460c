"""A value or a type that another side can't hold is an error that names the column."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pandas as pd
import pyarrow as pa
import pytest
import smallpond

HUGE = "170141183460469231731687303715884105727::HUGEINT"
NESTINGS = ["{0}", "[{0}]", "{{'a': [{0}]}}", "MAP {{'k': {0}}}", "union_value(u := {0})"]

PARQUET = [
    HUGE, "(-99999999999999999999999999999999999999::HUGEINT - 1)",
    "340282366920938463463374607431768211455::UHUGEINT",
    "INTERVAL '1 microsecond'", "INTERVAL '-1 month'", "INTERVAL '-1 day'",
    "INTERVAL '-1 second'", "to_seconds(4294968)",
]  # fmt: skip
ARROW = [*PARQUET[:3], "to_seconds(9223372037)", "to_seconds(-9223372037)"]
PYTHON = [
    "DATE 'infinity'", "DATE '10000-01-01'", "TIMESTAMP '-infinity'", "TIMESTAMPTZ 'infinity'",
    "TIMESTAMP_S '10000-01-01'", "TIMESTAMP '0001-01-01 (BC) 00:00:00'", "TIME '24:00:00'",
    "TIME_NS '12:00:00.123456789'", "TIME_NS '24:00:00'",
]  # fmt: skip


@pytest.mark.parametrize("nesting", NESTINGS)
@pytest.mark.parametrize("value", PARQUET)
def test_parquet(sp: smallpond.Session, tmp_path: Path, value: str, nesting: str) -> None:
    frame = sp.sql(f"SELECT 1 AS a, {nesting.format(value)} AS odd")
    with pytest.raises(smallpond.InvalidInputError, match=r"'odd' holds (?s:.*)VARCHAR"):
        frame.write_parquet(tmp_path / "out")
    assert not list((tmp_path / "out").glob("*.parquet"))


@pytest.mark.parametrize("nesting", NESTINGS)
@pytest.mark.parametrize("value", ARROW)
def test_arrow(sp: smallpond.Session, value: str, nesting: str) -> None:
    frame = sp.sql(f"SELECT 1 AS a, {nesting.format(value)} AS odd")
    for hand_out in [frame.to_arrow, frame.to_pandas, frame.take_all]:
        with pytest.raises(smallpond.InvalidInputError, match=r"'odd' holds (?s:.*)VARCHAR"):
            hand_out()
    with pytest.raises((smallpond.InvalidInputError, OSError), match=r"'odd' holds"):
        pa.table(frame)


@pytest.mark.parametrize("nesting", NESTINGS)
@pytest.mark.parametrize("value", PYTHON)
def test_python(sp: smallpond.Session, value: str, nesting: str) -> None:
    """Arrow holds them, and hands them back."""
    sql = f"SELECT 1 AS a, {nesting.format(value)} AS odd"
    frame = sp.sql(sql)
    with pytest.raises(smallpond.InvalidInputError, match=r"'odd' of type (?s:.*)VARCHAR"):
        frame.take_all()
    [text] = duckdb.execute(f"SELECT odd::VARCHAR FROM ({sql})").fetchone() or [None]
    back = sp.sql("SELECT odd::VARCHAR AS t FROM {0}", sp.from_arrow(frame.to_arrow()))
    assert back.take_all() == [{"t": text}]


@pytest.mark.parametrize(
    "value", ["DATE 'infinity'", "TIME '24:00:00'", "TIME_NS '00:00:00.1234567'"]
)
def test_pandas(sp: smallpond.Session, value: str) -> None:
    for odd in [value, f"[{value}]"]:
        with pytest.raises(smallpond.InvalidInputError, match="'odd' of type"):
            sp.sql(f"SELECT 1 AS a, {odd} AS odd").to_pandas()


@pytest.mark.parametrize(
    "value", ["1::VARIANT", "[1::VARIANT]", "{'a': 1::VARIANT}", "get_type(1)"]
)
def test_types_that_arrow_does_not_have(sp: smallpond.Session, value: str) -> None:
    frame = sp.sql(f"SELECT 1 AS a, {value} AS odd")
    for hand_out in [frame.to_arrow, frame.to_pandas, frame.take_all, lambda: pa.table(frame)]:
        with pytest.raises(smallpond.UnsupportedError, match=r"'odd' has type .*VARCHAR"):
            hand_out()
    assert frame.count() == 1
    assert sp.sql("SELECT odd::VARCHAR AS t FROM {0}", frame).count() == 1


def test_bounds_that_fit(sp: smallpond.Session, tmp_path: Path) -> None:
    frame = sp.sql("""
        SELECT (10::HUGEINT ** 0)::HUGEINT * 99999999999999999999999999999999999999 AS h,
               to_milliseconds(4294967295) AS p, NULL::INTERVAL AS n
    """)
    frame.write_parquet(tmp_path / "out")
    assert sp.read_parquet(tmp_path / "out").take_all() == frame.take_all()


def test_wide_integers_of_pandas(sp: smallpond.Session) -> None:
    values = [2**64, None, -(10**37)]
    frame = sp.from_pandas(pd.DataFrame({"i": [1, 2, 3], "x": pd.Series(values, dtype=object)}))
    assert frame.schema == {"i": "BIGINT", "x": "DECIMAL(38,0)"}
    assert [row["x"] for row in frame.take_all()] == values
    for mixed in [[2**64, "text"], [10**38, 1]]:  # As DuckDB does.
        read = sp.from_pandas(pd.DataFrame({"x": pd.Series(mixed, dtype=object)}))
        assert [row["x"] for row in read.take_all()] == [str(value) for value in mixed]


def test_nanoseconds_of_a_parameter(sp: smallpond.Session) -> None:
    value = pd.Timestamp("2026-01-31 12:00:00.123456789")
    [row] = sp.sql("SELECT ?::VARCHAR AS t", params=[value]).take_all()
    assert row["t"] == "2026-01-31 12:00:00.123456789"
    with pytest.raises(smallpond.InvalidInputError, match="nanoseconds"):
        sp.sql("SELECT ?", params=[value.tz_localize("UTC")])

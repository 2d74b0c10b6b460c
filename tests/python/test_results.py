"""Handing rows to Python: pandas, Arrow tables, dicts and text."""

from __future__ import annotations

import decimal

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import smallpond

BIG = 2**53 + 1  # The first integer that float64 does not hold.


# --- to_pandas ---


def column(sp: smallpond.Session, values: str) -> pd.Series:
    return sp.sql(f"SELECT x FROM (VALUES {values}) v(x)").to_pandas()["x"]


def test_hugeints_that_fit_become_int64(sp: smallpond.Session) -> None:
    frame = sp.sql("SELECT sum(i) AS s, count(*)::UHUGEINT AS u FROM range(10) t(i)").to_pandas()
    assert dict(frame.dtypes) == {"s": np.dtype("int64"), "u": np.dtype("int64")}
    assert frame["s"].tolist() == [45]
    edges = column(sp, f"({2**63 - 1}::HUGEINT), (-{2**63}::HUGEINT)")
    assert edges.dtype == np.dtype("int64")
    assert edges.tolist() == [2**63 - 1, -(2**63)]


def test_wider_hugeints_become_python_ints(sp: smallpond.Session) -> None:
    found = column(sp, f"({2**63}::HUGEINT), (1), (NULL), (-{10**37}::HUGEINT)").tolist()
    assert found == [2**63, 1, None, -(10**37)]
    assert [type(value) for value in found] == [int, int, type(None), int]


def test_hugeints_with_nulls(sp: smallpond.Session) -> None:
    assert column(sp, "(5::HUGEINT), (NULL)").tolist()[0] == 5
    assert column(sp, f"({BIG}::HUGEINT), (NULL)").tolist() == [BIG, pd.NA]


def test_decimals_stay_decimals(sp: smallpond.Session) -> None:
    found = column(sp, "(5::DECIMAL(38, 0)), (NULL)").tolist()
    assert found == [decimal.Decimal(5), None] and isinstance(found[0], decimal.Decimal)


@pytest.mark.parametrize("value", [BIG, -BIG, 2**63 - 1, -(2**63)])
def test_bigints_with_nulls_lose_no_digit(sp: smallpond.Session, value: int) -> None:
    found = column(sp, f"({value}), (NULL)").tolist()
    assert found == [value, pd.NA] and isinstance(found[0], int)


def test_small_integers_with_nulls_stay_integers(sp: smallpond.Session) -> None:
    found = column(sp, "(5), (NULL)")
    assert found.dtype == pd.Int32Dtype()
    assert found[0] == 5 and found[1] is pd.NA


def test_unsigned_integers(sp: smallpond.Session) -> None:
    assert column(sp, "(18446744073709551615::UBIGINT)").tolist() == [2**64 - 1]
    assert column(sp, "(18446744073709551615::UBIGINT), (NULL)").tolist() == [2**64 - 1, pd.NA]


def test_pandas_types(sp: smallpond.Session) -> None:
    frame = sp.sql("""
        SELECT 1 AS i, 1.5::DOUBLE AS d, 'x' AS s, true AS b, DATE '2026-01-31' AS day,
               TIMESTAMP '2026-01-31 12:00' AS t, [1, 2] AS l, {'a': 1} AS m,
               1.50::DECIMAL(4, 2) AS c
    """).to_pandas()
    assert list(frame.columns) == ["i", "d", "s", "b", "day", "t", "l", "m", "c"]
    [row] = frame.to_dict("records")
    assert row["i"] == 1 and row["d"] == 1.5 and row["s"] == "x" and row["b"] is True
    assert row["day"] == pd.Timestamp("2026-01-31") and row["t"] == pd.Timestamp("2026-01-31 12:00")
    assert list(row["l"]) == [1, 2] and row["m"] == {"a": 1}
    assert row["c"] == decimal.Decimal("1.50")
    assert list(frame.index) == [0]


def test_no_rows_keep_columns_and_types(sp: smallpond.Session) -> None:
    frame = sp.sql("SELECT 1 AS i, 1::HUGEINT AS h, 'x' AS s WHERE false").to_pandas()
    assert list(frame.columns) == ["i", "h", "s"] and len(frame) == 0
    assert frame["i"].dtype == np.dtype("int32") and frame["h"].dtype == np.dtype("int64")


def test_pandas_round_trip(sp: smallpond.Session) -> None:
    """The index is left out, as DuckDB does."""
    frame = pd.DataFrame({"x": [3, 1, 2], "s": ["a", None, "c"]}, index=[7, 8, 9])
    found = sp.sql("FROM {0}", frame).to_pandas()
    assert found["x"].tolist() == [3, 1, 2] and found["s"].isna().tolist() == [False, True, False]
    assert list(found.index) == [0, 1, 2]


def test_categories_are_enums(sp: smallpond.Session) -> None:
    frame = pd.DataFrame({"c": pd.Categorical(["b", "a", None], categories=["a", "b"])})
    assert sp.sql("SELECT c FROM {0} WHERE c = 'b'", frame).take_all() == [{"c": "b"}]


# --- to_arrow, take ---


def test_arrow(sp: smallpond.Session) -> None:
    table = sp.sql("SELECT i, sum(i) AS s FROM range(3) t(i) GROUP BY i ORDER BY i").to_arrow()
    assert isinstance(table, pa.Table)
    assert table.schema == pa.schema([("i", pa.int64()), ("s", pa.decimal128(38, 0))])
    assert table.column("s").to_pylist() == [0, 1, 2]


def test_order_is_kept(sp: smallpond.Session) -> None:
    frame = sp.sql("SELECT hash(i) AS h, i FROM range(300_000) t(i) ORDER BY h")
    for found in [frame.to_arrow()["h"].to_pylist(), [row["h"] for row in frame.take(1000)]]:
        assert found == sorted(found) and len(found) in (300_000, 1000)


def test_take(sp: smallpond.Session) -> None:
    frame = sp.sql("SELECT i, sum(i) AS s FROM range(10) t(i) GROUP BY i ORDER BY i")
    assert frame.take(2) == [{"i": 0, "s": 0}, {"i": 1, "s": 1}]
    assert all(isinstance(row["s"], int) for row in frame.take(2))
    assert frame.take(0) == []
    assert len(frame.take(100)) == len(frame.take_all()) == 10
    with pytest.raises(smallpond.InvalidInputError, match="at least 0"):
        frame.take(-1)


def test_columns_of_one_name(sp: smallpond.Session) -> None:
    """A dict would lose the first; the numbers are those of DuckDB's subqueries."""
    frame = sp.sql("SELECT 1 AS a, 'x' AS a, 3 AS b, 4 AS a_1, 5 AS a")
    assert frame.columns == ["a", "a", "b", "a_1", "a"] == frame.to_arrow().column_names
    assert list(frame.to_pandas().columns) == frame.columns
    expected = {"a": 1, "a_1": "x", "b": 3, "a_1_1": 4, "a_2": 5}
    assert frame.take(5) == frame.take_all() == [expected]
    assert list(frame.schema.items()) == [
        (name, "VARCHAR" if name == "a_1" else "INTEGER") for name in expected
    ]
    assert sp.sql("FROM {0}", frame).columns == list(expected)
    twice = sp.sql("SELECT 1 AS a, 2 AS a")
    assert twice.take(1) == sp.sql("FROM {0}", twice).take(1) == [{"a": 1, "a_1": 2}]


def test_take_gives_wide_integers(sp: smallpond.Session) -> None:
    [row] = sp.sql(f"SELECT {10**37}::HUGEINT AS h, NULL::HUGEINT AS n").take_all()
    assert row == {"h": 10**37, "n": None} and isinstance(row["h"], int)


def test_count(sp: smallpond.Session) -> None:
    assert sp.sql("SELECT 1 WHERE false").count() == 0
    assert sp.sql("FROM range(1_000_000)").count() == 1_000_000
    assert sp.sql("FROM range(10) LIMIT 3").count() == 3


def test_names_and_types_without_running(sp: smallpond.Session) -> None:
    frame = sp.sql("SELECT error('never run') AS e, 1 AS i, [1.5] AS l")
    assert frame.columns == ["e", "i", "l"]
    assert frame.schema["i"] == "INTEGER" and frame.schema["l"] == "DECIMAL(2,1)[]"


# --- text ---


def test_show(sp: smallpond.Session, capsys: pytest.CaptureFixture[str]) -> None:
    sp.sql("SELECT i AS number, 'ünï' AS text FROM range(3) t(i)").show()
    out = capsys.readouterr().out
    assert "number" in out and "int64" in out and "ünï" in out and out.endswith("\n")
    assert capsys.readouterr().err == ""


def test_show_is_short(sp: smallpond.Session, capsys: pytest.CaptureFixture[str]) -> None:
    frame = sp.sql("SELECT i + 10000000 AS i FROM range(5000) t(i)")
    frame.show()
    out = capsys.readouterr().out
    assert out.count("10000") <= 22 and "5000 rows" in out
    frame.show(3)
    assert len(capsys.readouterr().out.splitlines()) < len(out.splitlines())


def test_show_does_not_claim_to_know_all(
    sp: smallpond.Session, capsys: pytest.CaptureFixture[str]
) -> None:
    sp.sql("FROM range(100_000)").show()
    assert "10000 rows\n" not in capsys.readouterr().out


def test_repr_runs_nothing(sp: smallpond.Session) -> None:
    frame = sp.sql("SELECT error('never run') AS e, 1 AS i")
    assert "i INTEGER" in repr(frame) and repr(frame) == str(frame)
    assert "7 partitions" in repr(frame.repartition(7))


def test_html_escapes(sp: smallpond.Session) -> None:
    html = sp.sql("""SELECT '<script>alert(1)</script>&"' AS "<b>", NULL AS n""")._repr_html_()
    assert "<script" not in html and "<b>" not in html
    assert "&lt;script&gt;" in html and "&lt;b&gt;" in html and "&amp;" in html
    assert "NULL" in html


def test_html_is_short(sp: smallpond.Session) -> None:
    html = sp.sql("FROM range(1000)")._repr_html_()
    assert 20 <= html.count("<tr") <= 23


def test_explain(sp: smallpond.Session, events: smallpond.DataFrame) -> None:
    frame = sp.sql("SELECT kind, count(*) FROM {0} GROUP BY kind", events.repartition(7))
    text = frame.explain()
    assert "one DuckDB in this process" in text and "2 threads" in text
    assert "sql: SELECT kind" in text and "repartition(7)" in text and "elided" in text
    assert "read_parquet" in text and "events.parquet" in text
    assert "HASH_GROUP_BY" in text, "DuckDB's plan"
    assert repr(text) == text, "a prompt shows its lines"


def test_explain_of_concat(sp: smallpond.Session, events: smallpond.DataFrame) -> None:
    concat = sp.partial_sql("SELECT count(*) FROM {0}", events.repartition(7), merge="concat")
    text = concat.explain()
    assert "run on each of 7 partitions" in text and "carried out" in text

"""`params` are typed constants: the same types and values as DuckDB's own Python package makes."""

from __future__ import annotations

import datetime as dt
import decimal
import uuid
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pytest
import smallpond
from oracle import is_same_value

UTC = dt.timezone.utc
INDIA = dt.timezone(dt.timedelta(hours=5, minutes=30))

LIKE_DUCKDB = [
    None, True, False,
    0, 42, -5, 2**31 - 1, 2**31, -(2**31), -(2**31) - 1, 2**63 - 1, -(2**63),
    1.5, -0.0, 1e300, float("inf"), float("-inf"), float("nan"),
    "", "x", "ünï\U0001f600", "a\0b", "x" * 100_000,
    b"", b"abc", b"\0\xff", bytearray(b"abc"), memoryview(b"abc"),
    decimal.Decimal("1.50"), decimal.Decimal("-0.001"), decimal.Decimal("0"),
    decimal.Decimal("12345678901234567890.123456789012345678"),
    decimal.Decimal("9" * 38), decimal.Decimal("0." + "1" * 38), decimal.Decimal("0.00"),
    dt.date(2026, 1, 31), dt.date(1, 1, 1), dt.date(9999, 12, 31),
    dt.datetime(2026, 1, 31, 12, 30, 15, 123456), dt.datetime(2026, 1, 31, 12, 30, tzinfo=UTC),
    dt.datetime(2026, 1, 31, 12, 30, tzinfo=INDIA),
    dt.time(12, 30, 15, 123456),
    dt.timedelta(days=400, seconds=3, microseconds=5), dt.timedelta(seconds=-1),
    uuid.UUID("12345678-1234-5678-1234-567812345678"),
    [1, 2, 3], (1, 2), [1, None, 2.5], [[1], [2, 3]], ["a", None],
    {"a": 1}, {"a": 1, "b": {"c": "x", "d": [1.5]}}, [{"a": 1}, {"a": 2}],
    {"a b": 1, 'quo"te': 2},
]  # fmt: skip

ANSWERED = "SELECT ? AS x"


def answer(sp: smallpond.Session, value: Any) -> tuple[str, Any]:
    frame = sp.sql(ANSWERED, params=[value])
    return frame.schema["x"], frame.to_arrow().column("x").to_pylist()[0]


def duckdb_answer(value: Any) -> tuple[str, Any]:
    table = duckdb.execute(
        f"SELECT x, typeof(x) AS type FROM ({ANSWERED})", [value]
    ).to_arrow_table()
    [row] = table.to_pylist()
    return row["type"], row["x"]


@pytest.mark.parametrize("value", LIKE_DUCKDB, ids=lambda value: type(value).__name__)
def test_type_and_value_are_duckdbs(sp: smallpond.Session, value: Any) -> None:
    kind, found = answer(sp, value)
    duckdb_kind, expected = duckdb_answer(value)
    if value is None:  # A result's column of type NULL is an INTEGER.
        duckdb_kind = "INTEGER"
    assert kind == duckdb_kind
    assert is_same_value(found, expected)


@pytest.mark.parametrize(
    ("value", "kind", "expected"),
    [
        (2**63, "HUGEINT", decimal.Decimal(2**63)),
        (-(2**127), "HUGEINT", None),
        (2**127 - 1, "HUGEINT", None),
        (decimal.Decimal("1E+5"), "DECIMAL(6,0)", decimal.Decimal(100000)),
        (decimal.Decimal("1E-38"), "DECIMAL(38,38)", decimal.Decimal("1E-38")),
        (decimal.Decimal("NaN"), "DOUBLE", float("nan")),
        (dt.time(12, 30, tzinfo=UTC), "TIME WITH TIME ZONE", "12:30:00+00"),
        (np.int64(3), "INTEGER", 3),
        (np.float32(1.5), "DOUBLE", 1.5),
        (np.bool_(True), "BOOLEAN", True),
        (np.str_("x"), "VARCHAR", "x"),
        (np.longdouble(1.5), "DOUBLE", 1.5),
        (np.uint64(2**64 - 1), "HUGEINT", None),
        (2**127, "UHUGEINT", None),
        (
            np.datetime64("2026-01-31T12:00:00.000001999", "ns"),
            "TIMESTAMP",
            dt.datetime(2026, 1, 31, 12, 0, 0, 1),
        ),
        (np.timedelta64(1500, "ns"), "INTERVAL", None),
        (
            np.array(["2026-01-31"], "datetime64[ns]"),
            "TIMESTAMP[]",
            [dt.datetime(2026, 1, 31)],
        ),
        (pd.Timestamp("2026-01-31 12:00", tz="Asia/Kolkata"), "TIMESTAMP WITH TIME ZONE", None),
        (decimal.Decimal("sNaN"), "DOUBLE", float("nan")),
        (np.array([1, 2]), "INTEGER[]", [1, 2]),
        (np.datetime64("2026-01-31"), "DATE", dt.date(2026, 1, 31)),
        (pd.Timestamp("2026-01-31 12:00"), "TIMESTAMP", dt.datetime(2026, 1, 31, 12)),
        (pd.Timedelta(seconds=5), "INTERVAL", None),
        (pd.NaT, "INTEGER", None),
        (pd.NA, "INTEGER", None),
        ([], "INTEGER[]", []),
        ([None], "INTEGER[]", [None]),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_duckdb_has_no_rule_for(
    sp: smallpond.Session, value: Any, kind: str, expected: Any
) -> None:
    found = sp.sql(ANSWERED, params=[value])
    assert found.schema["x"] == kind
    if expected is not None:
        assert is_same_value(found.to_arrow().column("x").to_pylist()[0], expected)


def test_wide_integers_are_exact(sp: smallpond.Session) -> None:
    for value in [2**63, 2**64, 2**127 - 1, -(2**127), 2**127, 2**128 - 1]:
        rows = sp.sql("SELECT ?::VARCHAR AS x", params=[value]).take_all()
        assert rows == [{"x": str(value)}]
    for value in [2**128, -(2**127) - 1]:
        with pytest.raises(smallpond.InvalidInputError, match="128 bits"):
            sp.sql("SELECT ?", params=[value])


def test_too_wide_decimal(sp: smallpond.Session) -> None:
    for text in ["9" * 39, "0." + "1" * 39, "1E+40"]:
        with pytest.raises(smallpond.InvalidInputError, match="38 digits"):
            sp.sql("SELECT ?", params=[decimal.Decimal(text)])


@pytest.mark.parametrize(
    "value",
    [{1, 2}, object(), range(3), 1j, len, np.timedelta64(3, "M"), Ellipsis],
    ids=lambda value: type(value).__name__,
)
def test_what_sql_has_no_type_for(sp: smallpond.Session, value: Any) -> None:
    with pytest.raises(smallpond.InvalidInputError, match=type(value).__name__):
        sp.sql("SELECT ?", params=[value])
    with pytest.raises(smallpond.InvalidInputError, match=type(value).__name__):
        sp.sql("SELECT ?", params=[[value]])


def test_text_that_is_no_unicode(sp: smallpond.Session) -> None:
    for value in ["\ud800", ["\ud800"], {"a": "\ud800"}]:
        with pytest.raises(smallpond.InvalidInputError, match="Unicode"):
            sp.sql("SELECT ?", params=[value])


def test_list_that_holds_itself(sp: smallpond.Session) -> None:
    endless: list[Any] = []
    endless.append({"a": endless})
    with pytest.raises(smallpond.InvalidInputError, match="holds itself"):
        sp.sql("SELECT ?", params=[endless])


@pytest.mark.parametrize(
    "params", [5, 1.5, len, pd.DataFrame({"x": [1]})], ids=["int", "float", "function", "frame"]
)
def test_params_of_another_type(sp: smallpond.Session, params: Any) -> None:
    for call in [sp.sql, sp.partial_sql, sp.execute]:
        with pytest.raises(smallpond.InvalidInputError, match="params must be a list or a dict"):
            call("SELECT ?", params=params)


@pytest.mark.parametrize("merge", ["auto", "concat"])
def test_on_partitions(sp: smallpond.Session, merge: str) -> None:
    rows = sp.sql("SELECT i, i % 3 AS k FROM range(30) t(i)").repartition(4, hash_by="k")
    sql = "SELECT k + ? AS k, sum(i * ?) AS s FROM {0} WHERE i >= ? GROUP BY ALL"
    found = sp.partial_sql(sql, rows, params=[10, 2, 6], merge=merge)
    named = "SELECT k + $more AS k, sum(i * $a) AS s FROM {0} WHERE i >= $b GROUP BY ALL"
    again = sp.partial_sql(named, rows, params={"a": 2, "b": 6, "more": 10}, merge=merge)
    expected = duckdb.execute(
        "SELECT 10 + i % 3 AS k, sum(i * 2) AS s FROM range(6, 30) t(i) GROUP BY ALL ORDER BY ALL"
    ).fetchall()
    for frame in [found, again]:
        assert sorted(tuple(row.values()) for row in frame.take_all()) == expected
    for bad in [None, [1], [1, 2, 3, 4]]:
        with pytest.raises(smallpond.InvalidInputError, match=r"\$\d.*(?s:.)*SELECT"):
            sp.partial_sql(sql, rows, params=bad, merge=merge)
    with pytest.raises(smallpond.Error, match="Mixing"):  # Of one kind or the other.
        sp.partial_sql(named.replace("$b", "?"), rows, params=[1], merge=merge)


@pytest.mark.parametrize("value", LIKE_DUCKDB, ids=lambda value: type(value).__name__)
def test_type_and_value_in_execute(fresh_sp: smallpond.Session, value: Any) -> None:
    fresh_sp.execute("CREATE TABLE t AS SELECT $v AS x", params={"v": value})
    fresh_sp.execute("SET VARIABLE v = ?", params=[value])
    [row] = fresh_sp.sql("SELECT x, getvariable('v') AS y FROM t").to_arrow().to_pylist()
    [expected] = fresh_sp.sql("SELECT ? AS x", params=[value]).to_arrow().to_pylist()
    assert is_same_value(row["x"], expected["x"])
    if not isinstance(value, bytes):
        assert is_same_value(row["y"], expected["x"])


def test_empty_dict(sp: smallpond.Session) -> None:
    """A STRUCT has at least one field."""
    with pytest.raises(smallpond.InvalidInputError):
        sp.sql("SELECT ?", params=[{}])


# --- the ways to name them ---


def test_list_and_dict(sp: smallpond.Session) -> None:
    expected = [{"a": 1, "b": "x"}]
    assert sp.sql("SELECT ? AS a, ? AS b", params=[1, "x"]).take_all() == expected
    assert sp.sql("SELECT ? AS a, ? AS b", params=(1, "x")).take_all() == expected
    assert sp.sql("SELECT $2 AS a, $1 AS b", params=["x", 1]).take_all() == expected
    assert sp.sql("SELECT $n AS a, $s AS b", params={"n": 1, "s": "x"}).take_all() == expected
    assert sp.sql("SELECT $1 AS a, $1 AS b", params=[1]).take_all() == [{"a": 1, "b": 1}]


def test_everywhere_in_a_query(sp: smallpond.Session, events: smallpond.DataFrame) -> None:
    sql = """
        WITH bought AS (FROM {0} WHERE kind = $kind)
        SELECT kind, $label AS label, count(*) FILTER (WHERE amount > $least) AS n,
               list_transform([1], x -> x + $one) AS l,
               (SELECT max(event_id) FROM {0} WHERE day < $day) AS latest
        FROM bought, (VALUES ($one)) v(one), range($one)
        WHERE event_id IN (SELECT event_id FROM {0} WHERE event_id > $one)
              AND user_id IN ($one, $two)
        GROUP BY kind HAVING count(*) > $none
        ORDER BY kind LIMIT $one OFFSET $none
    """
    params = {
        "kind": "buy", "label": "L", "least": 1.5, "one": 1, "two": 2, "none": 0,
        "day": dt.date(2026, 1, 5),
    }  # fmt: skip
    literal = sql
    for name, text in [
        ("$kind", "'buy'"), ("$label", "'L'"), ("$least", "1.5"), ("$one", "1"), ("$two", "2"),
        ("$none", "0"), ("$day", "DATE '2026-01-05'"),
    ]:  # fmt: skip
        literal = literal.replace(name, text)
    found = sp.sql(sql, events, params=params)
    expected = sp.sql(literal, events)
    assert found.schema == expected.schema
    assert found.take_all() == expected.take_all() != []


def test_pivot_takes_params(sp: smallpond.Session, events: smallpond.DataFrame) -> None:
    """Where it has an IN list; else DuckDB would have to look for the values first."""
    sql = "PIVOT (FROM {0} WHERE day < $day) ON kind IN ('buy') USING count(*) GROUP BY part"
    params = {"day": dt.date(2026, 1, 2)}
    assert sp.sql(sql, events, params=params).columns == ["part", "buy"]
    with pytest.raises(smallpond.InvalidInputError, match="manually specified"):
        sp.sql(sql.replace("IN ('buy')", ""), events, params=params)


@pytest.mark.parametrize(
    "text",
    ["'; DROP TABLE x; --", "' OR 1=1", "{0}", "$1", "?", '"', "\\", "/*", "%s", "NULL", "1"],
)
def test_text_stays_text(sp: smallpond.Session, text: str) -> None:
    rows = sp.sql(
        "SELECT $t AS t, count(*) AS n FROM (VALUES ('a')) v(x) WHERE x = $t", params={"t": text}
    )
    assert rows.take_all() == [{"t": text, "n": 0}]
    assert sp.sql("SELECT ? AS t, '?' AS q, '$1' AS d", params=[text]).take_all() == [
        {"t": text, "q": "?", "d": "$1"}
    ]


def test_names_of_columns_tell_no_values(sp: smallpond.Session) -> None:
    """As in DuckDB: a value may be a secret, or a page long."""
    sql = "SELECT ?, 1 + ?, upper(?) || 'x'"
    params = ["secret", 2, "secret"]
    expected = [column[0] for column in duckdb.execute(sql, params).description]
    assert sp.sql(sql, params=params).columns == expected


# --- mistakes ---


@pytest.mark.parametrize(
    ("sql", "params", "word"),
    [
        ("SELECT ?", None, r"\$1"),
        ("SELECT ?, ?", [1], r"\$2"),
        ("SELECT $3", [1, 2], r"\$3"),
        ("SELECT $a", {"b": 1}, r"\$a"),
        ("SELECT $a", [1], r"\$a"),
        ("SELECT ?", {"a": 1}, r"\$1"),
    ],
)
def test_missing_value(sp: smallpond.Session, sql: str, params: Any, word: str) -> None:
    with pytest.raises(smallpond.InvalidInputError, match=word):
        sp.sql(sql, params=params)


@pytest.mark.parametrize(
    ("sql", "params", "word"),
    [
        ("SELECT 1", [1], r"\$1"),
        ("SELECT ?", [1, 2], r"\$2"),
        ("SELECT $a", {"a": 1, "b": 2}, "'b'"),
        ('SELECT \'?\', "?" FROM (SELECT 1 AS "?") -- ?', [1], r"\$1"),
    ],
)
def test_surplus_value(sp: smallpond.Session, sql: str, params: Any, word: str) -> None:
    with pytest.raises(smallpond.InvalidInputError, match=word):
        sp.sql(sql, params=params)


def test_one_text_is_no_list(sp: smallpond.Session) -> None:
    with pytest.raises(smallpond.InvalidInputError, match=r"give \['buy'\]"):
        sp.sql("SELECT ?", params="buy")


@pytest.mark.parametrize("clause", ["ORDER BY ?", "GROUP BY ?"])
def test_position_of_a_column_is_no_param(sp: smallpond.Session, clause: str) -> None:
    """DuckDB refuses it too: a value in this place would not be a value but a column's number."""
    sql = f"SELECT x FROM (VALUES (2), (1)) v(x) {clause}"
    with pytest.raises(duckdb.Error):
        duckdb.execute(sql, [1])
    with pytest.raises(smallpond.InvalidInputError):
        sp.sql(sql, params=[1])

"""How repartition spreads rows, seen through the number of rows or the rows of each partition."""

from __future__ import annotations

from typing import Any

import pytest
import smallpond

ROWS_SQL = "SELECT i AS id, i % 10 AS k, i % 3 AS part FROM range(100) t(i)"


@pytest.fixture(scope="module")
def rows(sp: smallpond.Session) -> smallpond.DataFrame:
    return sp.sql(ROWS_SQL)


def partitions(sp: smallpond.Session, frame: smallpond.DataFrame, column: str) -> list[list[Any]]:
    """The values of a column in each partition. A partition without rows gives an empty list."""
    quoted = '"' + column.replace('"', '""') + '"'
    rows = sp.partial_sql(
        f"SELECT list({quoted}) AS l FROM {{0}}", frame, merge="concat"
    ).take_all()
    return [row["l"] or [] for row in rows]


def flat(lists: list[list[Any]]) -> list[Any]:
    return [value for values in lists for value in values]


def test_even(sp: smallpond.Session, rows: smallpond.DataFrame) -> None:
    found = partitions(sp, rows.repartition(7), "id")
    assert sorted(len(ids) for ids in found) == [14, 14, 14, 14, 14, 15, 15]
    assert sorted(flat(found)) == list(range(100))


def test_by_rows(sp: smallpond.Session, rows: smallpond.DataFrame) -> None:
    found = partitions(sp, rows.repartition(7, by_rows=True), "id")
    assert sorted(len(ids) for ids in found) == [14, 14, 14, 14, 14, 15, 15]
    assert flat(found) == list(range(100)), "neighbours stay neighbours"


def test_by_column(sp: smallpond.Session, rows: smallpond.DataFrame) -> None:
    found = partitions(sp, rows.repartition(4, by="part"), "part")
    assert [set(values) for values in found] == [{0}, {1}, {2}, set()]


def test_hash_by(sp: smallpond.Session, rows: smallpond.DataFrame) -> None:
    found = partitions(sp, rows.repartition(4, hash_by="k"), "k")
    assert sum(len(set(values)) for values in found) == 10, "equal keys share a partition"
    assert sum(len(values) for values in found) == 100
    assert sum(map(bool, found)) > 1, "not all in one"


def test_hash_by_two_columns(sp: smallpond.Session, rows: smallpond.DataFrame) -> None:
    spread = rows.repartition(4, hash_by=["k", "part"])
    sql = "SELECT count(DISTINCT (k, part)) AS n FROM {0}"
    found = [row["n"] for row in sp.partial_sql(sql, spread, merge="concat").take_all()]
    assert sum(found) == 30


def test_nulls_meet(sp: smallpond.Session) -> None:
    frame = sp.sql("SELECT CASE WHEN i % 2 = 0 THEN i END AS k FROM range(40) t(i)")
    sql = "SELECT count(*) - count(k) AS nulls FROM {0}"
    for keys in ["k", ["k", "k"]]:
        spread = frame.repartition(5, hash_by=keys)
        found = [row["nulls"] for row in sp.partial_sql(sql, spread, merge="concat").take_all()]
        assert sorted(found) == [0, 0, 0, 0, 20]


EQUAL_VALUES = {
    "integers": ["{}::TINYINT", "{}::INTEGER", "{}::BIGINT", "{}::HUGEINT", "{}::UBIGINT"],
    "numbers": ["{}::BIGINT", "{}::DOUBLE", "{}::FLOAT", "{}::DECIMAL(9, 2)",
                "{}::DECIMAL(38, 10)"],
    "fractions": ["({} + 0.5)::DOUBLE", "({} + 0.5)::FLOAT", "({} + 0.5)::DECIMAL(9, 3)"],
    "wide integers": [
        "(9223372036854775700 + {})::BIGINT",
        "(9223372036854775700 + {})::UBIGINT",
        "(9223372036854775700 + {})::HUGEINT",
    ],
    "low integers": ["(-9223372036854775800 + {})::BIGINT", "(-9223372036854775800 + {})::HUGEINT"],
    "days": ["DATE '2026-01-01' + {}::INTEGER", "(DATE '2026-01-01' + {}::INTEGER)::TIMESTAMP"],
    "times": ["make_timestamp({} * 1000000)", "make_timestamp({} * 1000000)::TIMESTAMP_S"],
    "texts": ["('a' || {} % 2)", "('a' || {} % 2)::ENUM('a0', 'a1')"],
    "zeros": ["({} * 0.0)::DOUBLE", "({} * -0.0)::DOUBLE"],
    "intervals": ["to_months({}::INTEGER)", "to_days(30 * {}::INTEGER)"],
}  # fmt: skip


@pytest.mark.parametrize("name", EQUAL_VALUES)
def test_equal_values_of_different_types_meet(sp: smallpond.Session, name: str) -> None:
    """What a join finds in two whole inputs it also finds partition by partition."""
    frames = [
        sp.sql(f"SELECT {k.format('i')} AS k FROM range(50) t(i)") for k in EQUAL_VALUES[name]
    ]
    sql = "SELECT count(*) AS n FROM {0} a JOIN {1} b ON a.k = b.k"
    for left in frames:
        for right in frames:
            [whole] = sp.sql(sql, left, right).take_all()
            spread = [frame.repartition(6, hash_by="k") for frame in (left, right)]
            found = sp.partial_sql(sql, *spread, merge="concat").take_all()
            assert sum(row["n"] for row in found) == whole["n"] >= 50


@pytest.mark.parametrize(
    "value",
    [
        "'infinity'::DATE", "'-infinity'::TIMESTAMP", "'infinity'::TIMESTAMPTZ", "'nan'::DOUBLE",
        "'-inf'::FLOAT", "18446744073709551615::UBIGINT", "'abc'::BLOB", "uuid()", "[1, NULL]",
        "{'a': 1}", "MAP {1: 2}", "'101'::BIT", "true", "TIME '12:00'", "NULL",
        "'12:00:00+02'::TIMETZ", "'99999999999999999999999999999999999999'::DECIMAL(38, 0)",
        "(-(2::HUGEINT ** 126))::HUGEINT",
    ],
)  # fmt: skip
def test_every_type_can_be_hashed(sp: smallpond.Session, value: str) -> None:
    frame = sp.sql(f"SELECT {value} AS k FROM range(20)").repartition(3, hash_by="k")
    counts = sp.partial_sql("SELECT count(*) AS n FROM {0}", frame, merge="concat").take_all()
    assert sum(row["n"] for row in counts) == 20


def test_shape(rows: smallpond.DataFrame) -> None:
    assert rows.num_partitions == 1
    spread = rows.repartition(7)
    assert spread.num_partitions == 7 and rows.num_partitions == 1, "a frame never changes"
    assert spread.columns == rows.columns and spread.schema == rows.schema
    assert spread.repartition(2).num_partitions == 2
    assert spread.count() == 100


def test_names_of_columns(sp: smallpond.Session) -> None:
    frame = sp.sql(
        """SELECT 1 AS "a b", 2 AS "__smallpond_partition", 3 AS "select", 4 AS "q""x" """
    )
    for name in frame.columns:
        assert partitions(sp, frame.repartition(2, hash_by=name), name) != [[], []]
    assert partitions(sp, frame.repartition(5, by="A B"), "a b") == [[], [1], [], [], []]


def test_repartitions_below_a_query_are_left_out(rows: smallpond.DataFrame) -> None:
    text = rows.repartition(7).repartition(3, hash_by="k").explain()
    assert text.count("elided") == 2


# --- mistakes ---


@pytest.mark.parametrize("n", [0, -1, 65_537, 2**40, 1.0, "3", None, True])
def test_wrong_number_of_partitions(rows: smallpond.DataFrame, n: Any) -> None:
    with pytest.raises(smallpond.InvalidInputError, match="number of partitions"):
        rows.repartition(n)


@pytest.mark.parametrize("argument", ["hash_by", "by"])
def test_unknown_column(rows: smallpond.DataFrame, argument: str) -> None:
    with pytest.raises(smallpond.InvalidInputError) as caught:
        rows.repartition(3, **{argument: "parts"})
    assert "Did you mean 'part'?" in str(caught.value)
    assert "id, k, part" in str(caught.value)


def test_two_ways_at_once(rows: smallpond.DataFrame) -> None:
    for ways in [
        {"hash_by": "k", "by": "part"},
        {"hash_by": "k", "by_rows": True},
        {"by": "part", "by_rows": True},
    ]:
        with pytest.raises(smallpond.InvalidInputError, match="one of hash_by, by and by_rows"):
            rows.repartition(3, **ways)


def test_by_wants_an_integer(sp: smallpond.Session) -> None:
    frame = sp.sql("SELECT 'a' AS name, 1.5 AS x")
    for name in ["name", "x"]:
        with pytest.raises(smallpond.InvalidInputError, match="hash_by"):
            frame.repartition(3, by=name)


@pytest.mark.parametrize("value", ["3", "-1", "NULL"])
def test_by_out_of_range(sp: smallpond.Session, value: str) -> None:
    frame = sp.sql(f"SELECT {value}::INTEGER AS part").repartition(3, by="part")
    counts = sp.partial_sql("SELECT count(*) FROM {0}", frame, merge="concat")
    with pytest.raises(smallpond.InvalidInputError, match=rf"{value}.*out of range 0-2"):
        counts.count()

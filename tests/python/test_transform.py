"""map, filter, partial_sort, limit, random_shuffle and the frames made of Python's own data."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import smallpond

# ruff: noqa: F841 (a query finds a frame by the name of its variable)


@pytest.fixture(scope="module")
def rows(sp: smallpond.Session) -> smallpond.DataFrame:
    return sp.sql("SELECT i, (i * 37) % 101 AS h, i % 3 AS part FROM range(100) t(i)")


def partitions(sp: smallpond.Session, frame: smallpond.DataFrame, column: str) -> list[list[Any]]:
    sql = f"SELECT list({column}) AS l FROM {{0}}"
    return [row["l"] or [] for row in sp.partial_sql(sql, frame, merge="concat").take_all()]


def test_map(rows: smallpond.DataFrame) -> None:
    frame = rows.map("i, h + i AS s, {'a': part} AS t")
    assert frame.columns == ["i", "s", "t"] and frame.count() == 100
    assert frame.filter("i = 50").take_all() == [{"i": 50, "s": 50 + 50 * 37 % 101, "t": {"a": 2}}]
    assert rows.map("*").columns == ["i", "h", "part"]
    assert rows.map("i -- only this").columns == ["i"]


def test_map_works_on_partitions(rows: smallpond.DataFrame) -> None:
    assert sorted(r["n"] for r in rows.repartition(7).map("count(*) AS n").take_all()) == [
        14, 14, 14, 14, 14, 15, 15,
    ]  # fmt: skip


def test_filter(rows: smallpond.DataFrame) -> None:
    assert rows.filter("i < 10").count() == 10
    assert rows.filter("i < 10 OR i >= 90").filter("part = 0").count() == 8
    assert rows.filter("i IN (SELECT unnest([1, 2, 500]))").count() == 2
    assert rows.filter("i = 1 -- or i = 2").count() == 1
    assert rows.filter("NULL").count() == 0


def test_filter_finds_frames_by_name(sp: smallpond.Session, rows: smallpond.DataFrame) -> None:
    few = sp.sql("FROM range(3) t(i)")
    assert rows.filter("i IN (FROM few)").count() == 3


@pytest.mark.parametrize("method", ["map", "filter", "partial_sort"])
@pytest.mark.parametrize("text", ["", "nowhere", "i) FROM x; --", "1; SELECT 2"])
def test_mistakes(rows: smallpond.DataFrame, method: str, text: str) -> None:
    with pytest.raises(smallpond.Error):
        getattr(rows, method)(text)


def test_partial_sort(sp: smallpond.Session, rows: smallpond.DataFrame) -> None:
    found = partitions(sp, rows.repartition(4).partial_sort("h DESC"), "h")
    assert all(part == sorted(part, reverse=True) and len(part) == 25 for part in found)
    [whole] = partitions(sp, rows.partial_sort(["part", "h DESC"]), "[part, -h]")
    assert whole == sorted(whole) and len(whole) == 100


def test_partitions_are_kept(rows: smallpond.DataFrame) -> None:
    spread = rows.repartition(7)
    for frame in [spread.map("i"), spread.filter("i > 5"), spread.partial_sort("i")]:
        assert frame.num_partitions == 7
    assert spread.random_shuffle().num_partitions == 7


def test_limit(sp: smallpond.Session, rows: smallpond.DataFrame) -> None:
    for spread in [rows, rows.repartition(7)]:
        assert spread.limit(10).count() == 10 and spread.limit(0).count() == 0
        assert spread.limit(1000).count() == 100
        assert sp.sql("SELECT count(*) AS n FROM {0}", spread.limit(10)).take_all() == [{"n": 10}]
    with pytest.raises(smallpond.InvalidInputError, match="at least 0"):
        rows.limit(-1)


def test_random_shuffle(rows: smallpond.DataFrame) -> None:
    for spread in [rows, rows.repartition(7)]:
        found = [row["i"] for row in spread.random_shuffle().take_all()]
        assert sorted(found) == list(range(100))
        assert found != list(range(100))


def test_random_shuffle_moves_rows_between_partitions(
    sp: smallpond.Session, rows: smallpond.DataFrame
) -> None:
    spread = rows.repartition(4, by_rows=True)
    shuffled = spread.random_shuffle()
    found = partitions(sp, shuffled, "i")
    assert [len(part) for part in found] == [25] * 4
    assert sorted(i for part in found for i in part) == list(range(100))
    before = partitions(sp, spread, "i")
    assert all(set(part) != set(old) for part, old in zip(found, before, strict=True))
    assert all(part != sorted(part) for part in found), "within them too"
    assert partitions(sp, shuffled, "i") != found, "each action shuffles anew"


@pytest.mark.parametrize("by", [{}, {"hash_by": "part"}, {"by": "part"}, {"by_rows": True}])
def test_each_on_partitions(
    sp: smallpond.Session, rows: smallpond.DataFrame, by: dict[str, Any]
) -> None:
    """What smallpond 0.15 does: the text runs on each partition, whose rows stay where they are."""
    spread = rows.repartition(5, **by)
    before = partitions(sp, spread, "i")
    assert partitions(sp, spread.map("i, h"), "i") == before
    assert partitions(sp, spread.map("i + 1 AS i").filter("i % 2 = 0"), "i") == [
        [i + 1 for i in part if i % 2 == 1] for part in before
    ]
    firsts = [{"i": min(part)} for part in before if part]
    assert [row for row in spread.map("min(i) AS i").take_all() if row["i"] is not None] == firsts
    best = spread.filter("true").map("i, rank() OVER (ORDER BY h) AS r").filter("r = 1")
    assert best.count() == len(firsts), "windows see one partition"
    ordered = partitions(sp, spread.partial_sort(["part DESC", "i"]), "i")
    assert ordered == [sorted(part, key=lambda i: (-(i % 3), i)) for part in before]


def test_limit_is_of_all_rows(sp: smallpond.Session, rows: smallpond.DataFrame) -> None:
    spread = rows.repartition(5, hash_by="part")
    limited = spread.limit(7)
    assert limited.count() == 7 and limited.num_partitions == 1
    assert {row["i"] for row in limited.take_all()} <= set(range(100))
    assert spread.partial_sort("h").limit(200).count() == 100
    assert spread.limit(60).repartition(3).limit(50).count() == 50


# --- Python's own data ---


@pytest.mark.parametrize(
    "make",
    [
        lambda sp: sp.from_pandas(pd.DataFrame({"x": [1, 2], "s": ["a", "b"]})),
        lambda sp: sp.from_arrow(pa.table({"x": [1, 2], "s": ["a", "b"]})),
        lambda sp: sp.from_arrow(pl.DataFrame({"x": [1, 2], "s": ["a", "b"]})),
        lambda sp: sp.from_arrow(pa.table({"x": [1, 2], "s": ["a", "b"]}).to_reader()),
        lambda sp: sp.from_items([{"x": 1, "s": "a"}, {"x": 2, "s": "b"}]),
    ],
    ids=["pandas", "arrow", "polars", "reader", "items"],
)
def test_from(
    sp: smallpond.Session, make: Callable[[smallpond.Session], smallpond.DataFrame]
) -> None:
    frame = make(sp)
    assert frame.take_all() == frame.take_all() == [{"x": 1, "s": "a"}, {"x": 2, "s": "b"}]
    assert frame.repartition(2).count() == 2


def test_from_items(sp: smallpond.Session) -> None:
    assert sp.from_items([1, 2, None]).take_all() == [{"item": 1}, {"item": 2}, {"item": None}]
    assert sp.from_items(range(3)).count() == 3
    for wrong in [[], [1, "x"], [{"x": 1}, 5]]:
        with pytest.raises(smallpond.InvalidInputError, match="from_items"):
            sp.from_items(wrong)


def test_from_items_of_many_shapes(sp: smallpond.Session) -> None:
    """A field that only some rows have is NULL in the others, not lost."""
    frame = sp.from_items([{"x": 1}, {"x": 2, "y": "b"}])
    assert frame.take_all() == [{"x": 1, "y": None}, {"x": 2, "y": "b"}]


def test_from_wrong_type(sp: smallpond.Session) -> None:
    for call in [lambda: sp.from_pandas([1]), lambda: sp.from_arrow("x"), lambda: sp.from_arrow(5)]:
        with pytest.raises(TypeError):
            call()

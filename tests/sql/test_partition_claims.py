"""What `explain()` says of partitions is true, and `partial_sql` warns where merging matters."""

from __future__ import annotations

import warnings
from pathlib import Path

import duckdb
import pytest
import smallpond
from drawn import drawn
from oracle import assert_same_rows, duckdb_answer, have_same_rows, rows_of
from roads import PARTITIONED, Road, claims_partitions
from shapes import SHAPES, Shape


def notices(road: Road, shape: Shape, sp: smallpond.Session, data: Path) -> list[str]:
    """The texts of the MergeWarnings of two equal calls."""
    events = sp.read_parquet(data / "events.parquet")
    users = sp.read_parquet(data / "users.parquet")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for _ in range(2):
            road.run(sp, shape.sql, events, users=users)
    assert all(issubclass(w.category, smallpond.MergeWarning) for w in caught)
    assert all(w.filename.endswith("roads.py") for w in caught), "points at the call"
    return [str(w.message) for w in caught]


def test_who_asks_for_merging_is_not_warned(fresh_sp: smallpond.Session, data: Path) -> None:
    parts = fresh_sp.read_parquet(data / "events.parquet").repartition(3, by_rows=True)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        frame = fresh_sp.partial_sql("SELECT count(*) AS n FROM {0}", parts, merge="auto")
    assert frame.take_all() == [{"n": 400}]
    with pytest.warns(smallpond.MergeWarning):
        fresh_sp.partial_sql("SELECT count(*) AS n FROM {0}", parts)


@pytest.mark.parametrize(("road", "shape"), drawn(PARTITIONED, SHAPES, 1, 1))
def test_claim_holds_and_difference_is_told(
    shape: Shape,
    road: Road,
    fresh_sp: smallpond.Session,
    oracle: duckdb.DuckDBPyConnection,
    data: Path,
) -> None:
    events = fresh_sp.read_parquet(data / "events.parquet")
    users = fresh_sp.read_parquet(data / "users.parquet")
    warned = notices(road, shape, fresh_sp, data)
    claims = claims_partitions(road.run(fresh_sp, shape.sql, events, users=users))

    assert claims == shape.is_per_partition(road.keys)
    assert len(warned) == (0 if claims else 1)

    if "pivot_without_list" in shape.name:  # Its columns differ between partitions.
        return
    whole = {"users": users} if "users" in shape.sql else {}
    concat = fresh_sp.partial_sql(shape.sql, road.spread(events), merge="concat", **whole)
    rows = rows_of(concat.to_arrow())
    expected = duckdb_answer(oracle, shape.duckdb_sql).rows
    if claims:
        assert_same_rows(rows, expected)
    elif not have_same_rows(rows, expected):
        assert warned, "concat and auto differ, and nobody is told"


@pytest.mark.parametrize("shape", [s for s in SHAPES if s.merged], ids=lambda shape: shape.name)
def test_warning_names_the_construct(shape: Shape, fresh_sp: smallpond.Session, data: Path) -> None:
    even = PARTITIONED[0]
    [text] = notices(even, shape, fresh_sp, data)
    assert shape.merged in text
    assert 'merge="concat"' in text


def test_explain_names_the_construct(sp: smallpond.Session, events: smallpond.DataFrame) -> None:
    frame = sp.partial_sql("SELECT kind, count(*) FROM {0} GROUP BY kind", events.repartition(7))
    assert "merged: GROUP BY kind" in frame.explain()


@pytest.mark.parametrize(
    "sql", ["SELECT kind FROM {0}", "SELECT DISTINCT kind FROM {0}"], ids=["filter", "distinct"]
)
@pytest.mark.parametrize("partitions", [None, 1])
def test_one_partition_is_never_warned_about(
    fresh_sp: smallpond.Session, data: Path, sql: str, partitions: int | None
) -> None:
    events = fresh_sp.read_parquet(data / "events.parquet")
    if partitions:
        events = events.repartition(partitions)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fresh_sp.partial_sql(sql, events)

"""Queries with several right answers: what is given has to be one of them."""

from __future__ import annotations

import warnings
from pathlib import Path

import pytest
import smallpond
from oracle import rows_of
from roads import PARTITIONED, ROADS, Road, claims_partitions

each_road = pytest.mark.parametrize("road", ROADS, ids=lambda road: road.name)
each_partitioning = pytest.mark.parametrize("road", PARTITIONED, ids=lambda road: road.name)


@pytest.fixture(scope="module")
def all_rows(events: smallpond.DataFrame) -> set[tuple[object, ...]]:
    return set(rows_of(events.map("event_id, kind, amount").to_arrow()))


@each_road
@pytest.mark.parametrize("limit", [0, 1, 17, 400, 1000])
def test_limit_without_order(
    road: Road,
    limit: int,
    sp: smallpond.Session,
    events: smallpond.DataFrame,
    all_rows: set[tuple[object, ...]],
) -> None:
    frame = road.run(sp, f"SELECT event_id, kind, amount FROM {{0}} LIMIT {limit}", events)
    found = rows_of(frame.to_arrow())
    assert len(found) == len(set(found)) == min(limit, 400)
    assert set(found) <= all_rows


@each_road
def test_ties_at_a_limit(road: Road, sp: smallpond.Session, events: smallpond.DataFrame) -> None:
    """Which of the equal rows is open, but not how many nor which keys."""
    frame = road.run(sp, "SELECT kind, event_id FROM {0} ORDER BY kind LIMIT 100", events)
    found = rows_of(frame.to_arrow())
    kinds = [
        row[0] for row in rows_of(sp.sql("SELECT kind FROM {0} ORDER BY kind", events).to_arrow())
    ]
    assert [kind for kind, _ in found] == kinds[:100]
    assert len(set(found)) == 100


@each_road
@pytest.mark.parametrize(
    ("sample", "least", "most"),
    [("USING SAMPLE 20 ROWS", 20, 20), ("TABLESAMPLE reservoir(30 ROWS)", 30, 30),
     ("TABLESAMPLE bernoulli(50%)", 100, 300), ("USING SAMPLE 0 ROWS", 0, 0)],
    ids=["using", "reservoir", "bernoulli", "none"],
)  # fmt: skip
def test_sample(
    road: Road,
    sample: str,
    least: int,
    most: int,
    sp: smallpond.Session,
    events: smallpond.DataFrame,
    all_rows: set[tuple[object, ...]],
) -> None:
    frame = road.run(sp, f"SELECT event_id, kind, amount FROM {{0}} {sample}", events)
    found = rows_of(frame.to_arrow())
    assert least <= len(found) <= most
    assert len(found) == len(set(found)) and set(found) <= all_rows


@each_road
def test_distinct_on_without_order(
    road: Road,
    sp: smallpond.Session,
    events: smallpond.DataFrame,
    all_rows: set[tuple[object, ...]],
) -> None:
    frame = road.run(sp, "SELECT DISTINCT ON (kind) event_id, kind, amount FROM {0}", events)
    found = rows_of(frame.to_arrow())
    assert len(found) == 5 and set(found) <= all_rows


@each_partitioning
@pytest.mark.parametrize(
    ("sql", "word"),
    [
        ("SELECT event_id FROM {0} LIMIT 17", "LIMIT"),
        ("SELECT event_id FROM {0} USING SAMPLE 20 ROWS", "SAMPLE"),
        ("SELECT event_id FROM {0} OFFSET 3", "LIMIT"),
    ],
)
def test_merging_is_told(
    road: Road, sql: str, word: str, fresh_sp: smallpond.Session, data: Path
) -> None:
    events = fresh_sp.read_parquet(data / "events.parquet")
    with pytest.warns(smallpond.MergeWarning, match=word):
        frame = road.run(fresh_sp, sql, events)
    assert not claims_partitions(frame)


@each_road
def test_random_numbers_are_computed_once(
    road: Road, sp: smallpond.Session, events: smallpond.DataFrame
) -> None:
    """A frame read twice by one query has the same rows in both places."""
    numbers = sp.sql("SELECT event_id, random() AS r FROM {0}", road.spread(events))
    sql = "SELECT count(*) AS n FROM {0} a JOIN {0} b ON a.event_id = b.event_id AND a.r = b.r"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert sp.partial_sql(sql, numbers).take_all() == [{"n": 400}]
        below = sp.sql("FROM {0} WHERE r < 0.5", numbers)
        above = sp.sql("FROM {0} WHERE r >= 0.5", numbers)
        both = sp.sql("FROM {0} UNION ALL FROM {1}", below, above)
        assert both.count() == 400


def test_now_has_one_value_a_query(sp: smallpond.Session, events: smallpond.DataFrame) -> None:
    times = sp.sql("SELECT now() AS t FROM {0}", events)
    sql = "SELECT count(DISTINCT t) AS n FROM (SELECT t FROM {0} UNION ALL SELECT now() FROM {0})"
    assert sp.sql(sql, times).take_all() == [{"n": 1}]

"""merge="concat" in stages: each partition's own rows, as one DuckDB gives them for it."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import smallpond
from oracle import assert_same_rows, rows_of
from roads import STAGE_ROADS, StageRoad, StageSession

each_road = pytest.mark.parametrize("road", STAGE_ROADS, ids=lambda road: road.name)


def concat(sp: smallpond.Session, sql: str, *inputs: Any, **named: Any) -> smallpond.DataFrame:
    return sp.partial_sql(sql, *inputs, merge="concat", **named)


def grouped(sp: smallpond.Session, data: Path) -> dict[str, smallpond.DataFrame]:
    events = sp.read_parquet(data / "events.parquet")
    users = sp.read_parquet(data / "users.parquet")
    by_user = events.repartition(4, hash_by="user_id")
    counts = "SELECT kind, count(*) AS n, count(DISTINCT user_id) AS u FROM {0} GROUP BY kind"
    inner = concat(sp, counts, by_user)
    return {
        "groups": inner,
        "groups of groups": concat(sp, "SELECT max(n) AS n, count(*) AS c FROM {0}", inner),
        "all over groups": sp.sql(
            "SELECT kind, sum(n) AS n, count(*) AS c FROM {0} GROUP BY kind", inner
        ),
        "two of one layout": concat(
            sp, "SELECT count(*) AS n FROM {0} JOIN {1} USING (user_id)",
            by_user, users.repartition(4, hash_by="user_id"),
        ),
        "a whole input": concat(
            sp, "SELECT country, count(*) AS n FROM {0} JOIN u USING (user_id) GROUP BY country",
            by_user, u=users,
        ),
        "partitions of groups": concat(
            sp, "SELECT count(*) AS c, min(n) AS n FROM {0}", inner.repartition(3, hash_by="kind")
        ),
        "windows and sets": concat(
            sp, "SELECT kind, max(r) AS r FROM (SELECT kind, row_number() OVER (PARTITION BY kind "
            "ORDER BY event_id) AS r FROM {0}) GROUP BY ALL UNION ALL SELECT '', count(*) FROM {0}",
            by_user,
        ),
    }  # fmt: skip


@each_road
def test_each_partitions_own(
    stage_session: StageSession, sp: smallpond.Session, data: Path, road: StageRoad
) -> None:
    expected = grouped(sp, data)
    for name, frame in grouped(stage_session(road), data).items():
        found = rows_of(frame.to_arrow())
        assert_same_rows(found, rows_of(expected[name].to_arrow()))
        assert frame.count() == len(found), name


@each_road
@pytest.mark.parametrize("column", ["random()", "row_number() OVER (ORDER BY random())"])
def test_partitions_of_rows_that_differ_each_time(
    stage_session: StageSession, data: Path, road: StageRoad, column: str
) -> None:
    """They are computed once, and stay apart."""
    sp = stage_session(road)
    events = sp.read_parquet(data / "events.parquet").repartition(4, hash_by="user_id")
    sizes = concat(sp, "SELECT count(*) AS n FROM {0}", events).take_all()
    assert len(sizes) == 4 and sum(row["n"] > 0 for row in sizes) > 1
    inner = concat(sp, f"SELECT user_id, {column} AS r FROM {{0}}", events)
    again = concat(sp, "SELECT count(*) AS n FROM {0} a JOIN {0} b ON a.r = b.r", inner).take_all()
    assert Counter(row["n"] for row in again) == Counter(row["n"] for row in sizes)


@each_road
def test_rows_of_partitions_by_rows(
    stage_session: StageSession, data: Path, road: StageRoad
) -> None:
    """Neighbours, in their order, in partitions of one size: also where tasks have other numbers of
    rows, or none, and where a column has the name by which rows tell who wrote them."""
    sp = stage_session(road)
    events = sp.read_parquet(data / "events.parquet")
    kinds = [
        "SELECT event_id AS id FROM {0}",
        "SELECT event_id AS id, 1 AS smallpond_writer, 2 AS tasks, 3 AS before FROM {0}",
        "SELECT event_id AS id FROM {0} WHERE event_id < 40 OR event_id % 100 = 7",
        "SELECT event_id AS id FROM {0} ORDER BY event_id DESC",
        "SELECT event_id AS id FROM {0} WHERE event_id < 0",
    ]
    for sql in kinds:
        rows = sp.sql(sql, events)
        ids = [row["id"] for row in rows.take_all()]
        lists = concat(sp, "SELECT list(id) AS ids FROM {0}", rows.repartition(5, by_rows=True))
        found = [row["ids"] or [] for row in lists.take_all()]
        assert [one for part in found for one in part] == ids, sql
        sizes = [len(part) for part in found]
        assert len(sizes) == 5 and max(sizes) - min(sizes) <= 1


def test_partitions_by_rows_are_the_same_twice(stage_session: StageSession, data: Path) -> None:
    sp = stage_session(STAGE_ROADS[-1])
    rows = sp.read_parquet(data / "events.parquet").repartition(4, by_rows=True)
    told = json.loads(concat(sp, "SELECT count(*) FROM {0}", rows).explain(format="json"))
    assert all(stage["deterministic"] for stage in told["stages"])


@each_road
def test_order_of_rows_that_one_row_makes(stage_session: StageSession, road: StageRoad) -> None:
    """DuckDB takes them for one row, so it might join them the other way round with what is known
    of them, and read them by several threads."""
    sp = stage_session(road)
    rows = sp.sql("SELECT unnest(range(3_000_000)) AS i").repartition(3, by_rows=True)
    found = concat(sp, "SELECT min(i) AS a, max(i) AS b FROM {0}", rows).take_all()
    assert found == [{"a": n * 1_000_000, "b": (n + 1) * 1_000_000 - 1} for n in range(3)]

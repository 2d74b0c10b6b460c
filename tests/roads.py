"""The ways by which a query can be run: over an input partitioned in one way or another, and in
stages by one executor or another. All must give one answer."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import smallpond

NUM_PARTITIONS = 7


@dataclass(frozen=True)
class Road:
    """`spread` partitions the input; `keys` are the columns that decide a row's partition."""

    name: str
    spread: Callable[[smallpond.DataFrame], smallpond.DataFrame]
    keys: frozenset[str] = field(default_factory=frozenset)
    is_partial: bool = True

    def run(
        self,
        sp: smallpond.Session,
        sql: str,
        spread_input: smallpond.DataFrame,
        **whole_inputs: smallpond.DataFrame,
    ) -> smallpond.DataFrame:
        used = {name: frame for name, frame in whole_inputs.items() if name in sql}
        query = sp.partial_sql if self.is_partial else sp.sql
        return query(sql, self.spread(spread_input), **used)


def claims_partitions(frame: smallpond.DataFrame) -> bool:
    """Whether explain() says that the partitions' own rows are the answer."""
    steps = frame.explain().split("\n\n")[1].splitlines()
    return "partitions gives its own rows" in steps[1]  # The note on the last step.


def _by(name: str, keys: set[str], **arguments: Any) -> Road:
    return Road(name, lambda f: f.repartition(NUM_PARTITIONS, **arguments), frozenset(keys))


PARTITIONED = [
    _by("even", set()),
    _by("hash_by_user", {"user_id"}, hash_by="user_id"),
    _by("hash_by_event", {"event_id"}, hash_by="event_id"),
    _by("hash_by_user_and_kind", {"user_id", "kind"}, hash_by=["user_id", "kind"]),
    _by("by_rows", set(), by_rows=True),
    _by("by_part", {"part"}, by="part"),
]

ROADS = [
    Road("sql", lambda f: f, is_partial=False),
    Road("partial_sql_unpartitioned", lambda f: f),
    Road("partial_sql_one_partition", lambda f: f.repartition(1)),
    *PARTITIONED,
]


@dataclass(frozen=True)
class StageRoad:
    """Queries in stages. Small inputs are divided only where `partitions` is set, and shuffled only
    where nothing is small enough to be broadcast."""

    name: str
    options: dict[str, Any] = field(hash=False)

    def open(self, **more: Any) -> smallpond.Session:
        return smallpond.init(**self.options, **more)


# What the fixture `stage_session` gives.
StageSession = Callable[[StageRoad], smallpond.Session]


@contextmanager
def open_sessions(**options: Any) -> Iterator[StageSession]:
    """Gives one session a road, with these options beside the road's own."""
    sessions: dict[str, smallpond.Session] = {}

    def session_of(road: StageRoad) -> smallpond.Session:
        if road.name not in sessions:
            sessions[road.name] = road.open(**options)
        return sessions[road.name]

    yield session_of
    for session in sessions.values():
        session.shutdown()


# Queries that are not cut, found by their text, and words of what explain() says of them.
RUN_WHOLE = {
    r"POSITIONAL JOIN": "goes by the order of all rows",
    r"\bPIVOT\b(?!.*\bIN\b)": "looks at the rows first",
}


def assert_in_stages(
    frame: smallpond.DataFrame, sql: str, whole: dict[str, str] | None = None
) -> list[dict[str, Any]]:
    """Fails unless the frame of a query is computed in stages, or, where its text matches RUN_WHOLE
    or `whole`, by the session as a whole and for the reason that stands there. Returns the stages.

    Answers don't tell: a query that runs whole gives plain DuckDB's.
    """
    told = json.loads(frame.explain(format="json"))
    reasons = [
        text for shape, text in {**RUN_WHOLE, **(whole or {})}.items() if re.search(shape, sql)
    ]
    because = told.get("whole_because", "")
    if reasons:
        assert any(reason in because for reason in reasons), because
        return []
    assert not because
    assert told["stages"]
    return told["stages"]


SHUFFLED = StageRoad(
    "threads_7_shuffled", {"executor": "threads", "partitions": 7, "broadcast_size": 1}
)
BROADCAST = StageRoad("threads_7", {"executor": "threads", "partitions": 7})
ONE_TASK = StageRoad("threads_1", {"executor": "threads", "partitions": 1})
STAGE_ROADS = [
    SHUFFLED,
    BROADCAST,
    ONE_TASK,
    StageRoad(
        "processes_4",
        {"executor": "processes", "num_executors": 4, "partitions": 5, "broadcast_size": 1},
    ),
]

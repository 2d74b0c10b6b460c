"""The ways by which a query over one partitioned input can be run. All must give one answer."""

from __future__ import annotations

from collections.abc import Callable
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

"""The queries of per_partition.sql and merged.sql, which tell right merging from wrong."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Shape:
    """One query over events, as {0}, and users. `merged` are words of the warning."""

    name: str
    sql: str
    is_merged: bool
    merged: str = ""
    keys: frozenset[str] = field(default_factory=frozenset)
    order: tuple[str, ...] = ()

    @property
    def duckdb_sql(self) -> str:
        return self.sql.replace("{0}", "events")

    def is_per_partition(self, partition_keys: frozenset[str]) -> bool:
        """Whether the partitions' results are the answer where these columns decide."""
        return not self.is_merged or (bool(partition_keys) and partition_keys <= self.keys)


def _read(path: Path, is_merged: bool) -> list[Shape]:
    shapes = []
    for block in path.read_text().split("\n\n")[1:]:
        head, sql = block.strip().split("\n", 1)
        name, *facts = head.removeprefix("-- ").split("; ")
        values = dict(fact.split(": ", 1) for fact in facts)
        assert set(values) <= {"merged", "keys", "order"}, head
        keys = frozenset(values.get("keys", "").split())
        order = tuple(values.get("order", "").split())
        shapes.append(Shape(name, sql, is_merged, values.get("merged", ""), keys, order))
    return shapes


_FOLDER = Path(__file__).parent
SHAPES = [
    *_read(_FOLDER / "per_partition.sql", is_merged=False),
    *_read(_FOLDER / "merged.sql", is_merged=True),
]

"""Queries as trees of relations, over tables that have a column of each type, and how one that
fails is made small."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

TABLES = {"large": 500, "small": 60, "tiny": 7, "empty": 0}
# What a table has of each type. NULL comes in every column, equal values often.
BASE = {
    "INTEGER": "i",
    "TINYINT": "g",
    "BIGINT": "b",
    "HUGEINT": "b::HUGEINT * 1000000007",
    "DECIMAL(9,2)": "m",
    "DOUBLE": "d",
    "FLOAT": "(i % 9)::FLOAT",
    "VARCHAR": "s",
    "DATE": "t",
    "TIMESTAMP": "t + to_hours(g)",
    "TIME": "TIME '01:02:03' + to_minutes(g)",
    "BOOLEAN": "o",
    "BLOB": "encode(s)",
    "UUID": "md5(s)::UUID",
    "INTERVAL": "to_days(g)",
    "INTEGER[]": "l",
    "STRUCT(a TINYINT, b VARCHAR)": "struct_pack(a := g, b := s)",
}
CREATE = """
    CREATE TABLE "{name}" AS SELECT
        CASE WHEN n % 11 <> 3 THEN (hash(n, 1) % 40)::INTEGER - 5 END AS i,
        CASE WHEN n % 7 <> 2 THEN (hash(n, 2) % 5)::TINYINT END AS g,
        CASE WHEN n % 13 <> 4 THEN (hash(n, 3) % 1000)::BIGINT END AS b,
        CASE WHEN n % 9 <> 1 THEN ((hash(n, 4) % 300)::INTEGER / 4)::DECIMAL(9, 2) END AS m,
        CASE WHEN n % 17 = 5 THEN 'nan'::DOUBLE WHEN n % 19 = 6 THEN NULL
             ELSE (hash(n, 5) % 100)::INTEGER / 4 END AS d,
        CASE WHEN n % 8 <> 5 THEN substr('aAbé''"% x', (hash(n, 6) % 8)::INTEGER, 2) END AS s,
        CASE WHEN n % 10 <> 7 THEN DATE '2024-02-27' + (hash(n, 7) % 9)::INTEGER END AS t,
        CASE WHEN n % 6 <> 1 THEN hash(n, 8) % 3 = 0 END AS o,
        CASE WHEN n % 5 <> 0 THEN list_filter([n % 4, NULL, n % 3], lambda x: n % 2 = 0 OR x > 0)
        END::INTEGER[] AS l
    FROM range({rows}) r(n)
"""


@dataclass(frozen=True)
class Column:
    text: str
    type: str = ""
    is_exact: bool = True
    goes_by_ties: bool = False  # A window that tells equal rows apart.


@dataclass(frozen=True)
class Relation:
    """SELECT columns `source` clauses, where `source` names the inputs {0}, {1} …"""

    columns: tuple[Column, ...]
    source: str
    clauses: tuple[str, ...] = ()  # Each of which could be missing.
    inputs: tuple[Relation, ...] = ()

    @property
    def sql(self) -> str:
        columns = ", ".join(f"{one.text} AS c{i}" for i, one in enumerate(self.columns))
        text = " ".join([f"SELECT {columns}", self.source, *self.clauses])
        for number, one in enumerate(self.inputs):
            text = text.replace(f"{{{number}}}", f"({one.sql})")
        return text

    def exact(self, *types: str) -> list[int]:
        """The positions of columns that may be keys, of these types or any."""
        return [
            i
            for i, one in enumerate(self.columns)
            if one.is_exact and (not types or one.type in types)
        ]

    @property
    def is_exact(self) -> bool:
        return all(one.is_exact for one in self.columns)


def leaf(types: Sequence[str], table: str) -> Relation:
    """A table's columns of these types; NULL where it has none."""
    columns = [Column(BASE.get(one, f"NULL::{one}"), one) for one in types]
    return Relation(tuple(columns), f'FROM "{table}"')


def smaller(relation: Relation) -> Iterator[Relation]:
    """Relations of the same columns' types that are simpler, the simplest first."""
    types = [one.type for one in relation.columns]
    for table in ("tiny", "small", "large"):
        plain = leaf(types, table)
        if len(plain.sql) < len(relation.sql):
            yield plain
    for clause in relation.clauses:
        yield replace(relation, clauses=tuple(one for one in relation.clauses if one != clause))
    for i, one in enumerate(relation.columns):
        null = f"NULL::{one.type}"
        if one.text != null and len(null) < len(one.text) + 20 and relation.inputs:
            columns = list(relation.columns)
            columns[i] = replace(one, text=null)
            yield replace(relation, columns=tuple(columns))
    for number, inner in enumerate(relation.inputs):
        for other in smaller(inner):
            inputs = list(relation.inputs)
            inputs[number] = other
            yield replace(relation, inputs=tuple(inputs))


def reduced(query: Relation, fails: Callable[[Relation], bool], tries: int = 300) -> Relation:
    """The smallest query that is found to fail as well."""
    while True:
        candidates = [*query.inputs, *smaller(query)]
        if len(query.columns) > 1:
            for i in range(len(query.columns)):
                candidates.append(
                    replace(query, columns=query.columns[:i] + query.columns[i + 1 :])
                )
        for candidate in candidates:
            if len(candidate.sql) >= len(query.sql):
                continue
            tries -= 1
            if tries < 0:
                return query
            if fails(candidate):
                query = candidate
                break
        else:
            return query

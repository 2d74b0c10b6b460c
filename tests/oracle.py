"""Says whether a frame's answer is the same as plain DuckDB's.

Same means: the same names and types; the same multiset of rows; with ORDER BY the same sequence of
keys; FLOAT and DOUBLE within 1e-9 relative, everything else exact.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import duckdb
import pyarrow as pa

RELATIVE_TOLERANCE = 1e-9

Rows = list[tuple[Any, ...]]


@dataclass(frozen=True)
class Answer:
    """Names and DuckDB types of the columns, and the rows as Arrow carries them."""

    names: list[str]
    types: list[str]
    table: pa.Table

    @property
    def rows(self) -> Rows:
        return rows_of(self.table)


def rows_of(table: pa.Table) -> Rows:
    """The table's rows as tuples. Dicts would lose columns of the same name."""
    if table.num_columns == 0:
        return []
    return list(zip(*(column.to_pylist() for column in table.columns), strict=True))


def duckdb_answer(connection: duckdb.DuckDBPyConnection, sql: str, params: object = None) -> Answer:
    """What plain DuckDB answers to `sql`."""
    result = connection.execute(sql, params)
    names = [column[0] for column in result.description]
    types = [str(column[1]) for column in result.description]
    return Answer(names, types, result.to_arrow_table())


def frame_answer(frame: Any) -> Answer:
    """What a smallpond frame answers."""
    types = list(frame.schema.values())
    return Answer(frame.columns, types, frame.to_arrow())


def assert_same(actual: Any, expected: Answer, order_by: Sequence[str] = ()) -> None:
    """Fails unless the frame `actual` answers the same as DuckDB did."""
    answer = frame_answer(actual)
    assert answer.names == expected.names
    assert answer.table.schema.names == expected.names
    if len(set(answer.names)) == len(answer.names):  # A schema is a dict.
        assert answer.types == expected.types
    assert answer.table.schema.types == expected.table.schema.types
    assert_same_rows(answer.rows, expected.rows)
    if order_by:
        positions = [expected.names.index(name) for name in order_by]
        assert_same_sequence(_pick(answer.rows, positions), _pick(expected.rows, positions))


def assert_same_rows(actual: Rows, expected: Rows) -> None:
    """Fails unless both hold the same multiset of rows."""
    assert_same_sequence(sorted(actual, key=_sort_key), sorted(expected, key=_sort_key))


def assert_same_sequence(actual: Rows, expected: Rows) -> None:
    """Fails unless both hold the same rows in the same order."""
    for number, (found, wanted) in enumerate(zip(actual, expected, strict=False)):
        assert is_same_value(found, wanted), (
            f"Row {number} differs of {len(actual)} rows, {len(expected)} expected:\n"
            f"  found    {found}\n  expected {wanted}"
        )
    assert len(actual) == len(expected)


def have_same_rows(actual: Rows, expected: Rows) -> bool:
    """Whether both hold the same multiset of rows."""
    pairs = zip(sorted(actual, key=_sort_key), sorted(expected, key=_sort_key), strict=False)
    return len(actual) == len(expected) and all(is_same_value(a, b) for a, b in pairs)


def is_same_value(actual: Any, expected: Any) -> bool:
    """Whether two values are the same. Floats need not be to the last digit, nested ones too."""
    if isinstance(actual, (list, tuple)) and isinstance(expected, (list, tuple)):
        pairs = zip(actual, expected, strict=False)
        return len(actual) == len(expected) and all(is_same_value(a, b) for a, b in pairs)
    if isinstance(actual, dict) and isinstance(expected, dict):
        return list(actual) == list(expected) and is_same_value(
            list(actual.values()), list(expected.values())
        )
    if isinstance(actual, float) and isinstance(expected, float):
        if math.isnan(actual) or math.isnan(expected):
            return math.isnan(actual) and math.isnan(expected)
        return math.isclose(actual, expected, rel_tol=RELATIVE_TOLERANCE, abs_tol=1e-12)
    return type(actual) is type(expected) and actual == expected


def _pick(rows: Rows, positions: list[int]) -> Rows:
    return [tuple(row[position] for position in positions) for row in rows]


def _sort_key(row: Any) -> tuple[Any, Any]:
    """Exact values first and floats last, so that a last digit can't change which rows meet."""
    exact: list[Any] = []
    floats: list[float] = []
    _flatten(row, exact, floats)
    return exact, floats


def _flatten(value: Any, exact: list[Any], floats: list[float]) -> None:
    if isinstance(value, float):
        exact.append(("float", math.isnan(value)))
        floats.append(0.0 if math.isnan(value) else value)
    elif isinstance(value, dict):
        _flatten(list(value.items()), exact, floats)
    elif isinstance(value, (list, tuple)):
        exact.append(("list", len(value)))
        for element in value:
            _flatten(element, exact, floats)
    else:
        exact.append((type(value).__name__, str(value)))

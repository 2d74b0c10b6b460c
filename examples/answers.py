"""Compares two answers to one query: the same columns and the same rows, in whatever order."""

import math
from decimal import Decimal
from typing import Any, TypeAlias

import pandas as pd
import pyarrow as pa

RELATIVE_TOLERANCE = 1e-9  # Sums of doubles depend on the order of their rows.
MAX_DIFFERENCES = 5

Answer: TypeAlias = pa.Table | pd.DataFrame


def differences(expected: Answer, actual: Answer) -> list[str]:
    """Says in what `actual` differs from `expected`: empty when they are the same answer.

    Doubles may differ by `RELATIVE_TOLERANCE`; all else is compared exactly, a missing value equal
    to a missing value only. Types are compared by value: 5, 5.0 and Decimal(5) are equal. Rows are
    paired after sorting by the columns that are not doubles, so those should tell rows apart, as
    the keys of a GROUP BY do. Stops after `MAX_DIFFERENCES`.
    """
    expected_columns, actual_columns = columns_of(expected), columns_of(actual)
    if list(expected_columns) != list(actual_columns):
        return [f"columns are {list(actual_columns)}, expected {list(expected_columns)}"]
    if expected.shape[0] != actual.shape[0]:
        return [f"{actual.shape[0]:,} rows, expected {expected.shape[0]:,}"]

    doubles = {
        name
        for name, values in expected_columns.items()
        if any(isinstance(value, float) for value in values)
    }
    found: list[str] = []
    for expected_row, actual_row in zip(
        sorted_rows(expected_columns, doubles), sorted_rows(actual_columns, doubles), strict=True
    ):
        for name, want, got in zip(expected_columns, expected_row, actual_row, strict=True):
            if not same_value(want, got, name in doubles):
                found.append(f"{name} is {got!r}, expected {want!r}, in the row {expected_row}")
                if len(found) == MAX_DIFFERENCES:
                    return found
    return found


def columns_of(answer: Answer) -> dict[str, list[Any]]:
    """Returns the answer's columns as Python values, in order, missing ones as None."""
    if isinstance(answer, pa.Table):
        lists = {name: answer.column(name).to_pylist() for name in answer.column_names}
    else:
        lists = {str(name): answer[name].tolist() for name in answer.columns}
    return {name: [plain_value(value) for value in values] for name, values in lists.items()}


def plain_value(value: Any) -> Any:
    """Returns None for NaN and NaT, an int for a whole Decimal, else the value itself."""
    if value is None or value is pd.NaT or value is pd.NA:
        return None
    if isinstance(value, float) and math.isnan(value):
        return None
    if isinstance(value, Decimal) and value == value.to_integral_value():
        return int(value)
    return value


def sorted_rows(columns: dict[str, list[Any]], doubles: set[str]) -> list[tuple[Any, ...]]:
    """Returns the rows, sorted by the columns that are not doubles, then by the doubles."""
    order = [i for i, name in enumerate(columns) if name not in doubles]
    order += [i for i, name in enumerate(columns) if name in doubles]

    def key(row: tuple[Any, ...]) -> list[tuple[bool, Any]]:
        return [(row[i] is None, 0 if row[i] is None else row[i]) for i in order]

    return sorted(zip(*columns.values(), strict=True), key=key)


def same_value(expected: Any, actual: Any, is_double: bool) -> bool:
    """Tells whether two values of one column are the same."""
    if expected is None or actual is None:
        return expected is actual
    if is_double:
        return math.isclose(expected, actual, rel_tol=RELATIVE_TOLERANCE)
    return bool(expected == actual)

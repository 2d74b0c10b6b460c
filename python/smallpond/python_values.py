"""How rows in Arrow's types become Python values and pandas columns (docs/types.md)."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from smallpond.errors import InvalidInputError, missing_package

if TYPE_CHECKING:
    import pandas
    import pyarrow

Columns = list[tuple[str, str]]  # Names and DuckDB types, in order.

_LARGEST_EXACT_FLOAT = 2**53
_WIDE_INTEGERS = ("HUGEINT", "UHUGEINT")


def distinct(names: list[str]) -> list[str]:
    """The names, where repeated ones get a number that makes them different, as in DuckDB's
    subqueries."""
    distinct: dict[str, None] = {}
    for name in names:
        candidate, number = name, 0
        while candidate in distinct:
            number += 1
            candidate = f"{name}_{number}"
        distinct[candidate] = None
    return list(distinct)


def to_rows(table: pyarrow.Table, columns: Columns) -> list[dict[str, Any]]:
    """The rows as dicts of Python values."""
    narrow = _narrow_hugeints(table, columns)
    values = [
        _converted(name, kind, lambda i=i, kind=kind: _python_values(narrow.column(i), kind))
        for i, (name, kind) in enumerate(columns)
    ]
    names = distinct([name for name, _ in columns])
    return [dict(zip(names, row, strict=True)) for row in zip(*values, strict=True)]


def require_pandas() -> None:
    """Raises UnsupportedError where pandas is not installed."""
    if importlib.util.find_spec("pandas") is None:
        raise missing_package("pandas", "pandas", "to_pandas()")


def to_pandas(table: pyarrow.Table, columns: Columns) -> pandas.DataFrame:
    """The rows as a pandas DataFrame, in which no integer loses digits."""
    import pandas
    import pyarrow

    table = _narrow_hugeints(table, columns)
    # What pyarrow would make a float of, or not convert at all, is put in afterwards.
    special: dict[int, Any] = {}
    for i, (name, kind) in enumerate(columns):
        column = table.column(i)
        if _needs_objects(column, kind):
            special[i] = _converted(name, kind, lambda c=column, k=kind: _python_values(c, k))
        elif pyarrow.types.is_nested(column.type):
            special[i] = _converted(name, kind, lambda c=column: _nested(c))
    plain = table
    for i in special:
        plain = plain.set_column(i, table.field(i).name, pyarrow.nulls(table.num_rows))
    try:
        frame = plain.to_pandas()
    except (ValueError, OverflowError, pyarrow.ArrowException):
        for i, (name, kind) in enumerate(columns):  # Names the column that it is.
            _converted(name, kind, plain.column(i).to_pandas)
        raise
    for i, (name, kind) in enumerate(columns):
        if i in special:
            values = pandas.Series(special[i], dtype=object, index=frame.index)
            frame.isetitem(i, values)
        else:
            column = plain.column(i)
            _converted(name, kind, lambda c=column: _check_times(c))
    return frame


def _converted(name: str, kind: str, convert: Callable[[], Any]) -> Any:
    """What `convert` returns; a value that Python has no type for is an error that names the
    column."""
    import pyarrow

    try:
        return convert()
    except MemoryError:
        raise
    except (ValueError, OverflowError, pyarrow.ArrowException) as error:
        raise InvalidInputError(
            f"Column '{name}' of type {kind} holds a value that Python can't: {error}. Cast the "
            "column to VARCHAR."
        ) from error


def _python_values(column: Any, kind: str) -> list[Any]:
    """The values of a column; integers of 128 bits and more, which Arrow holds as decimals and
    texts, are int."""
    _check_times(column)
    values = column.to_pylist()
    if kind in _WIDE_INTEGERS or kind == "BIGNUM":
        return [None if value is None else int(value) for value in values]
    return values


def _nested(column: Any) -> Any:
    """A nested column as pandas holds it: arrays and dicts. Integers beside NULLs stay integers,
    which pyarrow would make floats of."""
    import pyarrow

    _check_times(column)
    try:
        return column.to_pandas(integer_object_nulls=True)
    except pyarrow.ArrowNotImplementedError:  # pyarrow has no rule for unions.
        return column.to_pylist()


def _needs_objects(column: Any, kind: str) -> bool:
    """Whether float64 would lose digits of a column with NULLs, or the column is a wide integer
    that doesn't fit int64."""
    import pyarrow
    import pyarrow.compute

    if not pyarrow.types.is_integer(column.type):
        return kind in _WIDE_INTEGERS or kind == "BIGNUM"
    if column.null_count == 0:
        return False
    bounds = pyarrow.compute.min_max(column).as_py()
    return bounds["min"] is not None and max(-bounds["min"], bounds["max"]) > _LARGEST_EXACT_FLOAT


def _narrow_hugeints(table: pyarrow.Table, columns: Columns) -> pyarrow.Table:
    """HUGEINT columns whose values all fit become int64; Arrow has no 128-bit integer."""
    import pyarrow

    for i, (_, kind) in enumerate(columns):
        if kind in _WIDE_INTEGERS:
            try:
                narrow = table.column(i).cast(pyarrow.int64())
            except pyarrow.ArrowInvalid:
                continue
            table = table.set_column(i, table.field(i).with_type(pyarrow.int64()), narrow)
    return table


def _check_times(column: Any) -> None:
    """Raises where Python's time would be another: it has no 24:00:00, of which pyarrow makes
    00:00:00, and no nanoseconds, which pyarrow cuts off."""
    import pyarrow
    import pyarrow.compute

    for array in _time_arrays(column):
        ticks = array.cast(pyarrow.int64())
        per_second = 1_000_000_000 if array.type.unit == "ns" else 1_000_000
        latest = pyarrow.compute.max(ticks).as_py()
        if latest is not None and latest >= 86_400 * per_second:
            raise ValueError("the time 24:00:00")
        if array.type.unit == "ns":
            whole = pyarrow.compute.multiply(pyarrow.compute.divide(ticks, 1000), 1000)
            if pyarrow.compute.any(pyarrow.compute.not_equal(whole, ticks)).as_py():
                raise ValueError("a time with nanoseconds")


def _time_arrays(column: Any) -> Iterator[Any]:
    """All arrays of times in a column, also inside of lists, structs, maps and unions."""
    import pyarrow

    kind = column.type
    if pyarrow.types.is_time64(kind):
        yield column
    elif pyarrow.types.is_nested(kind):
        chunks = column.chunks if isinstance(column, pyarrow.ChunkedArray) else [column]
        for chunk in chunks:
            for child in _children(chunk):
                yield from _time_arrays(child)


def _children(array: Any) -> list[Any]:
    import pyarrow

    if pyarrow.types.is_map(array.type):
        return [array.keys, array.items]
    if pyarrow.types.is_union(array.type):
        return [array.field(i) for i in range(array.type.num_fields)]
    if pyarrow.types.is_struct(array.type):
        return array.flatten()
    return [array.flatten()]

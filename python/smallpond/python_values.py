"""How rows in Arrow's types become Python values and pandas columns (docs/types.md)."""

from __future__ import annotations

import importlib.util
import re
import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from smallpond.arrow_values import read_columns
from smallpond.errors import Error, InvalidInputError, missing_package

if TYPE_CHECKING:
    import pandas
    import pyarrow

Columns = list[tuple[str, str]]  # Names and DuckDB types, in order.

_MOST_DAYS = 106_000_000  # That a timedelta64 of microseconds holds, beside hours.
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


def to_rows(stream: Any, columns: Columns) -> list[dict[str, Any]]:
    """The rows of an Arrow stream as dicts of Python values. Needs no package."""

    def read(i: int, read_values: Callable[[], list[Any]]) -> list[Any]:
        name, kind = columns[i]
        values: list[Any] = _converted(name, kind, lambda: _whole(read_values(), kind))
        return values

    names = distinct([name for name, _ in columns])
    rows = zip(*read_columns(stream, len(columns), read), strict=True)
    return [dict(zip(names, row, strict=True)) for row in rows]


def _whole(values: list[Any], kind: str) -> list[Any]:
    """Integers of 128 bits and more, which Arrow holds as decimals and texts, are int."""
    if kind in _WIDE_INTEGERS or kind == "BIGNUM":
        return [None if value is None else int(value) for value in values]
    return values


def require_pandas() -> None:
    """Raises UnsupportedError where pandas is not installed."""
    if importlib.util.find_spec("pandas") is None:
        raise missing_package("pandas", "pandas", "to_pandas()")


def to_pandas(table: pyarrow.Table, columns: Columns) -> pandas.DataFrame:
    """The rows as a pandas DataFrame, in which no integer loses digits."""
    import pandas
    import pyarrow

    table = _narrow_hugeints(table, columns)
    # What pyarrow has another rule for than DuckDB, or none, is put in afterwards.
    special: dict[int, Any] = {}
    for i, (name, kind) in enumerate(columns):
        convert = _special(table.column(i), kind)
        if convert:
            special[i] = _converted(name, kind, convert)
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
            dtype = object if isinstance(special[i], list) else None
            frame.isetitem(i, pandas.Series(special[i], dtype=dtype, index=frame.index))
        elif kind.startswith("ENUM(") and not kind.endswith("]"):
            values = frame.iloc[:, i].cat.set_categories(_enum_values(kind), ordered=True)
            frame.isetitem(i, values)
        else:
            column = plain.column(i)
            _converted(name, kind, lambda c=column: _check_times(c))
    return frame


def _special(column: Any, kind: str) -> Callable[[], Any] | None:
    """What makes the pandas column of a column that pyarrow would make another one of: a list of
    Python objects, or an array."""
    from pyarrow import types

    if types.is_date(column.type):
        return lambda: column.cast("timestamp[us]").to_pandas()
    if types.is_interval(column.type):
        return lambda: _timedeltas(column)
    if types.is_integer(column.type) or types.is_boolean(column.type):
        return (lambda: _nullable(column)) if column.null_count > 0 else None
    if kind in _WIDE_INTEGERS or kind == "BIGNUM":
        return lambda: _python_values(column, kind)
    if types.is_nested(column.type):
        return lambda: list(_nested(column))
    return None


def _enum_values(kind: str) -> list[str]:
    """The values of a type such as ENUM('a', 'it''s'), in order. Arrow has none without rows."""
    return [text.replace("''", "'") for text in re.findall(r"'((?:[^']|'')*)'", kind)]


def _nullable(column: Any) -> Any:
    """Integers or booleans beside missing ones, as DuckDB gives them: Int64, boolean and so on."""
    import pandas

    name = "boolean" if str(column.type) == "bool" else str(column.type)
    for prefix in ("uint", "int"):
        if name.startswith(prefix):
            name = prefix.replace("uint", "UInt").replace("int", "Int") + name[len(prefix) :]
            break
    return pandas.api.types.pandas_dtype(name).__from_arrow__(column)


def _timedeltas(column: Any) -> Any:
    """Intervals as timedelta64[us], in which a month has 30 days, as DuckDB gives them."""
    import numpy

    fields = numpy.dtype([("months", "<i4"), ("days", "<i4"), ("nanoseconds", "<i8")])
    parts = [numpy.zeros(0, "timedelta64[us]")]
    for chunk in column.chunks:
        values = numpy.frombuffer(chunk.buffers()[1] or b"", fields)
        values = values[chunk.offset : chunk.offset + len(chunk)]
        is_null = chunk.is_null().to_numpy(zero_copy_only=False)
        days = values["months"].astype("int64") * 30 + values["days"]
        days[is_null] = 0
        if numpy.abs(days).max(initial=0) > _MOST_DAYS:
            raise ValueError("an interval of more than 290,000 years")
        ticks = days * 86_400_000_000 + values["nanoseconds"] // 1000
        deltas = ticks.astype("timedelta64[us]")
        deltas[is_null] = numpy.timedelta64("NaT")
        parts.append(deltas)
    return numpy.concatenate(parts)


def _converted(name: str, kind: str, convert: Callable[[], Any]) -> Any:
    """What `convert` returns; a value that Python has no type for is an error that names the
    column."""
    try:
        return convert()
    except (MemoryError, Error):
        raise
    except Exception as error:
        if not isinstance(error, (ValueError, OverflowError, *_arrow_errors())):
            raise
        raise InvalidInputError(
            f"Column '{name}' of type {kind} holds a value that Python can't: {error}. Cast the "
            "column to VARCHAR."
        ) from error


def _arrow_errors() -> tuple[type[Exception], ...]:
    pyarrow = sys.modules.get("pyarrow")
    return (pyarrow.ArrowException,) if pyarrow else ()


def _python_values(column: Any, kind: str) -> list[Any]:
    """The values of a column; integers of 128 bits and more, which Arrow holds as decimals and
    texts, are int."""
    _check_times(column)
    return _whole(column.to_pylist(), kind)


def _nested(column: Any) -> Any:
    """A nested column as pandas holds it: arrays and dicts. Integers beside NULLs stay integers,
    which pyarrow would make floats of."""
    import pyarrow

    _check_times(column)
    try:
        return column.to_pandas(integer_object_nulls=True)
    except pyarrow.ArrowNotImplementedError:  # pyarrow has no rule for unions.
        return column.to_pylist()


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

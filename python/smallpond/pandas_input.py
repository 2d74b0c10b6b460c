"""How a pandas DataFrame or NumPy arrays become an Arrow table that DuckDB reads as it reads
pandas."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from smallpond.errors import InvalidInputError, missing_package

_MICROSECONDS_A_DAY = 86_400_000_000
_DAYS_A_MONTH = 30  # Of DuckDB's, where it makes an INTERVAL of a number.
_INTERVAL_FIELDS = [("months", "<i4"), ("days", "<i4"), ("nanoseconds", "<i8")]  # Arrow's layout.


def to_arrow(frame: Any) -> Any:
    """Returns the pyarrow Table of a pandas DataFrame without its index."""
    try:
        import pyarrow
    except ImportError:
        raise missing_package("pyarrow", "pandas", "Reading a pandas DataFrame") from None
    for name, kind in zip(frame.columns, frame.dtypes, strict=True):
        # Arrow would hand over the number of months since 1970, or whatever the period is.
        if str(kind).startswith("period["):
            raise InvalidInputError(
                f"Column {str(name)!r} holds periods ({kind}), which SQL has no type for. Make it "
                "a column of timestamps with .dt.to_timestamp(), or of text."
            )
    # pyarrow refuses columns of one name; DuckDB tells them apart by a number behind it.
    names = [str(name) for name in frame.columns]
    if not frame.columns.is_unique:
        frame = frame.set_axis(range(len(names)), axis="columns")
    try:
        table = pyarrow.Table.from_pandas(frame, preserve_index=False)
    except (OverflowError, pyarrow.ArrowException, TypeError, ValueError):
        columns = [frame.iloc[:, i] for i in range(len(names))]
        arrays = [_column(name, column) for name, column in zip(names, columns, strict=True)]
        table = pyarrow.Table.from_arrays(arrays, names=names)
    return _as_duckdb_reads(table.rename_columns(names), frame)


def arrays_to_arrow(arrays: dict[str, Any]) -> Any:
    """Returns the pyarrow Table of NumPy arrays with one dimension."""
    try:
        import pyarrow
    except ImportError:
        raise missing_package("pyarrow", "arrow", "Reading NumPy arrays") from None
    columns = {}
    for name, array in arrays.items():
        try:
            is_delta = array.dtype.kind == "m"
            columns[str(name)] = _intervals(array) if is_delta else _plain(array)
        except (OverflowError, pyarrow.ArrowException, TypeError, ValueError) as error:
            raise _unreadable(name, array.dtype, error) from error
    try:
        return pyarrow.table(columns)
    except pyarrow.ArrowException as error:
        raise InvalidInputError(f"The arrays are no columns of one table: {error}") from error


def _column(name: str, column: Any) -> Any:
    """One column, whose values may have several types: numbers become numbers, others text, as
    DuckDB reads them."""
    import pyarrow

    try:
        return pyarrow.Array.from_pandas(column)
    except (OverflowError, pyarrow.ArrowException, TypeError, ValueError) as error:
        if column.dtype != object:
            raise _unreadable(name, column.dtype, error) from error
        reason = error
    values = [None if _is_missing(value) else value for value in column]
    kinds = {type(value) for value in values if value is not None}
    numbers = _numbers(values, kinds)
    if numbers is not None:
        return numbers
    if all(_has_text(kind) for kind in kinds) and not _is_nested(kinds):
        return pyarrow.array([None if v is None else str(v) for v in values], pyarrow.string())
    found = ", ".join(sorted(kind.__name__ for kind in kinds))
    raise _unreadable(name, f"object, with values of {found},", reason) from reason


def _plain(array: Any) -> Any:
    import pyarrow

    return pyarrow.array(array, from_pandas=True)  # NaN is NULL, as in DuckDB.


def _numbers(values: list[Any], kinds: set[type]) -> Any:
    """The column of numbers or of times of several types; None where they are something else, or
    too wide."""
    import pyarrow

    def converted(convert: Callable[[Any], Any], kind: Any = None) -> Any:
        return pyarrow.array([None if v is None else convert(v) for v in values], kind)

    try:
        if kinds <= {int}:  # Beyond 64 bits. The only exact type that Arrow has for them.
            return converted(int, pyarrow.decimal128(38, 0))
        if kinds <= {int, Decimal}:
            return converted(Decimal)
        if kinds <= {int, float, Decimal}:
            return converted(float)
        if all(issubclass(kind, date) for kind in kinds):
            return converted(_moment, pyarrow.timestamp("us"))
    except (OverflowError, pyarrow.ArrowException, TypeError):
        return None
    return None


def _is_missing(value: Any) -> bool:
    is_nan = isinstance(value, (float, Decimal)) and value != value
    return value is None or is_nan or type(value).__name__ in ("NAType", "NaTType")


def _has_text(kind: type) -> bool:
    """Whether such values have a text of their own, not an address. Of bytes none is known."""
    is_bare = kind.__str__ is object.__str__ and kind.__repr__ is object.__repr__
    return not is_bare and not issubclass(kind, (bytes, bytearray, memoryview))


def _is_nested(kinds: Iterable[type]) -> bool:
    return all(kind in (dict, list, tuple) or kind.__name__ == "ndarray" for kind in kinds)


def _as_duckdb_reads(table: Any, frame: Any) -> Any:
    """Makes intervals of durations, as DuckDB does; it reads Arrow's as hours: 1 day is 24:00:00
    there. And timestamps of dates and times in one column, of which pyarrow makes dates."""
    for position, kind in enumerate(frame.dtypes):
        field = table.schema.field(position)
        column = frame.iloc[:, position]
        if str(kind).startswith("timedelta64"):
            array = _intervals(column.to_numpy())
        elif str(kind) == "object" and field.type != (wanted := _duckdbs_type(field.type, column)):
            array = _objects(field.name, column, wanted)
        else:
            continue
        table = table.set_column(position, field.with_type(array.type), array)
    return table


def _objects(name: str, column: Any, kind: Any) -> Any:
    import pyarrow

    try:
        if pyarrow.types.is_timestamp(kind):
            column = [None if _is_missing(value) else _moment(value) for value in column]
        return pyarrow.array(column, kind, from_pandas=True)
    except (OverflowError, pyarrow.ArrowException, TypeError, ValueError) as error:
        raise _unreadable(name, kind, error) from error


def _moment(value: date) -> datetime:
    return value if isinstance(value, datetime) else datetime(value.year, value.month, value.day)


def _duckdbs_type(kind: Any, column: Any) -> Any:
    import pyarrow
    from pyarrow import types

    if types.is_date(kind) and any(isinstance(value, datetime) for value in column):
        return pyarrow.timestamp("us")
    if types.is_duration(kind):
        return pyarrow.month_day_nano_interval()
    if types.is_list(kind):
        return pyarrow.list_(_duckdbs_type(kind.value_type, ()))
    if types.is_struct(kind):
        return pyarrow.struct([f.with_type(_duckdbs_type(f.type, ())) for f in kind])
    return kind


def _intervals(values: Any) -> Any:
    """Arrow's intervals of a NumPy array of timedelta64, in DuckDB's months, days and microseconds.
    Nanoseconds are cut off, as DuckDB does."""
    import numpy
    import pyarrow

    is_null = numpy.isnat(values)
    unit = numpy.datetime_data(values.dtype)[0]
    if unit in ("Y", "M", "generic"):
        raise TypeError("its unit has no fixed length")
    fine = "ns" if unit in ("ns", "ps", "fs", "as") else "us"
    ticks = values.astype(f"timedelta64[{fine}]").astype("int64")
    ticks[is_null] = 0
    sign, size = numpy.sign(ticks), numpy.abs(ticks)
    if fine == "ns":
        size = size // 1000
    days, microseconds = numpy.divmod(size, _MICROSECONDS_A_DAY)
    fields = numpy.zeros(len(values), dtype=_INTERVAL_FIELDS)
    fields["months"] = sign * (days // _DAYS_A_MONTH)
    fields["days"] = sign * (days % _DAYS_A_MONTH)
    fields["nanoseconds"] = sign * microseconds * 1000
    validity = pyarrow.py_buffer(numpy.packbits(~is_null, bitorder="little").tobytes())
    return pyarrow.Array.from_buffers(
        pyarrow.month_day_nano_interval(),
        len(values),
        [validity, pyarrow.py_buffer(fields.tobytes())],
        int(is_null.sum()),
    )


def _unreadable(name: Any, kind: Any, error: Exception) -> InvalidInputError:
    return InvalidInputError(
        f"Column {str(name)!r} of type {kind} can't be read: {error}. Give it another type, such "
        "as that of .astype(str), or leave it out."
    )

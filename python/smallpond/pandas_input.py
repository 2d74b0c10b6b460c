"""How a pandas DataFrame or NumPy arrays become an Arrow table that DuckDB reads as it reads
pandas."""

from __future__ import annotations

from typing import Any

from smallpond import object_columns
from smallpond.errors import InvalidInputError, missing_package
from smallpond.object_columns import unreadable

_MICROSECONDS_A_DAY = 86_400_000_000
_DAYS_A_MONTH = 30  # Of DuckDB's, where it makes an INTERVAL of a number.
_INTERVAL_FIELDS = [("months", "<i4"), ("days", "<i4"), ("nanoseconds", "<i8")]  # Arrow's layout.


def to_arrow(frame: Any) -> Any:
    """Returns the pyarrow Table of a pandas DataFrame without its index."""
    try:
        import pyarrow
    except ImportError:
        raise missing_package("pyarrow", "pandas", "Reading a pandas DataFrame") from None
    # pyarrow refuses columns of one name; DuckDB tells them apart by a number behind it.
    names = [str(name) for name in frame.columns]
    if not frame.columns.is_unique:
        frame = frame.set_axis(range(len(names)), axis="columns")
    columns = [_without_categories(frame.iloc[:, i]) for i in range(len(names))]
    for name, column in zip(names, columns, strict=True):
        _check_type(name, str(column.dtype))
    try:
        arrays = pyarrow.Table.from_pandas(frame, preserve_index=False).columns
    except (OverflowError, pyarrow.ArrowException, TypeError, ValueError):
        arrays = [None] * len(names)
    found = [_column(*each) for each in zip(names, columns, arrays, strict=True)]
    return pyarrow.Table.from_arrays(found, names=names)


def arrays_to_arrow(arrays: dict[str, Any]) -> Any:
    """Returns the pyarrow Table of NumPy arrays with one dimension."""
    try:
        import pyarrow
    except ImportError:
        raise missing_package("pyarrow", "arrow", "Reading NumPy arrays") from None
    columns = {str(name): _column(name, array, None) for name, array in arrays.items()}
    try:
        return pyarrow.table(columns)
    except pyarrow.ArrowException as error:
        raise InvalidInputError(f"The arrays are no columns of one table: {error}") from error


def _without_categories(column: Any) -> Any:
    """A column of categories as one of their values, where DuckDB would not read these from a
    dictionary: they stay where they are text or numbers."""
    categories = getattr(column.dtype, "categories", None)
    if str(column.dtype) != "category" or categories is None:
        return column
    kind = str(categories.dtype)
    is_text = kind == "object" and all(isinstance(value, str) for value in categories)
    is_special = kind.startswith(("timedelta64", "interval", "period")) or kind == "object"
    return column.astype(categories.dtype) if is_special and not is_text else column


def _check_type(name: str, kind: str) -> None:
    # Arrow would hand over the number of months since 1970, or whatever the period is.
    if kind.startswith("period["):
        raise InvalidInputError(
            f"Column {name!r} holds periods ({kind}), which SQL has no type for. Make it "
            "a column of timestamps with .dt.to_timestamp(), or of text."
        )
    if kind.startswith("interval["):
        raise InvalidInputError(
            f"Column {name!r} holds intervals ({kind}), which SQL has no type for. Make it a "
            "column of text with .astype(str), or two columns of its ends."
        )


def _column(name: str, column: Any, array: Any) -> Any:
    """One column, a pandas Series or a NumPy array. `array` is what pyarrow makes of it, where that
    is known."""
    import pyarrow

    if column.dtype == object:
        is_its_own = array is not None and not pyarrow.types.is_dictionary(array.type)
        return object_columns.to_array(name, column, array if is_its_own else None)
    try:
        # DuckDB makes intervals of days of these, and reads Arrow's durations as hours.
        if str(column.dtype).startswith("timedelta64"):
            return _intervals(column.to_numpy() if hasattr(column, "to_numpy") else column)
        if array is not None:
            return array
        return pyarrow.array(column, from_pandas=True)  # NaN is NULL, as in DuckDB.
    except (OverflowError, pyarrow.ArrowException, TypeError, ValueError) as error:
        raise unreadable(name, column.dtype, error) from error


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

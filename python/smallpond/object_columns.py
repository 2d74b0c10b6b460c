"""How columns of Python objects become Arrow arrays that DuckDB reads as it reads the objects."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date, datetime, time
from decimal import ROUND_HALF_UP, Context, Decimal
from typing import Any

from smallpond.errors import InvalidInputError

_MOST_DIGITS = 38  # Of a DECIMAL.
_LATEST_OFFSET = 16 * 3600 - 1  # In seconds, of a TIMETZ.
_TEXT_INSIDE = (str, int, float, Decimal, date, time)


def to_array(name: Any, column: Any, array: Any = None, keeps_nan: bool = False) -> Any:
    """The Arrow array of a pandas Series or a NumPy array of objects. Where they have several
    types, numbers become numbers, others text. `array` is what pyarrow makes of it, where that is
    known. A NaN is NULL, unless `keeps_nan`. Raises InvalidInputError, which names the column,
    where SQL has no such values."""
    import pyarrow

    reason: Exception | None = None
    try:
        array = pyarrow.Array.from_pandas(column) if array is None else array
        if not _is_read_otherwise(array.type, lambda: column):
            return array
    except (OverflowError, pyarrow.ArrowException, TypeError, ValueError) as error:
        reason = error
    try:
        return _built(column, False, keeps_nan)
    except (OverflowError, pyarrow.ArrowException, TypeError, ValueError) as error:
        kinds = {type(value) for value in column if not _is_missing(value)}
        found = ", ".join(sorted(kind.__name__ for kind in kinds))
        raise unreadable(name, f"object, with values of {found},", reason or error) from error


def unreadable(name: Any, kind: Any, error: Exception) -> InvalidInputError:
    """The error of a column whose values can't be read."""
    return InvalidInputError(
        f"Column {str(name)!r} of type {kind} can't be read: {error}. Give it another type, such "
        "as that of .astype(str), or leave it out."
    )


def _is_read_otherwise(kind: Any, objects: Callable[[], Iterable[Any]]) -> bool:
    """Whether DuckDB reads the objects otherwise than the Arrow type that pyarrow gives them: dates
    beside times, times with a zone, durations, which are days to it, and more than 38 digits."""
    from pyarrow import types

    if types.is_list(kind):
        return _is_read_otherwise(kind.value_type, _values_in(objects))
    if types.is_struct(kind):
        return any(_is_read_otherwise(field.type, _values_of(field, objects)) for field in kind)
    if types.is_date(kind):
        return any(isinstance(value, datetime) for value in objects())
    if types.is_time(kind):
        return any(isinstance(value, time) and value.tzinfo for value in objects())
    return bool(types.is_duration(kind) or types.is_decimal256(kind))


def _values_of(field: Any, objects: Callable[[], Iterable[Any]]) -> Callable[[], Iterable[Any]]:
    return lambda: (value.get(field.name) for value in objects() if isinstance(value, dict))


def _values_in(objects: Callable[[], Iterable[Any]]) -> Callable[[], Iterable[Any]]:
    return lambda: (item for value in objects() if _is_list(type(value)) for item in value)


def _built(objects: Iterable[Any], is_inside: bool, keeps_nan: bool) -> Any:
    """The array of a column, or of what is inside of its lists and dicts."""
    import pyarrow

    values = [None if _is_missing(value, keeps_nan) else value for value in objects]
    kinds = {type(value) for value in values if value is not None}
    if kinds and all(_is_list(kind) for kind in kinds):
        flat: list[Any] = []
        ends = [0]
        for value in values:
            flat.extend(() if value is None else value)
            ends.append(len(flat))
        offsets, is_null = pyarrow.array(ends, pyarrow.int32()), _nulls(values)
        return pyarrow.ListArray.from_arrays(offsets, _built(flat, True, keeps_nan), mask=is_null)
    dicts = values if kinds == {dict} else []
    names = dict.fromkeys(name for value in dicts for name in value or ())
    if names and all(isinstance(name, str) for name in names):
        columns = [[(value or {}).get(name) for value in values] for name in names]
        fields = [_built(column, True, keeps_nan) for column in columns]
        return pyarrow.StructArray.from_arrays(fields, list(names), mask=_nulls(values))
    return _scalars(values, kinds, is_inside)


def _nulls(values: list[Any]) -> Any:
    import pyarrow

    return pyarrow.array([value is None for value in values])


def _scalars(values: list[Any], kinds: set[type], is_inside: bool) -> Any:
    import pyarrow

    if any(isinstance(value, time) and value.tzinfo for value in values) and kinds == {time}:
        return _times_with_zone(values)
    if any(issubclass(kind, datetime) for kind in kinds) and date in kinds:
        array = _numbers(values, kinds)
        if array is not None:
            return array
    try:
        array = pyarrow.array(values)
    except (OverflowError, pyarrow.ArrowException, TypeError, ValueError):
        array = _numbers(values, kinds)
        return array if array is not None else _texts(values, kinds, is_inside)
    if pyarrow.types.is_duration(array.type):
        return pyarrow.array(values, pyarrow.month_day_nano_interval())
    return _decimals(values) if pyarrow.types.is_decimal256(array.type) else array


def _numbers(values: list[Any], kinds: set[type]) -> Any:
    """The column of numbers or of times of several types; None where they are something else, or
    too wide."""
    import pyarrow

    def converted(convert: Callable[[Any], Any], kind: Any = None) -> Any:
        return pyarrow.array([None if v is None else convert(v) for v in values], kind)

    try:
        if kinds <= {int}:  # Beyond 64 bits. The only exact type that Arrow has for them.
            return converted(int, pyarrow.decimal128(_MOST_DIGITS, 0))
        if kinds <= {int, Decimal}:
            return _decimals(values)
        if kinds <= {int, float, Decimal}:
            return converted(float)
        if all(issubclass(kind, date) for kind in kinds):
            return converted(_moment, pyarrow.timestamp("us"))
    except (OverflowError, pyarrow.ArrowException, TypeError):
        return None
    return None


def _texts(values: list[Any], kinds: set[type], is_inside: bool) -> Any:
    """Their texts. Inside of lists and dicts only of those whose text is the same in SQL."""
    import pyarrow

    if is_inside:
        has_text = all(issubclass(kind, _TEXT_INSIDE) for kind in kinds)
        has_text = has_text and not any(getattr(value, "tzinfo", None) for value in values)
    else:
        has_text = all(_has_text(kind) for kind in kinds)
        has_text = has_text and not all(_is_list(kind) or kind is dict for kind in kinds)
    if not has_text:
        raise TypeError("the values have no common type")

    def text(value: Any) -> str:
        return str(value).lower() if is_inside and isinstance(value, bool) else str(value)

    return pyarrow.array([None if v is None else text(v) for v in values], pyarrow.string())


def _decimals(values: list[Any]) -> Any:
    """DECIMALs, with a scale that leaves room for the whole digits; DOUBLEs where a value alone has
    more digits than they hold."""
    import pyarrow

    numbers = [None if value is None else Decimal(value) for value in values]
    most_whole = most_scale = 0
    for number in numbers:
        if number is None:
            continue
        _, digits, exponent = number.as_tuple()
        if not isinstance(exponent, int):  # Infinity
            most_whole = _MOST_DIGITS + 1
            break
        whole, scale = max(len(digits) + exponent, 0), max(-exponent, 0)
        most_whole = max(most_whole, whole if whole + scale <= _MOST_DIGITS else whole + scale)
        most_scale = max(most_scale, scale)
    if most_whole > _MOST_DIGITS:
        return pyarrow.array([None if v is None else float(v) for v in numbers], pyarrow.float64())
    if most_whole + most_scale <= _MOST_DIGITS:
        return pyarrow.array(numbers)
    scale = _MOST_DIGITS - most_whole
    unit, context = Decimal(1).scaleb(-scale), Context(2 * _MOST_DIGITS, ROUND_HALF_UP)
    rounded = [None if v is None else v.quantize(unit, context=context) for v in numbers]
    return pyarrow.array(rounded, pyarrow.decimal128(_MOST_DIGITS, scale))


def _times_with_zone(values: list[Any]) -> Any:
    """TIMETZs, in DuckDB's own layout, since Arrow has no such type. A time without a zone is one
    of UTC."""
    import pyarrow

    def bits(value: time) -> int:
        offset = value.utcoffset()
        if offset is None and value.tzinfo:
            raise ValueError(f"the zone {value.tzinfo} of {value} depends on the date")
        seconds = 0 if offset is None else int(offset.total_seconds())
        if abs(seconds) > _LATEST_OFFSET:
            raise ValueError(f"the zone of {value} is further from UTC than 15:59:59")
        since_midnight = (value.hour * 60 + value.minute) * 60 + value.second
        microseconds = since_midnight * 1_000_000 + value.microsecond
        return microseconds << 24 | _LATEST_OFFSET - seconds

    if not hasattr(pyarrow, "opaque"):
        raise TypeError("times with a zone need a newer pyarrow")
    numbers = pyarrow.array([None if v is None else bits(v) for v in values], pyarrow.int64())
    kind = pyarrow.opaque(pyarrow.int64(), "time_tz", "DuckDB")
    return pyarrow.ExtensionArray.from_storage(kind, numbers)


def _moment(value: date) -> datetime:
    return value if isinstance(value, datetime) else datetime(value.year, value.month, value.day)


def _is_missing(value: Any, keeps_nan: bool = False) -> bool:
    is_nan = not keeps_nan and isinstance(value, (float, Decimal)) and value != value
    return value is None or is_nan or type(value).__name__ in ("NAType", "NaTType")


def _has_text(kind: type) -> bool:
    """Whether such values have a text of their own, not an address. Of bytes none is known."""
    is_bare = kind.__str__ is object.__str__ and kind.__repr__ is object.__repr__
    return not is_bare and not issubclass(kind, (bytes, bytearray, memoryview))


def _is_list(kind: type) -> bool:
    return kind in (list, tuple) or kind.__name__ == "ndarray"

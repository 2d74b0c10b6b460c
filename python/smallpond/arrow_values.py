"""Rows of an Arrow stream as Python values, without any package. docs/types.md says what each type
becomes; a value that Python has no type for is a ValueError or an OverflowError."""

from __future__ import annotations

import ctypes
import datetime
import decimal
import itertools
from collections.abc import Callable
from typing import Any, NamedTuple

from smallpond import arrow_c
from smallpond.arrow_c import Array, Field
from smallpond.errors import InternalError

Values = list[Any]

_EPOCH = datetime.datetime(1970, 1, 1)
_EPOCH_DAY = _EPOCH.toordinal()
_EXACT = decimal.Context(prec=100)  # More digits than any decimal has.
_TICKS_A_SECOND = {"s": 1, "m": 1_000, "u": 1_000_000, "n": 1_000_000_000}
_INLINE_BYTES = 12  # The longest text that a view of 16 bytes holds itself.
_NUMBERS: dict[str, Any] = {
    "c": ctypes.c_int8,
    "C": ctypes.c_uint8,
    "s": ctypes.c_int16,
    "S": ctypes.c_uint16,
    "i": ctypes.c_int32,
    "I": ctypes.c_uint32,
    "l": ctypes.c_int64,
    "L": ctypes.c_uint64,
    "f": ctypes.c_float,
    "g": ctypes.c_double,
}


class MonthDayNano(NamedTuple):
    """An INTERVAL. Months, days and nanoseconds are no multiples of one another."""

    months: int
    days: int
    nanoseconds: int


def read_columns(
    stream: Any, num_columns: int, read: Callable[[int, Callable[[], Values]], Values]
) -> list[Values]:
    """The values of the columns of an object with `__arrow_c_stream__`. `read` gets a column's
    number and what reads a batch of it; it calls that, and may add to its errors."""
    columns: list[Values] = [[] for _ in range(num_columns)]
    for fields, batch in arrow_c.batches(stream):
        for i, (field, array) in enumerate(zip(fields, batch.children(), strict=True)):
            part = read(i, lambda f=field, a=array, b=batch: _values(f, a, b.offset, b.length))  # type: ignore[misc]
            columns[i] += part
    return columns


def _values(field: Field, array: Array, start: int, count: int) -> Values:
    """`count` values of `array`, whose first one is the array's own number `start`."""
    if count == 0:
        return []  # There may be no buffers.
    first = array.offset + start
    if field.dictionary is not None:
        names = _values(field.dictionary, array.dictionary(), 0, array.dictionary().length)
        indices = array.numbers(_NUMBERS[field.format], 1, first, count)
        return _where_valid(array, first, indices, lambda index: names[index])
    if field.format == "n":
        return [None] * count
    if field.format.startswith("+u"):  # Its members have the NULLs.
        return _union(field, array, start, count)
    values, convert = _raw_values(field, array, first, count)
    return _where_valid(array, first, values, convert)


def _where_valid(
    array: Array, first: int, values: Values, convert: Callable[[Any], Any] | None
) -> Values:
    """The values, converted, and None where they are NULL: what stands there may be anything."""
    if not array.may_have_nulls or not array.address(0):
        return values if convert is None else list(map(convert, values))
    valid = array.bits(0, first, len(values))
    if convert is None:
        return [value if is_valid else None for value, is_valid in zip(values, valid, strict=True)]
    return [
        convert(value) if is_valid else None for value, is_valid in zip(values, valid, strict=True)
    ]


def _raw_values(
    field: Field, array: Array, first: int, count: int
) -> tuple[Values, Callable[[Any], Any] | None]:
    """Values as Arrow has them, and what makes Python's of them."""
    code, _, argument = field.format.partition(":")
    if code in _NUMBERS:
        return array.numbers(_NUMBERS[code], 1, first, count), None
    if code == "b":
        return array.bits(1, first, count), None
    if code in ("u", "U"):
        return _binaries(array, code == "U", first, count), bytes.decode
    if code in ("z", "Z"):
        return _binaries(array, code == "Z", first, count), None
    if code in ("vu", "vz"):
        return _views(array, first, count), bytes.decode if code == "vu" else None
    if code == "w":
        return _pieces(array, int(argument), first, count), None
    if code == "d":
        return _decimals(array, argument, first, count)
    if code == "tdD":
        days = array.numbers(ctypes.c_int32, 1, first, count)
        return days, lambda day: datetime.date.fromordinal(_EPOCH_DAY + day)
    if code in ("tts", "ttm", "ttu", "ttn"):
        kind = ctypes.c_int32 if code in ("tts", "ttm") else ctypes.c_int64
        return array.numbers(kind, 1, first, count), _to_time(code[-1])
    if code in ("tss", "tsm", "tsu", "tsn"):
        return array.numbers(ctypes.c_int64, 1, first, count), _to_datetime(code[-1], argument)
    if code == "tin":
        return _pieces(array, 16, first, count), _to_interval
    if code.startswith("+"):
        return _nested(field, array, first, count), None
    raise InternalError(f"Arrow's format {field.format!r} can't be read.")


# --- text and bytes ---


def _binaries(array: Array, is_large: bool, first: int, count: int) -> list[bytes]:
    kind = ctypes.c_int64 if is_large else ctypes.c_int32
    offsets = array.numbers(kind, 1, first, count + 1)
    begin = offsets[0]
    data = array.data(2, begin, offsets[-1] - begin)
    return [data[a - begin : b - begin] for a, b in itertools.pairwise(offsets)]


def _views(array: Array, first: int, count: int) -> list[bytes]:
    values = []
    for view in _pieces(array, 16, first, count):
        length = int.from_bytes(view[:4], "little")
        if length <= _INLINE_BYTES:
            values.append(view[4 : 4 + length])
        else:
            buffer = int.from_bytes(view[8:12], "little")
            values.append(array.data(2 + buffer, int.from_bytes(view[12:], "little"), length))
    return values


def _pieces(array: Array, width: int, first: int, count: int) -> list[bytes]:
    data = array.data(1, first * width, count * width)
    return [data[i : i + width] for i in range(0, len(data), width)]


# --- numbers and times ---


def _decimals(
    array: Array, argument: str, first: int, count: int
) -> tuple[Values, Callable[[Any], Any]]:
    _, scale, *bits = (int(number) for number in argument.split(","))

    def convert(piece: bytes) -> decimal.Decimal:
        return decimal.Decimal(int.from_bytes(piece, "little", signed=True)).scaleb(-scale, _EXACT)

    return _pieces(array, (bits[0] if bits else 128) // 8, first, count), convert


def _to_time(unit: str) -> Callable[[int], datetime.time]:
    per_second = _TICKS_A_SECOND[unit]

    def convert(ticks: int) -> datetime.time:
        if ticks >= 86_400 * per_second:
            raise ValueError("the time 24:00:00")
        microseconds, finer = divmod(ticks * 1_000_000, per_second)
        if finer:
            raise ValueError("a time with nanoseconds")
        return (_EPOCH + datetime.timedelta(microseconds=microseconds)).time()

    return convert


def _to_datetime(unit: str, zone_name: str) -> Callable[[int], Any]:
    zone = _zone(zone_name) if zone_name else None
    per_second = _TICKS_A_SECOND[unit]
    timestamp = _pandas_timestamp() if unit == "n" else None

    def convert(ticks: int) -> Any:
        if timestamp is not None:
            return timestamp(ticks, unit="ns", tz=zone)
        microseconds, finer = divmod(ticks * 1_000_000, per_second)
        if finer:
            raise ValueError("a timestamp with nanoseconds, which needs pandas")
        moment = _EPOCH + datetime.timedelta(microseconds=microseconds)
        if zone is None:
            return moment
        return moment.replace(tzinfo=datetime.timezone.utc).astimezone(zone)

    return convert


def _pandas_timestamp() -> Any:
    """pandas' type for moments with nanoseconds, or None where there is no pandas."""
    try:
        import pandas
    except ImportError:
        return None
    return pandas.Timestamp


def _zone(name: str) -> datetime.tzinfo:
    if name[0] in "+-":
        hours, _, minutes = name[1:].partition(":")
        offset = datetime.timedelta(hours=int(hours), minutes=int(minutes or 0))
        return datetime.timezone(offset if name[0] == "+" else -offset)
    import zoneinfo

    try:
        return zoneinfo.ZoneInfo(name)
    except zoneinfo.ZoneInfoNotFoundError:  # A machine may have no list of time zones.
        if name in ("UTC", "Etc/UTC"):
            return datetime.timezone.utc
        raise ValueError(f"the time zone {name!r}, which this machine does not know") from None


def _to_interval(piece: bytes) -> MonthDayNano:
    parts = (piece[:4], piece[4:8], piece[8:])
    return MonthDayNano(*(int.from_bytes(part, "little", signed=True) for part in parts))


# --- nested ---


def _nested(field: Field, array: Array, first: int, count: int) -> Values:
    code, _, argument = field.format.partition(":")
    children = array.children()
    if code == "+s":
        names = [child.name for child in field.children]
        columns = [
            _values(child, values, first, count)
            for child, values in zip(field.children, children, strict=True)
        ]
        if not columns:
            return [{} for _ in range(count)]
        return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]
    if code == "+w":
        size = int(argument)
        flat = _values(field.children[0], children[0], first * size, count * size)
        return [flat[i * size : (i + 1) * size] for i in range(count)]
    ranges = _list_ranges(code, array, first, count)
    begin = min((a for a, b in ranges if a < b), default=0)
    end = max((b for a, b in ranges if a < b), default=0)
    flat = _values(field.children[0], children[0], begin, end - begin)
    if code == "+m":
        flat = [tuple(entry.values()) if entry else entry for entry in flat]
    return [flat[a - begin : b - begin] if a < b else [] for a, b in ranges]


def _list_ranges(code: str, array: Array, first: int, count: int) -> list[tuple[int, int]]:
    """Where the elements of each list begin and end. Those of NULLs count as none."""
    kind = ctypes.c_int64 if code in ("+L", "+vL") else ctypes.c_int32
    if code in ("+vl", "+vL"):
        begins = array.numbers(kind, 1, first, count)
        sizes = array.numbers(kind, 2, first, count)
        ranges = [(a, a + size) for a, size in zip(begins, sizes, strict=True)]
    else:
        ranges = list(itertools.pairwise(array.numbers(kind, 1, first, count + 1)))
    return [each or (0, 0) for each in _where_valid(array, first, ranges, None)]


def _union(field: Field, array: Array, start: int, count: int) -> Values:
    kind, _, ids = field.format.partition(":")
    number_of = {int(id): number for number, id in enumerate(ids.split(","))}
    first = array.offset + start
    children = array.children()
    tags = [number_of[tag] for tag in array.numbers(ctypes.c_int8, 0, first, count)]
    if kind == "+us":  # Each member has a value for each row.
        columns = [
            _values(child, values, first, count)
            for child, values in zip(field.children, children, strict=True)
        ]
        return [columns[tag][i] for i, tag in enumerate(tags)]
    offsets = array.numbers(ctypes.c_int32, 1, first, count)
    columns = [
        _values(child, values, 0, values.length)
        for child, values in zip(field.children, children, strict=True)
    ]
    return [columns[tag][offset] for tag, offset in zip(tags, offsets, strict=True)]

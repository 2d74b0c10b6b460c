"""Turns Python values into typed constants for `params=` and reader options."""

from __future__ import annotations

import datetime
import decimal
import uuid
from typing import Any

from smallpond import arguments
from smallpond._core import Value
from smallpond.errors import InvalidInputError

_MAX_DECIMAL_DIGITS = 38
# Of these, tolist() makes bare numbers or nothing.
_FINER_THAN_DUCKDB = {
    "longdouble": "float64",
    "float96": "float64",
    "float128": "float64",
    **{
        f"{kind}[{unit}]": f"{kind}[us]"
        for kind in ("datetime64", "timedelta64")
        for unit in ("ns", "ps", "fs", "as")
    },
}


_MAX_DEPTH = 100  # Of lists and dicts in one another. One that holds itself has no end.


def to_value(value: Any, depth: int = 0) -> Value:
    """Returns the constant for `value`; DuckDB types it as it would type a column of such
    values."""
    if depth > _MAX_DEPTH:
        raise InvalidInputError(
            f"A parameter has more than {_MAX_DEPTH} lists and dicts in one another, or holds "
            "itself."
        )
    if value is None or type(value).__name__ in ("NaTType", "NAType"):  # pandas' missing values
        return Value()
    if isinstance(value, bool):
        return Value.boolean(value)
    if isinstance(value, int):
        return _integer(value)
    if isinstance(value, float):
        return Value.double(value)
    if isinstance(value, str):
        return Value.string(arguments.text(value, "A parameter"))
    if isinstance(value, (bytes, bytearray, memoryview)):
        return Value.blob(bytes(value))
    if isinstance(value, decimal.Decimal):
        return _decimal(value)
    if isinstance(value, (datetime.date, datetime.time, datetime.timedelta)):
        return _temporal(value)
    if isinstance(value, uuid.UUID):
        return Value.typed(str(value), "UUID")
    if isinstance(value, dict):
        return Value.struct(
            [(str(name), to_value(field, depth + 1)) for name, field in value.items()]
        )
    if isinstance(value, (list, tuple)):
        return Value.list([to_value(element, depth + 1) for element in value])
    if hasattr(value, "tolist"):  # NumPy's scalars and arrays
        return _from_numpy(value, depth)
    raise _no_parameter(value)


def _no_parameter(value: Any) -> InvalidInputError:
    return InvalidInputError(
        f"A parameter of type {type(value).__name__} can't be passed to SQL: {value!r:.200}. "
        "Give None, a number, text, bytes, a date or time, a UUID, or lists and dicts of them."
    )


def _from_numpy(value: Any, depth: int) -> Value:
    name = str(getattr(value, "dtype", ""))
    is_numpy = type(value).__module__ == "numpy"
    if is_numpy and name in _FINER_THAN_DUCKDB:
        value = value.astype(_FINER_THAN_DUCKDB[name])
    plain = value.tolist()
    # Of months and of steps without a unit NumPy makes bare numbers.
    is_unclear = is_numpy and name.startswith("timedelta64") and isinstance(plain, int)
    if is_unclear or type(plain) is type(value):
        raise _no_parameter(value)
    return to_value(plain, depth + 1)


def _integer(value: int) -> Value:
    if -(2**63) <= value < 2**63:
        return Value.integer(value)
    if -(2**127) <= value < 2**127:
        return Value.typed(str(value), "HUGEINT")
    if 0 <= value < 2**128:
        return Value.typed(str(value), "UHUGEINT")
    raise InvalidInputError(
        f"The integer {value} does not fit into 128 bits, DuckDB's widest. Pass it as text."
    )


def _decimal(value: decimal.Decimal) -> Value:
    if value.is_nan():  # A signaling one refuses to become a float.
        return Value.double(float("nan"))
    if value.is_infinite():
        return Value.double(float(value))
    _, digits, exponent = value.as_tuple()
    scale = max(0, -int(exponent))
    width = len(digits) + max(0, int(exponent))
    if width < scale:  # 0.01 has a digit before the point, as in DuckDB, but for the widest.
        width = max(scale, min(scale + 1, _MAX_DECIMAL_DIGITS))
    if width > _MAX_DECIMAL_DIGITS:
        raise InvalidInputError(
            f"The decimal {value} has more than {_MAX_DECIMAL_DIGITS} digits, DuckDB's widest."
        )
    return Value.typed(format(value, "f"), f"DECIMAL({width},{scale})")


def _temporal(value: datetime.date | datetime.time | datetime.timedelta) -> Value:
    if isinstance(value, datetime.datetime):
        kind = "TIMESTAMP" if value.tzinfo is None else "TIMESTAMP WITH TIME ZONE"
        if getattr(value, "nanosecond", 0):  # of pandas' Timestamp
            if value.tzinfo is not None:
                raise InvalidInputError(
                    f"The parameter {value!r} has nanoseconds, and {kind} only microseconds. Round "
                    'it with .floor("us").'
                )
            kind = "TIMESTAMP_NS"
        return Value.typed(value.isoformat(sep=" "), kind)
    if isinstance(value, datetime.date):
        return Value.typed(value.isoformat(), "DATE")
    if isinstance(value, datetime.time):
        return Value.typed(
            value.isoformat(), "TIME" if value.tzinfo is None else "TIME WITH TIME ZONE"
        )
    microseconds = value.seconds * 1_000_000 + value.microseconds
    return Value.typed(f"{value.days} days {microseconds} microseconds", "INTERVAL")

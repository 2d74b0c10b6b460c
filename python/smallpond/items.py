"""How a list of Python values becomes columns: by pyarrow, or by DuckDB where that is missing."""

from __future__ import annotations

import datetime
import decimal
import itertools
import numbers
from collections.abc import Iterable, Mapping
from typing import Any

from smallpond import _core, object_columns
from smallpond.errors import InvalidInputError, InvalidTypeError
from smallpond.params import to_value

# Types that share a column; a column of several of these kinds has no type.
_KINDS: list[tuple[str, tuple[type, ...]]] = [
    ("bool", (bool,)),
    ("numbers", (numbers.Number, decimal.Decimal)),
    ("text", (str,)),
    ("bytes", (bytes, bytearray, memoryview)),
    ("times of day", (datetime.time,)),
    ("dates", (datetime.date,)),
    ("durations", (datetime.timedelta,)),
    ("lists", (list, tuple)),
    ("dicts", (dict,)),
]


def columns_of_items(items: Any) -> dict[str, list[Any]]:
    """The columns of a list of dicts, by their keys, or the column `item` of other values. Raises
    InvalidInputError where it is no such list."""
    if isinstance(items, (str, bytes, Mapping)) or not isinstance(items, Iterable):
        raise InvalidTypeError(f"from_items: give a list of items, not {items!r:.60}.")
    values = list(items)
    if not values:
        raise InvalidInputError("from_items: the list is empty, so its columns are unknown.")
    if not isinstance(values[0], dict):
        return {"item": values}
    for number, row in enumerate(values):
        if not isinstance(row, dict):
            raise InvalidInputError(
                f"from_items: item 0 is a dict, and item {number} is {row!r:.60}."
            )
    names = dict.fromkeys(name for row in values for name in row)
    return {name: [row.get(name) for row in values] for name in names}


def to_arrow(core: _core.Session, columns: dict[str, list[Any]]) -> Any:
    """An object with `__arrow_c_stream__` that holds the columns. Integers are BIGINT. Raises
    InvalidInputError where values of a column have no common type."""
    try:
        import pyarrow
    except ImportError:
        return _by_duckdb(core, columns)
    try:
        table = pyarrow.table(columns)
    except OverflowError:
        raise _too_wide() from None
    except (pyarrow.ArrowException, TypeError, ValueError, AttributeError) as error:
        raise _no_common_type(str(error)) from error
    for position, (name, values) in enumerate(columns.items()):
        array = table.column(position)
        if "decimal256" in str(array.type):
            raise InvalidInputError(
                f"from_items: {name!r} holds a decimal of more than 38 digits. Give float or text."
            )
        array = object_columns.to_array(name, values, array, keeps_nan=True)
        table = table.set_column(position, table.field(position).with_type(array.type), array)
    return table


def _too_wide() -> InvalidInputError:
    return InvalidInputError(
        "from_items: an integer does not fit into 64 bits. Give decimal.Decimal."
    )


def _no_common_type(why: str) -> InvalidInputError:
    return InvalidInputError(f"from_items: the items have no common type: {why}")


def _by_duckdb(core: _core.Session, columns: dict[str, list[Any]]) -> _core.ArrowStream:
    names, values = [], []
    for name, column in columns.items():
        _check_common_type(column)
        names.append('"' + str(name).replace('"', '""') + '"')
        values.append(_value(column))
    # The lists of all columns are unnested side by side.
    sql = "SELECT " + ", ".join(f"unnest(?) AS {name}" for name in names)
    return core.sql(sql, [], {}, values, {}, None, False, None).collect(-1, None)


def _value(item: Any) -> _core.Value:
    if isinstance(item, int) and not isinstance(item, bool):
        if not -(2**63) <= item < 2**63:
            raise _too_wide()
        return _core.Value.typed(str(item), "BIGINT")
    if isinstance(item, dict):
        return _core.Value.struct([(str(name), _value(field)) for name, field in item.items()])
    if isinstance(item, (list, tuple)):
        return _core.Value.list([_value(element) for element in item])
    return to_value(item)


def _check_common_type(values: Iterable[Any]) -> None:
    """Raises where DuckDB would make text of values that are none."""
    present = [value for value in values if value is not None]
    kinds = {_kind(value): value for value in present}
    if len(kinds) > 1:
        (one, value), (other, second), *_ = kinds.items()
        raise _no_common_type(f"{value!r:.60} is of {one}, and {second!r:.60} of {other}.")
    if "lists" in kinds:
        _check_common_type(itertools.chain.from_iterable(present))
    if "dicts" in kinds:
        for name in dict.fromkeys(name for value in present for name in value):
            _check_common_type(value.get(name) for value in present)


def _kind(value: Any) -> str:
    for kind, types in _KINDS:
        if isinstance(value, types):
            return kind
    return type(value).__name__

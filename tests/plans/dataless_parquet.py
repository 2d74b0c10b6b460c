"""Parquet files without data: a footer that tells of rows, sizes and statistics, behind a hole.

Whoever plans a query reads footers alone, so planning over such a file is planning over a table of
any size. Reading its rows fails.
"""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

MAGIC = b"PAR1"


@dataclass(frozen=True)
class Column:
    """A column as its statistics tell it. `bytes_per_row` is what it takes in the file."""

    name: str
    type: str  # BIGINT, INTEGER, DATE, VARCHAR, DECIMAL(15,2)
    least: Any
    most: Any
    distinct: int
    bytes_per_row: float


# Thrift's compact protocol, as far as a footer needs it: values are pairs of a type and bytes.

I32, I64, BINARY, LIST, STRUCT = 5, 6, 8, 9, 12
Value = tuple[int, bytes]


def _varint(number: int) -> bytes:
    out = bytearray()
    while number >= 0x80:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*out, number])


def _i32(number: int) -> Value:
    return I32, _varint(number << 1 if number >= 0 else ~(number << 1))


def _i64(number: int) -> Value:
    return I64, _i32(number)[1]


def _binary(data: bytes | str) -> Value:
    data = data.encode() if isinstance(data, str) else data
    return BINARY, _varint(len(data)) + data


def _list(values: list[Value]) -> Value:
    """A list, of values of one type."""
    size, kind = len(values), values[0][0]
    head = bytes([size << 4 | kind]) if size < 15 else bytes([0xF0 | kind]) + _varint(size)
    return LIST, head + b"".join(data for _, data in values)


def _struct(fields: dict[int, Value]) -> Value:
    """A struct by the numbers of its fields, which ascend."""
    out, last = b"", 0
    for number, (kind, data) in fields.items():
        out += bytes([(number - last) << 4 | kind]) + data
        last = number
    return STRUCT, out + b"\0"


# Parquet's footer. The numbers are those of parquet.thrift.


def _physical(column: Column) -> tuple[int, dict[int, Value]]:
    """The physical type, and the fields of a schema element that tell the logical one."""
    if column.type == "INTEGER":
        return 1, {}
    if column.type == "BIGINT":
        return 2, {}
    if column.type == "DATE":
        return 1, {6: _i32(6)}
    if column.type == "VARCHAR":
        return 6, {6: _i32(0)}
    precision, scale = column.type.removeprefix("DECIMAL(").removesuffix(")").split(",")
    return 2, {6: _i32(5), 7: _i32(int(scale)), 8: _i32(int(precision))}


def _plain(column: Column, value: Any) -> bytes:
    """A value as statistics hold it."""
    if column.type == "VARCHAR":
        return str(value).encode()
    if column.type == "DATE":
        days = datetime.date.fromisoformat(value) - datetime.date(1970, 1, 1)
        return days.days.to_bytes(4, "little", signed=True)
    if column.type.startswith("DECIMAL"):
        _, scale = column.type[:-1].split(",")
        value = int(Decimal(value).scaleb(int(scale)))
    size = 4 if column.type == "INTEGER" else 8
    return int(value).to_bytes(size, "little", signed=True)


def _chunk(column: Column, rows: int) -> Value:
    size = max(1, round(rows * column.bytes_per_row))
    statistics = _struct(
        {
            3: _i64(0),
            4: _i64(column.distinct),
            5: _binary(_plain(column, column.most)),
            6: _binary(_plain(column, column.least)),
        }
    )
    metadata = _struct(
        {
            1: _i32(_physical(column)[0]),
            2: _list([_i32(0)]),
            3: _list([_binary(column.name)]),
            4: _i32(0),
            5: _i64(rows),
            6: _i64(size),
            7: _i64(size),
            9: _i64(len(MAGIC)),
            12: statistics,
        }
    )
    return _struct({2: _i64(len(MAGIC)), 3: metadata})


def _row_group(columns: list[Column], rows: int) -> Value:
    size = sum(max(1, round(rows * column.bytes_per_row)) for column in columns)
    return _struct(
        {1: _list([_chunk(column, rows) for column in columns]), 2: _i64(size), 3: _i64(rows)}
    )


def write_dataless(path: Path, columns: list[Column], rows: int, group_rows: int) -> None:
    """Writes a file that claims to hold `rows` rows in row groups of `group_rows`."""
    schema = [_struct({4: _binary("schema"), 5: _i32(len(columns))})]
    for column in columns:
        physical, logical = _physical(column)
        fields = {1: _i32(physical), 3: _i32(0), 4: _binary(column.name)}
        schema.append(_struct(fields | logical))
    groups = [_row_group(columns, group_rows)] * (rows // group_rows)
    if rows % group_rows:
        groups.append(_row_group(columns, rows % group_rows))
    footer = _struct({1: _i32(1), 2: _list(schema), 3: _i64(rows), 4: _list(groups)})[1]
    with path.open("wb") as file:
        file.write(MAGIC)
        file.seek(round(rows * sum(column.bytes_per_row for column in columns)), 1)
        file.write(footer + len(footer).to_bytes(4, "little") + MAGIC)

"""Arrow's C data interface: the structs of its specification, and a stream of them read batch by
batch."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from smallpond.errors import IoError


class _Schema(ctypes.Structure):
    pass


class _Array(ctypes.Structure):
    pass


class _Stream(ctypes.Structure):
    pass


def _pointer(kind: type[ctypes.Structure]) -> Any:
    return ctypes.POINTER(kind)


_Schema._fields_ = [
    ("format", ctypes.c_char_p),
    ("name", ctypes.c_char_p),
    ("metadata", ctypes.c_void_p),
    ("flags", ctypes.c_int64),
    ("n_children", ctypes.c_int64),
    ("children", ctypes.POINTER(_pointer(_Schema))),
    ("dictionary", _pointer(_Schema)),
    ("release", ctypes.CFUNCTYPE(None, _pointer(_Schema))),
    ("private_data", ctypes.c_void_p),
]
_Array._fields_ = [
    ("length", ctypes.c_int64),
    ("null_count", ctypes.c_int64),
    ("offset", ctypes.c_int64),
    ("n_buffers", ctypes.c_int64),
    ("n_children", ctypes.c_int64),
    ("buffers", ctypes.POINTER(ctypes.c_void_p)),
    ("children", ctypes.POINTER(_pointer(_Array))),
    ("dictionary", _pointer(_Array)),
    ("release", ctypes.CFUNCTYPE(None, _pointer(_Array))),
    ("private_data", ctypes.c_void_p),
]
_Stream._fields_ = [
    ("get_schema", ctypes.CFUNCTYPE(ctypes.c_int, _pointer(_Stream), _pointer(_Schema))),
    ("get_next", ctypes.CFUNCTYPE(ctypes.c_int, _pointer(_Stream), _pointer(_Array))),
    ("get_last_error", ctypes.CFUNCTYPE(ctypes.c_char_p, _pointer(_Stream))),
    ("release", ctypes.CFUNCTYPE(None, _pointer(_Stream))),
    ("private_data", ctypes.c_void_p),
]


@dataclass(frozen=True)
class Field:
    """A column's type: Arrow's format string, and the fields below it."""

    format: str
    name: str
    children: list[Field]
    dictionary: Field | None


class Array:
    """The values of a field, in memory that belongs to the batch that is being read."""

    def __init__(self, array: Any) -> None:
        self._array = array
        self.length: int = array.length
        self.offset: int = array.offset
        self.may_have_nulls: bool = array.null_count != 0

    def children(self) -> list[Array]:
        return [Array(self._array.children[i].contents) for i in range(self._array.n_children)]

    def dictionary(self) -> Array:
        return Array(self._array.dictionary.contents)

    def address(self, buffer: int) -> int:
        """Where a buffer lies; 0 where there is none."""
        return self._array.buffers[buffer] or 0

    def num_buffers(self) -> int:
        return int(self._array.n_buffers)

    def numbers(self, kind: Any, buffer: int, start: int, count: int) -> list[Any]:
        """`count` numbers of a ctypes type from a buffer."""
        if count == 0:
            return []
        numbers: list[Any] = (kind * (start + count)).from_address(self.address(buffer))[start:]
        return numbers

    def bits(self, buffer: int, start: int, count: int) -> list[bool]:
        """`count` bits of a buffer."""
        first, last = start // 8, (start + count + 7) // 8
        read = ctypes.string_at(self.address(buffer) + first, last - first)
        flat = [bool(byte >> bit & 1) for byte in read for bit in range(8)]
        return flat[start - first * 8 :][:count]

    def data(self, buffer: int, start: int, count: int) -> bytes:
        """`count` bytes of a buffer."""
        return ctypes.string_at(self.address(buffer) + start, count) if count else b""


def _field(schema: Any) -> Field:
    return Field(
        schema.format.decode(),
        (schema.name or b"").decode(),
        [_field(schema.children[i].contents) for i in range(schema.n_children)],
        _field(schema.dictionary.contents) if schema.dictionary else None,
    )


def batches(holder: Any) -> Iterator[tuple[list[Field], Array]]:
    """Yields the fields and the rows of each batch of an object with `__arrow_c_stream__`. A batch
    is gone when the next one is asked for."""
    capsule = holder.__arrow_c_stream__()  # Owns the stream.
    get = ctypes.pythonapi.PyCapsule_GetPointer
    get.restype, get.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]
    stream = ctypes.cast(get(capsule, b"arrow_array_stream"), ctypes.POINTER(_Stream))
    schema = _Schema()
    _check(stream, stream.contents.get_schema(stream, schema))
    try:
        fields = _field(schema).children
    finally:
        schema.release(schema)
    while True:
        array = _Array()
        _check(stream, stream.contents.get_next(stream, array))
        if not array.release:  # The end.
            break
        try:
            yield fields, Array(array)
        finally:
            array.release(array)
    del capsule


def _check(stream: Any, error_number: int) -> None:
    if error_number:
        text = stream.contents.get_last_error(stream) or b""
        raise IoError(f"Reading rows failed: {text.decode(errors='replace')}")

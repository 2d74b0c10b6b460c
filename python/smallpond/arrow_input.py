"""What counts as a table that Python holds, and how it becomes an Arrow stream."""

from __future__ import annotations

import os
from typing import Any

from smallpond import pandas_input
from smallpond.errors import InvalidInputError, InvalidTypeError


def _module(value: Any) -> str:
    return type(value).__module__.split(".")[0]


def _is_pandas(value: Any) -> bool:
    return _module(value) == "pandas" and type(value).__name__ == "DataFrame"


def _is_polars_lazy(value: Any) -> bool:
    return _module(value) == "polars" and type(value).__name__ == "LazyFrame"


def _is_numpy_array(value: Any) -> bool:
    return _module(value) == "numpy" and type(value).__name__ in ("ndarray", "MaskedArray")


def is_table(value: Any) -> bool:
    """Whether `value` is a pandas DataFrame, a Polars LazyFrame, NumPy arrays, or anything that
    offers Arrow data: pyarrow, Polars, DuckDB relations …"""
    if isinstance(value, type):
        return False
    return (
        _is_pandas(value)
        or hasattr(value, "__arrow_c_stream__")
        or _is_arrow_batch_or_dataset(value)
        or _is_polars_lazy(value)
        or _arrays(value) is not None
    )


def _is_arrow_batch_or_dataset(value: Any) -> bool:
    return _module(value) == "pyarrow" and (
        type(value).__name__ in ("RecordBatch", "Scanner") or hasattr(value, "scanner")
    )


def _arrays(value: Any) -> dict[str, Any] | None:
    """The columns of what DuckDB takes for a table of NumPy arrays: a dict or a list of them, or an
    array whose first dimension is that of the columns, where there are two. None for others."""
    if isinstance(value, dict):
        is_all = value and all(_is_numpy_array(v) and v.ndim == 1 for v in value.values())
        return dict(value) if is_all else None
    if _is_numpy_array(value):
        if value.ndim not in (1, 2) or value.dtype.names:
            return None
        value = [value] if value.ndim == 1 else list(value)
    elif not isinstance(value, (list, tuple)):
        return None
    is_all = value and all(_is_numpy_array(v) and v.ndim == 1 for v in value)
    return {f"column{i}": array for i, array in enumerate(value)} if is_all else None


def advice(value: Any) -> str:
    """How to make a table of something that is none."""
    kind = type(value).__name__
    if _module(value) in ("pandas", "polars") and kind == "Series":
        return "A Series is one column: give series.to_frame()."
    if _module(value) == "pyarrow" and kind.endswith("Array"):
        return "An Arrow array is one column: give pyarrow.table({'name': array})."
    if _is_numpy_array(value):
        return "An array needs one dimension, or two: give pandas.DataFrame(array)."
    if isinstance(value, dict):
        return "Give pyarrow.table(columns) or pandas.DataFrame(columns)."
    if isinstance(value, (list, tuple)):
        return "Give sp.from_items(values)."
    if isinstance(value, (str, os.PathLike)) or hasattr(value, "read"):
        return "Read it first, with read_parquet(), read_csv() or read_json()."
    return "Give a smallpond frame, a pandas DataFrame or Arrow data."


def is_one_shot(value: Any) -> bool:
    """Whether a table gives its rows only once: a second reading would find none."""
    return type(value).__module__.startswith("pyarrow.") and hasattr(value, "read_next_batch")


def to_stream(value: Any) -> Any:
    """Returns an object with `__arrow_c_stream__` for a table. pandas' index is left out, as DuckDB
    does."""
    if _is_pandas(value):
        return _readable(pandas_input.to_arrow(value))
    if _is_polars_lazy(value):
        value = value.collect()
    arrays = _arrays(value)
    if arrays is not None:
        return _readable(pandas_input.arrays_to_arrow(arrays))
    if type(value).__name__ in ("Series", "ChunkedArray"):
        raise InvalidTypeError(f"A {type(value).__name__} is no table. {advice(value)}")
    _check_polars(value)
    if _is_arrow_batch_or_dataset(value):
        import pyarrow

        if isinstance(value, pyarrow.RecordBatch):
            return _readable(pyarrow.Table.from_batches([value]))
        if type(value).__name__ != "Scanner":
            value = value.scanner()
        return _readable(value.to_reader())
    return _readable(value)


def _readable(value: Any) -> Any:
    """Gives columns types that DuckDB reads. Of half floats, which it doesn't, it makes floats, and
    it decodes dictionaries (categories) inside of lists, which DuckDB reads wrongly: it takes the
    indices for the values in lists of fixed size, and breaks where a batch begins with an empty
    list."""
    try:
        import pyarrow
    except ImportError:
        return value  # The core refuses what would be read wrongly.
    if not isinstance(value, (pyarrow.Table, pyarrow.RecordBatchReader)):
        try:
            value = pyarrow.RecordBatchReader.from_stream(value)
        except pyarrow.ArrowInvalid:  # No table, which the core tells better.
            return value
    fields = [field.with_type(_decoded(field.type, False)) for field in value.schema]
    schema = pyarrow.schema(fields, value.schema.metadata)
    if schema == value.schema:
        return value
    reader = value.to_reader() if isinstance(value, pyarrow.Table) else value
    return reader.cast(schema)


def _decoded(kind: Any, in_list: bool) -> Any:
    """The type without half floats, and without dictionaries inside of lists."""
    import pyarrow
    from pyarrow import types

    def of(field: Any, in_list: bool) -> Any:
        return field.with_type(_decoded(field.type, in_list))

    if types.is_float16(kind):
        return pyarrow.float32()
    if types.is_dictionary(kind) and in_list:
        # pyarrow can't decode one of views; the core refuses it.
        return kind if kind.value_type == pyarrow.string_view() else kind.value_type
    if types.is_struct(kind):
        return pyarrow.struct([of(field, in_list) for field in kind])
    if types.is_map(kind):
        return pyarrow.map_(of(kind.key_field, True), of(kind.item_field, True))
    if types.is_fixed_size_list(kind):
        return pyarrow.list_(of(kind.value_field, True), kind.list_size)
    if types.is_large_list(kind):
        return pyarrow.large_list(of(kind.value_field, True))
    if types.is_list(kind):
        return pyarrow.list_(of(kind.value_field, True))
    return kind


def _check_polars(value: Any) -> None:
    """Polars hands out addresses for Python objects."""
    if type(value).__module__.split(".")[0] != "polars":
        return
    for name, kind in getattr(value, "schema", {}).items():
        if str(kind) == "Object":
            raise InvalidInputError(
                f"The Polars column {name!r} holds Python objects, which can't be read. Give it a "
                "type, or leave it out."
            )


def categories(value: Any) -> dict[int, list[str]]:
    """The categories of a pandas DataFrame's columns of text, by the column's position, where they
    give values another order than that of text: DuckDB sorts by it."""
    if not _is_pandas(value):
        return {}
    found = {}
    for position, kind in enumerate(value.dtypes):
        names = list(getattr(kind, "categories", ())) if str(kind) == "category" else []
        # SQL's text ends at a zero byte.
        if any(not isinstance(name, str) or "\0" in name for name in names):
            continue
        if names != sorted(names):
            found[position] = names
    return found

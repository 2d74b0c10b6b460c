"""What counts as a table that Python holds, and how it becomes an Arrow stream."""

from __future__ import annotations

from typing import Any

from smallpond.errors import InvalidInputError, missing_package


def _is_pandas(value: Any) -> bool:
    return type(value).__module__.split(".")[0] == "pandas" and type(value).__name__ == "DataFrame"


def is_table(value: Any) -> bool:
    """Whether `value` is a pandas DataFrame, or anything that offers Arrow data: pyarrow, Polars,
    DuckDB relations …"""
    if isinstance(value, type):
        return False
    return (
        _is_pandas(value)
        or hasattr(value, "__arrow_c_stream__")
        or _is_arrow_batch_or_dataset(value)
    )


def _is_arrow_batch_or_dataset(value: Any) -> bool:
    module = type(value).__module__
    return module.startswith("pyarrow.") and (
        type(value).__name__ == "RecordBatch" or hasattr(value, "scanner")
    )


def is_one_shot(value: Any) -> bool:
    """Whether a table gives its rows only once: a second reading would find none."""
    return type(value).__module__.startswith("pyarrow.") and hasattr(value, "read_next_batch")


def to_stream(value: Any) -> Any:
    """Returns an object with `__arrow_c_stream__` for a table. pandas' index is left out, as DuckDB
    does."""
    if _is_pandas(value):
        return _pandas_to_arrow(value)
    _check_polars(value)
    if _is_arrow_batch_or_dataset(value):
        import pyarrow

        if isinstance(value, pyarrow.RecordBatch):
            return _without_nested_dictionaries(pyarrow.Table.from_batches([value]))
        return _without_nested_dictionaries(value.scanner().to_reader())
    return _without_nested_dictionaries(value)


def _without_nested_dictionaries(value: Any) -> Any:
    """Decodes dictionaries (categories) inside of lists, which DuckDB reads wrongly: it takes the
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
    """The type without dictionaries inside of lists."""
    import pyarrow
    from pyarrow import types

    def of(field: Any, in_list: bool) -> Any:
        return field.with_type(_decoded(field.type, in_list))

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


def _pandas_to_arrow(frame: Any) -> Any:
    try:
        import pyarrow
    except ImportError:
        raise missing_package("pyarrow", "pandas", "Reading a pandas DataFrame") from None
    _check_columns(frame)
    # pyarrow refuses columns of one name; DuckDB tells them apart by a number behind it.
    names = [str(name) for name in frame.columns]
    has_same_names = not frame.columns.is_unique
    if has_same_names:
        frame = frame.set_axis(range(len(names)), axis="columns")
    try:
        table = pyarrow.Table.from_pandas(frame, preserve_index=False)
    except OverflowError:
        table = _with_wide_integers(frame)
    except (pyarrow.ArrowException, TypeError, ValueError) as error:
        raise _unreadable(str(error)) from error
    return _without_half_floats(table.rename_columns(names) if has_same_names else table)


def _check_columns(frame: Any) -> None:
    for name, kind in zip(frame.columns, frame.dtypes, strict=True):
        # Arrow would hand over the number of months since 1970, or whatever the period is.
        if str(kind).startswith("period["):
            raise _unreadable(
                f"column {name!r} holds periods ({kind}), which SQL has no type for. Make it a "
                "column of timestamps with .dt.to_timestamp(), or of text."
            )


def _without_half_floats(table: Any) -> Any:
    """DuckDB reads pandas' float16 as FLOAT, but not Arrow's."""
    import pyarrow

    fields = [
        field.with_type(pyarrow.float32()) if field.type == pyarrow.float16() else field
        for field in table.schema
    ]
    schema = pyarrow.schema(fields)
    return table if schema == table.schema else table.cast(schema)


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


def _with_wide_integers(frame: Any) -> Any:
    """Columns of Python ints beyond 64 bits become decimals, the only exact type that Arrow has
    for them."""
    import pyarrow

    arrays = []
    for position, name in enumerate(frame.columns):
        column = frame.iloc[:, position]
        try:
            arrays.append(pyarrow.Array.from_pandas(column))
        except OverflowError:
            values = [value if isinstance(value, int) else None for value in column]
            if any(
                value is None and not _is_missing(old)
                for value, old in zip(values, column, strict=True)
            ):
                raise _unreadable(f"column {name!r} mixes wide integers with others") from None
            try:
                arrays.append(pyarrow.array(values, pyarrow.decimal128(38, 0)))
            except pyarrow.ArrowException as error:
                raise _unreadable(f"column {name!r}: {error}") from error
    return pyarrow.Table.from_arrays(arrays, names=[str(name) for name in frame.columns])


def _is_missing(value: Any) -> bool:
    return type(value).__name__ == "NAType" or value is None or value != value


def _unreadable(why: str) -> InvalidInputError:
    return InvalidInputError(f"The pandas DataFrame can't be read as a table: {why}")

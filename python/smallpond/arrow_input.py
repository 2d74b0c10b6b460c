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
    if _is_arrow_batch_or_dataset(value):
        import pyarrow

        if isinstance(value, pyarrow.RecordBatch):
            return pyarrow.Table.from_batches([value])
        return value.scanner().to_reader()
    return value


def _pandas_to_arrow(frame: Any) -> Any:
    try:
        import pyarrow
    except ImportError:
        raise missing_package("pyarrow", "pandas", "Reading a pandas DataFrame") from None
    try:
        return pyarrow.Table.from_pandas(frame, preserve_index=False)
    except OverflowError:
        return _with_wide_integers(frame)
    except (pyarrow.ArrowException, TypeError, ValueError) as error:
        raise _unreadable(str(error)) from error


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

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
    except (pyarrow.ArrowException, TypeError, ValueError) as error:
        raise InvalidInputError(
            f"The pandas DataFrame can't be read as a table: {error}"
        ) from error

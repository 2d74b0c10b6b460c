"""Writing frames to files and folders of files."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Sequence
from typing import Any

from smallpond import _core, arguments
from smallpond.errors import PublishWarning
from smallpond.params import to_value
from smallpond.progress import progress

WriteResult = _core.WriteResult


def write(
    frame: _core.DataFrame,
    format: str,
    path: str | os.PathLike[str],
    *,
    mode: str,
    partition_by: str | Sequence[str] | None,
    compression: str | None,
    file_size: str | int | None,
    sort_by: str | Sequence[str] | None,
    row_group_size: int | None = None,
    further: dict[str, Any] | None = None,
) -> WriteResult:
    """Writes the rows of `frame`; the options are those of `DataFrame.write_parquet`."""
    if row_group_size is not None:
        row_group_size = arguments.integer(row_group_size, "row_group_size", 1)
    if compression is not None:
        arguments.text(compression, "compression")
    options = _core.WriteOptions.make(
        arguments.text(mode, "mode"),
        arguments.names(partition_by, "partition_by"),
        compression or "",
        row_group_size,
        None if file_size is None else _size(file_size),
        arguments.names(sort_by, "sort_by"),
        [(name, to_value(value)) for name, value in (further or {}).items() if value is not None],
    )
    with progress(f"write_{format}") as on_progress:
        result = frame.write(format, os.fspath(path), options, on_progress)
    if result.publish_error:
        warnings.warn(
            f"The write to '{os.fspath(path)}' is committed, but programs that list the folder do "
            f"not see all of it yet: {result.publish_error} The next write there makes up for it.",
            PublishWarning,
            stacklevel=3,
        )
    return result


def _size(file_size: str | int) -> str:
    if isinstance(file_size, str):
        return file_size
    return str(arguments.integer(file_size, "file_size, where it is no text such as '256MB',", 1))


class LazyWrite:
    """A write that waits to be computed, by `compute()` or by `Session.wait`."""

    def __init__(self, what: str, run: Callable[[], WriteResult]) -> None:
        self._what = what
        self._run = run

    def compute(self) -> WriteResult:
        """Writes, as often as it is called."""
        return self._run()

    def __repr__(self) -> str:
        return f"LazyWrite({self._what})"

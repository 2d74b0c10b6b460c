"""Writing frames to folders of files."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Sequence
from typing import Any

from smallpond import _core
from smallpond.errors import PublishWarning
from smallpond.progress import progress

WriteResult = _core.WriteResult


def _names(columns: str | Sequence[str] | None) -> list[str]:
    return [columns] if isinstance(columns, str) else list(columns or [])


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
    options = _core.WriteOptions.make(
        mode,
        _names(partition_by),
        compression or "",
        row_group_size,
        None if file_size is None else str(file_size),
        _names(sort_by),
        [(name, _text(value)) for name, value in (further or {}).items()],
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


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


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

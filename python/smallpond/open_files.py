"""Open files, `io.StringIO` and the like, as paths that DuckDB can read."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from smallpond.arguments import whole_text
from smallpond.arrow_input import is_table
from smallpond.errors import InvalidInputError, InvalidTypeError

_CHUNK = 1 << 20  # Characters or bytes that are read of an open file at a time.


@contextlib.contextmanager
def readable_paths(paths: Any, reader: str) -> Iterator[list[str]]:
    """Gives the texts of paths. An open file among them becomes a pipe, which is fed with what the
    file still has while the `with` block runs; the session keeps what it reads of a pipe."""
    with contextlib.ExitStack() as pipes:
        yield [
            pipes.enter_context(_pipe(path)) if hasattr(path, "read") else _name(path, reader)
            for path in _each(paths, reader)
        ]


def _each(paths: Any, reader: str) -> Iterable[Any]:
    if isinstance(paths, (str, bytes, os.PathLike)) or hasattr(paths, "read"):
        return [paths]
    if is_table(paths):
        raise InvalidTypeError(
            f"{reader}: {type(paths).__name__} is a table already. Give it to sql() as an input."
        )
    if not isinstance(paths, Iterable) or isinstance(paths, Mapping):
        raise InvalidTypeError(
            f"{reader}: give a path, an open file or a list of them, not "
            f"{type(paths).__name__} {paths!r:.60}."
        )
    return paths


def _name(path: Any, reader: str) -> str:
    if not isinstance(path, (str, bytes, os.PathLike)):
        raise InvalidTypeError(
            f"{reader}: a path must be text or a pathlib.Path, not "
            f"{type(path).__name__} {path!r:.60}."
        )
    name = os.fsdecode(path)
    if not name.isascii() and any("\ud800" <= char <= "\udfff" for char in name):
        raise InvalidInputError(
            f"The path {name!r} is not UTF-8, which DuckDB needs. Rename the file or folder."
        )
    return whole_text(name, f"{reader}: the path")


@contextlib.contextmanager
def _pipe(file: Any) -> Iterator[str]:
    """A path at which the rest of `file` can be read once. What fails in reading it is raised at
    the end, since the other end takes it for the end of the data."""
    read_end, write_end = os.pipe()
    failed: list[BaseException] = []

    def feed() -> None:
        try:
            with os.fdopen(write_end, "wb") as pipe:
                while chunk := file.read(_CHUNK):
                    pipe.write(chunk.encode() if isinstance(chunk, str) else chunk)
        except BrokenPipeError:
            pass  # Nobody wants more: another argument is wrong, or Ctrl-C was pressed.
        except BaseException as error:
            failed.append(error)

    feeder = threading.Thread(target=feed, daemon=True)
    feeder.start()
    try:
        yield f"/dev/fd/{read_end}"
    finally:
        os.close(read_end)
        feeder.join()
    if failed:
        raise failed[0]

"""Writing frames to files and folders of files."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from smallpond import _core, arguments
from smallpond.errors import PublishWarning
from smallpond.log import logged
from smallpond.params import to_value
from smallpond.progress import progress

PathLike = str | os.PathLike[str]
Columns = str | Sequence[str]


@dataclass(frozen=True, repr=False)
class WriteResult:
    """What a write did.

    path
        The folder, or the one file; absolute.
    is_folder
        Whether `path` is a folder of files.
    num_files, num_rows, num_bytes
        What this write added; 0 files where `mode="ignore"` left everything as it was.
    publish_seconds
        How long files of the earlier and of this version stood side by side for programs that list
        the folder themselves. smallpond's own readers see one version, always.
    publish_error
        Empty, or why the files do not have their final names yet, as a PublishWarning told. The
        write is committed all the same, and the next one there makes up for it.

    >>> df.write_parquet("folder").num_rows
    3
    """

    path: str
    is_folder: bool
    num_files: int
    num_rows: int
    num_bytes: int
    publish_seconds: float
    publish_error: str
    _text: str = field(compare=False)

    def __repr__(self) -> str:
        return self._text


class LazyWrite:
    """A write that waits to be computed, by `compute()` or by `Session.wait`.

    >>> df.write_csv_lazy("later.csv")
    LazyWrite(csv, later.csv)
    """

    def __init__(self, what: str, run: Callable[[], WriteResult]) -> None:
        self._what = what
        self._run = run

    def compute(self) -> WriteResult:
        """Writes, as often as it is called, and returns what was written.

        Raises what the write itself raises.

        >>> df.write_csv_lazy("later.csv").compute().num_rows
        3
        """
        return self._run()

    def __repr__(self) -> str:
        return f"LazyWrite({self._what})"


class WriteMethods:
    """The methods of a frame that write it."""

    _core: _core.DataFrame

    def write_parquet(
        self,
        path: PathLike,
        mode: str = "overwrite",
        *,
        partition_by: Columns | None = None,
        compression: str | None = None,
        row_group_size: int | None = None,
        file_size: str | int | None = None,
        sort_by: Columns | None = None,
        **options: Any,
    ) -> WriteResult:
        """Writes the rows to the file `path` where it ends as one (".parquet", ".pq"), and nothing
        asks for several: no `repartition`, `partition_by` or `file_size`, and no folder of that
        name. Otherwise into the folder `path`, one Parquet file a partition; in stages, where the
        frame was not repartitioned, one a task.

        The file appears whole or not at all. The folder shows all files or none: it changes in one
        moment for smallpond's own readers, and within `publish_seconds` of the result for other
        programs. The files' names sort as the partitions, and as the rows where they are sorted.

        path
            The file or folder; relative ones start in `data_dir`. Folders above it are made.
        mode
            "overwrite" replaces what smallpond wrote there, "append" adds files to a folder,
            "error" refuses where there is data, "ignore" then writes nothing. Rows are appended by
            the columns' names and cast to the types that are there.
        partition_by
            Columns that become folders key=value.
        compression
            "snappy" (the default), "zstd", "lz4", "gzip", "brotli" or "uncompressed".
        row_group_size
            Rows of a row group; 122,880 by default.
        file_size
            About when another file begins, such as "256MB", or a number of bytes.
        sort_by
            Sorts each partition, by columns such as "day" or "amount DESC".
        options
            Those of the format, in any letter case, such as `compression_level=9` or
            `kv_metadata={"source": "web"}`; docs/writing.md has them all.

        Raises InvalidInputError (an option, a column, files of others in the folder, a value that
        appending would change), IoError (the disk), UnavailableError (another writer was first).

        >>> df.write_parquet("by_kind", partition_by="kind", compression="zstd").num_files
        2
        """
        return write(
            self._core,
            "parquet",
            path,
            mode=mode,
            partition_by=partition_by,
            compression=compression,
            file_size=file_size,
            sort_by=sort_by,
            row_group_size=row_group_size,
            further=options,
        )

    def write_csv(
        self,
        path: PathLike,
        mode: str = "overwrite",
        *,
        partition_by: Columns | None = None,
        compression: str | None = None,
        file_size: str | int | None = None,
        sort_by: Columns | None = None,
        **options: Any,
    ) -> WriteResult:
        """Writes CSV with a header, as `write_parquet` writes Parquet: one file where `path` ends
        in ".csv", ".csv.gz", ".csv.zst" or ".tsv", a folder of them otherwise.

        path, mode, partition_by, file_size, sort_by
            As in `write_parquet`.
        compression
            "gzip", "zstd" or "none"; of one file, as its name says.
        options
            Such as `delim=";"`, `nullstr="NA"` or `header=False`; docs/writing.md has them all.

        Raises what `write_parquet` raises.

        >>> print(df.write_csv("users.csv").is_folder, open("users.csv").readline().strip())
        False id,kind
        """
        return write(
            self._core,
            "csv",
            path,
            mode=mode,
            partition_by=partition_by,
            compression=compression,
            file_size=file_size,
            sort_by=sort_by,
            further=options,
        )

    def write_json(
        self,
        path: PathLike,
        mode: str = "overwrite",
        *,
        partition_by: Columns | None = None,
        compression: str | None = None,
        file_size: str | int | None = None,
        sort_by: Columns | None = None,
        **options: Any,
    ) -> WriteResult:
        """Writes JSON with one object a line, as `write_csv` writes CSV: one file where `path` ends
        in ".json", ".jsonl" or ".ndjson", with ".gz" or ".zst" or without.

        path, mode, partition_by, file_size, sort_by
            As in `write_parquet`.
        compression
            "gzip", "zstd" or "none"; of one file, as its name says.
        options
            Such as `array=True` or `dateformat="%d.%m.%Y"`; docs/writing.md has them all.

        Raises what `write_parquet` raises.

        >>> df.write_json("users.json").num_rows
        3
        >>> open("users.json").readline()
        '{"id":1,"kind":"a"}\\n'
        """
        return write(
            self._core,
            "json",
            path,
            mode=mode,
            partition_by=partition_by,
            compression=compression,
            file_size=file_size,
            sort_by=sort_by,
            further=options,
        )

    def write_parquet_lazy(self, path: PathLike, *args: Any, **options: Any) -> LazyWrite:
        """`write_parquet` for later: by `compute()` of the result, or by `Session.wait`.

        path, args, options
            As in `write_parquet`, and looked at later.

        >>> sp.wait(df.write_parquet_lazy("later"))
        """
        return LazyWrite(f"parquet, {path}", lambda: self.write_parquet(path, *args, **options))

    def write_csv_lazy(self, path: PathLike, *args: Any, **options: Any) -> LazyWrite:
        """`write_csv` for later, as `write_parquet_lazy`.

        path, args, options
            As in `write_csv`, and looked at later.

        >>> sp.wait(df.write_csv_lazy("later.csv", delim=";"))
        """
        return LazyWrite(f"csv, {path}", lambda: self.write_csv(path, *args, **options))

    def write_json_lazy(self, path: PathLike, *args: Any, **options: Any) -> LazyWrite:
        """`write_json` for later, as `write_parquet_lazy`.

        path, args, options
            As in `write_json`, and looked at later.

        >>> sp.wait(df.write_json_lazy("later.json"))
        """
        return LazyWrite(f"json, {path}", lambda: self.write_json(path, *args, **options))


def write(
    frame: _core.DataFrame,
    format: str,
    path: PathLike,
    *,
    mode: str,
    partition_by: Columns | None,
    compression: str | None,
    file_size: str | int | None,
    sort_by: Columns | None,
    row_group_size: int | None = None,
    further: dict[str, Any] | None = None,
) -> WriteResult:
    """Writes the rows of `frame`; the options are those of `WriteMethods.write_parquet`."""
    method = f"write_{format}"
    path = arguments.path(path, f"{method}: the path")
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
    with logged(method) as tell, progress(method) as on_progress:
        result = frame.write(format, path, options, on_progress)
        tell(repr(result))
    if result.publish_error:
        warnings.warn(
            f"The write to '{path}' is committed, but programs that list the folder do "
            f"not see all of it yet: {result.publish_error} The next write there makes up for it.",
            PublishWarning,
            stacklevel=3,
        )
    return WriteResult(
        result.path,
        result.is_folder,
        result.num_files,
        result.num_rows,
        result.num_bytes,
        result.publish_seconds,
        result.publish_error,
        repr(result),
    )


def _size(file_size: str | int) -> str:
    if isinstance(file_size, str):
        return file_size
    return str(arguments.integer(file_size, "file_size, where it is no text such as '256MB',", 1))

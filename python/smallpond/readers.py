"""Reading files: the methods of a session that make frames of them."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterable, Mapping, Sequence
from typing import IO, TYPE_CHECKING, Any, Union, cast

from smallpond import _core
from smallpond.errors import InvalidInputError, UnreadFilesWarning
from smallpond.frame import DataFrame
from smallpond.open_files import readable_paths
from smallpond.params import to_value

if TYPE_CHECKING:
    from smallpond.session import Session

PathLike = Union[str, "os.PathLike[str]"]
Path = Union[PathLike, IO[Any]]  # noqa: UP007
Paths = Union[Path, Iterable[Path]]  # noqa: UP007

CoreFrame = _core.DataFrame  # In the class below `_core` is the session's.


class ReadMethods:
    """The methods of a session that read files.

    Paths are a file, a glob, a folder, an open file, or a list of them. A folder stands for the
    files in it with the format's endings (in any case, of text also compressed) or, such as
    "part-0000", without any, and in folders named key=value below it; an UnreadFilesWarning names
    what else is there. A pipe ("/dev/stdin", a FIFO) is read once a session and kept in temp_dir.
    """

    _core: _core.Session
    _warned: set[str]

    def read_parquet(
        self,
        paths: Paths,
        recursive: bool = False,
        columns: Sequence[str] | None = None,
        union_by_name: bool = False,
        hive_partitioning: bool | None = None,
        **options: Any,
    ) -> DataFrame:
        """Reads Parquet files. Columns are matched by name: the first file says which there are,
        and their types; a file that lacks one is an error.

        paths
            A file, a glob, a folder, an open file, or a list of them.
        recursive
            True: a folder with all below it.
        columns
            Only these, in this order. Default: all.
        union_by_name
            True: all files' columns, and NULL where a file has none.
        hive_partitioning
            Whether folders named key=value are columns. Default: where all files have the same
            keys.
        options
            Those of DuckDB's `read_parquet`, such as `filename=True`.

        Raises InvalidInputError (no file, an unknown column or option), IoError (a file that is
        damaged), UnavailableError (a server). Warns with an UnreadFilesWarning.

        >>> written = df.write_parquet("users.parquet")
        >>> sp.read_parquet("users.parquet", columns=["id"]).take(1)
        [{'id': 1}]
        """
        if isinstance(columns, str):
            columns = [columns]
        if columns is not None and not (columns := list(columns)):
            raise InvalidInputError("read_parquet: columns is empty. Leave it out to read all.")
        with readable_paths(paths, "read_parquet") as found:
            core = self._core.read_parquet(
                found,
                columns or [],
                _flag(recursive, "recursive"),
                _flag(union_by_name, "union_by_name"),
                _flag_or_none(hive_partitioning, "hive_partitioning"),
                _options(options),
            )
        return self._noticed(core, UnreadFilesWarning)

    def read_csv(
        self,
        paths: Paths,
        schema: Mapping[str, str] | None = None,
        delim: str | None = None,
        header: bool | None = None,
        ignore_errors: bool = False,
        *,
        recursive: bool = False,
        union_by_name: bool = False,
        hive_partitioning: bool | None = None,
        **options: Any,
    ) -> DataFrame:
        """Reads CSV files, also compressed ones. Without `schema` the names, types, delimiter and
        everything else are found out from the data, as DuckDB does; columns of several files are
        then matched by name.

        paths
            A file, a glob, a folder, an open file, or a list of them.
        schema
            Names and DuckDB types by position: its first entry is the first column of every file,
            whatever a header calls it. To give types by name, leave `schema` out and pass DuckDB's
            `types={"id": "INTEGER"}`.
        delim
            What stands between values. Beside a `schema` it is "," by default.
        header
            Whether the first line holds names. Beside a `schema` it does not by default.
        ignore_errors
            True: leaves out lines that don't fit, instead of raising.
        recursive, union_by_name, hive_partitioning
            As in `read_parquet`.
        options
            Those of DuckDB's `read_csv`, such as `nullstr="NA"`.

        Raises InvalidInputError (no file, an unknown option; as rows are computed: a line that does
        not fit), IoError, UnavailableError. Warns with an UnreadFilesWarning.

        >>> written = df.write_csv("users.csv")
        >>> sp.read_csv("users.csv", types={"id": "INTEGER"})
        DataFrame[id INTEGER, kind VARCHAR]
        """
        with readable_paths(paths, "read_csv") as found:
            core = self._core.read_csv(
                found,
                _schema(schema),
                delim,
                _flag_or_none(header, "header"),
                _flag(ignore_errors, "ignore_errors"),
                _flag(recursive, "recursive"),
                _flag(union_by_name, "union_by_name"),
                _flag_or_none(hive_partitioning, "hive_partitioning"),
                _options(options),
            )
        return self._noticed(core, UnreadFilesWarning)

    def read_json(
        self,
        paths: Paths,
        schema: Mapping[str, str] | None = None,
        *,
        ignore_errors: bool = False,
        recursive: bool = False,
        union_by_name: bool = False,
        hive_partitioning: bool | None = None,
        **options: Any,
    ) -> DataFrame:
        """Reads JSON files: one object a line, or one array of objects; also compressed ones.

        paths
            A file, a glob, a folder, an open file, or a list of them.
        schema
            Names and DuckDB types; other names in the data are left out, missing ones are NULL.
            Without it names and types are found out from the data.
        ignore_errors
            True: makes lines that don't fit rows of NULLs, instead of raising.
        recursive, union_by_name, hive_partitioning
            As in `read_parquet`.
        options
            Those of DuckDB's `read_json`, such as `maximum_depth=2`.

        Raises InvalidInputError (no file, an unknown option; as rows are computed: a line that does
        not fit), IoError, UnavailableError. Warns with an UnreadFilesWarning.

        >>> written = df.write_json("users.json")
        >>> sp.read_json("users.json", schema={"kind": "VARCHAR"}).take(1)
        [{'kind': 'a'}]
        """
        with readable_paths(paths, "read_json") as found:
            core = self._core.read_json(
                found,
                _schema(schema),
                _flag(ignore_errors, "ignore_errors"),
                _flag(recursive, "recursive"),
                _flag(union_by_name, "union_by_name"),
                _flag_or_none(hive_partitioning, "hive_partitioning"),
                _options(options),
            )
        return self._noticed(core, UnreadFilesWarning)

    def _noticed(self, core: CoreFrame, category: type[Warning], stacklevel: int = 3) -> DataFrame:
        """The frame, whose notice is told once, as one of the line that called the method."""
        if core.notice and core.notice not in self._warned:
            self._warned.add(core.notice)
            warnings.warn(core.notice, category, stacklevel=stacklevel)
        return DataFrame(cast("Session", self), core)


def _flag(value: Any, name: str) -> bool:
    if isinstance(value, bool):
        return value
    raise InvalidInputError(f"{name} must be True or False, not {value!r}.")


def _flag_or_none(value: Any, name: str) -> bool | None:
    return None if value is None else _flag(value, name)


def _schema(schema: Mapping[str, str] | None) -> list[tuple[str, str]]:
    if schema is None:
        return []
    if not isinstance(schema, Mapping):
        raise InvalidInputError(
            f"schema must map names to DuckDB types, such as {{'id': 'INTEGER'}}, not {schema!r}."
        )
    if not schema:
        raise InvalidInputError("The schema is empty. Leave it out to have it found out.")
    return [(str(name), str(type_)) for name, type_ in schema.items()]


def _options(options: Mapping[str, Any]) -> list[tuple[str, _core.Value]]:
    return [(name, to_value(value)) for name, value in options.items()]

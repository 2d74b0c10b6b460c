"""The session: makes frames from files, tables and SQL."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
import warnings
import weakref
from collections.abc import Iterable, Mapping, Sequence
from typing import IO, Any, Union

from smallpond import _core, arguments
from smallpond.arrow_input import advice, categories, is_one_shot, is_table, to_stream
from smallpond.errors import (
    InvalidInputError,
    InvalidTypeError,
    MergeWarning,
    UnreadFilesWarning,
)
from smallpond.frame import DataFrame
from smallpond.items import columns_of_items, to_arrow
from smallpond.open_files import readable_paths
from smallpond.params import to_value
from smallpond.scope import find, table_names

PathLike = Union[str, "os.PathLike[str]"]
Path = Union[PathLike, IO[Any]]  # noqa: UP007
Paths = Union[Path, Iterable[Path]]  # noqa: UP007
Params = Union[Sequence[Any], Mapping[str, Any], None]  # noqa: UP007

# The readers of all sessions that were read, and what keeps two threads from reading one. A reader
# may itself run queries.
_read_readers: weakref.WeakSet[Any] = weakref.WeakSet()
_readers_lock = threading.RLock()


class Session:
    """Makes frames from files, tables and SQL. Several sessions live side by side; any thread may
    use one.

    Made by `smallpond.init()`; `with smallpond.init() as sp:` closes it at the end.
    """

    def __init__(self, core: _core.Session) -> None:
        self._core = core
        self._warned: set[str] = set()
        self._temp_dir = core.temp_dir
        # What was read from readers that give their rows only once, for as long as they live.
        self._readers: weakref.WeakKeyDictionary[Any, _core.DataFrame] = weakref.WeakKeyDictionary()

    # --- read ---
    # Paths are a file, a glob, a folder, an open file, or a list of them. A folder stands for the
    # files in it with the format's endings (in any case, of text also compressed) or, such as
    # "part-0000", without any, and in folders named key=value below it; an UnreadFilesWarning names
    # what else is there. A pipe ("/dev/stdin", a FIFO) is read once a session and kept in temp_dir.

    def read_parquet(
        self,
        paths: Paths,
        recursive: bool = False,
        columns: Sequence[str] | None = None,
        union_by_name: bool = False,
        hive_partitioning: bool | None = None,
        **options: Any,
    ) -> DataFrame:
        """Reads Parquet files.

        Columns are matched by name: the first file says which there are, and their types; a file
        that lacks one is an error. `union_by_name=True` takes all files' columns, and NULL where a
        file has none. `columns` reads only these, in this order. `recursive` takes a folder with
        all below it. Folders named key=value are columns where all files have the same keys;
        `hive_partitioning` says yes or no. Further options go to DuckDB's `read_parquet`, such as
        `filename=True`.
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
                hive_partitioning
                if hive_partitioning is None
                else _flag(hive_partitioning, "hive_partitioning"),
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
        """Reads CSV files, also compressed ones.

        Without `schema` the names, types, delimiter and everything else are found out from the
        data, as DuckDB does; columns of several files are then matched by name.

        `schema` maps names to DuckDB types by position: its first entry is the first column of
        every file, whatever a header calls it. `delim` is "," then and the files have no header,
        unless these arguments say otherwise. To give types by name, leave `schema` out and pass
        DuckDB's `types={"id": "INTEGER"}`.

        `header` says whether the first line holds names. `ignore_errors` leaves out lines that
        don't fit, instead of raising. `recursive`, `union_by_name` and `hive_partitioning` are
        those of `read_parquet`. Further options go to DuckDB's `read_csv`, such as `nullstr="NA"`.
        """
        with readable_paths(paths, "read_csv") as found:
            core = self._core.read_csv(
                found,
                _schema(schema),
                delim,
                header if header is None else _flag(header, "header"),
                _flag(ignore_errors, "ignore_errors"),
                _flag(recursive, "recursive"),
                _flag(union_by_name, "union_by_name"),
                hive_partitioning
                if hive_partitioning is None
                else _flag(hive_partitioning, "hive_partitioning"),
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

        `schema` maps names to DuckDB types; other names in the data are left out, missing ones are
        NULL. Without it names and types are found out from the data. `ignore_errors` makes lines
        that don't fit rows of NULLs, instead of raising. `recursive`, `union_by_name` and
        `hive_partitioning` are those of `read_parquet`. Further options go to DuckDB's `read_json`.
        """
        with readable_paths(paths, "read_json") as found:
            core = self._core.read_json(
                found,
                _schema(schema),
                _flag(ignore_errors, "ignore_errors"),
                _flag(recursive, "recursive"),
                _flag(union_by_name, "union_by_name"),
                hive_partitioning
                if hive_partitioning is None
                else _flag(hive_partitioning, "hive_partitioning"),
                _options(options),
            )
        return self._noticed(core, UnreadFilesWarning)

    def from_pandas(self, frame: Any) -> DataFrame:
        """A frame over a pandas DataFrame, which is kept in memory; its index is left out.

        NaN and NaT become NULL, and timedelta64 an INTERVAL. Categories of text are text, but an
        ENUM where they have an order of their own. Python objects of several types become text.

        Columns of numbers are not copied: what is changed in place in the DataFrame before the rows
        are computed shows in them, or not. Give `frame.copy()` where that may happen. Assigning a
        whole column is no such change.
        """
        return self._from_table(frame, "from_pandas", "a pandas DataFrame")

    def from_arrow(self, table: Any) -> DataFrame:
        """A frame over Arrow data (pyarrow, Polars, DuckDB …), which is kept in memory. NumPy
        arrays are columns too: a dict or a list of them, or one with two dimensions, as in DuckDB.

        A reader that gives its rows only once is read here. What this session makes of the same
        pyarrow reader later has the same rows.
        """
        return self._from_table(table, "from_arrow", "Arrow data")

    def from_items(self, items: Sequence[Any]) -> DataFrame:
        """A frame over a list: dicts become rows, everything else a column `item`."""
        columns = columns_of_items(items)
        return DataFrame(self, self._from_arrow(to_arrow(self._core, columns)))

    def _from_table(self, value: Any, method: str, expected: str) -> DataFrame:
        if not is_table(value):
            raise InvalidTypeError(
                f"{method}() takes {expected}, not {type(value).__name__} {value!r:.60}. "
                f"{advice(value)}"
            )
        return DataFrame(self, self._input(value, method))

    # --- query ---

    # The query and self are positional only, so that any table may be called `query` or `self`.

    def sql(
        self, query: str, /, *inputs: Any, params: Params = None, **named_inputs: Any
    ) -> DataFrame:
        """The answer of one DuckDB to `query`, over all rows of its inputs.

        Inputs are frames, pandas DataFrames or anything with Arrow data. They stand for {0}, {1} …,
        or for their name, also as main.name; one that the query doesn't name is passed over. Other
        names mean, in this order: a CTE, a table of the session, a frame in the caller's variables.

        `params` are bound as typed constants: a list for ? and $1, a dict for $name. The query is
        bound here; a wrong column raises now, and relative paths mean the folder that the process
        is in now. Columns with a file's name (`filename`) show the whole path.

            sp.sql("SELECT * FROM events WHERE day = $day", params={"day": date.today()})
        """
        return self._sql(query, inputs, named_inputs, params, False, None, sys._getframe(1))

    def partial_sql(
        self,
        query: str,
        /,
        *inputs: Any,
        params: Params = None,
        merge: str | None = None,
        **named_inputs: Any,
    ) -> DataFrame:
        """Runs `query` over the partitions of its inputs. Inputs and `params` are as in `sql`.

        merge="auto" (the default) gives the answer of `sql`: groups, orders and limits over all
        partitions. merge="concat" runs the query on partition i of every repartitioned input,
        together with the others whole, and puts the results one after the other.
        """
        return self._sql(query, inputs, named_inputs, params, True, merge, sys._getframe(1))

    def _sql(
        self,
        query: str,
        inputs: Sequence[Any],
        named_inputs: Mapping[str, Any],
        params: Params,
        partial: bool,
        merge: str | None,
        caller: Any,
    ) -> DataFrame:
        arguments.text(query, "The query")
        if merge is not None:
            arguments.text(merge, "merge", "Give 'auto' or 'concat'; a table needs another name.")
        positional = [self._input(value, f"input {{{i}}}") for i, value in enumerate(inputs)]
        named = {
            name: self._input(value, f"input '{name}'") for name, value in named_inputs.items()
        }
        values, named_values = _params(params)

        resolve = self._resolver(caller)
        core = self._core.sql(
            query, positional, named, values, named_values, resolve, partial, merge
        )
        return self._noticed(core, MergeWarning)

    def _noticed(self, core: _core.DataFrame, category: type[Warning]) -> DataFrame:
        """The frame, whose notice is told once."""
        if core.notice and core.notice not in self._warned:
            self._warned.add(core.notice)
            warnings.warn(core.notice, category, stacklevel=3 + (category is MergeWarning))
        return DataFrame(self, core)

    def _resolver(self, caller: Any) -> _core.Resolver:
        return _Variables(self, caller)

    def _input(self, value: Any, what: str) -> _core.DataFrame:
        if isinstance(value, DataFrame):
            return value._core
        if is_table(value):
            return self._read_once(value) if is_one_shot(value) else self._from_arrow(value)
        raise InvalidTypeError(
            f"The {what} is {type(value).__name__} {value!r:.60}, not a table. {advice(value)} "
            "Values of parameters go into params."
        )

    def _read_once(self, reader: Any) -> _core.DataFrame:
        """Two frames over one reader share its rows; a second reading would find none."""
        with _readers_lock:
            if reader not in self._readers:
                if reader in _read_readers:
                    raise InvalidInputError(
                        f"The {type(reader).__name__} gives its rows once, and another session has "
                        "read them. Make a table of it first: reader.read_all()."
                    )
                _read_readers.add(reader)
                self._readers[reader] = self._from_arrow(reader)
            return self._readers[reader]

    def _from_arrow(self, value: Any) -> _core.DataFrame:
        description = f"{type(value).__module__.split('.')[0]} table"
        frame = self._core.from_arrow(to_stream(value), description)
        # To cast each value makes a GROUP BY take 3 times as long: only where the order matters.
        enums = []
        for position, names in categories(value).items():
            name = _quote(frame.columns[position][0], '"')
            enum = ", ".join(_quote(text, "'") for text in names)
            enums.append(f"{name}::ENUM({enum}) AS {name}")
        if not enums:
            return frame
        sql = f"SELECT * REPLACE ({', '.join(enums)}) FROM {{0}}"
        return self._core.sql(sql, [frame], {}, [], {}, None, False, None)

    def wait(self, *writes: Any) -> None:
        """Computes lazy writes, one after the other: `sp.wait(df.write_parquet_lazy("out"), …)`."""
        for lazy in writes:
            lazy.compute()

    def execute(self, sql: str, params: Params = None) -> None:
        """Sets up the session: SET, USE, CREATE TABLE, VIEW, MACRO, TYPE or SECRET, ATTACH, LOAD,
        INSERT and the like, one statement or several. Later queries of this session see them.

            sp.execute("CREATE MACRO net(x) AS x / 1.19")
        """
        arguments.text(sql, "execute: the statement")
        values, named_values = _params(params)
        self._core.execute(sql, values, named_values, self._resolver(sys._getframe(1)))

    # --- end ---

    def shutdown(self) -> None:
        """Closes the session. Frames made before stay usable. Closing twice is fine."""
        self._stop_workers(False)
        self._core.close()

    def _stop_workers(self, for_good: bool) -> None:
        # A closed session has none.
        with contextlib.suppress(InvalidInputError):
            self._core.stop_workers(for_good)

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()

    @property
    def job_id(self) -> str:
        """The job's unique id."""
        return self._core.job_id

    def __repr__(self) -> str:
        return str(self._core)


class _Variables:
    """Finds tables in a caller's variables."""

    def __init__(self, session: Session, caller: Any) -> None:
        self._session = session
        self._caller = caller

    def __call__(self, name: str) -> _core.DataFrame | None:
        found = find(self._caller, name, self._is_table)
        return None if found is None else self._session._input(found, f"variable '{name}'")

    def names(self) -> list[str]:
        return table_names(self._caller, self._is_table)

    @staticmethod
    def _is_table(value: Any) -> bool:
        return isinstance(value, DataFrame) or is_table(value)


def _quote(text: str, quote: str) -> str:
    return quote + text.replace(quote, quote * 2) + quote


def _flag(value: Any, name: str) -> bool:
    if isinstance(value, bool):
        return value
    raise InvalidInputError(f"{name} must be True or False, not {value!r}.")


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


def _params(params: Params) -> tuple[list[_core.Value], dict[str, _core.Value]]:
    if params is None:
        return [], {}
    is_values = isinstance(params, (list, tuple, dict)) or hasattr(params, "tolist")
    is_input = isinstance(params, DataFrame) or (is_table(params) and not is_values)
    if is_input or not isinstance(params, Iterable):
        raise InvalidTypeError(
            f"params must be a list or a dict of values, not {type(params).__name__} "
            f"{params!r:.60}. A table is an input, under another name than params."
        )
    if isinstance(params, Mapping):
        return [], {str(name): to_value(value) for name, value in params.items()}
    if isinstance(params, (str, bytes)):
        raise InvalidInputError(
            f"params must be a list or a dict, not {params!r}. For one value give [{params!r}]."
        )
    return [to_value(value) for value in params], {}

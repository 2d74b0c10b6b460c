"""The session: where queries run, and how they are made."""

from __future__ import annotations

import atexit
import difflib
import os
import shutil
import sys
import warnings
import weakref
from typing import Any, Iterable, Mapping, Optional, Sequence, Union

from smallpond import _core
from smallpond.arrow_input import is_table, to_stream
from smallpond.dataframe import DataFrame
from smallpond.errors import InvalidInputError, MergeWarning
from smallpond.params import to_value
from smallpond.scope import find

PathLike = Union[str, "os.PathLike[str]"]
Paths = Union[PathLike, Iterable[PathLike]]
Params = Union[Sequence[Any], Mapping[str, Any], None]

_open_sessions: weakref.WeakSet[Session] = weakref.WeakSet()


def init(
    job_id: Optional[str] = None,
    job_time: Any = None,
    job_name: Optional[str] = None,
    data_root: Optional[PathLike] = None,
    num_executors: Optional[int] = None,
    ray_address: Optional[str] = None,
    bind_numa_node: Optional[bool] = None,
    platform: Optional[str] = None,
    _remove_output_root: bool = True,
    *,
    memory_allocator: Optional[str] = None,
    num_nodes: Optional[int] = None,
    duckdb_memory: Union[str, int, None] = None,
    data_dir: Optional[PathLike] = None,
    executor: Optional[str] = None,
    threads: Optional[int] = None,
    partition_size: Union[str, int, None] = None,
    partitions: Optional[int] = None,
    temp_dir: Optional[PathLike] = None,
    merge: Optional[str] = None,
    **unknown: Any,
) -> Session:
    """Opens a session: one DuckDB in this process. Starts no process and no service.

    Everything is optional. An argument beats its environment variable, which beats the default.

    duckdb_memory (SP_DUCKDB_MEMORY)
        DuckDB's memory limit, such as "8GB". Default: 80% of what this process's container may use, shared by all sessions that
        leave it out. Larger data spills to `temp_dir`.
    threads (SP_THREADS)
        DuckDB's threads. Default: every core that the process may use.
    data_dir (SP_DATA_DIR)
        Where relative paths of `read_*` and `write_*` start. Default: the current folder.
    temp_dir (SP_TEMP_DIR)
        Where to spill. Default: `<data_root>/temp` with a data_root, else the system's folder for temporary files.
    merge (SP_MERGE)
        Default of `partial_sql`'s merge: "auto" (the right answer) or "concat" (each partition's own result).
    executor (SP_EXECUTOR)
        "direct": one DuckDB in this process, the only one in this version.
    partition_size (SP_PARTITION_SIZE), partitions (SP_PARTITIONS)
        Size ("256MB") or number of the pieces that files are read in, when work is cut into tasks. They never change an answer.
    num_nodes (SP_NUM_NODES), num_executors (SP_NUM_EXECUTORS), ray_address (SP_RAY_ADDRESS), platform (SP_PLATFORM)
        A cluster. More than this machine is an UnsupportedError in this version.
    job_id (SP_JOBID), job_time (SP_JOB_TIME), job_name (SP_JOB_NAME)
        What the job is called. Default: a random UUID, now, the script's name.
    data_root (SP_DATA_ROOT)
        Folder for what a job needs while it runs.
    bind_numa_node (SP_BIND_NUMA_NODE), memory_allocator (SP_MEMORY_ALLOCATOR), _remove_output_root
        For worker processes of smallpond 0.15; accepted, and without effect in one process.

    Raises TypeError for an unknown argument, InvalidInputError for a value that can't be read, UnsupportedError for a cluster.
    """
    arguments = {name: value for name, value in locals().items() if name != "unknown" and value is not None}
    if unknown:
        raise TypeError(_unknown_argument(next(iter(unknown))))
    settings = {name: _as_text(value) for name, value in arguments.items()}
    if "SP_JOB_NAME" not in os.environ:
        settings.setdefault("job_name", os.path.basename(sys.argv[0]) if sys.argv else "")
    session = Session(_core.Session.init(settings))
    _open_sessions.add(session)
    return session


def _as_text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if hasattr(value, "isoformat"):
        return str(value.isoformat())
    return str(os.fspath(value)) if isinstance(value, os.PathLike) else str(value)


def _unknown_argument(name: str) -> str:
    known = [argument for argument in init.__code__.co_varnames[: init.__code__.co_argcount + init.__code__.co_kwonlyargcount]]
    nearest = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    hint = f" Did you mean '{nearest[0]}'?" if nearest else f" Known are: {', '.join(known)}."
    return f"init() got an unknown argument '{name}'.{hint}"


class Session:
    """Makes frames from files, tables and SQL. Several sessions live side by side; any thread may use one.

    Made by `smallpond.init()`; `with smallpond.init() as sp:` closes it at the end.
    """

    def __init__(self, core: _core.Session) -> None:
        self._core = core
        self._warned: set[str] = set()
        self._temp_dir = core.temp_dir

    # --- read ---
    # Paths are a file, a glob, a folder, or a list of them. A folder stands for the files in it with the format's endings, and in
    # folders named key=value below it.

    def read_parquet(
        self,
        paths: Paths,
        recursive: bool = False,
        columns: Optional[Sequence[str]] = None,
        union_by_name: bool = False,
        **options: Any,
    ) -> DataFrame:
        """Reads Parquet files.

        `columns` reads only these; `recursive` takes a folder with all below it; `union_by_name` matches columns by name over
        several files. Further options go to DuckDB's `read_parquet`, such as `hive_partitioning=True`.
        """
        return DataFrame(
            self,
            self._core.read_parquet(_paths(paths), list(columns or []), recursive, union_by_name, _options(options)),
        )

    def read_csv(
        self,
        paths: Paths,
        schema: Optional[Mapping[str, str]] = None,
        delim: Optional[str] = None,
        *,
        recursive: bool = False,
        **options: Any,
    ) -> DataFrame:
        """Reads CSV files, also compressed ones.

        `schema` maps the columns' names to DuckDB types, in order. Without it the names, types and everything else are found out
        from the data. `delim` is found out too, or "," with a schema. Further options go to DuckDB's `read_csv`, such as
        `header=False` or `nullstr="NA"`.
        """
        if delim is None and schema is not None:
            delim = ","
        if delim is not None:
            options["delim"] = delim
        return self._read_text("csv", paths, schema, recursive, options)

    def read_json(
        self,
        paths: Paths,
        schema: Optional[Mapping[str, str]] = None,
        *,
        recursive: bool = False,
        **options: Any,
    ) -> DataFrame:
        """Reads JSON files: one object a line, or one array of objects; also compressed ones.

        `schema` maps the columns' names to DuckDB types. Without it they are found out from the data. Further options go to
        DuckDB's `read_json`.
        """
        return self._read_text("json", paths, schema, recursive, options)

    def _read_text(
        self, kind: str, paths: Paths, schema: Optional[Mapping[str, str]], recursive: bool, options: dict[str, Any]
    ) -> DataFrame:
        columns = [(name, str(type_)) for name, type_ in (schema or {}).items()]
        return DataFrame(self, self._core.read_text(kind, _paths(paths), columns, recursive, _options(options)))

    # --- query ---

    def sql(self, query: str, *inputs: Any, params: Params = None, **named_inputs: Any) -> DataFrame:
        """The answer of one DuckDB to `query`, over all rows of its inputs.

        Inputs are frames, pandas DataFrames or anything with Arrow data. They stand for {0}, {1} …, or for their name. Other names
        mean, in this order: a CTE, a table of the session, a frame in the caller's variables.

        `params` are bound as typed constants: a list for ? and $1, a dict for $name. The query is bound here; a wrong column
        raises now.

            sp.sql("SELECT * FROM events WHERE day = $day", params={"day": date.today()})
        """
        return self._sql(query, inputs, named_inputs, params, False, None, sys._getframe(1))

    def partial_sql(self, query: str, *inputs: Any, merge: Optional[str] = None, **named_inputs: Any) -> DataFrame:
        """Runs `query` over the partitions of its inputs.

        merge="auto" (the default) gives the answer of `sql`: groups, orders and limits over all partitions. merge="concat" runs the
        query on partition i of every repartitioned input, together with the others whole, and puts the results one after the other.
        """
        return self._sql(query, inputs, named_inputs, None, True, merge, sys._getframe(1))

    def _sql(
        self,
        query: str,
        inputs: Sequence[Any],
        named_inputs: Mapping[str, Any],
        params: Params,
        partial: bool,
        merge: Optional[str],
        caller: Any,
    ) -> DataFrame:
        positional = [self._input(value, f"input {{{i}}}") for i, value in enumerate(inputs)]
        named = {name: self._input(value, f"input '{name}'") for name, value in named_inputs.items()}
        values, named_values = _params(params)

        def resolve(name: str) -> Optional[_core.DataFrame]:
            found = find(caller, name, lambda value: isinstance(value, DataFrame) or is_table(value))
            return None if found is None else self._input(found, f"variable '{name}'")

        core = self._core.sql(query, positional, named, values, named_values, resolve, partial, merge)
        if core.notice and core.notice not in self._warned:
            self._warned.add(core.notice)
            warnings.warn(core.notice, MergeWarning, stacklevel=3)
        return DataFrame(self, core)

    def _input(self, value: Any, what: str) -> _core.DataFrame:
        if isinstance(value, DataFrame):
            return value._core
        if is_table(value):
            return self._core.from_arrow(to_stream(value), f"{type(value).__module__.split('.')[0]} table")
        raise TypeError(
            f"The {what} is {type(value).__name__} {value!r:.60}, not a table. Give a smallpond frame, a pandas DataFrame or "
            "Arrow data; values go into params."
        )

    # --- end ---

    def shutdown(self) -> None:
        """Closes the session. Frames made before stay usable. Closing twice is fine."""
        self._core.close()

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()

    @property
    def job_id(self) -> str:
        """The job's unique id."""
        return self._core.job_id


def _paths(paths: Paths) -> list[str]:
    if isinstance(paths, (str, os.PathLike)):
        return [os.fspath(paths)]
    return [os.fspath(path) for path in paths]


def _options(options: Mapping[str, Any]) -> list[tuple[str, _core.Value]]:
    return [(name, to_value(value)) for name, value in options.items()]


def _params(params: Params) -> tuple[list[_core.Value], dict[str, _core.Value]]:
    if params is None:
        return [], {}
    if isinstance(params, Mapping):
        return [], {str(name): to_value(value) for name, value in params.items()}
    if isinstance(params, (str, bytes)):
        raise InvalidInputError(f"params must be a list or a dict, not {params!r}. For one value give [{params!r}].")
    return [to_value(value) for value in params], {}


def _remove_spill_folders() -> None:
    """At exit: DuckDB removes its spill folder when it closes, which a frame in a global variable may prevent."""
    for session in list(_open_sessions):
        shutil.rmtree(session._temp_dir, ignore_errors=True)


atexit.register(_remove_spill_folders)

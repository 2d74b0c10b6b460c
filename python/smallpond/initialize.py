"""How a session is opened: arguments, environment variables and defaults."""

from __future__ import annotations

import atexit
import functools
import inspect
import os
import shutil
import sys
import warnings
import weakref
from collections.abc import Callable, Iterable, Mapping
from typing import Any, ParamSpec, TypeVar

from smallpond import _core
from smallpond.arguments import whole_text
from smallpond.ending import end_on_signals, undisturbed
from smallpond.errors import OptionWarning
from smallpond.extensions import offer_installed_extensions
from smallpond.log import logger
from smallpond.readers import PathLike
from smallpond.session import Session

# How long the end of a program waits for queries that other threads still run.
EXIT_SECONDS = 10.0

_open_sessions: weakref.WeakSet[Session] = weakref.WeakSet()

# Options of smallpond 0.15 without effect, with their environment variables.
_FOR_ITS_WORKERS = {
    "bind_numa_node": "SP_BIND_NUMA_NODE",
    "memory_allocator": "SP_MEMORY_ALLOCATOR",
    "platform": "SP_PLATFORM",
    "_remove_output_root": None,
}
# Those without effect beside a ray_address.
_FOR_ITS_CLUSTER = {"num_nodes": "SP_NUM_NODES", "num_executors": "SP_NUM_EXECUTORS"}
_warned_of: set[str] = set()

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")


def _suggests_arguments(function: Callable[Parameters, Result]) -> Callable[Parameters, Result]:
    """Makes the error of an unknown argument name the one that was meant. The signature stays, so
    that type checkers find such an argument as well."""
    known = inspect.signature(function).parameters

    @functools.wraps(function)
    def checked(*args: Parameters.args, **kwargs: Parameters.kwargs) -> Result:
        for name in kwargs:
            if name not in known:
                raise TypeError(_unknown_argument(name, known))
        return function(*args, **kwargs)

    return checked


@_suggests_arguments
def init(
    job_id: str | None = None,
    job_time: Any = None,
    job_name: str | None = None,
    data_root: PathLike | None = None,
    num_executors: int | None = None,
    ray_address: str | None = None,
    bind_numa_node: bool | None = None,
    platform: str | None = None,
    _remove_output_root: bool | None = None,
    *,
    memory_allocator: str | None = None,
    num_nodes: int | None = None,
    duckdb_memory: str | int | None = None,
    data_dir: PathLike | None = None,
    executor: str | None = None,
    threads: int | None = None,
    partition_size: str | int | None = None,
    partitions: int | None = None,
    broadcast_size: str | int | None = None,
    whole_size: str | int | None = None,
    max_exchange_bytes: str | int | None = None,
    temp_dir: PathLike | None = None,
    merge: str | None = None,
) -> Session:
    """Opens a session: one DuckDB in this process. Starts no process and no service. SIGTERM and
    SIGHUP end the program in order from then on, with status 143 and 129, unless it handles them.

    An argument beats its environment variable, which beats the default.
    duckdb_memory (SP_DUCKDB_MEMORY)
        DuckDB's memory limit, such as "8GB". Default: 80% of what this process's container may use,
        shared by all sessions that leave it out. Larger data spills to `temp_dir`.
    threads (SP_THREADS)
        DuckDB's threads. Default: every core that the process may use.
    data_dir (SP_DATA_DIR)
        Where relative paths of `read_*` and `write_*` start. Default: the current folder.
    temp_dir (SP_TEMP_DIR)
        Where to spill, in a private folder. Default: `<data_root>/temp`, $TMPDIR or /tmp.
    merge (SP_MERGE)
        Default of `partial_sql`: "auto", the right answer, or "concat", each partition's own.
    executor (SP_EXECUTOR)
        "direct" (the default): one DuckDB query in this process. "threads", "processes" and "ray"
        cut queries into stages, whose tasks run in this process, in `num_executors` worker
        processes, or on the nodes of the Ray cluster at `ray_address`. All give the same answers.
    partition_size (SP_PARTITION_SIZE), partitions (SP_PARTITIONS),
    broadcast_size (SP_BROADCAST_SIZE), whole_size (SP_WHOLE_SIZE)
        Size ("256MB") or number of tasks' pieces; up to which size a join sends a side to all tasks
        ("64MB"), and a query is not cut ("500MB", a quarter of the memory, or 0 with `partitions`).
    num_nodes (SP_NUM_NODES), num_executors (SP_NUM_EXECUTORS), ray_address (SP_RAY_ADDRESS)
        A cluster: the address of a running Ray, "HOST:6379" or "auto", whose nodes say how many
        there are. More than this machine without one is an UnsupportedError.
    job_id (SP_JOBID), job_time (SP_JOB_TIME), job_name (SP_JOB_NAME)
        What the job is called. Default: a random UUID, now, the script's name.
    data_root (SP_DATA_ROOT)
        Folder for what a job needs while it runs. Default: `~/.smallpond/data`.
    max_exchange_bytes (SP_MAX_EXCHANGE_BYTES)
        Most that is kept of failed and killed jobs, for 7 days. Default: a tenth of the disk.
    bind_numa_node (SP_BIND_NUMA_NODE), memory_allocator (SP_MEMORY_ALLOCATOR),
    platform (SP_PLATFORM), _remove_output_root
        Of smallpond 0.15, without effect: an OptionWarning tells so once.

    Raises TypeError (unknown argument), InvalidInputError (bad value), UnsupportedError (cluster).

    >>> sp = smallpond.init(duckdb_memory="500MB", threads=1)
    >>> sp.sql("SELECT sum(i) AS s FROM range(5) t(i)").take_all()
    [{'s': 10}]
    """
    arguments = {name: value for name, value in locals().items() if value is not None}
    _warn_of_options_without_effect(arguments)
    return _open({name: _as_text(value, name) for name, value in arguments.items()})


def _open(settings: dict[str, str]) -> Session:
    if "SP_JOB_NAME" not in os.environ:
        settings.setdefault("job_name", os.path.basename(sys.argv[0]) if sys.argv else "")
    end_on_signals()
    core = _core.Session.init(settings)
    offer_installed_extensions(core)
    _choose_executor(core)
    session = Session(core)
    _open_sessions.add(session)
    logger.info("Opened %s", _core.without_secrets(str(core)))
    return session


def _choose_executor(core: _core.Session) -> None:
    """Tells a session that has workers how to start them; they start with its first action."""
    # The session keeps the functions, so they must not keep the session.
    num_workers, threads, address = core.num_workers, core.threads_per_worker, core.ray_address
    job_name = core.job_name
    if core.executor == "processes":

        def start(setup: str) -> _core.Executor:
            from smallpond.process_executor import start_processes

            return start_processes(setup, num_workers, threads)

        core.set_make_executor(start)
    elif core.executor == "ray":

        def connect(setup: str) -> _core.Executor:
            from smallpond.ray_executor import RayExecutor

            return RayExecutor(address, setup, threads_per_task=1, job_name=job_name)

        core.set_make_executor(connect)


def _as_text(value: Any, name: str) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if hasattr(value, "isoformat"):
        return str(value.isoformat())
    text = str(os.fspath(value)) if isinstance(value, os.PathLike) else str(value)
    return whole_text(text, f"init: {name}")


def _unknown_argument(name: str, known: Iterable[str]) -> str:
    nearest = _core.nearest_option(name, list(known))
    if nearest:
        return f"init() got an unknown argument '{name}'. Did you mean '{nearest}'?"
    return f"init() got an unknown argument '{name}'. Known are: {', '.join(known)}."


def _warn_of_options_without_effect(arguments: dict[str, Any]) -> None:
    _warn_once(arguments, _FOR_ITS_WORKERS, "it was for the worker processes of smallpond 0.15")
    if "ray_address" in arguments or os.environ.get("SP_RAY_ADDRESS"):
        _warn_once(arguments, _FOR_ITS_CLUSTER, "tasks run on all nodes of the Ray cluster")


def _warn_once(arguments: dict[str, Any], options: Mapping[str, str | None], why: str) -> None:
    for name, variable in options.items():
        is_given = name in arguments or (variable is not None and os.environ.get(variable))
        if is_given and name not in _warned_of:
            _warned_of.add(name)
            leave_out = f"Leave it out{f', and {variable} too' if variable else ''}."
            warnings.warn(f"{name} has no effect: {why}. {leave_out}", OptionWarning, stacklevel=5)


def _end() -> None:
    """At exit: stops what threads still compute, since a thread that comes back from the core into
    an interpreter that ends would abort the process. Then ends worker processes, while there is
    an interpreter to end them, and removes the folders that DuckDB removes when it closes, which
    a frame in a global variable may prevent."""
    with undisturbed():
        _core.end_calls(EXIT_SECONDS)
        for session in list(_open_sessions):
            session._stop_workers(True)
            shutil.rmtree(session._temp_dir, ignore_errors=True)


atexit.register(_end)
os.register_at_fork(after_in_child=_open_sessions.clear)  # They are the parent's to end.

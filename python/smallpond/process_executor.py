"""Worker processes of this machine that run this interpreter, so that tasks can call Python."""

from __future__ import annotations

import os
import site
import sys
import sysconfig

from smallpond import _core

MAX_WORKER_RESTARTS = 8


def worker_command() -> list[str]:
    """The command line of a worker: this interpreter, without the current folder on its path,
    where a random.py of the user would stand before Python's own."""
    safe_path = ["-P"] if sys.version_info >= (3, 11) else []
    return [sys.executable, *safe_path, "-m", "smallpond.worker"]


def worker_environment() -> list[str]:
    """What a worker needs to find the package where this process found it."""
    folder = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    installed = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
    installed |= {*site.getsitepackages(), site.getusersitepackages()}
    if folder in {os.path.abspath(path) for path in installed}:
        return []  # Found anyway; ahead of the standard library it could hide parts of that.
    earlier = os.environ.get("PYTHONPATH")
    return [f"PYTHONPATH={folder}{os.pathsep + earlier if earlier else ''}"]


def start_processes(
    setup: str, num_workers: int, slots_per_worker: int, log_folder: str = ""
) -> _core.ProcessExecutor:
    """Starts workers and returns their executor at once, before they are ready."""
    return _core.ProcessExecutor(
        worker_command(),
        worker_environment(),
        setup,
        num_workers,
        slots_per_worker,
        log_folder,
        MAX_WORKER_RESTARTS,
    )

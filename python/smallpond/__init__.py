"""DuckDB SQL and DataFrames over files: one DuckDB's answer, at its speed.

import smallpond

sp = smallpond.init()
events = sp.read_parquet("events/*.parquet")
print(sp.sql("SELECT kind, count(*) FROM {0} GROUP BY kind", events).to_pandas())
"""

from __future__ import annotations

import ctypes as _ctypes
import os as _os
import sys as _sys


def _load_core() -> None:
    """Loads the native module so that it uses its own DuckDB, whatever else is in the process.

    A program may have loaded another DuckDB with RTLD_GLOBAL. Its symbols would then stand before
    ours; RTLD_DEEPBIND makes our library look in itself first. It is used only then, since it also
    hides a malloc that was preloaded.
    """
    flags = _sys.getdlopenflags()
    other_duckdb = hasattr(_ctypes.CDLL(None), "duckdb_library_version")
    deep = _os.RTLD_DEEPBIND if other_duckdb else 0
    _sys.setdlopenflags(_os.RTLD_NOW | _os.RTLD_LOCAL | deep)
    try:
        from smallpond import _core  # noqa: F401
    finally:
        _sys.setdlopenflags(flags)


_load_core()

from smallpond import _core  # noqa: E402
from smallpond.errors import (  # noqa: E402
    CancelledError,
    Error,
    InternalError,
    InvalidInputError,
    InvalidTypeError,
    IoError,
    MergeWarning,
    OptionWarning,
    OutOfMemoryError,
    PublishWarning,
    UnavailableError,
    UnreadFilesWarning,
    UnsupportedError,
    UserCodeError,
)
from smallpond.frame import DataFrame  # noqa: E402
from smallpond.initialize import init  # noqa: E402
from smallpond.session import Session  # noqa: E402
from smallpond.versions import show_versions  # noqa: E402
from smallpond.writing import LazyWrite, WriteResult  # noqa: E402

__version__: str = _core.version()
duckdb_version: str = _core.duckdb_version()

__all__ = [
    "CancelledError",
    "DataFrame",
    "Error",
    "InternalError",
    "InvalidInputError",
    "InvalidTypeError",
    "IoError",
    "LazyWrite",
    "MergeWarning",
    "OptionWarning",
    "OutOfMemoryError",
    "PublishWarning",
    "Session",
    "UnavailableError",
    "UnreadFilesWarning",
    "UnsupportedError",
    "UserCodeError",
    "WriteResult",
    "duckdb_version",
    "init",
    "show_versions",
]

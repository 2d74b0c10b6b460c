"""What a report of a bug needs to tell of this machine and its packages."""

from __future__ import annotations

import os
import platform

from smallpond import _core
from smallpond.extensions import installed_extensions

# What smallpond uses where it is there, or stands beside.
_PACKAGES = ["rich", "pandas", "pyarrow", "numpy", "polars", "ray", "IPython", "duckdb"]


def show_versions() -> None:
    """Prints what a report of a bug needs: the versions of smallpond, DuckDB, Python and of the
    packages that smallpond can use, the platform, and how many cores and how much memory there are.

    >>> smallpond.show_versions()  # doctest: +ELLIPSIS
    smallpond   ...
    DuckDB      v1.5.5
    Python      ...
    """
    rows = [
        ("smallpond", _core.version()),
        ("DuckDB", _core.duckdb_version()),
        ("Python", f"{platform.python_implementation()} {platform.python_version()}"),
        ("platform", platform.platform()),
        ("cores", f"{_core.usable_cpus()} of {os.cpu_count()}"),
        ("memory", f"{_core.usable_memory_bytes() / 1e9:.1f} of {_memory_bytes() / 1e9:.1f} GB"),
        *((package, _version(package)) for package in _PACKAGES),
        ("extensions", ", ".join(sorted(map(_name, installed_extensions()))) or "none as packages"),
    ]
    for name, value in rows:
        print(f"{name:<11} {value}")


def _memory_bytes() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def _version(package: str) -> str:
    import importlib.metadata  # Takes 50 ms.

    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"


def _name(path: str) -> str:
    return os.path.basename(path).partition(".")[0]

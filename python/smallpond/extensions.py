"""DuckDB's extensions that are installed as packages, such as duckdb-extension-httpfs: DuckDB finds
them, and loads them by itself where a query needs them."""

from __future__ import annotations

import contextlib
import glob
import os
import platform
import sys
import uuid

from smallpond import _core
from smallpond.log import logger

_PLATFORMS = {"x86_64": "linux_amd64", "aarch64": "linux_arm64"}
_ENDING = ".duckdb_extension"


def installed_extensions() -> list[str]:
    """The files of the extensions in installed packages that are for this DuckDB."""
    inside = os.path.join("extensions", _core.duckdb_version(), f"*{_ENDING}")
    found: list[str] = []
    for folder in sys.path:
        pattern = os.path.join(glob.escape(folder or os.curdir), "duckdb_extension_*", inside)
        found += map(os.path.abspath, glob.glob(pattern))
    return found


def extension_folder() -> str | None:
    """Where DuckDB finds the extensions of installed packages; None where there are none, or where
    no folder can be made.

    DuckDB looks for NAME in VERSION/PLATFORM, which packages have not, and fetches from its server
    what is not in the first folder of its list. So that is one of ours, ~/.smallpond/extensions,
    with links to what packages and DuckDB's own folder have. INSTALL puts there what it fetches.
    """
    installed = installed_extensions()
    machine = _PLATFORMS.get(platform.machine())
    if not installed or machine is None:
        return None
    home = os.path.expanduser("~")
    inside = os.path.join(_core.duckdb_version(), machine)
    of_duckdb = os.path.join(glob.escape(home), ".duckdb", "extensions", inside, f"*{_ENDING}")
    root = os.path.join(home, ".smallpond", "extensions")
    folder = os.path.join(root, inside)
    try:
        _make_private_folders(folder)
        for path in [*installed, *glob.glob(of_duckdb)]:
            _link(path, os.path.join(folder, os.path.basename(path)))
    except OSError as error:
        logger.info("Installed extensions of DuckDB are not used: %s", error)
        return None
    return root


def _make_private_folders(path: str) -> None:
    """As os.makedirs, whose mode is that of the last folder alone."""
    above = os.path.dirname(path)
    if not os.path.isdir(above):
        _make_private_folders(above)
    with contextlib.suppress(FileExistsError):
        os.mkdir(path, mode=0o700)


def _link(path: str, link: str) -> None:
    """Makes a link where there is nothing, or one whose target is gone."""
    if os.path.exists(link):
        return
    new = f"{link}.{uuid.uuid4().hex}"
    os.symlink(path, new)
    try:
        os.replace(new, link)
    except OSError:
        with contextlib.suppress(OSError):
            os.unlink(new)
        raise


def extension_setup() -> str:
    """The statement by which a session and its workers load extensions of installed packages; ""
    where there are none."""
    folder = extension_folder()
    if folder is None:
        return ""
    quoted = folder.replace("'", "''")
    return f"SET extension_directories = ['{quoted}']"


def offer_installed_extensions(core: _core.Session) -> None:
    """Makes a session and its workers load extensions of installed packages."""
    setup = extension_setup()
    if setup:
        core.execute(setup, [], {}, None)

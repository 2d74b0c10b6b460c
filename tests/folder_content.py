"""What lies in a folder, to be compared before and after."""

from __future__ import annotations

from pathlib import Path


def everything_below(folder: Path) -> dict[str, bytes | None]:
    """The bytes of each file, and None for each folder, by their paths in `folder`."""
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None
        for path in folder.rglob("*")
    }

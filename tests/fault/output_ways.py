"""The ways to write a folder that tests of faults go through, and what versions of rows are.

A version's rows all carry its number; how many there are, and in how many files, follows from it.
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import smallpond

# What a reader sees of each version: its number, all its rows, its distinct rows, its whole texts.
Rows = list[tuple[int, int, int, int]]
SUMMARY_SQL = """
    SELECT version, count(*) AS n, count(DISTINCT i) AS d, count_if(text = repeat('x', 50)) AS t
    FROM {0} GROUP BY version ORDER BY version
"""


def num_rows(version: int) -> int:
    return 1000 + version * 7 % 50


def num_files(version: int) -> int:
    return 1 + version % 5


def version_sql(version: int) -> str:
    return (
        f"SELECT {version} AS version, i, i % 3 AS kind, repeat('x', 50) AS text "
        f"FROM range({num_rows(version)}) t(i)"
    )


def rows_of_version(version: int) -> tuple[int, int, int, int]:
    return (version, num_rows(version), num_rows(version), num_rows(version))


@dataclass(frozen=True)
class Way:
    """A format, and whether its files lie in a folder a key."""

    form: str  # "parquet", "csv" or "json".
    by_kind: bool

    @property
    def pattern(self) -> str:
        return ("/kind=*/*." if self.by_kind else "/*.") + self.form

    def write(self, sp: smallpond.Session, version: int, folder: Any, mode: str) -> None:
        frame = sp.sql(version_sql(version)).repartition(num_files(version), by_rows=True)
        options: dict[str, Any] = {"partition_by": "kind"} if self.by_kind else {}
        getattr(frame, f"write_{self.form}")(folder, mode=mode, **options)

    def frame(self, sp: smallpond.Session, path: Any) -> smallpond.DataFrame:
        return getattr(sp, f"read_{self.form}")(str(path))

    def read(self, sp: smallpond.Session, path: Any) -> Rows:
        return summary(sp, self.frame(sp, path))

    def glob(self, connection: Any, folder: Any) -> Rows:
        """What plain DuckDB sees, which knows of no versions."""
        source = f"read_{self.form}('{folder}{self.pattern}')"
        return connection.execute(SUMMARY_SQL.format(source)).fetchall()

    def data_files(self, folder: Path) -> dict[str, int]:
        """Sizes of the files that a glob finds."""
        sizes = {}
        for path in folder.glob(self.pattern[1:]):
            try:
                sizes[str(path.relative_to(folder))] = path.stat().st_size
            except FileNotFoundError:
                continue  # Removed meanwhile.
        return sizes


WAYS = {
    form + suffix: Way(form, bool(suffix))
    for suffix in ["", "-by-kind"]
    for form in ["parquet", "csv", "json"]
}


def summary(sp: smallpond.Session, frame: smallpond.DataFrame) -> Rows:
    table = sp.sql(SUMMARY_SQL, frame).to_arrow()
    return list(zip(*(column.to_pylist() for column in table.columns), strict=True))


def verdict(rows: Rows, mode: str) -> str:
    """What a reader saw: whole versions, and one only unless they are appended to each other."""
    if any(row != rows_of_version(row[0]) for row in rows):
        return f"torn {rows}"
    return "whole" if len(rows) == 1 or (rows and mode == "append") else f"mixed {rows}"


def publishing_state(folder: Path) -> tuple[int, bool]:
    """The number of the latest commit, and whether the files of it have their final names."""
    names = {path.name for path in (folder / "_smallpond").iterdir()}
    latest = max(int(name[9:19]) for name in names if name.startswith("manifest-"))
    return latest, f"published-{latest:010}" in names


def read_manifest(path: Path) -> dict[str, Any]:
    """A version's manifest, whose text stands in the names of empty folders, with the files of the
    version that it adds to. It may raise FileNotFoundError or ValueError where it is being
    removed."""
    names = sorted(piece.name for piece in path.iterdir())
    pieces = [name.split("-", 1)[1] for name in names]
    text = b"".join(base64.urlsafe_b64decode(piece + "=" * (-len(piece) % 4)) for piece in pieces)
    manifest = json.loads(text)
    if "base" in manifest:
        base = read_manifest(path.with_name(f"manifest-{manifest['base']:010}"))
        manifest["attempts"] = base["attempts"] + manifest["attempts"]
    return manifest


def files_of(manifest: dict[str, Any]) -> dict[str, tuple[str, int]]:
    """Where each file of a version was written, and its size."""
    return {
        name: ("/".join([attempt["folder"], *filter(None, [below]), f"{name}?writing"]), size)
        for attempt in manifest["attempts"]
        for name, size, below, _hash in attempt["files"]
    }


def sizes_in_manifests(folder: Path) -> dict[str, int]:
    """Sizes of the files of the last versions, as they were committed."""
    sizes = {}
    for path in (folder / "_smallpond").glob("manifest-*"):
        try:
            files = files_of(read_manifest(path))
        except (FileNotFoundError, ValueError):
            continue  # An old one, removed meanwhile.
        sizes |= {name: size for name, (_, size) in files.items()}
    return sizes


def everything_but_data(folder: Path) -> set[str]:
    """What stands in a folder, its metadata and beside it, but for data files and the notes of
    versions."""
    attempts = {path.name for path in folder.parent.glob(f".{folder.name}.attempt-*")}
    names = attempts | {str(path.relative_to(folder)) for path in folder.rglob("*")}
    notes = ("_smallpond/manifest-", "_smallpond/published-")
    endings = tuple("." + way.form for way in WAYS.values())
    folders = {f"kind={kind}" for kind in range(3)}
    return {
        name
        for name in names - folders
        if not name.startswith(notes)
        and not (name.endswith(endings) and not name.startswith("_smallpond"))
    }

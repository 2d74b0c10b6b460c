"""A process beside the test, that writes an output folder or reads it.

python side_process.py write WAY MODE FOLDER FIRST_VERSION NUM_VERSIONS
python side_process.py read WAY MODE FOLDER PATTERN STOP_FILE
python side_process.py glob WAY MODE FOLDER STOP_FILE             with plain DuckDB
"""

from __future__ import annotations

import json
import os
import sys
from collections import Counter
from pathlib import Path

from output_ways import WAYS, Way, publishing_state, sizes_in_manifests, summary, verdict

MAX_READS = 5000


def say(line: str) -> None:
    print(line, flush=True)


def write(way: Way, mode: str, folder: str, first: str, count: str) -> None:
    import smallpond

    with smallpond.init(threads=1, duckdb_memory="500MB") as sp:
        say("ready")
        sys.stdin.readline()
        for version in range(int(first), int(first) + int(count)):
            say(f"begin {version}")
            try:
                way.write(sp, version, folder, mode)
                say(f"done {version}")
            except smallpond.UnavailableError:
                say(f"lost {version}")


def read(way: Way, mode: str, folder: str, pattern: str, stop: str) -> None:
    import smallpond

    seen: Counter[str] = Counter()
    latest: set[int] = set()
    with smallpond.init(threads=1, duckdb_memory="500MB") as sp:
        kept = None
        say("ready")
        for turn in range(MAX_READS):
            if os.path.exists(stop):
                break
            try:
                # Frames of now and one that was made long ago.
                old = kept is not None and turn % 2
                frame = kept if old else way.frame(sp, folder + pattern)
                kept = kept or frame
                rows = summary(sp, frame)
            except smallpond.Error as error:
                seen[f"{type(error).__name__} {error}"] += 1
                continue
            seen[verdict(rows, mode)] += 1
            versions = {row[0] for row in rows}
            if mode == "append":
                is_back = not latest <= versions
            else:
                is_back = max(latest, default=0) > max(versions, default=0)
            if is_back:
                seen[f"back from {sorted(latest)} to {sorted(versions)}"] += 1
            latest = versions
    say(json.dumps(seen))


def glob(way: Way, mode: str, folder: str, stop: str) -> None:
    """Reads by a glob. A read is quiet where nothing was published from its beginning to its end,
    which the notes of the versions tell."""
    import duckdb

    seen: Counter[str] = Counter()
    connection = duckdb.connect(config={"threads": 1})
    say("ready")
    for _ in range(MAX_READS):
        is_last = os.path.exists(stop)
        before = publishing_state(Path(folder))
        try:
            text = verdict(way.glob(connection, folder), mode)
        except duckdb.Error as error:
            text = str(error)
            is_gone = "No such file" in text or "No files found" in text
            text = "gone" if is_gone else f"{type(error).__name__} {text}"
        sizes = way.data_files(Path(folder))
        committed = sizes_in_manifests(Path(folder))
        for name in sizes.keys() & committed.keys():
            if sizes[name] != committed[name]:
                seen[f"{name} has {sizes[name]} of {committed[name]} bytes"] += 1
        is_quiet = before[1] and publishing_state(Path(folder))[0] == before[0]
        if is_quiet:
            seen[f"quiet {text}"] += 1
        else:
            seen[text if text[0].isupper() else text.split(" ")[0]] += 1
        if is_last:
            break
    say(json.dumps(seen))


if __name__ == "__main__":
    work, way, *arguments = sys.argv[1:]
    {"write": write, "read": read, "glob": glob}[work](WAYS[way], *arguments)

"""A process beside the test, that writes an output folder or reads it.

    python side_process.py write FOLDER FIRST_VERSION NUM_VERSIONS MODE
    python side_process.py read FOLDER PATTERN STOP_FILE
    python side_process.py glob FOLDER PATTERN STOP_FILE      with plain DuckDB

A version's rows all carry its number; how many there are, and in how many files, follows from it.
"""

from __future__ import annotations

import json
import os
import sys
from collections import Counter

MAX_READS = 5000


def num_rows(version: int) -> int:
    return 1000 + version * 7 % 50


def version_sql(version: int) -> str:
    rows = num_rows(version)
    return f"SELECT {version} AS version, i, repeat('x', 50) AS text FROM range({rows}) t(i)"


def num_files(version: int) -> int:
    return 1 + version % 5


def say(line: str) -> None:
    print(line, flush=True)


def write(folder: str, first: str, count: str, mode: str) -> None:
    import smallpond

    with smallpond.init(threads=1, duckdb_memory="500MB") as sp:
        say("ready")
        sys.stdin.readline()
        for version in range(int(first), int(first) + int(count)):
            frame = sp.sql(version_sql(version)).repartition(num_files(version), by_rows=True)
            say(f"begin {version}")
            try:
                frame.write_parquet(folder, mode=mode)
                say(f"done {version}")
            except smallpond.UnavailableError:
                say(f"lost {version}")


def verdict(rows: list[tuple[int, int, int]]) -> str:
    """What a reader saw, from the count, the versions and the distinct numbers of all rows."""
    if len(rows) != 1:
        return f"mixed {rows}"
    version, count, distinct = rows[0]
    return "whole" if count == distinct == num_rows(version) else f"torn {rows}"


SUMMARY_SQL = "SELECT version, count(*), count(DISTINCT i) FROM {0} GROUP BY version"


def read(folder: str, pattern: str, stop: str) -> None:
    import smallpond

    seen: Counter[str] = Counter()
    latest = -1
    with smallpond.init(threads=1, duckdb_memory="500MB") as sp:
        kept = None
        say("ready")
        for turn in range(MAX_READS):
            if os.path.exists(stop):
                break
            try:
                # Frames of now and one that was made long ago.
                frame = kept if kept is not None and turn % 2 else sp.read_parquet(folder + pattern)
                kept = kept or frame
                table = sp.sql(SUMMARY_SQL, frame).to_arrow()
            except smallpond.Error as error:
                seen[f"{type(error).__name__} {error}"] += 1
                continue
            rows = list(zip(*(column.to_pylist() for column in table.columns), strict=True))
            seen[verdict(rows)] += 1
            if len(rows) == 1:
                if rows[0][0] < latest:
                    seen[f"back from {latest} to {rows[0][0]}"] += 1
                latest = rows[0][0]
    say(json.dumps(seen))


def glob(folder: str, pattern: str, stop: str) -> None:
    import duckdb

    seen: Counter[str] = Counter()
    connection = duckdb.connect(config={"threads": 1})
    say("ready")
    for _ in range(MAX_READS):
        if os.path.exists(stop):
            break
        try:
            sql = SUMMARY_SQL.format(f"read_parquet('{folder}{pattern}')")
            rows = connection.execute(sql).fetchall()
            text = verdict(rows)
            seen[text.split(" ")[0]] += 1
        except duckdb.Error as error:
            text = str(error)
            gone = "No such file" in text or "No files found" in text
            seen["gone" if gone else f"{type(error).__name__} {text}"] += 1
    say(json.dumps(seen))


if __name__ == "__main__":
    {"write": write, "read": read, "glob": glob}[sys.argv[1]](*sys.argv[2:])

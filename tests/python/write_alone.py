"""Writes in a process of their own, which tells what each has cost it:

    python write_alone.py INPUTS FOLDER INIT OPTIONS WAY…

writes the Parquet files INPUTS to FOLDER/WAY, one way after the other, and prints a line of JSON
for each. INIT and OPTIONS are JSON: arguments of `init` and of `write_parquet`.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import smallpond

NUM_PARTITIONS = 10
GROUPS = "SELECT user_id, kind, count(*) AS n, sum(amount) AS amount FROM {0} GROUP BY ALL"


def spread(frame: smallpond.DataFrame) -> smallpond.DataFrame:
    return frame.repartition(NUM_PARTITIONS, hash_by="user_id")


WAYS: dict[str, Callable[[smallpond.Session, smallpond.DataFrame], smallpond.DataFrame]] = {
    "as it is": lambda sp, frame: frame,
    "concat": lambda sp, frame: sp.partial_sql(GROUPS, spread(frame), merge="concat"),
    "concat rows": lambda sp, frame: sp.partial_sql(
        "SELECT *, row_number() OVER (PARTITION BY user_id ORDER BY event_id) AS n FROM {0}",
        spread(frame),
        merge="concat",
    ),
    "even": lambda sp, frame: frame.repartition(NUM_PARTITIONS),
    "by rows": lambda sp, frame: frame.repartition(NUM_PARTITIONS, by_rows=True),
    "hash": lambda sp, frame: spread(frame),
    "map": lambda sp, frame: spread(frame).map("event_id, user_id, amount * 2 AS amount, note"),
    "filter": lambda sp, frame: spread(frame).filter("event_id % 10 > 0"),
    "partial_sort": lambda sp, frame: spread(frame).partial_sort("note"),
    "random_shuffle": lambda sp, frame: spread(frame).random_shuffle(),
}


def peak_bytes() -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    [line] = [line for line in lines if line.startswith("VmHWM")]
    return int(line.split()[1]) * 1024


def main(inputs: str, folder: str, init: str, options: str, *ways: str) -> None:
    with smallpond.init(**json.loads(init)) as sp:
        for way in ways:
            frame = WAYS[way](sp, sp.read_parquet(inputs))
            told = json.loads(frame.explain(format="json"))
            tasks = told["stages"][-1]["tasks"] if "stages" in told else 0
            Path("/proc/self/clear_refs").write_text("5")  # Forgets the peak.
            before, begin = peak_bytes(), time.monotonic()
            result = frame.write_parquet(Path(folder, way), **json.loads(options))
            cost = {
                "way": way,
                "tasks": tasks,
                "before": before,
                "peak": peak_bytes(),
                "seconds": time.monotonic() - begin,
                "publish_seconds": result.publish_seconds,
                "publish_error": result.publish_error,
                "num_files": result.num_files,
                "num_rows": result.num_rows,
            }
            print(json.dumps(cost), flush=True)


def costs_of(
    inputs: Path, folder: Path, init: dict[str, Any], options: dict[str, Any], ways: Sequence[str]
) -> dict[str, dict[str, Any]]:
    """Writes so, in a fresh process. Returns what each way has told."""
    command = [sys.executable, __file__, str(inputs), str(folder), json.dumps(init)]
    done = subprocess.run(
        [*command, json.dumps(options), *ways], stdout=subprocess.PIPE, text=True, check=True
    )
    print(done.stdout)
    return {cost["way"]: cost for cost in map(json.loads, done.stdout.splitlines())}


if __name__ == "__main__":
    main(*sys.argv[1:])

"""Measures smallpond against DuckDB's Python package on this machine. `make bench` runs it.

    python benchmarks/run.py                      everything, about a quarter of an hour
    python benchmarks/run.py --size 3x1M --pairs 3
    python benchmarks/run.py --only memory        the cases with this text in group or name
    python benchmarks/run.py --write-docs         also writes docs/benchmarks.md

Every run is a whole fresh process: start-up, imports, work, end. smallpond and DuckDB take turns,
after one run each that is not measured (it warms the page cache) and whose answers are compared.
"""

import argparse
import os
import sys
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import data_sets
import report
from ecommerce_data import DAILY_STATS_SQL
from jobs import JobArguments
from pairs import Case, Comparison, compare, what_starts

PARTITIONINGS: dict[str, tuple[int, dict[str, Any]]] = {
    "not repartitioned": (0, {}),
    'repartition(10, hash_by="user_id")': (10, {"hash_by": "user_id"}),
    "repartition(7)": (7, {}),
    'repartition(10, hash_by="event_id")': (10, {"hash_by": "event_id"}),
    "repartition(10, by_rows=True)": (10, {"by_rows": True}),
}
AS_WRITTEN = 'repartition(10, hash_by="user_id")'
MEMORY_LIMIT = "1GB"
HEADER = [
    "case", "data", "smallpond s", "DuckDB s", "ratio (min–max)",
    "smallpond MB", "DuckDB MB", "answer",
]  # fmt: skip
GROUPS = {
    "start": "Start-up: import, start a session, end",
    "to_pandas": "The daily report, to_pandas",
    "job": "The daily report, to_pandas and write_parquet",
    "memory": f"The daily report with a memory limit of {MEMORY_LIMIT}",
    "wide": "All columns of all rows, and CSV",
}


def cases(folder: Path, sizes: list[str], threads: int) -> Iterator[Case]:
    """Yields what is compared. Makes each data set when its first case is asked for."""
    yield Case("start", "import and start", "–", JobArguments("smallpond", "start"))
    for size in sizes:
        data = data_sets.data_set(folder, size)
        basis = JobArguments(
            "smallpond", "report", folder=str(data), sql=DAILY_STATS_SQL, threads=threads
        )
        for end in ("to_pandas", "job"):
            for name, (partitions, by) in PARTITIONINGS.items():
                job = replace(basis, end=end, partitions=partitions, partition_by=by)
                yield Case(end, name, size, job)
        partitions, by = PARTITIONINGS[AS_WRITTEN]
        limited = replace(basis, memory=MEMORY_LIMIT, partitions=partitions, partition_by=by)
        yield Case("memory", AS_WRITTEN, size, limited)

    small = sizes[0]  # All rows as Python objects of the larger set would not fit many machines.
    data = data_sets.data_set(folder, small)
    wide = JobArguments(
        "smallpond", "wide", folder=str(data), sql="SELECT * FROM {0}", threads=threads
    )
    for end in ("to_arrow", "to_pandas", "write"):
        yield Case("wide", f"SELECT *, {end}", small, replace(wide, end=end))
    csv = replace(wide, job="csv", csv=str(data_sets.events_csv(data)), sql=DAILY_STATS_SQL)
    yield Case("wide", "the report from CSV, to_pandas", small, csv)


def cells(found: Comparison) -> list[str]:
    """Returns the row of a comparison."""
    ours, theirs = found.smallpond, found.duckdb
    if ours is None or theirs is None:
        return [found.name, found.size, *["–"] * 5, f"FAILED: {found.failed}".replace("|", "/")]
    return [
        found.name,
        found.size,
        f"{ours.seconds:.2f}",
        f"{theirs.seconds:.2f}",
        found.ratio_text(),
        f"{ours.peak_tree_mb:,.0f}",
        f"{theirs.peak_tree_mb:,.0f}",
        "–" if found.group == "start" else found.wrong or "same",
    ]


def method(pairs: int, threads: int) -> str:
    """Says how the numbers came about."""
    return (
        f"Each run is a whole fresh process, imports and end included; {pairs} pairs, smallpond "
        f"and DuckDB in turns, {threads} threads each, files in the page cache. Seconds and MB "
        "(10^6 bytes, peak of the process and all it starts) are medians; a ratio is smallpond's "
        "time over DuckDB's of the same pair: median, smallest and largest. Answers are compared "
        "with DuckDB's, doubles within 1e-9, all else exactly."
    )


def starts_text() -> str:
    """Says what starting a session starts, beside what connecting to DuckDB does."""
    found = []
    for engine in ("smallpond", "duckdb"):
        started = what_starts(engine)
        found.append(f"{engine}: {started['children']} processes, {started['threads']} threads")
    return "Started by a session (threads include Python's own): " + "; ".join(found)


def parse_arguments() -> argparse.Namespace:
    """Reads the command line."""
    sizes = list(data_sets.SIZES)
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--size", action="append", choices=sizes, help="default: 3x1M and 3x10M")
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--only", default="", metavar="TEXT")
    parser.add_argument("--folder", type=Path, default=data_sets.default_folder())
    parser.add_argument("--name", default="run", help="of the file in benchmarks/results")
    parser.add_argument("--write-docs", action="store_true")
    return parser.parse_args()


def main() -> int:
    """Measures, prints and saves; returns 1 when a case failed or an answer was wrong."""
    arguments = parse_arguments()
    sizes = arguments.size or ["3x1M", "3x10M"]
    machine = report.machine()
    print(f"{report.machine_text(machine)}; {report.versions()}")
    print(method(arguments.pairs, arguments.threads), flush=True)

    found: list[Comparison] = []
    for case in cases(arguments.folder, sizes, arguments.threads):
        if arguments.only in f"{case.group} {case.name}":
            found.append(compare(case, arguments.pairs))
            print("  ".join([case.group, *cells(found[-1])]), flush=True)

    sections = []
    for group, title in GROUPS.items():
        rows = [cells(comparison) for comparison in found if comparison.group == group]
        if rows:
            sections.append({"title": title, "table": report.table(HEADER, rows)})
            if group == "start":
                sections[-1]["table"] += f"\n\n{starts_text()}"
            print(f"\n{title}\n{sections[-1]['table']}")
    result = {
        "title": "smallpond and DuckDB on one machine",
        "method": method(arguments.pairs, arguments.threads),
        "command": f"python benchmarks/run.py --pairs {arguments.pairs}",
        "machine": machine,
        "versions": report.versions(),
        "comparisons": [asdict(comparison) for comparison in found],
        "sections": sections,
    }
    print(f"\nSaved {report.save(arguments.name, result)}")
    if arguments.write_docs:
        print(f"Wrote {report.write_docs()}")
    return int(any(c.failed or c.wrong for c in found))


if __name__ == "__main__":
    sys.exit(main())

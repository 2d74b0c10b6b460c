"""Turns what was measured into a table for the terminal, JSON to keep, and docs/benchmarks.md.

python benchmarks/report.py     writes docs/benchmarks.md again from benchmarks/results
"""

import contextlib
import importlib.metadata
import json
import os
import platform
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results"
DOCS = Path(__file__).parent.parent / "docs" / "benchmarks.md"
PACKAGES = ["duckdb", "pandas", "pyarrow", "numpy"]

Rows = Sequence[Sequence[str]]


def machine() -> dict[str, Any]:
    """Returns what of this machine decides times: cores, memory in 10^9 bytes, load of others."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    return {
        "cores": os.cpu_count(),
        "memory_gb": round(memory),
        "system": platform.system(),
        "architecture": platform.machine(),
        "python": platform.python_version(),
        "load_before": round(os.getloadavg()[0], 1),
    }


def machine_text(found: dict[str, Any]) -> str:
    """Returns the machine in one line."""
    return (
        f"{found['cores']} cores, {found['memory_gb']} GB of memory, {found['system']} "
        f"{found['architecture']}, Python {found['python']}, "
        f"a load of {found['load_before']} before the first run"
    )


def versions() -> dict[str, str]:
    """Returns the versions of the packages that were measured."""
    found = {}
    with contextlib.suppress(ImportError):
        import smallpond  # It may be on the path without being installed.

        found["smallpond"] = smallpond.__version__
    for package in PACKAGES:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def table(header: Sequence[str], rows: Rows) -> str:
    """Returns a Markdown table that is also aligned for a terminal; numbers to the right.

    The last column may hold messages and is as wide as its header.
    """
    widths = [max(len(row[i]) for row in (header, *rows)) for i in range(len(header))]
    widths[-1] = len(header[-1])
    numeric = [i > 0 and all(looks_numeric(row[i]) for row in rows) for i in range(len(header))]

    def line(row: Sequence[str]) -> str:
        cells = [
            text.rjust(width) if right else text.ljust(width)
            for text, width, right in zip(row, widths, numeric, strict=True)
        ]
        return "| " + " | ".join(cells) + " |"

    rules = [
        "-" * (width - 1) + (":" if right else "-")
        for width, right in zip(widths, numeric, strict=True)
    ]
    return "\n".join([line(header), "| " + " | ".join(rules) + " |", *map(line, rows)])


def looks_numeric(text: str) -> bool:
    """Tells whether a cell holds a number, or the dash of a missing one."""
    return text == "–" or text[:1].isdigit()


def save(name: str, result: dict[str, Any]) -> Path:
    """Writes one benchmark's result to benchmarks/results/`name`.json and returns its path."""
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}.json"
    path.write_text(json.dumps({"date": date.today().isoformat(), **result}, indent=1))
    return path


# What is measured without a table of results.
WRITING = """\
## Writing

A commit of 1,000 files took 0.10 s into an empty folder and 0.13 s where it replaced 1,000 others,
the disk's confirmation of all of them included: measured 2026-11-23 on 4 quiet cores. With a load
of 7 it took 0.30 s and 0.34–0.37 s. To measure it again:
`build/tests/unit/unit_tests --gtest_filter='*ThousandFiles*'`. A whole write of 1,000 files of some
rows, query and files in folders of their own included, and how much of it is publishing:
`python benchmarks/writing.py --only commit`.

`python benchmarks/writing.py` reads Parquet files and writes the same rows, by smallpond and by
DuckDB's own `COPY`: whole fresh processes in turns, with the same threads and memory limit, to one
file and to files of 256 MB. It prints medians and the ratio of each pair; 1.1 is the most that the
ratio may be. It takes 2 GB; `--gigabytes 10 --folder /path/on/a/disk` takes 10 GB, for which the
folder needs room twice. Each run begins with an idle disk.

A copy of 10.1 GB in 80 files to one file took 32.0 s and DuckDB's 30.2 s, a ratio of 1.06
(0.92–1.39), to files of 256 MB 22.9 s and 22.1 s, 1.02 (0.98–1.07): medians of three pairs,
measured 2026-11-23 on 4 quiet cores, 4 threads, 4 GB. What is committed is on the disk; what COPY
has written may be in memory still, gigabytes of it. Without writing files out while they grow the
ratio was 1.33 (1.31–1.46).
"""


def write_docs() -> Path:
    """Writes docs/benchmarks.md from the results that are there, and returns its path."""
    parts = [
        "# Benchmarks\n",
        "Written by `make bench` and `python benchmarks/peers.py` with `--write-docs`: measured, "
        "not promised. Times on a shared machine are orders of magnitude; the ratios are what "
        "counts, and each comes from two processes that ran one right after the other.\n",
    ]
    for name in ("run", "peers"):
        path = RESULTS / f"{name}.json"
        if not path.exists():
            continue
        result = json.loads(path.read_text())
        version_text = ", ".join(f"{k} {v}" for k, v in result["versions"].items())
        parts += [
            f"## {result['title']}\n",
            f"{result['method']}\n",
            f"Measured {result['date']}: {machine_text(result['machine'])}; {version_text}.\n",
        ]
        for section in result["sections"]:
            parts += [f"### {section['title']}\n"] if section["title"] else []
            parts += [section["table"] + "\n"]
        parts += [f"To measure it again: `{result['command']}`\n"]
    parts.append(WRITING)
    DOCS.parent.mkdir(exist_ok=True)
    DOCS.write_text("\n".join(parts))
    return DOCS


if __name__ == "__main__":
    print(f"Wrote {write_docs().relative_to(Path(__file__).parent.parent)}")

"""Measures other engines on the daily report, over the same files, and checks their answers.

    python benchmarks/peers.py                     all of them, 3 runs each
    python benchmarks/peers.py --size 3x10M --only polars,sail
    python benchmarks/peers.py --write-docs        also writes docs/benchmarks.md

Each engine gets a virtual environment of its own, `.venv-peers-NAME`, made when it is first needed
(some 4 GB for all). A failure is a result: it is shown with its message.
"""

import argparse
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections import Counter
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import data_sets
import pandas as pd
import pyarrow as pa
import report
from answers import differences  # In examples; data_sets has put that folder on the path.
from ecommerce_data import DAILY_STATS_SQL
from measure import Run, run_measured

HERE = Path(__file__).parent
FRAMES = ["pandas==2.3.3", "pyarrow==25.0.1"]  # PySpark wants pandas < 3, Daft pyarrow < 26.
ENVIRONMENTS: dict[str, list[str]] = {
    "polars": ["polars==2.1.0", *FRAMES],
    "sail": ["pysail==0.7.2", "pyspark-client==4.2.0", *FRAMES],
    "spark": ["pyspark==4.3.0", *FRAMES],
    "dask": ["dask[dataframe,distributed]==2026.8.0", *FRAMES],
    "daft": ["daft==0.7.26", *FRAMES],
    "smallpond": ["smallpond==0.15.0", "duckdb<1.5"],
}
LONG_SECONDS = 60.0  # A peer whose run takes longer is run once only.
TIMEOUT_SECONDS = 900.0
HEADER = [
    "engine", "version", "runs", "answer after s", "whole process s", "× DuckDB",
    "peak MB", "processes", "answer",
]  # fmt: skip


@dataclass(frozen=True)
class Peer:
    """An engine: its row's title, the function of peer_jobs.py, its environment and package.

    An empty environment is the interpreter that runs this file.
    """

    title: str
    job: str
    environment: str
    package: str
    needs: str = ""  # A program that must be installed.


PEERS = [
    Peer("DuckDB", "duckdb", "", "duckdb"),
    Peer("smallpond (this project)", "smallpond", "", "smallpond"),
    Peer("Polars, SQL", "polars", "polars", "polars"),
    Peer("Polars, expressions", "polars_frame", "polars", "polars"),
    Peer("Sail, SQL", "sail", "sail", "pysail"),
    Peer("Spark, SQL", "spark", "spark", "pyspark", needs="java"),
    Peer("Dask, frames", "dask", "dask", "dask"),
    Peer("Daft, SQL", "daft", "daft", "daft"),
    Peer("Daft, expressions", "daft_frame", "daft", "daft"),
    Peer("smallpond 0.15, as the article has it", "original", "smallpond", "smallpond"),
    Peer("smallpond 0.15, users a second input", "original_two_inputs", "smallpond", "smallpond"),
    Peer("smallpond 0.15, and a merging query", "original_merged", "smallpond", "smallpond"),
]


@dataclass
class Measured:
    """A peer's runs so far. `failed` is its first failure; it is not run again after that."""

    peer: Peer
    python: str = ""
    runs: list[Run] = field(default_factory=list)
    answer: str = ""
    failed: str = ""

    def is_done(self) -> bool:
        """Tells whether another run would be of no use, or would take too long."""
        return bool(self.failed) or any(run.seconds > LONG_SECONDS for run in self.runs)


def environment_python(folder: Path, name: str) -> str:
    """Returns the interpreter of an environment, which is made if it is missing.

    Raises CalledProcessError when it cannot be made.
    """
    if not name:
        return sys.executable
    path = folder / f".venv-peers-{name}"
    python, stamp = path / "bin" / "python", path / "requirements.txt"
    wanted = "\n".join(ENVIRONMENTS[name])
    if not stamp.exists() or stamp.read_text() != wanted:
        print(f"Installing {', '.join(ENVIRONMENTS[name])}", flush=True)
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(path)], check=True)
        pip = [str(python), "-m", "pip", "install", "--quiet", *ENVIRONMENTS[name]]
        subprocess.run(pip, check=True)
        stamp.write_text(wanted)
    return str(python)


def prepare(peer: Peer, folder: Path) -> Measured:
    """Returns the peer, ready to run or with the reason why it cannot."""
    if peer.needs and shutil.which(peer.needs) is None:
        return Measured(peer, failed=f"not run: {peer.needs} is not installed")
    try:
        return Measured(peer, environment_python(folder, peer.environment))
    except subprocess.CalledProcessError as error:
        return Measured(peer, failed=f"not run: could not be installed ({error})")


def run_once(measured: Measured, data: Path, expected: pa.Table) -> None:
    """Runs the peer once more and checks its answer."""
    peer = measured.peer
    with tempfile.TemporaryDirectory(prefix="peers-") as scratch:
        job = [str(HERE / "peer_jobs.py"), peer.job, peer.package, str(data), scratch]
        run = run_measured(
            [measured.python, *job, DAILY_STATS_SQL],
            timeout_seconds=TIMEOUT_SECONDS,
            without=["PYTHONPATH"] if peer.environment else [],  # Theirs has a smallpond too.
        )
    if run.left_behind:
        print(f"{peer.title} left processes behind, ended: {Counter(run.left_behind)}")
    if run.error:
        measured.failed = run.error
        return
    measured.runs.append(run)
    found = differences(expected, pd.DataFrame(run.report["answer"]))
    if found:
        measured.failed = f"WRONG: {found[0]}"
    measured.answer = "same"


def cells(measured: Measured, duckdb_seconds: float) -> list[str]:
    """Returns the peer's row. A wrong answer is shown with its time, a failure without."""
    runs = measured.runs
    answer = (measured.failed or measured.answer).replace("|", "/")
    if not runs:
        return [measured.peer.title, *["–"] * 7, answer]
    seconds = statistics.median(run.seconds for run in runs)
    return [
        measured.peer.title,
        str(runs[0].report["version"]),
        str(len(runs)),
        f"{statistics.median(run.report['work_seconds'] for run in runs):.1f}",
        f"{seconds:.1f}",
        f"{seconds / duckdb_seconds:.1f}",
        f"{statistics.median(run.peak_tree_mb for run in runs):,.0f}",
        str(max(run.processes for run in runs)),
        answer,
    ]


def measure_size(peers: list[Peer], size: str, rounds: int, arguments: argparse.Namespace) -> Any:
    """Measures the peers on one size, in rounds, so that all of them meet the same noise."""
    data = data_sets.data_set(arguments.folder, size)
    expected = data_sets.expected_report(data)  # Also brings the files into the page cache.
    everyone = [prepare(peer, arguments.environments) for peer in peers]
    for number in range(rounds):
        for measured in everyone:
            if not measured.is_done():
                run_once(measured, data, expected)
                print(f"round {number + 1}:", *cells(measured, float("nan")), flush=True)
    duckdb = next(measured for measured in everyone if measured.peer.job == "duckdb")
    seconds = statistics.median([run.seconds for run in duckdb.runs] or [float("nan")])
    rows = [cells(measured, seconds) for measured in everyone]
    title = f"{size}: {data_sets.SIZES[size]}"
    return {
        "title": title,
        "table": report.table(HEADER, rows),
        "measured": [asdict(measured) for measured in everyone],
    }


def parse_arguments() -> argparse.Namespace:
    """Reads the command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    sizes = list(data_sets.SIZES)
    parser.add_argument("--size", action="append", choices=sizes, help="default: 3x1M and 3x10M")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--only", default="", help="jobs by name, with commas; DuckDB always runs")
    parser.add_argument("--folder", type=Path, default=data_sets.default_folder())
    parser.add_argument("--environments", type=Path, default=HERE, help="their folder")
    parser.add_argument("--name", default="peers", help="of the file in benchmarks/results")
    parser.add_argument("--write-docs", action="store_true")
    return parser.parse_args()


def main() -> None:
    """Measures, prints and saves."""
    arguments = parse_arguments()
    names = ["duckdb", *arguments.only.split(",")]
    peers = [peer for peer in PEERS if not arguments.only or peer.job in names]
    method = (
        f"Each run is a whole fresh process; medians of {arguments.runs} rounds, those that took "
        f"over {LONG_SECONDS:g} s once. *Answer after*: from the session being up to the answer in "
        "pandas. *Peak*: the process and all it starts, in 10^6 bytes. Answers are compared with "
        "DuckDB's, doubles within 1e-9, all else exactly. The engines' defaults, but Spark's "
        "driver has 8 GB and everything listens on the loopback only."
    )
    machine = report.machine()
    print(f"{report.machine_text(machine)}\n{method}", flush=True)
    sections = []
    for size in arguments.size or ["3x1M", "3x10M"]:
        sections.append(measure_size(peers, size, arguments.runs, arguments))
        print(f"\n{sections[-1]['title']}\n{sections[-1]['table']}", flush=True)
    result = {
        "title": "Other engines, the same report over the same files",
        "method": method,
        "command": f"python benchmarks/peers.py --runs {arguments.runs}",
        "machine": machine,
        "versions": report.versions(),
        "sections": sections,
    }
    print(f"\nSaved {report.save(arguments.name, result)}")
    if arguments.write_docs:
        print(f"Wrote {report.write_docs()}")


if __name__ == "__main__":
    main()

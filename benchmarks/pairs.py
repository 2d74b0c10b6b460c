"""Compares smallpond with DuckDB: whole fresh processes, one after the other, pair by pair."""

import json
import statistics
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import data_sets
import duckdb
import pandas as pd
from answers import differences  # In examples; data_sets has put that folder on the path.
from jobs import JobArguments
from measure import Run, run_measured

JOBS = Path(__file__).parent / "jobs.py"
STARTS = {
    "smallpond": "import smallpond; smallpond.init()",
    "duckdb": "import duckdb; duckdb.connect()",
}


@dataclass(frozen=True)
class Case:
    """Something that both engines do: the same job, DuckDB without the repartitioning."""

    group: str
    name: str
    size: str
    job: JobArguments  # Its engine is smallpond.

    def duckdb_job(self) -> JobArguments:
        """Returns the same job for DuckDB."""
        return replace(self.job, engine="duckdb", partitions=0, partition_by={})


@dataclass(frozen=True)
class Side:
    """One engine's runs of a case: medians, and every run's seconds. MB are 10^6 bytes."""

    seconds: float
    peak_tree_mb: float
    max_rss_mb: float
    processes: int
    all_seconds: list[float]


@dataclass(frozen=True)
class Comparison:
    """A case as measured. A ratio is smallpond's seconds over DuckDB's of the same pair.

    `wrong` is empty or says what is wrong with the answer; `failed` is empty or names the failure,
    and then there are no numbers.
    """

    group: str
    name: str
    size: str
    smallpond: Side | None = None
    duckdb: Side | None = None
    ratios: list[float] | None = None
    wrong: str = ""
    failed: str = ""

    def ratio_text(self) -> str:
        """Returns the median of the ratios with the smallest and the largest."""
        if not self.ratios:
            return "–"
        low, high = min(self.ratios), max(self.ratios)
        return f"{statistics.median(self.ratios):.2f} ({low:.2f}–{high:.2f})"


def compare(case: Case, pairs: int) -> Comparison:
    """Runs the case once each unmeasured, checks the answer, then measures `pairs` pairs."""
    ours, theirs = case.job, case.duckdb_job()
    with finished(replace(ours, keep=True)) as (run, output):
        if run.error:
            return Comparison(case.group, case.name, case.size, failed=run.error)
        wrong = "; ".join(wrong_in_answer(ours, run, output))
    with finished(theirs) as (run, _):
        if run.error:
            error = f"DuckDB itself: {run.error}"
            return Comparison(case.group, case.name, case.size, failed=error)

    our_runs: list[Run] = []
    their_runs: list[Run] = []
    for _ in range(pairs):
        for job, runs in ((ours, our_runs), (theirs, their_runs)):
            with finished(job) as (run, _):
                if run.error:
                    error = f"{job.engine}, a later run: {run.error}"
                    return Comparison(case.group, case.name, case.size, failed=error)
                runs.append(run)
    return Comparison(
        case.group,
        case.name,
        case.size,
        smallpond=side(our_runs),
        duckdb=side(their_runs),
        ratios=[a.seconds / b.seconds for a, b in zip(our_runs, their_runs, strict=True)],
        wrong=wrong,
    )


@contextmanager
def finished(job: JobArguments) -> Iterator[tuple[Run, Path]]:
    """Runs the job in a fresh process with fresh folders; yields the run and its output folder."""
    with tempfile.TemporaryDirectory(prefix="smallpond-bench-run-") as folder:
        output, scratch = Path(folder, "output"), Path(folder, "scratch")
        output.mkdir()
        scratch.mkdir()
        if job.job == "start":
            command = [sys.executable, "-c", STARTS[job.engine]]
        else:
            arguments = asdict(replace(job, output=str(output), scratch=str(scratch)))
            command = [sys.executable, str(JOBS), json.dumps(arguments)]
        yield run_measured(command), output


def what_starts(engine: str) -> dict[str, int]:
    """Returns the threads and child processes of a process that has just started the engine.

    Raises RuntimeError when it cannot be started.
    """
    with finished(JobArguments(engine, "started")) as (run, _):
        if run.error:
            raise RuntimeError(f"{engine} does not start: {run.error}")
        return {name: int(run.report[name]) for name in ("threads", "children")}


def side(runs: list[Run]) -> Side:
    """Returns the medians of one engine's runs."""
    return Side(
        seconds=statistics.median(run.seconds for run in runs),
        peak_tree_mb=statistics.median(run.peak_tree_mb for run in runs),
        max_rss_mb=statistics.median(run.max_rss_mb for run in runs),
        processes=max(run.processes for run in runs),
        all_seconds=[run.seconds for run in runs],
    )


def wrong_in_answer(job: JobArguments, run: Run, output: Path) -> list[str]:
    """Says in what the job's answer, returned or written, differs from plain DuckDB's."""
    if job.job == "start":
        return []
    if job.job == "wide":
        return different_rows(f"{job.folder}/events/*.parquet", f"{output}/*.parquet")
    expected = data_sets.expected_report(Path(job.folder))
    found = differences(expected, pd.DataFrame(run.report["answer"]))
    if job.end == "job":
        written = duckdb.read_parquet(f"{output}/*.parquet").to_arrow_table()
        found += [f"written files: {difference}" for difference in differences(expected, written)]
    return found


def different_rows(expected: str, actual: str) -> list[str]:
    """Compares two sets of Parquet files as multisets of rows, every value exactly."""
    found = []
    for name, these, those in (("missing", expected, actual), ("unexpected", actual, expected)):
        query = f"SELECT count(*) FROM (FROM '{these}' EXCEPT ALL FROM '{those}')"
        rows: Any = duckdb.sql(query).fetchone()
        if rows[0]:
            found.append(f"{rows[0]:,} {name} rows")
    return found

"""Measures what planning in stages costs, and how large the specs of tasks are.

    python benchmarks/planning.py                     under a minute, 0.4 GB
    python benchmarks/planning.py --only files        the part about 10,000 files alone

For each query of TPC-H: the time from the SQL text to the stages, by sql() and explain(), beside
DuckDB's own EXPLAIN of the same text over the same files, in turns, medians. Then the same for
10,000 small files and 2,000 tasks. The specs are those that an executor gets which runs all tasks
of the queries one by one. Ends with 1 where a promise is broken.
"""

import argparse
import json
import re
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import report
import smallpond
from smallpond import _core
from tpch import TABLES, connect_tpch, make_tables

NUM_FILES, NUM_TASKS, ROWS_PER_FILE = 10_000, 2_000, 4
MOST_MS, MOST_FILES_S, MOST_SPEC_BYTES = 50, 2, 4096  # What is promised.
OVER_FILES = {
    "count": "SELECT count(*) FROM {t}",
    "group by": "SELECT k, count(*), sum(i), avg(i) FROM {t} GROUP BY k",
}


class Recorder(_core.Executor):
    """Runs tasks one by one in this process and keeps the sizes of their specs."""

    def __init__(self, setup: str, sizes: list[int]) -> None:
        super().__init__()
        self._worker = _core.TaskWorker(setup)
        self._sizes = sizes
        self._waiting: list[Any] = []

    def slots(self) -> int:
        return 4

    def submit(self, launches: Any) -> None:
        self._sizes += [len(launch.spec.encode()) for launch in launches]
        self._waiting += launches

    def wait(self, timeout_ms: int) -> list[Any]:
        if not self._waiting:
            return []
        launch = self._waiting.pop(0)
        key = (launch.id.stage, launch.id.task, launch.id.attempt)
        return [_core.TaskEvent("finished", launch.id, self._worker.run(*key, launch.spec))]

    def cancel(self, id: Any) -> None:
        self._waiting = [launch for launch in self._waiting if launch.id != id]


def open_session(folder: Path, sizes: list[int], **options: Any) -> smallpond.Session:
    """A session that plans for four workers. What it runs adds its specs' sizes to `sizes`."""
    session = smallpond.init(
        executor="processes", num_executors=4, data_root=folder / "root", **options
    )
    session._core.set_make_executor(lambda setup: Recorder(setup, sizes))
    return session


def timed_ms(call: Callable[..., Any], *arguments: Any) -> tuple[float, Any]:
    begin = time.perf_counter()
    result = call(*arguments)
    return (time.perf_counter() - begin) * 1000, result


def explain(connection: duckdb.DuckDBPyConnection, sql: str) -> None:
    connection.execute("EXPLAIN " + sql).fetchall()


def stages_of(sp: smallpond.Session, sql: str, frames: dict[str, Any]) -> dict[str, Any]:
    told = json.loads(sp.sql(sql, **frames).explain(format="json"))
    assert "stages" in told, told["whole_because"]
    return told


def used_tables(sql: str) -> list[str]:
    return [table for table in TABLES if re.search(rf"\b{table}\b", sql)]


def measure_tpch(folder: Path, runs: int) -> bool:
    data = folder / "tpch-1"
    if not data.exists():
        make_tables(1, data)
    queries = dict(connect_tpch().execute("FROM tpch_queries()").fetchall())
    plain = duckdb.connect()
    for table in TABLES:
        plain.execute(f"CREATE VIEW {table} AS FROM '{data}/{table}/*.parquet'")
    rows, good = [], True
    sizes: list[int] = []
    with open_session(folder, sizes) as sp:
        frames = {table: sp.read_parquet(data / table) for table in TABLES}
        for number, sql in queries.items():
            used = {table: frames[table] for table in used_tables(sql)}
            ours, theirs, plan = [], [], []
            for _ in range(runs):
                theirs.append(timed_ms(explain, plain, sql)[0])
                ms, told = timed_ms(stages_of, sp, sql, used)
                ours.append(ms)
                plan.append(told["plan_ms"])
            tasks = sum(stage["tasks"] for stage in told["stages"])
            sizes.clear()
            sp.sql(sql, **used).to_arrow()
            beyond = statistics.median(ours) - statistics.median(theirs)
            good = good and beyond < MOST_MS and max(sizes) <= MOST_SPEC_BYTES
            rows.append(
                [f"{number}", f"{len(told['stages'])}", f"{tasks}"]
                + [f"{statistics.median(times):.1f}" for times in (theirs, ours)]
                + [f"{beyond:.1f}", f"{statistics.median(plan):.0f}", f"{max(sizes):,}"]
            )
    header = ["query", "stages", "tasks", "DuckDB ms", "smallpond ms", "beyond ms", "plan_ms"]
    print(report.table([*header, "largest spec, bytes"], rows), flush=True)
    return good


def make_small_files(folder: Path) -> None:
    folder.mkdir(parents=True)
    with duckdb.connect(config={"threads": 2}) as connection:
        for number in range(NUM_FILES):
            begin = number * ROWS_PER_FILE
            connection.execute(
                f"COPY (SELECT i, i % 97 AS k FROM range({begin}, {begin + ROWS_PER_FILE}) t(i)) "
                f"TO '{folder}/{number:05}.parquet'"
            )


def measure_files(folder: Path, runs: int) -> bool:
    data = folder / f"files-{NUM_FILES}"
    if not data.exists():
        make_small_files(data)
    plain = duckdb.connect()
    rows: list[list[str]] = []
    good = True
    sizes: list[int] = []
    for name, sql in OVER_FILES.items():
        theirs, ours = [], []
        for _ in range(runs):  # A session each: none knows the files before.
            over_files = sql.format(t=f"'{data}/*.parquet'")
            theirs.append(timed_ms(explain, plain, over_files)[0])
            with open_session(folder, sizes, partitions=NUM_TASKS) as sp:
                ms, told = timed_ms(stages_of, sp, sql.format(t="t"), {"t": sp.read_parquet(data)})
                ours.append(ms)
                if name == "count" and not sizes:
                    sp.sql(sql.format(t="t"), t=sp.read_parquet(data)).to_arrow()
        tasks = sum(stage["tasks"] for stage in told["stages"])
        good = good and max(ours) < MOST_FILES_S * 1000 and max(sizes) <= MOST_SPEC_BYTES
        seconds = [statistics.median(theirs), statistics.median(ours), max(ours)]
        rows.append([name, f"{NUM_FILES:,}", f"{tasks:,}"])
        rows[-1] += [f"{ms / 1000:.2f}" for ms in seconds]
        rows[-1].append(f"{max(sizes):,}" if name == "count" else "–")
    header = ["query", "files", "tasks", "DuckDB s", "smallpond s", "longest s"]
    print(report.table([*header, "largest spec, bytes"], rows), flush=True)
    return good


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--runs", type=int, default=20, help="of each query of TPC-H")
    parser.add_argument("--only", choices=["tpch", "files"], default="")
    parser.add_argument("--folder", type=Path, help="keeps the data; default: a temporary one")
    arguments = parser.parse_args()
    print(report.machine_text(report.machine()), flush=True)
    good = True
    with tempfile.TemporaryDirectory() as temporary:
        folder = (arguments.folder or Path(temporary)).absolute()
        if arguments.only != "files":
            good = measure_tpch(folder, arguments.runs)
        if arguments.only != "tpch":
            good = measure_files(folder, max(3, arguments.runs // 4)) and good
    return int(not good)


if __name__ == "__main__":
    sys.exit(main())

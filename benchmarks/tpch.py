"""Measures TPC-H on worker processes against one DuckDB, query by query and pair by pair.

    python benchmarks/tpch.py --scale 10 --folder /path/on/a/disk      3.3 GB, about 40 minutes
    python benchmarks/tpch.py --scale 1 --queries 5,9,18 --workers 1x4,4x1,2x2

`--workers 4x1` is four workers of one thread each. DuckDB has as many threads as all workers of the
first layout together, and all of them the same memory together. DuckDB and each layout take turns
with a query, each in a session that stays open, over the same Parquet files; the time is that from
the call to the answer in Arrow. A ratio is smallpond's time over that of the DuckDB run right
before it. Every answer is compared. The data is made by DuckDB's extension where it is missing.
"""

import argparse
import os
import re
import statistics
import sys
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import duckdb
import pyarrow
import smallpond

DEFAULT_FOLDER = Path("build/benchmarks/tpch")
TABLES = ["customer", "lineitem", "nation", "orders", "part", "partsupp", "region", "supplier"]
NUM_FILES = 8  # Of each table with more than ROWS_OF_ONE_FILE.
ROWS_OF_ONE_FILE = 200_000
MEMORY_OF_DBGEN = "4GB"


def connect_tpch(path: str = ":memory:") -> duckdb.DuckDBPyConnection:
    spec = find_spec("duckdb_extension_tpch")
    assert spec and spec.origin, "Install requirements-dev.txt"
    connection = duckdb.connect(path)
    connection.execute(f"LOAD '{next(Path(spec.origin).parent.rglob('tpch.duckdb_extension'))}'")
    return connection


def make_tables(scale: float, folder: Path) -> None:
    """Writes each table as files. The generator works in a database file and in steps, since it
    keeps what it makes in memory otherwise."""
    folder.mkdir(parents=True, exist_ok=True)
    database = folder / "making.duckdb"
    connection = connect_tpch(str(database))
    connection.execute(f"SET memory_limit = '{MEMORY_OF_DBGEN}'")
    steps = max(1, round(scale))
    for step in range(steps):
        children = f", children = {steps}, step = {step}" if steps > 1 else ""
        connection.execute(f"CALL dbgen(sf = {scale}{children})")
    for table in TABLES:
        [(rows,)] = connection.execute(f"SELECT count(*) FROM {table}").fetchall()
        num_files = NUM_FILES if rows > ROWS_OF_ONE_FILE else 1
        (folder / table).mkdir()
        for number in range(num_files):
            begin, end = (rows * n // num_files for n in (number, number + 1))
            connection.execute(
                f"COPY (FROM {table} WHERE rowid >= {begin} AND rowid < {end}) "
                f"TO '{folder}/{table}/{number}.parquet'"
            )
    connection.close()
    database.unlink()


def threads_of(layout: str) -> int:
    """Of all workers together."""
    workers, threads = map(int, layout.split("x"))
    return workers * threads


def duckdb_runner(folder: Path, threads: int, memory: int) -> Callable[[str], pyarrow.Table]:
    connection = duckdb.connect(config={"threads": threads, "memory_limit": f"{memory}B"})
    for table in TABLES:
        connection.execute(f"CREATE VIEW {table} AS FROM '{folder}/{table}/*.parquet'")
    return lambda sql: connection.execute(sql).to_arrow_table()


def smallpond_runner(
    folder: Path, layout: str, memory: int, data_root: str | None
) -> Callable[[str], pyarrow.Table]:
    session = smallpond.init(
        executor="processes", num_executors=int(layout.split("x")[0]), threads=threads_of(layout),
        duckdb_memory=f"{memory}B", data_root=data_root,
    )  # fmt: skip
    frames = {table: session.read_parquet(folder / table) for table in TABLES}

    def run(sql: str) -> pyarrow.Table:
        used = {table: frame for table, frame in frames.items() if re.search(rf"\b{table}\b", sql)}
        return session.sql(sql, **used).to_arrow()

    return run


def timed(run: Callable[[str], pyarrow.Table], sql: str) -> tuple[float, pyarrow.Table]:
    begin = time.perf_counter()
    table = run(sql)
    return time.perf_counter() - begin, table


def same(found: pyarrow.Table, expected: pyarrow.Table) -> bool:
    """As sets of rows, doubles within 1e-9 of each other."""

    def rows(table: pyarrow.Table) -> list[list[object]]:
        columns = [column.to_pylist() for column in table.columns]
        return sorted(map(list, zip(*columns, strict=True)), key=repr)

    def equal(a: object, b: object) -> bool:
        if isinstance(a, float) and isinstance(b, float):
            return abs(a - b) <= 1e-9 * max(abs(a), abs(b))
        return a == b

    if found.column_names != expected.column_names or found.num_rows != expected.num_rows:
        return False
    pairs = zip(rows(found), rows(expected), strict=True)
    return all(equal(a, b) for f, e in pairs for a, b in zip(f, e, strict=True))


def measure(arguments: argparse.Namespace, folder: Path) -> None:
    layouts = arguments.workers.split(",")
    threads = threads_of(layouts[0])
    memory = int(arguments.memory * 1e9)
    by_duckdb = duckdb_runner(folder, threads, memory)
    runners = {
        layout: smallpond_runner(folder, layout, memory, arguments.data_root) for layout in layouts
    }
    with connect_tpch() as connection:
        queries = dict(connection.execute("FROM tpch_queries()").fetchall())
    numbers = [int(n) for n in arguments.queries.split(",")] if arguments.queries else [*queries]
    print(f"{os.cpu_count()} cores, a load of {os.getloadavg()[0]:.1f}; DuckDB {threads} threads")
    print("| query | DuckDB s | " + " | ".join(f"{n}: s, ratio (min-max)" for n in layouts) + " |")
    print("| ----: | ---: |" + " ---: |" * len(layouts), flush=True)
    # Seconds of all queries, by layout and pair: DuckDB's and smallpond's.
    sums = {layout: [[0.0, 0.0] for _ in range(arguments.pairs)] for layout in layouts}
    for number in numbers:
        sql = queries[number]
        seconds: dict[str, list[tuple[float, float]]] = {layout: [] for layout in layouts}
        for pair in range(-1, arguments.pairs):  # The first one warms the caches.
            for layout in layouts:
                alone, expected = timed(by_duckdb, sql)
                spent, found = timed(runners[layout], sql)
                if not same(found, expected):
                    sys.exit(f"Query {number} on {layout} differs from DuckDB's answer.")
                if pair < 0:
                    continue
                seconds[layout].append((alone, spent))
                sums[layout][pair][0] += alone
                sums[layout][pair][1] += spent
        print_row(f"Q{number}", seconds)
    print_row("all", {layout: [(a, s) for a, s in sums[layout]] for layout in layouts})


def print_row(name: str, seconds: dict[str, list[tuple[float, float]]]) -> None:
    """`seconds`: DuckDB's and smallpond's of each pair, by layout."""
    cells = []
    for pairs in seconds.values():
        ratios = [spent / alone for alone, spent in pairs]
        middle = statistics.median(spent for _, spent in pairs)
        cells.append(
            f"{middle:.2f}, {statistics.median(ratios):.2f} ({min(ratios):.2f}-{max(ratios):.2f})"
        )
    by_duckdb = statistics.median(alone for pairs in seconds.values() for alone, _ in pairs)
    print(f"| {name} | {by_duckdb:.2f} | " + " | ".join(cells) + " |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--scale", type=float, default=1)
    parser.add_argument("--folder", type=Path, default=DEFAULT_FOLDER)
    parser.add_argument("--workers", default="4x1", help="layouts, as 4x1,1x4")
    parser.add_argument("--queries", default="", help="numbers with commas; all without it")
    parser.add_argument("--pairs", type=int, default=3, help="of each query and layout")
    parser.add_argument("--memory", type=float, default=8, help="GB of all workers together")
    parser.add_argument("--data-root", help="where exchange files go")
    arguments = parser.parse_args()
    folder = arguments.folder.resolve() / f"sf{arguments.scale:g}"
    if not folder.exists():
        make_tables(arguments.scale, folder)
    measure(arguments, folder)


if __name__ == "__main__":
    main()

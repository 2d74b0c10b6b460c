"""The daily report of an e-commerce site: read, repartition, join, aggregate, write.

`make demo` runs it. It makes its own data, runs the report with smallpond, runs the same SQL with
plain DuckDB, and fails if the two answers differ.

    python examples/ecommerce.py
    python examples/ecommerce.py --events-per-day 10_000_000 --users 2_000_000
"""

# ruff: noqa: F841 (a query finds a frame by the name of its variable)

import argparse
import getpass
import sys
import tempfile
import time
from pathlib import Path

import answers
import duckdb
import pandas as pd
import smallpond
from ecommerce_data import DAILY_STATS_SQL, add_size_arguments, make_data, size_from


def daily_stats(folder: Path) -> tuple[pd.DataFrame, float]:
    """Computes the report of the data in `folder` and writes it to `folder`/output/daily_stats.

    Returns the report and the seconds from starting a session to having the report.
    """
    start = time.perf_counter()
    sp = smallpond.init()

    # 1. Read data
    events = sp.read_parquet(f"{folder}/events/*.parquet")
    users = sp.read_parquet(f"{folder}/users.parquet")  # The query finds it by its name.

    # 2. Repartition by user_id for local JOIN
    events = events.repartition(10, hash_by="user_id")

    # 3. Execute distributed SQL analysis
    # Its groups go across partitions. That is the default; saying so, nobody is warned of it.
    result = sp.partial_sql(DAILY_STATS_SQL, events, merge="auto")

    # 4. Preview results
    pandas_result = result.to_pandas()
    seconds = time.perf_counter() - start
    print(f"\nResult rows: {len(pandas_result):,}")
    print("\nTop 20 preview:")
    print(pandas_result.head(20).to_string(index=False))

    # 5. Write results
    result.write_parquet(f"{folder}/output/daily_stats/")
    return pandas_result, seconds


def daily_stats_by_duckdb(folder: Path) -> tuple[pd.DataFrame, float]:
    """Returns what one plain DuckDB answers to the same SQL, and its seconds."""
    start = time.perf_counter()
    with duckdb.connect() as connection:
        events = connection.read_parquet(f"{folder}/events/*.parquet")
        users = connection.read_parquet(f"{folder}/users.parquet")
        report = connection.sql(DAILY_STATS_SQL.format("events")).df()
    return report, time.perf_counter() - start


def main() -> int:
    """Runs the example; returns 1 when the answers differ."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    add_size_arguments(parser)
    default_folder = Path(tempfile.gettempdir()) / f"smallpond-demo-{getpass.getuser()}"
    parser.add_argument("--folder", type=Path, default=default_folder)
    arguments = parser.parse_args()
    folder, size = arguments.folder, size_from(arguments)

    seconds = make_data(folder, size)
    made = f"made in {seconds:.1f} s" if seconds else "kept from an earlier run"
    print(f"Data: {size}, in {folder} ({made})")

    report, smallpond_seconds = daily_stats(folder)
    expected, duckdb_seconds = daily_stats_by_duckdb(folder)
    found = answers.differences(expected, report)
    found += [
        f"in the written files {difference}"
        for difference in answers.differences(
            expected, duckdb.read_parquet(f"{folder}/output/daily_stats/*.parquet").df()
        )
    ]

    print(f"\nsmallpond {smallpond_seconds:6.2f} s")
    print(f"DuckDB    {duckdb_seconds:6.2f} s")
    print(f"Results written to {folder}/output/daily_stats/")
    if found:
        print("The answers DIFFER:", *found, sep="\n  ")
        return 1
    print(f"The answers are the same, in pandas and in the files ({len(report)} rows).")
    print("\nWhat to try next:")
    print("  .venv/bin/python examples/quickstart.py     the first steps, to be read and changed")
    print("  .venv/bin/python examples/ecommerce.py --events-per-day 10_000_000   more data")
    print("  make test                                   the tests; examples/README.md has more")
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""The data sets that the benchmarks run on, made when they are first asked for."""

import getpass
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "examples"))

import duckdb
import pyarrow as pa
from ecommerce_data import DAILY_STATS_SQL, DataSize, make_data

USERS = 2_000_000
SIZES = {
    "tiny": DataSize(events_per_day=20_000, users=5_000),  # To try the scripts themselves.
    "3x1M": DataSize(events_per_day=1_000_000, users=USERS),
    "3x10M": DataSize(events_per_day=10_000_000, users=USERS),
}


def default_folder() -> Path:
    """Returns the folder that keeps the data between runs."""
    return Path(tempfile.gettempdir()) / f"smallpond-bench-{getpass.getuser()}"


def data_set(folder: Path, size: str) -> Path:
    """Returns the folder of the data set named `size` below `folder`, and makes it if missing."""
    path = folder / size
    seconds = make_data(path, SIZES[size])
    if seconds:
        print(f"Made {size}: {SIZES[size]}, in {seconds:.1f} s", flush=True)
    return path


def events_csv(data: Path) -> Path:
    """Returns the data set's events as one CSV file, which is made if missing or older."""
    path = data / "events.csv"
    manifest = data / "data.json"
    if not path.exists() or path.stat().st_mtime < manifest.stat().st_mtime:
        unfinished = path.with_suffix(".unfinished")
        duckdb.sql(f"COPY (FROM '{data}/events/*.parquet') TO '{unfinished}' (FORMAT csv, HEADER)")
        unfinished.rename(path)
    return path


def expected_report(data: Path) -> pa.Table:
    """Returns what plain DuckDB answers to the daily report over the data set."""
    with duckdb.connect() as connection:
        connection.read_parquet(f"{data}/events/*.parquet").create_view("events")
        connection.read_parquet(f"{data}/users.parquet").create_view("users")
        return connection.sql(DAILY_STATS_SQL.format("events")).to_arrow_table()

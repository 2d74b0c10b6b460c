"""Makes an e-commerce site's users and events: files for the example and for the benchmarks.

    FOLDER/users.parquet             one row a user
    FOLDER/events/2026-04-10.parquet one file a day, one row an event
    FOLDER/data.json                 what the files were made from

The same arguments make the same files, byte for byte. Rows are made in blocks of `BLOCK_ROWS`, so
memory stays small at any size, and a day's file is made by one thread.
"""

import argparse
import json
import os
import shutil
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

BLOCK_ROWS = 1_048_576  # Also the size of a row group: the default of pandas and pyarrow.
FIRST_DAY = date(2026, 4, 10)  # After the date that the daily report filters by.
FORMAT = 1  # To be raised when the same arguments begin to make other files.

COUNTRIES = ["CN", "US", "JP", "DE", "BR"]
TIERS = ["bronze", "silver", "gold", "platinum"]
TIER_SHARES = [0.5, 0.3, 0.15, 0.05]
EVENT_TYPES = ["page_view", "click", "add_cart", "purchase", "favorite"]
EVENT_TYPE_SHARES = [0.6, 0.2, 0.1, 0.07, 0.03]
PAYING_SHARE = 0.07  # Of events; drawn apart from the event's type.

# The daily report: who was active and what it brought, by country, tier and day. `{0}` is events.
DAILY_STATS_SQL = """
    SELECT
        u.country,
        u.tier,
        e.event_date,
        COUNT(DISTINCT e.user_id) AS active_users,
        COUNT(*) AS total_events,
        SUM(CASE WHEN e.event_type = 'purchase' THEN 1 ELSE 0 END) AS purchases,
        SUM(e.revenue) AS total_revenue,
        SUM(e.revenue) / NULLIF(COUNT(DISTINCT e.user_id), 0) AS revenue_per_user,
        SUM(CASE WHEN e.event_type = 'add_cart' THEN 1 ELSE 0 END) AS cart_adds,
        SUM(CASE WHEN e.event_type = 'purchase' THEN 1 ELSE 0 END) * 1.0
            / NULLIF(SUM(CASE WHEN e.event_type = 'add_cart' THEN 1 ELSE 0 END), 0)
            AS cart_to_purchase_rate
    FROM {0} e
    JOIN users u ON e.user_id = u.user_id
    WHERE e.event_date >= '2026-04-01'
    GROUP BY u.country, u.tier, e.event_date
"""


@dataclass(frozen=True)
class DataSize:
    """How much data, in rows and days, and the seed that it is drawn with."""

    events_per_day: int = 1_000_000
    users: int = 200_000
    days: int = 3
    seed: int = 42

    def __post_init__(self) -> None:
        if min(self.events_per_day, self.users, self.days) < 1:
            raise ValueError(f"events_per_day, users and days must be at least 1: {self}")

    def __str__(self) -> str:
        return f"{self.days} days of {self.events_per_day:,} events, {self.users:,} users"


def make_data(folder: str | Path, size: DataSize) -> float:
    """Makes `size` of data in `folder`, or keeps the files there if they are the same data.

    Replaces an `events` folder that a call with another size left there. Returns the seconds it
    took, 0.0 when the files were kept. Raises FileExistsError when `folder` has an `events` folder
    that this function did not make.
    """
    folder = Path(folder)
    events_folder, manifest = folder / "events", folder / "data.json"
    wanted = json.dumps({"format": FORMAT, **asdict(size)})
    if manifest.exists():
        if manifest.read_text() == wanted:
            return 0.0
        shutil.rmtree(events_folder, ignore_errors=True)
    elif events_folder.exists() and any(events_folder.iterdir()):
        raise FileExistsError(f"{events_folder} has files of another origin. Take another folder.")

    start = time.perf_counter()
    events_folder.mkdir(parents=True, exist_ok=True)
    manifest.write_text("{}")  # The folder is ours from here on, and not complete.
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        jobs = [pool.submit(write_events, events_folder, day, size) for day in range(size.days)]
        write_users(folder / "users.parquet", size)
        for job in jobs:
            job.result()
    manifest.write_text(wanted)
    return time.perf_counter() - start


def write_users(path: Path, size: DataSize) -> None:
    """Writes the users' file: user_id from 1, country, tier, registration_date."""
    latest = [FIRST_DAY - timedelta(days=days) for days in range(1, 3 * 365)]
    registered_on = pa.array([day.isoformat() for day in latest])
    random = np.random.default_rng([size.seed, 0])
    with pq.ParquetWriter(path, users_schema()) as writer:
        for first, rows in blocks(size.users):
            columns = [
                pa.array(np.arange(first + 1, first + rows + 1, dtype=np.int64)),
                pick(random, pa.array(COUNTRIES), rows),
                pick(random, pa.array(TIERS), rows, TIER_SHARES),
                pick(random, registered_on, rows),
            ]
            writer.write_batch(pa.record_batch(columns, schema=users_schema()))


def write_events(folder: Path, day: int, size: DataSize) -> None:
    """Writes the events of one day; `event_id` goes on from the day before."""
    day_text = (FIRST_DAY + timedelta(days=day)).isoformat()
    clock = range(24 * 60 * 60)
    timestamps = pa.array(
        [f"{day_text} {s // 3600:02d}:{s // 60 % 60:02d}:{s % 60:02d}" for s in clock]
    )
    random = np.random.default_rng([size.seed, 1, day])
    with pq.ParquetWriter(folder / f"{day_text}.parquet", events_schema()) as writer:
        for first, rows in blocks(size.events_per_day):
            first_id = day * size.events_per_day + first + 1
            price = random.uniform(10, 500, rows).round(2)
            columns = [
                pa.array(np.arange(first_id, first_id + rows, dtype=np.int64)),
                pa.array(random.integers(1, size.users + 1, rows)),
                pick(random, pa.array(EVENT_TYPES), rows, EVENT_TYPE_SHARES),
                pa.array(np.where(random.random(rows) < PAYING_SHARE, price, 0.0)),
                pa.repeat(day_text, rows),
                pick(random, timestamps, rows),
            ]
            writer.write_batch(pa.record_batch(columns, schema=events_schema()))


def users_schema() -> pa.Schema:
    """Returns the columns of users.parquet."""
    text = pa.string()
    return pa.schema(
        {"user_id": pa.int64(), "country": text, "tier": text, "registration_date": text}
    )


def events_schema() -> pa.Schema:
    """Returns the columns of an events file."""
    return pa.schema(
        {
            "event_id": pa.int64(),
            "user_id": pa.int64(),
            "event_type": pa.string(),
            "revenue": pa.float64(),
            "event_date": pa.string(),
            "timestamp": pa.string(),
        }
    )


def blocks(rows: int) -> Iterator[tuple[int, int]]:
    """Yields (first row, number of rows) of each block of a file."""
    for first in range(0, rows, BLOCK_ROWS):
        yield first, min(BLOCK_ROWS, rows - first)


def pick(
    random: np.random.Generator, values: pa.Array, rows: int, shares: list[float] | None = None
) -> pa.Array:
    """Returns `rows` draws of `values`, each as likely as its share (equally without `shares`)."""
    if shares is None:
        indices = random.integers(0, len(values), rows)
    else:
        indices = np.searchsorted(np.cumsum(shares)[:-1], random.random(rows), side="right")
    return values.take(pa.array(indices))


def add_size_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds --events-per-day, --users, --days and --seed; `size_from` reads them."""
    default = DataSize()
    parser.add_argument("--events-per-day", type=int, default=default.events_per_day)
    parser.add_argument("--users", type=int, default=default.users)
    parser.add_argument("--days", type=int, default=default.days)
    parser.add_argument("--seed", type=int, default=default.seed)


def size_from(arguments: argparse.Namespace) -> DataSize:
    """Returns the size that the command line asks for."""
    return DataSize(arguments.events_per_day, arguments.users, arguments.days, arguments.seed)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", help="where the files go")
    add_size_arguments(parser)
    arguments = parser.parse_args()
    seconds = make_data(arguments.folder, size_from(arguments))
    print(f"{arguments.folder}: {size_from(arguments)}, made in {seconds:.1f} s")

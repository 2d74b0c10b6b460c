"""The daily report by one engine, as a process of its own.

`peer_jobs.py ENGINE PACKAGE FOLDER SCRATCH SQL`: ENGINE is a function below, PACKAGE its package.
Runs in the engine's own virtual environment and imports nothing of the others. A job starts its
session, then the clock, and returns the report as a pandas DataFrame. Engines that have SQL run the
same text; what had to be changed for one of them is said there.
"""

import importlib.metadata
import os
import sys
from collections.abc import Callable
from typing import Any

from reporting_job import Clock, report_job

# ruff: noqa: F841 (DuckDB and smallpond find a frame by the name of its variable)

LOOPBACK = "127.0.0.1"
KEYS = ["country", "tier", "event_date"]
PARTITIONS = 10  # As the article has it.


class Work:
    """What a job reads and runs: `events` and `users` are paths, `sql` has {0} for the events."""

    def __init__(self, clock: Clock, folder: str, scratch: str, sql: str) -> None:
        self.clock = clock
        self.events = f"{folder}/events/*.parquet"
        self.users = f"{folder}/users.parquet"
        self.scratch = scratch
        self.sql = sql


def duckdb(work: Work) -> Any:
    """Plain DuckDB."""
    import duckdb

    connection = duckdb.connect()
    work.clock.start()
    events = connection.read_parquet(work.events)
    users = connection.read_parquet(work.users)
    return connection.sql(work.sql.format("events")).df()


def smallpond(work: Work) -> Any:
    """This project, as the article writes it."""
    import smallpond

    sp = smallpond.init()
    work.clock.start()
    return as_written(sp, work)


def as_written(sp: Any, work: Work) -> Any:
    """The article's lines. They find `users` by its name."""
    events = sp.read_parquet(work.events)
    users = sp.read_parquet(work.users)
    events = events.repartition(PARTITIONS, hash_by="user_id")
    return sp.partial_sql(work.sql, events).to_pandas()


def original(work: Work) -> Any:
    """The original smallpond, the same lines."""
    return as_written(start_original(work), work)


def original_two_inputs(work: Work) -> Any:
    """The original with the users as a second input, both partitioned alike."""
    sp = start_original(work)
    return partial_report(sp, work).to_pandas()


def original_merged(work: Work) -> Any:
    """The original with a second step that merges the partial rows; a user is in one partition."""
    sp = start_original(work)
    partial = partial_report(sp, work).repartition(1)
    merged = sp.partial_sql(
        """
        SELECT country, tier, event_date,
            SUM(active_users) AS active_users, SUM(total_events) AS total_events,
            SUM(purchases) AS purchases, SUM(total_revenue) AS total_revenue,
            SUM(total_revenue) / NULLIF(SUM(active_users), 0) AS revenue_per_user,
            SUM(cart_adds) AS cart_adds,
            SUM(purchases) * 1.0 / NULLIF(SUM(cart_adds), 0) AS cart_to_purchase_rate
        FROM {0} GROUP BY country, tier, event_date
        """,
        partial,
    )
    return merged.to_pandas()


def start_original(work: Work) -> Any:
    """Starts the original with its Ray on the loopback only; starts the clock.

    Its own exit handler ends the Ray that it started.
    """
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    os.environ["RAY_TMPDIR"] = work.scratch
    # Despite its name it counts on Linux too: 0 makes every process of Ray listen on the loopback.
    os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"
    import ray
    import smallpond

    start_ray = ray.init
    ray.init = lambda **settings: start_ray(**{**settings, "dashboard_host": LOOPBACK})
    sp = smallpond.init(data_root=f"{work.scratch}/data")
    work.clock.start()
    return sp


def partial_report(sp: Any, work: Work) -> Any:
    """Returns the original's report of each partition by itself."""
    events = sp.read_parquet(work.events).repartition(PARTITIONS, hash_by="user_id")
    users = sp.read_parquet(work.users).repartition(PARTITIONS, hash_by="user_id")
    return sp.partial_sql(work.sql.replace("JOIN users", "JOIN {1}"), events, users)


def with_double(sql: str) -> str:
    """Returns the SQL with 1.0 as a double, where that would be a decimal that rounds the ratio."""
    return sql.format("events").replace("1.0", "CAST(1.0 AS DOUBLE)")


def polars(work: Work) -> Any:
    """Polars' SQL."""
    import polars

    work.clock.start()
    tables = {"events": polars.scan_parquet(work.events), "users": polars.scan_parquet(work.users)}
    return polars.SQLContext(tables).execute(with_double(work.sql), eager=True).to_pandas()


def polars_frame(work: Work) -> Any:
    """Polars' own expressions."""
    import polars
    from polars import col

    work.clock.start()
    events, users = polars.scan_parquet(work.events), polars.scan_parquet(work.users)
    purchases = (col("event_type") == "purchase").sum()
    cart_adds = (col("event_type") == "add_cart").sum()
    report = (
        events.filter(col("event_date") >= "2026-04-01")
        .join(users, on="user_id")
        .group_by(KEYS)
        .agg(
            active_users=col("user_id").n_unique(),
            total_events=polars.len(),
            purchases=purchases,
            total_revenue=col("revenue").sum(),
            revenue_per_user=col("revenue").sum() / col("user_id").n_unique(),
            cart_adds=cart_adds,
            cart_to_purchase_rate=purchases / cart_adds,
        )
    )
    return report.collect().to_pandas()


def spark(work: Work) -> Any:
    """Spark's SQL on all cores."""
    from pyspark.sql import SparkSession

    session = (
        SparkSession.builder.master("local[*]")
        .config("spark.driver.bindAddress", LOOPBACK)
        .config("spark.driver.host", LOOPBACK)
        .config("spark.driver.memory", "8g")
        .config("spark.ui.enabled", "false")
        .config("spark.local.dir", work.scratch)
        .getOrCreate()
    )
    work.clock.start()
    return spark_report(session, work)


def sail(work: Work) -> Any:
    """Sail: Spark's SQL and protocol, another engine, here in this process."""
    from pysail.spark import SparkConnectServer
    from pyspark.sql import SparkSession

    server = SparkConnectServer()
    server.start(background=True)
    session = SparkSession.builder.remote(
        f"sc://localhost:{server.listening_address[1]}"
    ).getOrCreate()
    work.clock.start()
    report = spark_report(session, work)
    session.stop()
    server.stop()  # Left to the interpreter's exit, it hangs at times.
    return report


def spark_report(session: Any, work: Work) -> Any:
    """Runs the report on a Spark session."""
    session.read.parquet(work.events).createOrReplaceTempView("events")
    session.read.parquet(work.users).createOrReplaceTempView("users")
    return session.sql(with_double(work.sql)).toPandas()


def dask(work: Work) -> Any:
    """Dask's frames on a cluster of one process a core; Dask has no SQL."""
    import dask
    import dask.dataframe
    from dask.distributed import Client

    client = Client(host=LOOPBACK, dashboard_address=None, local_directory=work.scratch)
    work.clock.start()
    events = dask.dataframe.read_parquet(work.events)
    users = dask.dataframe.read_parquet(work.users)
    joined = events[events.event_date >= "2026-04-01"].merge(users, on="user_id")
    joined = joined.assign(
        purchase=(joined.event_type == "purchase").astype("int64"),
        cart_add=(joined.event_type == "add_cart").astype("int64"),
    )
    groups = joined.groupby(KEYS)
    sums = groups.agg(
        total_events=("user_id", "size"),
        purchases=("purchase", "sum"),
        total_revenue=("revenue", "sum"),
        cart_adds=("cart_add", "sum"),
    )
    # `agg` does not know nunique, so this is a second aggregate over the same joined frame.
    sums, active_users = dask.compute(sums, groups["user_id"].nunique())
    client.shutdown()
    return with_ratios(sums.assign(active_users=active_users).reset_index())


def daft(work: Work) -> Any:
    """Daft's SQL."""
    import daft

    work.clock.start()
    tables = {"events": daft.read_parquet(work.events), "users": daft.read_parquet(work.users)}
    return daft.sql(work.sql.format("events"), **tables).to_pandas()


def daft_frame(work: Work) -> Any:
    """Daft's own expressions."""
    import daft
    from daft import col

    work.clock.start()
    events, users = daft.read_parquet(work.events), daft.read_parquet(work.users)
    joined = events.where(col("event_date") >= "2026-04-01").join(users, on="user_id")
    joined = joined.with_columns(
        {
            "purchase": (col("event_type") == "purchase").cast(daft.DataType.int64()),
            "cart_add": (col("event_type") == "add_cart").cast(daft.DataType.int64()),
        }
    )
    report = joined.groupby(*KEYS).agg(
        col("user_id").count_distinct().alias("active_users"),
        col("event_id").count().alias("total_events"),
        col("purchase").sum().alias("purchases"),
        col("revenue").sum().alias("total_revenue"),
        col("cart_add").sum().alias("cart_adds"),
    )
    return with_ratios(report.to_pandas())


def with_ratios(report: Any) -> Any:
    """Adds the two ratios, in the columns' order of the SQL."""
    report["revenue_per_user"] = report.total_revenue / report.active_users
    report["cart_to_purchase_rate"] = report.purchases / report.cart_adds
    columns = ["active_users", "total_events", "purchases", "total_revenue", "revenue_per_user"]
    return report[[*KEYS, *columns, "cart_adds", "cart_to_purchase_rate"]]


def run(clock: Clock, engine: str, package: str, *work: str) -> dict[str, Any]:
    """Returns the version, the seconds and the answer of one engine."""
    job: Callable[[Work], Any] = globals()[engine]
    answer = job(Work(clock, *work))
    return {
        "work_seconds": clock.seconds(),
        "version": version_of(package),
        "answer": answer.to_dict("list"),
    }


def version_of(package: str) -> str:
    """Returns a package's version, also of one that is on the path without being installed."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return str(sys.modules[package].__version__)


if __name__ == "__main__":
    report_job(lambda clock: run(clock, *sys.argv[1:]))

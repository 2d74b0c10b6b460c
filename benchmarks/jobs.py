"""One job by DuckDB's Python package or by smallpond, as a process of its own.

`jobs.py '{"engine": "duckdb", "job": "report", …}'`: see `JobArguments`. Both engines run the same
SQL over the same files with the same number of threads.
"""

import json
import sys
from dataclasses import dataclass, field
from typing import Any

from reporting_job import report_job

# ruff: noqa: F841 (DuckDB and smallpond find a frame by the name of its variable)


@dataclass(frozen=True)
class JobArguments:
    """What to run.

    engine       duckdb or smallpond
    job          report, wide, csv or started: a function below is named ENGINE_JOB.
                 start: nothing but starting, without this module
    end          how the result is taken: to_pandas, to_arrow, write, or job (to_pandas, then write)
    folder       the data set; `csv` is its events as CSV
    output       a folder of this run for written results
    scratch      a folder of this run to spill into
    sql          with {0} for the events
    partitions   for smallpond's `repartition`, with partition_by; 0: it is not called
    memory       a limit like 1GB; None: the engine's default
    keep         writes what to_arrow or to_pandas returned into `output`, to be checked
    """

    engine: str
    job: str
    end: str = "to_pandas"
    folder: str = ""
    csv: str = ""
    output: str = ""
    scratch: str = ""
    sql: str = ""
    threads: int = 1
    partitions: int = 0
    partition_by: dict[str, Any] = field(default_factory=dict)
    memory: str | None = None
    keep: bool = False

    @property
    def events(self) -> str:
        return f"{self.folder}/events/*.parquet"

    @property
    def users(self) -> str:
        return f"{self.folder}/users.parquet"


def open_duckdb(job: JobArguments) -> Any:
    """Returns a DuckDB connection with the job's limits."""
    import duckdb

    connection = duckdb.connect(config={"threads": job.threads})
    connection.execute(f"SET temp_directory = '{job.scratch}'")
    if job.memory:
        connection.execute(f"SET memory_limit = '{job.memory}'")
    return connection


def open_smallpond(job: JobArguments) -> Any:
    """Returns a smallpond session with the job's limits."""
    import smallpond

    return smallpond.init(threads=job.threads, duckdb_memory=job.memory, temp_dir=job.scratch)


def duckdb_report(job: JobArguments) -> Any:
    """The daily report; for `job` it is computed once, kept in memory, returned and written."""
    connection = open_duckdb(job)
    events = connection.read_parquet(job.events)
    users = connection.read_parquet(job.users)
    sql = job.sql.format("events")
    if job.end == "to_pandas":
        return connection.sql(sql).df()
    connection.sql(sql).create("report")
    report = connection.table("report")
    frame = report.df()
    report.write_parquet(f"{job.output}/report.parquet")
    return frame


def smallpond_report(job: JobArguments) -> Any:
    """The daily report as the article writes it."""
    sp = open_smallpond(job)
    events = sp.read_parquet(job.events)
    users = sp.read_parquet(job.users)
    if job.partitions:
        events = events.repartition(job.partitions, **job.partition_by)
    report = sp.partial_sql(job.sql, events)
    frame = report.to_pandas()
    if job.end == "job":
        report.write_parquet(job.output)
    return frame


def duckdb_wide(job: JobArguments) -> Any:
    """All columns of all rows."""
    connection = open_duckdb(job)
    events = connection.read_parquet(job.events)
    rows = connection.sql(job.sql.format("events"))
    if job.end == "write":
        return rows.write_parquet(f"{job.output}/rows.parquet")
    return rows.df() if job.end == "to_pandas" else rows.to_arrow_table()


def smallpond_wide(job: JobArguments) -> Any:
    """All columns of all rows."""
    sp = open_smallpond(job)
    events = sp.read_parquet(job.events)
    rows = sp.sql(job.sql, events)
    if job.end == "write":
        rows.write_parquet(job.output)
        return None
    return rows.to_pandas() if job.end == "to_pandas" else rows.to_arrow()


def duckdb_csv(job: JobArguments) -> Any:
    """The daily report with the events in a CSV file."""
    connection = open_duckdb(job)
    events = connection.read_csv(job.csv)
    users = connection.read_parquet(job.users)
    return connection.sql(job.sql.format("events")).df()


def smallpond_csv(job: JobArguments) -> Any:
    """The daily report with the events in a CSV file."""
    sp = open_smallpond(job)
    events = sp.read_csv(job.csv)
    users = sp.read_parquet(job.users)
    return sp.sql(job.sql, events).to_pandas()


def duckdb_started(job: JobArguments) -> dict[str, int]:
    """What connecting starts."""
    import duckdb

    connection = duckdb.connect()
    return what_runs()


def smallpond_started(job: JobArguments) -> dict[str, int]:
    """What starting a session starts."""
    import smallpond

    sp = smallpond.init()
    return what_runs()


def what_runs() -> dict[str, int]:
    """Returns the number of threads and of child processes of this process."""
    import psutil

    process = psutil.Process()
    return {"threads": process.num_threads(), "children": len(process.children(recursive=True))}


def run(job: JobArguments) -> dict[str, Any]:
    """Runs the job and returns what it reports: small answers whole, of large ones the rows."""
    result = globals()[f"{job.engine}_{job.job}"](job)
    if job.job == "csv":  # Its dates are dates; those of the Parquet files are texts.
        result = result.assign(event_date=result["event_date"].astype(str))
    if job.job in ("report", "csv"):
        return {"answer": result.to_dict("list")}
    if job.job == "started":
        return dict(result)
    if job.keep and job.end == "to_pandas":
        result.to_parquet(f"{job.output}/rows.parquet")
    elif job.keep and job.end == "to_arrow":
        import pyarrow.parquet

        pyarrow.parquet.write_table(result, f"{job.output}/rows.parquet")
    return {"rows": len(result) if result is not None else None}


if __name__ == "__main__":
    arguments = JobArguments(**json.loads(sys.argv[1]))
    report_job(lambda clock: run(arguments))

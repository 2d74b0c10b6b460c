"""Measures what writing costs beside the query: copies of Parquet, and the commit of many files.

    python benchmarks/writing.py                        2 GB, about five minutes
    python benchmarks/writing.py --gigabytes 10 --folder /path/on/a/disk
    python benchmarks/writing.py --lineitem 10 --only copy    TPC-H's lineitem of that scale factor
    python benchmarks/writing.py --only commit

A copy reads files and writes the same rows, by smallpond in this process, by smallpond's workers of
one thread each ("stages"), and by DuckDB's own COPY: whole fresh processes that take turns, with
the same threads and memory limit and one layout. The ratio of each pair is what counts. The folder
needs room for the data twice; outputs are removed after each run.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import duckdb

ROWS_PER_FILE = 4_000_000
FILE_SQL = """
    COPY (SELECT i AS id, hash(i) AS h, (hash(i * 7) % 1000)::INTEGER AS kind,
                 (hash(i * 11) % 100000)::DOUBLE / 100 AS amount,
                 TIMESTAMP '2026-01-01' + to_seconds((i % 31536000)::BIGINT) AS at,
                 'customer-' || (hash(i * 13) % 1000000) AS customer
          FROM range({begin}, {end}) t(i)) TO '{path}' (FORMAT parquet)
"""
# What a run does; DuckDB writes a folder's files of a size itself.
LAYOUTS = {
    "one file": ({}, ""),
    "files of 256 MB": ({"file_size": "256MB"}, ", FILE_SIZE_BYTES 256000000"),
}


def own_peak_kb() -> int:
    """Of this process. What getrusage says counts in what started it."""
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0])


def make_files(folder: Path, gigabytes: float) -> list[Path]:
    folder.mkdir()
    files: list[Path] = []
    connection = duckdb.connect()
    total = 0
    while total < gigabytes * 1e9:
        path = folder / f"in-{len(files):03}.parquet"
        begin = len(files) * ROWS_PER_FILE
        end = begin + ROWS_PER_FILE
        connection.execute(FILE_SQL.format(begin=begin, end=end, path=path))
        total += path.stat().st_size
        files.append(path)
    return files


def input_files(folder: Path, arguments: argparse.Namespace) -> list[Path]:
    if not arguments.lineitem:
        return make_files(folder, arguments.gigabytes)
    import tpch  # Here, so that a run starts without it.

    kept = tpch.DEFAULT_FOLDER if arguments.folder is None else Path(arguments.folder) / "tpch"
    tables = kept.resolve() / f"sf{arguments.lineitem:g}"
    if not tables.exists():
        tpch.make_tables(arguments.lineitem, tables)
    return sorted((tables / "lineitem").glob("*.parquet"))


def copy_by_smallpond(layout: str, inputs: str, output: str, threads: int, memory: str) -> None:
    import smallpond

    with smallpond.init(threads=threads, duckdb_memory=memory) as sp:
        sp.read_parquet(inputs).write_parquet(output, **LAYOUTS[layout][0])


def copy_by_stages(layout: str, inputs: str, output: str, threads: int, memory: str) -> None:
    import smallpond

    with smallpond.init(
        executor="processes", num_executors=threads, threads=threads, duckdb_memory=memory,
        whole_size=0,
    ) as sp:  # fmt: skip
        sp.read_parquet(inputs).write_parquet(output, **LAYOUTS[layout][0])


def copy_by_duckdb(layout: str, inputs: str, output: str, threads: int, memory: str) -> None:
    connection = duckdb.connect(config={"threads": threads, "memory_limit": memory})
    further = LAYOUTS[layout][1]
    Path(output).mkdir()
    target = output if further else f"{output}/out.parquet"
    source = f"SELECT * FROM read_parquet('{inputs}')"
    connection.execute(f"COPY ({source}) TO '{target}' (FORMAT parquet{further})")


COPIES: dict[str, Callable[[str, str, str, int, str], None]] = {
    "smallpond": copy_by_smallpond,
    "stages": copy_by_stages,
    "duckdb": copy_by_duckdb,
}


def run_copy(
    engine: str, layout: str, inputs: str, folder: Path, threads: int, memory: str
) -> dict:
    """Seconds of one whole process, and what it left, which is removed."""
    output = folder / "out"
    command = [sys.executable, __file__, "--run", engine, layout, inputs]
    command += [str(output), str(threads), memory]
    os.sync()  # What was written before is not to be waited for in this run.
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.PIPE)
    assert process.stdout is not None
    told = json.loads(process.stdout.read())
    _, status, usage = os.wait4(process.pid, 0)  # With all processes that it has waited for.
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0
    seconds = time.perf_counter() - start
    cpu = usage.ru_utime + usage.ru_stime
    files = list(output.glob("*.parquet"))
    sums = "SELECT count(*), sum(hash(rows) % 1000000007) FROM read_parquet($1) AS rows"
    rows = duckdb.execute(sums, [f"{output}/*.parquet"]).fetchall()
    size = sum(path.stat().st_size for path in files)
    shutil.rmtree(output)
    measured = {"seconds": seconds, "cpu": cpu, "driver_mb": told["own_peak_kb"] / 1000}
    return {**measured, "files": len(files), "bytes": size, "rows": rows}


def compare_copies(folder: Path, files: list[Path], pairs: int, threads: int, memory: str) -> None:
    """`files` are all that their folder holds."""
    inputs = f"{files[0].parent}/*.parquet"
    size = sum(path.stat().st_size for path in files)
    print(f"{len(files)} files, {size / 1e9:.1f} GB, {threads} threads, {memory} each", flush=True)
    for layout in LAYOUTS:
        runs: dict[str, list[dict]] = {engine: [] for engine in COPIES}
        for pair in range(pairs):
            order = list(COPIES) if pair % 2 == 0 else list(reversed(COPIES))
            for engine in order:
                runs[engine].append(run_copy(engine, layout, inputs, folder, threads, memory))
        assert len({str(run["rows"]) for each in runs.values() for run in each}) == 1
        theirs = runs["duckdb"]
        for engine in COPIES:
            if engine == "duckdb":
                continue
            ours = runs[engine]

            def ratios(what: str, ours: list[dict] = ours, theirs: list[dict] = theirs) -> list:
                return sorted(o[what] / t[what] for o, t in zip(ours, theirs, strict=True))

            wall, cpu = ratios("seconds"), ratios("cpu")
            print(
                f"copy to {layout} ({ours[0]['files']}/{theirs[0]['files']} files): "
                f"{engine} {statistics.median(run['seconds'] for run in ours):.1f} s, "
                f"DuckDB {statistics.median(run['seconds'] for run in theirs):.1f} s, "
                f"ratio {statistics.median(wall):.2f} ({wall[0]:.2f}-{wall[-1]:.2f}), "
                f"of CPU {statistics.median(cpu):.2f} ({cpu[0]:.2f}-{cpu[-1]:.2f}); "
                f"this process's peak {max(run['driver_mb'] for run in ours):.0f} MB",
                flush=True,
            )


def measure_commits(folder: Path, pairs: int, num_files: int = 1000) -> None:
    """A write of many small files against one of a single file: the difference is mostly commit."""
    import smallpond

    with smallpond.init() as sp:
        frame = sp.sql(f"SELECT i, i % {num_files} AS k FROM range({num_files * 10}) t(i)")
        publish, whole = [], []
        for _ in range(pairs + 1):  # The first writes into an empty folder, the others replace.
            start = time.perf_counter()
            result = frame.write_parquet(folder / "commit", partition_by="k")
            whole.append(time.perf_counter() - start)
            publish.append(result.publish_seconds)
            assert result.num_files == num_files
    print(
        f"{num_files} files over {num_files} others, in folders of their own: "
        f"write {statistics.median(whole[1:]):.2f} s, of it publishing "
        f"{statistics.median(publish[1:]):.2f} s ({json.dumps([round(s, 2) for s in publish])})"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--gigabytes", type=float, default=2)
    parser.add_argument("--lineitem", type=float, help="copy that table of this scale factor")
    parser.add_argument("--pairs", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--memory", default="4GB", help="DuckDB's limit in both")
    parser.add_argument("--folder", help="where the data goes for the time being")
    parser.add_argument("--only", choices=["copy", "commit"])
    parser.add_argument("--run", nargs=6, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.run:
        engine, layout, inputs, output, threads, memory = arguments.run
        COPIES[engine](layout, inputs, output, int(threads), memory)
        print(json.dumps({"own_peak_kb": own_peak_kb()}))
        return
    with tempfile.TemporaryDirectory(dir=arguments.folder) as name:
        if arguments.only != "copy":
            measure_commits(Path(name), arguments.pairs)
        if arguments.only != "commit":
            files = input_files(Path(name) / "in", arguments)
            compare_copies(
                Path(name), files, arguments.pairs, arguments.threads, arguments.memory
            )  # fmt: skip


if __name__ == "__main__":
    main()

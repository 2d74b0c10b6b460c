"""Measures exchange files against DuckDB's Parquet files with PARTITION_BY, codec by codec.

    python benchmarks/exchange.py                     20 M rows, 64 partitions, 2 threads
    python benchmarks/exchange.py --rows 2000000 --pairs 1

Both are written by the same DuckDB in the same process from the same Parquet file, in turns, and
read back: one partition, and all. Sums of hashes say whether all rows came back. The last lines are
the table of docs/exchange.md.
"""

import argparse
import shutil
import statistics
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import data_sets

ROOT = Path(__file__).resolve().parent.parent
CODECS = {"none": "uncompressed", "lz4": "lz4_raw", "zstd": "zstd"}  # Ours → Parquet's name.
MEMORY_BYTES = 6 << 30
WORDS = (
    "['carefully','final','deposits','sleep','quickly','bold','pinto','beans','above','ironic',"
    "'requests','regular','accounts','haggle','blithely','express','packages','furiously']"
)
SHIP_MODES = "['AIR','FOB','MAIL','RAIL','REG AIR','SHIP','TRUCK']"
DATA = f"""SELECT (hash(i) % 5000000)::BIGINT AS k, i AS id,
DATE '1992-01-01' + (hash(i, 1) % 2500)::INT AS d,
((hash(i, 2) % 10000000) / 100)::DECIMAL(12, 2) AS price,
{SHIP_MODES}[1 + (hash(i, 3) % 7)::INT] AS ship_mode,
array_to_string(list_transform(range(2 + (hash(i, 4) % 5)::INT),
x -> {WORDS}[1 + (hash(i, x) % 18)::INT]), ' ') AS comment FROM range({{rows}}) r(i)"""
HASH_SUM = "(sum(hash(k, id, d, price, ship_mode, comment)) % 1000000007)::BIGINT"


class Timer:
    """One exchange_timer process: runs statements and tells how long they took."""

    def __init__(self, binary: Path, threads: int) -> None:
        self.process = subprocess.Popen(
            [binary, str(threads), str(MEMORY_BYTES)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip

    def run(self, line: str) -> tuple[float, float, int]:
        """Returns the seconds that a statement took, those of all cores, and its value."""
        assert self.process.stdin and self.process.stdout
        self.process.stdin.write(line.replace("\n", " ") + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline().split()
        if not answer:
            sys.exit(f"exchange_timer failed in: {line}")
        return float(answer[0]), float(answer[1]), int(answer[2])


@dataclass
class Times:
    """What one format took with one codec, a number a turn."""

    write: list[float] = field(default_factory=list)
    write_cpu: list[float] = field(default_factory=list)
    read_one: list[float] = field(default_factory=list)
    read_all: list[float] = field(default_factory=list)
    megabytes: float = 0


@contextmanager
def timer(binary: Path, threads: int) -> Iterator[Timer]:
    running = Timer(binary, threads)
    try:
        yield running
    finally:
        if running.process.stdin:
            running.process.stdin.close()
        running.process.wait()


def size_mb(path: Path) -> float:
    files = [path] if path.is_file() else [file for file in path.rglob("*") if file.is_file()]
    return sum(file.stat().st_size for file in files) / 1e6


def remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    path.unlink(missing_ok=True)


def measure_exchange(run: Timer, source: str, out: Path, codec: str, n: int, times: Times) -> int:
    """One turn of ours; returns the sum of hashes over all rows read back."""
    seconds, cpu_seconds, _ = run.run(
        f"COPY ({source}) TO '{out}' (FORMAT smallpond_exchange, PARTITIONS {n}, "
        f"CODEC '{codec}', PRESERVE_ORDER false)"
    )
    times.write.append(seconds)
    times.write_cpu.append(cpu_seconds)
    times.megabytes = size_mb(out)
    query = f"SELECT {HASH_SUM} FROM smallpond_exchange_scan(1)"
    for partitions, into in (((n // 2, n // 2 + 1), times.read_one), ((0, n), times.read_all)):
        run.run("NO INPUT")
        run.run(f"INPUT {out} {partitions[0]} {partitions[1]}")
        seconds, _, total = run.run(query)
        into.append(seconds)
    return total


def measure_parquet(run: Timer, source: str, out: Path, codec: str, n: int, times: Times) -> int:
    """One turn of DuckDB's PARTITION_BY."""
    seconds, cpu_seconds, _ = run.run(
        f"COPY ({source}) TO '{out}' (FORMAT parquet, PARTITION_BY (p), COMPRESSION {codec})"
    )
    times.write.append(seconds)
    times.write_cpu.append(cpu_seconds)
    times.megabytes = size_mb(out)
    for folder, into in ((f"p={n // 2}", times.read_one), ("*", times.read_all)):
        seconds, _, total = run.run(
            f"SELECT {HASH_SUM} FROM read_parquet('{out}/{folder}/*.parquet')"
        )
        into.append(seconds)
    return total


def medians(times: Times) -> str:
    write, cpu, one, all_ = (
        statistics.median(values)
        for values in (times.write, times.write_cpu, times.read_one, times.read_all)
    )
    return f"{times.megabytes:.0f} | {write:.1f} | {cpu:.1f} | {one * 1000:.0f} | {all_:.2f}"


def report(results: dict[str, tuple[Times, Times]]) -> None:
    print(
        "| codec | format | MB | write s | its CPU s | read 1 partition ms | read all s |", end=""
    )
    print(" write, exchange / Parquet (min–max) |\n|---|---|---|---|---|---|---|---|")
    for codec, (ours, parquet) in results.items():
        ratios = [a / b for a, b in zip(ours.write, parquet.write, strict=True)]
        ratio = f"{statistics.median(ratios):.2f} ({min(ratios):.2f}–{max(ratios):.2f})"
        print(f"| {codec} | exchange | {medians(ours)} | {ratio} |")
        print(f"| {codec} | Parquet | {medians(parquet)} | |")


def compare(run: Timer, folder: Path, source: str, args: argparse.Namespace) -> None:
    results: dict[str, tuple[Times, Times]] = {codec: (Times(), Times()) for codec in CODECS}
    out = folder / "out"
    for turn in range(args.pairs):
        for codec, parquet_codec in CODECS.items():
            ours, parquet = results[codec]
            remove(out)
            total = measure_exchange(run, source, out, codec, args.partitions, ours)
            remove(out)
            other = measure_parquet(run, source, out, parquet_codec, args.partitions, parquet)
            remove(out)
            if total != other:
                sys.exit(f"{codec}: other rows came back from the exchange file")
            seconds = f"{ours.write[-1]:.2f} s, Parquet {parquet.write[-1]:.2f} s"
            print(f"turn {turn + 1} {codec}: {seconds}")
    report(results)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=20_000_000)
    parser.add_argument("--partitions", type=int, default=64)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--pairs", type=int, default=3)
    parser.add_argument("--folder", type=Path, default=data_sets.default_folder() / "exchange")
    args = parser.parse_args()
    build = ROOT / "build"
    subprocess.run(["cmake", "--build", build, "--target", "exchange_timer"], check=True)
    args.folder.mkdir(parents=True, exist_ok=True)
    data = args.folder / f"{args.rows}.parquet"
    with timer(build / "benchmarks/exchange_timer", args.threads) as run:
        if not data.exists():
            run.run(f"COPY ({DATA.format(rows=args.rows)}) TO '{data}' (FORMAT parquet)")
        source = f"SELECT *, (hash(k) % {args.partitions})::UINTEGER AS p FROM '{data}'"
        seconds, _, _ = run.run(f"SELECT {HASH_SUM} FROM ({source})")
        print(f"reading the source: {seconds:.2f} s")
        compare(run, args.folder, source, args)


if __name__ == "__main__":
    main()

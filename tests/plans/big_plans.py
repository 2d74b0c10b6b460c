"""The stages of TPC-H's and TPC-DS's queries at scale factor 1000, planned over files without data.

.venv/bin/python tests/plans/big_plans.py      writes tests/plans/tpch/NN.txt and tpcds/NN.txt anew
"""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import duckdb
import smallpond
import tpcds_tables
import tpch_tables

SCALE = 1000
COMMAND = ".venv/bin/python tests/plans/big_plans.py"


@dataclass(frozen=True)
class Benchmark:
    name: str  # Of DuckDB's extension as well.
    rows: dict[str, int]  # By table.
    small_rows: int  # What one task may read without anybody to share with.
    write_tables: Callable[[Path], None]

    def queries(self) -> dict[int, str]:
        """The texts of the queries by number, as DuckDB's extension has them."""
        spec = find_spec(f"duckdb_extension_{self.name}")
        assert spec and spec.origin, "Install requirements-dev.txt"
        (extension,) = Path(spec.origin).parent.rglob(f"{self.name}.duckdb_extension")
        with duckdb.connect() as connection:
            connection.load_extension(str(extension))
            found = connection.execute(f"SELECT query_nr, query FROM {self.name}_queries()")
            return {number: text.strip().rstrip(";") for number, text in found.fetchall()}


TPCH = Benchmark(
    "tpch",
    {name: rows for name, (rows, _) in tpch_tables.tables(SCALE).items()},
    10_000,
    lambda folder: tpch_tables.write_tables(folder, SCALE),
)
TPCDS = Benchmark("tpcds", tpcds_tables.ROWS, 300_000, tpcds_tables.write_tables)  # Items: 53 MB.
BENCHMARKS = {one.name: one for one in (TPCH, TPCDS)}
QUERIES = [(TPCH.name, n) for n in range(1, 23)] + [(TPCDS.name, n) for n in range(1, 100)]


@dataclass(frozen=True)
class Plan:
    benchmark: str
    query: int
    text: str  # The stages as explain() shows them.
    stages: list[dict[str, Any]]  # The same as explain(format="json") tells them.

    @property
    def approved(self) -> Path:
        return Path(__file__).parent / self.benchmark / f"{self.query:02}.txt"


class Planner:
    """Plans a benchmark's queries with the options of a small cluster. `folder` is for files."""

    def __init__(self, benchmark: Benchmark, folder: Path) -> None:
        self.benchmark = benchmark
        benchmark.write_tables(folder)
        self.session = smallpond.init(
            executor="threads",
            threads=16,
            duckdb_memory="1GB",
            partition_size="1GB",
            whole_size=0,
            data_root=str(folder / "root"),
        )
        self.frames = {
            name: self.session.read_parquet(folder / f"{name}.parquet") for name in benchmark.rows
        }
        self.queries = benchmark.queries()

    def plan(self, query: int) -> Plan:
        sql = self.queries[query]
        used = set(re.findall(r"\w+", sql)) & self.frames.keys()
        frame = self.session.sql(sql, **{name: self.frames[name] for name in used})
        text = frame.explain()
        _, found, stages = text.partition("\n\nstage 0: ")
        assert found, f"{self.benchmark.name} {query} runs whole:\n{text}"
        told = json.loads(frame.explain(format="json"))
        return Plan(self.benchmark.name, query, "stage 0: " + stages, told["stages"])


def main() -> None:
    for benchmark in BENCHMARKS.values():
        with tempfile.TemporaryDirectory() as folder:
            planner = Planner(benchmark, Path(folder))
            with planner.session:
                for query in planner.queries:
                    plan = planner.plan(query)
                    plan.approved.parent.mkdir(exist_ok=True)
                    plan.approved.write_text(plan.text)
        print(f"Wrote {len(planner.queries)} plans of {benchmark.name}.")


if __name__ == "__main__":
    main()

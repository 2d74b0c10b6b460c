"""The stages of TPC-H's queries at scale factor 1000, planned over files without data.

.venv/bin/python tests/plans/tpch_plans.py      writes tests/plans/tpch/NN.txt anew
"""

from __future__ import annotations

import json
import re
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import duckdb_extension_tpch
import smallpond
from tpch_tables import tables, write_tables

SCALE = 1000
QUERIES = range(1, 23)
APPROVED = Path(__file__).parent / "tpch"
COMMAND = ".venv/bin/python tests/plans/tpch_plans.py"


@dataclass(frozen=True)
class Plan:
    query: int
    text: str  # The stages as explain() shows them.
    stages: list[dict[str, Any]]  # The same as explain(format="json") tells them.

    @property
    def approved(self) -> Path:
        return APPROVED / f"{self.query:02}.txt"


def queries() -> dict[int, str]:
    """The texts of the queries by number, as DuckDB's tpch extension has them."""
    folder = Path(duckdb_extension_tpch.__file__).parent
    (extension,) = folder.glob("extensions/*/tpch.duckdb_extension")
    with duckdb.connect() as connection:
        connection.load_extension(str(extension))
        return dict(connection.execute("SELECT query_nr, query FROM tpch_queries()").fetchall())


class Planner:
    """Plans queries with the options of a small cluster. `folder` is for the files."""

    def __init__(self, folder: Path) -> None:
        write_tables(folder, SCALE)
        self.session = smallpond.init(
            executor="threads",
            threads=16,
            duckdb_memory="1GB",
            partition_size="1GB",
            data_root=str(folder / "root"),
        )
        self.frames = {
            name: self.session.read_parquet(folder / f"{name}.parquet") for name in tables(SCALE)
        }
        self.queries = queries()

    def plan(self, query: int) -> Plan:
        sql = self.queries[query]
        used = set(re.findall(r"\w+", sql)) & self.frames.keys()
        frame = self.session.sql(sql, **{name: self.frames[name] for name in used})
        text = frame.explain()
        _, found, stages = text.partition("\n\nstage 0: ")
        assert found, f"Query {query} runs whole:\n{text}"
        told = json.loads(frame.explain(format="json"))
        return Plan(query, "stage 0: " + stages, told["stages"])


def main() -> None:
    APPROVED.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        planner = Planner(Path(folder))
        for query in QUERIES:
            plan = planner.plan(query)
            plan.approved.write_text(plan.text)
        planner.session.shutdown()
    print(f"Wrote {len(list(APPROVED.glob('*.txt')))} plans into {APPROVED}.")


if __name__ == "__main__":
    main()

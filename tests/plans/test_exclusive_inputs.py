"""Which exchanges by hash bring rows that have to be in one task with all that have equal keys."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest
import smallpond

# By query: for each stage that reads by hash, whether its inputs are exclusive.
QUERIES = {
    "SELECT * FROM l JOIN r USING (k)": [[False, False]],
    "SELECT * FROM l LEFT JOIN r USING (k)": [[False, True]],
    "SELECT * FROM l RIGHT JOIN r USING (k)": [[False, True]],  # DuckDB turns it round.
    "SELECT * FROM l FULL JOIN r USING (k)": [[True, True]],
    "SELECT * FROM l WHERE k IN (SELECT k FROM r)": [[False, True]],
    "SELECT k, sum(v) FROM l GROUP BY k": [[True]],
    "SELECT DISTINCT k, v FROM l": [[True]],
    # Groups by the join's key are made where the rows are, others in another stage.
    "SELECT k, sum(l.v) FROM l JOIN r USING (k) GROUP BY k": [[True, True]],
    "SELECT l.v, count(*) FROM l JOIN r USING (k) GROUP BY l.v": [[False, False], [True]],
    "SELECT v, rank() OVER (PARTITION BY k ORDER BY v) FROM l": [[True]],
    "SELECT k, rank() OVER (PARTITION BY k ORDER BY r.v) FROM l JOIN r USING (k)": [[True, True]],
    "SELECT DISTINCT ON (k) * FROM l ORDER BY k, v": [[True]],
    "SELECT k FROM l EXCEPT ALL SELECT k FROM r": [[True, True]],
    "SELECT k FROM l INTERSECT SELECT k FROM r": [[True, True]],
    "SELECT k, v, count(*) FROM l GROUP BY CUBE (k, v)": [[True]],
    "SELECT * FROM l JOIN r USING (k) LIMIT 3": [[False, False]],
    "SELECT * FROM l JOIN r USING (k) WHERE l.v > r.v": [[False, False]],
}


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[smallpond.Session]:
    """Shuffles both sides of every join."""
    folder = tmp_path_factory.mktemp("exclusive")
    for name in "lr":
        (folder / name).mkdir()
        for part in range(2):
            duckdb.sql(
                f"SELECT i % 100 AS k, i % 7 AS v FROM range({part}, 2000, 2) t(i)"
            ).write_parquet(f"{folder}/{name}/{part}.parquet")
    with smallpond.init(
        executor="threads",
        threads=2,
        partitions=4,
        broadcast_size=1,
        duckdb_memory="500MB",
        data_root=folder / "root",
    ) as sp:
        sp.execute(f"CREATE VIEW l AS FROM '{folder}/l/*.parquet'")
        sp.execute(f"CREATE VIEW r AS FROM '{folder}/r/*.parquet'")
        yield sp


@pytest.mark.parametrize("query", QUERIES)
def test_exclusive(session: smallpond.Session, query: str) -> None:
    stages = json.loads(session.sql(query).explain(format="json"))["stages"]
    by_hash = [
        [one["exclusive"] for one in stage["inputs"]]
        for stage in stages
        if any(one["exchange"] == "hash" for one in stage["inputs"])
    ]
    assert by_hash == QUERIES[query], query


def test_docs_name_the_key() -> None:
    text = (Path(__file__).parents[2] / "docs/explain.md").read_text()
    assert "`exclusive`" in text

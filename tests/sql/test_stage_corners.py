"""What a cut plan could get wrong in silence: parts of a plan that stay in one piece, and queries
that have to stay in this process."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import smallpond
from roads import assert_in_stages

QUERIES = {
    "recursion reads files": """
        WITH RECURSIVE r(n) AS (
            SELECT 1 UNION ALL SELECT n + 1 FROM r WHERE n < (SELECT count(*) FROM small)
        ) SELECT sum(n) FROM r""",
    "recursion reads a common table of many tasks": """
        WITH RECURSIVE t AS MATERIALIZED (SELECT k, count(*) AS c FROM big GROUP BY k),
        r(n, s) AS (
            SELECT 1, (SELECT sum(c) FROM t)
            UNION ALL SELECT n + 1, s + (SELECT count(*) FROM t) FROM r WHERE n < 5
        ) SELECT * FROM r ORDER BY n""",
    "recursion over a table of this process": """
        WITH RECURSIVE r(n) AS (
            SELECT a FROM in_memory UNION ALL SELECT n + 1 FROM r WHERE n < 10
        ) SELECT count(*), sum(n) FROM r""",
    "table function of a table's rows": """
        SELECT big.v, x FROM big, range(v % 3) AS t(x) WHERE v < 100 ORDER BY ALL""",
    "values of a table's rows": """
        SELECT count(*), sum(x) FROM big, (VALUES (k), (v)) AS t(x) WHERE x % 2 = 0""",
    "positional join": """
        SELECT count(*), sum(a.v * b.k) FROM (SELECT v FROM big ORDER BY v) a
        POSITIONAL JOIN (SELECT k FROM big ORDER BY v) b""",
    "sequence": "SELECT nextval('numbers') AS n FROM small",
    "table of the session": "SELECT count(*), sum(v * factor) FROM big JOIN factors USING (k)",
}
# What no task can read or change, and what explain() says of it.
KEPT_IN_THE_SESSION = {
    r"\bnextval\b": "nextval() changes what this process has",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("corners")
    for i in range(4):
        (path / "big").mkdir(exist_ok=True)
        rows = range(i * 500, i * 500 + 500)
        table = pa.table({"k": [row % 17 for row in rows], "v": list(rows)})
        pq.write_table(table, path / "big" / f"{i}.parquet")
    (path / "small").mkdir()
    pq.write_table(pa.table({"k": list(range(9))}), path / "small" / "0.parquet")
    return path


SETUP = [
    "CREATE SEQUENCE numbers",
    "CREATE TABLE factors AS SELECT i AS k, i + 1 AS factor FROM range(17) AS t(i)",
]


@pytest.fixture(scope="module", params=["threads", "processes"])
def session(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[smallpond.Session]:
    workers = {"num_executors": 2} if request.param == "processes" else {}
    with smallpond.init(
        executor=request.param, threads=2, partitions=3, broadcast_size=1, duckdb_memory="1GB",
        data_root=tmp_path_factory.mktemp("root"), **workers,
    ) as sp:  # fmt: skip
        for statement in SETUP:
            sp.execute(statement)
        yield sp


@pytest.mark.parametrize("name", QUERIES)
def test_stays_right(session: smallpond.Session, folder: Path, name: str) -> None:
    in_memory = pd.DataFrame({"a": [1, 2, 3]})
    inputs = {
        "big": session.read_parquet(folder / "big"),
        "small": session.read_parquet(folder / "small"),
        "in_memory": in_memory,
    }
    used = {key: frame for key, frame in inputs.items() if key in QUERIES[name]}
    oracle = duckdb.connect()
    for statement in SETUP:
        oracle.execute(statement)
    for table in ("big", "small"):
        oracle.execute(f"CREATE VIEW {table} AS FROM '{folder}/{table}/*.parquet'")
    expected = oracle.execute(QUERIES[name]).to_arrow_table()
    frame = session.sql(QUERIES[name], **used)
    assert_in_stages(frame, QUERIES[name], KEPT_IN_THE_SESSION)
    result = frame.to_arrow()
    assert [str(row) for row in result.to_pylist()] == [str(row) for row in expected.to_pylist()]

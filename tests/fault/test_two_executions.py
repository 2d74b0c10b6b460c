"""Outputs that are lost in mid-job are computed again; no answer mixes rows of two executions."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest
import smallpond
from worker_faults import WorkerFaults

NUM_FILES = 4
NUM_ROWS = 400_000
NUM_KEYS = 1_000

# Each compares the rows of a common table with themselves, and gives the number of its keys,
# whichever execution it is.
OF_GROUPS = (
    "WITH m AS MATERIALIZED (SELECT k, {value} AS v FROM {{t}} GROUP BY k) "
    "SELECT count(*) AS n FROM m a JOIN m b ON a.k = b.k AND a.v = b.v"
)
OF_ROWS = """
    WITH m AS MATERIALIZED (
        SELECT id, {value} OVER (PARTITION BY k ORDER BY id % 2) AS v FROM {{t}} WHERE id < 40000
    )
    SELECT count(DISTINCT a.id // 40) AS n FROM (SELECT m.* FROM m JOIN {{t}} USING (id)) a
    JOIN (SELECT m.* FROM m JOIN {{t}} USING (id)) b ON a.id = b.id AND a.v = b.v
    HAVING count(*) = 40000
"""
# A month equals 30 days, and 'a' 'A' under a collation: which of them a group shows is any thread's
# choice.
MONTH_OR_DAYS = "CASE WHEN id // 1000 % 2 = 0 THEN INTERVAL 1 MONTH ELSE INTERVAL 30 DAY END"
LETTER = "CASE WHEN id // 1000 % 2 = 0 THEN 'a' ELSE 'A' END COLLATE NOCASE"
OF_DISTINCT = (
    "WITH m AS MATERIALIZED (SELECT DISTINCT k, {value} AS v FROM {{t}}) "
    "SELECT count(*) AS n FROM m a JOIN m b "
    "ON a.k = b.k AND encode(a.v::VARCHAR) = encode(b.v::VARCHAR)"
)
QUERIES = {
    "float sum": OF_GROUPS.format(value="sum(sqrt(id))"),
    "list": OF_GROUPS.format(value="list(id)"),
    "arg_max with ties": OF_GROUPS.format(value="arg_max(id, id % 2)"),
    "equal intervals": OF_GROUPS.format(value=f"max({MONTH_OR_DAYS})::VARCHAR"),
    "distinct intervals": OF_DISTINCT.format(value=MONTH_OR_DAYS),
    "distinct lists of intervals": OF_DISTINCT.format(value=f"[{MONTH_OR_DAYS}]"),
    "distinct collated texts": OF_DISTINCT.format(value=LETTER),
    "lambda over a float sum": OF_GROUPS.format(
        value="list_transform([sum(sqrt(id))], lambda x: round(x * 1e7) % 2)[1]"
    ),
    "tied window": OF_ROWS.format(value="row_number()"),
}


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("keys")
    with duckdb.connect() as connection:
        for number in range(NUM_FILES):
            connection.execute(
                f"COPY (SELECT i AS id, i * 7 % {NUM_KEYS} AS k FROM range({NUM_ROWS}) r(i) "
                f"WHERE i % {NUM_FILES} = {number}) TO '{folder}/{number}.parquet' "
                "(ROW_GROUP_SIZE 10000)"
            )
    return f"'{folder}/*.parquet'"


@pytest.fixture(params=["threads", "processes"])
def session(
    request: pytest.FixtureRequest, faults: WorkerFaults, tmp_path: Path
) -> Iterator[smallpond.Session]:
    with smallpond.init(
        executor=request.param,
        num_executors=2 if request.param == "processes" else None,
        threads=4,
        duckdb_memory="1GB",
        data_root=tmp_path / "root",
        partitions=3,
        broadcast_size=1,
    ) as sp:
        yield sp


@pytest.mark.parametrize("query", QUERIES.values(), ids=QUERIES.keys())
def test_lost_outputs_never_mix_executions(
    query: str, session: smallpond.Session, faults: WorkerFaults, files: str
) -> None:
    """What was made of the common table goes when the table may be gone already, and has to be made
    of the same rows as the other side of the join."""
    sql = query.format(t=files)
    stages = json.loads(session.sql(sql).explain(format="json"))["stages"]
    readers = {
        number: [s["stage"] for s in stages if number in [i["stage"] for i in s["inputs"]]]
        for number in range(len(stages))
    }
    table = next(number for number, those in readers.items() if len(those) == 2)
    side = readers[table][0]
    lost = [(side, task) for task in range(stages[side]["tasks"])]
    for stage, task in lost:
        faults.ask(stage, task, "drop")
    assert session.sql(sql).take_all() == [{"n": NUM_KEYS}]
    assert faults.pending() == []
    attempts = faults.take_attempts()
    assert all(attempts[task] >= 2 for task in lost)

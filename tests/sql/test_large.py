"""More rows than fit into the memory limit, on several roads, against plain DuckDB."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest
import smallpond
from drawn import drawn
from oracle import assert_same, duckdb_answer

NUM_ROWS = 6_000_000
MEMORY = "250MB"

EVENTS_SQL = f"""
    SELECT i AS event_id, (hash(i) % 500_000)::INTEGER AS user_id,
           ['view', 'click', 'buy'][(1 + hash(i + 1) % 3)::INTEGER] AS kind,
           (hash(i + 2) % 100_000) / 7 AS revenue,
           'some text ' || (hash(i + 3) % 1000) AS note
    FROM range({NUM_ROWS}) t(i)
"""
QUERIES = {
    "group": """
        SELECT user_id, count(*) AS n, sum(event_id) AS s, max(note) FROM {0} GROUP BY user_id
        HAVING count(*) > 24
    """,
    "distinct": "SELECT count(DISTINCT note), count(DISTINCT user_id), sum(revenue) FROM {0}",
    "join": """
        SELECT a.kind, count(*) AS n, sum(a.event_id % 7) AS s FROM {0} a JOIN {0} b USING (user_id)
        WHERE a.event_id < b.event_id GROUP BY a.kind
    """,
    "window": """
        SELECT kind, event_id FROM {0}
        QUALIFY row_number() OVER (PARTITION BY kind ORDER BY revenue DESC, event_id) <= 5
    """,
    "sort": "SELECT event_id, note FROM {0} ORDER BY note, event_id LIMIT 1000 OFFSET 3_000_000",
}

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("large")
    with duckdb.connect(config={"threads": 2}) as connection:
        options = "FORMAT parquet, FILE_SIZE_BYTES '20MB'"
        connection.execute(f"COPY ({EVENTS_SQL}) TO '{folder}/events' ({options})")
    return folder


@pytest.fixture(scope="module")
def small_sp(folder: Path) -> Iterator[smallpond.Session]:
    with smallpond.init(duckdb_memory=MEMORY, threads=2, temp_dir=folder / "spill") as sp:
        yield sp


@pytest.mark.parametrize(
    ("spread", "query"), drawn(["unpartitioned", "even", "hash", "rows"], list(QUERIES), 0, 2)
)
def test_answer_is_duckdbs(
    query: str, spread: str, folder: Path, small_sp: smallpond.Session
) -> None:
    events = small_sp.read_parquet(folder / "events")
    arguments = {"even": {}, "hash": {"hash_by": "user_id"}, "rows": {"by_rows": True}}
    if spread != "unpartitioned":
        events = events.repartition(7, **arguments[spread])
    frame = small_sp.partial_sql(QUERIES[query], events)
    with duckdb.connect(config={"threads": 2, "memory_limit": "2GB"}) as oracle:
        sql = QUERIES[query].replace("{0}", f"'{folder}/events/*.parquet'")
        order = ["note", "event_id"] if query == "sort" else []
        assert_same(frame, duckdb_answer(oracle, sql), order)


@pytest.mark.parametrize("spread", [{"hash_by": "user_id"}, {"by_rows": True}, {}])
def test_partitions_on_disk(
    spread: dict, folder: Path, small_sp: smallpond.Session, tmp_path: Path
) -> None:
    """Partitions are made whole: all rows once, in as many files as asked for."""
    events = small_sp.read_parquet(folder / "events")
    events.repartition(16, **spread).write_parquet(tmp_path / "out")
    with duckdb.connect(config={"memory_limit": "2GB"}) as oracle:
        checks = "count(*), sum(event_id), bit_xor(hash(event_id, user_id, kind, revenue, note))"
        written = f"read_parquet('{tmp_path}/out/*.parquet', filename=true)"
        found = oracle.execute(f"SELECT {checks} FROM {written}").fetchall()
        expected = oracle.execute(f"SELECT {checks} FROM '{folder}/events/*.parquet'").fetchall()
        assert found == expected
        files = oracle.execute(f"SELECT count(DISTINCT filename) FROM {written}").fetchall()
        assert files == [(16,)]
        if "hash_by" in spread:
            torn = f"FROM {written} SELECT user_id GROUP BY ALL HAVING count(DISTINCT filename) > 1"
            assert oracle.execute(torn).fetchall() == []


def test_concat(folder: Path, small_sp: smallpond.Session) -> None:
    events = small_sp.read_parquet(folder / "events").repartition(16, hash_by="user_id")
    sql = "SELECT user_id, count(*) AS n, sum(event_id) AS s FROM {0} GROUP BY user_id"
    concat = small_sp.partial_sql(sql, events, merge="concat")
    check = "SELECT count(*) AS users, sum(n) AS n, sum(s) AS s FROM {0}"
    whole = small_sp.sql(check, small_sp.sql(sql, events))
    assert small_sp.sql(check, concat).take_all() == whole.take_all()

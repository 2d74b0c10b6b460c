"""Columns without an alias are named as in plain DuckDB, though tables are replaced by files."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest
import smallpond

QUERIES = [
    "SELECT (SELECT max(event_id) FROM events)",
    "SELECT (SELECT max(event_id) FROM events) AS given, count(*), max(event_id) + 1 FROM events",
    "SELECT user_id IN (SELECT event_id FROM events), EXISTS (FROM events) FROM events LIMIT 1",
    "SELECT * FROM (SELECT (SELECT max(event_id) + 1 FROM events e) FROM events) LIMIT 1",
    "SELECT kind, (SELECT count(*) FROM events) FROM events"
    " GROUP BY kind, (SELECT count(*) FROM events) ORDER BY (SELECT count(*) FROM events), kind",
    "WITH c AS (SELECT (SELECT 1 FROM events LIMIT 1)) FROM c",
    "WITH c AS (FROM events) SELECT (SELECT count(*) FROM c), (SELECT count(*) FROM events)",
    "SELECT (SELECT 1 FROM events LIMIT 1) UNION ALL SELECT 2",
    "SELECT (SELECT min(event_id) FROM events WHERE event_id > ?), ?",
    "SELECT ARRAY(SELECT event_id FROM events ORDER BY event_id LIMIT 2)",
]


@pytest.mark.parametrize("executor", ["direct", "threads"])
@pytest.mark.parametrize("query", QUERIES)
def test_named_as_in_duckdb(query: str, executor: str, data: Path, tmp_path: Path) -> None:
    params = [3, 4][: query.count("?")]
    connection = duckdb.connect()
    connection.execute(f"CREATE VIEW events AS FROM '{data}/events.parquet'")
    expected = connection.execute(query, params)
    names, rows = [column[0] for column in expected.description], expected.fetchall()
    with smallpond.init(executor=executor, partitions=3 if executor == "threads" else None) as sp:
        frame = sp.sql(query, events=sp.read_parquet(data / "events.parquet"), params=params)
        assert frame.columns == names
        table = frame.to_arrow()
        assert table.column_names == names
        found = list(zip(*[column.to_pylist() for column in table.columns], strict=True))
        assert sorted(found) == sorted(rows)
        frame.write_parquet(tmp_path / "out")
        assert sp.read_parquet(tmp_path / "out").columns == names

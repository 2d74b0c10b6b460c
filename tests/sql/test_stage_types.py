"""Every type through stages: grouped, joined, ordered and collected as plain DuckDB does it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import pytest
import smallpond
from drawn import rank
from oracle import assert_same_rows, assert_same_sequence, duckdb_answer, rows_of
from roads import SHUFFLED, StageRoad, StageSession, assert_in_stages
from type_table import VALUES

PROCESSES = StageRoad(
    "processes_2",
    {"executor": "processes", "num_executors": 2, "partitions": 7, "broadcast_size": 1},
)
NUM_FILES = 7  # As many as there are partitions, so that all exchanges have several on both ends.
NUM_ROWS = 60

# Values leave as text, in which DuckDB tells any two of a type apart: what the stages before handed
# on are the values themselves.
FAST = [
    "SELECT x::VARCHAR, count(*), sum(i) FROM t GROUP BY x",
    "SELECT x::VARCHAR FROM (SELECT DISTINCT x FROM t)",
    "SELECT i % 3, min(x)::VARCHAR, max(x)::VARCHAR FROM t GROUP BY i % 3",
    "SELECT t.i, u.i, t.x::VARCHAR, u.x::VARCHAR FROM t JOIN u ON t.x = u.x",
    "SELECT t.i, u.i, t.x::VARCHAR FROM t FULL JOIN u ON t.x IS NOT DISTINCT FROM u.x AND u.i > 40",
    "SELECT x::VARCHAR, i FROM (SELECT x, i FROM t ORDER BY x, i) -- ordered",
    "SELECT i % 4, list(x ORDER BY i)::VARCHAR, first(x ORDER BY i)::VARCHAR FROM t GROUP BY i % 4",
]
SLOW = [
    "SELECT i % 2, x::VARCHAR, count(*) FROM t GROUP BY i % 2, x",
    "SELECT count(DISTINCT x), count(x), count(*) FROM t",
    "SELECT i % 2, count(DISTINCT x), count(x) FILTER (WHERE i > 9) FROM t GROUP BY i % 2",
    "SELECT min(x)::VARCHAR, max(x)::VARCHAR FROM t",
    "SELECT i % 3, arg_min(x, i)::VARCHAR, arg_max(x, i)::VARCHAR FROM t GROUP BY i % 3",
    "SELECT min(x)::VARCHAR FROM t WHERE x IS NULL",
    "SELECT t.i, u.i, u.x::VARCHAR FROM t LEFT JOIN u ON t.x = u.x AND u.i % 2 = 0",
    "SELECT t.i, u.x::VARCHAR FROM t JOIN u ON t.i = u.i",
    "SELECT i FROM t WHERE x IN (SELECT x FROM u WHERE i < 2)",
    "SELECT i FROM t WHERE x NOT IN (SELECT x FROM u WHERE i < 2 AND x IS NOT NULL)",
    "SELECT i, (SELECT count(*) FROM u WHERE u.x = t.x) FROM t",
    "SELECT x::VARCHAR FROM (SELECT x FROM t UNION SELECT x FROM u)",
    "SELECT x::VARCHAR FROM (SELECT x FROM t EXCEPT SELECT x FROM u WHERE i % 2 = 0)",
    "SELECT i, row_number() OVER (PARTITION BY x ORDER BY i) FROM t",
    "SELECT x::VARCHAR, i FROM (SELECT x, i FROM t ORDER BY x DESC, i LIMIT 9) -- ordered",
    "WITH c AS MATERIALIZED (SELECT x, max(i) AS m FROM t GROUP BY x) "
    "SELECT c.x::VARCHAR, d.m FROM c JOIN c d ON c.m = d.m",
]


def computed(kind: str) -> str:
    """The value of row i, of which every type has some and a NULL."""
    values = [f"({value})::{kind}" for value in [*VALUES[kind], "NULL"]]
    return f"[{', '.join(values)}][1 + i % {len(values)}]"


def write_files(connection: duckdb.DuckDBPyConnection, kind: str, folder: Path) -> None:
    """Writes t as Parquet files, and u as others without x, which is computed where it is read."""
    for name in ("t", "u"):
        (folder / name).mkdir()
        for number in range(NUM_FILES):
            rows = f"SELECT i FROM range({NUM_ROWS}) r(i) WHERE i % {NUM_FILES} = {number}"
            if name == "t":
                rows = f"SELECT i, {computed(kind)} AS x FROM ({rows})"
            connection.execute(f"COPY ({rows}) TO '{folder}/{name}/{number}.parquet'")


def tables_sql(connection: duckdb.DuckDBPyConnection, kind: str, folder: Path) -> str:
    """t and u as common tables over the files. Types that Parquet lacks are computed in both."""
    [(stored,)] = connection.execute(
        f"SELECT column_type FROM (DESCRIBE FROM '{folder}/t/*.parquet') WHERE column_name = 'x'"
    ).fetchall()
    x = {"t": "x" if stored == kind else computed(kind), "u": computed(kind)}
    return "WITH " + ", ".join(
        f"{name} AS NOT MATERIALIZED (SELECT i, {x[name]} AS x FROM '{folder}/{name}/*.parquet')"
        for name in x
    )


def check(sp: smallpond.Session, kind: str, folder: Path, queries: list[str]) -> None:
    with duckdb.connect() as connection:
        write_files(connection, kind, folder)
        tables = tables_sql(connection, kind, folder)
        for query in queries:
            if kind == "VARIANT" and "LIMIT" in query:
                continue  # Of these values, some compare and some are an error: that depends.
            text, _, note = query.partition(" -- ")
            sql = f"{tables}, {text[5:]}" if text.startswith("WITH ") else f"{tables} {text}"
            try:
                expected = duckdb_answer(connection, sql)
            except duckdb.Error:
                with pytest.raises(smallpond.InvalidInputError):
                    sp.sql(sql).to_arrow()
                continue
            frame = sp.sql(sql)
            assert_in_stages(frame, text)
            found = rows_of(frame.to_arrow())
            assert_same_rows(found, expected.rows)
            if note:
                assert_same_sequence(found, expected.rows)


def cases(kind: str) -> list[Any]:
    """Some queries in all tiers; of every second type the others on one road in the slow tier."""
    found = [pytest.param(kind, SHUFFLED, FAST, id=f"threads-{kind}")]
    late = [("threads_more", SHUFFLED, SLOW), ("processes", PROCESSES, [*FAST, *SLOW])]
    late.sort(key=lambda case: rank(case[0], kind))
    marks = [pytest.mark.slow if rank(kind) < 0.5 else pytest.mark.whole, pytest.mark.whole]
    for mark, (name, road, queries) in zip(marks, late, strict=True):
        found.append(pytest.param(kind, road, queries, id=f"{name}-{kind}", marks=mark))
    return found


@pytest.mark.parametrize(
    ("kind", "road", "queries"), [case for kind in VALUES for case in cases(kind)]
)
def test_query(
    kind: str, road: StageRoad, queries: list[str], stage_session: StageSession, tmp_path: Path
) -> None:
    check(stage_session(road), kind, tmp_path, queries)


@pytest.mark.parametrize("kind", VALUES)
@pytest.mark.parametrize(
    "road", [SHUFFLED, pytest.param(PROCESSES, marks=pytest.mark.slow)], ids=lambda r: r.name
)
def test_collect(
    road: StageRoad,
    kind: str,
    sp: smallpond.Session,
    stage_session: StageSession,
    tmp_path: Path,
) -> None:
    """The values themselves leave as they do where one DuckDB computes all."""
    with duckdb.connect() as connection:
        write_files(connection, kind, tmp_path)
        sql = f"{tables_sql(connection, kind, tmp_path)} SELECT t.i, u.x FROM t JOIN u USING (i)"
    frame = stage_session(road).sql(sql)
    assert_in_stages(frame, sql)
    direct = sp.sql(sql)
    assert frame.schema == direct.schema
    if kind == "VARIANT":
        with pytest.raises(smallpond.UnsupportedError, match="VARIANT"):
            frame.to_arrow()
        return
    found, expected = frame.to_arrow(), direct.to_arrow()
    assert found.schema == expected.schema
    assert_same_rows(rows_of(found), rows_of(expected))

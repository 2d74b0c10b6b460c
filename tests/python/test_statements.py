"""Which statements are queries, and how mistakes in them are reported."""

from __future__ import annotations

import pytest
import smallpond

QUERIES = {
    "SELECT 1 AS x": [{"x": 1}],
    "FROM (VALUES (1)) v(x)": [{"x": 1}],
    "VALUES (1, 2)": [{"col0": 1, "col1": 2}],
    "WITH a AS (SELECT 1 AS x) SELECT * FROM a": [{"x": 1}],
    "(SELECT 1 AS x) UNION ALL (SELECT 1)": [{"x": 1}, {"x": 1}],
    "SELECT 1 AS x;": [{"x": 1}],
    "SELECT 1 AS x ;; -- done": [{"x": 1}],
    "-- first\nSELECT /* in */ 1 AS x -- last": [{"x": 1}],
}

NOT_QUERIES = [
    "CREATE TABLE x AS SELECT 1",
    "CREATE VIEW x AS SELECT 1",
    "INSERT INTO x VALUES (1)",
    "UPDATE x SET y = 1",
    "DELETE FROM x",
    "DROP TABLE x",
    "ATTACH 'x.db'",
    "COPY (SELECT 1) TO 'x.csv'",
    "SET threads = 1",
    "PRAGMA version",
    "EXPLAIN SELECT 1",
    "BEGIN",
    "CHECKPOINT",
    "INSTALL httpfs",
    "LOAD json",
    "EXPORT DATABASE 'x'",
    "VACUUM",
]


@pytest.mark.parametrize("sql", QUERIES)
def test_queries(sp: smallpond.Session, sql: str) -> None:
    assert sp.sql(sql).take_all() == QUERIES[sql]


@pytest.mark.parametrize("sql", NOT_QUERIES)
def test_other_statements_are_refused(sp: smallpond.Session, sql: str) -> None:
    for call in [sp.sql, sp.partial_sql]:
        with pytest.raises(smallpond.UnsupportedError, match="is not a query"):
            call(sql)


def test_two_statements(sp: smallpond.Session) -> None:
    with pytest.raises(smallpond.InvalidInputError, match="holds 2 statements"):
        sp.sql("SELECT 1; SELECT 2")
    with pytest.raises(smallpond.InvalidInputError, match="holds 2 statements"):
        sp.sql("SELECT 1; DROP TABLE x")


@pytest.mark.parametrize("sql", ["", "   ", ";", "-- nothing", "/* nothing */"])
def test_no_statement(sp: smallpond.Session, sql: str) -> None:
    with pytest.raises(smallpond.InvalidInputError, match="query is empty"):
        sp.sql(sql)


def test_a_change_of_data_inside_a_query(sp: smallpond.Session) -> None:
    with pytest.raises(smallpond.Error):
        sp.sql("WITH gone AS (DELETE FROM x RETURNING *) SELECT * FROM gone")


# --- mistakes are told at the call ---


def test_syntax_error(sp: smallpond.Session) -> None:
    with pytest.raises(smallpond.InvalidInputError, match="syntax error"):
        sp.sql("SELEC 1")


def test_wrong_column_is_told_at_the_call(
    sp: smallpond.Session, events: smallpond.DataFrame
) -> None:
    with pytest.raises(smallpond.InvalidInputError, match="evnt_id") as caught:
        sp.sql("SELECT event_id,\n  evnt_id FROM {0}", events)
    assert "event_id" in str(caught.value), "names the nearest"
    assert "LINE 2" in str(caught.value)


def test_wrong_types_are_told_at_the_call(
    sp: smallpond.Session, events: smallpond.DataFrame
) -> None:
    with pytest.raises(smallpond.InvalidInputError, match="VARCHAR"):
        sp.sql("SELECT sum(kind) FROM {0}", events)


def test_bad_data_is_told_when_it_is_read(
    sp: smallpond.Session, events: smallpond.DataFrame
) -> None:
    frame = sp.sql("SELECT kind::INTEGER AS k FROM {0}", events)
    with pytest.raises(smallpond.InvalidInputError, match="Could not convert string") as caught:
        frame.to_arrow()
    assert "kind::INTEGER" in str(caught.value), "says which frame"


def test_error_kinds_are_also_builtin_ones() -> None:
    for ours, builtin in [
        (smallpond.InvalidInputError, ValueError),
        (smallpond.UnsupportedError, NotImplementedError),
        (smallpond.IoError, OSError),
        (smallpond.OutOfMemoryError, MemoryError),
        (smallpond.UnavailableError, ConnectionError),
    ]:
        assert issubclass(ours, builtin) and issubclass(ours, smallpond.Error)


def test_out_of_memory_is_typed() -> None:
    with smallpond.init(duckdb_memory="20MB", threads=1) as sp:
        frame = sp.sql("SELECT list(range) AS l FROM range(20_000_000)")
        with pytest.raises(smallpond.OutOfMemoryError):
            frame.to_arrow()

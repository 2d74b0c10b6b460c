"""execute() sets up the session; later queries of this session see it, on every road."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest
import smallpond

# ruff: noqa: F841 (a query finds a frame by the name of its variable)


def rows(frame: smallpond.DataFrame) -> list[tuple[Any, ...]]:
    return [tuple(row.values()) for row in frame.take_all()]


# --- names ---


def test_table_of_the_session_beats_a_variable(fresh_sp: smallpond.Session) -> None:
    t = pa.table({"who": ["local"]})
    assert rows(fresh_sp.sql("FROM t")) == [("local",)]
    fresh_sp.execute("CREATE TABLE t AS SELECT 'session' AS who")
    assert rows(fresh_sp.sql("FROM t")) == [("session",)]
    assert rows(fresh_sp.sql("FROM T")) == [("session",)], "SQL's names ignore case"
    assert rows(fresh_sp.sql("FROM t", t=t)) == [("local",)], "but an argument is nearer"
    assert rows(fresh_sp.sql("WITH t AS (SELECT 'cte') FROM t")) == [("cte",)]


def test_cte_around_a_frame_does_not_take_its_tables(fresh_sp: smallpond.Session) -> None:
    """A frame's query becomes a part of the query that reads it, but its names are its own."""
    fresh_sp.execute("CREATE TABLE t AS SELECT 1 AS x; CREATE VIEW v AS SELECT 2 AS x")
    table, view = fresh_sp.sql("SELECT x FROM t"), fresh_sp.sql("SELECT x FROM v")
    sql = """
        WITH t AS (SELECT 90 AS x), v AS (SELECT 91 AS x)
        SELECT table.x AS a, view.x AS b, t.x AS c, v.x AS d FROM "table", view, t, v
    """.replace("table.", '"table".')
    for merge in ["auto", "concat"]:
        assert rows(fresh_sp.partial_sql(sql, merge=merge)) == [(1, 2, 90, 91)]
    recursive = """
        WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t WHERE n < 3)
        SELECT n, x FROM t, {0}
    """
    assert sorted(rows(fresh_sp.sql(recursive, table))) == [(1, 1), (2, 1), (3, 1)]


def test_frame_stays_with_its_schema(fresh_sp: smallpond.Session) -> None:
    fresh_sp.execute("CREATE TABLE t AS SELECT 'main' AS s")
    frame = fresh_sp.sql("FROM t")
    fresh_sp.execute("CREATE SCHEMA other; CREATE TABLE other.t AS SELECT 'other' AS s; USE other")
    assert rows(frame) == [("main",)]
    assert rows(fresh_sp.sql("FROM t")) == [("other",)]


def test_view_over_a_file(fresh_sp: smallpond.Session, data: Path) -> None:
    fresh_sp.execute(f"CREATE VIEW events AS FROM '{data}/events.parquet'")
    assert fresh_sp.sql("FROM events").count() == 400
    assert rows(fresh_sp.partial_sql("SELECT count(*) FROM events")) == [(400,)]


def test_names_with_a_schema(fresh_sp: smallpond.Session) -> None:
    fresh_sp.execute("CREATE SCHEMA s; CREATE TABLE s.t AS SELECT 1 AS x")
    t = pa.table({"x": [2]})
    assert rows(fresh_sp.sql("SELECT a.x, b.x AS y FROM s.t a, t b")) == [(1, 2)]


def test_sessions_do_not_see_each_other(sp: smallpond.Session, fresh_sp: smallpond.Session) -> None:
    fresh_sp.execute("CREATE TABLE only_mine AS SELECT 1 AS x")
    with pytest.raises(smallpond.InvalidInputError, match="only_mine"):
        sp.sql("FROM only_mine")


# --- what it sets up ---


@pytest.mark.parametrize("merge", ["auto", "concat"])
def test_macros_on_partitions(fresh_sp: smallpond.Session, data: Path, merge: str) -> None:
    fresh_sp.execute("""
        CREATE MACRO net(gross) AS gross / 2;
        CREATE MACRO total(x) AS sum(net(x));
        CREATE MACRO cheap(t, most) AS TABLE SELECT * FROM query_table(t) WHERE amount < most
    """)
    events = fresh_sp.read_parquet(data / "events.parquet").repartition(7, hash_by="user_id")
    sql = "SELECT user_id, total(amount) AS t FROM {0} GROUP BY user_id"
    plain = "SELECT user_id, sum(amount / 2) AS t FROM {0} GROUP BY user_id"
    found = fresh_sp.partial_sql(sql, events, merge=merge)
    assert sorted(rows(found), key=str) == sorted(rows(fresh_sp.sql(plain, events)), key=str)


def test_types(fresh_sp: smallpond.Session) -> None:
    fresh_sp.execute("CREATE TYPE mood AS ENUM ('sad', 'happy')")
    frame = fresh_sp.sql("SELECT 'happy'::mood AS m")
    assert frame.schema["m"].startswith("ENUM") and rows(frame) == [("happy",)]
    assert rows(fresh_sp.partial_sql("FROM {0}", frame.repartition(2), merge="concat")) == [
        ("happy",)
    ]


def test_settings_reach_every_query(fresh_sp: smallpond.Session) -> None:
    fresh_sp.execute("SET TimeZone = 'Asia/Tokyo'; SET default_null_order = 'nulls_first'")
    sql = "SELECT (TIMESTAMPTZ '2026-01-31 12:00:00+00')::VARCHAR AS t"
    assert rows(fresh_sp.sql(sql)) == [("2026-01-31 21:00:00+09",)]
    frame = fresh_sp.sql("SELECT * FROM (VALUES (1), (NULL)) v(x) ORDER BY x")
    assert rows(frame) == [(None,), (1,)]
    concat = fresh_sp.partial_sql(sql + " FROM {0}", frame.repartition(2), merge="concat")
    assert set(rows(concat)) == {("2026-01-31 21:00:00+09",)}


def test_variables(fresh_sp: smallpond.Session) -> None:
    fresh_sp.execute("SET VARIABLE least = 5")
    assert rows(fresh_sp.sql("SELECT getvariable('least') AS v")) == [(5,)]


def test_collation_mixes_keys(fresh_sp: smallpond.Session) -> None:
    """Where 'a' equals 'A', a partition by the letters does not hold a group together."""
    fresh_sp.execute("SET default_collation = 'NOCASE'")
    letters = fresh_sp.sql(
        "SELECT chr((65 + i % 26 + 32 * (i % 2))::INTEGER) AS s FROM range(104) t(i)"
    )
    for spread in [letters, letters.repartition(7, hash_by="s")]:
        groups = fresh_sp.partial_sql(
            "SELECT lower(s) AS l, count(*) AS n FROM {0} GROUP BY s, l", spread
        )
        assert groups.count() == 26
        assert fresh_sp.partial_sql("SELECT DISTINCT s FROM {0}", spread).count() == 26


def test_rows_change(fresh_sp: smallpond.Session) -> None:
    """A frame over a table of the session sees it as it is when it is computed."""
    fresh_sp.execute("CREATE TABLE t (x INTEGER); INSERT INTO t VALUES (1)")
    frame = fresh_sp.sql("FROM t")
    assert frame.count() == 1
    fresh_sp.execute("INSERT INTO t VALUES (2); UPDATE t SET x = x + 10")
    assert sorted(rows(frame)) == [(11,), (12,)]
    fresh_sp.execute("DELETE FROM t")
    assert frame.count() == 0
    fresh_sp.execute("DROP TABLE t")
    with pytest.raises(smallpond.InvalidInputError, match="t"):
        frame.count()


def test_frames_fill_tables(fresh_sp: smallpond.Session) -> None:
    numbers = fresh_sp.sql("FROM range(5) t(i)")
    more = pa.table({"i": [10]})
    fresh_sp.execute("CREATE TABLE t AS FROM numbers; INSERT INTO t FROM more")
    assert sorted(rows(fresh_sp.sql("FROM t"))) == [(0,), (1,), (2,), (3,), (4,), (10,)]


def test_params(fresh_sp: smallpond.Session) -> None:
    fresh_sp.execute("CREATE TABLE t (x INTEGER, s VARCHAR)")
    fresh_sp.execute("INSERT INTO t VALUES (?, ?)", params=[1, "it's; --"])
    fresh_sp.execute("INSERT INTO t VALUES ($x, $s)", params={"x": 2, "s": None})
    assert sorted(rows(fresh_sp.sql("FROM t"))) == [(1, "it's; --"), (2, None)]


def test_attach(fresh_sp: smallpond.Session, tmp_path: Path) -> None:
    fresh_sp.execute(f"ATTACH '{tmp_path}/x.db' AS other; CREATE TABLE other.t AS SELECT 5 AS x")
    assert rows(fresh_sp.sql("FROM other.t")) == [(5,)]
    fresh_sp.execute("DETACH other")
    with pytest.raises(smallpond.InvalidInputError, match="other"):
        fresh_sp.sql("FROM other.t")


def test_load(fresh_sp: smallpond.Session) -> None:
    fresh_sp.execute("LOAD json; LOAD parquet")
    assert rows(fresh_sp.sql("""SELECT '{"a": 5}'::JSON ->> 'a' AS x""")) == [("5",)]
    for name in ["nonsense", "'/nowhere/x.duckdb_extension'"]:
        with pytest.raises(smallpond.IoError, match=r"(?s)not found.*In the query: LOAD"):
            fresh_sp.execute(f"LOAD {name}")


def test_secrets(fresh_sp: smallpond.Session, sp: smallpond.Session) -> None:
    fresh_sp.execute("CREATE SECRET mine (TYPE http, BEARER_TOKEN $t)".replace("$t", "'hush'"))
    secrets = "SELECT name, storage, secret_string FROM duckdb_secrets()"
    [(name, storage, text)] = rows(fresh_sp.sql(secrets))
    assert (name, storage) == ("mine", "memory") and "hush" not in text
    assert rows(sp.sql(secrets)) == [], "sessions do not share them"
    with pytest.raises(smallpond.UnsupportedError, match="Leave PERSISTENT out") as caught:
        fresh_sp.execute("CREATE PERSISTENT SECRET p (TYPE http, BEARER_TOKEN 'hush')")
    assert "hush" not in str(caught.value)
    for sql in [
        "CREATE SECRET (TYPE nonsense, BEARER_TOKEN 'hush')",
        "CREATE SECRET mine (TYPE http, BEARER_TOKEN 'hush')",
        "CREATE SECRET other (TYPE http, BEARER_TOKEN 'hush'",
        "CREATE SECRT other (TYPE http, /* Secret */ BEARER_TOKEN 'hush')",
    ]:
        with pytest.raises(smallpond.Error) as caught:
            fresh_sp.execute(sql)
        assert "hush" not in str(caught.value)
    fresh_sp.execute("DROP SECRET mine")
    assert rows(fresh_sp.sql(secrets)) == []


MAKE = {
    "setting": ("SET threads = 1", "SELECT current_setting('threads')"),
    "variable": ("SET VARIABLE v = 5", "SELECT getvariable('v')"),
    "table": ("CREATE TABLE t AS SELECT 1 AS x", "FROM t"),
    "view": ("CREATE VIEW v AS SELECT 1 AS x", "FROM v"),
    "macro": ("CREATE MACRO one() AS 1", "SELECT one()"),
    "type": ("CREATE TYPE mood AS ENUM ('a')", "SELECT 'a'::mood"),
    "schema": ("CREATE SCHEMA s; CREATE TABLE s.t AS SELECT 1 AS x", "FROM s.t"),
    "attach": ("ATTACH ':memory:' AS m; CREATE TABLE m.t AS SELECT 1 AS x", "FROM m.t"),
    "temporary": ("CREATE TEMP TABLE t AS SELECT 1 AS x; CREATE TEMP MACRO m() AS 2", "FROM t"),
    "sequence": ("CREATE SEQUENCE q", "SELECT nextval('q')"),
}


@pytest.mark.parametrize("what", MAKE)
def test_only_this_session_sees(fresh_sp: smallpond.Session, what: str) -> None:
    sql, query = MAKE[what]
    with smallpond.init(duckdb_memory="200MB", threads=2) as other:
        fresh_sp.execute(sql)
        mine = rows(fresh_sp.sql(query))
        try:
            others = rows(other.sql(query))
        except smallpond.InvalidInputError:
            others = []
        assert mine != others and len(mine) == 1
        other.execute(sql)  # Without a clash.


# --- mistakes ---


def test_one_database_file_in_two_sessions(
    sp: smallpond.Session, fresh_sp: smallpond.Session, tmp_path: Path
) -> None:
    fresh_sp.execute(f"ATTACH '{tmp_path}/x.db' AS shared")
    with pytest.raises(smallpond.Error, match=r"x\.db"):
        sp.execute(f"ATTACH '{tmp_path}/x.db' AS shared")
    with pytest.raises(smallpond.IoError, match=r"nowhere/x\.db"):
        sp.execute("ATTACH '/nowhere/x.db' AS shared")


def test_verification_is_for_duckdb_itself(fresh_sp: smallpond.Session) -> None:
    for name in ["enable_verification", "Enable_VERIFICATION"]:
        with pytest.raises(smallpond.UnsupportedError, match="enable_verification"):
            fresh_sp.execute(f"PRAGMA {name}")
    assert rows(fresh_sp.sql("SELECT 1")) == [(1,)]


CHANGES = [
    "INSERT INTO {} SELECT 2", "UPDATE {} SET x = 2", "DELETE FROM {}", "TRUNCATE {}",
    "MERGE INTO {} t USING (SELECT 1 AS x) s ON s.x = t.x WHEN MATCHED THEN DELETE",
    "COPY {} FROM 'other.csv'",
]  # fmt: skip


@pytest.mark.parametrize("sql", CHANGES)
@pytest.mark.parametrize("ending", ["parquet", "csv", "json"])
def test_files_and_frames_are_not_changed(
    fresh_sp: smallpond.Session, tmp_path: Path, sql: str, ending: str
) -> None:
    duckdb.execute(f"COPY (SELECT 1 AS x) TO '{tmp_path}/t.{ending}'")
    before = (tmp_path / f"t.{ending}").read_bytes()
    frame = pa.table({"x": [1]})
    for name in [f'"{tmp_path}/t.{ending}"', "frame"]:
        with pytest.raises(smallpond.UnsupportedError, match=r"(?s)write_parquet.*In the query"):
            fresh_sp.execute(sql.format(name))
    assert (tmp_path / f"t.{ending}").read_bytes() == before
    fresh_sp.execute("CREATE TABLE frame AS SELECT 1 AS x")
    if "COPY" not in sql:
        fresh_sp.execute(sql.format("frame"))
        assert rows(fresh_sp.sql("FROM main.frame")) != [(1,)], "a table of the session is"


@pytest.mark.parametrize(
    ("sql", "advice"),
    [
        ("SELECT 1", r"sql\(\)"),
        ("COPY (SELECT 1) TO 'x.csv'", "write_csv"),
        ("BEGIN", "transaction"),
        ("EXPLAIN SELECT 1", "It takes SET"),
        ("EXPORT DATABASE 'x'", "It takes SET"),
    ],
)
def test_refused(fresh_sp: smallpond.Session, sql: str, advice: str) -> None:
    with pytest.raises(smallpond.UnsupportedError, match=advice):
        fresh_sp.execute(sql)


def test_errors(fresh_sp: smallpond.Session) -> None:
    for sql in [
        "",
        "CREATE NONSENSE",
        "DROP TABLE missing",
        "SET nothing = 1",
        "SET threads = 'x'",
    ]:
        with pytest.raises(smallpond.InvalidInputError):
            fresh_sp.execute(sql)
    assert rows(fresh_sp.sql("SELECT 1 AS x")) == [(1,)], "a bad SET is not kept"
    fresh_sp.shutdown()
    with pytest.raises(smallpond.InvalidInputError, match="session is closed"):
        fresh_sp.execute("SET threads = 1")

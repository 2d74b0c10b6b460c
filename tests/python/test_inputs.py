"""Inputs of queries: which are needed, and how they are named."""

from __future__ import annotations

# ruff: noqa: F841 (a query finds a frame by the name of its variable)
from collections.abc import Callable

import pyarrow as pa
import pytest
import smallpond
from roads import STAGE_ROADS, StageRoad


def table(who: str) -> pa.Table:
    return pa.table({"who": [who]})


def who(frame: smallpond.DataFrame) -> list[str]:
    return [row["who"] for row in frame.take_all()]


TABLES = {name: table(name) for name in ["users", "events", "orders"]}


def test_named_inputs_that_nobody_needs(sp: smallpond.Session) -> None:
    for call in [sp.sql, sp.partial_sql]:
        assert who(call("FROM users", **TABLES)) == ["users"]
        assert who(call("SELECT 'none' AS who", **TABLES)) == ["none"]
        assert who(call("FROM {0}", table("first"), table("second"))) == ["first"]
    concat = sp.partial_sql("FROM events", **TABLES, merge="concat")
    assert who(concat) == ["events"]


def test_a_cte_comes_before_an_input(sp: smallpond.Session) -> None:
    assert who(sp.sql("WITH users AS (SELECT 'cte' AS who) FROM users", **TABLES)) == ["cte"]
    both = sp.sql("WITH users AS (SELECT who || '!' AS who FROM users) FROM users", **TABLES)
    assert who(both) == ["users!"]


IN_MAIN = {
    "schema": "SELECT users.who FROM main.users",
    "schema_in_capitals": "FROM MAIN.users",
    "schema_and_alias": "SELECT u.who FROM main.users u",
    "schema_beside_a_cte": "WITH users AS (SELECT 1) FROM main.users",
    "function": "FROM query_table('users')",
    "function_with_alias": "SELECT u.w AS who FROM query_table('users') u(w)",
    "function_with_schema": "FROM query_table('main.users')",
    "function_of_a_parameter": "FROM query_table(?)",
    "query": "FROM query('SELECT who FROM users')",
    "subquery": "SELECT (SELECT who FROM query_table('users')) AS who",
}


@pytest.mark.parametrize("sql", IN_MAIN.values(), ids=IN_MAIN)
@pytest.mark.parametrize("road", ["direct", *STAGE_ROADS], ids=lambda r: getattr(r, "name", r))
def test_schema_main_and_functions_find_inputs(
    sp: smallpond.Session,
    stage_session: Callable[[StageRoad], smallpond.Session],
    road: StageRoad,
    sql: str,
) -> None:
    session = sp if road == "direct" else stage_session(road)
    params = ["users"] if "?" in sql else None
    assert who(session.sql(sql, params=params, users=table("input"))) == ["input"]
    users = table("variable")
    assert who(session.sql(sql, params=params)) == ["variable"]


def test_functions_of_several_tables(sp: smallpond.Session) -> None:
    assert who(sp.sql("FROM query_table(['users', 'events'])", **TABLES)) == ["users", "events"]
    with pytest.raises(smallpond.InvalidInputError, match=r"(?i)list.*empty|no function matches"):
        sp.sql("FROM query_table([])")


def test_tables_of_the_session_have_a_schema_too(fresh_sp: smallpond.Session) -> None:
    fresh_sp.execute("CREATE TABLE t AS SELECT 'main' AS who")
    fresh_sp.execute("CREATE SCHEMA s; CREATE TABLE s.t AS SELECT 'other' AS who")
    t = table("variable")
    for sql, expected in [
        ("FROM main.t", "main"),
        ("FROM s.t", "other"),
        ("FROM query_table('t')", "main"),
        ("FROM query_table('s.t')", "other"),
    ]:
        assert who(fresh_sp.sql(sql)) == [expected], sql
    assert who(fresh_sp.sql("FROM main.t", t=table("argument"))) == ["argument"]
    assert who(fresh_sp.sql("FROM s.t", t=table("argument"))) == ["other"]


def test_the_database_may_be_named_too(sp: smallpond.Session) -> None:
    assert who(sp.sql("FROM memory.main.t", t=table("argument"))) == ["argument"]


# --- mistakes ---


def missing(sp: smallpond.Session, sql: str, **inputs: object) -> str:
    users_in_reach = table("variable")
    with pytest.raises(smallpond.InvalidInputError, match="does not exist") as caught:
        sp.sql(sql, **inputs)
    assert "pg_" not in str(caught.value) and "information_schema" not in str(caught.value)
    return str(caught.value)


def test_the_nearest_input_is_named(sp: smallpond.Session) -> None:
    for sql in ["SELECT who FROM user", "FROM main.user", "FROM query_table('user')"]:
        text = missing(sp, sql, **TABLES)
        assert "Table with name user does not exist. Did you mean 'users'?" in text
    assert "LINE 1: SELECT who FROM evnets" in missing(sp, "SELECT who FROM evnets", **TABLES)


def test_the_nearest_variable_is_named(sp: smallpond.Session) -> None:
    evnts = 5  # No table.

    def near() -> None:
        events_of_may = sp.sql("SELECT 1 AS x")
        sp.sql("FROM events_of_mai")

    with pytest.raises(smallpond.InvalidInputError, match="Did you mean 'events_of_may'"):
        near()


def test_the_nearest_table_of_the_session_is_named(fresh_sp: smallpond.Session) -> None:
    fresh_sp.execute("CREATE TABLE customers (a INT); CREATE VIEW suppliers AS SELECT 1 AS a")
    assert "Did you mean 'customers'?" in missing(fresh_sp, "FROM customer")
    assert "Did you mean 'suppliers'?" in missing(fresh_sp, "FROM supplers")


def test_where_nothing_is_near(sp: smallpond.Session) -> None:
    for name in ["sequences", "zzz"]:
        text = missing(sp, f"FROM {name}")
        assert f"sql(…, {name}=frame)" in text and "Did you mean" not in text


@pytest.mark.parametrize(
    ("sql", "advice"),
    [
        ("SELECT * FROM {}", "write {0} for the first one"),
        ("SELECT count(*) FROM {}, {}", "write {0} for the first one"),
        ("SELECT '{}' AS x FROM {}", "write {0} for the first one"),
        ("SELECT * FROM {users}", "No input is called users"),
        ("SELECT {'a': 1} AS s FROM {users}", r"sql(…, users=frame)"),
    ],
)
def test_braces_that_stand_for_no_input(sp: smallpond.Session, sql: str, advice: str) -> None:
    with pytest.raises(smallpond.InvalidInputError, match="syntax error") as caught:
        sp.sql(sql, table("x"))
    assert advice in str(caught.value)


def test_other_mistakes_tell_nothing_of_braces(sp: smallpond.Session) -> None:
    for sql in ["SELEC '{}'", "SELEC {'a': 1}", 'SELEC "{}"', "SELEC 1 -- {}"]:
        with pytest.raises(smallpond.InvalidInputError) as caught:
            sp.sql(sql)
        assert "Inputs are numbered" not in str(caught.value)

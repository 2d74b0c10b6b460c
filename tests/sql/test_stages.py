"""Queries in stages give plain DuckDB's answer, or fail as it does, however they are cut."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pytest
import smallpond
from drawn import drawn
from oracle import assert_same_rows, assert_same_sequence, duckdb_answer, frame_answer
from roads import ONE_TASK, STAGE_ROADS, StageRoad, assert_in_stages
from stage_tables import TABLES, write_tables

FOLDER = Path(__file__).parent / "stage_queries"
SETUP = ["SET VARIABLE v = 7", "CREATE MACRO hash(x) AS 1", "CREATE MACRO twice(x) AS 2 * x"]

ALL_JOINS = ["INNER", "LEFT", "RIGHT", "FULL", "SEMI", "ANTI"]
ONE_ARGUMENT = [
    "avg", "sum", "var_pop", "var_samp", "stddev", "stddev_pop", "sem", "skewness", "kurtosis",
    "kurtosis_pop", "min", "max", "median", "mad", "fsum", "favg",
]  # fmt: skip
TWO_ARGUMENTS = [
    "corr", "covar_pop", "covar_samp", "regr_avgx", "regr_avgy", "regr_count", "regr_intercept",
    "regr_r2", "regr_slope", "regr_sxx", "regr_sxy", "regr_syy",
]  # fmt: skip

OTHER_TYPES = ["st", "li", "en", "tz", "iv", "s", "b", "dt", "ts"]


@dataclass(frozen=True)
class Query:
    sql: str
    is_ordered: bool = False

    @property
    def name(self) -> str:
        return self.sql


def lines_of(name: str) -> list[str]:
    lines = (FOLDER / f"{name}.sql").read_text().splitlines()
    return [line for line in lines if not line.startswith("--")]


def read_queries(name: str) -> list[Query]:
    queries = []
    for line in lines_of(name):
        sql, _, note = line.partition(" -- ")
        assert note in ("", "ordered"), line
        queries.append(Query(sql, bool(note)))
    return queries


def join_queries() -> Iterator[Query]:
    for condition in lines_of("join_conditions"):
        for kind in ALL_JOINS[:4]:
            if kind == "FULL" and "BETWEEN" in condition:
                continue  # DuckDB 1.5.5 crashes now and then, with more than one thread.
            join = f"FROM l {kind} JOIN r ON {condition}"
            yield Query(f"SELECT l.id, r.id AS rid, l.k, r.k AS rk, l.k2, r.ks {join}")
            yield Query(f"SELECT l.k, r.k AS rk, count(*), sum(l.x), sum(r.x) {join} GROUP BY 1, 2")
        for kind in ALL_JOINS[4:]:
            yield Query(f"SELECT l.id, l.k FROM l {kind} JOIN r ON {condition}")
            yield Query(f"SELECT r.id, r.k FROM r {kind} JOIN l ON {condition}")
    for line in lines_of("joins"):
        for kind in ALL_JOINS if "{kind}" in line else [""]:
            yield Query(line.format(kind=kind))


def aggregate_queries() -> Iterator[Query]:
    rows = "FROM (FROM l WHERE d IS NULL OR NOT isnan(d))"
    calls = [f"{f}({c})" for c in ["x", "dec", "h", "f", "d", "ut", "sm"] for f in ONE_ARGUMENT]
    pairs = ["x, id", "dec, f", "d, id"]
    calls += [f"{f}({pair})" for pair in pairs for f in TWO_ARGUMENTS]
    calls += ["avg(ts)", "avg(dt)", "avg(iv)", "avg(tz)", "product(1 + x / 10)", "count(d)"]
    calls += [f"{f}({c})" for f in ["min", "max"] for c in OTHER_TYPES]
    for call in calls:
        yield Query(f"SELECT {call} {rows}")
        yield Query(f"SELECT k2, {call}, {call} FILTER (WHERE x > 8) {rows} GROUP BY k2")


QUERIES = {
    "joins": list(join_queries()),
    "aggregates": [*aggregate_queries(), *read_queries("aggregates")],
    "subqueries": read_queries("subqueries"),
    "others": read_queries("others"),
}
# One task computes all of these: what they read is known to be empty, or is read by a recursion.
NOTHING_TO_SHARE = {
    "SELECT l.id, r.id AS rid, l.k, r.k AS rk, l.k2, r.ks FROM l INNER JOIN r ON false",
    "SELECT l.k, r.k AS rk, count(*), sum(l.x), sum(r.x) FROM l INNER JOIN r ON false "
    "GROUP BY 1, 2",
    "SELECT l.id, r.id FROM l ASOF JOIN r ON l.k=r.k AND l.ts>=r.ts WHERE false",
    "SELECT 1 UNION ALL SELECT 2",
    "SELECT count(*) FROM (SELECT id FROM l LIMIT 0)",
    "SELECT * FROM l WHERE false",
    "DESCRIBE l",
    "WITH RECURSIVE c(n,d) AS (SELECT k,0 FROM l UNION SELECT r.x, d+1 FROM c JOIN r ON r.k=c.n "
    "WHERE d<4) SELECT n,d,count(*) FROM c GROUP BY ALL",
    "WITH RECURSIVE c(n) AS (SELECT min(k) FROM l WHERE x > 3 UNION ALL SELECT n+1 FROM c "
    "WHERE n<(SELECT max(k) FROM r)) SELECT * FROM c",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("tables")
    write_tables(path)
    return path


@pytest.fixture(scope="module")
def plain(folder: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        for statement in SETUP:
            connection.execute(statement)
        for name in TABLES:
            connection.execute(f"CREATE VIEW {name} AS FROM '{folder}/{name}/*.parquet'")
        yield connection


def over_tables(
    sp: smallpond.Session,
    sql: str,
    l: smallpond.DataFrame,  # noqa: E741
    r: smallpond.DataFrame,
    e: smallpond.DataFrame,
    u: smallpond.DataFrame,
) -> smallpond.DataFrame:
    """Those of the tables that stand in the query are found by their names here."""
    return sp.sql(sql)


Ask = Callable[[StageRoad, str], smallpond.DataFrame]


@pytest.fixture(scope="module")
def ask(folder: Path, stage_session: Callable[[StageRoad], smallpond.Session]) -> Ask:
    """Makes the frame of a query over the tables, in the session of a road."""
    frames: dict[str, dict[str, smallpond.DataFrame]] = {}

    def frame_of(road: StageRoad, sql: str) -> smallpond.DataFrame:
        sp = stage_session(road)
        if road.name not in frames:
            for statement in SETUP:
                sp.execute(statement.replace("MACRO", "OR REPLACE MACRO"))
            frames[road.name] = {name: sp.read_parquet(folder / name) for name in TABLES}
        return over_tables(sp, sql, **frames[road.name])

    return frame_of


def check(plain: duckdb.DuckDBPyConnection, ask: Ask, road: StageRoad, query: Query) -> None:
    try:
        expected = duckdb_answer(plain, query.sql)
    except duckdb.Error as error:
        kind = "more than one row" if "More than one row" in str(error) else ""
        with pytest.raises(smallpond.Error, match=f"(?i){kind}"):
            ask(road, query.sql).to_arrow()
        return
    frame = ask(road, query.sql)
    stages = assert_in_stages(frame, query.sql)
    if stages and road is not ONE_TASK and query.sql not in NOTHING_TO_SHARE:
        assert max(stage["tasks"] for stage in stages) > 1
    answer = frame_answer(frame)
    assert answer.table.schema.types == expected.table.schema.types
    for name, wanted in zip(answer.names, expected.names, strict=True):
        assert name == wanted or "SELECT" in wanted  # Which holds the input's name.
    if len(set(answer.names)) == len(answer.names):
        assert answer.types == expected.types
    assert_same_rows(answer.rows, expected.rows)
    if query.is_ordered:
        assert_same_sequence(answer.rows, expected.rows)


@pytest.mark.parametrize(("road", "query"), drawn(STAGE_ROADS, QUERIES["joins"], 1 / 3, 2 / 3))
def test_joins(plain: duckdb.DuckDBPyConnection, ask: Ask, road: StageRoad, query: Query) -> None:
    check(plain, ask, road, query)


@pytest.mark.parametrize(("road", "query"), drawn(STAGE_ROADS, QUERIES["aggregates"], 1 / 3, 2 / 3))
def test_aggregates(
    plain: duckdb.DuckDBPyConnection, ask: Ask, road: StageRoad, query: Query
) -> None:
    check(plain, ask, road, query)


@pytest.mark.parametrize(("road", "query"), drawn(STAGE_ROADS, QUERIES["subqueries"], 1, 1))
def test_subqueries(
    plain: duckdb.DuckDBPyConnection, ask: Ask, road: StageRoad, query: Query
) -> None:
    check(plain, ask, road, query)


@pytest.mark.parametrize(("road", "query"), drawn(STAGE_ROADS, QUERIES["others"], 1, 1))
def test_others(plain: duckdb.DuckDBPyConnection, ask: Ask, road: StageRoad, query: Query) -> None:
    check(plain, ask, road, query)


def test_queries_can_tell_right_from_wrong(plain: duckdb.DuckDBPyConnection) -> None:
    """Most have rows; answers without any are the same however they are cut."""
    queries = [query for group in QUERIES.values() for query in group]
    num_empty = 0
    for query in queries:
        try:
            num_empty += duckdb_answer(plain, query.sql).table.num_rows == 0
        except duckdb.Error:
            continue
    assert num_empty < len(queries) / 10

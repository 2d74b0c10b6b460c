"""Random queries over random partitions: the answer is DuckDB's, and what is claimed holds."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import duckdb
import pyarrow as pa
import pytest
import smallpond
from drawn import first
from hypothesis import HealthCheck, given, note, seed, settings
from hypothesis import strategies as st
from oracle import assert_same, assert_same_rows, duckdb_answer, have_same_rows, rows_of
from query_grammar import queries
from roads import claims_partitions

NUM_PARTITIONS = 3
SCHEMA = pa.schema(
    [
        ("k1", pa.int32()),
        ("k2", pa.string()),
        ("v", pa.int32()),
        ("d", pa.float64()),
        ("r", pa.int32()),
    ]
)
# Queries over another query's partitions: they show whether its keys are where it says.
OVER_PARTITIONS = [
    "SELECT k1, count(*) AS n FROM {0} GROUP BY k1",
    "SELECT k1, k2, count(*) AS n FROM {0} GROUP BY k2, k1",
    "SELECT DISTINCT v FROM {0}",
    "SELECT x.r, y.r FROM {0} x JOIN {1} y ON x.k1 = y.k1",
    "SELECT x.r, y.r FROM {0} x LEFT JOIN {1} y ON x.k2 = y.k2 AND x.k1 = y.k1",
]

ROW = st.tuples(
    st.one_of(st.none(), st.integers(0, 3)),
    st.one_of(st.none(), st.sampled_from(["a", "b"])),
    st.integers(0, NUM_PARTITIONS - 1),  # Also the number of a partition.
    st.sampled_from([0.25, 0.5, 2.0]),
)
TABLE = st.lists(ROW, max_size=9)

Spread = Callable[[smallpond.DataFrame], smallpond.DataFrame]
SPREADS: dict[str, dict[str, Any] | None] = {
    "whole": None,
    "even": {},
    "rows": {"by_rows": True},
    "k1": {"hash_by": "k1"},
    "k2": {"hash_by": "k2"},
    "k1 k2": {"hash_by": ["k1", "k2"]},
    "k2 k1": {"hash_by": ["k2", "k1"]},
    "r": {"hash_by": "r"},
    "v": {"by": "v"},
}
SPREAD = st.sampled_from([*SPREADS, "k1", "k1 k2"])
# Often the same, which joins can use.
BOTH = st.one_of(st.tuples(SPREAD, SPREAD), SPREAD.map(lambda how: (how, how)))


def table_of(rows: list[tuple[Any, ...]], first: int) -> pa.Table:
    """With a column r that tells the rows apart; some of it fits into a TINYINT."""
    columns = list(zip(*rows, strict=True)) if rows else [()] * 4
    columns.append(range(first, first + len(rows)))
    return pa.table(
        [pa.array(c, f.type) for c, f in zip(columns, SCHEMA, strict=True)], schema=SCHEMA
    )


def spread(frame: smallpond.DataFrame, how: str) -> smallpond.DataFrame:
    arguments = SPREADS[how]
    return frame if arguments is None else frame.repartition(NUM_PARTITIONS, **arguments)


def check(
    sp: smallpond.Session, sql: str, tables: list[pa.Table], spreads: tuple[str, str]
) -> None:
    with duckdb.connect(config={"threads": 1}) as oracle:
        for name, table in zip("ab", tables, strict=True):
            oracle.register(name, table)
        expected = duckdb_answer(oracle, sql.replace("{0}", "a").replace("{1}", "b"))
    whole = [sp.sql("FROM {0}", table) for table in tables]
    inputs = [spread(frame, how) for frame, how in zip(whole, spreads, strict=True)]

    frame = sp.partial_sql(sql, *inputs)
    assert_same(frame, expected)
    claims = check_claim(sp, sql, inputs, frame)

    if claims:  # Its partitions are the input of another query.
        assert frame.num_partitions == NUM_PARTITIONS
        for outer in OVER_PARTITIONS:
            outer_inputs = [frame, inputs[0] if spreads[0] != "whole" else inputs[1]]
            check_claim(sp, outer, outer_inputs, sp.partial_sql(outer, *outer_inputs))


def check_claim(
    sp: smallpond.Session,
    sql: str,
    inputs: list[smallpond.DataFrame],
    frame: smallpond.DataFrame,
) -> bool:
    """Compares with merge="concat" and returns whether `frame` claims to be the same."""
    claims = claims_partitions(frame)
    concat = rows_of(sp.partial_sql(sql, *inputs, merge="concat").to_arrow())
    answer = rows_of(frame.to_arrow())
    if claims:
        note(f"claimed: {sql}")
        assert_same_rows(concat, answer)
    elif not have_same_rows(concat, answer):
        assert "merged:" in frame.explain(), f"differs, and says nothing: {sql}"
    return claims


SEARCH = settings(
    deadline=None,
    derandomize=True,  # The same queries each time.
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
SEARCHES = range(1, 7)  # Seeds of several searches, so that test processes share the work.
ARGUMENTS = {
    "sql": queries(),
    "left": TABLE,
    "right": TABLE,
    "spreads": BOTH,
}


@given(**ARGUMENTS)
@settings(SEARCH, max_examples=150)
def test_answer_and_claims(
    sp: smallpond.Session, sql: str, left: list, right: list, spreads: tuple[str, str]
) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        check(sp, sql, [table_of(left, 124), table_of(right, 1000)], spreads)


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("search", first(1, SEARCHES))
def test_many_answers_and_claims(sp: smallpond.Session, search: int) -> None:
    @seed(search)
    @given(**ARGUMENTS)
    @settings(SEARCH, max_examples=500)
    def run(sql: str, left: list, right: list, spreads: tuple[str, str]) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            check(sp, sql, [table_of(left, 124), table_of(right, 1000)], spreads)

    run()


def test_the_grammar_makes_claims(sp: smallpond.Session) -> None:
    """Else the property would hold for want of queries that it is about."""
    claimed = []

    @given(sql=queries(), spreads=BOTH)
    @settings(SEARCH, max_examples=200)
    def count(sql: str, spreads: tuple[str, str]) -> None:
        frames = [spread(sp.sql("FROM {0}", table_of([], 0)), how) for how in spreads]
        frame = sp.partial_sql(sql, *frames)
        claimed.append(claims_partitions(frame))

    count()
    assert 0.1 < sum(claimed) / len(claimed) < 0.9

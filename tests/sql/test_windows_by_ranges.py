"""Windows with an ORDER BY and no PARTITION BY, shared among tasks by ranges of what they are
sorted by, and those that have one value for all rows."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest
from drawn import drawn
from moves import assert_gathered, assert_shared, assert_shared_with_setting, stages_of
from oracle import assert_same, assert_same_rows, assert_same_sequence, duckdb_answer, rows_of
from roads import ONE_TASK, SHUFFLED, StageRoad, StageSession
from sort_tables import Case, key_of, write_tables
from type_table import VALUES
from written import DIRECT, PROCESSES

STAGE_ROADS = [SHUFFLED, PROCESSES]
ROADS = [*STAGE_ROADS, ONE_TASK, DIRECT]

Fill = Callable[[str], str]

# What doesn't depend on how ties are sorted.
OF_PEERS = (
    "rank() OVER w, dense_rank() OVER w, percent_rank() OVER w, cume_dist() OVER w, "
    "count(*) OVER w, sum(v) OVER w, max(s) OVER w"
)
# What needs a sort without any.
OF_ROWS = "row_number() OVER w, ntile(7) OVER w, sum(d) OVER (w ROWS UNBOUNDED PRECEDING)"

KINDS = [kind for kind in VALUES if kind != "VARIANT"]  # Those of one type alone are compared.
BOTH = f"{OF_PEERS}, {OF_ROWS.replace('OVER w', 'OVER u').replace('(w', '(u')}"

SORTED_BY_TYPES = [
    Case(
        f"{kind}-{way}",
        f"SELECT i, {BOTH} FROM (SELECT *, {key_of(kind)} AS x FROM {{t}}) "
        f"WINDOW w AS (ORDER BY x {way}), u AS (ORDER BY x {way}, i)",
    )
    for kind in KINDS
    for way in ["", "DESC NULLS LAST"]
]
OF_TYPES = [
    Case(
        kind,
        "SELECT i, (min(x) OVER w)::VARCHAR, (max(x) OVER w)::VARCHAR, count(x) OVER w, "
        "(min(x) OVER ())::VARCHAR, count(x) OVER (), "
        "(max(x) OVER (w ROWS UNBOUNDED PRECEDING))::VARCHAR "
        f"FROM (SELECT i, v, {key_of(kind)} AS x FROM {{t}}) WINDOW w AS (ORDER BY v, i)",
    )
    for kind in KINDS
]
SUMS = [
    Case(
        f"sum of {kind}",
        "SELECT i, sum(x) OVER w, sum(x) FILTER (WHERE b) OVER w, sum(x) OVER (w ROWS UNBOUNDED "
        f"PRECEDING), sum(x) OVER () FROM (SELECT i, v, b, ({value})::{kind} AS x FROM {{t}}) "
        "WINDOW w AS (ORDER BY v, i)",
    )
    for kind, value in {
        "BOOLEAN": "b",
        "TINYINT": "i % 200 - 100",
        "UBIGINT": "9223372036854775808 + CASE WHEN i % 5 > 0 THEN i END",
        "HUGEINT": "(i - 1000)::HUGEINT * 10 ** 25::HUGEINT",
        "UHUGEINT": "i::UHUGEINT * 10 ** 25::UHUGEINT",
        "FLOAT": "d",
        "DOUBLE": "CASE i WHEN 900 THEN 'inf' WHEN 1500 THEN '-inf' ELSE v / 7 END",
        "DECIMAL(4,1)": "i / 10",
        "DECIMAL(18,6)": "CASE WHEN g = 2 THEN i / 7 END",
        "DECIMAL(38,10)": "(i - 1000)::DECIMAL(38, 10) * 100000000000000000",
        "INTEGER": "NULL",
    }.items()
]

# By ranges of what they are sorted by.
SHARED = [
    f"SELECT i, {OF_PEERS} FROM {{t}} WINDOW w AS (ORDER BY v)",
    f"SELECT i, {OF_PEERS} FROM {{t}} WINDOW w AS (ORDER BY s DESC)",
    f"SELECT i, {OF_PEERS} FROM {{t}} WINDOW w AS (ORDER BY d NULLS FIRST)",
    f"SELECT i, {OF_PEERS} FROM {{t}} WINDOW w AS (ORDER BY d DESC, s NULLS FIRST)",
    f"SELECT i, {OF_PEERS} FROM {{t}} WINDOW w AS (ORDER BY word COLLATE NOCASE)",
    f"SELECT i, {OF_PEERS} FROM {{t}} WINDOW w AS (ORDER BY word COLLATE NOCASE.NOACCENT DESC)",
    f"SELECT i, {OF_PEERS} FROM {{t}} WINDOW w AS (ORDER BY word COLLATE de, g)",
    f"SELECT i, {OF_PEERS} FROM {{t}} WINDOW w AS (ORDER BY st.b)",
    f"SELECT i, {OF_PEERS} FROM {{t}} WINDOW w AS (ORDER BY nothing)",
    f"SELECT i, {OF_PEERS} FROM {{t}} WINDOW w AS (ORDER BY abs(i - 700) // 3, b)",
    f"SELECT i, {OF_PEERS} FROM {{e}} WINDOW w AS (ORDER BY v)",
    f"SELECT i, {OF_PEERS} FROM {{n}} WINDOW w AS (ORDER BY v)",
    f"SELECT i, {OF_PEERS} FROM {{t}} WHERE i < 0 WINDOW w AS (ORDER BY v)",
    f"SELECT i, {OF_PEERS} FROM {{t}} WHERE i = 7 WINDOW w AS (ORDER BY v)",
    f"SELECT i, {OF_PEERS} FROM {{t}} WHERE s > 'k3' WINDOW w AS (ORDER BY v // 9)",
    f"SELECT i, {OF_ROWS} FROM {{t}} WINDOW w AS (ORDER BY v, i)",
    f"SELECT i, {OF_ROWS} FROM {{t}} WINDOW w AS (ORDER BY d DESC NULLS FIRST, i DESC)",
    f"SELECT i, {OF_ROWS} FROM {{e}} WINDOW w AS (ORDER BY v, i)",
    f"SELECT i, {OF_ROWS} FROM {{t}} WHERE i % 500 = 0 WINDOW w AS (ORDER BY v, i)",
    "SELECT i, ntile(1) OVER w, ntile(1999) OVER w, ntile(5000) OVER w FROM {t} "
    "WINDOW w AS (ORDER BY v, i)",
    # What is sorted by more as well, and what has one value for all.
    "SELECT i, rank() OVER (ORDER BY g), row_number() OVER (ORDER BY g, i), max(d) OVER (), "
    "dense_rank() OVER (ORDER BY g, s) FROM {t}",
    "SELECT i, v * 100 / sum(v) OVER (), sum(v) OVER (ORDER BY v) / sum(v) OVER () FROM {t}",
    "SELECT i, count(*) OVER (ORDER BY v RANGE BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED "
    "FOLLOWING), rank() OVER (ORDER BY v) FROM {t}",
    "SELECT i, sum(v) OVER (ORDER BY g GROUPS UNBOUNDED PRECEDING), count(nothing) OVER "
    "(ORDER BY g), sum(nothing) OVER (ORDER BY g), min(nothing) OVER (ORDER BY g) FROM {t}",
    "SELECT i, sum(v) FILTER (WHERE b) OVER w, count(*) FILTER (WHERE v < 0) OVER w, "
    "min(s) FILTER (WHERE i > 1500) OVER w FROM {t} WINDOW w AS (ORDER BY i)",
    "SELECT i, sum(CASE WHEN i > 1000 THEN 1 END) OVER (ORDER BY i) FROM {t}",
    "SELECT i, sum(v + g) OVER (ORDER BY i), max(lower(s)) OVER (ORDER BY i) FROM {t}",
    # Keys that many rows have.
    f"SELECT i, {OF_PEERS.replace('s)', 'g)')} FROM {{many}} WINDOW w AS (ORDER BY heavy)",
    f"SELECT i, {OF_PEERS.replace('s)', 'g)')} FROM {{many}} WINDOW w AS (ORDER BY one)",
    f"SELECT i, {OF_PEERS.replace('s)', 'g)')} FROM {{many}} WINDOW w AS (ORDER BY two, one)",
    "SELECT i, row_number() OVER (ORDER BY heavy, i), rank() OVER (ORDER BY heavy) FROM {many}",
    "SELECT i, rank() OVER (ORDER BY x), dense_rank() OVER (ORDER BY x) FROM {long}",
    # Beside and above other operators.
    "SELECT i, r FROM (SELECT i, row_number() OVER (ORDER BY v, i) AS r FROM {t}) WHERE r % 3 = 0",
    "SELECT i, v FROM {t} QUALIFY row_number() OVER (ORDER BY v DESC, i) <= 20",
    "SELECT r, count(*) FROM (SELECT rank() OVER (ORDER BY s) AS r FROM {t}) GROUP BY r",
    "SELECT k, n, rank() OVER (ORDER BY n DESC, k) FROM (SELECT v % 300 AS k, count(*) AS n "
    "FROM {t} GROUP BY k)",
    "SELECT a.i, rank() OVER (ORDER BY b.v) FROM {t} a JOIN {n} b USING (i)",
    "SELECT a.i, b.i FROM (SELECT i, row_number() OVER (ORDER BY v, i) AS r FROM {t}) a JOIN "
    "(SELECT i, row_number() OVER (ORDER BY v, i) AS r FROM {t}) b ON a.r = b.r + 1",
    "SELECT i, rank() OVER (ORDER BY r % 10) FROM (SELECT i, row_number() OVER (ORDER BY v, i) "
    "AS r FROM {t})",
    "SELECT i, rank() OVER (ORDER BY v) FROM {t} UNION ALL SELECT i, rank() OVER (ORDER BY s) "
    "FROM {t}",
    "WITH c AS MATERIALIZED (SELECT i, dense_rank() OVER (ORDER BY s) AS r FROM {t}) "
    "SELECT a.i, b.i FROM c a JOIN c b ON a.r = b.r AND a.i < b.i",
    "SELECT i, rank() OVER (ORDER BY v) AS r FROM {t} ORDER BY r DESC, i LIMIT 30",
    'SELECT i AS "range", rank() OVER (ORDER BY "a ""b""; -- x") AS "ORDER BY ""x""; --" FROM {t}',
    "SELECT v AS c0, i AS c1, rank() OVER (ORDER BY v) AS c0 FROM {t}",
    "SELECT rank() OVER (ORDER BY v) FROM {t}",
    "SELECT i, t.v, rank() OVER (ORDER BY u) FROM {t} t, unnest([t.v, t.i]) x(u)",
]

# One value for all rows.
TOTALS = [
    "SELECT i, count(*) OVER (), sum(v) OVER (), min(s) OVER (), max(d) OVER () FROM {t}",
    "SELECT i, avg(v) OVER (), avg(d) OVER (), stddev(v) OVER (), sum(d) OVER () FROM {n}",
    "SELECT i, v / sum(v) OVER () AS share FROM {t} WHERE g > 1",
    "SELECT i, count(DISTINCT s) OVER (), count(DISTINCT v) OVER (), sum(v) OVER () FROM {t}",
    "SELECT i, count(*) FILTER (WHERE b) OVER (), sum(DISTINCT g) FILTER (WHERE b) OVER (), "
    "count(DISTINCT s) FILTER (WHERE NOT b) OVER () FROM {t}",
    "SELECT i, count(DISTINCT s) FILTER (WHERE b) OVER (), sum(v) FILTER (WHERE b) OVER () "
    "FROM {t}",
    "SELECT i, median(v) OVER (), quantile_cont(d, 0.3) OVER (), bool_and(b) OVER () FROM {t}",
    "SELECT i, sum(v) OVER (ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING), "
    "max(v) OVER (ORDER BY g RANGE BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) FROM {t}",
    "SELECT i, count(*) OVER (), sum(v) OVER (), max(nothing) OVER () FROM {e}",
    "SELECT i, count(*) OVER (), sum(v) OVER () FROM {t} WHERE i < 0",
    "SELECT i, count(*) OVER () FROM {t} WHERE i = 7",
    "SELECT i, max(st) OVER (), min(word) OVER () FROM {n}",
    "SELECT g, count(*), sum(count(*)) OVER () FROM {t} GROUP BY g",
    "SELECT a.i, b.v, sum(b.v) OVER () FROM {t} a JOIN {n} b USING (i)",
    "SELECT a.i, n FROM (SELECT i, g, count(*) OVER () AS n FROM {t}) a JOIN {n} b USING (i)",
    "SELECT i, sum(v) OVER () + sum(s) FROM (SELECT i, v, count(*) OVER () AS s FROM {t}) "
    "GROUP BY i, v",
    "SELECT i, sum(n) OVER () FROM (SELECT i, v - avg(v) OVER () AS n FROM {t}) WHERE n > 0",
    'SELECT i AS "OVER ()", count(*) OVER () AS "a ""b""" FROM {t}',
    "SELECT i FROM {t} QUALIFY v = max(v) OVER ()",
]

# Stay in the order of the files.
ORDERED = [
    "SELECT i, v, sum(v) OVER () AS n FROM {t}",
    "SELECT list(i), min(n) FROM (SELECT i, count(*) OVER () AS n FROM {many} WHERE g = 1)",
    "SELECT i, n FROM (SELECT i, max(v) OVER () AS n FROM {t}) LIMIT 100 OFFSET 1200",
    "SELECT i, n, row_number() OVER () FROM (SELECT i, max(v) OVER () AS n FROM {t})",
    "SELECT first(i), last(i), min(n) FROM (SELECT i, count(*) OVER () AS n FROM {many})",
    "SELECT list(i) FROM (FROM (SELECT i, avg(v) OVER () AS n FROM {t}) UNION ALL "
    "FROM (SELECT i, avg(v) OVER () AS n FROM {n}))",
]

GATHERED = [
    "SELECT i, rank() OVER (ORDER BY to_days(g)) FROM {t}",
    "SELECT i, rank() OVER (ORDER BY [to_days(g)]) FROM {t}",
    "SELECT i, lag(i) OVER (ORDER BY v, i) FROM {t}",
    "SELECT i, rank() OVER (ORDER BY v), rank() OVER (ORDER BY s) FROM {t}",
    "SELECT i, rank() OVER (ORDER BY v), rank() OVER (ORDER BY v DESC) FROM {t}",
    "SELECT i, rank() OVER (ORDER BY s), rank() OVER (ORDER BY s NULLS FIRST) FROM {t}",
    "SELECT i, sum(v) OVER (ORDER BY i ROWS 3 PRECEDING) FROM {t}",
    "SELECT i, sum(v) OVER (ORDER BY i ROWS UNBOUNDED PRECEDING EXCLUDE CURRENT ROW) FROM {t}",
    "SELECT i, count(DISTINCT v) OVER (ORDER BY i) FROM {t}",
    "SELECT i, sum(v) OVER (ORDER BY i ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING) FROM {t}",
    "SELECT i, row_number(ORDER BY i DESC) OVER (ORDER BY i) FROM {t}",
    "SELECT i, ntile(g + 1) OVER (ORDER BY i) FROM {t}",
    "SELECT i, list(i ORDER BY i) OVER () FROM {n}",
    "SELECT i, (sum(i::BIGNUM) OVER (ORDER BY i))::VARCHAR FROM {t}",
    # The sums of ranges may be too large where those of all before are not.
    f"SELECT i, (sum(CASE i WHEN 2 THEN {-16 * 10**37}::HUGEINT WHEN 1530 THEN {9 * 10**37} "
    f"WHEN 1590 THEN {9 * 10**37} END) OVER (ORDER BY i))::VARCHAR FROM {{t}}",
    f"SELECT i, (sum(CASE WHEN i IN (10, 1500) THEN {6 * 10**37}::DECIMAL(38, 0) END) "
    "OVER (ORDER BY i))::VARCHAR FROM {t}",
    "SELECT i, count(*) OVER (ORDER BY i RANGE BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED "
    "FOLLOWING EXCLUDE CURRENT ROW) FROM {t}",
    "SELECT count(*) FROM (SELECT rank() OVER (ORDER BY random()) FROM {t})",
]


@pytest.fixture(scope="module")
def fill(tmp_path_factory: pytest.TempPathFactory) -> Fill:
    files = write_tables(tmp_path_factory.mktemp("tables"))

    def filled(sql: str) -> str:
        for name, file in files.items():
            sql = sql.replace(name, file)
        return sql

    return filled


def check(road: StageRoad, sql: str, stage_session: StageSession) -> None:
    with duckdb.connect(config={"threads": 1}) as plain:
        expected = duckdb_answer(plain, sql)
    frame = stage_session(road).sql(sql)
    assert_same(frame, expected)


@pytest.mark.parametrize(("road", "sql"), drawn(ROADS, SHARED, 0.7, 1))
def test_by_ranges(road: StageRoad, sql: str, fill: Fill, stage_session: StageSession) -> None:
    check(road, fill(sql), stage_session)
    if road in STAGE_ROADS:
        frame = stage_session(road).sql(fill(sql))
        assert_shared(frame, road, "window")
        kinds = {one["exchange"] for stage in stages_of(frame) for one in stage["inputs"]}
        assert "range" in kinds


@pytest.mark.parametrize(("road", "sql"), drawn(ROADS, TOTALS, 0.7, 1))
def test_totals(road: StageRoad, sql: str, fill: Fill, stage_session: StageSession) -> None:
    check(road, fill(sql), stage_session)
    if road in STAGE_ROADS:
        *before, last = stages_of(stage_session(road).sql(fill(sql)))
        assert last["tasks"] == road.options["partitions"]
        gathered = [why for stage in [*before, last] for why in stage["gathered"]]
        assert [why for why in gathered if "window" in why] == []


@pytest.mark.parametrize(
    ("road", "case"), drawn(ROADS, [*SORTED_BY_TYPES, *OF_TYPES, *SUMS], 0.4, 0.6)
)
def test_types(road: StageRoad, case: Case, fill: Fill, stage_session: StageSession) -> None:
    check(road, fill(case.sql), stage_session)


@pytest.mark.parametrize(("road", "sql"), drawn(ROADS, ORDERED, 1.5, 1))
def test_rows_keep_their_order(
    road: StageRoad, sql: str, fill: Fill, stage_session: StageSession
) -> None:
    with duckdb.connect(config={"threads": 1}) as plain:
        expected = duckdb_answer(plain, fill(sql)).rows
    for _ in range(2):
        assert_same_sequence(rows_of(stage_session(road).sql(fill(sql)).to_arrow()), expected)


@pytest.mark.parametrize("sql", GATHERED)
def test_one_task_has_the_others(sql: str, fill: Fill, stage_session: StageSession) -> None:
    check(SHUFFLED, fill(sql), stage_session)
    frame = stage_session(SHUFFLED).sql(fill(sql))
    assert_gathered(frame, "window", "windows without a common PARTITION BY")


@pytest.mark.parametrize("setting", ["default_order = 'DESC'", "default_null_order = 'NULLS_FIRST'",
                                     "default_collation = 'NOCASE'"])  # fmt: skip
def test_settings_decide(setting: str, fill: Fill, stage_session: StageSession) -> None:
    sql = fill("SELECT i, rank() OVER (ORDER BY word), dense_rank() OVER (ORDER BY word) FROM {t}")
    assert_shared_with_setting(stage_session(SHUFFLED), SHUFFLED, setting, sql, "window")


def test_ties_are_numbered_once(fill: Fill, stage_session: StageSession) -> None:
    """Rows with equal keys may get their numbers in any order, each its own."""
    sql = fill("SELECT heavy, row_number() OVER (ORDER BY heavy) AS r FROM {many}")
    rows = rows_of(stage_session(SHUFFLED).sql(sql).to_arrow())
    assert sorted(r for _, r in rows) == list(range(1, len(rows) + 1))
    assert [key for key, _ in sorted(rows, key=lambda row: row[1])] == sorted(
        key for key, _ in rows
    )


def test_what_is_small_is_gathered(fill: Fill, stage_session: StageSession) -> None:
    road = StageRoad("threads_3_broadcast", {"executor": "threads", "partitions": 3})
    for sql in ["SELECT i, rank() OVER (ORDER BY v) FROM {t}", "SELECT i, sum(v) OVER () FROM {t}"]:
        check(road, fill(sql), stage_session)
        frame = stage_session(road).sql(fill(sql))
        assert_gathered(frame, "window", "windows without a common PARTITION BY")


def test_explained(fill: Fill, stage_session: StageSession) -> None:
    sql = fill("SELECT i, row_number() OVER (ORDER BY v, i) r, sum(g) OVER (ORDER BY v) FROM {t}")
    frame = stage_session(SHUFFLED).sql(sql)
    roots = [stage["operators"][0]["operator"] for stage in stages_of(frame)]
    assert roots == [
        "top 30000 by random()",
        "sample of keys to sort by v",
        "into ranges of v",
        "aggregate count(*), sum(g) by range",
        "over the ranges before: count(*), sum(g)",
        "inner join on first range = range",
    ]
    deterministic = [stage["deterministic"] for stage in stages_of(frame)]
    assert deterministic == [False, False, True, True, True, False]


def test_written_files_are_in_order(
    fill: Fill, stage_session: StageSession, tmp_path: Path
) -> None:
    sql = fill("SELECT *, row_number() OVER (ORDER BY v, i) AS n FROM {many}")
    stage_session(SHUFFLED).sql(sql).write_parquet(tmp_path / "out")
    with duckdb.connect() as plain:
        found = duckdb_answer(plain, f"FROM '{tmp_path}/out/*.parquet'").rows
        assert_same_rows(found, duckdb_answer(plain, sql).rows)
        bounds = plain.execute(
            "SELECT min(n), max(n), count(*) FROM "
            f"read_parquet('{tmp_path}/out/*.parquet', filename=true) GROUP BY filename ORDER BY 1"
        ).fetchall()
    assert len(bounds) == 7
    assert all(last - first + 1 == rows for first, last, rows in bounds)

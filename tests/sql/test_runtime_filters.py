"""A join's filter on its keys, and a top N's on its values, never reach the rows below a LIMIT."""

from __future__ import annotations

from collections.abc import Callable

import duckdb
import pytest
import smallpond
from oracle import assert_same_rows, rows_of
from roads import STAGE_ROADS, StageRoad

NUM_ROWS = 60_000
GROUP = 10_000

# Rows come in groups whose ids jump, so that whole row groups can be left out: those from 100000,
# from 0, from 200000 …
TABLE_SQL = f"""
    SELECT i + CASE WHEN i < {GROUP} THEN 100000 WHEN i < {2 * GROUP} THEN -{GROUP}
                    ELSE 200000 END AS id, i AS place, i % 7 AS k
    FROM range({NUM_ROWS}) r(i)
"""
KEYS_SQL = "SELECT i AS id FROM range(250000, 250010) r(i)"
LIMIT = 15_000  # The first group and half of the second.

# Each with its answer, which no order of execution changes.
CASES = [
    (f"SELECT count(*) FROM (FROM {{t}} ORDER BY place LIMIT {LIMIT}) JOIN {{s}} USING (id)", 0),
    (f"SELECT count(*) FROM (FROM {{t}} ORDER BY place LIMIT {LIMIT}) b "
     "WHERE b.id IN (SELECT id FROM {s})", 0),
    (f"SELECT count(*) FROM (SELECT * FROM (FROM {{t}} ORDER BY place LIMIT {LIMIT}) UNION ALL "
     f"(FROM {{t}} ORDER BY place LIMIT {LIMIT})) b JOIN {{s}} USING (id)", 0),
    (f"SELECT count(*) FROM (FROM {{t}} LIMIT {LIMIT}) JOIN {{s}} USING (id)", 0),
    ("SELECT count(*) FROM (SELECT DISTINCT ON (k) * FROM {t} ORDER BY k, place) JOIN {s} "
     "USING (id)", 0),
    (f"SELECT max(id) FROM (SELECT id FROM (FROM {{t}} LIMIT {LIMIT}) ORDER BY id DESC LIMIT 5)",
     100_000 + GROUP - 1),
    (f"SELECT max(id) FROM (SELECT id FROM (FROM {{t}} WHERE k < 7 LIMIT {LIMIT}) "
     "ORDER BY id DESC LIMIT 5)", 100_000 + GROUP - 1),
    ("SELECT count(*) FROM (SELECT id, row_number() OVER (ORDER BY place) AS r FROM {t}) "
     "JOIN {s} USING (id) WHERE r <= 20000", 0),
]  # fmt: skip


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("groups")
    with duckdb.connect() as connection:
        for name, sql in [("t", TABLE_SQL), ("s", KEYS_SQL)]:
            connection.execute(f"COPY ({sql}) TO '{folder}/{name}.parquet' (ROW_GROUP_SIZE 5000)")
    return {name: f"'{folder}/{name}.parquet'" for name in ["t", "s"]}


@pytest.mark.parametrize(("sql", "expected"), CASES)
def test_rows_of_a_limit_direct(
    sql: str, expected: int, tables: dict[str, str], sp: smallpond.Session
) -> None:
    found = rows_of(sp.sql(sql.format(**tables)).to_arrow())
    assert_same_rows(found, [(expected,)])


@pytest.mark.parametrize("road", STAGE_ROADS, ids=lambda road: road.name)
def test_rows_of_a_limit_in_stages(
    road: StageRoad,
    tables: dict[str, str],
    stage_session: Callable[[StageRoad], smallpond.Session],
) -> None:
    for sql, expected in CASES:
        found = rows_of(stage_session(road).sql(sql.format(**tables)).to_arrow())
        assert found == [(expected,)], sql


# One scan of each is told by a join which keys can match: no LIMIT stands above it.
FILTERED = [
    "SELECT count(*) FROM {t} JOIN {s} USING (id)",
    f"SELECT count(*) FROM {{t}} a JOIN {{s}} USING (id) "
    f"JOIN (FROM {{t}} ORDER BY place LIMIT {LIMIT}) b ON a.k = b.k",
]


@pytest.mark.parametrize("sql", FILTERED)
def test_other_scans_are_filtered(sql: str, tables: dict[str, str], sp: smallpond.Session) -> None:
    told = sp.sql(sql.format(**tables)).explain(analyze=True)
    assert told.count("Dynamic Filters:") == 1

"""ORDER BY by ranges of its keys, and what goes by that order: plain DuckDB's sequence of rows."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest
import smallpond
from drawn import drawn
from oracle import assert_same_rows, assert_same_sequence, duckdb_answer, rows_of
from roads import SHUFFLED, StageRoad, StageSession, assert_in_stages
from sort_tables import Case, key_of, write_tables
from type_table import VALUES
from written import DIRECT, PROCESSES, data_files

STAGE_ROADS = [SHUFFLED, PROCESSES]
ROADS = [*STAGE_ROADS, DIRECT]

Fill = Callable[[str], str]

# Subqueries in whose order rows come.
SORTED = "(SELECT * FROM {t} ORDER BY v, i)"
DOWN = "(SELECT * FROM {t} ORDER BY v DESC, i)"
MANY = "(SELECT * FROM {many} ORDER BY v, i)"

TYPES = [
    Case(
        f"{kind}-{way}",
        f"SELECT i, x::VARCHAR FROM (SELECT i, {key_of(kind)} AS x FROM {{t}}) ORDER BY x {way}, i",
    )
    for kind in VALUES
    for way in ["", "DESC", "NULLS FIRST", "DESC NULLS LAST"]
]

KEYS = [
    "SELECT i FROM {t} WHERE v % 3 = 0 ORDER BY d, i",
    "SELECT i FROM {t} WHERE s > 'k3' ORDER BY d, i",
    "SELECT i, v FROM {t} WHERE length(s) > 2 ORDER BY b, i",
    "SELECT st.b, i FROM {t} WHERE s LIKE 'k1%' ORDER BY d, i",
    "SELECT i FROM {t} ORDER BY v, i",
    "FROM {t} ORDER BY v DESC, i DESC",
    "SELECT i FROM {t} ORDER BY d DESC NULLS LAST, s NULLS FIRST, i",
    "SELECT i FROM {t} ORDER BY nothing DESC NULLS FIRST, i",
    'SELECT i FROM {t} ORDER BY "a ""b""; -- x", i',
    'SELECT i AS "ORDER BY ""x""; --" FROM {t} ORDER BY "ORDER BY ""x""; --" DESC',
    "SELECT i FROM {t} ORDER BY abs(i - 700), CASE WHEN g = 1 THEN s ELSE 'x' END, -i",
    "SELECT v, i FROM {t} ORDER BY ALL",
    "SELECT s, d, i FROM {t} ORDER BY ALL DESC NULLS LAST",
    "SELECT d, v, i FROM {t} ORDER BY 2 DESC, 3",
    "SELECT g FROM {t} ORDER BY s, v, i",
    "SELECT i FROM {t} ORDER BY word COLLATE NOCASE, i",
    "SELECT i FROM {t} ORDER BY word COLLATE NOCASE.NOACCENT DESC NULLS FIRST, i",
    "SELECT i FROM {t} ORDER BY word COLLATE de, i",
    "SELECT i FROM {t} ORDER BY [s, word] DESC, {'a': v, 'b': i}",
    "SELECT t FROM {t} t ORDER BY t.v, t.i",
    "SELECT i FROM {t} ORDER BY (SELECT max(v) FROM {t}) - v, i",
    "SELECT i FROM {t} t ORDER BY (SELECT count(*) FROM {n} n WHERE n.g = t.g), i",
    "SELECT i FROM {t} ORDER BY i IN (SELECT v FROM {n}), i",
    "SELECT i FROM {t} WHERE g = 1 AND v > 10 ORDER BY s, i",
    "SELECT i, b FROM {t} WHERE b ORDER BY v, i",
    "SELECT i FROM {t} WHERE i < 0 ORDER BY v, i",
    "SELECT i FROM {t} WHERE i = 7 ORDER BY v, i",
    "SELECT i FROM {n} ORDER BY v, i",
    "SELECT i FROM {e} ORDER BY v, i",
    "SELECT i FROM {e} WHERE g = 1 ORDER BY v, i",
    "SELECT i FROM {t} ORDER BY filename DESC, file_row_number",
    "SELECT st.a, i FROM {t} ORDER BY st.b, i",
    "SELECT st.b, i FROM {t} WHERE st.a > 90 ORDER BY st.a, i",
    "SELECT unnest([i, v]) AS u, i, g FROM {t} ORDER BY u, i, g",
]

# Keys that many rows have, of which only the sequence of keys is determined.
HEAVY = [
    Case("one key", "SELECT one, i FROM {many} ORDER BY one", 1),
    Case("nothing but the key", "SELECT one FROM {many} ORDER BY one", 1),
    Case("a key of nulls", "SELECT nothing, i FROM {t} ORDER BY nothing", 1),
    Case("heavy", "SELECT heavy, i FROM {many} ORDER BY heavy", 1),
    Case("heavy and last", "SELECT heavy, v, i FROM {many} ORDER BY heavy DESC", 1),
    Case("two", "SELECT two, one, i FROM {many} ORDER BY two, one", 2),
    Case("two of a filter", "SELECT two, i FROM {many} WHERE g > 1 ORDER BY two DESC", 1),
    Case("ties", "SELECT s, d, i FROM {t} ORDER BY s NULLS FIRST, d", 2),
    Case("heavy with a second key", "SELECT i FROM {many} ORDER BY heavy, v DESC, i"),
    Case("heavy of a join", "SELECT a.g, a.i FROM {many} a JOIN {t} b USING (i) ORDER BY a.g", 1),
    Case("long", "SELECT x, i FROM {long} ORDER BY x", 1),
    Case("long and down", "SELECT x FROM {long} ORDER BY x DESC, i"),
    Case("long as the second key", "SELECT x FROM {long} ORDER BY i % 2, x, i DESC"),
]

ABOVE = [
    "SELECT i FROM {many} ORDER BY v, i LIMIT 15000",
    "SELECT i FROM {many} ORDER BY v, i LIMIT 9000 OFFSET 8000",
    "SELECT i FROM {many} ORDER BY v, i LIMIT 9000 OFFSET 19990",
    "SELECT i FROM {many} ORDER BY v DESC, i LIMIT 10%",
    "SELECT i FROM {t} ORDER BY v, i LIMIT 33.3% OFFSET 100",
    "SELECT i FROM {t} ORDER BY v, i LIMIT (SELECT count(*) // 2 FROM {t})",
    "SELECT i FROM {t} ORDER BY v, i OFFSET 1990",
    "SELECT i, row_number() OVER () AS r FROM SORTED",
    "SELECT i, lag(i) OVER () AS l, lead(s, 3, 'none') OVER () AS n FROM SORTED",
    "SELECT sum(r * i) FROM (SELECT i, row_number() OVER () AS r FROM MANY)",
    "SELECT first(i), last(i), any_value(s) FROM SORTED",
    "SELECT list(i) FROM SORTED",
    "SELECT list(i), first(i), last(i) FROM MANY",
    "SELECT string_agg(i, '/'), list(s) FILTER (WHERE b) FROM DOWN",
    "SELECT g, list(i), first(i), string_agg(s, ',') FROM SORTED GROUP BY g ORDER BY g",
    "SELECT list(i) FROM (SELECT i FROM {many} ORDER BY v DESC, i LIMIT 12000 OFFSET 7)",
    "FROM MANY WHERE v % 2 = 0",
    "SELECT i, unnest([1, 2]) AS u FROM SORTED",
    "SELECT DISTINCT ON (g) g, i FROM {t} ORDER BY g, v DESC, i",
    "SELECT DISTINCT ON (v) v, i FROM {t} ORDER BY v, i DESC",
    "SELECT DISTINCT ON (g) g, i FROM SORTED ORDER BY g",
    "FROM SORTED UNION ALL FROM DOWN",
    "SELECT i FROM {t} UNION ALL (SELECT i FROM SORTED UNION ALL SELECT i FROM DOWN)",
    "SELECT i FROM SORTED UNION ALL SELECT v FROM {t} ORDER BY 1",
    "WITH c AS MATERIALIZED SORTED SELECT list(i) FROM c UNION ALL SELECT list(v) FROM c",
    "WITH c AS MATERIALIZED SORTED SELECT i FROM c UNION ALL SELECT -i FROM c",
    "WITH c AS MATERIALIZED (SELECT i, row_number() OVER () AS r FROM SORTED) "
    "SELECT a.i, a.r, b.r FROM c a JOIN c b ON a.i = b.i ORDER BY a.r DESC",
    "SELECT t.i, n.i, n.s FROM {t} t JOIN {n} n ON t.i = n.v ORDER BY t.v, t.i, n.i",
    "SELECT t.i, n.i FROM {t} t LEFT JOIN {n} n ON t.i = n.v ORDER BY n.i NULLS FIRST, t.d, t.i",
    "SELECT i FROM {t} t ANTI JOIN {n} n ON t.i = n.v ORDER BY v, i",
    "SELECT v, count(*) AS c, sum(i) FROM {t} GROUP BY v ORDER BY c DESC, v",
    "SELECT g, s, count(*) FROM {t} GROUP BY ALL ORDER BY ALL",
    "SELECT DISTINCT v FROM {t} ORDER BY v DESC",
    "SELECT i, rank() OVER (PARTITION BY g ORDER BY v) AS r FROM {t} ORDER BY r, i",
    "SELECT i FROM (SELECT i, row_number() OVER () AS r FROM SORTED) ORDER BY r % 100, i",
    "SELECT i FROM (SELECT i, v FROM {t} WHERE random() >= 0) ORDER BY v, i",
    "SELECT a.i, n.c FROM (SELECT * FROM {many} ORDER BY v, i LIMIT 12000) a "
    "JOIN (SELECT g, count(*) AS c FROM {t} GROUP BY g) n USING (g) ORDER BY a.i",
    "SELECT i FROM SORTED ORDER BY s, i DESC",
    "SELECT i FROM (SELECT * FROM {many} ORDER BY v, i LIMIT 12000) ORDER BY g DESC, i",
    "SELECT a.i, b.i FROM (SELECT i, row_number() OVER () AS r FROM SORTED) a "
    "JOIN (SELECT i, row_number() OVER () AS r FROM DOWN) b USING (r) ORDER BY r",
    "SELECT (SELECT list(i) FROM SORTED), (SELECT list(i) FROM DOWN)",
    "SELECT sum(i) FROM SORTED",
]


def named(texts: list[str]) -> list[Case]:
    return [
        Case(text, text.replace("SORTED", SORTED).replace("DOWN", DOWN).replace("MANY", MANY))
        for text in texts
    ]


@pytest.fixture(scope="module")
def fill(tmp_path_factory: pytest.TempPathFactory) -> Fill:
    """Puts the files of the tables into a query."""
    tables = write_tables(tmp_path_factory.mktemp("unsorted"))

    def filled(sql: str) -> str:
        for name, files in tables.items():
            sql = sql.replace(name, files)
        return sql

    return filled


def check(sp: smallpond.Session, road: StageRoad, sql: str, case: Case, *settings: str) -> None:
    with duckdb.connect() as connection:
        for setting in settings:
            connection.execute(setting)
        expected = duckdb_answer(connection, sql).rows
    frame = sp.sql(sql)
    found = rows_of(frame.to_arrow())
    if case.num_keys is not None:
        assert_same_rows(found, expected)
        found, expected = ([row[: case.num_keys] for row in rows] for rows in (found, expected))
    assert_same_sequence(found, expected)
    if road is not DIRECT:
        assert_in_stages(frame, sql)


@pytest.mark.parametrize(
    ("road", "case"),
    [
        *drawn(ROADS, TYPES, 0.1, 0.4),
        *drawn(ROADS, named(KEYS), 0.35, 1),
        *drawn(ROADS, HEAVY, 0.35, 1),
        *drawn(ROADS, named(ABOVE), 0.35, 1),
    ],
)
def test_rows_come_in_order(
    road: StageRoad, case: Case, fill: Fill, stage_session: StageSession
) -> None:
    check(stage_session(road), road, fill(case.sql), case)


SETTINGS = [
    "default_order = 'DESC'",
    "default_null_order = 'NULLS_FIRST'",
    "default_null_order = 'NULLS_FIRST_ON_ASC_LAST_ON_DESC'",
    "default_collation = 'NOCASE'",
    "default_collation = 'de'",
]


@pytest.mark.parametrize(("road", "setting"), drawn(ROADS, SETTINGS, 0.4, 1))
def test_settings_decide(
    road: StageRoad, setting: str, fill: Fill, stage_session: StageSession
) -> None:
    sp = stage_session(road)
    sp.execute(f"SET {setting}")
    try:
        for way in ["", "DESC", "NULLS LAST"]:
            case = Case(way, f"SELECT i FROM {{t}} ORDER BY word {way}, i")
            check(sp, road, fill(case.sql), case, f"SET {setting}")
    finally:
        sp.execute(f"RESET {setting.split()[0]}")


@pytest.mark.parametrize("road", STAGE_ROADS, ids=lambda road: road.name)
def test_a_random_key_sorts_its_rows(
    road: StageRoad, fill: Fill, stage_session: StageSession
) -> None:
    """That are computed once: the sample's keys are those of the rows that are sorted."""
    sql = fill("SELECT i, r FROM (SELECT i, random() AS r FROM {many}) ORDER BY r DESC, i")
    rows = rows_of(stage_session(road).sql(sql).to_arrow())
    assert rows == sorted(rows, key=lambda row: (-row[1], row[0]))
    assert sorted(i for i, _ in rows) == list(range(20_000))


# Form, options, and the order of all rows by the files' names.
WRITES: list[tuple[str, dict[str, Any], str]] = [
    ("parquet", {}, "v DESC, i"),
    ("parquet", {"file_size": "2KB"}, "v DESC, i"),
    ("parquet", {"partition_by": "g"}, "g, v DESC, i"),
    ("csv", {}, "v DESC, i"),
    ("json", {}, "v DESC, i"),
]


@pytest.mark.parametrize("road", STAGE_ROADS, ids=lambda road: road.name)
@pytest.mark.parametrize(("form", "options", "order"), WRITES, ids=str)
def test_files_by_name_are_in_order(
    road: StageRoad,
    form: str,
    options: dict[str, Any],
    order: str,
    fill: Fill,
    stage_session: StageSession,
    tmp_path: Path,
) -> None:
    frame = stage_session(road).sql(fill("SELECT i, v, g, s FROM {t} ORDER BY v DESC, i"))
    getattr(frame, f"write_{form}")(tmp_path / "out", **options)
    files = data_files(tmp_path / "out")
    with duckdb.connect() as connection:
        found = []
        for file in files:
            found += connection.execute(f"SELECT i FROM read_{form}('{file}')").fetchall()
        expected = connection.execute(fill(f"SELECT i FROM {{t}} ORDER BY {order}")).fetchall()
    assert found == expected
    files_a_task = len(files) / road.options["partitions"]
    assert files_a_task > 1 if options else files_a_task == 1


def test_many_tasks_keep_the_order_in_folders(fill: Fill, tmp_path: Path) -> None:
    """More of them than a folder may have files."""
    many = {"partitions": 12, "broadcast_size": 1, "threads": 2, "duckdb_memory": "1GB"}
    with smallpond.init(executor="threads", data_root=tmp_path / "root", **many) as sp:
        rows = sp.sql(fill("SELECT i, v, g FROM {t}"))
        out = {
            "sorted": (sp.sql("FROM {0} ORDER BY v DESC, i", rows), 2),
            "partitions": (rows.repartition(12).partial_sort(by=["v DESC", "i"]), 12),
        }
        for name, (frame, _) in out.items():
            frame.write_parquet(tmp_path / name, partition_by="g")
    for name, (_, most) in out.items():
        folders = [folder for folder in (tmp_path / name).iterdir() if "=" in folder.name]
        assert folders
        for folder in folders:
            files = data_files(folder)
            assert len(files) <= most
            lists = [duckdb.sql(f"SELECT -v, i FROM '{file}'").fetchall() for file in files]
            together = [row for rows in lists for row in rows]
            found = [together] if name == "sorted" else lists
            assert all(rows == sorted(rows) for rows in found)


@pytest.mark.parametrize("road", STAGE_ROADS, ids=lambda road: road.name)
def test_explain_names_the_steps(road: StageRoad, fill: Fill, stage_session: StageSession) -> None:
    frame = stage_session(road).sql(fill("SELECT g, i FROM {t} t ORDER BY g DESC, i"))
    stages = json.loads(frame.explain(format="json"))["stages"]
    told = [
        (stage["operators"][0]["operator"], [way["exchange"] for way in stage["inputs"]])
        for stage in stages
    ]
    assert told[1:] == [
        ("sample of keys to sort by t.g desc, t.i", ["gather"]),
        ("into ranges of t.g desc, t.i", ["broadcast"]),
        ("order by t.g desc, t.i", ["range"]),
    ]
    assert stages[1]["tasks"] == 1
    assert stages[2]["partitions"] == stages[3]["tasks"] == road.options["partitions"]
    text = frame.explain()
    assert all(operator in text for operator, _ in told)

"""Queries in stages over files of all layouts, and over what only the session has."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import smallpond
from drawn import drawn
from oracle import assert_same, duckdb_answer
from roads import SHUFFLED, STAGE_ROADS, StageRoad, StageSession, assert_in_stages
from shapes import SHAPES, Shape

NUM_FILES = 5
# SUMMARIZE tells deviations as text, and their last digit depends on the order of the rows.
STAGE_SHAPES = [shape for shape in SHAPES if shape.name != "summarize"]
LAYOUTS = {"files": "parquet", "row_groups": "parquet", "csv": "csv", "json": "json"}


@pytest.fixture(scope="module")
def layouts(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """events and users, as a folder of files a table, in each layout."""
    folder = tmp_path_factory.mktemp("layouts")
    for table in ["events", "users"]:
        rows = pq.read_table(data / f"{table}.parquet")
        for layout in LAYOUTS:
            (folder / layout / table).mkdir(parents=True)
        pq.write_table(rows, folder / "row_groups" / table / "0.parquet", row_group_size=60)
        for number in range(NUM_FILES):
            begin, end = (rows.num_rows * n // NUM_FILES for n in (number, number + 1))
            part = rows.slice(begin, end - begin)
            pq.write_table(part, folder / "files" / table / f"{number}.parquet")
            for form in ["csv", "json"]:
                with duckdb.connect() as connection:
                    connection.register("part", part)
                    target = folder / form / table / f"{number}.{form}"
                    connection.execute(f"COPY (FROM part) TO '{target}' (FORMAT {form})")
    return folder


@pytest.fixture(scope="module")
def plain(layouts: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """Plain DuckDB with a schema of views for each layout."""
    with duckdb.connect() as connection:
        for layout, form in LAYOUTS.items():
            connection.execute(f"CREATE SCHEMA {layout}")
            for table in ["events", "users"]:
                files = f"'{layouts}/{layout}/{table}/*.{form}'"
                connection.execute(f"CREATE VIEW {layout}.{table} AS FROM read_{form}({files})")
        yield connection


def check_shape(
    shape: Shape,
    layout: str,
    folder: Path,
    plain: duckdb.DuckDBPyConnection,
    sp: smallpond.Session,
) -> None:
    plain.execute(f"USE {layout}")
    read = getattr(sp, f"read_{LAYOUTS[layout]}")
    users = read(folder / layout / "users")
    events = read(folder / layout / "events")
    try:
        expected = duckdb_answer(plain, shape.duckdb_sql)
    except duckdb.Error:  # CSV has no lists, JSON no decimals.
        with pytest.raises(smallpond.InvalidInputError):
            used = {"users": users} if "users" in shape.sql else {}
            sp.sql(shape.sql, events, **used).to_arrow()
        return
    used = {"users": users} if "users" in shape.sql else {}
    frame = sp.sql(shape.sql, events, **used)
    assert_in_stages(frame, shape.sql)
    assert_same(frame, expected, shape.order)


@pytest.mark.parametrize(("road", "shape"), drawn(STAGE_ROADS, STAGE_SHAPES, 1 / 2, 1 / 2))
def test_shapes_over_files(
    layouts: Path,
    plain: duckdb.DuckDBPyConnection,
    stage_session: StageSession,
    road: StageRoad,
    shape: Shape,
) -> None:
    check_shape(shape, "files", layouts, plain, stage_session(road))


@pytest.mark.parametrize("layout", ["row_groups", "csv", "json"])
@pytest.mark.parametrize(("road", "shape"), drawn(STAGE_ROADS, STAGE_SHAPES, 1 / 8, 1 / 4))
def test_shapes_over_other_layouts(
    layouts: Path,
    plain: duckdb.DuckDBPyConnection,
    stage_session: StageSession,
    layout: str,
    road: StageRoad,
    shape: Shape,
) -> None:
    check_shape(shape, layout, layouts, plain, stage_session(road))


# --- readers' options


@pytest.fixture(scope="module")
def odd(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folders that a reader has to look at closely."""
    folder = tmp_path_factory.mktemp("odd")
    with duckdb.connect() as connection:
        connection.execute(
            "CREATE TABLE t AS SELECT i, i % 3 AS p, 'x' || i AS s, i / 4 AS d FROM range(60) t(i)"
        )
        connection.execute(f"COPY t TO '{folder}/hive' (FORMAT parquet, PARTITION_BY (p))")
        connection.execute(f"COPY t TO '{folder}/hive_csv' (FORMAT csv, PARTITION_BY (p))")
        copies = {
            "union/0.parquet": "SELECT i, s FROM t WHERE p = 0",
            "union/1.parquet": "SELECT d, i::BIGINT AS i FROM t WHERE p = 1",
            "union/2.parquet": "SELECT i::INTEGER AS i, s AS other FROM t WHERE p = 2",
            "plain [1]*/0.parquet": "SELECT i, s FROM t WHERE p = 0",
            "plain [1]*/1.parquet": "SELECT s, i FROM t WHERE p = 1",
            "plain [1]*/2.parquet": "SELECT s, i::SMALLINT AS i FROM t WHERE p = 2",
            "gz/0.csv.gz": "SELECT i, s FROM t WHERE p = 0",
            "gz/1.csv.gz": "SELECT i, s FROM t WHERE p = 1",
            "dialects/0.csv": "SELECT i, s FROM t WHERE p = 0",
            "names/0.csv": "SELECT i, s FROM t WHERE p = 0",
            "names/1.csv": "SELECT d, i FROM t WHERE p = 1",
            "types/0.csv": "SELECT i, i AS v FROM t WHERE p = 0",
            "types/1.csv": "SELECT i, s AS v FROM t WHERE p = 1",
            "json/0.json": "SELECT i, s FROM t WHERE p = 0",
            "json/1.json": "SELECT i, d FROM t WHERE p = 1",
            "json/2.json.gz": "SELECT i, {'a': s} AS nested FROM t WHERE p = 2",
        }
        for name, sql in copies.items():
            (folder / name).parent.mkdir(exist_ok=True)
            connection.execute(f"COPY ({sql}) TO '{folder}/{name}'")
        connection.execute(
            f"COPY (SELECT i, s FROM t WHERE p = 1) TO '{folder}/dialects/1.csv' (DELIMITER ';')"
        )
    pq.write_table(
        pa.table({"i": range(500), "s": ["a"] * 500}), folder / "groups.parquet", row_group_size=60
    )
    return folder


READERS = {
    "hive": ("parquet", "hive/**/*.parquet", {}, "SELECT p, count(*), sum(i) FROM t GROUP BY p"),
    "hive_filter": ("parquet", "hive/**/*.parquet", {}, "SELECT i, p FROM t WHERE p = 1"),
    "hive_off": (
        "parquet", "hive/**/*.parquet", {"hive_partitioning": False}, "SELECT * FROM t"
    ),
    "hive_csv": ("csv", "hive_csv/**/*.csv", {}, "SELECT p, count(*), sum(i) FROM t GROUP BY p"),
    "union_by_name": ("parquet", "union/*.parquet", {"union_by_name": True}, "FROM t"),
    "union_by_name_grouped": (
        "parquet", "union/*.parquet", {"union_by_name": True},
        "SELECT s IS NULL, d IS NULL, count(*), sum(i) FROM t GROUP BY ALL",
    ),
    "columns_in_other_order": ("parquet", "plain [[]1[]][*]/*.parquet", {}, "FROM t"),
    "filename": (
        "parquet", "plain [[]1[]][*]/*.parquet", {"filename": True},
        "SELECT filename, count(*), min(i) FROM t GROUP BY filename",
    ),
    "filename_filter": (
        "parquet", "plain [[]1[]][*]/*.parquet", {"filename": True},
        "SELECT i FROM t WHERE filename LIKE '%1.parquet'",
    ),
    "filename_csv": ("csv", "names/*.csv", {"filename": True, "union_by_name": True}, "FROM t"),
    "file_row_number": (
        "parquet", "groups.parquet", {"file_row_number": True},
        "SELECT i, file_row_number FROM t WHERE file_row_number % 7 = 0",
    ),
    "row_groups": ("parquet", "groups.parquet", {}, "SELECT count(*), sum(i) FROM t"),
    "row_groups_filter": ("parquet", "groups.parquet", {}, "SELECT i FROM t WHERE i % 61 = 3"),
    "no_columns": ("parquet", "groups.parquet", {}, "SELECT count(*) FROM t"),
    "gz": ("csv", "gz/*.csv.gz", {}, "SELECT i % 5 AS g, count(*), min(s) FROM t GROUP BY g"),
    "dialects": ("csv", "dialects/*.csv", {}, "FROM t"),
    "names": ("csv", "names/*.csv", {"union_by_name": True}, "FROM t"),
    "types": ("csv", "types/*.csv", {}, "FROM t"),
    "types_united": ("csv", "types/*.csv", {"union_by_name": True}, "FROM t"),
    "all_varchar": ("csv", "types/*.csv", {"all_varchar": True}, "SELECT v, i FROM t"),
    "json": ("json", "json/*.json*", {}, "FROM t"),
    "json_united": ("json", "json/*.json*", {"union_by_name": True}, "FROM t"),
}  # fmt: skip


@pytest.mark.parametrize("name", READERS)
def test_readers(odd: Path, stage_session: StageSession, name: str) -> None:
    form, files, options, sql = READERS[name]
    sp = stage_session(SHUFFLED)
    listed = "".join(f", {key} = {value}" for key, value in options.items())
    with duckdb.connect() as connection:
        source = f"read_{form}('{odd}/{files}'{listed})"
        try:
            expected = duckdb_answer(connection, sql.replace("FROM t", f"FROM {source}"))
        except duckdb.Error:
            with pytest.raises(smallpond.Error):
                frame = getattr(sp, f"read_{form}")(f"{odd}/{files}", **options)
                sp.sql(sql, t=frame).to_arrow()
            return
    frame = getattr(sp, f"read_{form}")(f"{odd}/{files}", **options)
    found = sp.sql(sql, t=frame)
    assert_in_stages(found, sql)
    assert_same(found, expected)


# --- what the session has

SETUP = [
    "SET TimeZone = 'Asia/Tokyo'",
    "SET default_collation = 'nocase'",
    "CREATE TYPE mood AS ENUM ('sad', 'ok', 'glad')",
    "CREATE MACRO doubled(x) AS 2 * x",
    "CREATE TABLE kept AS SELECT i AS k, 'n' || i AS name FROM range(9) t(i)",
    "CREATE VIEW few AS FROM kept WHERE k < 4",
]
OF_THE_SESSION = [
    "SELECT k, name, count(*) FROM big JOIN kept USING (k) GROUP BY ALL",
    "SELECT k, count(*) FROM big JOIN few USING (k) GROUP BY ALL",
    "SELECT doubled(k) AS k2, sum(doubled(v)) FROM big GROUP BY k2",
    "SELECT (['sad', 'ok', 'glad'])[1 + v % 3]::mood AS m, count(*) FROM big GROUP BY m",
    "SELECT date_trunc('day', TIMESTAMPTZ '2026-01-01 00:00:00+00' + to_hours(v)) AS day, "
    "count(*) FROM big GROUP BY day",
    "SELECT (TIMESTAMPTZ '2026-01-01 00:00:00+00' + to_hours(v))::VARCHAR FROM big",
    "SELECT lower(min(s)), count(*) FROM big GROUP BY s",
    "SELECT count(*) FROM big a JOIN big b ON a.s = b.s WHERE a.v < 5",
    "SELECT count(DISTINCT s) FROM big",
    "SELECT k, $limit AS most, count(*) FROM big WHERE v < $limit GROUP BY k",
    "SELECT k, x, count(*) FROM big JOIN arrow_table USING (k) GROUP BY ALL",
    "SELECT k, x, count(*) FROM big JOIN frame USING (k) GROUP BY ALL",
    "SELECT k FROM big WHERE k NOT IN (SELECT k FROM frame)",
    "SELECT x, (SELECT count(*) FROM big WHERE big.k = frame.k) AS n FROM frame",
]


@pytest.mark.parametrize("executor", ["threads", "processes"])
def test_of_the_session(tmp_path: Path, executor: str) -> None:
    arrow_table = pa.table({"k": [1, 2, None], "x": ["a", "b", "c"]})
    frame = pd.DataFrame({"k": [3, 4, 77], "x": [0.5, 1.5, 2.5]})
    for number in range(3):
        rows = range(number * 50, number * 50 + 50)
        text = ["aAbB"[i % 4] for i in rows]
        table = pa.table({"k": [i % 11 for i in rows], "v": list(rows), "s": text})
        pq.write_table(table, tmp_path / f"{number}.parquet")
    workers = {"num_executors": 2} if executor == "processes" else {}
    options = {"executor": executor, "partitions": 3, "broadcast_size": 1, **workers}
    with (
        smallpond.init(duckdb_memory="1GB", threads=2, **options) as sp,
        duckdb.connect() as connection,
    ):
        for statement in SETUP:
            sp.execute(statement)
            connection.execute(statement)
        connection.execute(f"CREATE VIEW big AS FROM '{tmp_path}/*.parquet'")
        connection.register("arrow_table", arrow_table)
        connection.register("frame", frame)
        big = sp.read_parquet(tmp_path)
        inputs = {"big": big, "arrow_table": arrow_table, "frame": frame}
        for sql in OF_THE_SESSION:
            used = {name: value for name, value in inputs.items() if name in sql}
            params = {"limit": 40} if "$limit" in sql else None
            found = sp.sql(sql, params=params, **used)
            assert_in_stages(found, sql)
            assert_same(found, duckdb_answer(connection, sql, params))


@pytest.mark.parametrize("executor", ["threads", "processes"])
def test_encrypted_files(tmp_path: Path, executor: str) -> None:
    """Nothing but the reader can open their footers, so tasks read whole files."""
    add_key = "PRAGMA add_parquet_key('k', '0123456789abcdef')"
    key = {"footer_key": "k"}
    workers = {"num_executors": 2} if executor == "processes" else {}
    with (
        smallpond.init(
            duckdb_memory="1GB", threads=2, executor=executor, partitions=7, **workers
        ) as sp,
        duckdb.connect() as connection,
    ):
        connection.execute("SET force_mbedtls_unsafe = true")  # Writes without OpenSSL.
        connection.execute(add_key)
        sp.execute(add_key)
        for number in range(3):
            rows = f"SELECT i, i % 11 AS k, 'n' || i AS s FROM range({number}000, {number}999) t(i)"
            connection.execute(
                f"COPY ({rows}) TO '{tmp_path}/{number}.parquet' (ENCRYPTION_CONFIG {key})"
            )
        for files in ["*.parquet", "1.parquet"]:
            source = f"read_parquet('{tmp_path}/{files}', encryption_config = {key})"
            frame = sp.read_parquet(f"{tmp_path}/{files}", encryption_config=key)
            for sql in ["SELECT k, count(*), sum(i), max(s) FROM t GROUP BY k", "FROM t"]:
                expected = duckdb_answer(connection, sql.replace("FROM t", f"FROM {source}"))
                found = sp.sql(sql, t=frame)
                assert_in_stages(found, sql)
                assert_same(found, expected)
                assert_same(sp.sql(sql.replace("FROM t", f"FROM {source}")), expected)
            assert "read_parquet" in frame.explain()

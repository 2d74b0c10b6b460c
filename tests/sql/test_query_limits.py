"""Queries that are large in one way or another: many stages, columns, levels, names, files."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest
import smallpond
from oracle import assert_same_rows, duckdb_answer, rows_of
from roads import ONE_TASK, SHUFFLED, StageRoad, StageSession, assert_in_stages

PROCESSES = StageRoad(
    "processes_2",
    {"executor": "processes", "num_executors": 2, "partitions": 7, "broadcast_size": 1},
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Seven files with the columns i and k."""
    folder = tmp_path_factory.mktemp("t")
    with duckdb.connect() as connection:
        for number in range(7):
            rows = f"SELECT i, i % 3 AS k FROM range(50) r(i) WHERE i % 7 = {number}"
            connection.execute(f"COPY ({rows}) TO '{folder}/{number}.parquet'")
    return folder


def check(sp: smallpond.Session, folder: Path, query: str) -> list[dict[str, object]]:
    files = f"'{folder}/*.parquet'"
    frame = sp.sql(query, t=sp.sql(f"FROM {files}"))
    with duckdb.connect() as connection:
        connection.execute(f"CREATE VIEW t AS FROM {files}")
        expected = duckdb_answer(connection, query)
    assert_same_rows(rows_of(frame.to_arrow()), expected.rows)
    return assert_in_stages(frame, query)


def union_of_aggregates(count: int) -> str:
    return " UNION ALL ".join(f"SELECT {n} AS n, sum(i + {n}) AS s FROM t" for n in range(count))


@pytest.mark.parametrize("road", [SHUFFLED, PROCESSES], ids=lambda road: road.name)
def test_union_of_64_aggregates(road: StageRoad, folder: Path, stage_session: StageSession) -> None:
    stages = check(stage_session(road), folder, union_of_aggregates(64))
    assert max(len(stage["inputs"]) for stage in stages) == 64


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_union_of_2000_aggregates(folder: Path, stage_session: StageSession) -> None:
    sp = stage_session(ONE_TASK)
    frame = sp.sql(union_of_aggregates(2000), t=sp.read_parquet(folder))
    found = sorted(row["s"] for row in frame.take_all())
    assert found == [sum(range(50)) + 50 * n for n in range(2000)]


# Each names what is large about it.
SHAPES = {
    "columns": "SELECT k, "
    + ", ".join(f"sum(i + {n}) AS c{n}" for n in range(1000))
    + " FROM t GROUP BY k",
    "distinct_columns": "SELECT DISTINCT "
    + ", ".join(f"i % {n + 2} AS c{n}" for n in range(300))
    + " FROM t",
    "levels": "SELECT k, sum(i) FROM "
    + "(SELECT k, i + 1 AS i FROM " * 60
    + "t"
    + ")" * 60
    + " GROUP BY k",
    "aggregates_of_aggregates": "SELECT max(i) FROM "
    + "(SELECT k + i AS k, sum(i) AS i FROM " * 12
    + "t"
    + " GROUP BY ALL)" * 12,
    "expression": "SELECT k, sum(" + " + ".join(["i"] * 200) + ") FROM t GROUP BY k",
    "in_list": f"SELECT k, count(*) FROM t WHERE i IN ({', '.join(map(str, range(0, 40000, 2)))}) "
    "GROUP BY k",
    "literal": f"SELECT k, max('{'x' * 1_000_000}' || i) AS m FROM t GROUP BY k",
    "names": f'SELECT k AS "{"n" * 5000}", count(*) AS "{"ü" * 3000}" FROM t GROUP BY k',
    "joins": "SELECT count(*) FROM t t0 "
    + " ".join(f"JOIN t t{n} ON t{n}.i = t{n - 1}.i" for n in range(1, 12)),
    "text": "SELECT k, count(*) FROM t GROUP BY k --" + "x" * 500_000,
}


@pytest.mark.parametrize("shape", SHAPES)
def test_large_query(shape: str, folder: Path, stage_session: StageSession) -> None:
    check(stage_session(SHUFFLED), folder, SHAPES[shape])


def test_names_of_folders(oracle: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    """The job's folder and the files lie under long and odd names."""
    root = tmp_path
    for _ in range(10):
        root = root / ("d" * 200)
    odd = tmp_path / "a'b\"c {0} ü [x]"
    odd.mkdir()
    for number in range(2):
        oracle.execute(f"COPY (SELECT {number} AS i) TO '{tmp_path}/{number}.parquet'")
        (tmp_path / f"{number}.parquet").rename(odd / f"{number}.parquet")
    with smallpond.init(
        executor="threads", threads=1, partitions=2, broadcast_size=1, data_root=root
    ) as sp:
        frame = sp.sql("SELECT i % 2 AS k, sum(i) AS s FROM {0} GROUP BY k", sp.read_parquet(odd))
        assert sorted(row["s"] for row in frame.take_all()) == [0, 1]

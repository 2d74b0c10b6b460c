"""TPC-H in stages: all 22 queries give plain DuckDB's answer. DuckDB's extension makes the data."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import duckdb
import pytest
import smallpond
from drawn import drawn
from oracle import Answer, Rows, assert_same_rows, assert_same_sequence, duckdb_answer, frame_answer
from roads import (
    BROADCAST,
    ONE_TASK,
    SHUFFLED,
    StageRoad,
    StageSession,
    assert_in_stages,
    open_sessions,
)

TABLES = ["customer", "lineitem", "nation", "orders", "part", "partsupp", "region", "supplier"]
NUM_FILES = 4  # Of each table, where there are several.
ROWS_PER_GROUP = {0.01: 5_000, 1: 100_000}

FAST = [ONE_TASK, SHUFFLED]
SLOW = [
    *FAST,
    BROADCAST,
    StageRoad("processes_4", {"executor": "processes", "num_executors": 4, "whole_size": 0}),
]


def extension() -> Path:
    """The file of the tpch extension, which a Python package of that name holds."""
    spec = find_spec("duckdb_extension_tpch")
    assert spec and spec.origin, "Install requirements-dev.txt"
    return next(Path(spec.origin).parent.rglob("tpch.duckdb_extension"))


def write_tables(connection: duckdb.DuckDBPyConnection, scale: float, folder: Path) -> None:
    """Writes each table as several files, and as one file of several row groups."""
    connection.execute(f"CALL dbgen(sf = {scale})")
    options = f"(FORMAT parquet, ROW_GROUP_SIZE {ROWS_PER_GROUP[scale]})"
    for table in TABLES:
        [(rows,)] = connection.execute(f"SELECT count(*) FROM {table}").fetchall()
        (folder / "files" / table).mkdir(parents=True)
        (folder / "one_file").mkdir(exist_ok=True)
        for number in range(NUM_FILES):
            begin, end = (rows * n // NUM_FILES for n in (number, number + 1))
            connection.execute(
                f"COPY (FROM {table} WHERE rowid >= {begin} AND rowid < {end}) "
                f"TO '{folder}/files/{table}/{number}.parquet' {options}"
            )
        connection.execute(f"COPY {table} TO '{folder}/one_file/{table}.parquet' {options}")


class Tpch:
    """The data of one size, the queries, and what plain DuckDB answers."""

    def __init__(self, scale: float, folder: Path) -> None:
        self.folder = folder
        self.connection = duckdb.connect()
        self.connection.execute(f"LOAD '{extension()}'")
        write_tables(self.connection, scale, folder)
        self.queries = dict(self.connection.execute("FROM tpch_queries()").fetchall())

    def check(self, sp: smallpond.Session, number: int, layout: str) -> None:
        paths = {
            "files": lambda table: self.folder / "files" / table,
            "one_file": lambda table: self.folder / "one_file" / f"{table}.parquet",
        }
        sql = self.queries[number]
        used = {t: sp.read_parquet(paths[layout](t)) for t in TABLES if reads(sql, t)}
        expected = duckdb_answer(self.connection, sql)
        frame = sp.sql(sql, **used)
        assert assert_in_stages(frame, sql)
        answer = frame_answer(frame)
        assert answer.names == expected.names
        assert answer.types == expected.types
        assert_same_rows(answer.rows, expected.rows)
        if "ORDER BY" in sql:
            assert_same_sequence(keys_of(sql, answer), keys_of(sql, expected))


def reads(sql: str, table: str) -> bool:
    words = sql.replace(",", " ").replace("(", " ").replace(")", " ").replace(";", " ").split()
    return table in words


def keys_of(sql: str, answer: Answer) -> Rows:
    """The columns that the query sorts by, in the order of the rows."""
    order = sql.rstrip("; \n").rsplit("ORDER BY", 1)[1].split("LIMIT")[0]
    names = [part.split()[0] for part in order.split(",")]
    positions = [answer.names.index(name) for name in names]
    return [tuple(row[position] for position in positions) for row in answer.rows]


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Tpch:
    return Tpch(0.01, tmp_path_factory.mktemp("tpch_small"))


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Tpch:
    return Tpch(1, tmp_path_factory.mktemp("tpch_large"))


@pytest.fixture(scope="module")
def session_of() -> Iterator[StageSession]:
    with open_sessions(duckdb_memory="4GB", threads=4) as session_of:
        yield session_of


@pytest.mark.parametrize("number", range(1, 23))
@pytest.mark.parametrize("road", FAST, ids=lambda road: road.name)
def test_small(small: Tpch, session_of: StageSession, road: StageRoad, number: int) -> None:
    small.check(session_of(road), number, "files")


@pytest.mark.parametrize("number", range(1, 23))
def test_small_in_one_file(small: Tpch, session_of: StageSession, number: int) -> None:
    small.check(session_of(FAST[1]), number, "one_file")


@pytest.mark.slow
@pytest.mark.parametrize("number", range(1, 23))
@pytest.mark.parametrize(("layout", "road"), drawn(["files", "one_file"], SLOW, 0, 1))
def test_large(
    large: Tpch, session_of: StageSession, road: StageRoad, layout: str, number: int
) -> None:
    large.check(session_of(road), number, layout)

"""Wide random SQL on all roads: the answer is plain DuckDB's, or both refuse.

A road is drawn for each query. In a quarter of the runs on worker processes a worker is killed at
some task or loses its rows, and one session has little memory. What fails is made small before it
is shown.

.venv/bin/python tests/sql/test_random_sql.py 1234      runs the query of one seed on every road
"""

from __future__ import annotations

import random
import sys
import tempfile
import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
import pytest
import smallpond
from drawn import SEED
from oracle import is_same_value
from random_sql import Generator
from relations import CREATE, TABLES, Relation, reduced
from worker_faults import VARIABLE, WorkerFaults

CHUNK = 100  # Queries of one test.
IN_FAST_TIER, IN_SLOW_TIER, IN_ALL = 2, 20, 500  # Chunks.
FILES = {"large": 7, "small": 3, "tiny": 1, "empty": 1}
ROADS: dict[str, dict[str, Any]] = {
    "direct": {},
    "shuffled": {"executor": "threads", "partitions": 7, "broadcast_size": 1},
    "broadcast": {"executor": "threads", "partitions": 7},
    "one": {"executor": "threads", "partitions": 1},
    "short": {
        "executor": "threads", "partitions": 3, "broadcast_size": 1, "duckdb_memory": "80MB",
    },
    "processes": {
        "executor": "processes", "num_executors": 2, "partitions": 3, "broadcast_size": 1,
    },
}  # fmt: skip
WEIGHTS = [1, 4, 2, 1, 1, 2]
KILLS_ONE_IN = 4  # Of the runs on processes.
ORACLE_SECONDS = 5
MOST_ROWS = 5_000
ANSWERED, REFUSED_BY_BOTH, TOO_LARGE, BREAKS = (
    "same",
    "refused by both",
    "too large",
    "breaks DuckDB",
)


@dataclass
class World:
    """The tables, plain DuckDB over them, and a session for each road."""

    folder: Path
    oracle: duckdb.DuckDBPyConnection = field(init=False)
    sessions: dict[str, smallpond.Session] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.faults = WorkerFaults(self.folder / "faults")
        self.faults.folder.mkdir()
        with duckdb.connect() as connection:
            for name, rows in TABLES.items():
                connection.execute(CREATE.format(name=name, rows=rows))
                self.write(connection, name, rows)
        self.connect()

    def write(self, connection: duckdb.DuckDBPyConnection, name: str, rows: int) -> None:
        (self.folder / name).mkdir()
        parts = [
            (rows * n // FILES[name], rows * (n + 1) // FILES[name]) for n in range(FILES[name])
        ]
        if len(parts) > 1:
            parts.insert(1, (0, 0))  # A file without rows.
        for number, (begin, end) in enumerate(parts):
            connection.execute(
                f'COPY (FROM "{name}" WHERE rowid >= {begin} AND rowid < {end}) '
                f"TO '{self.folder}/{name}/{number}.parquet'"
            )

    def connect(self) -> None:
        """Plain DuckDB reads the same files: the same statistics, so the same plans. Without the
        rule that lets filters change what DISTINCT ON and LIMIT see."""
        self.oracle = duckdb.connect(config={"threads": 1})
        self.oracle.execute("SET disabled_optimizers = 'join_filter_pushdown'")
        for name in TABLES:
            self.oracle.execute(
                f"CREATE VIEW \"{name}\" AS FROM read_parquet('{self.folder}/{name}/*.parquet')"
            )

    def session(self, road: str) -> smallpond.Session:
        if road not in self.sessions:
            options = {"threads": 2, "duckdb_memory": "500MB", **ROADS[road]}
            self.sessions[road] = smallpond.init(**options, data_root=self.folder / "root")
        return self.sessions[road]

    def close(self) -> None:
        for session in self.sessions.values():
            session.shutdown()
        self.oracle.close()

    # Rows as texts, but for floats: what a type becomes in Arrow is tested elsewhere.

    def expected(self, sql: str) -> list[tuple[Any, ...]] | str:
        timer = threading.Timer(ORACLE_SECONDS, self.oracle.interrupt)
        timer.start()
        try:
            rows = self.oracle.execute(sql).fetchmany(MOST_ROWS + 1)
        except duckdb.InterruptException:
            return TOO_LARGE
        except duckdb.Error as error:
            if "INTERNAL Error" in str(error):
                self.connect()  # The database can't go on.
                return BREAKS
            return REFUSED_BY_BOTH
        finally:
            timer.cancel()
        return TOO_LARGE if len(rows) > MOST_ROWS else rows

    def found(self, sql: str, road: str) -> list[tuple[Any, ...]] | str:
        sp = self.session(road)
        try:
            inputs = {name: sp.read_parquet(self.folder / name) for name in TABLES}
            table = sp.sql(sql, **inputs).to_arrow()
        except smallpond.Error as error:
            return f"{type(error).__name__}: {error}"
        return list(zip(*(column.to_pylist() for column in table.columns), strict=True))

    def difference(self, query: Relation, order: list[int], road: str) -> str:
        """What is wrong with the answer, or nothing."""
        sql = shown(query, order)
        expected = self.expected(sql)
        if expected in (TOO_LARGE, BREAKS):
            self.counts[str(expected)] += 1
            return ""
        found = self.found(sql, road)
        if isinstance(expected, str):
            self.counts[REFUSED_BY_BOTH] += 1
            return "" if isinstance(found, str) else f"DuckDB refuses it, {road} gives {found[:3]}"
        if isinstance(found, str):
            return found
        self.counts[ANSWERED] += 1
        return compare(found, expected, order)


def shown(query: Relation, order: list[int]) -> str:
    columns = ", ".join(
        f"q.c{i}" if one.type in ("DOUBLE", "FLOAT") else f"q.c{i}::VARCHAR AS c{i}"
        for i, one in enumerate(query.columns)
    )
    by = ", ".join(f"q.c{i}" for i in order if i < len(query.columns))
    return f"SELECT {columns} FROM ({query.sql}) q" + (f" ORDER BY {by}" if by else "")


def compare(found: list[tuple[Any, ...]], expected: list[tuple[Any, ...]], order: list[int]) -> str:
    if len(found) != len(expected):
        return f"{len(found)} rows, {len(expected)} expected"
    pairs = list(zip(sorted(found, key=sort_key), sorted(expected, key=sort_key), strict=True))
    for one, other in pairs:
        if not is_same_value(one, other):
            return f"found {one}\nexpected {other}"
    for one, other in zip(found, expected, strict=True):
        for i in order:
            if i < len(one) and not is_same_value(one[i], other[i]):
                return f"ordered otherwise: found {one}\nexpected {other}"
    return ""


def sort_key(row: tuple[Any, ...]) -> tuple[Any, ...]:
    """By what is exact first, and then by floats, whose last digits may differ."""
    is_float = [isinstance(value, float) for value in row]
    texts = [str(value) for value, skip in zip(row, is_float, strict=True) if not skip]
    floats = [value for value, keep in zip(row, is_float, strict=True) if keep]
    return is_float, texts, [(value == value, value if value == value else 0) for value in floats]


def run_seed(world: World, seed: int, road: str = "") -> None:
    draws = random.Random(seed)
    query = Generator(seed, world.oracle).query()
    order = draws.sample(query.exact(), min(len(query.exact()), draws.choice([0, 0, 1, 2])))
    road = road or draws.choices(list(ROADS), WEIGHTS)[0]
    kills = road == "processes" and draws.randrange(KILLS_ONE_IN) == 0
    if kills:
        fault = draws.choice(["kill-at-start", "kill-in-middle", "kill-at-end", "drop", "cut"])
        world.faults.ask(draws.randrange(4), draws.randrange(3), fault)
    wrong = world.difference(query, order, road)
    for left in world.faults.pending():
        (world.faults.folder / left).unlink(missing_ok=True)
    if not wrong:
        return
    small = reduced(query, lambda one: bool(world.difference(one, order, road)))
    told = world.difference(small, order, road) or "(only with the killed worker, or now and then)"
    pytest.fail(
        f"Seed {seed} on {road}{', a worker killed' if kills else ''}:\n{wrong}\n\n"
        f"{shown(query, order)}\n\nThe smallest that fails:\n{shown(small, order)}\n{told}",
        pytrace=False,
    )


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("random_sql")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(VARIABLE, str(folder / "faults"))
        world = World(folder)
        yield world
        world.close()


def chunks() -> list[Any]:
    late = [(IN_FAST_TIER, []), (IN_SLOW_TIER, [pytest.mark.slow]), (IN_ALL, [pytest.mark.whole])]
    begin, found = 0, []
    for end, marks in late:
        found += [pytest.param(number, marks=marks) for number in range(begin, end)]
        begin = end
    return found


@pytest.mark.timeout(600)
@pytest.mark.parametrize("chunk", chunks())
def test_answers(world: World, chunk: int) -> None:
    world.counts.clear()
    for number in range(CHUNK):
        run_seed(world, int(SEED) * 100_000 + chunk * CHUNK + number)
    assert world.counts[ANSWERED] > CHUNK * 0.7, world.counts


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        world = World(Path(folder))
        for road in ROADS:
            try:
                run_seed(world, int(sys.argv[1]), road)
                print(f"{road}: {dict(world.counts)}")
            except pytest.fail.Exception as error:
                print(error)
        world.close()


if __name__ == "__main__":
    main()

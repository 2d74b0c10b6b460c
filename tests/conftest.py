"""Fixtures of all Python tests: sessions, plain DuckDB, and two small tables as Parquet files."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import duckdb
import pytest
import smallpond
from drawn import rank
from roads import StageSession, open_sessions
from touched import changed_files, in_turn

CHANGED = "SP_TEST_CHANGED"  # Files, a line each, whose tests run first.
MEMORY = "1GB"  # Several test processes run side by side.

# Users 51 to 60 have no events, and users 61 and 62 of some events do not exist. Some events have
# no user_id.
USERS_SQL = """
    SELECT i::INTEGER AS user_id,
           ['CN', 'US', 'JP', 'DE'][1 + i % 4] AS country,
           ['bronze', 'silver', 'gold'][1 + i % 3] AS tier,
           DATE '2026-01-01' + (i % 9)::INTEGER AS since,
           CASE WHEN i > 3 THEN (i // 3)::INTEGER END AS mentor
    FROM range(1, 61) t(i)
"""
EVENTS_SQL = """
    SELECT i::BIGINT AS event_id,
           CASE WHEN i % 41 = 0 THEN NULL
                WHEN i % 37 = 0 THEN 61 + (i % 2)
                ELSE 1 + (i * i * 7 + i // 3) % 50 END::INTEGER AS user_id,
           ['view', 'click', 'cart', 'buy', 'like'][1 + (i * 13 + i // 7) % 5] AS kind,
           CASE WHEN i % 29 = 0 THEN NULL ELSE (i * 37 % 1000) / 7 END AS revenue,
           ((i * 53 % 997) / 4)::DECIMAL(10, 2) AS amount,
           DATE '2026-01-01' + (i % 11)::INTEGER AS day,
           TIMESTAMP '2026-01-01' + to_minutes(i * 97 % 14400) AS moment,
           CASE WHEN i % 5 > 0 THEN 'note ' || (i % 13) END AS note,
           list_transform(range(i % 4), lambda x: chr((97 + x)::INTEGER)) AS tags,
           ((i * i + 3 * i) % 7)::INTEGER AS part
    FROM range(1, 401) t(i)
"""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--one-in",
        type=int,
        default=1,
        metavar="N",
        help="run every N-th test, as SP_TEST_SEED and its name draw it",
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    share = 1 / config.getoption("--one-in")
    left_out = [item for item in items if rank(item.nodeid) >= share]
    config.hook.pytest_deselected(items=left_out)
    chosen = [item for item in items if rank(item.nodeid) < share]
    items[:] = in_turn(chosen, os.environ[CHANGED].splitlines())


def pytest_configure(config: pytest.Config) -> None:
    # Merging is what most tests are about; those about the warning ask for it.
    config.addinivalue_line("filterwarnings", "ignore:partial_sql merged")
    # Asked for once: the processes of a run, which inherit it, must have one order.
    os.environ.setdefault(CHANGED, "\n".join(changed_files()))


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with events.parquet and users.parquet."""
    folder = tmp_path_factory.mktemp("data")
    with duckdb.connect() as connection:
        for name, sql in [("users", USERS_SQL), ("events", EVENTS_SQL)]:
            connection.execute(f"COPY ({sql}) TO '{folder / name}.parquet'")
    return folder


@pytest.fixture(scope="session")
def oracle(data: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """Plain DuckDB, with the views events and users."""
    with duckdb.connect(config={"memory_limit": MEMORY}) as connection:
        for name in ["events", "users"]:
            connection.read_parquet(str(data / f"{name}.parquet")).create_view(name)
        yield connection


@pytest.fixture(scope="session")
def sp() -> Iterator[smallpond.Session]:
    """A session for tests that leave nothing behind in it."""
    with smallpond.init(duckdb_memory=MEMORY, threads=2) as session:
        yield session


@pytest.fixture(scope="session")
def stage_session() -> Iterator[StageSession]:
    """Gives the one session of a road that runs queries in stages."""
    with open_sessions(duckdb_memory=MEMORY, threads=2) as session_of:
        yield session_of


@pytest.fixture
def fresh_sp() -> Iterator[smallpond.Session]:
    """A session of the test's own: one that has warned of nothing yet, or is to be closed."""
    with smallpond.init(duckdb_memory=MEMORY, threads=2) as session:
        yield session


@pytest.fixture(scope="session")
def events(sp: smallpond.Session, data: Path) -> smallpond.DataFrame:
    return sp.read_parquet(data / "events.parquet")


@pytest.fixture(scope="session")
def users(sp: smallpond.Session, data: Path) -> smallpond.DataFrame:
    return sp.read_parquet(data / "users.parquet")


@pytest.fixture
def table(sp: smallpond.Session) -> Callable[[str], smallpond.DataFrame]:
    """Makes a frame from a query without inputs."""
    return lambda sql: sp.sql(sql)

"""A pipe, a device or a socket where a file has to be, which is opened and not listed: waiting for
what it says would hear no Ctrl-C."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest
import smallpond

OPENING = {
    "attach": "ATTACH '{0}' AS other",
    "read only": "ATTACH '{0}' AS other (READ_ONLY)",
    "of a type": "ATTACH '{0}' AS other (TYPE duckdb)",
    "if not exists": "ATTACH IF NOT EXISTS '{0}' AS other",
}


@pytest.mark.parametrize("statement", OPENING.values(), ids=OPENING.keys())
def test_a_pipe_is_no_database(fresh_sp: smallpond.Session, tmp_path: Path, statement: str) -> None:
    fifo = tmp_path / "x.db"
    os.mkfifo(fifo)
    with pytest.raises(smallpond.InvalidInputError, match=f"'{fifo}' is a pipe.*copy it"):
        fresh_sp.execute(statement.format(fifo))
    assert fresh_sp.sql("SELECT 1 AS one").take_all() == [{"one": 1}]


def test_neither_is_a_device_or_a_socket(fresh_sp: smallpond.Session, tmp_path: Path) -> None:
    with pytest.raises(smallpond.InvalidInputError, match="'/dev/zero' is a device"):
        fresh_sp.execute("ATTACH '/dev/zero' AS other")
    path = str(tmp_path / "socket")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(path)
        with pytest.raises(smallpond.InvalidInputError, match=f"'{path}' is a socket"):
            fresh_sp.execute(f"ATTACH '{path}' AS other")


def test_a_pipe_is_no_log_of_a_database(fresh_sp: smallpond.Session, tmp_path: Path) -> None:
    """DuckDB opens what lies beside the file by its own names."""
    fresh_sp.execute(f"ATTACH '{tmp_path}/x.db' AS other")
    fresh_sp.execute("CREATE TABLE other.t AS SELECT 1 AS one")
    fresh_sp.execute("DETACH other")
    os.mkfifo(tmp_path / "x.db.wal")
    with pytest.raises(smallpond.Error, match=r"x\.db\.wal' is a pipe"):
        fresh_sp.execute(f"ATTACH '{tmp_path}/x.db' AS other")


def test_a_file_that_is_not_there_is_made(fresh_sp: smallpond.Session, tmp_path: Path) -> None:
    fresh_sp.execute(f"ATTACH '{tmp_path}/new.db' AS other")
    fresh_sp.execute("CREATE TABLE other.t AS SELECT 42 AS answer")
    assert fresh_sp.sql("FROM other.t").take_all() == [{"answer": 42}]

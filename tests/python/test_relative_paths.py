"""Relative paths in SQL mean the folder that the process was in at the call."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import duckdb
import pytest
import smallpond
from oracle import Answer, assert_same, duckdb_answer
from roads import BROADCAST, ONE_TASK, STAGE_ROADS, StageRoad, StageSession

PROCESSES = STAGE_ROADS[-1]

# Answers do not show paths where they name the file alone.
QUERIES = [
    "FROM 'x.csv'",
    'FROM "x.csv"',
    "SELECT x.a FROM 'x.csv'",
    "SELECT t.a FROM 'x.csv' t",
    "SELECT b FROM 'x.csv' t(b)",
    "FROM x.csv",
    "SELECT \"rel/*.csv\".a FROM 'rel/*.csv'",
    "FROM './x.csv'",
    "FROM 'rel/../x.csv'",
    "FROM x.csv JOIN 'rel/1.csv' USING (a)",
    "WITH t AS (FROM 'x.csv') SELECT count(*) FROM t, t AS u",
    "SELECT (SELECT max(a) FROM 'x.csv')",
    "FROM read_csv('rel/*.csv')",
    "FROM read_csv(['x.csv', './rel/2.csv'], header = true)",
    "FROM read_csv_auto('x.csv')",
    "FROM read_csv($path)",
    "FROM read_csv($paths)",
    "FROM read_csv('x' || '.csv')",
    "FROM 'y.json'",
    "FROM read_json('y.json')",
    "FROM 'z.parquet'",
    "FROM read_parquet('*.parquet')",
    "FROM parquet_scan('z.parquet')",
    "SELECT column_id, type FROM parquet_metadata('z.parquet')",
    "SELECT name, type FROM parquet_schema('z.parquet')",
    "SELECT num_rows FROM parquet_file_metadata('z.parquet')",
    "SELECT content, size FROM read_text('x.csv')",
    "SELECT content FROM read_blob('x.csv')",
    "SELECT parse_filename(file) FROM glob('rel/*')",
    "SELECT Delimiter, HasHeader FROM sniff_csv('x.csv')",
    "SELECT parse_filename(filename) AS name, a FROM read_csv('rel/*.csv', filename = true)",
    "SELECT column_name, column_type FROM (DESCRIBE 'x.csv')",
    "FROM of_files",
    "FROM of_a_file('x.csv')",
]
SETUP = [
    "CREATE VIEW of_files AS FROM read_csv('rel/*.csv')",
    "CREATE MACRO of_a_file(name) AS TABLE SELECT a, name FROM 'x.csv'",
]
PARAMS = {"path": "x.csv", "paths": ["rel/1.csv", "x.csv"]}


def params_of(sql: str) -> dict[str, object] | None:
    return {name: value for name, value in PARAMS.items() if f"${name})" in sql} or None


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, whose name looks like a pattern."""
    here = tmp_path / "here [1]"
    (here / "rel").mkdir(parents=True)
    monkeypatch.chdir(here)
    Path("x.csv").write_text("a\n1\n2\n")
    Path("rel/1.csv").write_text("a\n2\n")
    Path("rel/2.csv").write_text("a\n3\n4\n")
    Path("y.json").write_text('{"a": 1}\n{"a": 2}\n')
    duckdb.sql("SELECT 1 AS a").write_parquet("z.parquet")
    return here


def expected_answers() -> dict[str, Answer]:
    with duckdb.connect() as connection:
        for statement in SETUP:
            connection.execute(statement)
        return {sql: duckdb_answer(connection, sql, params_of(sql)) for sql in QUERIES}


@pytest.mark.parametrize("road", [None, BROADCAST, ONE_TASK, PROCESSES], ids=str)
def test_the_folder_changes_before_the_action(
    folder: Path,
    tmp_path: Path,
    fresh_sp: smallpond.Session,
    monkeypatch: pytest.MonkeyPatch,
    road: StageRoad | None,
) -> None:
    expected = expected_answers()
    session = road.open(duckdb_memory="1GB", threads=2) if road else fresh_sp
    for statement in SETUP:
        session.execute(statement)
    frames = {sql: session.sql(sql, params=params_of(sql)) for sql in QUERIES}
    other = tmp_path / "other"
    other.mkdir()
    (other / "x.csv").write_text("wrong\n")
    monkeypatch.chdir(other)
    for sql, frame in frames.items():
        assert_same(frame, expected[sql])
    assert_same(session.sql("FROM of_files"), expected["FROM of_files"])
    if road:
        session.shutdown()


@pytest.mark.parametrize("road", [None, PROCESSES], ids=str)
def test_workers_started_elsewhere(
    folder: Path,
    tmp_path: Path,
    fresh_sp: smallpond.Session,
    stage_session: StageSession,
    monkeypatch: pytest.MonkeyPatch,
    road: StageRoad | None,
) -> None:
    session = stage_session(road) if road else fresh_sp
    monkeypatch.chdir(tmp_path)
    session.sql("SELECT count(*) FROM range(10)").to_arrow()  # Starts them.
    monkeypatch.chdir(folder)
    with duckdb.connect() as connection:
        sql = "SELECT count(*), sum(a) FROM read_csv('rel/*.csv')"
        assert_same(session.sql(sql), duckdb_answer(connection, sql))


def test_names_that_are_no_paths_stay(
    folder: Path, fresh_sp: smallpond.Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    fresh_sp.execute("CREATE TABLE \"x.csv\" AS SELECT 'table' AS kind")
    assert fresh_sp.sql("FROM 'x.csv'").to_arrow().to_pylist() == [{"kind": "table"}]
    fresh_sp.execute("CREATE SCHEMA y; CREATE TABLE y.json AS SELECT 'in schema' AS kind")
    assert fresh_sp.sql("FROM y.json").to_arrow().to_pylist() == [{"kind": "in schema"}]
    frame = fresh_sp.sql("SELECT 'frame' AS kind")
    found = fresh_sp.sql('FROM "z.parquet"', **{"z.parquet": frame})
    assert found.to_arrow().to_pylist() == [{"kind": "frame"}]
    with pytest.raises(smallpond.IoError, match=r"missing\.csv"):
        fresh_sp.sql("FROM 'missing.csv'")
    fresh_sp.execute("SET http_retries = 0")
    with pytest.raises(smallpond.Error, match=r"'http://127\.0\.0\.1:1/x\.csv'"):
        fresh_sp.sql("FROM read_csv('http://127.0.0.1:1/x.csv')")


def test_a_search_path_of_the_user(
    folder: Path, fresh_sp: smallpond.Session, tmp_path: Path
) -> None:
    (tmp_path / "found").mkdir()
    (tmp_path / "found" / "far.csv").write_text("a\n9\n")
    fresh_sp.execute(f"SET file_search_path = '{tmp_path}/found'")
    assert fresh_sp.sql("FROM 'far.csv'").to_arrow().to_pylist() == [{"a": 9}]
    assert fresh_sp.sql("FROM read_csv('*.csv')").to_arrow().to_pylist() == [{"a": 9}]


def test_the_folder_is_gone(tmp_path: Path) -> None:
    """What names no relative path needs no current folder."""
    code = f"""
import os, smallpond
os.makedirs({str(tmp_path / "gone")!r})
os.chdir({str(tmp_path / "gone")!r})
before = smallpond.init(duckdb_memory="500MB", threads=2)
before.sql("SELECT 7 AS x").write_csv({str(tmp_path / "x.csv")!r})
os.rmdir({str(tmp_path / "gone")!r})
for sp in (before, smallpond.init(duckdb_memory="500MB", threads=2, data_root={str(tmp_path)!r})):
    assert sp.sql("FROM '{tmp_path}/x.csv'").take_all() == [{{"x": 7}}]
    assert sp.read_csv({str(tmp_path / "x.csv")!r}).map("x + 1 AS y").take_all() == [{{"y": 8}}]
    sp.execute("CREATE TABLE t AS SELECT 1 AS a")
    try:
        sp.sql("FROM 'x.csv'").take_all()
    except smallpond.Error as error:
        print(type(error).__name__)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    assert len(done.stdout.splitlines()) == 2

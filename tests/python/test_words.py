"""What people read says what is so here, in words that help."""

from __future__ import annotations

import re
import warnings
from pathlib import Path
from typing import Any

import pytest
import smallpond

SMALL: dict[str, Any] = {"duckdb_memory": "500MB", "threads": 1}


# --- how a session is opened ---


@pytest.mark.parametrize("argument", [{"num_nodes": 10}, {"num_executors": 4}, {"executor": "ray"}])
def test_what_needs_a_cluster_tells_how_to_connect(argument: dict[str, Any]) -> None:
    with pytest.raises(smallpond.UnsupportedError) as caught:
        smallpond.init(**SMALL, **argument)
    text = str(caught.value)
    assert "init(ray_address='HEAD:6379', data_root=" in text and "executor='processes'" in text
    assert "version" not in text


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ("memory_limit", "duckdb_memory"), ("max_memory", "duckdb_memory"),
        ("memory", "duckdb_memory"), ("num_threads", "threads"), ("n_jobs", "threads"),
        ("temp_directory", "temp_dir"), ("num_workers", "num_executors"),
        ("shuffle_partitions", "partitions"), ("address", "ray_address"), ("datadir", "data_dir"),
        ("Threads", "threads"),
    ],
)  # fmt: skip
def test_names_of_options_elsewhere(wrong: str, right: str) -> None:
    with pytest.raises(TypeError, match=f"'{wrong}'. Did you mean '{right}'"):
        smallpond.init(**{wrong: "1"})


def test_session_says_what_it_is(tmp_path: Path) -> None:
    with smallpond.init(**SMALL, data_dir=tmp_path, job_id="nightly") as sp:
        text = repr(sp)
        for word in [
            f"smallpond {smallpond.__version__}",
            f"DuckDB {smallpond.duckdb_version}",
            "executor=direct",
            "threads=1",
            "duckdb_memory=500MB",
            f"data_dir={tmp_path}",
            "temp_dir=",
            "job_id=nightly",
        ]:
            assert word in text
        assert str(sp) == text and "\n" not in text
    assert repr(sp) == "Session(closed)"
    with smallpond.init(threads=2, executor="processes", num_executors=3) as sp:
        assert "executor=processes, num_executors=3, threads=2" in repr(sp)
        assert re.search(r"duckdb_memory=\d+MB", repr(sp))


# --- statements ---


@pytest.mark.parametrize(
    ("sql", "words"),
    [
        ("SET threads = 1", "A SET statement is not a query. Run it with execute()."),
        ("CREATE TABLE t (a INT)", "A CREATE statement is not a query. Run it with execute()."),
        ("INSERT INTO t VALUES (1)", "An INSERT statement is not a query. Run it with execute()."),
        (
            "EXPLAIN SELECT 1",
            "An EXPLAIN statement is not a query. Build the frame without",
        ),
        ("COPY t TO 'x.csv'", "A COPY statement is not a query. Write rows with write_parquet()"),
    ],
)
def test_statements_that_are_no_queries(sp: smallpond.Session, sql: str, words: str) -> None:
    with pytest.raises(smallpond.UnsupportedError) as caught:
        sp.sql(sql)
    assert words in str(caught.value)


def test_execute_speaks_english(sp: smallpond.Session) -> None:
    with pytest.raises(smallpond.UnsupportedError, match="does not take an EXPLAIN statement"):
        sp.execute("EXPLAIN SELECT 1")
    with pytest.raises(smallpond.UnsupportedError, match="does not take a SELECT statement"):
        sp.execute("SELECT 1")


# --- what comes from DuckDB ---


def test_no_system_table_is_proposed_for_a_missing_one(sp: smallpond.Session) -> None:
    for run, sql in [
        (sp.execute, "CREATE TABLE made AS FROM nosuch"),
        (sp.execute, "DROP TABLE nosuch"),
        (sp.execute, "ALTER TABLE nosuch ADD COLUMN x INT"),
        (sp.execute, "SET VARIABLE found = (FROM nosuch)"),
        (sp.sql, "FROM memory.main.users"),
        (sp.sql, "FROM query_table(concat('nosuch', ''))"),
    ]:
        with pytest.raises(smallpond.InvalidInputError, match=r"nosuch|users") as caught:
            run(sql)
        assert "Did you mean" not in str(caught.value), sql
    with pytest.raises(smallpond.InvalidInputError, match='Did you mean "pg_tables"'):
        sp.execute("CREATE TABLE made AS FROM pg_tabless")


def test_unsupported_is_said_once(sp: smallpond.Session) -> None:
    with pytest.raises(smallpond.UnsupportedError, match=r"^Enum value: unrecognized value"):
        sp.sql("SELECT list_sort([1], 'x')")


def test_out_of_memory_advises_what_helps_here(tmp_path: Path) -> None:
    with smallpond.init(duckdb_memory="20MB", threads=1) as sp:
        frame = sp.sql("SELECT list(range) AS l, 1 AS k FROM range(20_000_000)")
        with pytest.raises(smallpond.OutOfMemoryError) as caught:
            frame.count() and frame.to_arrow()
        text = str(caught.value)
        assert "init(duckdb_memory=…)" in text
        assert "SET memory_limit" not in text and "duckdb.org" not in text
        assert "row_group_size" not in text, "nothing is written"
        with pytest.raises(smallpond.OutOfMemoryError) as caught:
            frame.write_parquet(tmp_path / "out", partition_by="k")
    text = str(caught.value)
    for word in ["init(duckdb_memory=…)", "init(threads=…)", "row_group_size=", "sort_by="]:
        assert word in text
    assert not (tmp_path / "out").exists() or not list((tmp_path / "out").glob("*.parquet"))


WORDS_OF_OURS = re.compile(r'"[^"\n]*\b(spec|FIX(?=ME)ME|TO(?=DO)DO)\b[^"\n]*"')


def test_no_words_of_ours_reach_users() -> None:
    """In string literals of the sources, but of names of arguments."""
    root = Path(__file__).parents[2]
    found = []
    for path in [*root.glob("src/**/*.cc"), *root.glob("src/**/*.h")]:
        for number, line in enumerate(path.read_text().splitlines(), 1):
            code = line.split("//")[0]
            code = re.sub(r"\bspec\.", "", code)  # A member of what a task is told.
            if WORDS_OF_OURS.search(code) and not re.search(r'"spec"(_a)?', code):
                found.append(f"{path.name}:{number}: {line.strip()}")
    assert not found


def test_warnings_are_classes_of_ours() -> None:
    for name in ["MergeWarning", "OptionWarning", "PublishWarning", "UnreadFilesWarning"]:
        assert issubclass(getattr(smallpond, name), UserWarning) and name in smallpond.__all__
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        smallpond.init(**SMALL).shutdown()

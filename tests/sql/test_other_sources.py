"""What is no reader of tables, such as read_text: one task of a job in stages runs it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest
import smallpond
from oracle import assert_same_rows, duckdb_answer, rows_of
from roads import STAGE_ROADS, StageRoad, assert_in_stages

QUERIES = [
    "SELECT filename, size, content FROM read_text('{f}/*.txt')",
    "SELECT filename, hex(content) FROM read_blob(['{f}/a.txt', '{f}/b c.txt'])",
    "SELECT * FROM glob('{f}/*')",
    "SELECT count(*), sum(size) FROM read_text('{f}/*.txt') JOIN '{f}/*.parquet' ON size % 3 = k",
    'SELECT key, value FROM json_each(\'{{"a": 1, "b": [2]}}\')',
    "SELECT t.k, j.value FROM '{f}/*.parquet' t, json_each('[1, 2]') j",
    "SELECT t.k, j.value FROM '{f}/*.parquet' t, LATERAL json_each('[' || t.k || ', 5]') j",
    "SELECT sum(num_values), max(file_name) FROM parquet_metadata('{f}/*.parquet')",
    "SELECT name, type FROM parquet_schema('{f}/0.parquet')",
    "SELECT Delimiter, HasHeader FROM sniff_csv('{f}/c.csv')",
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sources")
    for name in ["a", "b c", "ü"]:
        (path / f"{name}.txt").write_text(f"text of {name}\n" * len(name))
    (path / "c.csv").write_text("n;d\n1;2021-05-01\n")
    for file in range(3):
        duckdb.sql(f"COPY (SELECT i % 3 AS k FROM range(20) t(i)) TO '{path}/{file}.parquet'")
    return path


@pytest.mark.parametrize("road", STAGE_ROADS, ids=lambda road: road.name)
def test_one_task_reads_them(
    folder: Path, stage_session: Callable[[StageRoad], smallpond.Session], road: StageRoad
) -> None:
    sp = stage_session(road)
    for text in QUERIES:
        sql = text.format(f=folder)
        frame = sp.sql(sql)
        stages = assert_in_stages(frame, sql)
        assert "of this process" not in str(stages), sql
        with duckdb.connect() as plain:
            expected = duckdb_answer(plain, sql)
        assert_same_rows(rows_of(frame.to_arrow()), expected.rows)


def test_relative_paths_stay_here(
    folder: Path,
    stage_session: Callable[[StageRoad], smallpond.Session],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(folder)
    frame = stage_session(STAGE_ROADS[-1]).sql("SELECT count(*) AS n FROM read_text('*.txt')")
    monkeypatch.chdir("/")
    assert frame.take_all() == [{"n": 3}]


def test_they_may_find_others_next_time(
    folder: Path, stage_session: Callable[[StageRoad], smallpond.Session]
) -> None:
    sql = f"SELECT filename, count(*) FROM read_text('{folder}/*.txt') GROUP BY 1"
    stages = assert_in_stages(stage_session(STAGE_ROADS[-1]).sql(sql), sql)
    assert not all(stage["deterministic"] for stage in stages)

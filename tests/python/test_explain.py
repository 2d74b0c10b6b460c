"""`explain()`: the same as text and as JSON, planned and measured, with stages and without."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import smallpond

FILES = 4
ROWS = 20_000  # Of each file.
JOIN = """
    SELECT r.kind, count(*) AS n, sum(r.value) AS total
    FROM {0} r JOIN {1} s ON r.id = s.id GROUP BY r.kind ORDER BY r.kind
"""
STAGE_KEYS = {
    "stage",
    "tasks",
    "partitions",
    "deterministic",
    "inputs",
    "operators",
    "gathered",
    "estimated_rows",
    "estimated_bytes",
}
ACTUAL_KEYS = {
    "rows",
    "bytes",
    "attempts",
    "wall_ms",
    "cpu_ms",
    "peak_memory_bytes",
    "spilled_bytes",
    "per_task",
}


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory, oracle: Any) -> Path:
    folder = tmp_path_factory.mktemp("rows")
    for file in range(FILES):
        oracle.execute(
            f"COPY (SELECT i AS id, i % 3 AS kind, i * 2 AS value "
            f"FROM range({file * ROWS}, {(file + 1) * ROWS}) t(i)) TO '{folder}/{file}.parquet'"
        )
    return folder


@pytest.fixture(scope="module")
def staged(tmp_path_factory: pytest.TempPathFactory) -> Iterator[smallpond.Session]:
    """A session that cuts each file off, and shuffles every join."""
    with smallpond.init(
        executor="threads",
        threads=2,
        duckdb_memory="1GB",
        partitions=FILES,
        broadcast_size=1,
        data_root=str(tmp_path_factory.mktemp("root")),
    ) as session:
        yield session


def of(frame: smallpond.DataFrame, analyze: bool = False) -> dict[str, Any]:
    return json.loads(frame.explain(analyze=analyze, format="json"))


def test_stages_without_running(staged: smallpond.Session, rows: Path) -> None:
    read = staged.read_parquet(rows)
    frame = staged.sql(JOIN, read, read)
    told = of(frame)
    assert (told["format"], told["road"], told["threads"]) == (1, "threads", 2)
    assert told["steps"]["step"].startswith("sql: ") and len(told["steps"]["inputs"]) == 1
    assert told["plan_ms"] >= 0 and "run_ms" not in told and "duckdb_plan" not in told
    stages = told["stages"]
    assert all(set(stage) == STAGE_KEYS for stage in stages)
    assert [stage["stage"] for stage in stages] == list(range(len(stages)))
    scans = [stage for stage in stages if not stage["inputs"]]
    assert [stage["tasks"] for stage in scans] == [FILES, FILES]
    assert [stage["estimated_rows"] for stage in scans] == [FILES * ROWS, FILES * ROWS]
    joins = [stage for stage in stages if "inner join on" in str(stage["operators"])]
    assert [[one["exchange"] for one in stage["inputs"]] for stage in joins] == [["hash", "hash"]]
    assert joins[0]["operators"][0]["operator"] == "aggregate count(*), sum(value) by kind"
    assert [one["depth"] for one in joins[0]["operators"]] == [0, 1, 2, 2]
    last = stages[-1]
    assert (last["tasks"] > 1, last["gathered"]) == (True, [])
    ranges = {"stage": last["stage"] - 1, "exchange": "range", "exclusive": True}
    assert last["inputs"] == [ranges]

    text = frame.explain()
    assert text.startswith("threads: tasks on 2 threads, ")
    for stage in stages:
        tasks = f"{stage['tasks']} task" + ("s" if stage["tasks"] > 1 else "")
        assert f"\nstage {stage['stage']}: {tasks}" in text
        for one in stage["operators"]:
            assert f"\n{'  ' * (one['depth'] + 1)}{one['operator']}\n" in text
    assert "  into ranges of " in text and ", range\n" in text
    assert "actual" not in text


def test_stages_that_ran(staged: smallpond.Session, rows: Path) -> None:
    read = staged.read_parquet(rows)
    frame = staged.sql(JOIN, read, read)
    told = of(frame, analyze=True)
    assert told["run_ms"] >= 0
    stages = told["stages"]
    assert all(set(stage) == STAGE_KEYS | {"actual"} for stage in stages)
    assert all(set(stage["actual"]) == ACTUAL_KEYS for stage in stages)
    for stage in stages:
        actual = stage["actual"]
        assert actual["attempts"] == stage["tasks"]
        assert actual["bytes"] > 0 and actual["peak_memory_bytes"] > 0
        for spread in actual["per_task"].values():
            assert spread["min"] <= spread["median"] <= spread["max"]
        most = actual["per_task"]["rows"]["max"]
        assert most <= actual["rows"] <= most * stage["tasks"]
    assert [one["actual"]["rows"] for one in stages if not one["inputs"]] == [FILES * ROWS] * 2
    assert stages[-1]["actual"]["rows"] == 3 == len(frame.take_all())

    text = frame.explain(analyze=True)
    assert re.search(r"\d+ stages, \d+ tasks; planned in .*, ran in ", text)
    assert text.count("\n  actual: ") == len(stages)
    assert f"  actual: {FILES * ROWS:,} rows, " in text
    several = [stage for stage in stages if stage["tasks"] > 1]
    assert text.count("\n  per task, min / median / max: ") == len(several)


def test_unequal_tasks_show(staged: smallpond.Session, rows: Path) -> None:
    frame = staged.sql("SELECT id FROM {0} WHERE id < 5 OR id >= 60000", staged.read_parquet(rows))
    (stage,) = of(frame, analyze=True)["stages"]
    assert stage["actual"]["per_task"]["rows"] == {"min": 0, "median": 0, "max": ROWS}


@pytest.mark.parametrize("analyze", [False, True])
def test_why_a_query_runs_whole(staged: smallpond.Session, analyze: bool) -> None:
    frame = staged.sql(
        "SELECT sum(a.item) FROM {0} a POSITIONAL JOIN {0} b", staged.from_items([1])
    )
    told = of(frame, analyze)
    assert "stages" not in told and "goes by the order of all rows" in told["whole_because"]
    assert told["duckdb_plan"]
    text = frame.explain(analyze=analyze)
    assert "runs whole in this process: POSITIONAL JOIN goes by" in text
    assert "UNGROUPED_AGGREGATE" in text and ("Total Time" in text) == analyze


def test_small_work_runs_whole(rows: Path, tmp_path: Path) -> None:
    sql = "SELECT kind, count(*) FROM {0} GROUP BY kind"
    for options, is_whole in [
        ({}, True), ({"whole_size": 0}, False), ({"whole_size": "1KB"}, False),
        ({"whole_size": "1GB", "partitions": 3}, True), ({"partitions": 3}, False),
    ]:  # fmt: skip
        with smallpond.init(executor="threads", data_root=tmp_path, threads=2, **options) as sp:
            told = of(sp.sql(sql, sp.read_parquet(rows)))
            assert ("what it reads is small" in told.get("whole_because", "")) == is_whole
            assert ("stages" in told) != is_whole


def test_a_file_that_is_read_often_counts_once(rows: Path, tmp_path: Path) -> None:
    size = sum(path.stat().st_size for path in rows.iterdir())
    sql = "SELECT count(*) FROM {0} a JOIN {0} b USING (id) JOIN {0} c USING (id)"
    for whole_size, is_whole in [(size, True), (size - 1, False)]:
        with smallpond.init(
            executor="threads", data_root=tmp_path, threads=2, whole_size=whole_size
        ) as sp:
            assert ("stages" in of(sp.sql(sql, sp.read_parquet(rows)))) != is_whole


@pytest.mark.parametrize("analyze", [False, True])
def test_rows_of_this_process_are_a_stage(staged: smallpond.Session, analyze: bool) -> None:
    staged.execute("CREATE OR REPLACE TABLE here AS SELECT range AS item FROM range(9)")
    frame = staged.sql(
        "SELECT sum(item) FROM {0} JOIN here USING (item)", staged.from_items([1, 2])
    )
    text = frame.explain(analyze=analyze)
    assert "rows of this process" in text and "scan seq_scan" in text
    assert frame.take_all() == [{"sum(item)": 3}]


@pytest.mark.parametrize("analyze", [False, True])
def test_partitions_that_are_seen(staged: smallpond.Session, rows: Path, analyze: bool) -> None:
    parts = staged.read_parquet(rows).repartition(3)
    frame = staged.partial_sql("SELECT count(*) AS n FROM {0}", parts, merge="concat")
    told = of(frame, analyze)
    assert "carried out" in told["steps"]["inputs"][0]["note"]
    assert told["stages"][0]["partitions"] == 3
    assert 3 in [stage["tasks"] for stage in told["stages"]]


def test_direct(sp: smallpond.Session, events: smallpond.DataFrame) -> None:
    frame = sp.sql("SELECT kind, count(*) FROM {0} GROUP BY kind", events)
    told = of(frame)
    assert set(told) == {
        "format",
        "road",
        "workers",
        "threads",
        "memory_bytes",
        "steps",
        "duckdb_plan",
    }
    assert told["road"] == "direct" and "HASH_GROUP_BY" in json.dumps(told["duckdb_plan"])
    measured = of(frame, analyze=True)["duckdb_plan"]
    assert "operator_timing" in json.dumps(measured)
    assert "Total Time" in frame.explain(analyze=True)
    assert "Total Time" not in frame.explain()


def test_what_analyze_finds_is_computed_anew(sp: smallpond.Session, rows: Path) -> None:
    frame = sp.sql("SELECT kind, count(*) FROM {0} GROUP BY kind", sp.read_parquet(rows))
    frame.to_arrow()
    assert "PARQUET" in frame.explain().upper() and "HASH_GROUP_BY" in frame.explain(analyze=True)


def test_an_error_is_raised_by_analyze_alone(staged: smallpond.Session, rows: Path) -> None:
    read = staged.read_parquet(rows)
    frame = staged.sql("SELECT CASE WHEN id = 7 THEN error('seven') END AS e FROM {0}", read)
    assert "stage 0: " in frame.explain()
    with pytest.raises(smallpond.Error, match="seven"):
        frame.explain(analyze=True)


def test_arguments(sp: smallpond.Session) -> None:
    frame = sp.sql("SELECT 1 AS x")
    with pytest.raises(smallpond.InvalidInputError, match="'text' or 'json'"):
        frame.explain(format="yaml")
    with pytest.raises(smallpond.InvalidInputError, match="analyze must be True or False"):
        frame.explain(analyze=1)

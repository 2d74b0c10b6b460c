"""Queries over tables of `stage_tables` in stages: whether the answer is plain DuckDB's, and which
operators tasks share, by what explain() tells."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import smallpond
import stage_tables
from oracle import assert_same_rows, duckdb_answer, rows_of
from roads import StageRoad

Fill = Callable[[str], str]

PROCESSES = StageRoad(
    "processes_2",
    {"executor": "processes", "num_executors": 2, "partitions": 7, "broadcast_size": 1},
)


# Keys of every kind: NULLs, values that are equal though they look different, and nested ones.
KEYS = [
    "k", "k2", "x", "d", "z", "f", "dec", "s", "st", "li", "en", "tz", "h", "dt", "iv", "b", "ut",
    "sm", "k, k2", "z, li, k", "k % 3", "lower(s)", "s COLLATE NOCASE", "s COLLATE NOCASE.NOACCENT",
    "s COLLATE de", "[z, f]", "{'z': z, 'iv': iv}", "MAP {s: z}", "array_value(z, f)",
    "z::FLOAT", "CASE WHEN b THEN NULL ELSE k END", "iv + INTERVAL 1 DAY", "tz::TIMETZ",
    "k, 3 + 4", "k, k",
]  # fmt: skip


def write_tables(folder: Path, tables: dict[str, str] = stage_tables.TABLES) -> Fill:
    """Writes the files, and returns what puts them into a query where {l} and so on stand."""
    stage_tables.write_tables(folder, tables)

    def filled(sql: str) -> str:
        for name in tables:
            sql = sql.replace(f"{{{name}}}", f"'{folder}/{name}/*.parquet'")
        return sql

    return filled


def same_answer(sp: smallpond.Session, sql: str) -> smallpond.DataFrame:
    """Fails unless the rows are plain DuckDB's. Returns the frame."""
    with duckdb.connect(config={"threads": 1}) as connection:
        expected = duckdb_answer(connection, sql).rows
    frame = sp.sql(sql)
    assert_same_rows(rows_of(frame.to_arrow()), expected)
    return frame


def stages_of(frame: smallpond.DataFrame) -> list[dict[str, Any]]:
    told = json.loads(frame.explain(format="json"))
    assert "whole_because" not in told, told["whole_because"]
    stages: list[dict[str, Any]] = told["stages"]
    return stages


def _with(stages: list[dict[str, Any]], operator: str | tuple[str, ...]) -> list[dict[str, Any]]:
    found = [
        stage
        for stage in stages
        if any(one["operator"].startswith(operator) for one in stage["operators"])
    ]
    assert found, f"no stage has an operator {operator}"
    return found


def assert_shared(
    frame: smallpond.DataFrame, road: StageRoad, operator: str | tuple[str, ...]
) -> None:
    """Fails unless as many tasks as the road has partitions share each operator whose text begins
    so, and nothing is gathered for it."""
    stages = stages_of(frame)
    for stage in _with(stages, operator):
        assert stage["tasks"] == road.options["partitions"], frame.explain()
        kinds = {one["exchange"] for one in stage["inputs"]}
        assert "gather" not in kinds or stage["tasks"] == 1, frame.explain()
    assert [why for stage in stages for why in stage["gathered"] if "ORDER BY" not in why] == []


def assert_gathered(frame: smallpond.DataFrame, operator: str, why: str) -> None:
    stages = stages_of(frame)
    for stage in _with(stages, operator):
        assert stage["tasks"] == 1
        assert why in stage["gathered"]
    assert f"gathered to one task: {why}" in frame.explain()


def assert_shared_with_setting(
    sp: smallpond.Session, road: StageRoad, setting: str, sql: str, operator: str
) -> None:
    """Fails unless a query is plain DuckDB's with the setting, and tasks share the operator."""
    with duckdb.connect() as connection:
        connection.execute(f"SET {setting}")
        expected = duckdb_answer(connection, sql).rows
    sp.execute(f"SET {setting}")
    try:
        frame = sp.sql(sql)
        assert_same_rows(rows_of(frame.to_arrow()), expected)
        assert_shared(frame, road, operator)
    finally:
        sp.execute(f"RESET {setting.split()[0]}")


def num_moves(frame: smallpond.DataFrame) -> int:
    """How many inputs of the stages come by hash."""
    kinds = [one["exchange"] for stage in stages_of(frame) for one in stage["inputs"]]
    return kinds.count("hash")

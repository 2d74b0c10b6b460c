"""What a write in stages costs this process: no memory for rows, and little for many folders."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest
from write_alone import GROUPS, NUM_PARTITIONS, costs_of
from written import Plain, assert_nothing_beside, data_files, folders

pytestmark = pytest.mark.slow

WORKERS = {"executor": "processes", "num_executors": 2, "threads": 2}
THREADS = {"executor": "threads", "threads": 2}
COUNTED = "count(*), count(DISTINCT event_id), sum(event_id), sum(amount)"
FLAT_BYTES = 16_000_000  # A tenth of what the rows of the larger input take in memory.


def make_files(connection: Plain, folder: Path, num_files: int, num_rows: int) -> Path:
    folder.mkdir()
    for number in range(num_files):
        begin, end = (num_rows * n // num_files for n in [number, number + 1])
        connection.execute(f"""
            COPY (SELECT i AS event_id, (hash(i) % 200_000)::INTEGER AS user_id,
                         (hash(i * 7) % 2000)::INTEGER AS k,
                         ['view', 'click', 'buy'][1 + i % 3] AS kind,
                         (hash(i * 11) % 100_000)::BIGINT AS amount, 'note ' || hash(i * 13) AS note
                  FROM range({begin}, {end}) t(i)) TO '{folder}/{number:02}.parquet'""")
    return folder


@pytest.fixture
def plain() -> Iterator[Plain]:
    with duckdb.connect(config={"memory_limit": "1GB", "threads": 2}) as connection:
        yield connection


WAYS = ["concat", "even", "hash", "map", "filter", "partial_sort", "random_shuffle"]


def test_ten_times_the_rows_take_no_more_memory_here(plain: Plain, tmp_path: Path) -> None:
    """The task of each partition writes its file, in another process."""
    peaks: dict[int, dict[str, int]] = {}
    for num_rows in [400_000, 4_000_000]:
        inputs = make_files(plain, tmp_path / f"in-{num_rows}", 8, num_rows)
        out = tmp_path / f"out-{num_rows}"
        out.mkdir()
        options = {**WORKERS, "partitions": 8, "duckdb_memory": "1GB"}
        costs = costs_of(inputs, out, {**options, "data_root": str(tmp_path / "root")}, {}, WAYS)
        peaks[num_rows] = {way: cost["peak"] for way, cost in costs.items()}
        [expected] = plain.execute(f"SELECT {COUNTED} FROM '{inputs}/*.parquet'").fetchall()
        for way, cost in costs.items():
            tasks = [int(file.name.split("-")[1]) for file in data_files(out / way)]
            assert tasks == list(range(NUM_PARTITIONS)) and cost["num_files"] == len(tasks)
            assert cost["peak"] - cost["before"] < FLAT_BYTES
            assert_nothing_beside(out / way)
            written = f"'{out / way}/*.parquet'"
            if way == "concat":
                groups = GROUPS.replace("{0}", f"'{inputs}/*.parquet'")
                for one, other in [(groups, f"FROM {written}"), (f"FROM {written}", groups)]:
                    assert plain.execute(f"({one}) EXCEPT ALL ({other})").fetchall() == []
            elif way in ("even", "hash", "partial_sort", "random_shuffle"):
                assert plain.execute(f"SELECT {COUNTED} FROM {written}").fetchall() == [expected]
    few, many = peaks.values()
    assert {way: many[way] - few[way] for way in WAYS if many[way] - few[way] > FLAT_BYTES} == {}


@pytest.mark.parametrize(
    ("init", "options"),
    [
        (WORKERS, {}),
        pytest.param(WORKERS, {"sort_by": ["note"]}, marks=pytest.mark.whole),
        (THREADS, {}),
    ],
    ids=["processes", "processes sorted", "threads"],
)
def test_many_folders_of_many_tasks(
    plain: Plain, tmp_path: Path, init: dict[str, Any], options: dict[str, Any]
) -> None:
    """2,000 folders by 64 tasks: written twice, the second time in place of the first."""
    memory = 250_000_000
    inputs = make_files(plain, tmp_path / "in", 64, 640_000)
    settings = {**init, "partitions": 64, "duckdb_memory": memory}
    settings["data_root"] = str(tmp_path / "root")
    [expected] = plain.execute(f"SELECT {COUNTED} FROM '{inputs}/*.parquet'").fetchall()
    out = tmp_path / "as it is"
    for _ in range(2):
        costs = costs_of(inputs, tmp_path, settings, {**options, "partition_by": "k"}, ["as it is"])
        cost = costs["as it is"]
        assert cost["tasks"] == 64
        assert cost["publish_error"] == "" and cost["publish_seconds"] < 10
        assert cost["peak"] < memory
        found = folders(out)
        assert len(found) == 2000 and max(map(len, found.values())) <= 2
        assert cost["num_files"] == sum(map(len, found.values()))
        source = f"read_parquet('{out}/*/*.parquet', hive_partitioning = true)"
        assert plain.execute(f"SELECT {COUNTED} FROM {source}").fetchall() == [expected]
        rows = f"FROM {source} SELECT event_id, k, note"
        moved = f"{rows} EXCEPT FROM '{inputs}/*.parquet' SELECT event_id, k, note"
        assert plain.execute(moved).fetchall() == []
        assert_nothing_beside(out)

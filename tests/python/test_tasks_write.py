"""Tasks write the files: one a task, in the order of the tasks, and not by the driver."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pyarrow.parquet as pq
import pytest
import smallpond
from roads import BROADCAST, ONE_TASK, SHUFFLED, StageRoad, StageSession
from written import (
    DIRECT,
    FORMS,
    NUM_FILES,
    PROCESSES,
    Plain,
    assert_told,
    assert_written,
    data_files,
    folders,
    num_tasks,
    query,
    write,
)

several_tasks = pytest.mark.parametrize(
    "road", [SHUFFLED, BROADCAST, PROCESSES], ids=lambda road: road.name
)
SQL = "SELECT event_id, kind, day, note FROM events"
GROUPS = "SELECT user_id, count(*) AS n FROM events GROUP BY user_id"


@several_tasks
@pytest.mark.parametrize("form", FORMS)
def test_a_file_a_task(
    stage_session: StageSession, oracle: Plain, split: Path, tmp_path: Path, road: StageRoad,
    form: str,
) -> None:  # fmt: skip
    """The names sort as the tasks, and so as the rows of a scan."""
    out, frame = tmp_path / "out", query(stage_session(road), split, SQL)
    assert num_tasks(frame) == NUM_FILES
    result = write(frame, form, out)
    assert_told(result, data_files(out), 400)
    assert result.num_files == NUM_FILES
    numbers = [re.match(r"part-(\d{5})-", file.name) for file in data_files(out)]
    assert [number and int(number[1]) for number in numbers] == list(range(NUM_FILES))
    assert_written(oracle, out, SQL, form, ["event_id"])


@several_tasks
def test_a_file_a_task_with_rows(
    stage_session: StageSession, oracle: Plain, split: Path, tmp_path: Path, road: StageRoad
) -> None:
    sp = stage_session(road)
    few = f"{SQL} WHERE event_id % 160 = 1"  # In the first, third and fifth task.
    query(sp, split, few).write_parquet(tmp_path / "few")
    assert len(data_files(tmp_path / "few")) == 3
    assert_written(oracle, tmp_path / "few", few, order_by=["event_id"])
    frame = query(sp, split, GROUPS)
    frame.write_parquet(tmp_path / "groups")
    assert 1 < len(data_files(tmp_path / "groups")) <= num_tasks(frame)
    assert_written(oracle, tmp_path / "groups", GROUPS)
    frame.repartition(4).write_parquet(tmp_path / "groups")
    assert len(data_files(tmp_path / "groups")) == 4


@several_tasks
def test_what_one_task_has_is_one_file(
    stage_session: StageSession, oracle: Plain, split: Path, tmp_path: Path, road: StageRoad
) -> None:
    for number, sql in enumerate([f"{SQL} ORDER BY note, event_id LIMIT 70", f"{SQL} LIMIT 7"]):
        query(stage_session(road), split, sql).write_parquet(tmp_path / str(number))
        assert len(data_files(tmp_path / str(number))) == 1


@pytest.mark.parametrize("road", [DIRECT, ONE_TASK], ids=lambda road: road.name)
def test_one_task_writes_one_file(
    stage_session: StageSession, oracle: Plain, split: Path, tmp_path: Path, road: StageRoad
) -> None:
    for number, sql in enumerate([SQL, GROUPS]):
        query(stage_session(road), split, sql).write_parquet(tmp_path / str(number))
        assert len(data_files(tmp_path / str(number))) == 1
        assert_written(oracle, tmp_path / str(number), sql)


@several_tasks
@pytest.mark.parametrize("sort_by", [None, ["note", "event_id DESC"]])
def test_files_of_folders(
    stage_session: StageSession, oracle: Plain, split: Path, tmp_path: Path, road: StageRoad,
    sort_by: list[str] | None,
) -> None:  # fmt: skip
    """Each task has a file in each folder for which it has rows: those that it read, or, where rows
    are to be sorted, a range of all."""
    out = tmp_path / "out"
    query(stage_session(road), split, SQL).write_parquet(out, partition_by="kind", sort_by=sort_by)
    assert len(folders(out)) == 5
    for files in folders(out).values():
        parts = [pq.ParquetFile(file).read(["event_id", "note"]).to_pylist() for file in files]
        if sort_by is None:
            numbers = [[(row["event_id"] - 1) // 80 for row in part] for part in parts]
            assert [set(of_part) for of_part in numbers] == [{n} for n in range(NUM_FILES)]
        else:
            rows = [row for part in parts for row in part]
            keys = [(row["note"] is None, row["note"] or "", -row["event_id"]) for row in rows]
            assert keys == sorted(keys)


@several_tasks
def test_appended_files(
    stage_session: StageSession, oracle: Plain, split: Path, tmp_path: Path, road: StageRoad
) -> None:
    out = tmp_path / "out"
    query(stage_session(DIRECT), split, SQL).write_parquet(out)
    before = set(data_files(out))
    result = query(stage_session(road), split, SQL).write_parquet(out, "append")
    added = set(data_files(out)) - before
    assert len(before) == 1 and before < set(data_files(out))
    assert_told(result, sorted(added), 400)
    assert len(added) == NUM_FILES


@several_tasks
def test_one_file_by_name(
    stage_session: StageSession, oracle: Plain, split: Path, tmp_path: Path, road: StageRoad
) -> None:
    assert not query(stage_session(road), split, SQL).write_csv(tmp_path / "o.csv").is_folder
    assert_written(oracle, tmp_path / "o.csv", SQL, "csv", ["event_id"])


# --- what it costs the driver


@pytest.fixture(scope="module")
def workers_session() -> Iterator[smallpond.Session]:
    with smallpond.init(
        executor="processes", num_executors=2, partitions=4, duckdb_memory="1GB", threads=2
    ) as sp:
        yield sp


def workers_seconds() -> float:
    """CPU time of this process's children that run."""
    return sum(sum(child.cpu_times()[:2]) for child in psutil.Process().children(recursive=True))


def peak_bytes() -> int:
    [line] = [
        line for line in Path("/proc/self/status").read_text().splitlines() if "VmHWM" in line
    ]
    return int(line.split()[1]) * 1024


WAYS: dict[str, Callable[[smallpond.DataFrame, Path], object]] = {
    "whole": lambda frame, out: frame.write_parquet(out, compression="zstd"),
    "hash": lambda frame, out: frame.repartition(4, hash_by="event_id").write_parquet(out),
    "sorted folders": lambda frame, out: frame.write_parquet(out, partition_by="part", sort_by="s"),
}


@pytest.mark.parametrize("way", WAYS)
def test_the_driver_neither_computes_nor_holds_rows(
    workers_session: smallpond.Session, split: Path, tmp_path: Path, way: str
) -> None:
    query(workers_session, split, GROUPS).write_parquet(tmp_path / "warm")
    sql = """SELECT event_id, part, (hash(event_id, j) // 3)::BIGINT AS h,
                    md5(event_id || ' ' || j) AS s FROM events, range(1500) t(j)"""
    frame = query(workers_session, split, sql)
    Path("/proc/self/clear_refs").write_text("5")  # Forgets the peak.
    peak, workers, own = peak_bytes(), workers_seconds(), time.process_time()
    WAYS[way](frame, tmp_path / "out")
    own, workers = time.process_time() - own, workers_seconds() - workers
    assert own < workers / 2
    assert peak_bytes() - peak < 20_000_000, "whatever the number of rows"
    rows = sum(pq.ParquetFile(file).metadata.num_rows for file in data_files(tmp_path / "out"))
    assert rows == 600_000

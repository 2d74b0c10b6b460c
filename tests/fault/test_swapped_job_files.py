"""Files of a job in whose place something else stands that can be read, or that nobody ever writes
to: whole exchange files of other tasks and stages, pipes, folders."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import duckdb
import pyarrow
import pytest
import smallpond
from oracle import assert_same, duckdb_answer
from worker_faults import WorkerFaults, last_tasks
from written import write_parts

NUM_FILES = 3
NUM_ROWS = 50_000  # Enough to be sorted by ranges.

QUERIES = {
    "hash": "SELECT n % 7 AS k, sum(v) AS v, count(DISTINCT n % 11) AS d FROM {0} GROUP BY k",
    "join": "SELECT count(*) AS c, sum(a.v) AS v FROM {0} a JOIN {0} b ON a.n = b.v",
    "ranges": "SELECT v, n FROM {0} ORDER BY v DESC, n",
    "broadcast": "SELECT count(*) AS c, sum(a.n) AS n FROM {0} a JOIN "
    "(SELECT DISTINCT v % 50 AS v FROM {0}) b ON a.v = b.v",
}


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> str:
    sql = f"SELECT i AS n, i * 7919 % 5003 AS v FROM range({NUM_ROWS}) t(i) "
    parts = [sql + f"WHERE i % {NUM_FILES} = {number}" for number in range(NUM_FILES)]
    return write_parts(tmp_path_factory.mktemp("rows"), parts)


@contextmanager
def session(root: Path, executor: str, broadcast_size: int = 1) -> Iterator[smallpond.Session]:
    with smallpond.init(
        executor=executor,
        num_executors=1 if executor == "processes" else None,
        threads=1,
        partitions=2,
        broadcast_size=broadcast_size,
        data_root=root,
    ) as sp:
        yield sp


def only_job(root: Path) -> Path:
    (job,) = (root / "jobs").iterdir()
    return job


def exchange_files(root: Path) -> list[Path]:
    return sorted(only_job(root).glob("stage-*/*.exchange"))


def still_there(root: Path, take: Callable[[Path], object]) -> list[Path]:
    """Takes all exchange files. Stages that are not held go on, and what they have read goes."""
    taken = []
    for file in exchange_files(root):
        with suppress(FileNotFoundError):
            take(file)
            taken.append(file)
    return taken


def rotate(root: Path) -> list[Path]:
    """Puts a copy of the next file in the place of each."""
    files = still_there(root, lambda file: shutil.copy(file, file.with_suffix(".old")))
    for file, other in zip(files, [*files[1:], files[0]], strict=True):
        os.replace(shutil.copy(other.with_suffix(".old"), file.with_suffix(".new")), file)
    return files


def link_to_next(root: Path) -> list[Path]:
    files = still_there(root, lambda file: os.replace(file, file.with_suffix(".old")))
    for file, other in zip(files, [*files[1:], files[0]], strict=True):
        file.symlink_to(other.with_suffix(".old"))
    return files


def make_pipes(root: Path) -> list[Path]:
    files = still_there(root, Path.unlink)
    for file in files:
        os.mkfifo(file)
    return files


def make_folders(root: Path) -> list[Path]:
    files = still_there(root, Path.unlink)
    for file in files:
        file.mkdir()
    return files


@pytest.mark.parametrize(
    ("executor", "change", "name"),
    [
        *[("threads", rotate, name) for name in QUERIES],
        *[("processes", rotate, name) for name in QUERIES],
        ("threads", link_to_next, "join"),
        ("threads", make_pipes, "hash"),
        ("processes", make_pipes, "broadcast"),
        ("processes", make_folders, "hash"),
    ],
)
def test_exchange_files(
    executor: str,
    change: Callable[[Path], list[Path]],
    name: str,
    faults: WorkerFaults,
    rows: str,
    tmp_path: Path,
) -> None:
    """Before a task of each stage begins, all that is there is changed."""
    with duckdb.connect() as connection:
        expected = duckdb_answer(connection, QUERIES[name].replace("{0}", f"'{rows}'"))
    with session(tmp_path, executor, 10**9 if name == "broadcast" else 1) as sp:

        def ask() -> None:
            frame = sp.sql(QUERIES[name], sp.read_parquet(rows))
            if name == "ranges":
                assert frame.to_arrow().equals(expected.table)
            else:
                assert_same(frame, expected)

        ask()
        once = faults.take_attempts()
        _, *later = last_tasks(once)
        assert later
        for stage, task in later:
            changed: list[Path] = []
            with faults.held(stage, task, lambda seen=changed: seen.extend(change(tmp_path))):
                ask()
            assert len(changed) >= 1
            assert faults.take_attempts().total() > once.total(), "what was changed is made again"


@pytest.mark.parametrize("executor", ["threads", "processes"])
def test_exchange_files_of_partitions(
    executor: str, faults: WorkerFaults, rows: str, tmp_path: Path
) -> None:
    sql = "SELECT n % 2 AS k, count(*) AS c, sum(v) AS v FROM {0} GROUP BY k"
    with session(tmp_path, executor) as sp:

        def ask() -> list[tuple[object, ...]]:
            frame = sp.read_parquet(rows).repartition(3, hash_by="n")
            found = sp.partial_sql(sql, frame, merge="concat").take_all()
            return sorted(tuple(row.values()) for row in found)

        expected = ask()
        assert len(expected) == 6
        once = faults.take_attempts()
        *_, (stage, task) = last_tasks(once)
        with faults.held(stage, task, lambda: rotate(tmp_path)):
            assert ask() == expected
        assert faults.take_attempts().total() > once.total()


@pytest.mark.parametrize(("executor", "change"), [("threads", rotate), ("processes", make_pipes)])
def test_rows_of_this_process_are_not_mistaken(
    executor: str,
    change: Callable[[Path], list[Path]],
    faults: WorkerFaults,
    tmp_path: Path,
) -> None:
    """They can't be made again, which ends the query. They are too many to travel in a list."""
    numbers = [i * 2654435761 % 2**40 for i in range(200_000)]
    tables = [pyarrow.table({"n": numbers}), pyarrow.table({"n": numbers[: len(numbers) // 2]})]
    sql = "SELECT count(*) AS c, sum(b.n) AS n FROM {0} a LEFT JOIN {1} b ON a.n = b.n"
    with session(tmp_path, executor) as sp:

        def ask() -> list[dict[str, object]]:
            return sp.sql(sql, *map(sp.from_arrow, tables)).take_all()

        assert ask() == [{"c": len(numbers), "n": sum(numbers[: len(numbers) // 2])}]
        (stage, _), *_ = last_tasks(faults.take_attempts())
        assert stage == 2, "two are given"
        with (
            faults.held(stage, 0, lambda: change(tmp_path)),
            pytest.raises(smallpond.IoError, match="which this process wrote for the job"),
        ):
            ask()


@pytest.mark.parametrize(
    ("executor", "name"),
    [
        ("threads", "fragments/*"),
        ("threads", "stage-1/inputs-0.json"),
        ("processes", "stage-0/outputs-0.json"),
    ],
)
def test_nobody_waits_for_other_files(
    executor: str, name: str, faults: WorkerFaults, rows: str, tmp_path: Path
) -> None:
    def make_pipe() -> None:
        for file in list(only_job(tmp_path).glob(name)):
            file.unlink()
            os.mkfifo(file)

    with session(tmp_path, executor) as sp:
        with (
            faults.held(1, 0, make_pipe),
            pytest.raises(smallpond.IoError, match="a part of the job, can't be read"),
        ):
            sp.sql(QUERIES["hash"], sp.read_parquet(rows)).to_arrow()
        assert faults.take_attempts()[1, 0] == 4

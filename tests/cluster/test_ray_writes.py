"""Files that tasks of two Ray nodes write: those of the direct road, also where an actor dies."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest
import smallpond
from folder_content import everything_below
from smallpond.ray_executor import RayExecutor
from worker_faults import AT_MOST_SECONDS, WorkerFaults, names_of_files, wait_until
from written import (
    Plain,
    assert_nothing_beside,
    assert_written,
    data_files,
    folders,
    query,
    scan,
    split_tables,
)

pytestmark = pytest.mark.slow

SQL = "SELECT event_id, user_id, kind, amount, country FROM events JOIN users USING (user_id)"
MANY = f"SELECT *, hash(event_id, j) AS h FROM ({SQL}), range(2000) r(j)"


@pytest.fixture(scope="module")
def split(oracle: Plain, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return split_tables(oracle, tmp_path_factory.mktemp("split"))


def content(oracle: Plain, out: Path) -> dict[str, list[tuple[object, ...]]]:
    """The rows of each folder below the output."""
    return {
        name: sorted(oracle.execute(f"FROM {scan(files)}").fetchall())
        for name, files in folders(out).items()
    }


@pytest.mark.parametrize("keys", [None, ["kind"], ["country", "kind"]])
def test_modes(
    sp: smallpond.Session,
    ray_sp: smallpond.Session,
    oracle: Plain,
    split: Path,
    tmp_path: Path,
    keys: list[str] | None,
) -> None:
    some, others = f"{SQL} WHERE event_id % 3 = 0", f"{SQL} WHERE event_id % 3 > 0"
    outs = {"direct": tmp_path / "direct", "ray": tmp_path / "ray"}
    sessions = {"direct": sp, "ray": ray_sp}

    def both(sql: str, mode: str, expected: str) -> None:
        results = {}
        for road, session in sessions.items():
            frame = query(session, split, sql)
            result = frame.write_parquet(outs[road], mode, partition_by=keys)
            results[road] = (result.num_rows, result.num_files > 0)
            if keys is None:
                assert_written(oracle, outs[road], expected)
            assert_nothing_beside(outs[road])
            assert session.read_parquet(outs[road]).count() == len(
                oracle.execute(expected).fetchall()
            )
        assert results["ray"] == results["direct"]
        assert content(oracle, outs["ray"]) == content(oracle, outs["direct"])

    both(some, "error", some)
    both(others, "ignore", some)
    both(others, "append", f"{some} UNION ALL {others}")
    both(others, "overwrite", others)
    both(some, "append", f"{others} UNION ALL {some}")
    for road, session in sessions.items():
        with pytest.raises(smallpond.InvalidInputError, match='has data, and mode="error"'):
            query(session, split, some).write_parquet(outs[road], "error", partition_by=keys)
    assert content(oracle, outs["ray"]) == content(oracle, outs["direct"])


@pytest.mark.parametrize("form", ["csv", "json"])
def test_text(
    ray_sp: smallpond.Session, oracle: Plain, split: Path, tmp_path: Path, form: str
) -> None:
    sql = "SELECT event_id, kind, amount, note FROM events ORDER BY event_id"
    getattr(query(ray_sp, split, sql), f"write_{form}")(tmp_path / "out")
    assert_written(oracle, tmp_path / "out", sql, form, ["event_id"])


def test_partitions(ray_sp: smallpond.Session, oracle: Plain, split: Path, tmp_path: Path) -> None:
    out, spread = tmp_path / "out", query(ray_sp, split, SQL).repartition(5, hash_by="user_id")
    spread.write_parquet(out)
    assert len(data_files(out)) == 5
    assert_written(oracle, out, SQL)
    counted = "SELECT user_id, count(*) AS n FROM {0} GROUP BY user_id"
    ray_sp.partial_sql(counted, spread, merge="concat").write_parquet(out)
    assert len(data_files(out)) == 5
    assert_written(oracle, out, counted.replace("{0}", f"({SQL})"))


# --- actors that die, or write on when they have been given up


def writers(out: Path) -> Iterator[psutil.Process]:
    """The processes that have a staged file of the output open."""
    begin = str(out.parent / f".{out.name}.attempt-")
    for process in psutil.Process().children(recursive=True):
        if any(name.startswith(begin) for name in names_of_files(process.pid)):
            yield process


def hit_a_writer(out: Path, hit: Callable[[psutil.Process], None]) -> psutil.Process:
    found: list[psutil.Process] = []
    wait_until(lambda: found or found.extend(writers(out)))
    hit(found[0])
    return found[0]


LAYOUTS: dict[str, dict[str, object]] = {
    "flat": {},
    "folders": {"partition_by": ["kind", "country"]},
    "sorted": {"sort_by": "h", "file_size": "1MB"},
}


def assert_all_rows_once(oracle: Plain, out: Path) -> None:
    counted = "SELECT count(*), count(DISTINCT (event_id, j)), bit_xor(h), sum(amount) FROM "
    [found] = oracle.execute(f"{counted} {scan(data_files(out))}").fetchall()
    [expected] = oracle.execute(f"{counted} ({MANY})").fetchall()
    assert found == expected
    assert_nothing_beside(out)


@pytest.mark.parametrize("layout", list(LAYOUTS))
def test_an_actor_is_killed_while_it_writes(
    ray_sp: smallpond.Session,
    faults: WorkerFaults,
    oracle: Plain,
    split: Path,
    tmp_path: Path,
    layout: str,
) -> None:
    out, options = tmp_path / "out", LAYOUTS[layout]
    query(ray_sp, split, SQL).write_parquet(out)
    faults.take_attempts()
    with ThreadPoolExecutor(1) as beside:
        killed = beside.submit(hit_a_writer, out, psutil.Process.kill)
        query(ray_sp, split, MANY).write_parquet(out, **options)
        actor = killed.result(AT_MOST_SECONDS)
    assert actor.pid != os.getpid()
    attempts = faults.take_attempts()
    last = max(stage for stage, _ in attempts)
    assert max(count for (stage, _), count in attempts.items() if stage == last) == 2
    assert_all_rows_once(oracle, out)


@pytest.mark.parametrize("layout", list(LAYOUTS))
def test_an_actor_that_was_given_up_goes_on(
    cluster: Any,
    monkeypatch: pytest.MonkeyPatch,
    faults: WorkerFaults,
    oracle: Plain,
    split: Path,
    tmp_path: Path,
    layout: str,
) -> None:
    """It was stopped while it wrote, which keeps Ray from ending it until it goes on."""
    monkeypatch.setitem(RayExecutor.__init__.__kwdefaults__, "heartbeat_timeout_seconds", 3)
    out, options = tmp_path / "out", LAYOUTS[layout]
    with (
        smallpond.init(
            ray_address=cluster.address,
            data_root=tmp_path / "root",
            duckdb_memory="500MB",
            partitions=4,
            broadcast_size=1,
        ) as sp,
        ThreadPoolExecutor(1) as beside,
    ):
        query(sp, split, SQL).write_parquet(out)
        stopped = beside.submit(hit_a_writer, out, psutil.Process.suspend)
        query(sp, split, MANY).write_parquet(out, **options)
        actor = stopped.result(AT_MOST_SECONDS)
        assert_all_rows_once(oracle, out)
        before = everything_below(out)
        with suppress(psutil.NoSuchProcess):
            actor.resume()
        actor.wait(AT_MOST_SECONDS)
        assert everything_below(out) == before
        query(sp, split, SQL).write_parquet(out)
        assert_written(oracle, out, SQL)

"""Sessions that run queries in stages: errors, Ctrl-C, threads, and their end."""

from __future__ import annotations

import subprocess
import sys
import textwrap
import threading
from collections.abc import Iterator
from pathlib import Path

import duckdb
import psutil
import pytest
import smallpond
from oracle import assert_same, duckdb_answer

AT_MOST_SECONDS = 60
EXECUTORS = ["threads", "processes"]
SQL = "SELECT kind, count(*) AS n, sum(amount) AS amount FROM {0} GROUP BY kind"


@pytest.fixture(scope="module")
def files(oracle: duckdb.DuckDBPyConnection, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("events")
    for part in range(4):
        sql = f"FROM events WHERE event_id % 4 = {part}"
        oracle.execute(f"COPY ({sql}) TO '{folder}/{part}.parquet'")
    return folder


def start(executor: str, root: Path) -> smallpond.Session:
    return smallpond.init(
        executor=executor,
        num_executors=2 if executor == "processes" else None,
        threads=2,
        duckdb_memory="600MB",
        data_root=root,
        partitions=3,
    )


@pytest.fixture(params=EXECUTORS)
def staged_sp(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[smallpond.Session]:
    with start(request.param, tmp_path / "root") as sp:
        yield sp


# --- errors ---

ERRORS = {
    "cast": "SELECT kind, sum(note::INT) FROM {0} GROUP BY kind",
    "overflow": "SELECT kind, sum((event_id * 9223372036854775807)::BIGINT) FROM {0} GROUP BY kind",
    "user's own": "SELECT kind, max(error('no event')) FROM {0} GROUP BY kind",
    "subquery": "SELECT kind FROM {0} WHERE day = (SELECT day FROM {0} WHERE kind = 'buy')",
}


@pytest.mark.parametrize("sql", ERRORS.values(), ids=ERRORS)
def test_errors_are_those_of_the_direct_road(
    sql: str, sp: smallpond.Session, staged_sp: smallpond.Session, files: Path, tmp_path: Path
) -> None:
    with pytest.raises(smallpond.Error) as direct:
        sp.sql(sql, sp.read_parquet(files)).to_arrow()
    with pytest.raises(smallpond.Error) as staged:
        staged_sp.sql(sql, staged_sp.read_parquet(files)).to_arrow()
    assert type(staged.value) is type(direct.value)
    text = str(staged.value)
    assert text.count("Stage ") == text.count(", task ") == text.count("While computing") == 1
    assert list((tmp_path / "root" / "jobs").iterdir()) == []


@pytest.mark.parametrize("executor", EXECUTORS)
def test_memory_errors_tell_where_to_look(executor: str, files: Path, tmp_path: Path) -> None:
    with start(executor, tmp_path / "root") as sp:
        sp.execute("SET max_temp_directory_size = '0KB'")
        hungry = sp.sql(
            "SELECT list(repeat('x', 200) || event_id || i) AS l FROM {0}, range(30_000) t(i)",
            sp.read_parquet(files),
        )
        with pytest.raises(smallpond.OutOfMemoryError, match="duckdb_memory") as caught:
            hungry.to_arrow()
        (job,) = (tmp_path / "root" / "jobs").iterdir()
        assert f"'{job}/events.jsonl'" in str(caught.value)
        assert '"event":"job failed","kind":"OutOfMemory"' in (job / "events.jsonl").read_text()


# --- threads ---


def test_several_threads_use_one_session(
    staged_sp: smallpond.Session, files: Path, oracle: duckdb.DuckDBPyConnection
) -> None:
    expected = duckdb_answer(oracle, SQL.replace("{0}", "events"))
    failures: list[BaseException] = []

    def run() -> None:
        try:
            for _ in range(4):
                assert_same(staged_sp.sql(SQL, staged_sp.read_parquet(files)), expected)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


def test_two_sessions_parallel_for(
    files: Path, tmp_path: Path, oracle: duckdb.DuckDBPyConnection
) -> None:
    expected = duckdb_answer(oracle, SQL.replace("{0}", "events"))
    with start("processes", tmp_path / "root") as one, start("processes", tmp_path / "root") as two:
        for sp in [one, two, one]:
            assert_same(sp.sql(SQL, sp.read_parquet(files)), expected)


# --- the end ---


def worker_pids() -> list[int]:
    return [child.pid for child in psutil.Process().children()]


def test_frames_outlive_shutdown_with_new_workers(files: Path, tmp_path: Path) -> None:
    before = worker_pids()
    sp = start("processes", tmp_path / "root")
    frame = sp.sql(SQL, sp.read_parquet(files))
    assert frame.count() == 5
    assert len(worker_pids()) == len(before) + 2
    sp.shutdown()
    assert worker_pids() == before
    assert frame.count() == 5
    del frame, sp
    assert worker_pids() == before
    assert list((tmp_path / "root" / "temp").iterdir()) == []


SCRIPT = """
import os, signal, sys, threading
import smallpond

executor, files, root = sys.argv[1:]
sp = smallpond.init(
    executor=executor, num_executors=2 if executor == "processes" else None, threads=2,
    duckdb_memory="600MB", data_root=root, partitions=3,
)
events = sp.read_parquet(files)
assert sp.sql("SELECT kind, count(*) AS n FROM {0} GROUP BY kind", events).count() == 5
endless = sp.sql(
    "SELECT kind, count(*) AS n FROM {0}, range(9_999_999) a(i), range(9_999_999) b(j) "
    "WHERE hash(event_id, i, j) < 9 GROUP BY kind", events)


def in_a_thread():
    running = threading.Event()
    # The signal's handler runs while the main thread waits, and so the other one does.
    def run():
        running.set()
        endless.to_arrow()
        print("it came to its end", flush=True)
    threading.Thread(target=run, daemon=True).start()
    running.wait()
    while not os.listdir(root + "/jobs"):
        pass


def interrupted(call):
    signal.signal(signal.SIGALRM, lambda *_: os.kill(os.getpid(), signal.SIGINT))
    signal.setitimer(signal.ITIMER_REAL, 0.3)
    try:
        call()
    except KeyboardInterrupt:
        print("interrupted", flush=True)

CODE
"""

ENDINGS = {
    "query": (
        "interrupted(endless.count)\nassert os.listdir(root + '/jobs') == []\n"
        "assert sp.sql('SELECT part, count(*) FROM {0} GROUP BY part', events).count() > 0",
        "interrupted\n",
    ),
    "write": ("interrupted(lambda: endless.write_parquet(root + '/out'))", "interrupted\n"),
    "behind another": (
        "in_a_thread()\ninterrupted(sp.sql('SELECT max(part) FROM {0}', events).take_all)",
        "interrupted\n",
    ),
    "end of the program": ("in_a_thread()", ""),
}


@pytest.mark.parametrize("executor", EXECUTORS)
@pytest.mark.parametrize(("code", "output"), ENDINGS.values(), ids=ENDINGS)
def test_what_stops_a_query_leaves_nothing(
    executor: str, code: str, output: str, files: Path, tmp_path: Path
) -> None:
    root = tmp_path / "root"
    process = subprocess.run(
        [
            *[sys.executable, "-c", textwrap.dedent(SCRIPT.replace("CODE", code))],
            *[executor, str(files), str(root)],
        ],
        capture_output=True,
        text=True,
        timeout=AT_MOST_SECONDS,
    )
    assert (process.returncode, process.stdout, process.stderr) == (0, output, "")
    left = {path.name: list(path.iterdir()) for path in root.iterdir()}
    assert left == {"jobs": [], "temp": []}

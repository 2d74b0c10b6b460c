"""A process that os.fork() makes while a session is open leaves all of it to its parent."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest
import smallpond
from smallpond.initialize import EXIT_SECONDS

MOST_SECONDS = 60


@pytest.fixture
def files(tmp_path: Path) -> Path:
    (tmp_path / "files").mkdir()
    with duckdb.connect() as connection:
        for part in range(2):
            sql = f"SELECT i FROM range(100) r(i) WHERE i % 2 = {part}"
            connection.execute(f"COPY ({sql}) TO '{tmp_path}/files/{part}.parquet'")
    return tmp_path / "files"


def text_of_child(work: Callable[[], str]) -> str:
    """What `work` returns in a forked child, which ends as a Python program does."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        import atexit
        import signal

        signal.alarm(MOST_SECONDS)  # Whatever hangs: the child ends.
        os.close(reading)
        try:
            os.write(writing, work().encode())
        except BaseException as error:  # It must not go on as a second pytest.
            os.write(writing, repr(error).encode())
        atexit._run_exitfuncs()
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        text = pipe.read()
    assert os.waitpid(child, 0)[1] == 0
    return text


@pytest.mark.parametrize("executor", ["direct", "threads", "processes"])
def test_a_forked_child_leaves_the_session_alone(
    executor: str, files: Path, tmp_path: Path
) -> None:
    sp = smallpond.init(
        executor=executor, threads=1, partitions=2, broadcast_size=1, data_root=tmp_path / "root"
    )
    frame = sp.sql("SELECT i % 3 AS k, count(*) AS n FROM {0} GROUP BY k", sp.read_parquet(files))
    assert len(frame.take_all()) == 3
    import pyarrow

    reader = pyarrow.RecordBatchReader.from_stream(sp.sql("FROM range(300_000)"))
    reader.read_next_batch()
    before = sorted(tmp_path.rglob("*"))

    def work() -> str:
        nonlocal frame, sp, reader
        texts = []
        for act in [frame.count, lambda: sp.sql("SELECT 1"), lambda: sp.read_parquet(files)]:
            try:
                act()
            except smallpond.InvalidInputError as error:
                texts.append(str(error))
        sp.shutdown()
        with smallpond.init(threads=1) as own:
            texts.append(str(own.sql("SELECT 6 * 7 AS x").take_all()))
        frame = sp = reader = None  # They are the last who hold them.
        return json.dumps(texts)

    *errors, answer = json.loads(text_of_child(work))
    assert len(errors) == 3
    for error in errors:
        assert error.startswith(f"This session belongs to process {os.getpid()}, which forked")
    assert answer == "[{'x': 42}]"

    assert sorted(tmp_path.rglob("*")) == before
    assert reader.read_all().num_rows > 0
    assert frame.filter("k = 1").take_all() == [{"k": 1, "n": 33}]
    sp.shutdown()


def test_a_forked_child_does_not_wait_for_the_threads_of_its_parent(
    fresh_sp: smallpond.Session,
) -> None:
    begun, ended = threading.Event(), threading.Event()
    frame = fresh_sp.sql("SELECT sum(sqrt(i)) AS s FROM range(40_000_000) r(i)")

    def compute() -> None:
        begun.set()
        while not ended.is_set():
            frame.count()
            frame.take(1)

    thread = threading.Thread(target=compute)
    thread.start()
    begun.wait(MOST_SECONDS)
    try:
        start = time.monotonic()
        assert text_of_child(lambda: "alive") == "alive"
        assert time.monotonic() - start < EXIT_SECONDS
    finally:
        ended.set()
        thread.join(MOST_SECONDS)

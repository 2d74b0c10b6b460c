"""Faults of workers at a given place: what src/worker/test_faults.h understands."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import smallpond

AT_MOST_SECONDS = 60
VARIABLE = "SMALLPOND_TEST_FAULTS"

# Six stages: both sides of a join are exchanged, and twice what is grouped.
SQL = """
    SELECT country, kind, count(DISTINCT e.user_id) AS users, sum(amount) AS amount
    FROM {0} e JOIN {1} u ON e.user_id = u.user_id
    GROUP BY country, kind ORDER BY country, kind
"""


class WorkerFaults:
    """The folder in which faults are asked for, and in which attempts are noted."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def ask(self, stage: int, task: int, fault: str, attempt: int = 0, text: str = "") -> None:
        (self.folder / f"{stage}.{task}.{attempt}.{fault}").write_text(text)

    def pending(self) -> list[str]:
        """Those that were asked for and have not happened."""
        return [path.name for path in self.folder.iterdir() if path.name != "attempts"]

    @contextmanager
    def held(
        self, stage: int, task: int, while_held: Callable[[], None], attempt: int = 0
    ) -> Iterator[None]:
        """Within it, the attempt waits before it reads anything until `while_held` has returned,
        which runs beside. What that raises is raised at the end."""
        gate = self.folder / f"{stage}.{task}.{attempt}.flip-file"
        os.mkfifo(gate)  # The attempt waits here for the name of a file, and gets none.

        def open_gate() -> None:
            with open(gate, "wb"):
                try:
                    while_held()
                finally:
                    gate.unlink()

        with ThreadPoolExecutor(1) as beside:
            opened = beside.submit(open_gate)
            try:
                yield
            finally:
                with suppress(OSError):  # The attempt never came.
                    os.close(os.open(gate, os.O_RDONLY | os.O_NONBLOCK))
            opened.result(AT_MOST_SECONDS)

    def take_attempts(self) -> Counter[tuple[int, int]]:
        """How many attempts each task has taken since the last call."""
        file = self.folder / "attempts"
        lines = file.read_text().splitlines()
        file.unlink()
        return Counter((int(stage), int(task)) for stage, task, _ in map(str.split, lines))


def last_tasks(attempts: dict[tuple[int, int], int]) -> list[tuple[int, int]]:
    """One task of each stage."""
    return sorted({stage: task for stage, task in sorted(attempts)}.items())


def frame(sp: smallpond.Session, data: Path) -> smallpond.DataFrame:
    """A new one each time: the rows of one that was computed are kept."""
    return sp.sql(SQL, sp.read_parquet(data / "events"), sp.read_parquet(data / "users"))


@contextmanager
def session(folder: Path, executor: str, memory: str = "1GB") -> Iterator[smallpond.Session]:
    """Two workers and shuffles of three partitions. At the end nothing is left of it."""
    root = folder / "root"
    with smallpond.init(
        executor=executor,
        num_executors=2 if executor == "processes" else None,
        threads=2,
        duckdb_memory=memory,
        data_root=root,
        partitions=3,
        broadcast_size=1,
    ) as sp:
        yield sp
        assert list((root / "jobs").iterdir()) == []
    # A worker that was given up ends by itself, and removes what it spilled.
    wait_until(lambda: list((root / "temp").iterdir()) == [])
    assert workers() == []


def workers() -> list[psutil.Process]:
    """The worker processes of this test. Sessions that other tests share may have some too."""
    found = []
    for child in psutil.Process().children():
        try:
            is_of_test = child.environ().get(VARIABLE) == os.environ[VARIABLE]
            if "smallpond.worker" in child.cmdline() and is_of_test:
                found.append(child)
        except psutil.Error:  # It has just ended.
            continue
    return found


def names_of_files(pid: int) -> list[str]:
    """Of the files and pipes that a process has open, if it is there."""
    names = []
    with suppress(OSError):
        for file in Path(f"/proc/{pid}/fd").iterdir():
            with suppress(OSError):
                names.append(os.readlink(file))
    return names


def take_kept_job(folder: Path) -> str:
    """The log of the one job of `session` that has failed. Its folder, which is kept for people to
    look into, goes."""
    (job,) = (folder / "root" / "jobs").iterdir()
    log = (job / "events.jsonl").read_text()
    for path in sorted(job.rglob("*"), reverse=True):
        path.unlink() if path.is_file() else path.rmdir()
    job.rmdir()
    return log


def wait_until(condition: Callable[[], object]) -> None:
    """Returns when others have made the condition true."""
    end = time.monotonic() + AT_MOST_SECONDS
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.002)

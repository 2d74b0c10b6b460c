"""Attempts on the nodes of a Ray cluster: two nodes of this machine, on 127.0.0.1 alone."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
import ray_stand_in
import smallpond
from ray_nodes import CPUS_PER_NODE, NODE, two_nodes
from smallpond import _core
from smallpond.ray_executor import RayExecutor

pytestmark = pytest.mark.slow

AT_MOST_SECONDS = 90


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    with two_nodes() as cluster:
        import ray

        ray.cloudpickle.register_pickle_by_value(ray_stand_in)
        yield cluster


Start = Callable[..., RayExecutor]


@pytest.fixture
def start(cluster: Any) -> Iterator[Start]:
    """Starts an executor with the stand-in worker, and closes it."""
    started: list[RayExecutor] = []

    def start(setup: str = "", threads_per_task: int = 1, **options: Any) -> RayExecutor:
        options.setdefault("make_worker", ray_stand_in.StandIn)
        executor = RayExecutor(cluster.address, setup, threads_per_task, **options)
        started.append(executor)
        return executor

    yield start
    for executor in started:
        executor.close()


def launches(*specs: str) -> list[_core.TaskLaunch]:
    return [_core.TaskLaunch(_core.TaskId(0, i, 0), spec) for i, spec in enumerate(specs)]


def until(executor: RayExecutor, enough: Callable[[list[_core.TaskEvent]], bool]) -> None:
    events: list[_core.TaskEvent] = []
    deadline = time.monotonic() + AT_MOST_SECONDS
    while not enough(events):
        assert time.monotonic() < deadline, [(event.kind, event.id) for event in events]
        events += executor.wait(1000)


def ends(executor: RayExecutor, count: int) -> list[_core.TaskEvent]:
    """The events that end `count` attempts, in the order of their tasks."""
    ended: list[_core.TaskEvent] = []

    def enough(events: list[_core.TaskEvent]) -> bool:
        ended[:] = [event for event in events if event.kind != "heartbeat"]
        return len(ended) >= count

    until(executor, enough)
    assert len({event.id for event in ended}) == len(ended) == count
    return sorted(ended, key=lambda event: event.id.task)


def wait_until_gone(pids: set[int]) -> None:
    deadline = time.monotonic() + AT_MOST_SECONDS
    while any(map(psutil.pid_exists, pids)):
        assert time.monotonic() < deadline, f"one of {pids} lives"


def node_pids(executor: RayExecutor, folder: Path, slots: int = 2 * CPUS_PER_NODE) -> set[int]:
    """The workers' process ids, one a node, when so many slots are there."""
    until(executor, lambda events: executor.slots() == slots)
    folder.mkdir()
    executor.submit(launches(*[f"meet {folder}:{slots}"] * slots))
    ends(executor, slots)
    return {int(path.name.partition("-")[0]) for path in folder.iterdir()}


def test_one_process_a_node_runs_many_small_tasks(start: Start, tmp_path: Path) -> None:
    executor = start()
    assert executor.slots() == 0
    pids = node_pids(executor, tmp_path / "meet")
    assert len(pids) == 2
    started = time.monotonic()
    executor.submit(launches(*[f"echo {i}" for i in range(1000)]))
    assert [event.report for event in ends(executor, 1000)] == [f"echo {i}" for i in range(1000)]
    print(f"1000 tasks took {time.monotonic() - started:.2f} s")
    executor.submit(launches(*["pid"] * 20))
    assert {int(event.report) for event in ends(executor, 20)} <= pids
    executor.close()
    wait_until_gone(pids)


def test_cancel(start: Start) -> None:
    executor = start(tasks_per_node=1)
    executor.submit(launches("wait", "wait", "wait", "echo last"))
    until(executor, lambda events: any(event.kind == "heartbeat" for event in events))
    executor.cancel(_core.TaskId(0, 2, 0))
    (queued,) = ends(executor, 1)
    assert (queued.kind, queued.id.task) == ("cancelled", 2)
    executor.cancel(_core.TaskId(0, 0, 0))
    executor.cancel(_core.TaskId(7, 7, 7))
    cancelled, last = ends(executor, 2)
    assert (cancelled.kind, cancelled.id.task, last.report) == ("cancelled", 0, "echo last")
    executor.cancel(_core.TaskId(0, 1, 0))
    assert [event.kind for event in ends(executor, 1)] == ["cancelled"]


def test_a_killed_worker_loses_its_attempts_and_is_replaced(
    start: Start, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    executor = start()
    pids = node_pids(executor, tmp_path / "meet")
    executor.submit(launches(*["wait"] * 4))
    running: set[_core.TaskId] = set()
    until(executor, lambda events: len({*running, *(event.id for event in events)}) == 4)
    os.kill(min(pids), signal.SIGKILL)
    lost = ends(executor, 2)
    assert [event.kind for event in lost] == ["lost", "lost"]
    assert "The worker on node" in lost[0].report
    logged = [r.levelname for r in caplog.records if "The worker on node" in r.getMessage()]
    assert logged == ["WARNING"]
    for task in range(4):
        executor.cancel(_core.TaskId(0, task, 0))
    assert [event.kind for event in ends(executor, 2)] == ["cancelled"] * 2
    again = node_pids(executor, tmp_path / "again")
    assert len(again) == 2
    assert min(pids) not in again


def test_a_task_that_kills_every_worker_is_an_error_in_the_end(start: Start) -> None:
    executor = start()
    with pytest.raises(smallpond.UnavailableError, match="No node of the Ray cluster can run"):
        while True:
            executor.submit(launches("exit", "exit", "exit"))
            ends(executor, 3)


def test_a_silent_worker_is_lost(start: Start, tmp_path: Path) -> None:
    executor = start(heartbeat_timeout_seconds=3)
    pid = max(node_pids(executor, tmp_path / "meet"))
    os.kill(pid, signal.SIGSTOP)
    executor.submit(launches(*["pid"] * 4))
    events = ends(executor, 4)
    assert [event.kind for event in events].count("lost") == 2
    assert any("silent for 3 s" in event.report for event in events)
    if psutil.pid_exists(pid):
        os.kill(pid, signal.SIGKILL)


def test_a_node_dies_and_another_comes(start: Start, cluster: Any, tmp_path: Path) -> None:
    third = cluster.add_node(**NODE)
    executor = start(heartbeat_timeout_seconds=20)
    node_pids(executor, tmp_path / "meet", 3 * CPUS_PER_NODE)
    executor.submit(launches(*["wait"] * 6))
    until(executor, lambda events: len({event.id for event in events}) == 6)
    started = time.monotonic()
    cluster.remove_node(third, allow_graceful=False)
    assert [event.kind for event in ends(executor, 2)] == ["lost", "lost"]
    print(f"a dead node was noticed after {time.monotonic() - started:.1f} s")
    fourth = cluster.add_node(**NODE)
    executor.submit([_core.TaskLaunch(_core.TaskId(5, i, 0), "echo on") for i in range(2)])
    assert [event.report for event in ends(executor, 2)] == ["echo on"] * 2
    cluster.remove_node(fourth, allow_graceful=False)


def test_a_setup_that_fails(start: Start) -> None:
    executor = start("refuse There is no folder x.")
    executor.submit(launches("echo"))
    with pytest.raises(smallpond.IoError, match=r"^There is no folder x\.$"):
        ends(executor, 1)


@pytest.mark.parametrize(
    ("threads", "options", "text"),
    [
        (64, {}, "a task needs 64 CPUs .* the largest have 2 CPUs"),
        (1, {"memory_bytes": 10**15}, f"a worker {10**15} bytes of memory"),
    ],
)
def test_what_no_node_has(start: Start, threads: int, options: dict[str, int], text: str) -> None:
    executor = start("", threads, **options)
    with pytest.raises(smallpond.InvalidInputError, match=text):
        ends(executor, 1)


def test_an_idle_driver_gives_its_workers_back(start: Start, tmp_path: Path) -> None:
    idle = start(idle_seconds=0.5, job_name="idle.py")
    pids = node_pids(idle, tmp_path / "meet")
    wait_until_gone(pids)
    assert idle.slots() == 0
    idle.begin_job()
    again = node_pids(idle, tmp_path / "again")
    assert len(again) == 2 and not again & pids
    # A worker with something to do stays, whether somebody looks or not.
    idle.submit(launches(f"wait {tmp_path / 'go'}"))
    time.sleep(1.5)
    (tmp_path / "go").touch()
    assert [event.kind for event in ends(idle, 1)] == ["finished"]


def test_who_waits_is_told_who_has_the_nodes(
    start: Start, tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("smallpond.ray_executor.BUSY_NOTICE_SECONDS", 0.5)
    holder = start(job_name="first.py")
    node_pids(holder, tmp_path / "meet")
    second = start(start_timeout_seconds=2)
    second.submit(launches("echo"))
    told = (
        r"has 0 of its 2 CPUs free, and a worker takes 2; smallpond runs there for first\.py "
        rf"\(process {os.getpid()} on "
    )
    with pytest.raises(smallpond.UnavailableError, match=told):
        ends(second, 1)
    assert re.search("Waiting up to 2 s for free CPUs.*" + told, caplog.text)
    second.close()
    # Where they become free in time, it goes on.
    third = start(start_timeout_seconds=AT_MOST_SECONDS)
    third.submit(launches("echo on"))
    assert third.wait(1000) == []
    holder.close()
    assert [event.report for event in ends(third, 1)] == ["echo on"]


def test_a_node_that_failed_in_one_job_is_used_in_the_next(start: Start) -> None:
    executor = start(tasks_per_node=1)
    for job in range(2):
        executor.begin_job()
        for _ in range(2):
            executor.submit([_core.TaskLaunch(_core.TaskId(job, i, 0), "exit") for i in range(2)])
            ends(executor, 2)
    executor.submit(launches("echo on"))
    assert [event.report for event in ends(executor, 1)] == ["echo on"]


def test_the_real_worker(start: Start) -> None:
    executor = start("{}", make_worker=_core.TaskWorker)
    executor.submit(launches("not a spec"))
    (event,) = ends(executor, 1)
    assert event.kind == "finished"
    assert '"ok":false' in event.report.replace(" ", "")


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_a_driver_that_ends_leaves_no_worker(
    how: signal.Signals, cluster: Any, tmp_path: Path
) -> None:
    file = tmp_path / "pids"
    driver = subprocess.Popen(
        [sys.executable, ray_stand_in.__file__, cluster.address, str(file), "4"],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        deadline = time.monotonic() + AT_MOST_SECONDS
        while not file.exists():
            assert driver.poll() is None
            assert time.monotonic() < deadline
        pids = {int(pid) for pid in file.read_text().split()}
        assert len(pids) == 2
        os.kill(driver.pid, how)
        output, _ = driver.communicate(timeout=AT_MOST_SECONDS)
        assert ("interrupted" in output) == (how == signal.SIGINT)
        print(output)
        wait_until_gone(pids)
    finally:
        driver.kill()
        driver.wait()

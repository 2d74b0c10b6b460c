"""The executors as Python sees them: worker processes, and classes of Python behind the core's
three calls."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pytest
import smallpond
from smallpond import _core
from smallpond.process_executor import start_processes, worker_environment

AT_MOST_SECONDS = 60


def end_of(executor: _core.Executor, id: _core.TaskId) -> _core.TaskEvent:
    """The event that ends an attempt, the others having been dropped."""
    deadline = time.monotonic() + AT_MOST_SECONDS
    while time.monotonic() < deadline:
        for event in executor.wait(1000):
            if event.id == id and event.kind != "heartbeat":
                return event
    raise TimeoutError(f"{id} did not end")


class PythonExecutor(_core.Executor):
    """Finishes everything at once, or raises what it is told."""

    def __init__(self, error: BaseException | None = None) -> None:
        super().__init__()
        self.error = error
        self.events: list[_core.TaskEvent] = []

    def slots(self) -> int:
        return 7

    def submit(self, launches: Sequence[_core.TaskLaunch]) -> None:
        self.events += [_core.TaskEvent("finished", one.id, one.spec.upper()) for one in launches]

    def wait(self, timeout_ms: int) -> list[_core.TaskEvent]:
        if self.error:
            raise self.error
        events, self.events = self.events, []
        return events

    def cancel(self, id: _core.TaskId) -> None:
        self.events.append(_core.TaskEvent("cancelled", id))


def test_the_core_calls_an_executor_of_python() -> None:
    # Called as methods of the base class, the calls pass through the core.
    executor, id = PythonExecutor(), _core.TaskId(1, 2, 3)
    assert _core.Executor.slots(executor) == 7
    _core.Executor.submit(executor, [_core.TaskLaunch(id, "spec")])
    _core.Executor.cancel(executor, _core.TaskId(4, 5, 6))
    finished, cancelled = _core.Executor.wait(executor, 100)
    assert (finished.kind, finished.id, finished.report) == ("finished", id, "SPEC")
    assert (cancelled.kind, repr(cancelled.id)) == ("cancelled", "TaskId(4, 5, 6)")
    assert len({id, _core.TaskId(1, 2, 3), cancelled.id}) == 2


@pytest.mark.parametrize(
    ("raised", "expected", "text"),
    [
        (smallpond.UnavailableError("no node"), smallpond.UnavailableError, "^no node$"),
        (smallpond.IoError("no file"), smallpond.IoError, "^no file$"),
        (ValueError("odd"), smallpond.InternalError, "(?s)executor failed.*ValueError: odd"),
        (KeyboardInterrupt(), KeyboardInterrupt, "^$"),
        (SystemExit(3), SystemExit, "3"),
    ],
)
def test_what_an_executor_of_python_raises(
    raised: BaseException, expected: type[BaseException], text: str
) -> None:
    with pytest.raises(expected, match=text):
        _core.Executor.wait(PythonExecutor(raised), 100)


def test_an_event_has_one_of_four_kinds() -> None:
    with pytest.raises(smallpond.InternalError, match="'done'"):
        _core.TaskEvent("done", _core.TaskId(0, 0, 0))


def test_python_workers_run_tasks(tmp_path: Path) -> None:
    executor = start_processes("{}", 2, 2, str(tmp_path))
    ids = [_core.TaskId(0, task, 0) for task in range(20)]
    executor.submit([_core.TaskLaunch(id, "not a spec") for id in ids])
    ends: list[_core.TaskEvent] = []
    while len(ends) < len(ids):
        ends += [event for event in executor.wait(1000) if event.kind != "heartbeat"]
    assert {event.id for event in ends} == set(ids)
    while executor.slots() < 4:  # One may have done it all before the other was there.
        executor.wait(100)
    assert all(event.kind == "finished" for event in ends)
    assert all(json.loads(event.report)["ok"] is False for event in ends)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["worker-0.log", "worker-1.log"]


def test_a_killed_python_worker_is_replaced() -> None:
    executor = start_processes("{}", 1, 1)
    id = _core.TaskId(0, 0, 0)
    executor.submit([_core.TaskLaunch(id, "")])
    assert end_of(executor, id).kind == "finished"
    os.kill(executor.worker_pids[0], signal.SIGKILL)
    executor.submit([_core.TaskLaunch(id, "")])
    event = end_of(executor, id)
    assert (event.kind, "signal 9" in event.report) == ("lost", True)
    executor.submit([_core.TaskLaunch(id, "")])
    assert end_of(executor, id).kind == "finished"


def test_the_command_line_is_a_worker_too() -> None:
    command = [sys.executable, "-m", "smallpond", "worker"]
    executor = _core.ProcessExecutor(command, worker_environment(), "{}", 1, 1, "", 0)
    id = _core.TaskId(0, 0, 0)
    executor.submit([_core.TaskLaunch(id, "")])
    assert end_of(executor, id).kind == "finished"


def test_a_worker_is_not_started_by_hand() -> None:
    command = [sys.executable, "-m", "smallpond.worker"]
    run = subprocess.run(command, capture_output=True, text=True, timeout=AT_MOST_SECONDS)
    assert run.returncode == 2
    assert "smallpond starts its workers itself" in run.stderr


# What the script prints comes once: its workers don't import it. Its folder has what would hide
# Python's own module if workers looked there first.
SCRIPT = """
print("imported", flush=True)
from smallpond import _core
from smallpond.process_executor import start_processes

executor = start_processes("{}", 2, 1)
executor.submit([_core.TaskLaunch(_core.TaskId(0, task, 0), "") for task in range(4)])
ended = 0
while ended < 4:
    ended += sum(event.kind == "finished" for event in executor.wait(1000))
print(*executor.worker_pids, flush=True)
ENDING
"""


def start_script(folder: Path, ending: str) -> subprocess.Popen[str]:
    (folder / "script.py").write_text(SCRIPT.replace("ENDING", ending))
    (folder / "json.py").write_text("raise SystemExit('the wrong json')")
    return subprocess.Popen(
        [sys.executable, "-P", str(folder / "script.py")]
        if sys.version_info >= (3, 11)
        else [sys.executable, str(folder / "script.py")],
        cwd=folder if sys.version_info >= (3, 11) else None,
        stdout=subprocess.PIPE,
        text=True,
    )


def wait_until_gone(pids: list[int]) -> None:
    deadline = time.monotonic() + AT_MOST_SECONDS
    for pid in pids:
        while Path(f"/proc/{pid}").exists() and not is_zombie(pid):
            assert time.monotonic() < deadline, f"{pid} lives"


def is_zombie(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


@pytest.mark.parametrize("ending", ["", "raise SystemExit(3)", "import os; os._exit(4)"])
def test_workers_end_with_their_driver(ending: str, tmp_path: Path) -> None:
    process = start_script(tmp_path, ending)
    output, _ = process.communicate(timeout=AT_MOST_SECONDS)
    imported, pids = output.splitlines()
    assert imported == "imported"
    wait_until_gone([int(pid) for pid in pids.split()])


def test_a_killed_driver_leaves_no_worker(tmp_path: Path) -> None:
    process = start_script(tmp_path, "while True: executor.wait(1000)")
    assert process.stdout
    assert process.stdout.readline() == "imported\n"
    pids = [int(pid) for pid in process.stdout.readline().split()]
    process.kill()
    process.wait()
    process.stdout.close()
    wait_until_gone(pids)

"""A worker with tasks of our own instead of DuckDB's, for nodes of a test's Ray cluster, and a
driver that is killed or interrupted:

    python ray_stand_in.py ADDRESS FILE SLOTS

runs `wait` for ever on each of so many slots, writes the workers' pids to FILE, and says when it
was interrupted.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from pathlib import Path

import smallpond
from smallpond import _core
from smallpond.ray_executor import RayExecutor


class StandIn:
    """A spec is a word and its argument: echo TEXT, pid, exit, wait (until cancelled), wait FILE,
    meet FOLDER:N (until N tasks have come there), raise TEXT."""

    def __init__(self, setup: str) -> None:
        if setup.startswith("refuse "):
            raise smallpond.IoError(setup.removeprefix("refuse "))
        self.flags: dict[tuple[int, int, int, int], threading.Event] = {}

    def cancel(self, stage: int, task: int, attempt: int, job: int) -> None:
        self.flags[stage, task, attempt, job].set()

    def run(self, stage: int, task: int, attempt: int, job: int, spec: str) -> str:
        flag = self.flags[stage, task, attempt, job] = threading.Event()
        word, _, rest = spec.partition(" ")
        if word == "pid":
            return str(os.getpid())
        if word == "exit":
            os._exit(3)
        if word == "raise":
            raise ValueError(rest)
        if word == "wait":
            while not flag.wait(0.005) and not (rest and Path(rest).exists()):
                pass
        if word == "meet":
            folder, _, count = rest.rpartition(":")
            Path(folder, f"{os.getpid()}-{task}").touch()
            while not flag.wait(0.005) and len(list(Path(folder).iterdir())) < int(count):
                pass
        return spec


def drive(address: str, file: str, slots: str) -> None:
    import ray

    ray.cloudpickle.register_pickle_by_value(sys.modules["__main__"])
    executor = RayExecutor(address, "", 1, make_worker=StandIn)
    folder = Path(file + ".pids")
    folder.mkdir()
    count = int(slots)
    meet = [
        _core.TaskLaunch(_core.TaskId(0, task, 0), f"meet {folder}:{count}")
        for task in range(count)
    ]
    executor.submit(meet)
    ended = 0
    while ended < count:
        ended += sum(event.kind == "finished" for event in executor.wait(100))
    pids = {path.name.partition("-")[0] for path in folder.iterdir()}
    executor.submit([_core.TaskLaunch(_core.TaskId(1, task, 0), "wait") for task in range(count)])
    Path(file + ".part").write_text(" ".join(pids))
    os.rename(file + ".part", file)
    try:
        while True:
            # Through the core, as its own loop calls it.
            _core.Executor.wait(executor, 60_000)
    except KeyboardInterrupt:
        started = time.monotonic()
        executor.close()
        print(f"interrupted, closed in {time.monotonic() - started:.1f} s", flush=True)


if __name__ == "__main__":
    drive(*sys.argv[1:])

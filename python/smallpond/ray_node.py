"""What runs on each node of a Ray cluster: one process with one worker."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Protocol

from smallpond import _core
from smallpond.errors import Error
from smallpond.extensions import extension_folder
from smallpond.ray_connection import CLOSE_TIMEOUT_SECONDS

Key = tuple[int, int, int, int]  # Of an attempt: its stage, task, attempt and job.


class Worker(Protocol):
    """What an actor runs tasks with, such as _core.TaskWorker."""

    def run(self, stage: int, task: int, attempt: int, job: int, spec: str) -> str: ...
    def cancel(self, stage: int, task: int, attempt: int, job: int) -> None: ...


class NodeActor:
    """The process of one node. Ray calls it on several threads at once."""

    def __init__(self) -> None:
        self._worker: Worker | None = None
        self._running: set[Key] = set()
        self._ended = threading.Condition()  # Guards _running, and tells when it gets smaller.

    def prepare(self, make_worker: Callable[[str], Worker], setup: str) -> str | Error:
        """Makes the worker, once; returns this node's version, or why there is no worker."""
        extension_folder()  # Where the session's setting leads to.
        try:
            self._worker = make_worker(setup)
        except Error as error:  # As a value: Ray prints what is raised and never asked for.
            return error
        return _core.version()

    def run(self, key: Key, spec: str) -> str:
        assert self._worker
        with self._ended:
            self._running.add(key)
        try:
            return self._worker.run(*key, spec)
        finally:
            with self._ended:
                self._running.discard(key)
                self._ended.notify_all()

    def cancel(self, key: Key) -> None:
        if self._worker:
            self._worker.cancel(*key)

    def heartbeat(self) -> None:
        """Answers, which is all."""

    def stop(self) -> None:
        """Cancels what runs. Returns when it has ended and the worker's files are removed, or after
        CLOSE_TIMEOUT_SECONDS."""
        with self._ended:
            running = list(self._running)
        for key in running:
            self.cancel(key)
        with self._ended:
            self._ended.wait_for(lambda: not self._running, CLOSE_TIMEOUT_SECONDS)
        self._worker = None

"""Runs attempts of tasks on a Ray cluster. The only file that knows Ray.

On each node that has the room there is one actor: a long-lived process with one worker, whose tasks
share its memory. Ray places and watches it, and that is all. Retries, attempts and heartbeats are
ours: Ray's retries give no attempt number, and a network partition goes unnoticed by its defaults
for minutes.

    starting → ready → lost → starting …      at most MAX_NODE_FAILURES times in a row a node

The cluster must run already. It is never started or stopped from here: Ray's own commands for that
go by process name and take every cluster of the machine with them.
"""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from smallpond import _core
from smallpond.errors import (
    Error,
    InvalidInputError,
    UnavailableError,
    UnsupportedError,
    missing_package,
)

CONNECT_TIMEOUT_SECONDS = 5
START_TIMEOUT_SECONDS = 60  # From asking for an actor until its worker is ready.
HEARTBEAT_INTERVAL_SECONDS = 1.0
HEARTBEAT_TIMEOUT_SECONDS = 30  # Longest silence of a node that runs attempts.
CLOSE_TIMEOUT_SECONDS = 5
NODE_LIST_INTERVAL_SECONDS = 2.0
MAX_NODE_FAILURES = 3  # In a row; a finished attempt counts anew.
LONGEST_LOOK_SECONDS = 0.2  # Ctrl-C is looked for in between.
CONTROL_THREADS = 2  # Of an actor, so that cancels and heartbeats pass by its tasks.

Key = tuple[int, int, int]


class Worker(Protocol):
    """What an actor runs tasks with, such as _core.TaskWorker."""

    def run(self, stage: int, task: int, attempt: int, spec: str) -> str: ...
    def cancel(self, stage: int, task: int, attempt: int) -> None: ...


class NodeActor:
    """The process of one node. Ray calls it on several threads at once."""

    def __init__(self) -> None:
        self._worker: Worker | None = None
        self._running: set[Key] = set()
        self._ended = threading.Condition()  # Guards _running, and tells when it gets smaller.

    def prepare(self, make_worker: Callable[[str], Worker], setup: str) -> str | Error:
        """Makes the worker, once; returns this node's version, or why there is no worker."""
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
        """Cancels what runs. Returns when it has ended and the worker's files are removed."""
        with self._ended:
            running = list(self._running)
        for key in running:
            self.cancel(key)
        with self._ended:
            self._ended.wait_for(lambda: not self._running)
        self._worker = None


@dataclass
class Node:
    """One node of the cluster, as this driver sees it."""

    id: str
    name: str
    slots: int
    actor: Any = None
    ready: bool = False
    running: dict[Key, bool] = field(default_factory=dict)  # Whether Cancel was asked for.
    failures: int = 0
    last_failure: str = ""
    silent_seconds: float = 0.0  # While somebody looked.
    heartbeat_due: float = 0.0


def _import_ray() -> Any:
    try:
        import ray
    except ImportError:
        raise missing_package("ray", "ray", "Running on a Ray cluster") from None
    return ray


def _connect(ray: Any, address: str) -> bool:
    """Connects to a running cluster. Returns whether this call did: a program that has connected
    already keeps its connection."""
    if ray.is_initialized():
        return False
    if address.startswith("ray://"):
        raise UnsupportedError(
            f"ray_address '{address}' is one of Ray Client. Run the script on a node of the "
            "cluster, or one that reaches it, with ray_address='HOST:6379' or 'auto'."
        )
    if address in ("", "local"):
        raise InvalidInputError(
            f"ray_address is '{address}', but smallpond starts no cluster. Start one with "
            "`ray start --head`, and give its address, or 'auto' on one of its nodes."
        )
    try:
        host, colon, port = address.rpartition(":")
        if colon:  # Ray itself tries for a minute.
            socket.create_connection((host, int(port)), CONNECT_TIMEOUT_SECONDS).close()
        ray.init(address=address, log_to_driver=False, logging_level="warning")
    except (OSError, ValueError, RuntimeError) as error:
        raise UnavailableError(
            f"No Ray cluster answers at ray_address '{address}': {error}. Is it running, with the "
            f"versions of Python and Ray that run here (ray {ray.__version__})?"
        ) from error
    return True


class RayExecutor(_core.Executor):
    """Runs attempts on the nodes of a running Ray cluster. `src/executor/executor.h` is the manual
    of the calls; one thread makes them, and `close` as well."""

    def __init__(
        self,
        address: str,
        setup: str,
        threads_per_task: int,
        *,
        tasks_per_node: int | None = None,
        memory_bytes: int | None = None,
        make_worker: Callable[[str], Worker] = _core.TaskWorker,
        heartbeat_timeout_seconds: float = HEARTBEAT_TIMEOUT_SECONDS,
    ) -> None:
        """Connects, and asks for an actor on each node; does not wait for them.

        A node runs as many tasks at once as it has CPUs for (`threads_per_task` each), at most
        `tasks_per_node`. `memory_bytes` is what Ray sets aside for an actor; DuckDB's own limit is
        in `setup`. Raises InvalidInputError where no node has the room, which Ray would wait for
        without a word, and UnavailableError where no cluster answers.
        """
        super().__init__()
        self._ray = _import_ray()
        self._setup = setup
        self._threads_per_task = threads_per_task
        self._tasks_per_node = tasks_per_node
        self._memory_bytes = memory_bytes
        self._make_worker = make_worker
        self._heartbeat_timeout_seconds = heartbeat_timeout_seconds
        self._nodes: dict[str, Node] = {}
        self._calls: dict[Any, tuple[Node, str, Key | None]] = {}  # By what Ray returned for it.
        self._queue: deque[_core.TaskLaunch] = deque()
        self._events: list[_core.TaskEvent] = []
        self._nodes_due = 0.0
        self._looked_at = time.monotonic()
        self._idle_since = time.monotonic()  # Since when no node is ready.
        self._connected_here = _connect(self._ray, address)
        try:
            self._check_room()
            self._look_at_nodes()
        except BaseException:
            self.close()
            raise

    # --- the calls ---

    def slots(self) -> int:
        return sum(node.slots for node in self._nodes.values() if node.ready)

    def submit(self, launches: Sequence[_core.TaskLaunch]) -> None:
        self._queue.extend(launches)
        self._dispatch()

    def wait(self, timeout_ms: int) -> list[_core.TaskEvent]:
        deadline = time.monotonic() + timeout_ms / 1000
        self._looked_at = time.monotonic()
        while True:
            self._look_at_nodes()
            left = 0.0 if self._events else max(0.0, deadline - time.monotonic())
            self._collect(min(left, LONGEST_LOOK_SECONDS))
            self._lose_silent_nodes()
            self._dispatch()
            if self._events or time.monotonic() >= deadline:
                events, self._events = self._events, []
                return events
            self._check_hope()

    def cancel(self, id: _core.TaskId) -> None:
        for launch in self._queue:
            if launch.id == id:
                self._queue.remove(launch)
                self._events.append(_core.TaskEvent("cancelled", id))
                return
        key = (id.stage, id.task, id.attempt)
        for node in self._nodes.values():
            if node.running.get(key) is False:
                node.running[key] = True
                self._call(node, "cancel", None, key)

    def close(self) -> None:
        """Stops what runs, ends the actors, and disconnects if this executor connected."""
        actors = [node.actor for node in self._nodes.values() if node.actor is not None]
        stops = [actor.stop.remote() for actor in actors]
        if stops:
            self._ray.wait(stops, num_returns=len(stops), timeout=CLOSE_TIMEOUT_SECONDS)
        for actor in actors:
            self._ray.kill(actor)
        self._nodes, self._calls = {}, {}
        if self._connected_here:
            self._connected_here = False
            self._ray.shutdown()

    def __enter__(self) -> RayExecutor:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # --- nodes ---

    def _slots_of(self, resources: dict[str, float]) -> int:
        if self._memory_bytes and resources.get("memory", 0) < self._memory_bytes:
            return 0
        slots = int(resources.get("CPU", 0)) // self._threads_per_task
        return min(slots, self._tasks_per_node) if self._tasks_per_node else slots

    def _check_room(self) -> None:
        alive = [node["Resources"] for node in self._ray.nodes() if node["Alive"]]
        if any(self._slots_of(resources) for resources in alive):
            return
        cpus = max((int(resources.get("CPU", 0)) for resources in alive), default=0)
        memory = max((int(resources.get("memory", 0)) for resources in alive), default=0)
        raise InvalidInputError(
            "No node of the Ray cluster has the room for a worker: a task needs "
            f"{self._threads_per_task} CPUs and a worker {self._memory_bytes or 0} bytes of memory."
            f" Of {len(alive)} nodes the largest have {cpus} CPUs and {memory} bytes. Ask for less "
            "or start nodes with more."
        )

    def _look_at_nodes(self) -> None:
        """Starts actors on nodes that came, or whose actor was lost."""
        if time.monotonic() < self._nodes_due:
            return
        self._nodes_due = time.monotonic() + NODE_LIST_INTERVAL_SECONDS
        for found in self._ray.nodes():
            slots = self._slots_of(found["Resources"]) if found["Alive"] else 0
            if slots == 0:
                continue
            name = f"{found['NodeManagerHostname']} ({found['NodeManagerAddress']})"
            node = self._nodes.setdefault(found["NodeID"], Node(found["NodeID"], name, slots))
            if node.actor is None and node.failures < MAX_NODE_FAILURES:
                self._start_actor(node)

    def _start_actor(self, node: Node) -> None:
        strategies = self._ray.util.scheduling_strategies
        actor_class = self._ray.remote(NodeActor).options(
            num_cpus=node.slots * self._threads_per_task,
            memory=self._memory_bytes,
            max_restarts=0,
            max_task_retries=0,
            max_concurrency=node.slots + CONTROL_THREADS,
            scheduling_strategy=strategies.NodeAffinitySchedulingStrategy(node.id, soft=False),
        )
        node.actor = actor_class.remote()
        node.ready, node.silent_seconds = False, 0.0
        self._call(node, "prepare", None, self._make_worker, self._setup)

    def _lose(self, node: Node, reason: str) -> None:
        """Gives up a node's actor. Whether it still runs somewhere nobody can know."""
        with contextlib.suppress(Exception):  # It may be gone, and its node with it.
            self._ray.kill(node.actor)
        text = f"The worker on node {node.name} was lost: {reason}"
        for key in node.running:
            self._events.append(_core.TaskEvent("lost", _core.TaskId(*key), text))
        self._calls = {ref: call for ref, call in self._calls.items() if call[0] is not node}
        node.actor, node.ready, node.running = None, False, {}
        node.failures += 1
        node.last_failure = reason
        if not any(other.ready for other in self._nodes.values()):
            self._idle_since = time.monotonic()

    def _lose_silent_nodes(self) -> None:
        """Counts silence only while somebody looks, so that a busy driver loses nobody."""
        now = time.monotonic()
        passed = min(now - self._looked_at, 5 * LONGEST_LOOK_SECONDS)
        self._looked_at = now
        for node in self._nodes.values():
            if node.actor is None:
                continue
            if node.ready and not node.running:
                node.silent_seconds = 0.0
                continue
            node.silent_seconds += passed
            if node.ready and node.silent_seconds > self._heartbeat_timeout_seconds:
                self._lose(node, f"it was silent for {self._heartbeat_timeout_seconds:g} s.")
            elif not node.ready and node.silent_seconds > START_TIMEOUT_SECONDS:
                cpus = node.slots * self._threads_per_task
                self._lose(
                    node,
                    f"it was not ready after {START_TIMEOUT_SECONDS} s. Has it {cpus} free CPUs?",
                )
            elif node.ready and now >= node.heartbeat_due:
                node.heartbeat_due = float("inf")  # Until this one is answered.
                self._call(node, "heartbeat", None)

    def _check_hope(self) -> None:
        """Raises where nothing can be run any more."""
        if any(node.actor is not None for node in self._nodes.values()):
            return
        may_come_back = any(node.failures < MAX_NODE_FAILURES for node in self._nodes.values())
        if may_come_back and time.monotonic() - self._idle_since < START_TIMEOUT_SECONDS:
            return
        why = "; ".join(f"{node.name}: {node.last_failure}" for node in self._nodes.values())
        raise UnavailableError(f"No node of the Ray cluster can run tasks any more. {why}")

    # --- attempts ---

    def _call(self, node: Node, method: str, key: Key | None, *arguments: object) -> None:
        self._calls[getattr(node.actor, method).remote(*arguments)] = (node, method, key)

    def _dispatch(self) -> None:
        while self._queue:
            free = [n for n in self._nodes.values() if n.ready and len(n.running) < n.slots]
            if not free:
                return
            node = min(free, key=lambda node: len(node.running) / node.slots)
            launch = self._queue.popleft()
            key = (launch.id.stage, launch.id.task, launch.id.attempt)
            if not node.running:
                node.heartbeat_due = time.monotonic() + HEARTBEAT_INTERVAL_SECONDS
            node.running[key] = False
            self._call(node, "run", key, key, launch.spec)

    def _collect(self, timeout_seconds: float) -> None:
        """Takes in what calls returned; waits for the first one."""
        if not self._calls:  # No actor yet, or no longer: what comes next is a look at the nodes.
            until_nodes = max(0.0, self._nodes_due - time.monotonic())
            time.sleep(min(timeout_seconds, until_nodes))
            return
        calls = list(self._calls)
        done, _ = self._ray.wait(calls, num_returns=1, timeout=timeout_seconds)
        if done:
            done, _ = self._ray.wait(calls, num_returns=len(calls), timeout=0)
        for call in done:
            if call in self._calls:  # Not where its node was just lost.
                self._take_result(call)

    def _take_result(self, call: Any) -> None:
        node, method, key = self._calls.pop(call)
        try:
            result = self._ray.get(call)
        except self._ray.exceptions.RayError as error:
            self._lose(node, str(error).strip())
            return
        node.silent_seconds = 0.0
        if method == "prepare":
            if isinstance(result, Error):  # What fails here fails on every node.
                raise result
            if result != _core.version():
                raise UnavailableError(
                    f"Node {node.name} has smallpond {result}, this process {_core.version()}. "
                    "Install the same version on every node."
                )
            node.ready = True
        elif method == "heartbeat":
            node.heartbeat_due = time.monotonic() + HEARTBEAT_INTERVAL_SECONDS
            for running in node.running:
                self._events.append(_core.TaskEvent("heartbeat", _core.TaskId(*running)))
        elif key is not None:
            node.failures = 0
            cancelled = node.running.pop(key)
            kind, report = ("cancelled", "") if cancelled else ("finished", result)
            self._events.append(_core.TaskEvent(kind, _core.TaskId(*key), report))

"""Runs attempts of tasks on a Ray cluster. Only ray_*.py know Ray.

On each node that has the room there is one actor: a long-lived process with one worker, whose tasks
share its memory. Ray places and watches it, and that is all. Retries, attempts and heartbeats are
ours: Ray's retries give no attempt number, and a network partition goes unnoticed by its defaults
for minutes.

    starting → ready → lost → starting …      at most MAX_NODE_FAILURES times in a row a node
                     → given back             after IDLE_SECONDS without a job, until the next one

The cluster must run already. It is never started or stopped from here: Ray's own commands for that
go by process name and take every cluster of the machine with them.
"""

from __future__ import annotations

import contextlib
import threading
import time
import uuid
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from smallpond import _core
from smallpond.errors import Error, InvalidInputError, UnavailableError
from smallpond.log import logger
from smallpond.ray_connection import CLOSE_TIMEOUT_SECONDS, NodeList, RayConnection
from smallpond.ray_node import Key, NodeActor, Worker
from smallpond.ray_room import look_at_rooms, worker_name

START_TIMEOUT_SECONDS = 60  # From asking for an actor until its worker is ready.
BUSY_NOTICE_SECONDS = 5  # From when on a job that waits for free CPUs says who has them.
IDLE_SECONDS = 20  # Without a job, until actors are given back: they keep all of a node's CPUs.
HEARTBEAT_INTERVAL_SECONDS = 1.0
HEARTBEAT_TIMEOUT_SECONDS = 30  # Longest silence of a node that runs attempts.
RESULT_TIMEOUT_SECONDS = 10  # To fetch what Ray says is there.
MAX_NODE_FAILURES = 3  # In a row in one job; a finished attempt counts anew.
LONGEST_LOOK_SECONDS = 0.2  # Ctrl-C is looked for in between.
CONTROL_THREADS = 2  # Of an actor, so that cancels and heartbeats pass by its tasks.

NEVER = float("inf")


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


class RayExecutor(_core.Executor):
    """Runs attempts on the nodes of a running Ray cluster. `src/task/executor.h` is the manual
    of the calls; one thread makes them at a time, and `close` as well. A thread of its own gives
    the nodes back when there is nothing to run."""

    def __init__(
        self,
        address: str,
        setup: str,
        threads_per_task: int,
        *,
        job_name: str = "",
        tasks_per_node: int | None = None,
        memory_bytes: int | None = None,
        make_worker: Callable[[str], Worker] = _core.TaskWorker,
        heartbeat_timeout_seconds: float = HEARTBEAT_TIMEOUT_SECONDS,
        idle_seconds: float = IDLE_SECONDS,
        start_timeout_seconds: float = START_TIMEOUT_SECONDS,
    ) -> None:
        """Begins to connect, and waits for nothing; `wait` goes on with it and asks for an actor on
        each node.

        A node runs as many tasks at once as it has CPUs for (`threads_per_task` each), at most
        `tasks_per_node`. `memory_bytes` is what Ray sets aside for an actor; DuckDB's own limit is
        in `setup`. `job_name` is what other drivers are told that wait for the same nodes.

        `wait` raises UnavailableError where no cluster answers within CONNECT_TIMEOUT_SECONDS, or
        no node has free CPUs within `start_timeout_seconds`, and InvalidInputError where none has
        the room at all, which Ray would wait for without a word.
        """
        super().__init__()
        self._setup = setup
        self._threads_per_task = threads_per_task
        self._owner = f"{job_name}|{uuid.uuid4().hex}"  # As other drivers and this one tell it.
        self._tasks_per_node = tasks_per_node
        self._memory_bytes = memory_bytes
        self._make_worker = make_worker
        self._heartbeat_timeout_seconds = heartbeat_timeout_seconds
        self._idle_seconds = idle_seconds
        self._start_timeout_seconds = start_timeout_seconds
        self._lock = threading.RLock()  # Guards what follows; held by each call.
        self._nodes: dict[str, Node] = {}
        self._calls: dict[Any, tuple[Node, str, Key | None]] = {}  # By what Ray returned for it.
        self._queue: deque[_core.TaskLaunch] = deque()
        self._events: list[_core.TaskEvent] = []
        self._used_at = self._looked_at = self._idle_since = time.monotonic()
        self._notice_due = 0.0  # 0 where a job does not wait for its first node yet.
        self._closed = threading.Event()
        self._connection = RayConnection(address)
        self._ray = self._connection.ray
        self._node_list = NodeList(self._ray)
        threading.Thread(target=self._give_back_when_idle, daemon=True).start()

    # --- the calls ---

    def slots(self) -> int:
        with self._lock:
            return sum(node.slots for node in self._nodes.values() if node.ready)

    def planned_slots(self) -> int:
        """Of all nodes, those included whose processes still start."""
        with self._lock:
            return sum(node.slots for node in self._nodes.values())

    def begin_job(self) -> None:
        with self._lock:
            self._connection.begin_waiting()
            self._used_at = self._idle_since = time.monotonic()
            self._notice_due = 0.0
            for node in self._nodes.values():
                node.failures = 0

    def submit(self, launches: Sequence[_core.TaskLaunch]) -> None:
        with self._lock:
            self._queue.extend(launches)
            self._dispatch()

    def wait(self, timeout_ms: int) -> list[_core.TaskEvent]:
        with self._lock:
            try:
                return self._wait(time.monotonic() + timeout_ms / 1000)
            finally:
                self._used_at = time.monotonic()

    def _wait(self, deadline: float) -> list[_core.TaskEvent]:
        self._looked_at = time.monotonic()
        while True:
            left = 0.0 if self._events else max(0.0, deadline - time.monotonic())
            left = min(left, LONGEST_LOOK_SECONDS)
            if self._connection.wait(left):
                self._look_at_nodes(left)
                self._collect(left)
                self._lose_silent_nodes()
                self._tell_who_is_in_the_way()
                self._dispatch()
            if self._events or time.monotonic() >= deadline:
                events, self._events = self._events, []
                return events
            self._check_hope()

    def cancel(self, id: _core.TaskId) -> None:
        with self._lock:
            for launch in self._queue:
                if launch.id == id:
                    self._queue.remove(launch)
                    self._events.append(_core.TaskEvent("cancelled", id))
                    return
            key = (id.stage, id.task, id.attempt, id.job)
            for node in self._nodes.values():
                if node.running.get(key) is False:
                    node.running[key] = True
                    self._call(node, "cancel", None, key)

    def close(self) -> None:
        """Stops what runs, ends the actors, and disconnects if this executor connected."""
        self._closed.set()
        with self._lock:
            self._end_actors()
            self._nodes = {}
            self._connection.close()

    def __enter__(self) -> RayExecutor:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # --- giving back ---

    def _give_back_when_idle(self) -> None:
        while not self._closed.wait(self._seconds_until_idle()):
            with self._lock:
                if self._seconds_until_idle() == 0 and not self._closed.is_set():
                    self._end_actors()
                    self._node_list.ask_at_once()  # As the next job begins.

    def _seconds_until_idle(self) -> float:
        nodes = list(self._nodes.values())
        if self._queue or all(n.actor is None for n in nodes) or any(n.running for n in nodes):
            return self._idle_seconds
        return max(0.0, self._used_at + self._idle_seconds - time.monotonic())

    def _end_actors(self) -> None:
        """Ends all actors, those that are ready in order: a worker removes its spill files."""
        actors = [node for node in self._nodes.values() if node.actor is not None]
        with contextlib.suppress(Exception):  # The cluster may be gone.
            stops = [node.actor.stop.remote() for node in actors if node.ready]
            if stops:
                self._ray.wait(stops, num_returns=len(stops), timeout=CLOSE_TIMEOUT_SECONDS)
        for node in actors:
            with contextlib.suppress(Exception):
                self._ray.kill(node.actor)
            node.actor, node.ready = None, False
        self._calls = {}

    # --- nodes ---

    def _slots_of(self, resources: dict[str, float]) -> int:
        if self._memory_bytes and resources.get("memory", 0) < self._memory_bytes:
            return 0
        slots = int(resources.get("CPU", 0)) // self._threads_per_task
        return min(slots, self._tasks_per_node) if self._tasks_per_node else slots

    def _check_room(self, alive: list[dict[str, float]]) -> None:
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

    def _look_at_nodes(self, seconds: float) -> None:
        """Starts actors on nodes that came, or whose actor was lost or given back. The list of
        nodes comes when it comes; waits `seconds` for it where there is no actor yet."""
        alive = self._node_list.take(0.0 if self._calls else seconds)
        if alive is None:
            return
        if not self._nodes:
            self._check_room([node["Resources"] for node in alive])
        for found in alive:
            slots = self._slots_of(found["Resources"])
            if slots == 0:
                continue
            name = f"{found['NodeManagerHostname']} ({found['NodeManagerAddress']})"
            node = self._nodes.setdefault(found["NodeID"], Node(found["NodeID"], name, slots))
            if node.actor is None and node.failures < MAX_NODE_FAILURES:
                self._start_actor(node)

    def _start_actor(self, node: Node) -> None:
        strategies = self._ray.util.scheduling_strategies
        actor_class = self._ray.remote(NodeActor).options(
            name=worker_name(self._owner, node.id),
            num_cpus=self._cpus_of(node),
            memory=self._memory_bytes,
            max_restarts=0,
            max_task_retries=0,
            max_concurrency=node.slots + CONTROL_THREADS,
            scheduling_strategy=strategies.NodeAffinitySchedulingStrategy(node.id, soft=False),
        )
        node.actor = actor_class.remote()
        node.ready, node.silent_seconds = False, 0.0
        self._call(node, "prepare", None, self._make_worker, self._setup)

    def _cpus_of(self, node: Node) -> int:
        return node.slots * self._threads_per_task

    def _lose(self, node: Node, reason: str) -> None:
        """Gives up a node's actor. Whether it still runs somewhere nobody can know."""
        with contextlib.suppress(Exception):  # It may be gone, and its node with it.
            self._ray.kill(node.actor)
        text = f"The worker on node {node.name} was lost: {reason}"
        logger.warning("%s", _core.without_secrets(text))
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
            elif not node.ready and node.silent_seconds > self._start_timeout_seconds:
                self._end_start(node)
            elif node.ready and now >= node.heartbeat_due:
                node.heartbeat_due = NEVER  # Until this one is answered.
                self._call(node, "heartbeat", None)

    def _rooms(self, nodes: list[Node]) -> list[str]:
        """What is told of those nodes whose CPUs others have."""
        rooms = look_at_rooms(self._ray, self._owner, {n.id: self._cpus_of(n) for n in nodes})
        return [f"Node {n.name} {rooms[n.id]}." for n in nodes if rooms[n.id].is_taken()]

    def _end_start(self, node: Node) -> None:
        """Gives up a start that took too long, but not the node, where others have its CPUs."""
        seconds = f"{self._start_timeout_seconds:g} s"
        taken = self._rooms([node])
        if not taken:
            return self._lose(node, f"it was not ready after {seconds}.")
        if not any(other.ready for other in self._nodes.values()):
            raise UnavailableError(
                f"The Ray cluster had no free CPUs for {seconds}. {taken[0]} Run it again when "
                "they are free: an idle session gives them back by itself."
            )
        node.silent_seconds = 0.0  # The others do the work meanwhile.

    def _tell_who_is_in_the_way(self) -> None:
        """Says once a job why it does not begin."""
        waiting = [node for node in self._nodes.values() if node.actor is not None]
        if not waiting or self._notice_due == NEVER:
            return
        if any(node.ready for node in waiting):
            self._notice_due = NEVER
        elif self._notice_due == 0:
            self._notice_due = time.monotonic() + BUSY_NOTICE_SECONDS
        elif time.monotonic() >= self._notice_due:
            self._notice_due = NEVER
            if taken := self._rooms(waiting):
                limit = f"{self._start_timeout_seconds:g} s"
                logger.warning("Waiting up to %s for free CPUs. %s", limit, " ".join(taken))

    def _check_hope(self) -> None:
        """Raises where nothing can be run any more."""
        if any(node.actor is not None for node in self._nodes.values()):
            return
        if not self._nodes:  # They are being asked for.
            return
        may_come_back = any(node.failures < MAX_NODE_FAILURES for node in self._nodes.values())
        if may_come_back and time.monotonic() - self._idle_since < self._start_timeout_seconds:
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
            key = (launch.id.stage, launch.id.task, launch.id.attempt, launch.id.job)
            if not node.running:
                node.heartbeat_due = time.monotonic() + HEARTBEAT_INTERVAL_SECONDS
            node.running[key] = False
            self._call(node, "run", key, key, launch.spec)

    def _collect(self, timeout_seconds: float) -> None:
        """Takes in what calls returned; waits for the first one."""
        if not self._calls:  # No actor yet, or no longer: what comes next is a look at the nodes.
            time.sleep(min(timeout_seconds, self._node_list.seconds_until_due()))
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
            result = self._ray.get(call, timeout=RESULT_TIMEOUT_SECONDS)
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

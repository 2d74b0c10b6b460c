"""Who has the CPUs of Ray's nodes, for people whose query waits for them."""

from __future__ import annotations

import contextlib
import os
import socket
import uuid
from dataclasses import dataclass
from typing import Any

from smallpond.ray_connection import Call

LOOK_TIMEOUT_SECONDS = 2.0
MOST_NAMED = 5

_PREFIX = "smallpond"


def worker_name(owner: str, node_id: str) -> str:
    """The name of an actor, which Ray shows and which tells other drivers whose it is. `owner` is
    "JOB|TAG"; no other actor has the same name."""
    job, _, tag = owner.rpartition("|")
    whose = f"{job.replace('|', ' ') or 'a job'} (process {os.getpid()} on {socket.gethostname()})"
    return "|".join([_PREFIX, node_id, whose, tag, uuid.uuid4().hex])


@dataclass
class Room:
    """How many CPUs of a node are free, and who has or wants the others."""

    needed: int
    free: float | None = None  # None: the cluster did not say.
    total: float | None = None
    holders: tuple[str, ...] = ()

    def is_taken(self) -> bool:
        """Whether a worker does not fit beside what runs there."""
        return self.free is not None and self.free < self.needed

    def __str__(self) -> str:
        total = "" if self.total is None else f" of its {self.total:g}"
        text = f"has {self.free or 0:g}{total} CPUs free, and a worker takes {self.needed}"
        if not self.holders:
            return f"{text}; programs other than smallpond have the others"
        named = ", ".join(self.holders[:MOST_NAMED])
        more = len(self.holders) - MOST_NAMED
        return f"{text}; smallpond runs there for {named}{f', {more} more' if more > 0 else ''}"


def look_at_rooms(ray: Any, owner: str, needed: dict[str, int]) -> dict[str, Room]:
    """What the cluster says of nodes, by their ids, on which a worker of `owner` needs so many
    CPUs. Waits LOOK_TIMEOUT_SECONDS at most."""
    call = Call(lambda: _ask(ray, owner, needed))
    with contextlib.suppress(Exception):  # What Ray offers for this changes with its versions.
        if call.wait(LOOK_TIMEOUT_SECONDS):
            return call.result()
    return {node: Room(cpus) for node, cpus in needed.items()}


def _ask(ray: Any, owner: str, needed: dict[str, int]) -> dict[str, Room]:
    free = ray._private.state.available_resources_per_node()
    total = ray._private.state.total_resources_per_node()
    others: dict[str, set[str]] = {node: set() for node in needed}
    for actor in ray.util.list_named_actors(all_namespaces=True):
        prefix, *rest = actor["name"].split("|")
        if prefix == _PREFIX and len(rest) == 4 and rest[0] in others:
            node, whose, tag, _ = rest
            if not owner.endswith(tag):
                others[node].add(whose)
    return {
        node: Room(
            cpus,
            free[node].get("CPU", 0.0) if node in free else None,
            total.get(node, {}).get("CPU"),
            tuple(sorted(others[node])),
        )
        for node, cpus in needed.items()
    }

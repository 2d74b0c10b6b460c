"""Connects to a running Ray cluster, and asks it what may take long, with limits.

Ray itself knows none where a port accepts and says nothing, or where a name leads elsewhere than
the cluster thinks. So whatever waits for the cluster is done by a thread that nobody has to wait
for: who asked looks at it now and then, and hears Ctrl-C in between.
"""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable
from typing import Any, Generic, TypeVar

from smallpond.errors import (
    InvalidInputError,
    UnavailableError,
    UnsupportedError,
    missing_package,
)

CONNECT_TIMEOUT_SECONDS = 30.0  # All in all; Ray itself goes on for ever.
OPEN_TIMEOUT_SECONDS = 5.0  # Of the connection below Ray's, which shows that nobody listens.
CLOSE_TIMEOUT_SECONDS = 5.0
NODE_LIST_INTERVAL_SECONDS = 2.0
NODE_LIST_TIMEOUT_SECONDS = 30.0

Result = TypeVar("Result")


class Call(Generic[Result]):
    """A call that runs in a thread of its own. One that never comes back keeps that thread, which
    does not keep the program from ending."""

    def __init__(self, function: Callable[[], Result]) -> None:
        self._function = function
        self._result: Result
        self._error: Exception | None = None
        self._ended = threading.Event()
        self.started = time.monotonic()
        threading.Thread(target=self._run, daemon=True, name="smallpond-ray").start()

    def _run(self) -> None:
        try:
            self._result = self._function()
        except Exception as error:
            self._error = error
        finally:
            self._ended.set()

    def wait(self, seconds: float) -> bool:
        """Whether it has ended; waits so long for that."""
        return self._ended.wait(seconds)

    def result(self) -> Result:
        """What the call that has ended returned or raised."""
        if self._error is not None:
            raise self._error
        return self._result


def import_ray() -> Any:
    """Raises UnsupportedError where the package is missing."""
    try:
        import ray
    except ImportError:
        raise missing_package("ray", "ray", "Running on a Ray cluster") from None
    return ray


def _connect(ray: Any, address: str) -> None:
    host, colon, port = address.rpartition(":")
    if colon:
        socket.create_connection((host, int(port)), OPEN_TIMEOUT_SECONDS).close()
    # A warning that tells only that SIGTERM is not Ray's, but ours.
    ray.init(address=address, log_to_driver=False, logging_level="error")


class _Shared:
    """The one connection that a process may have to Ray, and how many use it."""

    lock = threading.Lock()  # Guards the rest.
    call: Call[None] | None = None  # None: the program has connected itself, or nobody has.
    address = ""
    users = 0


def _forget_failure(ray: Any) -> None:
    """Lets somebody try anew after a connection that nobody waited for has failed."""
    if _Shared.users == 0 and _Shared.call is not None and _Shared.call.wait(0):
        _Shared.call = _Shared.call if ray.is_initialized() else None


class RayConnection:
    """This process's connection to the cluster at an address: the one that it has already, or one
    that is made meanwhile. The last to close it disconnects, but not from what the program itself
    connected to."""

    def __init__(self, address: str) -> None:
        """Returns at once. Raises UnsupportedError or InvalidInputError for an address that can't
        be one of a running cluster."""
        self.ray = import_ray()
        self._address = address
        self._since = time.monotonic()
        self._call: Call[None] | None = None
        with _Shared.lock:
            _forget_failure(self.ray)
            if _Shared.call is None:
                if self.ray.is_initialized():
                    return
                self._check_address()
                ray = self.ray
                _Shared.call = Call(lambda: _connect(ray, address))
                _Shared.address = address
            elif _Shared.address != address and not _Shared.call.wait(0):
                raise UnavailableError(
                    f"This process still tries to reach a Ray cluster at '{_Shared.address}', and "
                    f"Ray allows one at a time. Start another process for '{address}'."
                )
            _Shared.users += 1
            self._call = _Shared.call

    def begin_waiting(self) -> None:
        """Counts CONNECT_TIMEOUT_SECONDS from now."""
        self._since = time.monotonic()

    def _check_address(self) -> None:
        if self._address.startswith("ray://"):
            raise UnsupportedError(
                f"ray_address '{self._address}' is one of Ray Client. Run the script on a node of "
                "the cluster, or one that reaches it, with ray_address='HOST:6379' or 'auto'."
            )
        if self._address in ("", "local"):
            raise InvalidInputError(
                f"ray_address is '{self._address}', but smallpond starts no cluster. Start one "
                "with `ray start --head`, and give its address, or 'auto' on one of its nodes."
            )

    def wait(self, seconds: float) -> bool:
        """Whether the connection is there; waits so long for it. Raises UnavailableError where no
        cluster answers within CONNECT_TIMEOUT_SECONDS."""
        if self._call is None:
            return True
        if not self._call.wait(max(0.0, seconds)):
            waited = time.monotonic() - self._since
            if waited < CONNECT_TIMEOUT_SECONDS:
                return False
            raise self._unavailable(
                f"nothing came within {waited:.0f} s. Give the address that `ray start` printed: "
                "Ray takes names such as localhost for this machine's own address, where the "
                "cluster may not listen"
            )
        try:
            self._call.result()
        except Exception as error:
            raise self._unavailable(str(error)) from error
        return True

    def _unavailable(self, why: str) -> UnavailableError:
        return UnavailableError(
            f"No Ray cluster answers at ray_address '{self._address}': {why}. Is it running, with "
            f"the versions of Python and Ray that run here (ray {self.ray.__version__})?"
        )

    def close(self) -> None:
        """Closing twice is fine."""
        with _Shared.lock:
            call, self._call = self._call, None
            if call is None:
                return
            _Shared.users -= 1
            # One that is still being made is left to whoever comes next.
            if _Shared.users > 0 or not call.wait(0):
                return
            _Shared.call = None
            with contextlib.suppress(Exception):
                call.result()
                Call(self.ray.shutdown).wait(CLOSE_TIMEOUT_SECONDS)


class NodeList:
    """Asks for the nodes of the cluster every NODE_LIST_INTERVAL_SECONDS. One thread uses it."""

    def __init__(self, ray: Any) -> None:
        self._ray = ray
        self._call: Call[list[dict[str, Any]]] | None = None
        self._due = 0.0

    def ask_at_once(self) -> None:
        self._due = 0.0

    def seconds_until_due(self) -> float:
        return 0.0 if self._call else max(0.0, self._due - time.monotonic())

    def take(self, seconds: float) -> list[dict[str, Any]] | None:
        """The nodes that live, where they were asked for and the answer is there; waits so long for
        it. Raises UnavailableError where none comes within NODE_LIST_TIMEOUT_SECONDS."""
        if self.seconds_until_due() > 0:
            return None
        call = self._call = self._call or Call(self._ray.nodes)
        if not call.wait(seconds):
            waited = time.monotonic() - call.started
            if waited < NODE_LIST_TIMEOUT_SECONDS:
                return None
            raise UnavailableError(
                f"The Ray cluster has not told its nodes for {waited:.0f} s. Does its head run?"
            )
        self._call = None
        self._due = time.monotonic() + NODE_LIST_INTERVAL_SECONDS
        try:
            return [node for node in call.result() if node["Alive"]]
        except Exception as error:
            raise UnavailableError(f"The Ray cluster does not tell its nodes: {error}") from error

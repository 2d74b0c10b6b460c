"""Connecting to Ray where that can't work: a typed error, soon."""

from __future__ import annotations

import socket
import sys
import time

import pytest
import smallpond
from smallpond.ray_executor import RayExecutor

AT_MOST_SECONDS = 60


def connect(address: str) -> None:
    with RayExecutor(address, "{}", 1) as executor:
        deadline = time.monotonic() + AT_MOST_SECONDS
        while time.monotonic() < deadline:
            executor.wait(100)


def test_ray_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(smallpond.UnsupportedError, match=r"pip install 'smallpond\[ray\]'"):
        RayExecutor("auto", "{}", 1)


@pytest.mark.parametrize("address", ["", "local"])
def test_a_cluster_is_never_started(address: str) -> None:
    pytest.importorskip("ray")
    with pytest.raises(smallpond.InvalidInputError, match="starts no cluster"):
        RayExecutor(address, "{}", 1)


def test_ray_client_is_not_offered() -> None:
    pytest.importorskip("ray")
    with pytest.raises(smallpond.UnsupportedError, match="Ray Client"):
        RayExecutor("ray://127.0.0.1:10001", "{}", 1)


def test_nobody_listens() -> None:
    pytest.importorskip("ray")
    with socket.socket() as taken:  # Bound and not listening, so nobody else can.
        taken.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(smallpond.UnavailableError, match=address):
            connect(address)


@pytest.mark.parametrize("address", ["127.0.0.1:port", "no such host:6379"])
def test_an_address_that_cannot_be_one(address: str) -> None:
    pytest.importorskip("ray")
    with pytest.raises(smallpond.UnavailableError, match=address):
        connect(address)

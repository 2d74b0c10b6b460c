"""Draws which of many like cases a tier runs. Each case of SQL can be run on many roads, and most
differ in the road alone. A seed and the case's name put its roads into an order: the first ones run
in `make test`, the next ones in the slow tier, all of them in `make test-all`."""

from __future__ import annotations

import os
import zlib
from collections.abc import Sequence
from typing import Any

import pytest

SEED = os.environ.get("SP_TEST_SEED", "20261127")


def rank(*names: str) -> float:
    """A number from 0 to 1 that the seed and the names decide."""
    return zlib.crc32("/".join([SEED, *names]).encode()) / 2**32


def name_of(case: Any) -> str:
    return str(getattr(case, "name", case))


def drawn(roads: Sequence[Any], cases: Sequence[Any], fast: float, slow: float) -> list[Any]:
    """Pairs of a road and a case. Of a case's roads `fast` run in all tiers and `slow` more in the
    slow tier; the rest waits for `make test-all`. 1.5 is one road, and two of every second case."""
    pairs = []
    for case in cases:
        name = name_of(case)
        order = sorted(roads, key=lambda road: rank(name_of(road), name))
        num_fast = int(fast + rank(name))
        num_slow = int(fast + slow + rank(name))
        for position, road in enumerate(order):
            late = pytest.mark.slow if position < num_slow else pytest.mark.whole
            marks = [] if position < num_fast else [late]
            pairs.append(pytest.param(road, case, marks=marks, id=f"{name_of(road)}-{name}"))
    return pairs


def first(number: int, values: Sequence[Any]) -> list[Any]:
    """Parameters of a slow test: so many of the values, the others in `make test-all` alone."""
    late = [pytest.param(value, marks=pytest.mark.whole) for value in values[number:]]
    return [*values[:number], *late]

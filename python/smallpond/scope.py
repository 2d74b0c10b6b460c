"""Finds tables in the caller's Python variables, as SQL names them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import CodeType, FrameType
from typing import Any


def scopes(frame: FrameType) -> Iterator[dict[str, Any]]:
    """Yields the variables that code running in `frame` could name: local, enclosing, global.

    A variable of an enclosing function that stands in an SQL text only is not captured by Python.
    It is still found where the enclosing call is running: its code holds the code of the inner
    function.
    """
    yield frame.f_locals
    inner: CodeType = frame.f_code
    outer = frame.f_back
    while outer is not None:
        if inner in outer.f_code.co_consts:
            yield outer.f_locals
            inner = outer.f_code
        outer = outer.f_back
    yield frame.f_globals


def find(frame: FrameType, name: str, is_table: Callable[[Any], bool]) -> Any | None:
    """Returns the innermost variable `name` that is a table, or None."""
    for variables in scopes(frame):
        value = variables.get(name)
        if value is not None and is_table(value):
            return value
    return None


def table_names(frame: FrameType, is_table: Callable[[Any], bool]) -> list[str]:
    """The names of all variables that are tables, the innermost first."""
    found: dict[str, None] = {}
    for variables in scopes(frame):
        for name, value in list(variables.items()):
            if value is not None and is_table(value):
                found[name] = None
    return list(found)

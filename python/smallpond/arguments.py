"""Reads arguments that have one meaning, and says what is wrong with the others."""

from __future__ import annotations

import operator
import os
from collections.abc import Iterable
from typing import Any

from smallpond.errors import InvalidInputError, InvalidTypeError

_LARGEST = 2**63 - 1


def integer(value: Any, what: str, least: int, most: int = _LARGEST) -> int:
    """Returns `value` as an int: of Python, NumPy or anything that offers `__index__`, in range.

    A bool is none, though Python counts it among them, and a float is none, even a whole one.
    """
    if isinstance(value, bool) or type(value).__name__ in ("bool_", "bool"):  # NumPy's as well
        raise InvalidTypeError(f"{what} must be an integer, not {value!r:.60}.")
    try:
        number = operator.index(value)
    except TypeError:
        raise InvalidTypeError(
            f"{what} must be an integer, not {type(value).__name__} {value!r:.60}."
        ) from None
    if not least <= number <= most:
        limits = f"at least {least}" if most == _LARGEST else f"{least} to {most}"
        raise InvalidInputError(f"{what} must be {limits}, not {number}.")
    return number


def text(value: Any, what: str, advice: str = "") -> str:
    """Returns `value` where it is text."""
    if isinstance(value, str):
        try:
            value.encode()
        except UnicodeEncodeError:
            raise InvalidInputError(f"{what} is no valid Unicode text: {value!a:.60}.") from None
        return value
    hint = f" {advice}" if advice else ""
    raise InvalidTypeError(f"{what} must be text, not {type(value).__name__} {value!r:.60}.{hint}")


def whole_text(value: Any, what: str, advice: str = "") -> str:
    """Returns `value` where it is text without NUL, at which a path or a query would end early."""
    found = text(value, what, advice)
    if "\0" in found:
        raise InvalidInputError(f"{what} holds a NUL character: {found!r:.60}. Take it out.")
    return found


def path(value: Any, what: str) -> str:
    """Returns `value` as text where it is a path: text, or what offers `__fspath__`."""
    if isinstance(value, os.PathLike):
        value = os.fspath(value)
    return whole_text(value, what)


def flag(value: Any, what: str) -> bool:
    """Returns `value` where it is True or False."""
    if isinstance(value, bool) or type(value).__name__ == "bool_":
        return bool(value)
    raise InvalidTypeError(
        f"{what} must be True or False, not {type(value).__name__} {value!r:.60}."
    )


def names(value: Any, what: str) -> list[str]:
    """Returns the columns that `value` names, one as text or several in a list; none for None."""
    if value is None:
        return []
    if isinstance(value, str):
        value = [value]
    if isinstance(value, (bytes, dict)) or not isinstance(value, Iterable):
        raise InvalidTypeError(
            f"{what} must be a column's name or a list of them, not "
            f"{type(value).__name__} {value!r:.60}."
        )
    argument = what.rpartition(" ")[2]
    columns = [text(name, f"{what}: a column's name") for name in value]
    if not columns:
        raise InvalidInputError(f"{what} is an empty list. Name a column, or leave {argument} out.")
    if "" in columns:
        raise InvalidInputError(
            f"{what} holds an empty name. Name a column, or leave {argument} out."
        )
    return columns

"""Puts those tests first that a change can touch, so that its faults show early: the last commit
and what is not committed yet. Goes by words that names of files share; all other tests run later.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Collection
from pathlib import Path, PurePosixPath

import pytest

ROOT = Path(__file__).resolve().parent.parent
# What many names have says nothing.
COMMON = {"src", "test", "python", "smallpond", "sql", "duckdb", "adapter", "file"}
# Words in the names of tests, and the folders of src that they are about.
FOLDERS = {
    "stage": {"cut", "exchange", "executor", "fragment", "planner", "scheduler", "task", "worker"},
    "command": {"cli"},
    "partition": {"analysis"},
    "reader": {"input"},
    "type": {"arrow"},
    "write": {"output"},
}


def changed_files() -> list[str]:
    """Paths, below the root, that the last commit and the working tree have changed. None where git
    does not know."""
    command = ["git", "diff", "--name-only", "HEAD~1"]
    try:
        done = subprocess.run(
            command, cwd=ROOT, capture_output=True, text=True, timeout=10, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return []
    return done.stdout.splitlines() if done.returncode == 0 else []


def words_of(path: str) -> set[str]:
    words = {word.removesuffix("s") for word in re.findall("[a-z]+", path.rpartition(".")[0])}
    return words - COMMON | {word for word, folders in FOLDERS.items() if words & folders}


def turn(test_file: str, changed: Collection[str]) -> int:
    """When the tests of a file run, 0 first: those that were changed, those that have a word of a
    changed source file, then all others."""
    if test_file in changed:
        return 0
    sources = [path for path in changed if PurePosixPath(path).suffix in {".h", ".cc", ".py"}]
    words = {word for path in sources for word in words_of(path)}
    return 2 if words.isdisjoint(words_of(test_file)) else 1


def in_turn(items: list[pytest.Item], changed: Collection[str]) -> list[pytest.Item]:
    paths = {item.path for item in items}
    turns = {path: turn(path.resolve().relative_to(ROOT).as_posix(), changed) for path in paths}
    return sorted(items, key=lambda item: turns[item.path])

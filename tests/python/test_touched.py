"""The order of the tests: those that a change can touch come first."""

from __future__ import annotations

import subprocess
from types import SimpleNamespace
from typing import Any

import pytest
import touched
from touched import turn


@pytest.mark.parametrize(
    ("changed", "test_file", "expected"),
    [
        ("tests/sql/test_stages.py", "tests/sql/test_stages.py", 0),
        ("src/write/write_folder.cc", "tests/python/test_write_options.py", 1),
        ("src/write/write_folder.cc", "tests/fault/test_failed_writes.py", 1),
        ("src/duckdb_adapter/cut/cut_joins.cc", "tests/sql/test_stage_order.py", 1),
        ("python/smallpond/ray_node.py", "tests/cluster/test_ray_queries.py", 1),
        ("src/write/write_folder.cc", "tests/python/test_readers.py", 2),
        ("docs/writing.md", "tests/python/test_write_options.py", 2),
    ],
)
def test_turn(changed: str, test_file: str, expected: int) -> None:
    assert turn(test_file, [changed, "LICENSE"]) == expected


def test_nothing_is_known_without_git(monkeypatch: pytest.MonkeyPatch) -> None:
    def run(*_arguments: Any, **_options: Any) -> None:
        raise FileNotFoundError("git")

    monkeypatch.setattr(subprocess, "run", run)
    assert touched.changed_files() == []


def test_others_keep_their_order() -> None:
    files = [
        "python/test_init.py",
        "sql/test_stages.py",
        "python/test_secrets.py",
        "sql/test_large.py",
    ]
    items: Any = [SimpleNamespace(path=touched.ROOT / "tests" / file) for file in files]
    changed = ["src/base/secrets.cc", "tests/sql/test_large.py"]
    assert touched.in_turn(items, changed) == [items[3], items[2], items[0], items[1]]
    assert touched.in_turn(items, []) == items

"""Options of smallpond 0.15 that do nothing here are told of, once each."""

from __future__ import annotations

import re
import subprocess
import sys
from typing import Any

SMALL: dict[str, Any] = {"duckdb_memory": "500MB", "threads": 1}


def warned_of(code: str, **variables: str) -> list[str]:
    """The options that a process of its own warns of, as often as it does."""
    script = f"import smallpond\nSMALL = {SMALL!r}\n{code}"
    result = subprocess.run(
        [sys.executable, "-W", "always", "-c", script],
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": ":".join(sys.path), **variables},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return re.findall(r"OptionWarning: (\w+) has no effect", result.stderr)


def test_options_without_effect_warn_once() -> None:
    arguments = "memory_allocator='jemalloc', bind_numa_node=True, _remove_output_root=False"
    code = f"for _ in range(2): smallpond.init(**SMALL, {arguments}).shutdown()"
    assert sorted(warned_of(code)) == ["_remove_output_root", "bind_numa_node", "memory_allocator"]
    code = "smallpond.init(**SMALL).shutdown()"
    assert warned_of(code, SP_PLATFORM="mpi") == ["platform"]
    assert warned_of(code) == []
    cluster = "smallpond.init(**SMALL, ray_address='head:6379', num_nodes=4, num_executors=4)"
    assert sorted(warned_of(cluster)) == ["num_executors", "num_nodes"]

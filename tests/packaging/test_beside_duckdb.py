"""Our DuckDB lives beside the `duckdb` package, in either order of import, in the global scope too.

Each case runs in a process of its own: which library a symbol belongs to is settled when it is
loaded. `tests/packaging/test_wheel.py` does the same with other versions of the package.
"""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from beside import ORDERS, SCOPES, program

# A global scope makes us load with RTLD_DEEPBIND, which a sanitizer's runtime refuses.
UNDER_SANITIZER = "libasan" in os.environ.get("LD_PRELOAD", "")


@pytest.mark.parametrize("scope", SCOPES)
@pytest.mark.parametrize("order", ORDERS, ids="-".join)
def test_both_work(order: tuple[str, str], scope: str) -> None:
    if UNDER_SANITIZER and scope == "global":
        pytest.skip("a sanitizer's runtime does not allow RTLD_DEEPBIND")
    done = subprocess.run(
        [sys.executable, "-c", program(order, scope)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "both work\n"), done.stderr

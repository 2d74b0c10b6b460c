"""A worker process: `python -m smallpond.worker`, started by smallpond with a socket to its driver.

The caller's `__main__` is not imported here; what a worker needs comes with its tasks.
"""

from __future__ import annotations

import sys

from smallpond import _core


def main() -> int:
    """Runs tasks until the driver says that it is enough, or is gone."""
    return _core.run_worker()


if __name__ == "__main__":
    sys.exit(main())

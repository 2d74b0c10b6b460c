"""The command line: `python -m smallpond`, or `smallpond`. The same core as the native binary."""

from __future__ import annotations

import sys

from smallpond import _core
from smallpond.extensions import extension_setup
from smallpond.process_executor import worker_command, worker_environment


def main() -> int:
    """Runs the command in sys.argv and returns its exit status."""
    command = ["env", *worker_environment(), *worker_command()]
    setup = extension_setup() if "sql" in sys.argv else ""
    return _core.run_command_line(["smallpond", *sys.argv[1:]], command, setup)


if __name__ == "__main__":
    sys.exit(main())

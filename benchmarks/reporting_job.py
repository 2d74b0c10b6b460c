"""The end of a measured process: it prints one JSON line that says what it did.

Imports the standard library only, so that the processes of every engine can use it.
"""

import json
import re
import time
from collections.abc import Callable
from decimal import Decimal
from typing import Any

MAX_ERROR_CHARACTERS = 200


class Clock:
    """Times the work of a job apart from its start-up. Seconds, on a monotonic clock."""

    def __init__(self) -> None:
        self.started = time.perf_counter()

    def start(self) -> None:
        """Starts anew: imports are done, the session or the cluster is up."""
        self.started = time.perf_counter()

    def seconds(self) -> float:
        """Returns the seconds since the last start."""
        return time.perf_counter() - self.started


def report_job(job: Callable[[Clock], dict[str, Any]]) -> None:
    """Runs `job` and prints its result with `work_seconds`, or its exception as `error`."""
    clock = Clock()
    try:
        report = job(clock)
        report.setdefault("work_seconds", clock.seconds())
    except Exception as error:  # Any engine, any failure: all of them are results to show.
        report = {"error": one_line(error)}
    print("\n" + json.dumps(report, default=as_json), flush=True)


def one_line(error: BaseException) -> str:
    """Returns the exception's type and the first lines of its message, shortened."""
    message = re.sub(r"\x1b\[[0-9;]*m", "", str(error))  # Without terminal colours.
    text = " ".join(f"{type(error).__name__}: {message}".replace("^", "").split())
    return text if len(text) <= MAX_ERROR_CHARACTERS else text[:MAX_ERROR_CHARACTERS] + " …"


def as_json(value: Any) -> Any:
    """Turns what JSON does not know into a number where it is one, else into text."""
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    return value.item() if hasattr(value, "item") else str(value)

"""Shows how far a long query is: a bar in a terminal or a notebook, nothing elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

SHOW_AFTER_SECONDS = 2.0

OnProgress = Callable[[float, float], None]


def in_notebook() -> bool:
    """Whether a Jupyter kernel runs this code."""
    ipython = sys.modules.get("IPython")
    if ipython is None:
        return False
    shell = ipython.get_ipython()
    return shell is not None and shell.__class__.__name__ == "ZMQInteractiveShell"


@contextmanager
def progress(what: str) -> Iterator[OnProgress | None]:
    """Yields what the core calls about every 50 ms with the seconds since the start and the
    fraction done (-1: unknown), or None where nobody would see it. The bar appears after two
    seconds and goes when the query ends."""
    notebook = in_notebook()
    if not notebook and not sys.stderr.isatty():
        yield None
        return
    bar = _Bar(what, notebook)
    try:
        yield bar.update
    finally:
        bar.close()


class _Bar:
    def __init__(self, what: str, notebook: bool) -> None:
        self._what = what
        self._notebook = notebook
        self._bar: Any = None
        self._task: Any = None

    def update(self, seconds: float, fraction: float) -> None:
        if self._bar is None:
            if seconds < SHOW_AFTER_SECONDS:
                return
            self._open()
        self._bar.update(
            self._task,
            completed=max(fraction, 0.0),
            total=1.0 if fraction >= 0 else None,
            seconds=seconds,
        )

    def _open(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn

        console = Console(force_jupyter=True) if self._notebook else Console(stderr=True)
        self._bar = Progress(
            TextColumn(self._what),
            BarColumn(),
            TextColumn("{task.percentage:>3.0f}%  {task.fields[seconds]:.0f} s"),
            console=console,
            transient=True,
        )
        self._bar.start()
        self._task = self._bar.add_task(self._what, total=None, seconds=0.0)

    def close(self) -> None:
        if self._bar is not None:
            self._bar.stop()

"""Shows how far a long query is: a bar in a terminal or a notebook, nothing elsewhere."""

from __future__ import annotations

import contextlib
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


def _has_terminal() -> bool:
    """Whether errors go to a terminal. A daemon may have no stderr, a closed one, or an object that
    only has `write`."""
    try:
        return bool(sys.stderr.isatty())
    except (AttributeError, OSError, ValueError):
        return False


@contextmanager
def progress(what: str) -> Iterator[OnProgress | None]:
    """Yields what the core calls about every 50 ms with the seconds since the start and the
    fraction done (-1: unknown), or None where nobody would see it. The bar appears after two
    seconds and goes when the query ends; it has the name of the method, `what`. One that can't be
    drawn, as on a terminal that is gone, is given up."""
    bar = _NotebookBar() if in_notebook() else _TerminalBar() if _has_terminal() else None
    if bar is None:
        yield None
        return
    is_broken = False

    def on_progress(seconds: float, fraction: float) -> None:
        nonlocal is_broken
        if seconds < SHOW_AFTER_SECONDS or is_broken:
            return
        is_broken = True  # Unless it comes back: no bar is worth a query.
        with contextlib.suppress(Exception):
            bar.show(what, seconds, fraction)
            is_broken = False

    try:
        yield on_progress
    finally:
        with contextlib.suppress(Exception):
            bar.close()


def _percent(fraction: float) -> str:
    """How much is done, or nothing where nobody knows. What has done nothing for two seconds is
    work whose size DuckDB does not know: 0% would tell of a start."""
    return f"{fraction:.0%}" if fraction > 0 else ""


class _TerminalBar:
    _bar: Any = None
    _task: Any = None
    _next_seconds = 0.0

    def show(self, what: str, seconds: float, fraction: float) -> None:
        if seconds < self._next_seconds:
            return
        self._next_seconds = seconds + 0.1
        state: dict[str, Any] = {
            "completed": max(fraction, 0.0),
            "total": 1.0 if fraction > 0 else None,  # None: the bar pulses.
            "percent": _percent(fraction),
            "seconds": seconds,
        }
        if self._bar is None:
            self._open(what, state)
        else:
            self._bar.update(self._task, refresh=True, **state)

    def _open(self, what: str, state: dict[str, Any]) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn

        self._bar = Progress(
            TextColumn(what),
            BarColumn(),
            TextColumn("{task.fields[percent]:>4}  {task.fields[seconds]:.0f} s"),
            console=Console(stderr=True),
            transient=True,
            auto_refresh=False,  # By a thread of its own, in which nobody hears errors.
        )
        self._task = self._bar.add_task(what, **state)
        self._bar.start()

    def close(self) -> None:
        if self._bar is not None:
            self._bar.stop()


class _NotebookBar:
    """HTML's own bar: rich's needs ipywidgets, which a notebook may lack."""

    _handle: Any = None
    _next_seconds = 0.0

    def show(self, what: str, seconds: float, fraction: float) -> None:
        from IPython.display import HTML, display

        if seconds < self._next_seconds:  # A notebook is slower to draw than a terminal.
            return
        self._next_seconds = seconds + 0.5
        value = f' value="{fraction:.3f}"' if fraction > 0 else ""  # Without one it pulses.
        bar = f"<progress max=1{value}></progress>"
        html = HTML(f"{what} {bar} {_percent(fraction)} {seconds:.0f} s")
        if self._handle is None:
            self._handle = display(html, display_id=True)
        else:
            self._handle.update(html)

    def close(self) -> None:
        if self._handle is not None:
            from IPython.display import HTML

            self._handle.update(HTML(""))

"""SIGTERM and SIGHUP end a program as Ctrl-C does: queries stop, `with` blocks and exit
functions run, so that nothing half-written, no spill file and no worker is left."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from collections.abc import Iterator
from types import FrameType

SIGNALS = (signal.SIGTERM, signal.SIGHUP)

_pid = 0  # Of the process that the handlers are for.


def end_on_signals() -> None:
    """Handles the signals where nobody else does; off the main thread that can't be done."""
    global _pid
    if threading.current_thread() is not threading.main_thread():
        return
    _pid = os.getpid()
    for number in SIGNALS:
        if signal.getsignal(number) is signal.SIG_DFL:
            with contextlib.suppress(ValueError):  # The main thread of another interpreter.
                signal.signal(number, _end)


@contextlib.contextmanager
def undisturbed() -> Iterator[None]:
    """Lets a program's end, which takes some seconds at most, clean up though it is told again, or
    Ctrl-C is pressed."""
    handlers = {}
    if threading.current_thread() is threading.main_thread():
        handlers = {number: signal.getsignal(number) for number in (*SIGNALS, signal.SIGINT)}
    ours = [n for n, handler in handlers.items() if handler in (_end, signal.default_int_handler)]
    for number in ours:
        signal.signal(number, signal.SIG_IGN)
    try:
        yield
    finally:
        for number in ours:
            signal.signal(number, signal.SIG_DFL)


def _end(number: int, frame: FrameType | None) -> None:
    if os.getpid() == _pid:
        raise SystemExit(128 + number)  # As a shell tells of a program that a signal ended.
    # A process that was forked off and has no session ends as it would have without us.
    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)

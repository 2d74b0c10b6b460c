"""A bar shows how far a long query is: in a terminal, after two seconds, and nowhere else."""

from __future__ import annotations

import os
import pty
import subprocess
import sys

import pytest

SCRIPT = """
import signal, smallpond
sp = smallpond.init(duckdb_memory="500MB", threads=1)
endless = sp.sql("SELECT a.i FROM range(9_999_999) a(i), range(9_999_999) b(i) WHERE a.i + b.i < 0")
signal.signal(signal.SIGALRM, signal.default_int_handler)
signal.setitimer(signal.ITIMER_REAL, SECONDS)
try:
    endless.count()
except KeyboardInterrupt:
    print("stopped", flush=True)
"""


def start(seconds: float, stderr: int) -> subprocess.Popen[str]:
    """Starts a query that is stopped after so many seconds."""
    code = SCRIPT.replace("SECONDS", str(seconds))
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "80"}
    return subprocess.Popen(
        [sys.executable, "-c", code],
        stdout=subprocess.PIPE,
        stderr=stderr,
        text=True,
        env=environment,
    )


def read_until_closed(terminal: int) -> str:
    text = b""
    while True:
        try:
            piece = os.read(terminal, 4096)
        except OSError:  # The other end is closed.
            return text.decode()
        if not piece:
            return text.decode()
        text += piece


def run_in_terminal(seconds: float) -> str:
    """Returns what appears on a terminal that is the query's stderr."""
    ours, theirs = pty.openpty()
    process = start(seconds, theirs)
    os.close(theirs)
    try:
        shown = read_until_closed(ours)
        out, _ = process.communicate(timeout=60)
    finally:
        process.kill()
        os.close(ours)
    assert out == "stopped\n"
    return shown


def test_bar_in_a_terminal() -> None:
    shown = run_in_terminal(3.5)
    assert "count" in shown
    assert "%" not in shown, "DuckDB does not know how much such a query has done"
    assert " 2 s" in shown, "the time that has passed since the query began"


def test_short_query_shows_none() -> None:
    assert run_in_terminal(1.0) == ""


@pytest.mark.slow
def test_silent_where_stderr_is_no_terminal() -> None:
    process = start(3.5, subprocess.PIPE)
    out, err = process.communicate(timeout=60)
    assert (out, err) == ("stopped\n", "")


@pytest.mark.slow
def test_bar_goes_when_the_query_is_stopped() -> None:
    shown = run_in_terminal(3.5)
    assert shown.count("\x1b[?25l") == shown.count("\x1b[?25h") == 1, "the cursor comes back"

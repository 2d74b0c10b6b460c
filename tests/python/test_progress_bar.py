"""What a bar looks like: the method's name, how much is done where that is known, the seconds."""

from __future__ import annotations

import io
import os
import pty
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
import smallpond
import smallpond.frame
import smallpond.progress
import smallpond.writing

BAR = "━╸╺"


def shown_in_terminal(calls: list[tuple[float, float]]) -> str:
    """What appears on a terminal of 80 columns, without colours, of a query that calls back so."""
    code = f"""
from smallpond.progress import progress
with progress("write_parquet") as on_progress:
    for seconds, fraction in {calls}:
        on_progress(seconds, fraction)
"""
    ours, theirs = pty.openpty()
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "80"}
    with subprocess.Popen([sys.executable, "-c", code], stderr=theirs, env=environment) as process:
        os.close(theirs)
        text = b""
        try:
            while piece := os.read(ours, 4096):
                text += piece
        except OSError:  # The other end is closed.
            pass
    os.close(ours)
    assert process.returncode == 0
    return re.sub(r"\x1b\[[\d;?]*[a-zA-Z]", "", text.decode()).replace("\r", "\n")


def test_what_is_done() -> None:
    shown = shown_in_terminal([(2.0, 0.42), (7.0, 0.8)])
    assert re.search(rf"^write_parquet [{BAR}]+  80%  7 s *$", shown, re.MULTILINE)


@pytest.mark.parametrize("fraction", [-1.0, 0.0])
def test_nobody_knows_how_much(fraction: float) -> None:
    """A bar that pulses, which a bar with a known end does not: it has no parts in between."""
    shown = shown_in_terminal([(2.0, fraction), (3.0, fraction)])
    assert re.search(r"^write_parquet ━{40} +3 s *$", shown, re.MULTILINE)
    assert "%" not in shown and " 0 s" not in shown


def test_it_becomes_known_late() -> None:
    shown = shown_in_terminal([(2.0, -1), (3.0, 0.5)])
    assert re.search(rf"^write_parquet [{BAR}]+  50%  3 s *$", shown, re.MULTILINE)


def test_nothing_before_two_seconds() -> None:
    assert shown_in_terminal([(0.1, 0.1), (1.9, 0.9)]) == ""


@pytest.mark.parametrize("num_writes", [0, 1, 3])
def test_a_terminal_that_breaks(num_writes: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """A bar that can't be drawn ends no query, and leaves the program its streams."""

    class Broken(io.StringIO):
        left = num_writes

        def isatty(self) -> bool:
            return True

        def write(self, text: str) -> int:
            self.left -= 1
            if self.left < 0:
                raise OSError("the terminal is gone")
            return len(text)

    broken, out = Broken(), io.StringIO()
    monkeypatch.setattr(sys, "stderr", broken)
    monkeypatch.setattr(sys, "stdout", out)
    with smallpond.progress.progress("take") as on_progress:
        assert on_progress
        for seconds in (2.0, 3.0, 4.0):
            on_progress(seconds, 0.5)
    assert broken.left < 0 and sys.stderr is broken and sys.stdout is out


def test_a_terminal_that_can_not_be_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    def isatty() -> bool:
        raise OSError("the terminal is gone")

    monkeypatch.setattr(sys, "stderr", SimpleNamespace(isatty=isatty))
    with smallpond.progress.progress("take") as on_progress:
        assert on_progress is None


def test_notebook(monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[str] = []
    handle = SimpleNamespace(update=shown.append)

    def display(html: str, display_id: bool) -> Any:
        shown.append(html)
        return handle

    module = ModuleType("IPython.display")
    module.HTML, module.display = str, display  # type: ignore[attr-defined]
    shell = type("ZMQInteractiveShell", (), {})()
    ipython = SimpleNamespace(get_ipython=lambda: shell, display=module)
    monkeypatch.setitem(sys.modules, "IPython", ipython)
    monkeypatch.setitem(sys.modules, "IPython.display", module)
    with smallpond.progress.progress("take") as on_progress:
        assert on_progress
        on_progress(1.0, 0.1)
        on_progress(2.0, 0.0)
        on_progress(3.0, 0.25)
    unknown, known, gone = shown
    assert unknown.startswith("take <progress max=1></progress>") and "%" not in unknown
    assert '<progress max=1 value="0.250"></progress> 25% 3 s' in known
    assert gone == ""


def test_each_action_has_its_name(
    sp: smallpond.Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    named: list[str] = []

    @contextmanager
    def progress(what: str) -> Iterator[None]:
        named.append(what)
        yield None

    for module in [smallpond.frame, smallpond.writing]:
        monkeypatch.setattr(module, "progress", progress)
    frame = sp.sql("SELECT 1 AS i")
    actions = ["count", "to_arrow", "to_pandas", "take_all", "show", "explain"]
    for name in actions:
        getattr(frame, name)()
    frame.take(1)
    writes = ["write_parquet", "write_csv", "write_json"]
    for name in writes:
        getattr(frame, name)(tmp_path / name)
    assert named == [*actions, "take", *writes]

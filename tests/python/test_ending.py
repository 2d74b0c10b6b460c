"""SIGTERM and SIGHUP end a program as Ctrl-C does: soon, and with nothing left behind."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import psutil
import pytest

# A noisy machine may take a while to let the process run; a query that isn't stopped takes hours.
AT_MOST_SECONDS = 60

# The alarm's handler runs when the query calls back, and says so.
SCRIPT = """
import os, signal, sys
import smallpond

executor, files, root = sys.argv[1:]
signal.signal(signal.SIGALRM, lambda *_: print("running", flush=True))
signal.signal(signal.SIGHUP, signal.SIG_DFL)  # Whoever runs the tests may ignore it.
BEFORE
with smallpond.init(
    executor=executor, num_executors=2 if executor == "processes" else None, threads=2,
    duckdb_memory="600MB", data_root=root, partitions=3,
) as sp:
    events = sp.read_parquet(files)
    assert sp.sql("SELECT kind, count(*) AS n FROM {0} GROUP BY kind", events).count() == 5
    endless = sp.sql(
        "SELECT kind, count(*) AS n FROM {0}, range(9_999_999) a(i), range(9_999_999) b(j) "
        "WHERE hash(event_id, i, j) < 9 GROUP BY kind", events)
    signal.setitimer(signal.ITIMER_REAL, 0.3)
    CALL
"""


def start(call: str, executor: str, files: Path, root: Path, before: str = "") -> subprocess.Popen:
    code = textwrap.dedent(SCRIPT).replace("CALL", call).replace("BEFORE", before)
    process = subprocess.Popen(
        [sys.executable, "-c", code, executor, str(files), str(root)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "running\n", process.communicate()[1]
    return process


def wait_until_gone(processes: list[psutil.Process]) -> None:
    _, alive = psutil.wait_procs(processes, timeout=AT_MOST_SECONDS)
    assert alive == []


@pytest.mark.parametrize(
    ("executor", "number", "call"),
    [
        ("direct", signal.SIGTERM, "endless.count()"),
        ("direct", signal.SIGHUP, "endless.write_parquet(root + '/out')"),
        ("direct", signal.SIGTERM, "signal.pause(); signal.pause()"),
        ("threads", signal.SIGTERM, "endless.write_parquet(root + '/out')"),
        ("processes", signal.SIGTERM, "endless.write_parquet(root + '/out')"),
    ],
)
def test_a_signal_ends_the_program_in_order(
    executor: str, number: signal.Signals, call: str, data: Path, tmp_path: Path
) -> None:
    root = tmp_path / "root"
    process = start(call, executor, data / "events.parquet", root)
    try:
        workers = psutil.Process(process.pid).children(recursive=True)
        assert len(workers) == (2 if executor == "processes" else 0)
        process.send_signal(number)
        _, err = process.communicate(timeout=AT_MOST_SECONDS)
        assert (process.returncode, err) == (128 + number, "")
        wait_until_gone(workers)
    finally:
        process.kill()
    left = {path.name: list(path.iterdir()) for path in root.iterdir()}
    assert left == {"temp": []} if executor == "direct" else {"jobs": [], "temp": []}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_second_signal_does_not_stop_the_end(
    number: signal.Signals, data: Path, tmp_path: Path
) -> None:
    """Here it comes while the workers are being stopped, for certain."""
    again = """
import smallpond.session
stop = smallpond.session.Session._stop_workers
def stop_and_be_told_again(self, for_good):
    if sys._getframe(1).f_code.co_name == "_end":  # Not that of the `with` block.
        os.kill(os.getpid(), signal.NUMBER)
        print("told again", flush=True)
    stop(self, for_good)
smallpond.session.Session._stop_workers = stop_and_be_told_again
""".replace("NUMBER", number.name)
    root = tmp_path / "root"
    call = "smallpond.initialize._open_sessions.add(sp); signal.pause(); signal.pause()"
    process = start(call, "processes", data / "events.parquet", root, before=again)
    try:
        workers = psutil.Process(process.pid).children(recursive=True)
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=AT_MOST_SECONDS)
        assert (process.returncode, out, err) == (128 + signal.SIGTERM, "told again\n", "")
        wait_until_gone(workers)
    finally:
        process.kill()


def test_a_program_s_own_handler_stays(data: Path, tmp_path: Path) -> None:
    own = "signal.signal(signal.SIGTERM, lambda *_: sys.exit(7))"
    process = start("endless.count()", "direct", data / "events.parquet", tmp_path / "root", own)
    process.send_signal(signal.SIGTERM)
    _, err = process.communicate(timeout=AT_MOST_SECONDS)
    assert (process.returncode, err) == (7, "")


def test_other_threads_and_forked_children_are_left_alone() -> None:
    code = """
import os, signal, threading, time
import smallpond
options = {"duckdb_memory": "100MB", "threads": 1}
thread = threading.Thread(target=lambda: smallpond.init(**options).shutdown())
thread.start()
thread.join()
assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
sp = smallpond.init(**options)
assert signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL
pid = os.fork()
if pid == 0:
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(60)
    os._exit(0)
_, status = os.waitpid(pid, 0)
assert os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGTERM, status
assert os.path.isdir(sp.sql("SELECT current_setting('temp_directory') AS t").take_all()[0]["t"])
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=AT_MOST_SECONDS)


@pytest.mark.parametrize(
    ("number", "ignored"), [(signal.SIGTERM, False), (signal.SIGINT, False), (signal.SIGHUP, True)]
)
def test_the_command_ends_in_order(number: signal.Signals, ignored: bool, tmp_path: Path) -> None:
    """`nohup` ignores SIGHUP, which the command leaves so."""
    out = tmp_path / "out" / "rows.csv"
    out.parent.mkdir()
    query = "FROM range(9_999_999_999) t(i)"
    process = subprocess.Popen(
        [sys.executable, "-m", "smallpond", "sql", query, "-o", str(out)],
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=(lambda: signal.signal(number, signal.SIG_IGN)) if ignored else None,
        env={**os.environ, "SP_TEMP_DIR": str(tmp_path / "temp")},
    )
    try:
        deadline = time.monotonic() + AT_MOST_SECONDS
        while not list(out.parent.iterdir()):
            assert process.poll() is None and time.monotonic() < deadline
        (staging,) = out.parent.iterdir()
        assert stat.S_IMODE(staging.lstat().st_mode) == 0o700, "its rows are not for others yet"
        process.send_signal(number)
        if ignored:
            with pytest.raises(subprocess.TimeoutExpired):
                process.wait(0.3)
            number = signal.SIGTERM
            process.send_signal(number)
        _, err = process.communicate(timeout=AT_MOST_SECONDS)
        assert process.returncode == 128 + number
        assert err.endswith("smallpond: The query was stopped.\n")
    finally:
        process.kill()
    assert list(out.parent.iterdir()) == list((tmp_path / "temp").iterdir()) == []

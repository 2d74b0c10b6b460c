"""Ctrl-C ends a query at once, and the session goes on."""

from __future__ import annotations

import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

# A noisy machine may take a while to let the process run; a query that isn't stopped takes hours.
AT_MOST_SECONDS = 20

# The alarm's handler can run only when the query calls back: what it prints says that it runs.
SCRIPT = """
import signal, sys, time
import pyarrow, smallpond

signal.signal(signal.SIGALRM, lambda *_: print("running", flush=True))
sp = smallpond.init(duckdb_memory="500MB", threads=2)
endless = sp.sql("SELECT a.i FROM range(9_999_999) a(i), range(9_999_999) b(i) WHERE a.i + b.i < 0")
groups = sp.sql("SELECT i % 7 AS k, count(*) FROM {0} GROUP BY k", endless)
signal.setitimer(signal.ITIMER_REAL, 0.3)
try:
    CALL
except KeyboardInterrupt:
    print("interrupted", flush=True)
assert sp.sql("SELECT 42 AS x").take_all() == [{"x": 42}]
assert sp.sql("FROM range(1000)").count() == 1000
print("goes on", flush=True)
"""

CALLS = {
    "count": "endless.count()",
    "to_arrow": "endless.to_arrow()",
    "to_pandas": "groups.to_pandas()",
    "take": "groups.take(1)",
    "show": "endless.show()",
    "html": "groups._repr_html_()",
    "write_parquet": "endless.write_parquet(FOLDER)",
    "write_partitions": "endless.repartition(3, hash_by='i').write_parquet(FOLDER)",
    "concat": "sp.partial_sql('FROM {0}', endless.repartition(3), merge='concat').count()",
    "query_at_the_call": "sp.sql('PIVOT {0} ON i USING count(*)', endless)",
    "stream": "pyarrow.table(groups)",
}


@pytest.mark.parametrize("call", CALLS)
def test_interrupt(call: str, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    code = SCRIPT.replace("CALL", CALLS[call]).replace("FOLDER", repr(str(folder)))
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "running\n", "the query answers signals"
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=AT_MOST_SECONDS)
    finally:
        process.kill()
    assert out == "interrupted\ngoes on\n", err
    assert process.returncode == 0 and err == ""
    assert list(tmp_path.iterdir()) == [], "a write that was stopped leaves nothing"


def test_uncaught_interrupt_ends_the_program() -> None:
    code = SCRIPT.replace("CALL", "endless.count()").replace(
        "except KeyboardInterrupt", "except OSError"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None and process.stdout.readline() == "running\n"
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=AT_MOST_SECONDS)
    finally:
        process.kill()
    assert process.returncode == -signal.SIGINT and out == ""
    assert err.rstrip().endswith("KeyboardInterrupt")

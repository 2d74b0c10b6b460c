"""A program may end while threads of it still query: nothing aborts, hangs or is left behind."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

# A noisy machine may take a while to let the process run; a query that isn't stopped takes hours.
AT_MOST_SECONDS = 60

SCRIPT = """
import sys, threading
import pyarrow, smallpond

sp = smallpond.init(duckdb_memory="500MB", threads=2, temp_dir=sys.argv[1], executor="EXECUTOR")
pairs = "FROM range(9_999_999) a(i), range(9_999_999) b(i)"
endless = sp.sql(f"SELECT a.i {pairs} WHERE a.i + b.i < 0")
# Rows that take their time: what a thread does in pyarrow's own code is not ours to end.
many = sp.sql(f"SELECT a.i {pairs} WHERE (a.i + b.i) % 50 = 7")
short = sp.sql("FROM range(1000)")
begins = threading.Event()

def work():
    begins.set()
    CALL

def again_and_again():
    while True:
        short.count()

def read(frame):
    for batch in pyarrow.RecordBatchReader.from_stream(frame):
        pass

thread = threading.Thread(target=work, daemon=True)
thread.start()
begins.wait()
thread.join(0.2)
assert thread.is_alive(), "it computes for hours"
print("the program ends", flush=True)
"""

CALLS = {
    "count": "endless.count()",
    "loop": "again_and_again()",
    "to_arrow": "endless.to_arrow()",
    "stream_without_rows": "read(endless)",
    "stream": "read(many)",
    "write": "many.write_parquet(sys.argv[1] + '/out')",
    "bind": "sp.sql('PIVOT {0} ON i USING count(*)', endless)",
    "execute": "sp.execute(f'CREATE TABLE t AS SELECT count(*) {pairs} WHERE a.i + b.i < 0')",
}


def run(code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        capture_output=True,
        text=True,
        timeout=AT_MOST_SECONDS,
    )


@pytest.mark.parametrize("call", CALLS)
def test_daemon_thread_computes(call: str, tmp_path: Path) -> None:
    code = SCRIPT.replace("EXECUTOR", "direct").replace("CALL", CALLS[call])
    ended = run(code, str(tmp_path))
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "the program ends\n", "")
    left = [path for path in tmp_path.rglob("*") if path.is_file() and "attempt" not in str(path)]
    assert left == [], "neither spilled data nor output"


@pytest.mark.parametrize("executor", ["threads", "processes"])
def test_daemon_thread_computes_in_stages(executor: str, tmp_path: Path) -> None:
    code = SCRIPT.replace("EXECUTOR", executor).replace("CALL", CALLS["count"])
    ended = run(code, str(tmp_path))
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "the program ends\n", "")


AFTER_THE_END_BEGAN = {
    "count": "sp.sql('FROM range(1000)').count()",
    "take_all": "sp.sql('FROM range(1000)').take_all()",
    "stream": "reader.read_next_batch()",
    "columns": "sp.sql('SELECT 42 AS x').columns",
    "init": "smallpond.init(duckdb_memory='500MB').sql('SELECT 42').count()",
}


@pytest.mark.parametrize("call", AFTER_THE_END_BEGAN)
def test_daemon_thread_calls_after_the_end_began(call: str) -> None:
    """Nothing that a program's log would show becomes of a call that comes too late."""
    code = f"""
import atexit, threading, time
goes_on = threading.Event()
def last():
    goes_on.set()
    time.sleep(0.3)
atexit.register(last)  # Runs after those of what is imported below.
import pyarrow, smallpond
sp = smallpond.init(duckdb_memory="500MB", threads=2)
reader = pyarrow.RecordBatchReader.from_stream(sp.sql("FROM range(9_999_999)"))
reader.read_next_batch()
def work():
    goes_on.wait()
    while True:
        {AFTER_THE_END_BEGAN[call]}
threading.Thread(target=work, daemon=True).start()
print("the program ends", flush=True)
"""
    ended = run(code)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "the program ends\n", "")


def test_a_thread_of_another_library_reads() -> None:
    """Arrow waits for its threads when the process ends."""
    code = """
import threading
import pyarrow, pyarrow.dataset, smallpond
sp = smallpond.init(duckdb_memory="500MB", threads=2)
frame = sp.sql("SELECT i FROM range(9_999_999_999) r(i)")
reader = pyarrow.RecordBatchReader.from_stream(frame)
begins = threading.Event()
def work():
    begins.set()
    pyarrow.dataset.Scanner.from_batches(reader).count_rows()
thread = threading.Thread(target=work, daemon=True)
thread.start()
begins.wait()
thread.join(0.5)
print("the program ends", flush=True)
"""
    # What Arrow does with its own memory when a program ends is not ours to say.
    assert run(code).stdout == "the program ends\n"


def test_other_handlers_at_exit_can_query(tmp_path: Path) -> None:
    """Those that were there before smallpond was imported run after its own."""
    code = """
import atexit
def last():
    print(sp.sql("SELECT 42 AS x").take_all())
atexit.register(last)
import smallpond
sp = smallpond.init(duckdb_memory="500MB", threads=2)
"""
    ended = run(code)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "[{'x': 42}]\n", "")


@pytest.mark.parametrize(
    "stderr",
    [
        "None",
        "type('Log', (), {'write': lambda *_: 0, 'flush': lambda *_: 0})()",
        "open('/dev/null', 'w'); sys.stderr.close()",
    ],
    ids=["none", "without_isatty", "closed"],
)
def test_a_daemon_has_no_stderr(stderr: str, tmp_path: Path) -> None:
    code = f"""
import sys
sys.stderr = {stderr}
import smallpond
sp = smallpond.init(duckdb_memory="500MB", threads=2)
frame = sp.sql("SELECT 42 AS x")
print(frame.count(), frame.take_all(), len(frame.to_pandas()))
frame.write_parquet(sys.argv[1])
"""
    ended = run(code, str(tmp_path / "out"))
    assert (ended.returncode, ended.stdout) == (0, "1 [{'x': 42}] 1\n"), ended.stderr

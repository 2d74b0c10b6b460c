"""No call waits for what another thread computes, and every call hears Ctrl-C."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import textwrap
from pathlib import Path

import psutil
import pytest
import smallpond

AT_MOST_SECONDS = 60


SCRIPT = """
import os, signal, socket, sys, threading, time
import smallpond

signal.signal(signal.SIGALRM, lambda *_: os.kill(os.getpid(), signal.SIGINT))

def interrupted(call, after):
    signal.setitimer(signal.ITIMER_REAL, after)
    try:
        call()
    except KeyboardInterrupt:
        print("interrupted", flush=True)

CODE
"""

# Another thread computes what takes for ever.
OTHER_THREAD = """
executor, files, root = sys.argv[1:]
sp = smallpond.init(
    executor=executor, num_executors=2 if executor == "processes" else None, threads=2,
    duckdb_memory="600MB", data_root=root, partitions=3)
endless = sp.sql(
    "SELECT kind, count(*) AS n FROM {0}, range(9_999_999) a(i), range(9_999_999) b(j) "
    "WHERE hash(event_id, i, j) < 9 GROUP BY kind", sp.read_parquet(files))
threading.Thread(target=endless.to_arrow, daemon=True).start()
deadline = time.monotonic() + 30
while not (os.path.exists(root + "/jobs") and os.listdir(root + "/jobs")):
    assert time.monotonic() < deadline
sp.execute("CREATE MACRO twice(x) AS 2 * x")
print("executed", flush=True)
interrupted(lambda: sp.sql("SELECT twice(1) FROM {0}", sp.read_parquet(files)).count(), 0.3)
sp.shutdown()
print("closed", flush=True)
os._exit(0)
"""

EXECUTE = """
sp = smallpond.init(duckdb_memory="300MB", threads=1)
interrupted(lambda: sp.execute(
    "CREATE TABLE t AS SELECT count(*) FROM range(9_999_999) a, range(9_999_999) b"), 0.3)
sp.execute("CREATE TABLE t AS SELECT 1 AS x")
assert sp.sql("FROM t").take_all() == [{"x": 1}]
"""

# A port that accepts and says nothing, as behind a firewall or of another program.
SILENT = """
import smallpond.ray_connection
silent = socket.create_server(("127.0.0.1", 0))
address = f"127.0.0.1:{silent.getsockname()[1]}"
sp = smallpond.init(
    ray_address=address, duckdb_memory="300MB", data_root=sys.argv[1], whole_size=0
)
query = sp.sql("SELECT 1 AS x")
interrupted(query.count, 0.5)
smallpond.ray_connection.CONNECT_TIMEOUT_SECONDS = 0.5
try:
    query.count()
except smallpond.UnavailableError as error:
    assert address in str(error) and "nothing came within" in str(error), error
    print("unavailable", flush=True)
other = smallpond.init(
    ray_address="127.0.0.1:1", duckdb_memory="300MB", data_root=sys.argv[1], whole_size=0
)
try:
    other.sql("SELECT 1 AS x").count()
except smallpond.UnavailableError as error:
    assert f"still tries to reach a Ray cluster at '{address}'" in str(error), error
    print("one at a time", flush=True)
sp.shutdown()
"""


def run(code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    script = textwrap.dedent(SCRIPT).replace("CODE", code)
    return subprocess.run(
        [sys.executable, "-c", script, *arguments],
        capture_output=True,
        text=True,
        timeout=AT_MOST_SECONDS,
        check=False,
        env={**os.environ, "RAY_USAGE_STATS_ENABLED": "0"},
    )


@pytest.mark.parametrize("executor", ["direct", "threads", "processes"])
def test_execute_and_shutdown_do_not_wait_for_another_thread(
    executor: str, data: Path, tmp_path: Path
) -> None:
    code = OTHER_THREAD
    if executor == "direct":  # It has no jobs to look at, and no turns to wait for.
        code = re.sub(r"(?s)deadline = .*?deadline\n|interrupted.*?\n", "", code)
    done = run(code, executor, str(data / "events.parquet"), str(tmp_path))
    said = "executed\nclosed\n" if executor == "direct" else "executed\ninterrupted\nclosed\n"
    assert (done.returncode, done.stdout) == (0, said), done.stderr


def test_deaths_of_workers_count_in_one_query(data: Path, tmp_path: Path) -> None:
    """A session may lose many in its life: idle ones, and those of earlier queries."""
    before = {child.pid for child in psutil.Process().children()}
    with smallpond.init(
        executor="processes", threads=1, duckdb_memory="300MB", data_root=tmp_path, partitions=2
    ) as sp:
        events = sp.read_parquet(data / "events.parquet")
        for number in range(10):
            sql = f"SELECT kind, count(*) AS n FROM {{0}} GROUP BY kind HAVING n > {number}"
            assert sp.sql(sql, events).count() == 5
            for child in psutil.Process().children():
                if child.pid not in before:
                    child.kill()
                    child.wait(AT_MOST_SECONDS)


def test_execute_hears_ctrl_c() -> None:
    done = run(EXECUTE)
    assert (done.returncode, done.stdout, done.stderr) == (0, "interrupted\n", "")


def test_a_silent_port_is_given_up_and_ctrl_c_is_heard(tmp_path: Path) -> None:
    pytest.importorskip("ray")
    done = run(SILENT, str(tmp_path))
    assert done.returncode == 0, done.stderr
    assert done.stdout == "interrupted\nunavailable\none at a time\n"

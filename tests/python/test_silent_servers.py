"""A server that accepts and says nothing is waited for until Ctrl-C."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow.parquet
import pytest
import smallpond
from http_server import Quiet, serve

# Far less than what would be waited for, far more than an answer takes.
SOON_SECONDS = 15


@contextmanager
def silent_server() -> Iterator[tuple[str, threading.Event]]:
    """Accepts, and says nothing. Tells when somebody came."""
    came = threading.Event()
    ended = threading.Event()
    held: list[socket.socket] = []

    def accept() -> None:
        while not ended.is_set():
            try:
                connection, _ = server.accept()
            except TimeoutError:
                continue
            held.append(connection)
            came.set()

    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.05)
        thread = threading.Thread(target=accept)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.getsockname()[1]}", came
        finally:
            ended.set()
            thread.join()
            for connection in held:
                connection.close()


HTTP = """
import sys
import smallpond

sp = smallpond.init(duckdb_memory="300MB", threads=2{more})
{setup}
print("ready", flush=True)
try:
    {statement}
except KeyboardInterrupt:
    print("heard", flush=True)
    assert sp.sql("SELECT 1 AS one").take_all() == [{{"one": 1}}]
    sp.shutdown()
    print("ended", flush=True)
"""
ASKING = {
    "read": "sp.read_parquet('{0}/x.parquet')",
    "sql": "sp.sql(\"FROM '{0}/x.parquet'\")",
    "csv": "sp.read_csv('{0}/x.csv')",
    "attach": "sp.execute(\"ATTACH '{0}/x.duckdb' AS other (READ_ONLY)\")",
}


@pytest.mark.parametrize("client", ["default", "httplib"])
@pytest.mark.parametrize("statement", ASKING.values(), ids=ASKING.keys())
def test_interrupt_ends_the_wait_for_a_server(statement: str, client: str) -> None:
    setup = "sp.execute('LOAD httpfs')\n" if client != "default" else ""
    if client != "default":
        setup += f"sp.execute(\"SET httpfs_client_implementation = '{client}'\")"
    with silent_server() as (address, came):
        code = HTTP.format(more="", setup=setup, statement=statement.format(address))
        process = subprocess.Popen(
            [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        try:
            assert process.stdout and process.stdout.readline() == "ready\n"
            assert came.wait(60), "it asks"
            started = time.monotonic()
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=60)
        finally:
            process.kill()
    assert (out, process.returncode) == ("heard\nended\n", 0), err
    assert time.monotonic() - started < SOON_SECONDS


def test_what_servers_say_is_read_as_ever(fresh_sp: smallpond.Session, data: Path) -> None:
    content = (data / "events.parquet").read_bytes()
    asked: list[str] = []

    class Files(Quiet):
        protocol_version = "HTTP/1.1"

        def answer(self, with_body: bool) -> None:
            asked.append(self.command)
            found = self.path.endswith("x.parquet")
            body = content if found else b"no"
            status = 200 if found else 404
            wanted = self.headers.get("Range")
            if found and wanted:
                begin, end = wanted.removeprefix("bytes=").split("-")
                body, status = content[int(begin) : int(end) + 1], 206
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Accept-Ranges", "bytes")
            self.end_headers()
            if with_body:
                self.wfile.write(body)

        def do_GET(self) -> None:
            self.answer(True)

        def do_HEAD(self) -> None:
            self.answer(False)

    table = pyarrow.parquet.read_table(data / "events.parquet")
    with serve(Files) as address:
        frame = fresh_sp.read_parquet(f"{address}/x.parquet")
        assert frame.to_arrow().sort_by("event_id").equals(table.sort_by("event_id"))
        with pytest.raises(smallpond.Error, match="404"):
            fresh_sp.read_parquet(f"{address}/missing")
        fresh_sp.execute("SET httpfs_client_implementation = 'httplib'")
        assert fresh_sp.read_parquet(f"{address}/x.parquet").count() == table.num_rows
    assert {"GET", "HEAD"} <= set(asked)

"""Streams handed out several times, and consumers that drop them half-read, wherever they do."""

from __future__ import annotations

import gc
import subprocess
import sys
import threading
from collections.abc import Callable

import pyarrow as pa
import pytest
import smallpond

MANY = 1_000_000

SOURCES = {
    "empty": "SELECT i, 'text' AS s FROM range(5) t(i) WHERE i < 0",
    "small": "SELECT i, 'text ' || i AS s FROM range(5) t(i)",
    "large": f"SELECT i, 'text ' || i AS s FROM range({MANY}) t(i)",
    "sorted": f"SELECT hash(i) AS h, i FROM range({MANY // 2}) t(i) ORDER BY h",
}
# A sort holds all of its rows while its result is read.
SORTED = SOURCES["sorted"]


@pytest.mark.parametrize("source", SOURCES)
def test_three_times(sp: smallpond.Session, source: str) -> None:
    frame = sp.sql(SOURCES[source])
    expected = frame.to_arrow()
    for _ in range(3):
        assert pa.table(frame).equals(expected)
    readers = [pa.RecordBatchReader.from_stream(frame) for _ in range(3)]
    assert all(reader.read_all().equals(expected) for reader in readers)


@pytest.mark.parametrize("num_rows", [0, 5, MANY])
def test_three_times_from_what_gives_its_rows_once(sp: smallpond.Session, num_rows: int) -> None:
    table = pa.table({"i": pa.array(range(num_rows), pa.int64())})
    for frame in [sp.from_arrow(table.to_reader()), sp.sql("FROM {0}", table.to_reader())]:
        for _ in range(3):
            assert pa.table(frame).equals(table)
        assert frame.count() == num_rows


def test_three_times_of_random_rows(sp: smallpond.Session) -> None:
    """A small result is kept by the first action, and a stream hands it out."""
    frame = sp.sql("SELECT random() AS r FROM range(100)")
    expected = frame.to_arrow()
    assert all(pa.table(frame).equals(expected) for _ in range(3))


def close(reader: pa.RecordBatchReader) -> None:
    reader.close()


def forget(reader: pa.RecordBatchReader) -> None:
    del reader
    gc.collect()


def close_in_a_thread(reader: pa.RecordBatchReader) -> None:
    thread = threading.Thread(target=reader.close)
    thread.start()
    thread.join(timeout=60)
    assert not thread.is_alive()


def read_on_in_a_thread(reader: pa.RecordBatchReader) -> None:
    def read() -> None:
        reader.read_next_batch()
        reader.close()

    thread = threading.Thread(target=read)
    thread.start()
    thread.join(timeout=60)
    assert not thread.is_alive()


def memory_in_use(session: smallpond.Session) -> int:
    sql = "SELECT sum(memory_usage_bytes)::BIGINT AS bytes FROM duckdb_memory()"
    [row] = session.sql(sql).take_all()
    return row["bytes"]


@pytest.mark.parametrize("drop", [close, forget, close_in_a_thread, read_on_in_a_thread])
@pytest.mark.parametrize("batches", [0, 2])
def test_half_read(
    fresh_sp: smallpond.Session, drop: Callable[[pa.RecordBatchReader], None], batches: int
) -> None:
    """Its memory comes back, and the session goes on."""
    frame = fresh_sp.sql(SORTED)
    before = memory_in_use(fresh_sp)
    for _ in range(5):
        reader = pa.RecordBatchReader.from_stream(frame)
        kept = [reader.read_next_batch() for _ in range(batches)]
        assert memory_in_use(fresh_sp) > before + 1_000_000, "the sort holds its rows"
        drop(reader)
        del reader
        assert memory_in_use(fresh_sp) < before + 1_000_000
        assert all(len(batch) > 0 for batch in kept), "what was read stays"
    assert frame.count() == MANY // 2


def test_half_read_after_the_session(fresh_sp: smallpond.Session) -> None:
    reader = pa.RecordBatchReader.from_stream(fresh_sp.sql(SORTED))
    reader.read_next_batch()
    fresh_sp.shutdown()
    reader.close()


def test_many_half_read_at_a_time(fresh_sp: smallpond.Session) -> None:
    frame = fresh_sp.sql(SOURCES["large"])
    readers = [pa.RecordBatchReader.from_stream(frame) for _ in range(20)]
    first = [reader.read_next_batch() for reader in readers]
    assert all(batch.equals(first[0]) for batch in first)
    for reader in readers[::2]:
        reader.close()
    assert fresh_sp.sql("SELECT 1 AS x").take_all() == [{"x": 1}]
    assert all(reader.read_all().num_rows + len(first[0]) == MANY for reader in readers[1::2])


@pytest.mark.parametrize(
    "end",
    [
        "",
        "del sp",
        "reader.close()",
        "sp.shutdown()",
        "import sys; sys.exit(3)",
        "raise ValueError",
    ],
)
def test_end_of_the_interpreter(end: str) -> None:
    """With a stream half-read, in a global variable and in a thread of its own."""
    program = f"""
import threading
import pyarrow as pa
import smallpond
sp = smallpond.init(threads=2, duckdb_memory="500MB")
frame = sp.sql({SORTED!r})
reader = pa.RecordBatchReader.from_stream(frame)
reader.read_next_batch()
other = pa.RecordBatchReader.from_stream(frame)
threading.Thread(target=other.read_next_batch).start()
print("read", flush=True)
{end}
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.stdout == "read\n"
    expected = 3 if "exit" in end else 1 if "raise" in end else 0
    assert done.returncode == expected, done.stderr

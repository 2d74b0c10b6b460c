"""What is no regular file is read once and can be used as often as a file."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import smallpond
from roads import STAGE_ROADS, StageRoad

CSV = "a,b\n" + "".join(f"{i},x{i}\n" for i in range(1000))
TOTAL = [{"n": 1000, "s": 499_500}]
SUM = "SELECT count(*) AS n, sum(a)::BIGINT AS s FROM {0}"


def feed(path: Path, text: str) -> threading.Thread:
    """Writes text into a FIFO when somebody reads it."""
    thread = threading.Thread(target=lambda: path.write_text(text), daemon=True)
    thread.start()
    return thread


@pytest.fixture
def fifo(tmp_path: Path) -> Path:
    path = tmp_path / "rows"
    os.mkfifo(path)
    return path


def test_fifo(fresh_sp: smallpond.Session, fifo: Path) -> None:
    feeder = feed(fifo, CSV)
    frame = fresh_sp.read_csv(fifo)
    assert frame.schema == {"a": "BIGINT", "b": "VARCHAR"}
    for _ in range(2):
        assert frame.count() == 1000
        assert fresh_sp.sql(SUM, frame).take_all() == TOTAL
    assert len(frame.to_arrow()) == 1000
    feeder.join()


def test_fifo_in_sql_text(fresh_sp: smallpond.Session, fifo: Path) -> None:
    feeder = feed(fifo, CSV)
    frame = fresh_sp.sql(f"FROM read_csv('{fifo}') l JOIN read_csv('{fifo}') r USING (a)")
    assert frame.count() == 1000 and frame.columns == ["a", "b", "b"]
    feeder.join()


def test_fifo_of_parquet(fresh_sp: smallpond.Session, fifo: Path, data: Path) -> None:
    content = (data / "events.parquet").read_bytes()
    thread = threading.Thread(target=lambda: fifo.write_bytes(content), daemon=True)
    thread.start()
    assert fresh_sp.read_parquet(fifo).count() == 400
    thread.join()


@pytest.mark.parametrize("road", STAGE_ROADS, ids=lambda road: road.name)
def test_fifo_in_stages(
    stage_session: Callable[[StageRoad], smallpond.Session], road: StageRoad, fifo: Path
) -> None:
    sp = stage_session(road)
    feeder = feed(fifo, CSV)
    assert sp.sql(SUM, sp.read_csv(fifo)).take_all() == TOTAL
    feeder.join()


@pytest.mark.parametrize("road", STAGE_ROADS, ids=lambda road: road.name)
def test_text_of_a_fifo_in_stages(
    stage_session: Callable[[StageRoad], smallpond.Session], road: StageRoad, fifo: Path
) -> None:
    feeder = feed(fifo, CSV)
    sql = f"SELECT content FROM read_text('{fifo}')"
    assert stage_session(road).sql(sql).take_all() == [{"content": CSV}]
    feeder.join()


def test_several_pipes(fresh_sp: smallpond.Session) -> None:
    ends = [os.pipe() for _ in range(2)]
    for number, (_, write_end) in enumerate(ends):
        os.write(write_end, f"a\n{number}\n".encode())
        os.close(write_end)
    paths = [f"/dev/fd/{read_end}" for read_end, _ in ends]
    frame = fresh_sp.read_csv(paths)
    assert sorted(row["a"] for row in frame.take_all()) == [0, 1]
    for read_end, _ in ends:
        os.close(read_end)
    assert frame.count() == 2


def test_copies_are_private_and_go(tmp_path: Path, fifo: Path) -> None:
    temp = tmp_path / "temp"
    with smallpond.init(temp_dir=temp, threads=1, duckdb_memory="500MB") as sp:
        feeder = feed(fifo, CSV)
        frame = sp.read_csv(fifo)
        feeder.join()
        copies = [path for path in temp.rglob("*") if path.is_file()]
        assert [path.stat().st_mode & 0o777 for path in copies] == [0o600]
        assert copies[0].parent.stat().st_mode & 0o777 == 0o700
    assert frame.count() == 1000, "a frame outlives its session"
    del frame, sp
    assert list(temp.iterdir()) == []


def test_no_pipe_is_left_out(sp: smallpond.Session) -> None:
    assert sp.sql("SELECT content != '' AS x FROM read_text('/proc/self/status')").take_all() == [
        {"x": True}
    ]
    with pytest.raises(smallpond.InvalidInputError, match=r"0 bytes|columns"):
        sp.read_json("/dev/null")


def test_what_cant_be_opened_is_named(sp: smallpond.Session, tmp_path: Path) -> None:
    import socket

    path = tmp_path / "socket"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        with pytest.raises(smallpond.IoError, match=r"socket"):
            sp.read_csv(path)
    assert sp.sql("SELECT 1 AS x").count() == 1


SCRIPT = """
import sys, smallpond
sp = smallpond.init(duckdb_memory="500MB", threads=1, **{options})
print("ready", flush=True)
{statement}
"""


def run(statement: str, stdin: object, options: str = "{}") -> subprocess.Popen[str]:
    code = SCRIPT.format(statement=statement, options=options)
    return subprocess.Popen(
        [sys.executable, "-c", code],
        stdin=stdin,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


STDIN = [
    "print(sp.sql('SELECT count(*) AS n FROM {0}', sp.read_csv('/dev/stdin')).take_all())",
    """print(sp.sql("SELECT count(*) AS n FROM read_csv('/dev/stdin')").take_all())""",
]


@pytest.mark.parametrize("statement", STDIN)
def test_standard_input(statement: str) -> None:
    with run(statement, subprocess.PIPE) as process:
        out, err = process.communicate(CSV, timeout=60)
    assert (out, process.returncode) == ("ready\n[{'n': 1000}]\n", 0), err


def test_standard_input_that_is_a_file_is_read_by_workers(tmp_path: Path) -> None:
    """Theirs is another one."""
    (tmp_path / "rows.csv").write_text(CSV)
    options = "dict(executor='processes', num_executors=1)"
    with (tmp_path / "rows.csv").open() as rows, run(STDIN[0], rows, options) as process:
        out, err = process.communicate(timeout=60)
    assert (out, process.returncode) == ("ready\n[{'n': 1000}]\n", 0), err


def test_command_line(tmp_path: Path) -> None:
    (tmp_path / "rows.txt").write_text(CSV)
    query = "SELECT count(*) AS n, sum(a) AS s FROM read_csv('$1')"
    function = f'total() {{ {sys.executable} -m smallpond sql -f csv "{query}"; }}'
    for call in ["cat rows.txt | total /dev/stdin", "total <(cat rows.txt)"]:
        result = subprocess.run(
            ["bash", "-c", f"{function}; {call}"],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert (result.stdout, result.returncode) == ("n,s\n1000,499500\n", 0), result.stderr


ENDLESS = {
    "nobody writes": "sp.read_csv('/dev/stdin')",
    "JSON": "sp.read_json('/dev/stdin')",
    "Parquet": "sp.read_parquet('/dev/stdin')",
    "in SQL": """sp.sql("FROM read_csv('/dev/stdin')")""",
}


@pytest.mark.parametrize("statement", ENDLESS.values(), ids=ENDLESS)
def test_interrupt_ends_the_wait_for_a_pipe(statement: str) -> None:
    with run(statement, subprocess.PIPE) as process:
        assert process.stdout and process.stdout.readline() == "ready\n"
        deadline = time.monotonic() + 60
        while not is_reading(process.pid, "/dev/stdin") and time.monotonic() < deadline:
            assert process.poll() is None
            threading.Event().wait(0.02)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
    assert "KeyboardInterrupt" in err and process.returncode != 0


def test_half_a_copy_goes_at_once(tmp_path: Path) -> None:
    """Not with the session, which may read the next pipe for days."""
    code = f"""
import os, signal, threading, time
import smallpond
sp = smallpond.init(duckdb_memory="500MB", threads=2, temp_dir={str(tmp_path)!r})
os.mkfifo({str(tmp_path / "pipe.csv")!r})

def copies():
    found = [name for _, _, files in os.walk({str(tmp_path)!r}) for name in files]
    return [name for name in found if name[0].isdigit()]

def write():
    with open({str(tmp_path / "pipe.csv")!r}, "w", buffering=1) as pipe:
        pipe.write("a\\n1\\n")
        while not copies():
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGINT)
        ended.wait()

ended = threading.Event()
threading.Thread(target=write).start()
try:
    sp.read_csv({str(tmp_path / "pipe.csv")!r})
except KeyboardInterrupt:
    print(copies())
ended.set()
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert (done.stdout, done.returncode) == ("[]\n", 0), done.stderr


def is_reading(pid: int, name: str) -> bool:
    """Whether a process has opened its standard input a second time."""
    folder = Path(f"/proc/{pid}/fd")
    links = [os.readlink(entry) for entry in folder.iterdir() if entry.is_symlink()]
    return links.count(os.readlink(folder / "0")) > 1


# --- open files ---


@pytest.mark.parametrize("make", [io.StringIO, lambda text: io.BytesIO(text.encode())])
def test_open_files(fresh_sp: smallpond.Session, make: Callable[[str], io.IOBase]) -> None:
    frame = fresh_sp.read_csv(make(CSV))
    assert fresh_sp.sql(SUM, frame).take_all() == TOTAL and frame.count() == 1000
    assert fresh_sp.read_json(make('{"a": 1}\n{"a": 2}\n')).take_all() == [{"a": 1}, {"a": 2}]
    assert fresh_sp.read_csv([make("a\n1\n"), make("a\n2\n")]).count() == 2


def test_open_file_is_read_from_where_it_is(fresh_sp: smallpond.Session, tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("a comment\na\n1\nü\n")
    with (tmp_path / "x.csv").open() as file:
        file.readline()
        assert [row["a"] for row in fresh_sp.read_csv(file).take_all()] == ["1", "ü"]


def test_open_file_that_fails(fresh_sp: smallpond.Session) -> None:
    class Broken(io.RawIOBase):
        def read(self, size: int = -1) -> bytes:
            raise OSError("the tape is torn")

    with pytest.raises(OSError, match="the tape is torn"):
        fresh_sp.read_csv(Broken(), {"a": "INTEGER"})
    with pytest.raises(smallpond.InvalidInputError, match="no_such_option"):
        fresh_sp.read_csv(io.StringIO(CSV * 100), no_such_option=1)


@pytest.mark.parametrize("reader", ["read_parquet", "read_csv", "read_json"])
def test_what_is_no_path(sp: smallpond.Session, reader: str) -> None:
    for wrong in [None, 5, {"a": 1}, sp.sql("SELECT 1 AS x")]:
        with pytest.raises(smallpond.InvalidInputError, match=rf"{reader}: .*") as caught:
            getattr(sp, reader)(wrong)
        assert isinstance(caught.value, TypeError) and type(wrong).__name__ in str(caught.value)
    with pytest.raises(TypeError, match=rf"{reader}: a path must be text.*int 5"):
        getattr(sp, reader)([5])

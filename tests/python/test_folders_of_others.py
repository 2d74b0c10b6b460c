"""A folder above ours may be another account's, who can rename ours away and put his own in its
place: what we write and read stays in ours."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import smallpond

OTHER = 12345
# Whose folder it is that is put in the place: another account's where that can be tried.
ATTACKER = OTHER if os.geteuid() == 0 else os.geteuid()

# Puts another folder in the place of each of ours, as the owner of the folder above can: once, or
# as soon as they are there until nobody listens any more.
SWAP = """
import os, select, sys
account, above, begin, once = sys.argv[1:]
if os.geteuid() == 0:
    os.setgid(int(account))
    os.setuid(int(account))
os.umask(0)
swapped = set()
print("ready", flush=True)
while not (swapped if once else select.select([sys.stdin], [], [], 0.0002)[0]):
    for name in os.listdir(above):
        if not name.startswith(begin) or name.endswith("-taken") or name in swapped:
            continue
        path = os.path.join(above, name)
        try:
            os.rename(path, path + "-taken")
        except FileNotFoundError:
            continue
        os.mkdir(path, 0o777)
        swapped.add(name)
        for below in ["fragments", *(f"stage-{i}" for i in range(6))]:
            os.mkdir(os.path.join(path, below), 0o777)
"""


@contextmanager
def swapping(above: Path, begin: str, once: str = "") -> Iterator[None]:
    process = subprocess.Popen(
        [sys.executable, "-S", "-c", SWAP, str(ATTACKER), str(above), begin, once],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout and process.stdout.readline() == "ready\n"
    try:
        yield
    finally:
        process.communicate("" if once else "end\n", timeout=60)
    assert process.returncode == 0


def swap(path: Path) -> None:
    with swapping(path.parent, path.name, "once"):
        pass


def files_below(folder: Path) -> list[str]:
    return [os.path.join(path, name) for path, _, names in os.walk(folder) for name in names]


@pytest.fixture
def theirs() -> Iterator[Path]:
    """A folder of the other account, which everybody may enter and write to, in none of pytest's,
    which only this account may enter."""
    above = Path(tempfile.mkdtemp())
    above.chmod(0o755)
    folder = above / "theirs"
    folder.mkdir()
    folder.chmod(0o777)
    os.chown(folder, ATTACKER, -1)
    yield folder
    shutil.rmtree(above)


def sorted_rows(sp: smallpond.Session) -> int:
    """Runs a query that spills, and returns a number that tells whether it is right."""
    frame = sp.sql(
        "SELECT sum(h::HUGEINT * (n % 7)) AS s FROM (SELECT h, row_number() OVER (ORDER BY h) AS n "
        "FROM (SELECT hash(i) AS h FROM range(4_000_000) t(i)))"
    )
    return int(frame.take_all()[0]["s"])


def test_what_is_spilled_stays_in_our_folder(theirs: Path) -> None:
    with smallpond.init(threads=2) as sp:
        expected = sorted_rows(sp)
    with smallpond.init(temp_dir=theirs, duckdb_memory="100MB", threads=2) as sp:
        (ours,) = theirs.iterdir()
        assert f"temp_dir={ours}" in str(sp)
        swap(ours)
        seen: list[str] = []
        done = threading.Event()

        def look() -> None:
            while not done.wait(0.001):
                seen.extend(files_below(theirs))

        thread = threading.Thread(target=look)
        thread.start()
        try:
            assert sorted_rows(sp) == expected
        finally:
            done.set()
            thread.join()
        taken = Path(f"{ours}-taken")
        assert seen, "it spills"
        assert all(name.startswith(str(taken)) for name in seen)
    assert ours.is_dir(), "theirs is not ours to remove"
    assert files_below(theirs) == []


def test_what_is_spilled_goes_to_an_error_where_our_folder_is_gone(tmp_path: Path) -> None:
    with smallpond.init(temp_dir=tmp_path, duckdb_memory="100MB", threads=2) as sp:
        (ours,) = tmp_path.iterdir()
        ours.rmdir()
        with pytest.raises(smallpond.IoError, match=str(ours)):
            sorted_rows(sp)
        assert sp.sql("SELECT 1 AS one").take_all() == [{"one": 1}]


def test_pipes_are_copied_to_our_folder(theirs: Path, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe.csv"
    os.mkfifo(pipe)
    with smallpond.init(temp_dir=theirs, duckdb_memory="100MB", threads=1) as sp:
        (ours,) = theirs.iterdir()
        swap(ours)
        writer = threading.Thread(target=lambda: pipe.write_text("a\n1\n"))
        writer.start()
        with pytest.raises(smallpond.Error):
            # The copy is called by the name that others have by now.
            sp.read_csv(pipe, header=True).take_all()
        writer.join()
        assert files_below(ours) == []


@pytest.mark.parametrize("executor", ["threads", "processes"])
def test_rows_of_a_job_stay_in_its_folder(executor: str, theirs: Path, data: Path) -> None:
    jobs = theirs / "jobs"
    jobs.mkdir(mode=0o777)
    os.chown(jobs, ATTACKER, -1)
    more = {"num_executors": 1} if executor == "processes" else {}
    with smallpond.init(
        executor=executor, data_root=theirs, whole_size=0, partitions=3, threads=2, **more
    ) as sp:
        frame = sp.read_parquet(data / "events.parquet")
        ask = "SELECT part, sum(event_id) AS s FROM {0} GROUP BY part ORDER BY part"
        expected = sp.sql(ask, frame).take_all()
        with swapping(jobs, "job-"):
            for _ in range(5):
                try:
                    assert sp.sql(ask, frame).take_all() == expected
                except smallpond.IoError as error:
                    # Somebody looked for the folder while or after it was replaced.
                    assert str(jobs) in str(error)
                    if "No such file" not in str(error):
                        assert "is not the one that was made" in str(error), error
                    if "is not the one" in str(error) and os.geteuid() != ATTACKER:
                        assert f"belongs to account {OTHER}" in str(error)
    swapped = [path for path in jobs.iterdir() if not path.name.endswith("-taken")]
    assert swapped, "theirs is not ours to remove"
    for path in swapped:
        assert files_below(path) == []

"""Where a session spills and keeps the files of jobs: folders of one account with names that nobody
guesses, and what becomes of those that a killed program left."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest
import smallpond

AT_MOST_SECONDS = 60

# Says what is open to others while a query has spilled, and waits to be killed.
SCRIPT = """
import os, stat, sys
import pyarrow, smallpond

os.umask(0)
executor, files, root = sys.argv[1:]
smallpond_options = {"temp_dir": root} if executor == "direct" else {"data_root": root}
sp = smallpond.init(executor=executor, threads=2, duckdb_memory="100MB", partitions=3,
                    num_executors=1 if executor == "processes" else None, **smallpond_options)
if executor == "direct":
    rows = sp.sql("SELECT hash(i) AS h, i FROM range(3_000_000) t(i) ORDER BY h")
    reader = pyarrow.RecordBatchReader.from_stream(rows)
    reader.read_next_batch()
    assert any(files for _, _, files in os.walk(root)), "the sort spills"
else:
    # A result that is looked at in part keeps its job's files.
    rows = sp.sql("SELECT part, event_id, count(*) FROM {0} GROUP BY ALL", sp.read_parquet(files))
    reader = pyarrow.RecordBatchReader.from_stream(rows)
    assert any(name.startswith("job-") for name in os.listdir(root + "/jobs"))
for folder, folders, _ in os.walk(root):
    for name in [folder] + [os.path.join(folder, name) for name in folders]:
        if name != root:
            assert stat.S_IMODE(os.lstat(name).st_mode) == 0o700, name
print("ready", flush=True)
sys.stdin.read()
"""


def killed(executor: str, files: Path, root: Path) -> None:
    """Leaves what a program leaves that is killed in the middle of its work."""
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(SCRIPT), executor, str(files), str(root)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert process.stdout is not None
    try:
        assert process.stdout.readline() == b"ready\n"
    finally:
        process.kill()
        process.communicate(timeout=AT_MOST_SECONDS)


@pytest.mark.parametrize("executor", ["direct", "threads", "processes"])
def test_spill_of_the_killed_goes_at_once_and_their_job_is_kept(
    executor: str, data: Path, tmp_path: Path
) -> None:
    root = tmp_path / "root"
    root.mkdir()
    killed(executor, data / "events.parquet", root)
    spill = root if executor == "direct" else root / "temp"
    left = {path for path in spill.iterdir() if path.name.startswith("smallpond-")}
    assert left
    option = {"temp_dir": root} if executor == "direct" else {"data_root": root}
    with smallpond.init(duckdb_memory="100MB", threads=1, **option):
        (mine,) = spill.iterdir()
        assert mine not in left
    if executor == "direct":
        assert list(root.iterdir()) == []
        return
    assert len(list((root / "jobs").iterdir())) == 1, "somebody may go on with it"
    more = {
        "max_exchange_bytes": 1,
        "whole_size": 0,
        "executor": "threads",
        "duckdb_memory": "100MB",
        "threads": 1,
    }
    with smallpond.init(data_root=root, **more) as sp:
        frame = sp.read_parquet(data / "events.parquet")
        assert sp.sql("SELECT part, count(*) FROM {0} GROUP BY part", frame).count() > 0
    assert list((root / "jobs").iterdir()) == []


def test_the_home_folder_s_jobs_are_private(data: Path, tmp_path: Path) -> None:
    code = f"""
import os, smallpond
os.umask(0)
with smallpond.init(executor="threads", whole_size=0, duckdb_memory="100MB", threads=1) as sp:
    events = sp.read_parquet("{data}/events.parquet")
    assert sp.sql("SELECT part, count(*) FROM {{0}} GROUP BY part", events).count() > 0
"""
    environment = {**os.environ, "HOME": str(tmp_path)}
    environment.pop("SP_DATA_ROOT", None)
    subprocess.run([sys.executable, "-c", code], check=True, env=environment, timeout=60)
    for name in [".smallpond", ".smallpond/data", ".smallpond/data/jobs"]:
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o700, name


def test_nowhere_to_spill(data: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A container may have no folder to write to: what needs none works."""
    monkeypatch.setenv("TMPDIR", str(data / "events.parquet"))
    monkeypatch.chdir(tmp_path)
    with smallpond.init(duckdb_memory="60MB", threads=1) as sp:
        assert sp.read_parquet(data / "events.parquet").count() == 400
        big = sp.sql("SELECT hash(i) AS h, i FROM range(9_000_000) t(i) ORDER BY h")
        with pytest.raises(smallpond.OutOfMemoryError, match=r"no folder to spill to.*temp_dir"):
            big.to_arrow()
    assert list(tmp_path.iterdir()) == []


def test_names_that_others_can_guess_are_not_used(tmp_path: Path) -> None:
    """Another account may put links where a session's files would go."""
    (tmp_path / "theirs").mkdir()
    temp = tmp_path / "temp"
    temp.mkdir()
    for number in range(20):
        (temp / f"smallpond-{os.getpid()}-{number}").symlink_to(tmp_path / "theirs")
    with smallpond.init(temp_dir=temp, duckdb_memory="100MB", threads=1) as sp:
        (setting,) = sp.sql("SELECT current_setting('temp_directory') AS t").take_all()
        folder = Path(setting["t"]).resolve()
        assert folder.parent == temp and not folder.is_symlink()
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert not folder.exists()
    assert list((tmp_path / "theirs").iterdir()) == []


def test_two_programs_with_one_number(tmp_path: Path) -> None:
    """As two containers with a shared folder have."""
    code = f"""
import os, smallpond
with smallpond.init(temp_dir="{tmp_path}", duckdb_memory="60MB", threads=1) as sp:
    [row] = sp.sql("SELECT current_setting('temp_directory') AS t").take_all()
    print(os.path.realpath(row["t"]), flush=True)
    input()
"""
    alone = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc"]
    if subprocess.run([*alone, "true"], capture_output=True, check=False).returncode != 0:
        alone = []  # Not allowed here: two numbers will do.
    programs = [
        subprocess.Popen(
            [*alone, sys.executable, "-c", code],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    folders = []
    for program in programs:
        assert program.stdout is not None
        folders.append(Path(program.stdout.readline().strip()))
    assert len(set(folders)) == 2 and all(folder.is_dir() for folder in folders)
    for program in programs:
        program.communicate("\n", timeout=AT_MOST_SECONDS)
        assert program.returncode == 0
    assert list(tmp_path.iterdir()) == []


def test_an_output_is_private_until_it_is_there(tmp_path: Path) -> None:
    """The folder in which a write collects its files; SIGTERM leaves nothing of it."""
    code = f"""
import os, smallpond
os.umask(0)
sp = smallpond.init(duckdb_memory="200MB", threads=1)
sp.sql("FROM range(9_999_999_999) t(i)").write_csv("{tmp_path}/out")
"""
    process = subprocess.Popen([sys.executable, "-c", code])
    try:
        staging: list[Path] = []
        deadline = time.monotonic() + AT_MOST_SECONDS
        while not staging:
            assert process.poll() is None and time.monotonic() < deadline
            staging = list(tmp_path.rglob("*attempt-*"))
        assert stat.S_IMODE(staging[0].lstat().st_mode) == 0o700
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=AT_MOST_SECONDS) == 143
    finally:
        process.kill()
        process.wait()
    assert list(tmp_path.iterdir()) == []

"""No memory, no disk, no permission: a typed error that says what to do, and nothing half-written.

Full file systems are in test_full_disk.py, files that change in test_changing_input.py.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest
import smallpond
from folder_content import everything_below

BIG_SQL = "SELECT i, hash(i) AS h, repeat('x', 100) || i AS s FROM range(3_000_000) t(i)"
MEMORY = "200MB"


# --- no memory ---


@pytest.fixture
def small_sp(tmp_path: Path) -> Iterator[smallpond.Session]:
    """A session of little memory that can't spill."""
    with smallpond.init(duckdb_memory=MEMORY, threads=2, temp_dir=tmp_path / "spill") as sp:
        sp.execute("SET max_temp_directory_size = '0KB'")
        yield sp


HUNGRY = {
    "sort": lambda sp: sp.sql(f"{BIG_SQL} ORDER BY h"),
    "group": lambda sp: sp.sql(f"SELECT s, count(*) AS n FROM ({BIG_SQL}) GROUP BY s"),
    "auto": lambda sp: sp.partial_sql("SELECT s, max(h) FROM {0} GROUP BY s", big(sp)),
    "concat": lambda sp: sp.partial_sql("SELECT count(*) FROM {0}", big(sp), merge="concat"),
    "partial_sort": lambda sp: big(sp).partial_sort("h"),
    "shuffle": lambda sp: big(sp).random_shuffle(),
}


def big(sp: smallpond.Session) -> smallpond.DataFrame:
    return sp.sql(BIG_SQL).repartition(3, hash_by="i")


@pytest.mark.parametrize("query", HUNGRY)
@pytest.mark.parametrize("action", ["to_arrow", "write_parquet"])
def test_no_memory(small_sp: smallpond.Session, tmp_path: Path, query: str, action: str) -> None:
    out = tmp_path / "out"
    small_sp.sql("SELECT 'before' AS x").write_parquet(out)
    before = everything_below(out)
    frame = HUNGRY[query](small_sp)
    with pytest.raises(smallpond.OutOfMemoryError) as caught:
        frame.to_arrow() if action == "to_arrow" else frame.write_parquet(out)
    text = str(caught.value)
    assert "The memory limit is 200 MB" in text and str(tmp_path / "spill") in text
    assert "init(duckdb_memory=" in text and "temp_dir" in text
    assert "FROM range(3_000_00" in text, "names the query"
    assert isinstance(caught.value, MemoryError)
    assert everything_below(out) == before
    assert small_sp.sql("SELECT sum(i) AS s FROM range(1000) t(i)").take_all() == [{"s": 499500}]
    small_sp.sql("SELECT 'after' AS x").write_parquet(out)


def test_no_room_to_spill(tmp_path: Path) -> None:
    with smallpond.init(duckdb_memory=MEMORY, threads=2, temp_dir=tmp_path / "spill") as sp:
        sp.execute("SET max_temp_directory_size = '1MB'")
        with pytest.raises(smallpond.OutOfMemoryError, match="temp_dir with more free space"):
            sp.sql(f"{BIG_SQL} ORDER BY h").write_parquet(tmp_path / "out")
        assert not (tmp_path / "out").exists()
        assert sp.sql("SELECT 1 AS x").take_all() == [{"x": 1}]


def test_room_to_spill(tmp_path: Path) -> None:
    """The same query works where it may spill: the message's advice is right."""
    with smallpond.init(duckdb_memory=MEMORY, threads=2, temp_dir=tmp_path / "spill") as sp:
        sp.sql(f"{BIG_SQL} ORDER BY h").write_parquet(tmp_path / "out")
        assert sp.read_parquet(tmp_path / "out").count() == 3_000_000
    assert list((tmp_path / "spill").iterdir()) == []


# --- another process, with less than this one ---

PREAMBLE = """
    import json, os, resource, signal, sys, pyarrow.compute, smallpond
    import smallpond.errors
    folder, out = sys.argv[1:]
    def tell(call):
        try:
            said.append(["ok", str(call())])
        except BaseException as error:
            said.append([type(error).__name__, str(error)])
    said = []
    sp = smallpond.init(duckdb_memory="200MB", threads=1)
"""


def run(script: str, folder: Path, out: Path) -> list[list[str]]:
    """What the calls of `script`, each given to tell(), raised or returned."""
    text = textwrap.dedent(PREAMBLE) + textwrap.dedent(script) + "\nprint(json.dumps(said))"
    command = [sys.executable, "-c", text, str(folder), str(out)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


LIMITED = """
    many = "SELECT hash(i)::VARCHAR AS x FROM range(300_000) t(i)"
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
    for write in ["write_parquet", "write_csv", "write_json"]:
        for mode in ["overwrite", "append"] if write == "write_parquet" else ["overwrite"]:
            for n in [1, 3]:
                tell(lambda: getattr(sp.sql(many).repartition(n), write)(out, mode))
                tell(lambda: sp.read_parquet(out).take_all())
    tell(lambda: sp.sql("SELECT 'after' AS x").write_parquet(out, "append"))
"""


def test_files_that_may_not_grow(sp: smallpond.Session, tmp_path: Path) -> None:
    """A limit of the process or of a quota, where a disk is not full."""
    out = tmp_path / "out"
    sp.sql("SELECT 'before' AS x").write_parquet(out)
    before = everything_below(out)
    *said, last = run(LIMITED, tmp_path, out)
    assert len(said) == 16
    for (kind, text), read in zip(said[::2], said[1::2], strict=True):
        assert kind == "IoError", text
        assert "File too large" in text and "FROM range(300_000)" in text
        assert read == ["ok", "[{'x': 'before'}]"]
    assert last[0] != "ok" or everything_below(out) != before
    assert {p: b for p, b in everything_below(out).items() if p in before} == before


# --- no permission ---


@pytest.fixture
def closed() -> Iterator[Path]:
    """A folder that everyone can enter, with files and folders that only root can."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    yield folder
    for path in [folder / "locked", *folder.rglob("*")]:
        path.chmod(0o700)
    shutil.rmtree(folder)


NOBODY = """
    if os.geteuid() == 0:
        os.setgroups([])
        os.setresgid(65534, 65534, 65534)
        os.setresuid(65534, 65534, 65534)
    os.environ["HOME"] = folder
"""
FORBIDDEN: dict[str, tuple[str, list[str]]] = {
    "file": ("sp.read_{kind}(folder + '/x.{kind}')", ["x.{kind}"]),
    "glob": ("sp.read_{kind}(folder + '/x.*')", ["/x."]),
    "in_sql": ("sp.sql(f\"SELECT a FROM '{{folder}}/x.{kind}'\")", ["x.{kind}", "SELECT a FROM"]),
    "locked_folder": ("sp.read_{kind}(folder + '/locked')", ["locked"]),
    "in_locked_folder": ("sp.read_{kind}(folder + '/locked/x.{kind}')", ["locked"]),
    "new_folder": ("f.write_{kind}(folder + '/new/deep')", ["/new"]),
    "overwrite": ("f.write_{kind}(out)", ["/out"]),
    "append": ("f.repartition(3).write_{kind}(out, 'append')", ["/out"]),
    "spill": ("smallpond.init(temp_dir=folder + '/spill')", ["/spill", "temp_dir"]),
}


@pytest.mark.parametrize("place", FORBIDDEN)
@pytest.mark.parametrize("kind", ["parquet", "csv", "json"])
def test_no_permission(sp: smallpond.Session, closed: Path, place: str, kind: str) -> None:
    out = closed / "out"
    getattr(sp.sql("SELECT 'before' AS x"), f"write_{kind}")(out)
    (closed / "locked").mkdir()
    for target in [closed, closed / "locked"]:
        for ending in ["parquet", "csv", "json"]:
            (target / f"x.{ending}").write_text("1")
            (target / f"x.{ending}").chmod(0o000)
    (closed / "locked").chmod(0o000)
    names = sorted(closed.rglob("*"))
    before = everything_below(out)
    call, words = FORBIDDEN[place]
    if os.geteuid() != 0:  # The owner may write: take that away as well.
        out.chmod(0o555)
        closed.chmod(0o555)
    script = (
        NOBODY
        + f"""
    f = sp.sql("SELECT 5 AS x")
    tell(lambda: {call.format(kind=kind)})
    tell(lambda: sp.sql("SELECT 42 AS x").take_all())
    tell(lambda: sp.read_{kind}(out).take_all())
    """
    )
    (raised, text), *after = run(script, closed, out)
    closed.chmod(0o755)
    assert raised == "IoError", text
    assert "Permission denied" in text
    assert all(word.format(kind=kind) in text for word in words), text
    assert after == [["ok", "[{'x': 42}]"], ["ok", "[{'x': 'before'}]"]]
    assert sorted(closed.rglob("*")) == names and everything_below(out) == before

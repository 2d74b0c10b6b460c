"""Folders that take no more: a typed error, the earlier version, and room to go on."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import smallpond

MANY_SQL = "SELECT i, hash(i) AS h, hash(i + 1) AS g FROM range(500_000) t(i)"
FEW_SQL = "SELECT i FROM range(1000) t(i)"


def names_below(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


@pytest.mark.parametrize(
    "options",
    [{}, {"partition_by": "p"}, {"file_size": "100KB"}, {"sort_by": "g"}],
    ids=lambda options: "".join(options) or "plain",
)
@pytest.mark.parametrize("write", ["write_parquet", "write_csv"])
def test_a_full_disk(sp: smallpond.Session, small_disk: Path, write: str, options: dict) -> None:
    many = sp.sql(f"SELECT *, i % 5 AS p FROM ({MANY_SQL})")
    read = getattr(sp, write.replace("write", "read"))
    with pytest.raises(smallpond.IoError, match=r"(?i)no space left|full"):
        getattr(many, write)(small_disk / "a" / "out", **options)
    assert names_below(small_disk) == [], "nothing is left, new folders neither"
    few = sp.sql(f"SELECT *, hash(i) AS h, hash(i) AS g, 7 AS p FROM ({FEW_SQL})")
    keys = {name: value for name, value in options.items() if name == "partition_by"}
    getattr(few, write)(small_disk / "a" / "out", **keys)
    before = names_below(small_disk)
    for mode in ["overwrite", "append"]:
        with pytest.raises(smallpond.IoError):
            getattr(many, write)(small_disk / "a" / "out", mode=mode, **options)
        assert names_below(small_disk) == before
        assert read(small_disk / "a" / "out").count() == 1000
    getattr(few, write)(small_disk / "a" / "out", mode="append", **keys)
    assert read(small_disk / "a" / "out").count() == 2000


def test_a_disk_that_is_full_before(sp: smallpond.Session, small_disk: Path) -> None:
    """Whatever can still be made there, each write is whole or leaves what was."""
    out = small_disk / "out"
    sp.sql(FEW_SQL).write_parquet(out)
    before = names_below(out)
    filler = small_disk / "filler"
    free = os.statvfs(small_disk)
    filler.write_bytes(bytes(free.f_bavail * free.f_frsize))
    for spare in range(0, 40_960, 4096):  # From nothing on, room for one page more each time.
        with open(filler, "r+b") as file:
            file.truncate(filler.stat().st_size - 4096 if spare else filler.stat().st_size)
        try:
            sp.sql(FEW_SQL.replace("i FROM", "i + 5 AS i FROM")).write_parquet(out)
        except smallpond.IoError:
            assert sp.sql("SELECT min(i) AS m FROM {0}", sp.read_parquet(out)).take(1) == [{"m": 0}]
            assert names_below(out) == before
        else:
            break
    assert sp.sql("SELECT min(i) AS m FROM {0}", sp.read_parquet(out)).take(1) == [{"m": 5}]


def test_one_file_on_a_full_disk(small_disk: Path) -> None:
    path = small_disk / "one.csv"

    def run(sql: str) -> subprocess.CompletedProcess:
        command = [sys.executable, "-m", "smallpond", "sql", sql, "-o", str(path)]
        return subprocess.run(command, capture_output=True, text=True)

    assert run(FEW_SQL).returncode == 0
    before = path.read_bytes()
    failed = run(MANY_SQL)
    assert failed.returncode != 0 and "No space left" in failed.stderr
    assert path.read_bytes() == before and names_below(small_disk) == ["one.csv"]


def test_a_read_only_disk(sp: smallpond.Session, small_disk: Path) -> None:
    out = small_disk / "out"
    sp.sql(FEW_SQL).write_parquet(out)
    before = names_below(small_disk)
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    for target in [out, small_disk / "new" / "out"]:
        with pytest.raises(smallpond.IoError, match=r"Read-only file system"):
            sp.sql(FEW_SQL).write_parquet(target)
    assert names_below(small_disk) == before
    assert sp.read_parquet(out).count() == 1000
    assert sp.read_parquet(f"{out}/*.parquet").count() == 1000

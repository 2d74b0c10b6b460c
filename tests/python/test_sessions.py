"""Several sessions, their ends, and the memory they share."""

from __future__ import annotations

import gc
import subprocess
import sys
import threading
from pathlib import Path

import pytest
import smallpond

SMALL = {"duckdb_memory": "500MB", "threads": 1}


def memory_limit_bytes(sp: smallpond.Session) -> float:
    [row] = sp.sql("SELECT current_setting('memory_limit') AS m").take_all()
    number, unit = row["m"].split()
    return float(number) * {"KiB": 2**10, "MiB": 2**20, "GiB": 2**30, "TiB": 2**40}[unit]


def test_parallel_for(data: Path) -> None:
    with smallpond.init(**SMALL) as first, smallpond.init(**SMALL) as second:
        frames = [sp.read_parquet(data / "events.parquet") for sp in (first, second)]
        counts = [
            sp.sql("FROM {0}", f).count() for sp, f in zip((first, second), frames, strict=True)
        ]
        assert counts == [400, 400]


def test_with_statement_closes() -> None:
    with smallpond.init(**SMALL) as sp:
        assert sp.sql("SELECT 1 AS x").count() == 1
    with pytest.raises(smallpond.InvalidInputError, match=r"session is closed.*init\(\)"):
        sp.sql("SELECT 1")


def test_with_statement_closes_after_an_error() -> None:
    with pytest.raises(ZeroDivisionError), smallpond.init(**SMALL) as sp:
        raise ZeroDivisionError
    with pytest.raises(smallpond.InvalidInputError, match="session is closed"):
        sp.sql("SELECT 1")


def test_closed_session_says_so(fresh_sp: smallpond.Session, data: Path) -> None:
    frame = fresh_sp.sql("SELECT 1 AS x")
    fresh_sp.shutdown()
    fresh_sp.shutdown()
    for call in [
        lambda: fresh_sp.sql("SELECT 1"),
        lambda: fresh_sp.partial_sql("SELECT 1"),
        lambda: fresh_sp.sql("FROM {0}", frame),
        lambda: fresh_sp.sql("FROM {0}", frame.to_arrow()),
        lambda: fresh_sp.read_parquet(data / "events.parquet"),
        lambda: fresh_sp.read_csv("x.csv"),
        lambda: fresh_sp.read_json("x.json"),
        lambda: fresh_sp.job_id,
    ]:
        with pytest.raises(smallpond.InvalidInputError, match="session is closed"):
            call()


def test_frames_are_usable_after_shutdown(
    fresh_sp: smallpond.Session, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    frame = fresh_sp.read_parquet(data / "events.parquet")
    query = fresh_sp.partial_sql("SELECT kind, count(*) AS n FROM {0} GROUP BY kind", frame)
    fresh_sp.shutdown()
    gc.collect()
    assert frame.count() == 400 and query.count() == 5
    assert query.to_pandas()["n"].sum() == 400 and query.to_arrow().num_rows == 5
    assert len(query.take(2)) == 2 and "HASH_GROUP_BY" in query.explain()
    query.show()
    assert "kind" in capsys.readouterr().out
    frame.repartition(3).write_parquet(tmp_path / "out")
    assert len(list((tmp_path / "out").glob("*.parquet"))) == 3


def test_frame_keeps_its_session_alive(data: Path) -> None:
    frame = smallpond.init(**SMALL).read_parquet(data / "events.parquet")
    gc.collect()
    assert frame.count() == 400


def test_default_memory_is_shared() -> None:
    """80% of what is there, in equal parts, back when a session ends."""
    code = """
import gc, smallpond
from tests_memory import memory_limit_bytes
first = smallpond.init()
alone = memory_limit_bytes(first)
second = smallpond.init()
own = smallpond.init(duckdb_memory="1GB")
shares = [memory_limit_bytes(first), memory_limit_bytes(second)]
assert all(abs(share / alone - 0.5) < 0.05 for share in shares), (alone, shares)
assert abs(memory_limit_bytes(own) / 1e9 - 1) < 0.05
second.shutdown()
gc.collect()
assert abs(memory_limit_bytes(first) / alone - 1) < 0.05
print(alone)
"""
    here = "from test_sessions import memory_limit_bytes"
    code = code.replace("from tests_memory import memory_limit_bytes", here)
    result = subprocess.run(
        [sys.executable, "-c", code],
        check=True,
        timeout=60,
        capture_output=True,
        text=True,
        cwd=Path(__file__).parent,
    )
    assert 0 < float(result.stdout) <= 0.81 * usable_memory_bytes()


def usable_memory_bytes() -> float:
    """What the machine has; a container may have less."""
    import psutil

    return psutil.virtual_memory().total


def test_threads_open_and_close_sessions() -> None:
    counts: list[int] = []

    def work() -> None:
        for _ in range(3):
            with smallpond.init(threads=1) as sp:
                counts.append(sp.sql("FROM range(1000)").count())

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert counts == [1000] * 12


def test_beside_another_duckdb() -> None:
    """The duckdb package has symbols of the same names, in whatever order they are imported."""
    for first, second in [("duckdb", "smallpond"), ("smallpond", "duckdb")]:
        code = f"""
import {first}, {second}
sql = "SELECT count(*) AS n FROM range(1000)"
assert duckdb.sql(sql).fetchall() == [(1000,)]
sp = smallpond.init(duckdb_memory="500MB")
assert sp.sql(sql).take_all() == [{{"n": 1000}}]
try:
    sp.sql("SELECT nothing")
except smallpond.InvalidInputError:
    pass
try:
    duckdb.sql("SELECT nothing")
except duckdb.BinderException:
    pass
"""
        subprocess.run([sys.executable, "-c", code], check=True, timeout=60)

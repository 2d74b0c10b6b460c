"""Files that change under a query: a typed error, or the next version, and never a mixed answer."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import smallpond
import smallpond.frame
import smallpond.writing

# Takes long enough, about half a second, that the core reports progress while it runs.
SLOW_SQL = """
    SELECT count(*) AS n, sum(hash(i + x) % 7) AS s FROM {0}, range(100) r(i), range(80) q(j)
"""
CPU_SECONDS_TO_FIND_FILES = 0.1
During = Callable[[Callable[[], None]], list[int]]


def write_csv(path: Path, num_rows: int) -> None:
    path.write_text("x\n" + "".join(f"{i}\n" for i in range(num_rows)))


def touch_later(path: Path) -> None:
    status = path.stat()
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns + 1_000_000))


@pytest.fixture
def during(monkeypatch: pytest.MonkeyPatch) -> During:
    """Does something once while the next action runs. Its result tells how often it was done."""

    def plan(work: Callable[[], None]) -> list[int]:
        done: list[int] = []

        @contextmanager
        def progress(what: str) -> Iterator[Callable[[float, float], None]]:
            begin = time.process_time()

            # A query that has worked for a while has found its files, however busy the machine is.
            def on_progress(seconds: float, fraction: float) -> None:
                if not done and time.process_time() - begin >= CPU_SECONDS_TO_FIND_FILES:
                    done.append(1)
                    work()

            yield on_progress

        for module in [smallpond.frame, smallpond.writing]:
            monkeypatch.setattr(module, "progress", progress)
        return done

    return plan


ACTIONS = {
    "to_arrow": lambda frame, folder: frame.to_arrow(),
    "count": lambda frame, folder: frame.session.sql(
        "SELECT * FROM {0} WHERE s > 0", frame
    ).count(),
    "take": lambda frame, folder: frame.take(5),
    "show": lambda frame, folder: frame.show(),
    "write_parquet": lambda frame, folder: frame.write_parquet(folder / "out"),
    "write_csv": lambda frame, folder: frame.write_csv(folder / "out"),
    "partitions": lambda frame, folder: frame.repartition(3).write_parquet(folder / "out"),
}


@pytest.mark.parametrize("action", ACTIONS)
def test_a_file_that_grows(
    sp: smallpond.Session, tmp_path: Path, during: During, action: str
) -> None:
    path = tmp_path / "in.csv"
    write_csv(path, 5000)
    frame = sp.sql(SLOW_SQL, sp.read_csv(path))
    sp.sql("SELECT 1 AS old").write_parquet(tmp_path / "out")
    before = path.stat().st_size
    done = during(lambda: write_csv(path, 6000))
    with pytest.raises(smallpond.IoError, match="changed while it was read") as error:
        ACTIONS[action](frame, tmp_path)
    assert done, "the query was too short for the test"
    assert f"size {before} → {path.stat().st_size}" in str(error.value)
    assert "in.csv" in str(error.value)
    assert sp.read_parquet(tmp_path / "out").schema == {"old": "INTEGER"}, "nothing was committed"
    during(lambda: None)
    assert frame.to_arrow()["n"].to_pylist() == [6000 * 8_000], "the next action sees the new one"


@pytest.mark.parametrize("action", ["to_arrow", "write_parquet"])
def test_a_file_of_the_same_size(
    sp: smallpond.Session, tmp_path: Path, during: During, action: str
) -> None:
    path = tmp_path / "in.csv"
    write_csv(path, 5000)
    frame = sp.sql(SLOW_SQL, sp.read_csv(path))
    during(lambda: touch_later(path))
    with pytest.raises(smallpond.IoError, match=r"changed while it was read \(its time of change"):
        ACTIONS[action](frame, tmp_path)
    assert not (tmp_path / "out").exists()


def test_a_file_that_is_replaced_by_another(
    sp: smallpond.Session, tmp_path: Path, during: During
) -> None:
    path, other = tmp_path / "in.csv", tmp_path / "other"
    write_csv(path, 5000)
    write_csv(other, 4000)
    frame = sp.sql(SLOW_SQL, sp.read_csv(path))
    during(lambda: other.rename(path))
    with pytest.raises(smallpond.IoError, match="changed while it was read"):
        frame.to_arrow()


def test_one_of_many_files(sp: smallpond.Session, tmp_path: Path, during: During) -> None:
    for i in range(20):
        write_csv(tmp_path / f"in{i:02}.csv", 250)
    frame = sp.sql(SLOW_SQL, sp.read_csv(tmp_path))
    during(lambda: write_csv(tmp_path / "in13.csv", 10))
    with pytest.raises(smallpond.IoError, match=r"in13\.csv' changed while it was read"):
        frame.to_arrow()


def test_a_file_that_is_removed_was_read_whole(
    sp: smallpond.Session, tmp_path: Path, during: During
) -> None:
    write_csv(tmp_path / "in.csv", 5000)
    frame = sp.sql(SLOW_SQL, sp.read_csv(tmp_path / "in.csv"))
    during(lambda: (tmp_path / "in.csv").unlink())
    assert frame.to_arrow()["n"].to_pylist() == [5000 * 8_000]
    with pytest.raises(smallpond.IoError, match=r"in\.csv"):
        frame.to_arrow()


def test_an_output_that_is_replaced_was_read_whole(
    sp: smallpond.Session, tmp_path: Path, during: During
) -> None:
    out = tmp_path / "out"
    sp.sql("SELECT range AS x FROM range(5000)").write_parquet(out)
    frame = sp.sql(SLOW_SQL, sp.read_parquet(out))
    with smallpond.init(threads=1) as other:
        # The other session's own progress is this test's too, once.
        done = during(
            lambda: other.sql("SELECT range AS x FROM range(7)").repartition(3).write_parquet(out)
        )
        assert frame.to_arrow()["n"].to_pylist() == [5000 * 8_000] and done
    assert frame.to_arrow()["n"].to_pylist() == [7 * 8_000]


def test_a_stream_tells_at_its_end(sp: smallpond.Session, tmp_path: Path) -> None:
    path = tmp_path / "in.parquet"
    pq.write_table(pa.table({"x": range(1_000_000)}), path, row_group_size=50_000)
    reader = pa.RecordBatchReader.from_stream(sp.read_parquet(path))
    assert reader.read_next_batch().num_rows > 0
    touch_later(path)
    with pytest.raises(OSError, match="changed while it was read"):
        reader.read_all()


def test_a_stream_over_what_is_replaced_is_whole(sp: smallpond.Session, tmp_path: Path) -> None:
    out = tmp_path / "out"
    sp.sql("SELECT range AS x FROM range(1_000_000)").write_parquet(out)
    frame = sp.read_parquet(out)
    reader = pa.RecordBatchReader.from_stream(frame)
    first = reader.read_next_batch().num_rows
    sp.sql("SELECT range AS x FROM range(7)").write_parquet(out)
    assert first + reader.read_all().num_rows == 1_000_000
    assert frame.count() == 7


def test_streams_that_start_while_a_folder_is_replaced(
    sp: smallpond.Session, tmp_path: Path
) -> None:
    """Each begins with the version that is there then."""
    out, stop = tmp_path / "out", threading.Event()
    sp.sql("SELECT 0 AS version FROM range(10)").write_parquet(out)
    frame = sp.sql("SELECT version, count(*) AS n FROM {0} GROUP BY ALL", sp.read_parquet(out))

    def replace() -> None:
        with smallpond.init(threads=1, duckdb_memory="500MB") as other:
            version = 0
            while not stop.is_set():
                version += 1
                other.sql(f"SELECT {version} AS version FROM range(10)").write_parquet(out)

    writer = threading.Thread(target=replace)
    writer.start()
    try:
        seen = [pa.RecordBatchReader.from_stream(frame).read_all().to_pylist() for _ in range(150)]
    finally:
        stop.set()
        writer.join()
    assert all(len(rows) == 1 and rows[0]["n"] == 10 for rows in seen)
    versions = [rows[0]["version"] for rows in seen]
    assert versions == sorted(versions) and len(set(versions)) > 1


# --- after the commit ---


@pytest.mark.parametrize("over_itself", [False, True])
def test_a_committed_write_has_not_failed(
    sp: smallpond.Session, tmp_path: Path, during: During, over_itself: bool
) -> None:
    """Where its files can't get their names, and also where its input was replaced by it."""
    out, runs = tmp_path / "out", []
    sp.sql("SELECT range AS x, 1 AS k FROM range(5000)").write_parquet(out, partition_by="k")
    source = out if over_itself else tmp_path / "in"
    sp.read_parquet(out).write_parquet(tmp_path / "in")

    def obstruct() -> None:
        runs.append(1)
        (out / "k=2").write_text("in the way")

    during(obstruct)
    frame = sp.sql(f"SELECT n, s, 2 AS k FROM ({SLOW_SQL})", sp.read_parquet(source))
    with pytest.warns(smallpond.PublishWarning, match="committed.*k=2"):
        result = frame.write_parquet(out, partition_by="k")
    assert result.num_files == 1 and "k=2" in result.publish_error and runs == [1]
    assert [row["n"] for row in sp.read_parquet(out).take_all()] == [5000 * 8_000]
    versions = [path.name for path in (out / "_smallpond").glob("manifest-*")]
    assert len(versions) == 2, "it was written once"
    (out / "k=2").unlink()
    sp.sql("SELECT 1 AS n, 1 AS s, 2 AS k").write_parquet(out, partition_by="k")
    assert [path.name for path in out.iterdir() if path.name != "_smallpond"] == ["k=2"]


REFUSED = {"mode": {"mode": "error"}, "column": {"sort_by": "y"}, "codec": {"compression": "no"}}


@pytest.mark.parametrize("why", [*REFUSED, "others"])
def test_a_refused_folder_tells_about_the_folder_only(
    sp: smallpond.Session, tmp_path: Path, why: str
) -> None:
    frame = sp.sql("SELECT 1 AS x")
    frame.write_parquet(tmp_path / "out")
    if why == "others":
        (tmp_path / "out" / "mine").touch()
    with pytest.raises(smallpond.InvalidInputError) as error:
        frame.write_parquet(tmp_path / "out", **REFUSED.get(why, {}))
    assert "While computing" not in str(error.value)


# --- between two actions ---


@pytest.mark.parametrize("pattern", ["", "*.csv", "in?.csv"])
def test_files_that_come_and_go(sp: smallpond.Session, tmp_path: Path, pattern: str) -> None:
    write_csv(tmp_path / "in1.csv", 10)
    frame = sp.read_csv(tmp_path / pattern)
    later = sp.sql("SELECT x + 1 AS y FROM {0}", frame)
    assert (frame.count(), later.count()) == (10, 10)
    write_csv(tmp_path / "in2.csv", 5)
    assert (frame.count(), later.count()) == (15, 15)
    write_csv(tmp_path / "in1.csv", 1)
    assert (frame.count(), later.count()) == (6, 6)
    (tmp_path / "in1.csv").unlink()
    assert (frame.count(), later.count()) == (5, 5)
    (tmp_path / "in2.csv").unlink()
    with pytest.raises(smallpond.Error, match=r"No file matches|holds no file"):
        frame.count()


CHANGES = {
    "type": ("SELECT 'a' AS x, 1 AS y", r"column 1 was x INTEGER and is x VARCHAR"),
    "name": ("SELECT 1 AS z, 1 AS y", r"column 1 was x INTEGER and is z INTEGER"),
    "more": ("SELECT 1 AS x, 1 AS y, 2 AS z", r"column 3 was none and is z INTEGER"),
    "fewer": ("SELECT 1 AS x", r"column 2 was y INTEGER and is none"),
    "order": ("SELECT 1 AS y, 1 AS x", r"column 1 was x INTEGER and is y INTEGER"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_columns_that_changed(sp: smallpond.Session, tmp_path: Path, change: str) -> None:
    out = tmp_path / "out"
    sp.sql("SELECT 1 AS x, 1 AS y").write_parquet(out)
    frame = sp.read_parquet(out)
    later = sp.sql("SELECT x + 1 AS x FROM {0}", frame)
    sql, message = CHANGES[change]
    sp.sql(sql).write_parquet(out)
    for action in [
        frame.to_arrow,
        frame.count,
        later.to_arrow,
        lambda: later.write_parquet(tmp_path / "copy"),
        lambda: pa.RecordBatchReader.from_stream(later).read_all(),
    ]:
        with pytest.raises((smallpond.IoError, OSError), match=message):
            action()
    assert not (tmp_path / "copy").exists()
    sp.sql("SELECT 5 AS x, 6 AS y").write_parquet(out)
    assert later.take_all() == [{"x": 6}], "the frame works again with its own columns"


@pytest.mark.parametrize("action", ["count", "to_arrow", "write_parquet", "sql"])
def test_a_file_taken_from_a_committed_folder(
    sp: smallpond.Session, tmp_path: Path, action: str
) -> None:
    """It is missing, and not replaced: no run finds it, however often one is tried."""
    out = tmp_path / "out"
    sp.sql("SELECT i FROM range(100) t(i)").repartition(3).write_parquet(out)
    frame = sp.read_parquet(out)
    missing = sorted(out.glob("*.parquet"))[1]
    missing.unlink()
    actions = {
        "count": frame.count,
        "to_arrow": frame.to_arrow,
        "write_parquet": lambda: frame.write_parquet(tmp_path / "copy"),
        "sql": lambda: sp.sql("SELECT sum(i) AS s FROM {0}", frame).take_all(),
    }
    start = time.monotonic()
    with pytest.raises(smallpond.IoError, match=missing.name):
        actions[action]()
    assert time.monotonic() - start < 5, "tries again only while files are replaced"
    assert not (tmp_path / "copy").exists()

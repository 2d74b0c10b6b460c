"""write_parquet: one file a partition, whole or not at all, and never over anybody else's files."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import smallpond
from folder_content import everything_below

Frame = Callable[[str], smallpond.DataFrame]

FAILING_SQL = "SELECT CASE WHEN i = 99 THEN error('the row 99') END AS x FROM range(100) t(i)"


def parts(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.parquet"))


def ids(folder: Path) -> list[int]:
    return sorted(i for path in parts(folder) for i in pq.ParquetFile(path).read()["i"].to_pylist())


@pytest.fixture
def hundred(sp: smallpond.Session) -> smallpond.DataFrame:
    return sp.sql("SELECT i, i % 5 AS part FROM range(100) t(i)")


def test_one_file(hundred: smallpond.DataFrame, tmp_path: Path) -> None:
    hundred.write_parquet(tmp_path / "out")
    assert len(parts(tmp_path / "out")) == 1 and ids(tmp_path / "out") == list(range(100))


@pytest.mark.parametrize(
    "way", [{}, {"hash_by": "i"}, {"by": "part"}, {"by_rows": True}], ids=lambda way: str([*way])
)
def test_a_file_a_partition(hundred: smallpond.DataFrame, tmp_path: Path, way: dict) -> None:
    hundred.repartition(7, **way).write_parquet(tmp_path / "out")
    filled = 5 if "by" in way else 7
    assert len(parts(tmp_path / "out")) == filled, "none for partitions without rows"
    assert ids(tmp_path / "out") == list(range(100))


def test_order_of_files_and_rows(hundred: smallpond.DataFrame, tmp_path: Path) -> None:
    hundred.repartition(7, by_rows=True).write_parquet(tmp_path / "out")
    found = [pq.ParquetFile(path).read()["i"].to_pylist() for path in parts(tmp_path / "out")]
    assert [i for part in found for i in part] == list(range(100))


def test_order_by_is_kept(sp: smallpond.Session, tmp_path: Path) -> None:
    sp.sql("SELECT hash(i) AS h FROM range(300_000) t(i) ORDER BY h").write_parquet(
        tmp_path / "out"
    )
    found = pq.ParquetFile(parts(tmp_path / "out")[0]).read()["h"].to_pylist()
    assert found == sorted(found) and len(found) == 300_000


def test_no_rows(sp: smallpond.Session, tmp_path: Path) -> None:
    frame = sp.sql("SELECT 1 AS i, 'x' AS s WHERE false")
    frame.repartition(3).write_parquet(tmp_path / "out")
    assert len(parts(tmp_path / "out")) == 1, "one that tells the columns"
    assert sp.read_parquet(tmp_path / "out").schema == {"i": "INTEGER", "s": "VARCHAR"}
    assert sp.read_parquet(tmp_path / "out").count() == 0


def test_second_write_replaces_the_first(hundred: smallpond.DataFrame, tmp_path: Path) -> None:
    hundred.repartition(7).write_parquet(tmp_path / "out")
    hundred.repartition(2).write_parquet(tmp_path / "out")
    assert len(parts(tmp_path / "out")) == 2 and ids(tmp_path / "out") == list(range(100))


def test_over_its_own_input(
    sp: smallpond.Session, hundred: smallpond.DataFrame, tmp_path: Path
) -> None:
    hundred.repartition(4).write_parquet(tmp_path / "out")
    own = sp.sql("SELECT i FROM {0} WHERE i < 50", sp.read_parquet(tmp_path / "out"))
    own.write_parquet(tmp_path / "out")
    assert ids(tmp_path / "out") == list(range(50))


def test_what_was_written_can_be_read(
    sp: smallpond.Session, hundred: smallpond.DataFrame, tmp_path: Path
) -> None:
    hundred.repartition(3).write_parquet(tmp_path / "out")
    for paths in [tmp_path / "out", tmp_path / "out" / "*.parquet", f"{tmp_path}/out/"]:
        assert sp.read_parquet(paths).count() == 100


def test_parquet_of_other_programs(hundred: smallpond.DataFrame, tmp_path: Path) -> None:
    hundred.write_parquet(tmp_path / "out")
    assert pq.read_table(tmp_path / "out").num_rows == 100, "hidden names are no data"


def test_sums_keep_their_digits(sp: smallpond.Session, tmp_path: Path) -> None:
    sql = (
        "SELECT sum(x) AS s, -sum(x) AS n, NULL::HUGEINT AS z FROM (VALUES (9007199254740993)) v(x)"
    )
    sp.sql(sql).write_parquet(tmp_path / "out")
    read = sp.read_parquet(tmp_path / "out")
    assert set(read.schema.values()) == {"DECIMAL(38,0)"}
    [row] = read.take_all()
    assert int(row["s"]) == 9007199254740993 == -int(row["n"]) and row["z"] is None


# --- paths ---


@pytest.mark.parametrize(
    "name",
    ["out", "out/", "a/b/out", "a b", "quo'te", 'dou"ble', "ünï", "x=1", "st*r", "br[a]ce", "o?t"],
)
def test_names_of_folders(
    sp: smallpond.Session, hundred: smallpond.DataFrame, tmp_path: Path, name: str
) -> None:
    hundred.write_parquet(f"{tmp_path}/{name}")
    assert len(list((tmp_path / name).glob("*.parquet"))) == 1
    assert sp.read_parquet(tmp_path / name, hive_partitioning=False).count() == 100


def test_relative_path(
    hundred: smallpond.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    hundred.write_parquet("out")
    assert ids(tmp_path / "out") == list(range(100))


def test_links_are_followed(hundred: smallpond.DataFrame, tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    hundred.write_parquet(tmp_path / "link")
    assert (tmp_path / "link").is_symlink() and ids(tmp_path / "real") == list(range(100))


@pytest.mark.parametrize("name", ["a\\[1]", "x[1]/a\\b", "\\*.csv", "a\\b?"])
@pytest.mark.parametrize("method", ["write_parquet", "write_csv", "write_json"])
def test_names_that_could_not_be_read_are_refused(
    hundred: smallpond.DataFrame, method: str, name: str, tmp_path: Path
) -> None:
    with pytest.raises(smallpond.UnsupportedError, match="backslash"):
        getattr(hundred, method)(tmp_path / name)
    assert not list(tmp_path.iterdir())


def test_remote_paths_are_refused(hundred: smallpond.DataFrame) -> None:
    with pytest.raises(smallpond.UnsupportedError, match="s3://bucket/out"):
        hundred.write_parquet("s3://bucket/out")


# --- what is in the way ---


@pytest.mark.parametrize("name", ["notes.txt", "data.parquet", ".hidden", "sub/x.parquet"])
def test_a_folder_with_other_files_is_left_alone(
    hundred: smallpond.DataFrame, tmp_path: Path, name: str
) -> None:
    out = tmp_path / "out"
    (out / name).parent.mkdir(parents=True)
    (out / name).write_text("mine")
    before = everything_below(tmp_path)
    with pytest.raises(smallpond.InvalidInputError, match="did not write") as caught:
        hundred.write_parquet(out)
    assert name.split("/")[0] in str(caught.value)
    assert everything_below(tmp_path) == before


def test_a_stranger_among_our_files(hundred: smallpond.DataFrame, tmp_path: Path) -> None:
    hundred.write_parquet(tmp_path / "out")
    (tmp_path / "out" / "z.parquet").write_text("mine")
    before = everything_below(tmp_path)
    with pytest.raises(smallpond.InvalidInputError, match=r"z\.parquet"):
        hundred.write_parquet(tmp_path / "out")
    assert everything_below(tmp_path) == before


def test_an_empty_folder_is_fine(hundred: smallpond.DataFrame, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    hundred.write_parquet(tmp_path / "out")
    assert ids(tmp_path / "out") == list(range(100))


def test_a_file_at_the_path(hundred: smallpond.DataFrame, tmp_path: Path) -> None:
    (tmp_path / "out").write_text("mine")
    with pytest.raises(smallpond.InvalidInputError, match="is a file"):
        hundred.write_parquet(tmp_path / "out")
    assert everything_below(tmp_path) == {"out": b"mine"}


def test_a_file_above_the_path(hundred: smallpond.DataFrame, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(smallpond.Error, match="file"):
        hundred.write_parquet(tmp_path / "file" / "out")
    assert everything_below(tmp_path) == {"file": b"mine"}


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is forbidden to root")
def test_a_forbidden_folder(hundred: smallpond.DataFrame, tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(smallpond.IoError, match="out"):
        hundred.write_parquet(tmp_path / "out")


@pytest.mark.parametrize("name", ["out", "new/deep/out"])
@pytest.mark.parametrize("partitions", [1, 5])
def test_nothing_is_left_of_a_failed_write(
    sp: smallpond.Session, tmp_path: Path, name: str, partitions: int
) -> None:
    with pytest.raises(smallpond.InvalidInputError, match="the row 99"):
        sp.sql(FAILING_SQL).repartition(partitions).write_parquet(tmp_path / name)
    assert everything_below(tmp_path) == {}


def test_a_failed_write_keeps_what_was_there(
    sp: smallpond.Session, hundred: smallpond.DataFrame, tmp_path: Path
) -> None:
    hundred.repartition(3).write_parquet(tmp_path / "out")
    before = everything_below(tmp_path)
    with pytest.raises(smallpond.InvalidInputError):
        sp.sql(FAILING_SQL).write_parquet(tmp_path / "out")
    assert everything_below(tmp_path) == before
    hundred.write_parquet(tmp_path / "out")
    assert ids(tmp_path / "out") == list(range(100))


def test_writers_parallel_for(sp: smallpond.Session, tmp_path: Path) -> None:
    """A folder whose name begins like another's is not its neighbour's business."""
    for name in ["out", "out2", "out.writing"]:
        sp.sql(f"SELECT {len(name)} AS i").write_parquet(tmp_path / name)
    assert [ids(tmp_path / name) for name in ["out", "out2", "out.writing"]] == [[3], [4], [11]]
    assert sorted(os.listdir(tmp_path)) == ["out", "out.writing", "out2"]

"""Modes, formats and options of the write methods."""

from __future__ import annotations

import gzip
import json
import threading
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq
import pytest
import smallpond

WRITES = ["write_parquet", "write_csv", "write_json"]


@pytest.fixture
def rows(sp: smallpond.Session) -> smallpond.DataFrame:
    return sp.sql("SELECT i, 'x' || (i % 3) AS k, i % 2 AS p FROM range(60) t(i)")


def read(sp: smallpond.Session, write: str, path: Path, **options: Any) -> smallpond.DataFrame:
    return getattr(sp, write.replace("write", "read"))(path, **options)


def ids(sp: smallpond.Session, write: str, path: Path, **options: Any) -> list[int]:
    return sorted(row["i"] for row in read(sp, write, path, **options).take_all())


def data_files(folder: Path) -> list[Path]:
    """The files below a folder; names with an underscore are smallpond's own."""
    paths = [path.relative_to(folder) for path in folder.rglob("*") if path.is_file()]
    return sorted(folder / path for path in paths if not str(path).startswith((".", "_")))


# --- modes ---


@pytest.mark.parametrize("write", WRITES)
def test_modes(
    sp: smallpond.Session, rows: smallpond.DataFrame, tmp_path: Path, write: str
) -> None:
    out = tmp_path / "out"
    few, rest = rows.filter("i < 20"), rows.filter("i >= 20")
    assert getattr(few, write)(out, mode="error").num_files == 1
    assert getattr(rest, write)(out, mode="append").num_files == 1
    assert ids(sp, write, out) == list(range(60))
    with pytest.raises(smallpond.InvalidInputError, match="out"):
        getattr(rest, write)(out, "error")
    assert getattr(rest, write)(out, "ignore").num_files == 0
    assert ids(sp, write, out) == list(range(60))
    getattr(rest, write)(out, "overwrite")
    assert ids(sp, write, out) == list(range(20, 60))


def test_ignore_writes_where_nothing_is(
    sp: smallpond.Session, rows: smallpond.DataFrame, tmp_path: Path
) -> None:
    assert rows.write_parquet(tmp_path / "out", "ignore").num_files == 1
    assert rows.write_parquet(tmp_path / "out", "ignore").num_files == 0
    (tmp_path / "empty").mkdir()
    assert rows.write_parquet(tmp_path / "empty", "error").num_files == 1


@pytest.mark.parametrize("mode", ["overwrite", "append"])
def test_other_files_are_refused(rows: smallpond.DataFrame, tmp_path: Path, mode: str) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(smallpond.InvalidInputError, match=r"mine\.txt"):
        rows.write_parquet(tmp_path, mode)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_result_tells_what_was_written(rows: smallpond.DataFrame, tmp_path: Path) -> None:
    result = rows.repartition(4).write_parquet(tmp_path / "out")
    files = data_files(tmp_path / "out")
    assert result.num_files == len(files) == 4
    assert result.num_bytes == sum(path.stat().st_size for path in files)
    assert 0 <= result.publish_seconds < 60


def test_appends_parallel_for(
    sp: smallpond.Session, rows: smallpond.DataFrame, tmp_path: Path
) -> None:
    """They go on top of each other; none is lost."""
    rows.filter("i < 12").write_parquet(tmp_path / "out")
    errors: list[Exception] = []

    def append(number: int) -> None:
        try:
            rows.filter(f"i // 12 = {number}").write_parquet(tmp_path / "out", "append")
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=append, args=(number,)) for number in range(1, 5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert ids(sp, "write_parquet", tmp_path / "out") == list(range(60))


def test_of_two_writers_one_wins_whole(
    sp: smallpond.Session, rows: smallpond.DataFrame, tmp_path: Path
) -> None:
    outcomes: list[str] = []

    def write(number: int) -> None:
        try:
            rows.filter(f"p = {number}").repartition(3).write_parquet(tmp_path / "out")
            outcomes.append("won")
        except smallpond.UnavailableError:
            outcomes.append("lost")

    threads = [threading.Thread(target=write, args=(number % 2,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(outcomes) == 4 and "won" in outcomes
    assert ids(sp, "write_parquet", tmp_path / "out") in [
        list(range(0, 60, 2)),
        list(range(1, 60, 2)),
    ]


# --- layout ---


@pytest.mark.parametrize("write", ["write_parquet", "write_csv"])
def test_partition_by(
    sp: smallpond.Session, rows: smallpond.DataFrame, tmp_path: Path, write: str
) -> None:
    getattr(rows.repartition(2), write)(tmp_path / "out", partition_by=["k", "p"])
    folders = {
        str(path.parent.relative_to(tmp_path / "out")) for path in data_files(tmp_path / "out")
    }
    assert folders == {f"k=x{k}/p={p}" for k in range(3) for p in range(2)}
    frame = read(sp, write, tmp_path / "out", hive_partitioning=True)
    assert frame.columns[0] == "i" and set(frame.columns) == {"i", "k", "p"}
    assert sp.sql("SELECT i FROM {0} WHERE k = 'x1' AND p = 1", frame).count() == 10
    assert frame.count() == 60


def test_sort_by(sp: smallpond.Session, rows: smallpond.DataFrame, tmp_path: Path) -> None:
    rows.repartition(2).write_parquet(tmp_path / "out", sort_by=["p", "i DESC"])
    for path in data_files(tmp_path / "out"):
        found = [(row["p"], -row["i"]) for row in pq.ParquetFile(path).read().to_pylist()]
        assert found == sorted(found) and len(found) == 30


@pytest.mark.parametrize(
    "term", ["i Desc", "i  DESC", "i desc nulls last", "i DESC NULLS First", "i\tdesc "]
)
def test_sort_terms_as_sql_has_them(
    sp: smallpond.Session, rows: smallpond.DataFrame, tmp_path: Path, term: str
) -> None:
    rows.write_parquet(tmp_path / "o.parquet", sort_by=term)
    found = pq.ParquetFile(tmp_path / "o.parquet").read()["i"].to_pylist()
    assert found == sorted(found, reverse=True)
    nulls = sp.sql('SELECT unnest([1, NULL, 2]) AS a, 1 AS "a desc"')
    for by, expected in [("a NULLS FIRST", [None, 1, 2]), ("a ASC nulls last", [1, 2, None])]:
        nulls.write_parquet(tmp_path / "n.parquet", mode="overwrite", sort_by=by)
        assert pq.ParquetFile(tmp_path / "n.parquet").read()["a"].to_pylist() == expected
    nulls.write_parquet(tmp_path / "d.parquet", sort_by=["a desc", "a"])  # A column's name.
    assert pq.ParquetFile(tmp_path / "d.parquet").read()["a"].to_pylist() == [1, 2, None]
    with pytest.raises(smallpond.InvalidInputError, match="'nosuch', which does not"):
        rows.write_parquet(tmp_path / "x.parquet", sort_by="nosuch desc nulls last")


@pytest.mark.parametrize("path", [None, 5, ["x"], b"x"], ids=repr)
@pytest.mark.parametrize("method", ["write_parquet", "write_csv", "write_json"])
def test_what_is_no_path(sp: smallpond.Session, method: str, path: Any) -> None:
    with pytest.raises(smallpond.InvalidTypeError, match=f"{method}: the path must be text"):
        getattr(sp.sql("SELECT 1 AS a"), method)(path)


def test_file_size(sp: smallpond.Session, tmp_path: Path) -> None:
    frame = sp.sql("SELECT i, hash(i) AS h FROM range(600_000) t(i) ORDER BY i")
    result = frame.write_parquet(tmp_path / "out", file_size="1MB", row_group_size=20_000)
    files = data_files(tmp_path / "out")
    assert result.num_files == len(files) > 2
    found = [i for path in files for i in pq.ParquetFile(path).read()["i"].to_pylist()]
    assert found == list(range(600_000)), "the names sort as the rows"


def test_row_group_size(rows: smallpond.DataFrame, sp: smallpond.Session, tmp_path: Path) -> None:
    sp.sql("FROM range(50_000)").write_parquet(tmp_path / "out", row_group_size=10_240)
    [path] = data_files(tmp_path / "out")
    metadata = pq.ParquetFile(path).metadata
    assert metadata.num_row_groups == 5 and metadata.row_group(0).num_rows == 10_240


@pytest.mark.parametrize("codec", ["snappy", "zstd", "lz4", "gzip", "brotli", "uncompressed"])
def test_parquet_compression(rows: smallpond.DataFrame, tmp_path: Path, codec: str) -> None:
    rows.write_parquet(tmp_path / "out", compression=codec)
    [path] = data_files(tmp_path / "out")
    found = pq.ParquetFile(path).metadata.row_group(0).column(0).compression.lower()
    assert codec.startswith(found[:3])


@pytest.mark.parametrize("write", ["write_csv", "write_json"])
@pytest.mark.parametrize("codec", ["gzip", "zstd"])
def test_text_compression(
    sp: smallpond.Session, rows: smallpond.DataFrame, tmp_path: Path, write: str, codec: str
) -> None:
    getattr(rows, write)(tmp_path / "out", compression=codec)
    [path] = data_files(tmp_path / "out")
    assert path.suffix in (".gz", ".zst")
    if codec == "gzip":
        assert gzip.decompress(path.read_bytes()).count(b"\n") >= 60
    assert ids(sp, write, tmp_path / "out") == list(range(60))


# --- text ---


def test_csv(sp: smallpond.Session, tmp_path: Path) -> None:
    frame = sp.sql("SELECT 1 AS i, 'a;\"b' AS s, NULL AS n, DATE '2026-01-31' AS d")
    frame.write_csv(tmp_path / "out", delimiter=";", nullstr="NA")
    [path] = data_files(tmp_path / "out")
    assert path.suffix == ".csv"
    assert path.read_text() == 'i;s;n;d\n1;"a;""b";NA;2026-01-31\n'


def test_json(sp: smallpond.Session, tmp_path: Path) -> None:
    sp.sql("SELECT 1 AS i, {'a': [1, 2]} AS s, NULL AS n").write_json(tmp_path / "out")
    [path] = data_files(tmp_path / "out")
    assert json.loads(path.read_text()) == {"i": 1, "s": {"a": [1, 2]}, "n": None}


@pytest.mark.parametrize("write", WRITES)
def test_no_rows_keep_the_columns(sp: smallpond.Session, tmp_path: Path, write: str) -> None:
    frame = sp.sql("SELECT 1 AS i, 'x' AS s WHERE false").repartition(3)
    getattr(frame, write)(tmp_path / "out")
    if write == "write_json":  # A file of objects has no columns without an object.
        assert data_files(tmp_path / "out")[0].read_text().strip() == ""
        return
    assert read(sp, write, tmp_path / "out").columns == ["i", "s"]


@pytest.mark.parametrize("write", WRITES)
def test_lazy(sp: smallpond.Session, rows: smallpond.DataFrame, tmp_path: Path, write: str) -> None:
    one = getattr(rows, f"{write}_lazy")(tmp_path / "one")
    two = getattr(rows, f"{write}_lazy")(tmp_path / "two", "error")
    assert list(tmp_path.iterdir()) == []
    assert one.compute().num_files == 1
    sp.wait(one, two)
    assert ids(sp, write, tmp_path / "two") == list(range(60))
    with pytest.raises(smallpond.InvalidInputError):
        two.compute()


# --- mistakes ---


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"mode": "replace"}, "replace"),
        ({"partition_by": "nowhere"}, "nowhere"),
        ({"partition_by": ["i", "k", "p"]}, "column"),
        ({"compression": "zip"}, "zip"),
        ({"file_size": "big"}, "big"),
        ({"row_group_size": 0}, "0"),
        ({"sort_by": "nowhere"}, "nowhere"),
    ],
)
def test_bad_option(
    rows: smallpond.DataFrame, tmp_path: Path, options: dict[str, Any], word: str
) -> None:
    with pytest.raises(smallpond.InvalidInputError, match=word):
        rows.write_parquet(tmp_path / "new" / "out", **options)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("form", ["csv", "json"])
def test_unknown_option_of_the_format(
    sp: smallpond.Session, rows: smallpond.DataFrame, tmp_path: Path, form: str
) -> None:
    with pytest.raises(smallpond.InvalidInputError, match=r"(?i)colour"):
        getattr(rows, f"write_{form}")(tmp_path / "out", colour="red")
    assert list(tmp_path.iterdir()) == []
    (tmp_path / f"x.{form}").write_text("1")
    with pytest.raises(smallpond.InvalidInputError, match=r"(?i)colour"):
        getattr(sp, f"read_{form}")(tmp_path / f"x.{form}", colour="red")


def test_patterns_of_other_programs_match_data_only(
    rows: smallpond.DataFrame, tmp_path: Path
) -> None:
    rows.write_json(tmp_path / "out")
    sql = f"SELECT count(*) FROM read_json('{tmp_path}/out/**/*.json')"
    assert duckdb.execute(sql).fetchall() == [(60,)]


def test_plain_duckdb_reads_it(rows: smallpond.DataFrame, tmp_path: Path) -> None:
    rows.repartition(3).write_parquet(tmp_path / "out", partition_by="k")
    sql = f"SELECT count(*), count(DISTINCT k) FROM '{tmp_path}/out/**/*.parquet'"
    assert duckdb.execute(sql).fetchall() == [(60, 3)]


def test_a_column_of_a_very_long_name(sp: smallpond.Session, tmp_path: Path) -> None:
    frame = sp.sql("SELECT 1 AS a")
    with pytest.raises(smallpond.InvalidInputError, match="sort_by"):
        frame.write_parquet(tmp_path / "out", sort_by=["x" * 200_000])

"""One file: written where the name ends as one and nothing asks for several."""

from __future__ import annotations

import gzip
import os
import threading
from pathlib import Path
from typing import Any

import duckdb
import pytest
import smallpond
from roads import STAGE_ROADS, StageRoad

NAMES = [
    ("o.parquet", "parquet"), ("o.PARQUET", "parquet"), ("o.pq", "parquet"),
    ("o.parquet.zst", "parquet"), ("users.csv", "csv"), ("users.csv.gz", "csv"),
    ("users.csv.zst", "csv"), ("users.tsv", "csv"), ("o.json", "json"), ("o.jsonl", "json"),
    ("o.ndjson", "json"), ("o.ndjson.gz", "json"),
]  # fmt: skip


@pytest.fixture
def rows(sp: smallpond.Session) -> smallpond.DataFrame:
    return sp.sql("SELECT i, 'x' || i AS s FROM range(500) t(i) ORDER BY i DESC")


@pytest.mark.parametrize(("name", "form"), NAMES)
def test_names(
    sp: smallpond.Session, rows: smallpond.DataFrame, tmp_path: Path, name: str, form: str
) -> None:
    path = tmp_path / "deep" / name
    for _ in range(2):
        result = getattr(rows, f"write_{form}")(path)
        assert path.is_file() and [*path.parent.iterdir()] == [path]
    assert not result.is_folder and result.path == str(path)
    assert (result.num_files, result.num_rows) == (1, 500)
    assert result.num_bytes == path.stat().st_size
    assert getattr(sp, f"read_{form}")(path).to_arrow() == rows.to_arrow()
    assert repr(result).startswith(f"WriteResult(file '{path}', 500 rows, ")


def test_plain_programs_read_them(rows: smallpond.DataFrame, tmp_path: Path) -> None:
    rows.write_csv(tmp_path / "users.csv.gz", delim=";")
    assert gzip.decompress((tmp_path / "users.csv.gz").read_bytes()).startswith(b"i;s\n499;x499\n")
    rows.write_csv(tmp_path / "users.tsv")
    assert (tmp_path / "users.tsv").read_text().startswith("i\ts\n499\tx499\n")
    rows.write_parquet(tmp_path / "o.parquet.zst")
    sql = f"SELECT DISTINCT compression FROM parquet_metadata('{tmp_path}/o.parquet.zst')"
    assert duckdb.sql(sql).fetchall() == [("ZSTD",)]


@pytest.mark.parametrize("road", STAGE_ROADS, ids=lambda road: road.name)
def test_on_every_road(stage_session: Any, road: StageRoad, tmp_path: Path, data: Path) -> None:
    sp = stage_session(road)
    frame = sp.sql("SELECT kind, count(*) AS n FROM {0} GROUP BY kind ORDER BY kind",
                   sp.read_parquet(data / "events.parquet"))  # fmt: skip
    for name, form in [("o.parquet", "parquet"), ("o.csv", "csv"), ("o.json", "json")]:
        result = getattr(frame, f"write_{form}_lazy")(tmp_path / name).compute()
        assert (tmp_path / name).is_file() and result.num_rows == 5
        found = duckdb.sql(f"SELECT kind, n FROM '{tmp_path / name}'").fetchall()
        assert found == [tuple(row.values()) for row in frame.take_all()]


@pytest.mark.parametrize(
    ("spread", "options"),
    [(True, {}), (False, {"partition_by": "s"}), (False, {"file_size": "1MB"})],
)
def test_what_asks_for_several_gets_a_folder(
    rows: smallpond.DataFrame, tmp_path: Path, spread: bool, options: dict[str, Any]
) -> None:
    frame = rows.filter("i < 3")
    result = (frame.repartition(2) if spread else frame).write_csv(tmp_path / "o.csv", **options)
    assert (tmp_path / "o.csv").is_dir() and result.is_folder
    assert repr(result).startswith(f"WriteResult(folder '{tmp_path}/o.csv', ")
    assert frame.write_csv(tmp_path / "o.csv").is_folder, "it stays a folder"
    assert frame.write_csv(tmp_path / "users").is_folder


def test_modes(rows: smallpond.DataFrame, tmp_path: Path) -> None:
    path = tmp_path / "o.csv"
    with pytest.raises(smallpond.InvalidInputError, match=r"append.*folder"):
        rows.write_csv(path, "append")
    rows.write_csv(path, "error")
    with pytest.raises(smallpond.InvalidInputError, match=r"o\.csv' is there"):
        rows.write_csv(path, "error")
    before = path.read_text()
    few = rows.filter("i = 1")
    result = few.write_csv(path, "ignore")
    assert result.num_files == 0 and repr(result).endswith("nothing written)")
    assert path.read_text() == before
    few.write_csv(path, "overwrite")
    assert path.read_text() == "i,s\n1,x1\n"
    with pytest.raises(smallpond.InvalidInputError, match="is a file"):
        few.write_csv(path, partition_by="s")
    assert path.read_text() == "i,s\n1,x1\n"


@pytest.mark.parametrize(
    ("name", "options"), [("o.csv", {"compression": "gzip"}), ("o.csv.gz", {"compression": "zstd"})]
)
def test_a_name_that_says_another_compression(
    rows: smallpond.DataFrame, tmp_path: Path, name: str, options: dict[str, Any]
) -> None:
    with pytest.raises(smallpond.InvalidInputError, match="The name of"):
        rows.write_csv(tmp_path / name, **options)
    assert list(tmp_path.iterdir()) == []


def test_a_failed_write_leaves_the_old_file(
    sp: smallpond.Session, rows: smallpond.DataFrame, tmp_path: Path
) -> None:
    rows.write_parquet(tmp_path / "o.parquet")
    before = (tmp_path / "o.parquet").read_bytes()
    failing = sp.sql(
        "SELECT CASE WHEN i < 99_000 THEN i ELSE error('no') END FROM range(100_000) t(i)"
    )
    for path in [tmp_path / "o.parquet", tmp_path / "new" / "o.parquet"]:
        with pytest.raises(smallpond.Error, match="no"):
            failing.write_parquet(path)
    assert [path.name for path in tmp_path.iterdir()] == ["o.parquet"]
    assert (tmp_path / "o.parquet").read_bytes() == before


def test_what_a_killed_writer_left_goes(rows: smallpond.DataFrame, tmp_path: Path) -> None:
    """A dead process of this machine: an attempt under a number that no process has."""
    rows.write_csv(tmp_path / "a.csv")
    seen: list[str] = []

    def watch() -> None:
        for _ in range(100_000):
            seen.extend(path.name for path in tmp_path.glob(".o.csv.attempt-*"))
            if seen:
                return

    watcher = threading.Thread(target=watch)
    watcher.start()
    while watcher.is_alive():
        rows.write_csv(tmp_path / "o.csv")
    watcher.join()
    tag, machine, pid, start = seen[0].split("attempt-")[1].split("-")
    assert pid == str(os.getpid())
    dead = tmp_path / f".o.csv.attempt-{tag}-{machine}-{pid}-{int(start) + 1}"
    alive = tmp_path / f".o.csv.attempt-{tag}-{machine}-{pid}-{start}"
    for folder in [dead, alive]:
        folder.mkdir()
        (folder / "o.csv").touch()
    rows.write_csv(tmp_path / "o.csv")
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(
        ["a.csv", "o.csv", alive.name]
    )


@pytest.mark.parametrize("mode", ["overwrite", "error"])
def test_racing_writers(
    sp: smallpond.Session, rows: smallpond.DataFrame, tmp_path: Path, mode: str
) -> None:
    outcomes: list[str] = []

    def write(number: int) -> None:
        try:
            rows.filter(f"i % 4 = {number}").write_parquet(tmp_path / "o.parquet", mode)
            outcomes.append("wrote")
        except smallpond.InvalidInputError:
            outcomes.append("refused")

    threads = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    expected = ["wrote"] * 4 if mode == "overwrite" else ["refused"] * 3 + ["wrote"]
    assert sorted(outcomes) == expected
    found = [row["i"] % 4 for row in sp.read_parquet(tmp_path / "o.parquet").take_all()]
    assert len(found) == 125 and len(set(found)) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["o.parquet"]

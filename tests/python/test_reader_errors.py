"""A file that can't be read is told at the call, with the path and what to do."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest
import smallpond

READERS = ["read_parquet", "read_csv", "read_json"]


def endings(reader: str) -> str:
    return reader.removeprefix("read_")


@pytest.mark.parametrize("reader", READERS)
def test_missing_file(sp: smallpond.Session, tmp_path: Path, reader: str) -> None:
    path = tmp_path / f"nowhere.{endings(reader)}"
    with pytest.raises(smallpond.IoError, match="nowhere"):
        getattr(sp, reader)(path)


@pytest.mark.parametrize("reader", READERS)
def test_glob_without_match(sp: smallpond.Session, tmp_path: Path, reader: str) -> None:
    with pytest.raises(smallpond.IoError, match=r"No file matches .*\*\.x"):
        getattr(sp, reader)(tmp_path / "*.x")


@pytest.mark.parametrize("reader", READERS)
def test_folder_without_data(sp: smallpond.Session, tmp_path: Path, reader: str) -> None:
    (tmp_path / "notes.md").write_text("no data")
    (tmp_path / "sub").mkdir()
    with pytest.raises(smallpond.InvalidInputError) as caught:
        getattr(sp, reader)(tmp_path)
    text = str(caught.value)
    assert str(tmp_path) in text and f".{endings(reader)}" in text
    assert "2 others" in text and "recursive" in text


@pytest.mark.parametrize("reader", READERS)
def test_no_path(sp: smallpond.Session, reader: str) -> None:
    with pytest.raises(smallpond.InvalidInputError, match="list of paths is empty"):
        getattr(sp, reader)([])
    with pytest.raises(smallpond.InvalidInputError, match="path is empty"):
        getattr(sp, reader)("")
    for wrong in [None, 5, [5]]:
        with pytest.raises(TypeError):
            getattr(sp, reader)(wrong)


@pytest.mark.parametrize("reader", READERS)
def test_one_of_several_is_missing(sp: smallpond.Session, data: Path, reader: str) -> None:
    paths = [data / "events.parquet", data / "nowhere.parquet"]
    with pytest.raises(smallpond.IoError, match="nowhere"):
        getattr(sp, reader)(paths)


def test_dangling_link(sp: smallpond.Session, tmp_path: Path) -> None:
    (tmp_path / "x.parquet").symlink_to(tmp_path / "gone")
    with pytest.raises(smallpond.IoError, match=r"x\.parquet"):
        sp.read_parquet(tmp_path / "x.parquet")


def test_path_below_a_file(sp: smallpond.Session, data: Path) -> None:
    with pytest.raises(smallpond.IoError):
        sp.read_parquet(data / "events.parquet" / "x.parquet")


@pytest.mark.parametrize("content", [b"", b"no parquet at all", b"PAR1", b"PAR1" * 100])
def test_what_is_no_parquet(sp: smallpond.Session, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.parquet").write_bytes(content)
    with pytest.raises(smallpond.IoError, match=r"x\.parquet"):
        sp.read_parquet(tmp_path / "x.parquet")


@pytest.mark.parametrize("kept", [0.5, 0.99])
def test_truncated_parquet(sp: smallpond.Session, data: Path, tmp_path: Path, kept: float) -> None:
    whole = (data / "events.parquet").read_bytes()
    (tmp_path / "x.parquet").write_bytes(whole[: int(len(whole) * kept)])
    with pytest.raises(smallpond.IoError, match=r"x\.parquet"):
        sp.read_parquet(tmp_path / "x.parquet")


def test_damaged_page(sp: smallpond.Session, data: Path, tmp_path: Path) -> None:
    """The footer is whole, so that it shows when the rows are read."""
    content = bytearray((data / "events.parquet").read_bytes())
    content[4:400] = b"\xff" * 396
    (tmp_path / "x.parquet").write_bytes(content)
    frame = sp.read_parquet(tmp_path / "x.parquet")
    with pytest.raises(smallpond.IoError, match=r"x\.parquet' is damaged"):
        frame.to_arrow()


def test_files_that_differ(sp: smallpond.Session, tmp_path: Path) -> None:
    duckdb.execute(f"COPY (SELECT 1 AS a) TO '{tmp_path}/x.parquet'")
    duckdb.execute(f"COPY (SELECT 1 AS b) TO '{tmp_path}/y.parquet'")
    frame = sp.read_parquet(tmp_path)
    with pytest.raises(smallpond.InvalidInputError, match="union_by_name"):
        frame.to_arrow()


def test_file_that_goes_away(sp: smallpond.Session, tmp_path: Path) -> None:
    duckdb.execute(f"COPY (SELECT 1 AS a) TO '{tmp_path}/x.parquet'")
    frame = sp.read_parquet(tmp_path / "x.parquet")
    (tmp_path / "x.parquet").unlink()
    with pytest.raises(smallpond.IoError, match=r"x\.parquet"):
        frame.to_arrow()


def test_text_that_does_not_fit_the_schema(sp: smallpond.Session, tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("1\nx\n")
    with pytest.raises(smallpond.InvalidInputError, match=r"(?s)x\.csv|INTEGER|BIGINT"):
        sp.read_csv(tmp_path / "x.csv", {"id": "INTEGER"}, header=False).to_arrow()
    (tmp_path / "x.json").write_text('{"id": "x"}')
    with pytest.raises(smallpond.InvalidInputError, match="x"):
        sp.read_json(tmp_path / "x.json", {"id": "INTEGER"}).to_arrow()


def test_broken_json(sp: smallpond.Session, tmp_path: Path) -> None:
    (tmp_path / "x.jsonl").write_text('{"id": 1}\n{"id": \n')
    with pytest.raises(smallpond.InvalidInputError, match=r"x\.jsonl"):
        sp.read_json(tmp_path / "x.jsonl").to_arrow()


@pytest.mark.parametrize("reader", READERS)
def test_unknown_option(sp: smallpond.Session, data: Path, reader: str) -> None:
    with pytest.raises(smallpond.InvalidInputError, match="colour") as caught:
        getattr(sp, reader)(data / "events.parquet", colour="red")
    assert "Candidates" in str(caught.value), "names the ones that there are"


def test_wrong_value_of_an_option(sp: smallpond.Session, data: Path) -> None:
    with pytest.raises(smallpond.InvalidInputError):
        sp.read_parquet(data / "events.parquet", hive_partitioning="perhaps")
    with pytest.raises(smallpond.InvalidInputError, match="set"):
        sp.read_parquet(data / "events.parquet", filename={1})


def test_unknown_type_in_a_schema(sp: smallpond.Session, tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("1\n")
    with pytest.raises(smallpond.InvalidInputError, match="INTGER"):
        sp.read_csv(tmp_path / "x.csv", {"id": "INTGER"})

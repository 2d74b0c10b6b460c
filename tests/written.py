"""What a write left, beside what plain DuckDB's own COPY makes of the same query."""

from __future__ import annotations

import gzip
import json
import re
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq
import pytest
import smallpond
from oracle import Answer, assert_same_rows, assert_same_sequence, duckdb_answer
from roads import STAGE_ROADS, StageRoad

Plain = duckdb.DuckDBPyConnection

DIRECT = StageRoad("direct", {})
ALL_ROADS = [DIRECT, *STAGE_ROADS]
PROCESSES = next(road for road in STAGE_ROADS if road.options["executor"] == "processes")
FORMS = ["parquet", "csv", "json"]
NUM_FILES = 5

each_road = pytest.mark.parametrize("road", ALL_ROADS, ids=lambda road: road.name)


def split_tables(connection: duckdb.DuckDBPyConnection, folder: Path) -> Path:
    """Writes events and users as NUM_FILES files each, in the order of their rows, so that several
    tasks read them where a road has several."""
    for table, rows, key in [("events", 400, "event_id"), ("users", 60, "user_id")]:
        (folder / table).mkdir()
        for number in range(NUM_FILES):
            chosen = f"FROM {table} WHERE ({key} - 1) // {rows // NUM_FILES} = {number}"
            connection.execute(f"COPY ({chosen}) TO '{folder}/{table}/{number}.parquet'")
    return folder


def write_parts(folder: Path, queries: Iterable[str], options: str = "") -> str:
    """Writes the rows of each query as a Parquet file, 0.parquet and on. Returns the pattern of
    all."""
    with duckdb.connect() as connection:
        for number, sql in enumerate(queries):
            connection.execute(f"COPY ({sql}) TO '{folder}/{number}.parquet' {options}")
    return f"{folder}/*.parquet"


def query(sp: smallpond.Session, split: Path, sql: str) -> smallpond.DataFrame:
    """A new frame of a query over the tables of `split_tables`."""
    names = [name for name in ["events", "users"] if re.search(rf"\b{name}\b", sql)]
    return sp.sql(sql, **{name: sp.read_parquet(split / name) for name in names})


def data_files(folder: Path) -> list[Path]:
    """The files below a folder by name, without smallpond's notes."""
    paths = [path.relative_to(folder) for path in folder.rglob("*") if path.is_file()]
    return [folder / path for path in sorted(paths) if path.parts[0] != "_smallpond"]


def folders(out: Path) -> dict[str, list[Path]]:
    """The files of each folder below `out` that has some, by name."""
    found: dict[str, list[Path]] = {}
    for path in data_files(out):
        found.setdefault(str(path.parent.relative_to(out)), []).append(path)
    return found


def num_tasks(frame: smallpond.DataFrame) -> int:
    """How many tasks the last stage has; 1 where there are no stages."""
    stages = json.loads(frame.explain(format="json")).get("stages")
    return stages[-1]["tasks"] if stages else 1


def scan(files: Sequence[Path], options: str = ", hive_partitioning = false") -> str:
    """A table function that reads Parquet files in this order."""
    listed = ", ".join("'" + str(file).replace("'", "''") + "'" for file in files)
    return f"read_parquet([{listed}]{options})"


def lines_of(files: Sequence[Path]) -> list[str]:
    return [line for file in files for line in _text(file).splitlines()]


def assert_written(
    connection: duckdb.DuckDBPyConnection,
    out: Path,
    sql: str,
    form: str = "parquet",
    order_by: Sequence[str] = (),
) -> None:
    """Fails unless the files of the folder or the file `out` hold the rows of `sql`, with the names
    and types, or the text, that plain DuckDB writes; in the order of the files' names where
    `order_by` names columns that decide it.

    A file without rows may stand alone only, and nothing may be left of attempts."""
    files = data_files(out) if out.is_dir() else [out]
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / f"copy.{form}"
        connection.execute(f"COPY ({as_stored(connection, sql)}) TO '{copy}' (FORMAT {form})")
        if form == "parquet":
            expected = duckdb_answer(connection, f"FROM {scan([copy])}")
            assert_rows(connection, files, expected, order_by)
        else:
            assert_lines(files, copy, has_header=form == "csv", in_order=bool(order_by))
    assert_nothing_beside(out)


def assert_rows(
    connection: duckdb.DuckDBPyConnection,
    files: Sequence[Path],
    expected: Answer,
    order_by: Sequence[str] = (),
) -> None:
    counts = [pq.ParquetFile(file).metadata.num_rows for file in files]
    assert min(counts) > 0 or counts == [0]
    found = duckdb_answer(connection, f"FROM {scan(files)}")
    assert (found.names, found.types) == (expected.names, expected.types)
    assert found.table.schema.types == expected.table.schema.types
    assert_same_rows(found.rows, expected.rows)
    if order_by:
        keys = [expected.names.index(name) for name in order_by]
        assert_same_sequence(
            *([tuple(row[key] for key in keys) for row in a.rows] for a in (found, expected))
        )


def assert_lines(files: Sequence[Path], copy: Path, has_header: bool, in_order: bool) -> None:
    parts = [lines_of([file]) for file in files]
    expected = lines_of([copy])
    if has_header:
        assert {part[0] for part in parts} == {expected[0]}, "each file tells the columns"
        parts, expected = [part[1:] for part in parts], expected[1:]
    assert all(parts) or parts == [[]]
    found = [line for part in parts for line in part]
    assert sorted(found) == sorted(expected)
    assert not in_order or found == expected


def assert_nothing_beside(out: Path) -> None:
    """Nothing is left of attempts, neither beside the output nor in it."""
    assert [path.name for path in out.parent.iterdir() if path.name.startswith(".")] == []
    notes = out / "_smallpond"
    assert [path for path in notes.rglob("*") if path.is_file()] == []
    assert [path for path in notes.rglob("attempt*")] == []


def assert_told(result: smallpond.WriteResult, files: Sequence[Path], num_rows: int) -> None:
    """Fails unless the result tells the files that a write added, and their rows."""
    assert (result.num_files, result.num_rows) == (len(files), num_rows)
    assert result.num_bytes == sum(file.stat().st_size for file in files)


def as_stored(connection: duckdb.DuckDBPyConnection, sql: str) -> str:
    """The query with HUGEINT as DECIMAL(38,0), which is how it leaves; DuckDB writes DOUBLE."""
    described = connection.execute(f"DESCRIBE {sql}").fetchall()
    casts = [
        f'"{name}"::{re.sub("U?HUGEINT", "DECIMAL(38,0)", kind)} AS "{name}"'
        for name, kind, *_ in described
        if "HUGEINT" in kind
    ]
    return f"SELECT * REPLACE ({', '.join(casts)}) FROM ({sql})" if casts else sql


def write(frame: smallpond.DataFrame, form: str, out: Path, *args: Any, **options: Any) -> Any:
    return getattr(frame, f"write_{form}")(out, *args, **options)


def _text(file: Path) -> str:
    if file.suffix == ".gz":
        return gzip.decompress(file.read_bytes()).decode()
    if file.suffix == ".zst":
        with duckdb.connect() as connection:
            sql = "SELECT content FROM read_csv(?, columns={'content': 'VARCHAR'}, delim='', "
            sql += "quote='', escape='', header=false, compression='zstd')"
            rows = connection.execute(sql, [str(file)]).fetchall()
        return "\n".join(row[0] or "" for row in rows)
    return file.read_text()

"""What the plan of a scan says holds in its tasks: the files' numbers, given schemas, keys of
folders, rejected rows."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import smallpond
from oracle import assert_same, duckdb_answer
from roads import BROADCAST, ONE_TASK, STAGE_ROADS, StageRoad, StageSession, assert_in_stages
from written import DIRECT, write_parts

PROCESSES = STAGE_ROADS[-1]

NUM_FILES = 4


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("planned")
    with duckdb.connect() as connection:
        for number in range(NUM_FILES):
            rows = (
                f"SELECT i AS id, 's' || i AS s FROM range({number * 10}, {number * 10 + 9}) t(i)"
            )
            for form in ["csv", "json", "parquet"]:
                target = folder / form / f"k={number}" / f"0.{form}"
                target.parent.mkdir(parents=True)
                connection.execute(f"COPY ({rows}) TO '{target}' (FORMAT {form})")
    for number in range(NUM_FILES):  # Names differ from file to file, the ids of the fields don't.
        names = [f"id_{number}", "s"] if number % 2 else ["s", f"id_{number}"]
        columns = {"s": pa.array(["a", "b"]), f"id_{number}": pa.array([number, 7])}
        ids = {"s": b"2"}
        schema = pa.schema(
            [
                pa.field(
                    name, columns[name].type, metadata={"PARQUET:field_id": ids.get(name, b"1")}
                )
                for name in names
            ]
        )
        target = folder / "ids" / f"{number}.parquet"
        target.parent.mkdir(exist_ok=True)
        pq.write_table(pa.table([columns[name] for name in names], schema=schema), target)
    return folder


FIELD_IDS = (
    "schema = MAP {1: {name: 'id', type: 'BIGINT', default_value: NULL}, "
    "2: {name: 'text', type: 'VARCHAR', default_value: NULL}, "
    "3: {name: 'missing', type: 'INTEGER', default_value: '5'}}"
)
QUERIES = {
    f"{name} {form}": sql.replace("READ", f"read_{form}('FOLDER/{form}/*/*.{form}')")
    for form in ["csv", "json", "parquet"]
    for name, sql in {
        "numbers": "SELECT file_index, id, s FROM READ",
        "numbers of fewer": "SELECT file_index, id FROM READ WHERE k > 1",
        "numbers in a filter": "SELECT id FROM READ WHERE file_index = 2",
        "numbers grouped": "SELECT file_index, count(*), sum(id) FROM READ GROUP BY file_index",
        "numbers joined": "SELECT a.id, b.file_index FROM READ a JOIN READ b USING (id)",
        "names of files": "SELECT filename, count(*) FROM READ GROUP BY filename",
        "keys": "SELECT k, typeof(k), count(*) FROM READ GROUP BY k",
    }.items()
} | {
    "row numbers": "SELECT file_row_number, id FROM read_parquet('FOLDER/parquet/*/*.parquet')",
    "row and file numbers": "SELECT file_index, file_row_number, id FROM "
    "read_parquet('FOLDER/parquet/*/*.parquet', file_row_number = true)",
    "typed keys": "SELECT k, typeof(k), id FROM "
    "read_parquet('FOLDER/parquet/*/*.parquet', hive_types = {'k': 'UTINYINT'}) WHERE k < 3",
    "text keys": "SELECT k, typeof(k), id FROM "
    "read_csv('FOLDER/csv/*/*.csv', hive_types_autocast = false) WHERE k <> '1'",
    "field ids": f"FROM read_parquet('FOLDER/ids/*.parquet', {FIELD_IDS})",
    "field ids and names": "SELECT id, text, parse_filename(name) AS name FROM "
    f"read_parquet('FOLDER/ids/*.parquet', {FIELD_IDS}, filename = 'name')",
    "field ids and row numbers": "SELECT id, text, file_row_number FROM "
    f"read_parquet('FOLDER/ids/*.parquet', {FIELD_IDS}, file_row_number = true)",
    "the same file twice": "SELECT file_index, id FROM "
    "read_csv(['FOLDER/csv/k=0/0.csv', 'FOLDER/csv/k=1/0.csv', 'FOLDER/csv/k=0/0.csv'])",
    "united, the same file twice": "FROM read_csv(['FOLDER/csv/k=0/0.csv', "
    "'FOLDER/csv/k=1/0.csv', 'FOLDER/csv/k=0/0.csv'], union_by_name = true)",
}


@pytest.fixture(scope="module")
def plain() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        yield connection


@pytest.mark.parametrize("name", QUERIES)
def test_scans_are_as_planned(
    files: Path,
    plain: duckdb.DuckDBPyConnection,
    sp: smallpond.Session,
    stage_session: StageSession,
    name: str,
) -> None:
    sql = QUERIES[name].replace("FOLDER", str(files))
    expected = duckdb_answer(plain, sql)
    assert_same(sp.sql(sql), expected)
    for road in [BROADCAST, ONE_TASK, PROCESSES]:
        frame = stage_session(road).sql(sql)
        assert_in_stages(frame, sql)
        assert_same(frame, expected)


def test_rejected_rows_stay_with_one_connection(
    tmp_path: Path, plain: duckdb.DuckDBPyConnection, stage_session: StageSession
) -> None:
    for number in range(3):
        (tmp_path / f"{number}.csv").write_text("a\n1\n2\nx\n")
    sql = (
        f"SELECT count(*), sum(a) FROM read_csv('{tmp_path}/*.csv', store_rejects = true, "
        "columns = {'a': 'BIGINT'})"
    )
    expected = duckdb_answer(plain, sql)
    assert expected.rows == [(6, 9)]
    frame = stage_session(BROADCAST).sql(sql)
    assert_in_stages(frame, sql)  # This process reads them, for the tasks.
    assert_same(frame, expected)


@pytest.mark.parametrize("road", [DIRECT, *STAGE_ROADS], ids=lambda road: road.name)
def test_a_missing_column_names_the_file_that_has_it(
    road: StageRoad, stage_session: StageSession, tmp_path: Path
) -> None:
    files = write_parts(
        tmp_path, ["SELECT 1 AS a, 2 AS b", "SELECT 2 AS b", "SELECT 3 AS a, 2 AS b"]
    )
    with pytest.raises(smallpond.Error) as caught:
        stage_session(road).sql(f"SELECT sum(a) FROM '{files}'").take_all()
    assert "/0.parquet" in str(caught.value) and "/1.parquet" in str(caught.value)

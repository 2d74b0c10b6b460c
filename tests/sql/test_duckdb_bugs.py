"""The ledger of DuckDB's wrong answers: that plain DuckDB still gives them, and what each of our
roads says. Where DuckDB answers right, its entry can go, here and in docs/duckdb_bugs.md."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest
import smallpond
from duckdb_bugs import BUGS, HARMLESS_DRIFTS, LOSSY_DRIFTS, Answer, Bug, write_files
from roads import ONE_TASK, SHUFFLED, STAGE_ROADS, StageRoad

ROADS: dict[str, StageRoad | None] = {
    "direct": None,
    "threads_1": ONE_TASK,
    "threads_7": SHUFFLED,
    "processes": STAGE_ROADS[-1],
}
LEDGER = Path(__file__).parents[2] / "docs" / "duckdb_bugs.md"

Open = Callable[[str], smallpond.Session]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bugs")
    write_files(folder)
    return folder


@pytest.fixture(scope="session")
def open_road(
    sp: smallpond.Session, stage_session: Callable[[StageRoad], smallpond.Session]
) -> Open:
    def open_road(name: str) -> smallpond.Session:
        road = ROADS[name]
        return stage_session(road) if road else sp

    return open_road


def over_files(sql: str, folder: Path) -> str:
    return re.sub(r"@(\w+)", lambda name: f"'{folder / name[1]}.parquet'", sql)


def plain_answer(sql: str) -> Answer:
    with duckdb.connect(config={"threads": 2}) as connection:
        try:
            return sorted(connection.execute(sql).fetchall(), key=str)
        except duckdb.Error as error:
            return str(error)


def our_answer(sp: smallpond.Session, sql: str) -> Answer:
    table = sp.sql(sql).to_arrow()
    rows = zip(*(column.to_pylist() for column in table.columns), strict=True)
    return sorted(rows, key=str)


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.name)
def test_duckdb_is_still_wrong(bug: Bug, folder: Path) -> None:
    assert bug.duckdb != bug.right
    answer = plain_answer(over_files(bug.sql, folder))
    if isinstance(bug.duckdb, str):
        assert bug.duckdb in answer
    else:
        assert answer == bug.duckdb


@pytest.mark.parametrize("road", ROADS)
@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.name)
def test_what_we_say(bug: Bug, road: str, folder: Path, open_road: Open) -> None:
    wanted = bug.duckdb if road in bug.as_duckdb else bug.right
    assert our_answer(open_road(road), over_files(bug.sql, folder)) == wanted


def write_drift(folder: Path, values: tuple[str, str]) -> list[Path]:
    files = [folder / "first.parquet", folder / "second.parquet"]
    with duckdb.connect() as connection:
        for file, value in zip(files, values, strict=True):
            connection.execute(f"COPY (SELECT {value} AS a) TO '{file}'")
    return files


def read(files: list[Path], **options: bool) -> str:
    arguments = "".join(f", {name}={value}" for name, value in options.items())
    return f"FROM read_parquet({[str(file) for file in files]}{arguments})"


@pytest.mark.parametrize("values", LOSSY_DRIFTS.values(), ids=LOSSY_DRIFTS)
def test_lossy_drift_is_an_error(values: tuple[str, str], tmp_path: Path, open_road: Open) -> None:
    files = write_drift(tmp_path, values)
    assert isinstance(plain_answer(read(files)), list)  # Changed values, and no word of it.
    told = f"Column a is .* in '{files[1]}', but .* in '{files[0]}'"
    for road in ["direct", "threads_7"]:
        with pytest.raises(smallpond.InvalidInputError, match=told):
            open_road(road).sql(read(files)).to_arrow()


@pytest.mark.parametrize("road", ROADS)
def test_lossy_drift_on_all_roads(road: str, tmp_path: Path, open_road: Open) -> None:
    files = write_drift(tmp_path, LOSSY_DRIFTS["double_as_integer"])
    sp = open_road(road)
    with pytest.raises(smallpond.InvalidInputError, match=r"Column a is DOUBLE in .*second"):
        sp.read_parquet(files).to_arrow()
    with pytest.raises(smallpond.InvalidInputError, match=r"Column a is DOUBLE in .*second"):
        sp.sql(f"{read(files)} WHERE a = 3").to_arrow()
    assert our_answer(sp, read(files, union_by_name=True)) == [(1.0,), (2.75,)]
    assert our_answer(sp, "SELECT count(*) " + read(files)) == [(2,)]


@pytest.mark.parametrize("values", HARMLESS_DRIFTS.values(), ids=HARMLESS_DRIFTS)
def test_harmless_drift_is_read(values: tuple[str, str], tmp_path: Path, open_road: Open) -> None:
    files = write_drift(tmp_path, values)
    for road in ["direct", "threads_7"]:
        assert our_answer(open_road(road), read(files)) == plain_answer(read(files))


def test_schema_by_field_id_says_the_types(tmp_path: Path, sp: smallpond.Session) -> None:
    file = tmp_path / "a.parquet"
    with duckdb.connect() as connection:
        connection.execute(f"COPY (SELECT 2.75::DOUBLE AS a) TO '{file}' (FIELD_IDS {{a: 1}})")
    schema = "MAP {1: {name: 'a', type: 'INTEGER', default_value: NULL}}"
    assert our_answer(sp, f"FROM read_parquet('{file}', schema={schema})") == [(3,)]


@pytest.mark.parametrize("road", ROADS)
def test_join_on_a_column_that_is_converted(road: str, tmp_path: Path, open_road: Open) -> None:
    with duckdb.connect() as connection:
        for name, sql in {
            "first": "SELECT i + 100.5::DOUBLE AS x FROM range(3000) t(i)",
            "second": "SELECT i::INTEGER AS x FROM range(100) t(i)",
            "keys": "SELECT i * 2.5::DOUBLE AS x FROM range(100000) t(i)",
        }.items():
            connection.execute(f"COPY ({sql}) TO '{tmp_path / name}.parquet'")
    files = [tmp_path / "first.parquet", tmp_path / "second.parquet"]
    sp = open_road(road)
    joined = f"SELECT count(*) {read(files)} JOIN '{tmp_path}/keys.parquet' USING (x)"
    assert our_answer(sp, joined) == [(20 + 600,)]
    smallest = our_answer(sp, f"{read(files)} ORDER BY x LIMIT 2")
    assert smallest == [(0.0,), (1.0,)]


def test_partition_named_as_null_is_written(tmp_path: Path, sp: smallpond.Session) -> None:
    rows = "FROM (VALUES (1, NULL), (2, '__HIVE_DEFAULT_PARTITION__'), (3, 'x')) t(a, p)"
    with duckdb.connect() as connection:
        connection.execute(
            f"COPY ({rows}) TO '{tmp_path / 'plain'}' (FORMAT parquet, PARTITION_BY p)"
        )
    assert plain_answer(f"SELECT count(*) FROM '{tmp_path}/plain/*/*.parquet'") == [(2,)]
    sp.sql(rows).write_parquet(tmp_path / "ours", partition_by="p")
    values = sp.read_parquet(tmp_path / "ours").to_arrow().column("p").to_pylist()
    assert sorted(map(str, values)) == ["None", "__HIVE_DEFAULT_PARTITION__", "x"]


def test_windows_that_are_rewritten_right_stay_fast(sp: smallpond.Session, folder: Path) -> None:
    def plan(order: str) -> str:
        ranked = f"FROM @numbers QUALIFY row_number() OVER (PARTITION BY v ORDER BY {order}) = 1"
        return sp.sql(over_files(ranked, folder)).explain()

    assert "WINDOW" not in plan("id")
    assert "WINDOW" in plan("id::DOUBLE")


def test_ledger_tells_every_case() -> None:
    lines = LEDGER.read_text().splitlines()
    for bug in BUGS:
        row = [line for line in lines if line.startswith(f"| `{bug.name}` |")]
        assert len(row) == 1, bug.name
        roads = row[0].split("|")[-2].strip()
        if not bug.as_duckdb:
            assert roads == "right"
        elif set(bug.as_duckdb) == set(ROADS):
            assert roads == "as DuckDB"
        else:
            assert roads == "as DuckDB on " + " and ".join(
                road for road in ROADS if road in bug.as_duckdb
            )

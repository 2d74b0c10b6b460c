"""Versions of a folder that tasks write: modes, appends, failures, empty results, races."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import smallpond
from drawn import drawn
from folder_content import everything_below
from roads import ONE_TASK, SHUFFLED, STAGE_ROADS, StageRoad, StageSession
from written import (
    ALL_ROADS,
    DIRECT,
    FORMS,
    PROCESSES,
    Plain,
    assert_nothing_beside,
    assert_told,
    assert_written,
    data_files,
    each_road,
    lines_of,
    query,
    write,
)

SQL = "SELECT event_id, kind, day, amount FROM events"
FAILING = """SELECT event_id, CASE WHEN event_id = 333 THEN (kind || '!')::INTEGER END AS kind, day,
             amount FROM events"""


# --- modes


@pytest.mark.parametrize(
    ("road", "form"),
    [*drawn(ALL_ROADS, ["parquet"], 5, 0), *drawn(ALL_ROADS, ["csv", "json"], 1.5, 2)],
)
def test_modes(
    stage_session: StageSession, oracle: Plain, split: Path, tmp_path: Path, road: StageRoad,
    form: str,
) -> None:  # fmt: skip
    sp, out = stage_session(road), tmp_path / "out"
    some, others = f"{SQL} WHERE part < 3", f"{SQL} WHERE part >= 3"
    write(query(sp, split, some), form, out, "error")
    assert_written(oracle, out, some, form)
    first = everything_below(out)
    with pytest.raises(smallpond.InvalidInputError, match="out"):
        write(query(sp, split, others), form, out, "error")
    assert write(query(sp, split, others), form, out, "ignore").num_files == 0
    assert everything_below(out) == first
    earlier = set(data_files(out))
    result = write(query(sp, split, others), form, out, "append")
    assert_written(oracle, out, f"{some} UNION ALL {others}", form)
    added = set(data_files(out)) - earlier
    [(num_added,)] = oracle.execute(f"SELECT count(*) FROM ({others})").fetchall()
    assert_told(result, sorted(added), num_added)
    assert all(everything_below(out)[file.name] == first[file.name] for file in earlier)
    write(query(sp, split, others), form, out, "overwrite")
    assert_written(oracle, out, others, form)
    assert not set(data_files(out)) & (earlier | added), "no name is used twice"
    write(query(sp, split, some), form, out, "append")
    assert_written(oracle, out, f"{some} UNION ALL {others}", form)


@each_road
def test_over_and_onto_its_own_input(
    stage_session: StageSession, oracle: Plain, split: Path, tmp_path: Path, road: StageRoad
) -> None:
    sp, out = stage_session(road), tmp_path / "out"
    query(sp, split, SQL).repartition(4).write_parquet(out)
    sp.sql("FROM {0} WHERE event_id % 3 > 0", sp.read_parquet(out)).write_parquet(out)
    kept = f"{SQL} WHERE event_id % 3 > 0"
    assert_written(oracle, out, kept)
    own = sp.sql("SELECT * REPLACE (event_id + 400 AS event_id) FROM {0}", sp.read_parquet(out))
    own.write_parquet(out, "append")
    more = f"SELECT event_id + 400, kind, day, amount FROM ({kept})"
    assert_written(oracle, out, f"{kept} UNION ALL {more}")


@pytest.mark.parametrize("road", [DIRECT, SHUFFLED, PROCESSES], ids=lambda road: road.name)
def test_layouts_replace_each_other(
    stage_session: StageSession, oracle: Plain, split: Path, tmp_path: Path, road: StageRoad
) -> None:
    """Nothing of an earlier layout stays, empty folders neither; anybody may read what is there."""
    sp, out = stage_session(road), tmp_path / "out"
    for keys in [["kind", "day"], None, ["day"], None]:
        query(sp, split, SQL).write_parquet(out, partition_by=keys)
        below = [path for path in out.rglob("*") if path.relative_to(out).parts[0] != "_smallpond"]
        folders = {path for path in below if path.is_dir()}
        assert folders == {parent for path in data_files(out) for parent in path.parents} & folders
        assert len({path.suffix for path in data_files(out)}) == 1
        assert {path.stat().st_mode & 0o777 for path in data_files(out)} == {0o666 & ~umask()}
        assert {path.stat().st_mode & 0o777 for path in folders} <= {0o777 & ~umask()}
    assert_written(oracle, out, SQL)
    with pytest.raises(smallpond.InvalidInputError, match=r"end in \.parquet"):
        query(sp, split, SQL).write_csv(out, "append")
    query(sp, split, SQL).write_csv(out)
    assert_written(oracle, out, SQL, "csv")


def umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


# --- appends

PAIRS = [
    *[(DIRECT, road) for road in STAGE_ROADS],
    *[(road, DIRECT) for road in STAGE_ROADS],
    (SHUFFLED, PROCESSES),
]  # fmt: skip


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: " then ".join(road.name for road in pair))
def test_appends_of_other_roads(
    stage_session: StageSession, oracle: Plain, split: Path, tmp_path: Path,
    pair: tuple[StageRoad, StageRoad],
) -> None:  # fmt: skip
    """With columns in another order, of other letter case and types, which become those there."""
    out = tmp_path / "out"
    first, second = (stage_session(road) for road in pair)
    query(first, split, SQL).write_parquet(out)
    other = """SELECT day::TIMESTAMP AS DAY, amount::VARCHAR AS amount,
               event_id::DOUBLE AS Event_ID,
               NULLIF(kind, 'buy')::ENUM('view', 'click', 'cart', 'like') AS kind
               FROM events"""
    query(second, split, other).write_parquet(out, "append")
    again = "SELECT event_id, NULLIF(kind, 'buy') AS kind, day, amount FROM events"
    assert_written(oracle, out, f"{SQL} UNION ALL {again}")
    before = everything_below(out)
    lossy = SQL.replace("event_id,", "event_id + (event_id = 333)::INTEGER / 2 AS event_id,")
    with pytest.raises(smallpond.InvalidInputError, match=r"Column 'event_id' holds 333\.5"):
        query(second, split, lossy).write_parquet(out, "append")
    assert everything_below(out) == before
    assert_nothing_beside(out)


@pytest.mark.parametrize("road", [SHUFFLED, PROCESSES], ids=lambda road: road.name)
@pytest.mark.parametrize("form", ["csv", "json"])
def test_appends_of_text(
    stage_session: StageSession, oracle: Plain, split: Path, tmp_path: Path, road: StageRoad,
    form: str,
) -> None:  # fmt: skip
    out, sp = tmp_path / "out", stage_session(road)
    write(query(sp, split, SQL), form, out)
    other = (
        "SELECT amount::DOUBLE AS amount, day::TIMESTAMP AS day, kind, event_id::TEXT AS EVENT_ID"
    )
    write(query(sp, split, f"{other} FROM events"), form, out, "append")
    assert_written(oracle, out, f"{SQL} UNION ALL {SQL}", form)
    before = everything_below(out)
    late = SQL.replace("day,", "day + INTERVAL (event_id // 400) HOUR AS day,")
    with pytest.raises(smallpond.InvalidInputError, match="Column 'day' holds"):
        write(query(sp, split, late), form, out, "append")
    assert everything_below(out) == before


# --- failures


@pytest.mark.parametrize(
    ("road", "mode"),
    [*drawn(ALL_ROADS, ["overwrite"], 5, 0), *drawn(ALL_ROADS, ["error", "append"], 1.5, 2)],
)
def test_a_failed_task_leaves_everything_as_it_was(
    stage_session: StageSession, oracle: Plain, split: Path, tmp_path: Path, road: StageRoad,
    mode: str,
) -> None:  # fmt: skip
    sp, old, new = stage_session(road), tmp_path / "old", tmp_path / "new" / "deep" / "out"
    query(sp, split, SQL).repartition(2).write_parquet(old)
    before = everything_below(tmp_path)
    frame = query(sp, split, FAILING)
    for options in [{}, {"partition_by": "day"}, {"file_size": "1KB"}, {"sort_by": "amount"}]:
        for spread in [frame, frame.repartition(3, hash_by="day")]:
            for path in [new, *([old] if mode in ("overwrite", "append") else [])]:
                if mode == "append" and path == old and "partition_by" in options:
                    continue  # Refused for another reason.
                with pytest.raises(smallpond.InvalidInputError, match="Could not convert"):
                    spread.write_parquet(path, mode, **options)
            assert everything_below(tmp_path) == before
    query(sp, split, SQL).write_parquet(old)
    assert_written(oracle, old, SQL)


@pytest.mark.parametrize("form", ["csv", "json"])
def test_a_failed_task_of_text(
    stage_session: StageSession, oracle: Plain, split: Path, tmp_path: Path, form: str
) -> None:
    for road in [DIRECT, SHUFFLED, PROCESSES]:
        sp, out = stage_session(road), tmp_path / road.name
        write(query(sp, split, SQL), form, out)
        before = everything_below(tmp_path)
        for mode in ["overwrite", "append"]:
            with pytest.raises(smallpond.InvalidInputError, match="Could not convert"):
                write(query(sp, split, FAILING), form, out, mode)
            assert everything_below(tmp_path) == before


# --- few rows

NO_ROWS = {
    "foreseen": f"{SQL} WHERE false",
    "unforeseen": f"{SQL} WHERE kind || event_id = 'none'",
    "grouped": "SELECT kind, sum(amount) AS a FROM events WHERE kind || day = 'x' GROUP BY kind",
    "ordered": f"{SQL} WHERE kind || event_id = 'none' ORDER BY event_id LIMIT 5",
    "nested": "SELECT tags, {'a': note} AS s, NULL AS n FROM events WHERE kind || day = ''",
}
OTHERS = [name for name in NO_ROWS if name != "unforeseen"]
SPREADS: dict[str, Callable[[smallpond.DataFrame], smallpond.DataFrame]] = {
    "": lambda frame: frame,
    "even": lambda frame: frame.repartition(3),
    "hash": lambda frame: frame.repartition(3, hash_by=frame.columns[0]),
}


@pytest.mark.parametrize(
    ("road", "name"),
    [*drawn(ALL_ROADS, ["unforeseen"], 5, 0), *drawn(ALL_ROADS, OTHERS, 1, 2)],
)
def test_no_rows(
    stage_session: StageSession, oracle: Plain, split: Path, tmp_path: Path, road: StageRoad,
    name: str,
) -> None:  # fmt: skip
    """One file tells the columns; appending to it adds the first rows."""
    sp, sql = stage_session(road), NO_ROWS[name]
    for number, spread in enumerate(SPREADS.values()):
        out = tmp_path / str(number)
        assert_told(spread(query(sp, split, sql)).write_parquet(out), data_files(out), 0)
        assert len(data_files(out)) == 1
        assert_written(oracle, out, sql)
        query(sp, split, SQL).write_parquet(out, "append")
        assert sp.read_parquet(out).count() == 400
    write(query(sp, split, sql), "csv", tmp_path / "csv")
    assert_written(oracle, tmp_path / "csv", sql, "csv")
    write(query(sp, split, sql), "json", tmp_path / "json")
    assert lines_of(data_files(tmp_path / "json")) == [] and len(data_files(tmp_path / "json")) == 1


@each_road
def test_appending_no_rows(
    stage_session: StageSession, oracle: Plain, split: Path, tmp_path: Path, road: StageRoad
) -> None:
    sp, out = stage_session(road), tmp_path / "out"
    query(sp, split, SQL).write_parquet(out)
    query(sp, split, NO_ROWS["unforeseen"]).write_parquet(out, "append")
    assert_written(oracle, out, SQL)
    query(sp, split, NO_ROWS["unforeseen"]).write_parquet(out)
    assert_written(oracle, out, NO_ROWS["unforeseen"])


ODD_FILES = {
    "no rows at all": ["WHERE false"] * 4,
    "rows in the last one": ["WHERE false"] * 4 + ["LIMIT 3"],
    "rows in the first one": ["LIMIT 3"] + ["WHERE false"] * 4,
    "empty ones between": ["LIMIT 1", "WHERE false", "LIMIT 2", "WHERE false", "LIMIT 3"],
}


@pytest.mark.parametrize(("road", "name"), drawn(ALL_ROADS, [*ODD_FILES], 2, 2))
def test_files_without_rows(
    stage_session: StageSession, oracle: Plain, tmp_path: Path, road: StageRoad, name: str
) -> None:
    sp, files = stage_session(road), tmp_path / "in"
    files.mkdir()
    for number, which in enumerate(ODD_FILES[name]):
        rows = f"SELECT event_id + 1000 * {number} AS event_id, kind, tags FROM events {which}"
        oracle.execute(f"COPY ({rows}) TO '{files}/{number}.parquet'")
    frame, plain = sp.read_parquet(files), f"FROM read_parquet('{files}/*.parquet')"
    for number, spread in enumerate(SPREADS.values()):
        out = tmp_path / str(number)
        spread(frame).write_parquet(out)
        assert_written(oracle, out, plain)


@pytest.mark.parametrize(("road", "form"), drawn(ALL_ROADS, FORMS, 1.5, 2))
def test_rows_of_one_task_and_columns_of_nulls(
    stage_session: StageSession, oracle: Plain, split: Path, tmp_path: Path, road: StageRoad,
    form: str,
) -> None:  # fmt: skip
    sp = stage_session(road)
    queries = [
        f"{SQL} WHERE kind || event_id = 'view175' OR event_id // 7 = 25",
        "SELECT event_id, NULL AS n, NULL::VARCHAR AS s, NULL::INTEGER[] AS l FROM events",
        "SELECT NULL AS n, CASE WHEN event_id > 390 THEN note END AS s FROM events",
        "SELECT CASE WHEN event_id < 99 THEN {'a': [event_id]} END AS s FROM events",
    ]
    for number, sql in enumerate(queries):
        write(query(sp, split, sql), form, tmp_path / str(number))
        assert_written(oracle, tmp_path / str(number), sql, form)


# --- names and races


@pytest.mark.parametrize("road", [SHUFFLED, PROCESSES], ids=lambda road: road.name)
def test_names_of_folders(
    stage_session: StageSession, oracle: Plain, split: Path, tmp_path: Path, road: StageRoad,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """Relative ones too: a worker's folder need not be the caller's."""
    sp, base = stage_session(road), tmp_path / 'it\'s [1] "*?" {0} %s ünï x=1'
    base.mkdir()
    monkeypatch.chdir(base)
    for name in ["out", "a'b", 'a"b', "a b/c;d", "k=v", "*.parquet", "[o]ut?", "字", "{x}", "--"]:
        for _ in range(2):
            query(sp, split, SQL).repartition(2, hash_by="kind").write_parquet(name)
        assert_written(oracle, base / name, SQL)
    query(sp, split, SQL).write_csv("k=v", "overwrite", partition_by="kind")
    assert len(data_files(base / "k=v")) >= 5


def test_writers_of_several_roads_at_the_same_time(
    stage_session: StageSession, oracle: Plain, split: Path, tmp_path: Path
) -> None:
    """Appends go on top of each other; of overwriters one wins whole."""
    out, over = tmp_path / "appended", tmp_path / "over"
    query(stage_session(DIRECT), split, f"{SQL} WHERE event_id % 7 = 0").write_parquet(out)
    errors: list[Exception] = []
    outcomes: list[str] = []

    def run(number: int, road: StageRoad) -> None:
        frame = query(stage_session(road), split, f"{SQL} WHERE event_id % 7 = {number}")
        try:
            frame.write_parquet(out, "append")
        except Exception as error:
            errors.append(error)
        try:
            frame.repartition(3).write_parquet(over)
            outcomes.append("won")
        except smallpond.UnavailableError:
            outcomes.append("lost")

    roads = [SHUFFLED, SHUFFLED, ONE_TASK, PROCESSES, PROCESSES, DIRECT]
    for road in roads:
        stage_session(road)
    threads: list[Any] = [
        threading.Thread(target=run, args=(number, road)) for number, road in enumerate(roads, 1)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == [] and len(outcomes) == len(roads) and "won" in outcomes
    assert_written(oracle, out, SQL)
    [(part,)] = oracle.execute(f"SELECT DISTINCT event_id % 7 FROM '{over}/*.parquet'").fetchall()
    assert_written(oracle, over, f"{SQL} WHERE event_id % 7 = {part}")

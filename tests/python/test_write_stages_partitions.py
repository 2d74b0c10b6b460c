"""Partitions, folders key=value, sorted files and files of a size, on every road."""

from __future__ import annotations

import itertools
import json
import re
from pathlib import Path
from typing import Any

import pytest
import smallpond
from drawn import drawn
from folder_content import everything_below
from oracle import Rows, assert_same_rows
from roads import ONE_TASK, SHUFFLED, StageRoad, StageSession
from written import (
    ALL_ROADS,
    DIRECT,
    FORMS,
    PROCESSES,
    Plain,
    assert_nothing_beside,
    assert_written,
    data_files,
    each_road,
    folders,
    lines_of,
    num_tasks,
    query,
    scan,
    write,
)

# --- partitions


def partitions(plain: Plain, out: Path, columns: str = "*") -> dict[int, Rows]:
    """The rows of each partition that has some, by its number, in the order of its files."""
    files: dict[int, list[Path]] = {}
    for path in data_files(out):
        number = re.fullmatch(r"part-(\d{5})-[0-9a-f]+(-\d+)?\.parquet", path.name)
        assert number, path.name
        files.setdefault(int(number[1]), []).append(path)
    return {
        number: plain.execute(f"SELECT {columns} FROM {scan(paths)}").fetchall()
        for number, paths in files.items()
    }


INPUTS = {
    "scan": "SELECT event_id, user_id, kind, part FROM events",
    "filter": "SELECT event_id, user_id, kind, part FROM events WHERE event_id % 3 > 0",
    "join": "SELECT event_id, user_id, kind, part FROM events JOIN users USING (user_id)",
    "groups": "SELECT user_id, kind, max(event_id) AS event_id, max(part) AS part FROM events "
    "GROUP BY user_id, kind",
}


@pytest.mark.parametrize(
    ("road", "name"),
    [*drawn(ALL_ROADS, ["scan"], 5, 0), *drawn(ALL_ROADS, ["filter", "join", "groups"], 2 / 3, 2)],
)
def test_repartition(
    stage_session: StageSession, oracle: Plain, split: Path, tmp_path: Path, road: StageRoad,
    name: str,
) -> None:  # fmt: skip
    sp, out, sql = stage_session(road), tmp_path / "out", INPUTS[name]

    def written(*arguments: Any, **ways: Any) -> dict[int, Rows]:
        result = query(sp, split, sql).repartition(*arguments, **ways).write_parquet(out)
        assert_written(oracle, out, sql)
        found = partitions(oracle, out, "part, user_id, kind, event_id")
        assert result.num_files == len(found) <= arguments[0]
        return found

    sizes = [len(rows) for rows in written(7).values()]
    assert len(sizes) == 7 and max(sizes) < 2 * min(sizes)
    found = written(9, by="part")
    assert {number: {row[0] for row in rows} for number, rows in found.items()} == {
        part: {part} for [part] in oracle.execute(f"SELECT DISTINCT part FROM ({sql})").fetchall()
    }
    found = written(6, by_rows=True)
    sizes = [len(rows) for rows in found.values()]
    assert list(found) == list(range(6)) and max(sizes) - min(sizes) <= 1
    if name in ("scan", "filter"):
        ids = [row[3] for rows in found.values() for row in rows]
        assert ids == sorted(ids), "neighbours stay neighbours"
    direct = query(stage_session(DIRECT), split, sql)
    for keys in ["user_id", "kind", ["kind", "part"]]:
        found = written(6, hash_by=keys)
        direct.repartition(6, hash_by=keys).write_parquet(tmp_path / "direct")
        expected = partitions(oracle, tmp_path / "direct", "part, user_id, kind, event_id")
        assert len(expected) > 1 and found.keys() == expected.keys()
        for number, rows in expected.items():
            assert_same_rows(found[number], rows)
    assert list(written(1)) == [0]


@each_road
def test_partitions_without_rows(
    stage_session: StageSession, oracle: Plain, split: Path, tmp_path: Path, road: StageRoad
) -> None:
    sp, sql = stage_session(road), "SELECT event_id, kind FROM events WHERE event_id % 100 = 7"
    frame = query(sp, split, sql)
    for number, ways in enumerate([{}, {"by_rows": True}, {"hash_by": "kind"}]):
        out = tmp_path / str(number)
        frame.repartition(50, **ways).write_parquet(out)
        assert_written(oracle, out, sql)
        frame.repartition(50, **ways).write_parquet(out, "append")
        assert_written(oracle, out, f"{sql} UNION ALL {sql}")
    before = everything_below(tmp_path)
    for path in [tmp_path / "0", tmp_path / "new"]:
        with pytest.raises(smallpond.InvalidInputError, match="out of range 0-4"):
            query(sp, split, "FROM events").repartition(5, by="part").write_parquet(path)
    assert everything_below(tmp_path) == before


@each_road
def test_equal_keys_of_two_outputs_meet(
    stage_session: StageSession, oracle: Plain, split: Path, tmp_path: Path, road: StageRoad
) -> None:
    """Partition i of one holds the keys of partition i of the other, written on another road."""
    sp, other = stage_session(road), stage_session(SHUFFLED if road == DIRECT else DIRECT)
    query(sp, split, "FROM events").repartition(5, hash_by="user_id").write_parquet(tmp_path / "e")
    users = query(other, split, "SELECT user_id::DOUBLE AS user_id, country FROM users")
    users.repartition(5, hash_by="user_id").write_parquet(tmp_path / "u")
    events_of, users_of = (partitions(oracle, tmp_path / n, "user_id") for n in ["e", "u"])
    met = sum(
        row in set(users_of.get(number, [])) for number, rows in events_of.items() for row in rows
    )
    [(expected,)] = oracle.execute(
        "SELECT count(*) FROM events SEMI JOIN users USING (user_id)"
    ).fetchall()
    assert met == expected > 300


@each_road
def test_queries_per_partition(
    stage_session: StageSession, oracle: Plain, split: Path, tmp_path: Path, road: StageRoad
) -> None:
    sp, out = stage_session(road), tmp_path / "out"
    rows = "SELECT event_id, user_id, kind, amount, part FROM events"
    spread = query(sp, split, rows).repartition(7, by="part")
    groups = "SELECT part, kind, count(*) AS n, sum(amount) AS s FROM {0} GROUP BY part, kind"
    sp.partial_sql(groups, spread).write_parquet(out)
    assert_written(oracle, out, groups.replace("{0}", "events"))
    assert all({row[0]} == {i} for i, of in partitions(oracle, out, "part").items() for row in of)
    top = "SELECT part, event_id, kind FROM {0} ORDER BY event_id DESC LIMIT 3"
    sp.partial_sql(top, spread, merge="concat").write_parquet(out)
    of_each = " UNION ALL ".join(
        f"({top.replace('{0}', f'events WHERE part = {part}')})" for part in range(7)
    )
    assert_written(oracle, out, of_each, order_by=["part", "event_id"])
    assert all({row[0]} == {i} for i, of in partitions(oracle, out, "part").items() for row in of)
    sorted_parts = spread.partial_sort("amount DESC")
    for frame in [sorted_parts, spread.map("*"), spread.filter("event_id > 0")]:
        frame.write_parquet(out)
        assert_written(oracle, out, rows)
        assert all({r[0]} == {i} for i, of in partitions(oracle, out, "part").items() for r in of)
    sorted_parts.write_parquet(out)
    for of in partitions(oracle, out, "amount").values():
        assert of == sorted(of, reverse=True)
    spread.repartition(3).write_parquet(out)
    assert len(data_files(out)) == 3
    assert_written(oracle, out, rows)


# --- folders

TEXTS = [
    None, "", "NULL", "null", "__HIVE_DEFAULT_PARTITION__", "a/b", "x=y", "%", "%2F", "ünï 字",
    "a b", "'", '"', "*", "..", "_smallpond", "a\nb", "{0}", "007",
]  # fmt: skip


def text_keys(oracle: Plain, folder: Path) -> str:
    """Writes files whose rows have a key each of TEXTS, and returns a query over them."""
    folder.mkdir()
    for number in range(4):
        rows = f"""SELECT i, $texts[1 + (i % len($texts))::BIGINT] AS k
                   FROM range(30 * {number}, 30 + 30 * {number}) t(i)"""
        oracle.execute(f"COPY ({rows}) TO '{folder}/{number}.parquet'", {"texts": TEXTS})
    return f"SELECT i, k, i % 2 AS p, 'v' || i AS v FROM read_parquet('{folder}/*.parquet')"


@each_road
def test_text_keys(
    stage_session: StageSession, oracle: Plain, tmp_path: Path, road: StageRoad
) -> None:
    sql, found = text_keys(oracle, tmp_path / "in"), {}
    expected = oracle.execute(sql).fetchall()
    for each in [DIRECT, road]:
        for form in FORMS if road in (DIRECT, SHUFFLED, PROCESSES) else ["parquet"]:
            out = tmp_path / each.name / form
            write(stage_session(each).sql(sql), form, out, partition_by=["k"])
            found[each.name, form] = {
                name: sorted(lines_of(files)) if form == "json" else len(files)
                for name, files in folders(out).items()
            }
            assert len(found[each.name, form]) == len(TEXTS)
        reader = scan(
            data_files(tmp_path / each.name / "parquet"),
            ", hive_partitioning = true, hive_types = {k: VARCHAR}",
        )
        assert_same_rows(oracle.execute(f"SELECT i, k, p, v FROM {reader}").fetchall(), expected)
    for form in FORMS:
        if (road.name, form) in found:
            a, b = found[DIRECT.name, form], found[road.name, form]
            assert a == b if form == "json" else a.keys() == b.keys()
    read = stage_session(DIRECT).read_parquet(tmp_path / road.name / "parquet")
    assert read.schema["k"] == "VARCHAR"
    assert_same_rows([(r["i"], r["k"], r["p"], r["v"]) for r in read.take_all()], expected)


KEYS = {
    "BOOLEAN": "event_id % 2 = 0",
    "DATE": "day",
    "DECIMAL(5,2)": "(event_id % 5 - 2.25)::DECIMAL(5,2)",
    "BIGINT": "event_id % 4 - 1",
    "DOUBLE": "[0.1, -1e300, 'inf'::DOUBLE][1 + event_id % 3]",
    "TIMESTAMP": "TIMESTAMP '2026-01-01 12:34:56.789' + to_days((event_id % 3)::INTEGER)",
    "TIME": "TIME '01:02:03.5' + to_hours(event_id % 3)",
}


@pytest.mark.parametrize(("road", "kind"), drawn([DIRECT, SHUFFLED, PROCESSES], [*KEYS], 1, 1))
def test_types_of_keys(
    stage_session: StageSession, oracle: Plain, split: Path, tmp_path: Path, road: StageRoad,
    kind: str,
) -> None:  # fmt: skip
    sp, out = stage_session(road), tmp_path / "out"
    sql = (
        f"SELECT event_id, CASE WHEN event_id % 11 > 0 THEN {KEYS[kind]} END AS k, note FROM events"
    )
    frame = query(sp, split, sql)
    for options in [{}, {"sort_by": "note"}, {"file_size": "1MB"}]:
        frame.write_parquet(out, partition_by="k", **options)
        hive = f", hive_partitioning = true, hive_types = {{'k': '{kind}'}}"
        found = oracle.execute(f"SELECT event_id, k, note FROM {scan(data_files(out), hive)}")
        assert_same_rows(found.fetchall(), oracle.execute(sql).fetchall())
        assert len(folders(out)) == len(
            oracle.execute(f"SELECT DISTINCT k FROM ({sql})").fetchall()
        )
        assert sp.read_parquet(out).schema == frame.schema
    frame.limit(0).write_parquet(out, partition_by="k")
    assert sp.read_parquet(out).schema == frame.schema and len(data_files(out)) == 1


@each_road
def test_folders_of_another_road_are_appended_to(
    stage_session: StageSession, oracle: Plain, split: Path, tmp_path: Path, road: StageRoad
) -> None:
    first, second = stage_session(road), stage_session(PROCESSES if road == DIRECT else DIRECT)
    out, sql = tmp_path / "out", "SELECT event_id, kind, day FROM events"
    query(first, split, sql).write_parquet(out, partition_by=["kind", "day"])
    before = set(data_files(out))
    other = "SELECT day::VARCHAR AS day, kind, event_id + 400 AS event_id FROM events"
    query(second, split, other).repartition(2).write_parquet(
        out, "append", partition_by=["kind", "day"]
    )
    assert before < set(data_files(out))
    read = first.read_parquet(out)
    assert read.schema == {"event_id": "BIGINT", "kind": "VARCHAR", "day": "DATE"}
    expected = oracle.execute(f"{sql} UNION ALL SELECT event_id + 400, kind, day FROM events")
    found = [(r["event_id"], r["kind"], r["day"]) for r in read.take_all()]
    assert_same_rows(found, expected.fetchall())


@pytest.mark.parametrize(("road", "form"), drawn([SHUFFLED, PROCESSES], FORMS, 1, 1))
def test_many_folders(
    stage_session: StageSession, oracle: Plain, split: Path, tmp_path: Path, road: StageRoad,
    form: str,
) -> None:  # fmt: skip
    sp, out = stage_session(road), tmp_path / "out"
    frame = query(sp, split, "SELECT event_id, note, (event_id - 1) % 80 AS k FROM events")
    write(frame, form, out, partition_by="k")
    assert len(folders(out)) == 80
    read = getattr(sp, f"read_{form}")(out)
    found = [(row["event_id"], row["note"], row["k"]) for row in read.take_all()]
    expected = oracle.execute("SELECT event_id, note, (event_id - 1) % 80 FROM events").fetchall()
    assert_same_rows(found, expected)


# --- sorted files, and files of a size

MANY = """
    SELECT (event_id * 60 + j) * 7919 % 1000003 AS h, event_id, event_id % 2 AS k, j
    FROM events, range(60) t(j)"""
SIZE = 10_000
SPREADS: dict[str, dict[str, str] | None] = {"whole": None, "even": {}, "hash": {"hash_by": "k"}}


def descents(rows: Rows) -> int:
    """How many times a sorted sequence begins anew."""
    return sum(a > b for a, b in itertools.pairwise(rows))


LAYOUTS = [f"{spread} {where}" for spread in SPREADS for where in ["flat", "folders"]]


@pytest.mark.parametrize(
    ("road", "layout"), drawn([DIRECT, SHUFFLED, ONE_TASK, PROCESSES], LAYOUTS, 1, 1.5)
)
def test_layouts(
    stage_session: StageSession, oracle: Plain, split: Path, tmp_path: Path, road: StageRoad,
    layout: str,
) -> None:  # fmt: skip
    """Each task sorts its rows, and begins another file when one is full."""
    spread, keys = SPREADS[layout.split()[0]], ["k"] if "folders" in layout else []
    out, frame = tmp_path / "out", query(stage_session(road), split, MANY)
    tasks = num_tasks(frame)
    if spread is not None:
        frame, tasks = frame.repartition(3, **spread), 3
    expected = oracle.execute(f"SELECT h, event_id FROM ({MANY})").fetchall()
    for options in [{"sort_by": "h"}, {"file_size": SIZE}, {"sort_by": "h", "file_size": SIZE}]:
        frame.write_parquet(out, partition_by=keys or None, row_group_size=2048, **options)
        found: Rows = []
        for name, files in folders(out).items():
            rows = oracle.execute(f"SELECT h, event_id FROM {scan(files)}").fetchall()
            assert not keys or name == f"k={rows[0][1] % 2}"
            found += rows
            if "sort_by" in options:
                assert descents([row[:1] for row in rows]) < tasks
            if "file_size" in options:
                sizes = [file.stat().st_size for file in files]
                assert len(files) > 1 and max(sizes) < 4 * SIZE
                assert sum(size < SIZE / 3 for size in sizes) <= tasks
        assert sorted(found) == sorted(expected)
        assert len(folders(out)) == (2 if keys else 1)
        assert_nothing_beside(out)


@pytest.mark.parametrize(("road", "form"), drawn(ALL_ROADS, FORMS, 2, 2))
def test_an_order_of_all_rows_is_that_of_the_names(
    stage_session: StageSession, oracle: Plain, split: Path, tmp_path: Path, road: StageRoad,
    form: str,
) -> None:  # fmt: skip
    out, sql = (
        tmp_path / "out",
        f"SELECT event_id, h FROM ({MANY}) WHERE j < 40 AND k = 1 ORDER BY h DESC",
    )
    frame = query(stage_session(road), split, sql)
    write(frame, form, out, file_size=30_000)
    assert len(data_files(out)) > 1
    assert_written(oracle, out, sql, form, ["h"])


@pytest.mark.parametrize(
    ("road", "form"), drawn([DIRECT, SHUFFLED, PROCESSES], ["csv", "json"], 2, 1)
)
def test_folders_of_text(
    stage_session: StageSession, oracle: Plain, split: Path, tmp_path: Path, road: StageRoad,
    form: str,
) -> None:  # fmt: skip
    """Each folder has its rows; sorted and of a size where that is asked for."""
    out, sp = tmp_path / "out", stage_session(road)
    sql = "SELECT event_id, kind, part, j FROM events, range(8) t(j)"
    for options in [{}, {"sort_by": "event_id"}, {"sort_by": "event_id", "file_size": "4KB"}]:
        write(query(sp, split, sql), form, out, partition_by=["kind", "part"], **options)
        for name, files in folders(out).items():
            kind, part = re.fullmatch(r"kind=(\w+)/part=(\d)", name).groups()  # type: ignore
            lines = [line for file in files for line in lines_of([file])[form == "csv" :]]
            found = [
                (row["event_id"], row["j"]) if form == "json" else tuple(row)
                for row in (json.loads(x if form == "json" else f"[{x}]") for x in lines)
            ]
            expected = oracle.execute(
                f"SELECT event_id, j FROM ({sql}) WHERE kind = '{kind}' AND part = {part}"
            ).fetchall()
            assert sorted(found) == sorted(expected)
            if options:
                assert descents([row[:1] for row in found]) < 7
        chosen = oracle.execute("SELECT count(DISTINCT (kind, part)) FROM events").fetchall()
        assert len(folders(out)) == chosen[0][0]

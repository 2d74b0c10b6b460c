"""Queries of all kinds, written on every road: each row once, as plain DuckDB writes it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest
import smallpond
from drawn import drawn
from oracle import assert_same_rows, duckdb_answer, rows_of
from roads import BROADCAST, ONE_TASK, SHUFFLED, StageRoad, StageSession, assert_in_stages
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
    scan,
    write,
)

# --- queries

QUERIES: dict[str, tuple[str, list[str]]] = {
    "scan": ("FROM events", []),
    "constants": ("SELECT 1 AS one, NULL AS nothing, ['a', NULL] AS l", []),
    "cte": (
        "WITH c AS (SELECT user_id, count(*) AS n, list(kind ORDER BY event_id) AS l FROM events "
        "GROUP BY ALL) SELECT u.*, c.n, c.l, d.n AS m FROM c JOIN users u USING (user_id) "
        "JOIN c d ON d.user_id = u.mentor",
        [],
    ),
    "left_join": ("SELECT * FROM events LEFT JOIN users USING (user_id)", []),
    "full_join": (
        "SELECT e.event_id, u.user_id, u.country FROM events e FULL JOIN users u "
        "ON e.user_id = u.user_id AND e.part = 2",
        [],
    ),
    "not_in": (
        "SELECT user_id FROM users WHERE user_id NOT IN "
        "(SELECT user_id FROM events WHERE user_id IS NOT NULL)",
        [],
    ),
    "aggregate": (
        "SELECT kind, day, count(*) AS n, sum(amount) AS amount, sum(part) AS parts, "
        "count(DISTINCT user_id) AS users, max(note) AS note, avg(revenue) AS revenue "
        "FROM events GROUP BY kind, day",
        [],
    ),
    "global_aggregate": ("SELECT count(*) AS n, max(moment) AS m FROM events", []),
    "union": ("SELECT user_id FROM events UNION SELECT user_id FROM users", []),
    "union_all": (
        "SELECT user_id, kind FROM events UNION ALL SELECT user_id, tier FROM users", []
    ),
    "except_all": ("SELECT user_id FROM events EXCEPT ALL SELECT user_id FROM users", []),
    "distinct": ("SELECT DISTINCT kind, part FROM events", []),
    "window": (
        "SELECT event_id, row_number() OVER (PARTITION BY kind ORDER BY event_id) AS n, "
        "sum(amount) OVER (PARTITION BY part) AS s FROM events",
        [],
    ),
    "unnest": ("SELECT event_id, unnest(tags) AS tag FROM events", []),
    "correlated": (
        "SELECT user_id, (SELECT max(amount) FROM events e WHERE e.user_id = u.user_id) AS most "
        "FROM users u",
        [],
    ),
    "order": ("SELECT * FROM events ORDER BY amount DESC, event_id", ["event_id"]),
    "order_with_ties": (
        "SELECT note, kind, event_id FROM events ORDER BY note NULLS FIRST, kind",
        ["note", "kind"],
    ),
    "order_of_groups": (
        "SELECT user_id, count(*) AS n FROM events GROUP BY user_id ORDER BY n DESC, user_id",
        ["user_id", "n"],
    ),
    "top": (
        "SELECT event_id, revenue FROM events ORDER BY revenue NULLS LAST, event_id "
        "LIMIT 77 OFFSET 5",
        ["event_id"],
    ),
}  # fmt: skip
CORE = ["scan", "aggregate", "order"]
OTHERS = [name for name in QUERIES if name not in CORE]
LIMITS = ["LIMIT 0", "LIMIT 7", "LIMIT 190 OFFSET 150", "LIMIT 1000"]


@pytest.mark.parametrize(
    ("road", "name"),
    [*drawn(ALL_ROADS, CORE, 5, 0), *drawn(ALL_ROADS, OTHERS, 1, 2)],
)
def test_query(
    stage_session: StageSession,
    oracle: Plain,
    split: Path,
    tmp_path: Path,
    road: StageRoad,
    name: str,
) -> None:
    sql, order = QUERIES[name]
    frame = query(stage_session(road), split, sql)
    if road != DIRECT and name != "constants":
        assert_in_stages(frame, sql)
    result = frame.write_parquet(tmp_path / "out")
    assert_written(oracle, tmp_path / "out", sql, order_by=order)
    [(num_rows,)] = oracle.execute(f"SELECT count(*) FROM ({sql})").fetchall()
    assert_told(result, data_files(tmp_path / "out"), num_rows)


@pytest.mark.parametrize(("road", "limit"), drawn(ALL_ROADS, LIMITS, 1.5, 2))
def test_limit_without_order(
    stage_session: StageSession, oracle: Plain, split: Path, tmp_path: Path, road: StageRoad,
    limit: str,
) -> None:  # fmt: skip
    sql = f"SELECT event_id, kind FROM events {limit}"
    query(stage_session(road), split, sql).write_parquet(tmp_path / "out")
    [(expected,)] = oracle.execute(f"SELECT count(*) FROM ({sql})").fetchall()
    found = oracle.execute(f"FROM {scan(data_files(tmp_path / 'out'))}").fetchall()
    everything = oracle.execute("SELECT event_id, kind FROM events").fetchall()
    assert len(found) == len(set(found)) == expected and set(found) <= set(everything)


# --- formats

TEXT_SQL = "SELECT event_id, user_id, kind, amount, day, moment, note, tags FROM events"


@each_road
@pytest.mark.parametrize("form", ["csv", "json"])
def test_text(
    stage_session: StageSession, oracle: Plain, split: Path, tmp_path: Path, road: StageRoad,
    form: str,
) -> None:  # fmt: skip
    out = tmp_path / "out"
    for order in ["", " ORDER BY day, event_id"]:
        result = write(query(stage_session(road), split, TEXT_SQL + order), form, out)
        assert_written(oracle, out, TEXT_SQL + order, form, ["day"] if order else [])
        assert_told(result, data_files(out), 400)


CODECS = [
    *[f"parquet {codec}" for codec in ["zstd", "gzip", "lz4", "brotli", "uncompressed"]],
    *[f"{form} {codec}" for form in ["csv", "json"] for codec in ["gzip", "zstd", "none"]],
]


@pytest.mark.parametrize(("road", "codec"), drawn([SHUFFLED, PROCESSES], CODECS, 1, 1))
def test_compression(
    stage_session: StageSession, oracle: Plain, split: Path, tmp_path: Path, road: StageRoad,
    codec: str,
) -> None:  # fmt: skip
    out, (form, codec) = tmp_path / "out", codec.split()
    frame = query(stage_session(road), split, TEXT_SQL)
    write(frame.repartition(3, hash_by="kind"), form, out, compression=codec)
    write(frame, form, out, "append", compression=codec)
    assert_written(oracle, out, f"{TEXT_SQL} UNION ALL {TEXT_SQL}", form)
    if form == "parquet":
        sql = "SELECT DISTINCT lower(compression) FROM parquet_metadata(?)"
        found = oracle.execute(sql, [f"{out}/*.parquet"]).fetchall()
        assert found == [("lz4_raw" if codec == "lz4" else codec,)]
    else:
        suffix = {"gzip": ".gz", "zstd": ".zst", "none": ""}[codec]
        assert {file.name.split(".", 1)[1] for file in data_files(out)} == {form + suffix}


def test_options_of_parquet(
    stage_session: StageSession, oracle: Plain, split: Path, tmp_path: Path
) -> None:
    out, sql = tmp_path / "out", "SELECT event_id, j FROM events, range(40) t(j)"
    options: dict[str, Any] = {"kv_metadata": {"source": "it's"}, "field_ids": {"event_id": 7}}
    for road in [SHUFFLED, PROCESSES]:
        frame = query(stage_session(road), split, sql)
        frame.repartition(2).write_parquet(
            out, row_group_size=2048, compression="zstd", compression_level=9, **options
        )
        assert_written(oracle, out, sql)
        for file in data_files(out):
            metadata = pa.parquet.ParquetFile(file).metadata
            groups = [metadata.row_group(n).num_rows for n in range(metadata.num_row_groups)]
            assert len(groups) > 2 and max(groups) <= 2 * 2048
            assert metadata.metadata[b"source"] == b"it's"
            field = pa.parquet.read_schema(file).field("event_id")
            assert field.metadata[b"PARQUET:field_id"] == b"7"


@pytest.mark.parametrize("road", [SHUFFLED, PROCESSES], ids=lambda road: road.name)
def test_options_of_text(
    stage_session: StageSession, split: Path, tmp_path: Path, road: StageRoad
) -> None:
    """Each file is as the direct road writes it."""
    options: dict[str, dict[str, Any]] = {
        "csv": {"delim": "|", "nullstr": "NA", "quote": "'", "force_quote": ["kind"],
                "dateformat": "%d.%m.%Y", "timestampformat": "%H:%M"},
        "json": {"dateformat": "%d.%m.%Y", "timestampformat": "%H:%M"},
    }  # fmt: skip
    sql = "SELECT event_id, kind, note, day, moment FROM events"
    for form, chosen in options.items():
        found = []
        for each in [DIRECT, road]:
            frame = query(stage_session(each), split, sql).repartition(3, hash_by="kind")
            write(frame, form, tmp_path / each.name, **chosen)
            parts = [lines_of([file]) for file in data_files(tmp_path / each.name)]
            found.append([sorted(part) for part in parts])
        assert found[0] == found[1] and len(found[0]) > 1
    for header in [True, False]:
        frame = query(stage_session(road), split, sql)
        frame.write_csv(tmp_path / "bare", header=header)
        files = data_files(tmp_path / "bare")
        assert len(lines_of(files)) == 400 + len(files) * header


@pytest.mark.parametrize("road", [DIRECT, SHUFFLED, PROCESSES], ids=lambda road: road.name)
def test_json_arrays(
    stage_session: StageSession, oracle: Plain, split: Path, tmp_path: Path, road: StageRoad
) -> None:
    sql = "SELECT event_id, kind, tags FROM events"
    query(stage_session(road), split, sql).write_json(tmp_path / "out", array=True)
    reader = f"read_json('{tmp_path}/out/*.json', format='array')"
    found = duckdb_answer(oracle, f"SELECT event_id, kind, tags FROM {reader}")
    assert_same_rows(found.rows, duckdb_answer(oracle, sql).rows)
    assert all(file.read_text().startswith("[") for file in data_files(tmp_path / "out"))


# --- inputs that only this process has


@each_road
def test_data_in_memory_joined_with_files(
    stage_session: StageSession, oracle: Plain, split: Path, tmp_path: Path, road: StageRoad
) -> None:
    sp = stage_session(road)
    tables: dict[str, Any] = {
        "extra": pa.table({"kind": ["view", "buy", "none"], "x": [1, None, 3]}),
        "parts": pd.DataFrame({"part": [0, 1, 99], "name": ["a", None, "ü"]}),
    }
    queries = [
        "SELECT event_id, kind, x FROM events JOIN extra USING (kind)",
        "SELECT name, part, count(*) AS n FROM events FULL JOIN parts USING (part) GROUP BY ALL",
        "SELECT * FROM extra",
    ]
    plain = oracle.cursor()
    for name, table in tables.items():
        plain.register(name, table)
    for number, sql in enumerate(queries):
        used = {name: table for name, table in tables.items() if name in sql}
        if "events" in sql:
            used["events"] = sp.read_parquet(split / "events")
        sp.sql(sql, **used).write_parquet(tmp_path / str(number))
        assert_written(plain, tmp_path / str(number), sql)
    reader = pa.RecordBatchReader.from_batches(
        tables["extra"].schema, tables["extra"].to_batches(max_chunksize=1)
    )
    once = sp.sql("SELECT x FROM once", once=reader)
    for out in [tmp_path / "first", tmp_path / "second"]:
        once.write_parquet(out)
        assert_written(plain, out, "SELECT x FROM extra")


# --- what is not deterministic


@each_road
def test_random_numbers(
    stage_session: StageSession, oracle: Plain, split: Path, tmp_path: Path, road: StageRoad
) -> None:
    sp = stage_session(road)
    sql = "SELECT event_id, random() AS r, uuid() AS u, now() AS t FROM events"
    for number, frame in enumerate([query(sp, split, sql), query(sp, split, sql).repartition(3)]):
        frame.write_parquet(tmp_path / str(number))
        [row] = oracle.execute(
            "SELECT count(*), count(DISTINCT event_id), count(DISTINCT r), count(DISTINCT u), "
            f"count(DISTINCT t::VARCHAR) FROM {scan(data_files(tmp_path / str(number)))}"
        ).fetchall()
        assert row[:2] == (400, 400) and row[2] > 390 and row[3:] == (400, 1)


@each_road
def test_random_numbers_that_were_seen_are_what_is_written(
    stage_session: StageSession, oracle: Plain, split: Path, tmp_path: Path, road: StageRoad
) -> None:
    frame = query(stage_session(road), split, "SELECT event_id, random() AS r FROM events")
    seen = sorted(rows_of(frame.to_arrow()))
    for number, spread in enumerate([frame, frame.repartition(3), frame.filter("r < 2")]):
        spread.write_parquet(tmp_path / str(number))
        files = scan(data_files(tmp_path / str(number)))
        assert oracle.execute(f"FROM {files} ORDER BY event_id").fetchall() == seen


# --- one file


ONE_FILE = [
    ("o.parquet", "parquet"), ("o.csv", "csv"), ("o.csv.gz", "csv"), ("o.csv.zst", "csv"),
    ("o.json", "json"), ("o.ndjson.gz", "json"),
]  # fmt: skip


@pytest.mark.parametrize(
    "road", [SHUFFLED, BROADCAST, ONE_TASK, PROCESSES], ids=lambda road: road.name
)
def test_one_file_of_many_tasks(
    stage_session: StageSession, oracle: Plain, split: Path, tmp_path: Path, road: StageRoad
) -> None:
    sp = stage_session(road)
    ordered = f"{TEXT_SQL} ORDER BY moment, event_id"
    failing = "SELECT CASE WHEN event_id = 333 THEN kind::INTEGER END AS x FROM events"
    for name, form in ONE_FILE:
        path = tmp_path / name
        write(query(sp, split, "FROM events"), form, path)
        result = write(query(sp, split, ordered), form, path)
        assert path.is_file() and not result.is_folder
        assert_told(result, [path], 400)
        assert_written(oracle, path, ordered, form, ["event_id"])
        before = path.read_bytes()
        with pytest.raises(smallpond.InvalidInputError, match="Could not convert"):
            write(query(sp, split, failing), form, path)
        assert write(query(sp, split, ordered), form, path, "ignore").num_files == 0
        assert path.read_bytes() == before
        assert_nothing_beside(path)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(n for n, _ in ONE_FILE)


@pytest.mark.parametrize("form", FORMS)
def test_writes_at_the_same_time(
    stage_session: StageSession, oracle: Plain, split: Path, tmp_path: Path, form: str
) -> None:
    for road in [SHUFFLED, PROCESSES]:
        sp, queries = stage_session(road), [f"{TEXT_SQL} WHERE part = {n}" for n in range(4)]
        writes = [
            getattr(query(sp, split, sql), f"write_{form}_lazy")(tmp_path / f"{road.name}-{n}")
            for n, sql in enumerate(queries)
        ]
        sp.wait(*writes)
        for n, sql in enumerate(queries):
            assert_written(oracle, tmp_path / f"{road.name}-{n}", sql, form)

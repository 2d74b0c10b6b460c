"""Settings, macros and variables of a session mean on every road what they mean to one DuckDB, and
reach nothing of ours."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pytest
import smallpond

ROADS: dict[str, dict[str, Any]] = {
    "direct": {},
    "threads_1": {"executor": "threads", "partitions": 1},
    "threads_7": {"executor": "threads", "partitions": 7, "broadcast_size": 1},
    "processes": {"executor": "processes", "num_executors": 2, "partitions": 3},
}

Open = Callable[[], smallpond.Session]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("numbers")
    for part in range(4):
        sql = f"SELECT i, i % 10 AS k, 't' || i % 10 AS t FROM range({part}, 100, 4) r(i)"
        duckdb.sql(sql).write_parquet(f"{folder}/{part}.parquet")
    return folder


@pytest.fixture(params=ROADS)
def road_sp(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[smallpond.Session]:
    options = ROADS[request.param]
    with smallpond.init(
        threads=2, duckdb_memory="600MB", data_root=tmp_path / "root", **options
    ) as sp:
        yield sp


def rows(frame: smallpond.DataFrame) -> list[tuple[Any, ...]]:
    return [tuple(row.values()) for row in frame.take_all()]


# --- settings ---


@pytest.mark.parametrize(
    "setting",
    [
        "SET disabled_optimizers = 'filter_pullup'",
        "SET disabled_optimizers = ''",
        "RESET disabled_optimizers",
        "PRAGMA disabled_optimizers = 'filter_pullup'",
    ],
)
def test_rules_that_stages_need_stay_off(
    road_sp: smallpond.Session, files: Path, setting: str
) -> None:
    road_sp.execute(setting)
    numbers = road_sp.read_parquet(files)
    top = road_sp.sql("SELECT i, k, t FROM {0} ORDER BY i LIMIT 5", numbers)
    assert rows(top) == [(i, i % 10, f"t{i % 10}") for i in range(5)]
    last = road_sp.sql(
        "SELECT i, k FROM {0} QUALIFY row_number() OVER (PARTITION BY k ORDER BY i DESC) = 1",
        numbers,
    )
    assert sorted(rows(last)) == [(90 + k, k) for k in range(10)]
    assert last.count() == 10


def test_disabled_optimizers_are_the_users(road_sp: smallpond.Session) -> None:
    road_sp.execute("SET disabled_optimizers = 'filter_pullup, unnest_rewriter'")
    [(names,)] = rows(road_sp.sql("SELECT current_setting('disabled_optimizers')"))
    assert {"filter_pullup", "unnest_rewriter"} <= set(names.split(","))
    with pytest.raises(smallpond.InvalidInputError, match="nonsense"):
        road_sp.execute("SET disabled_optimizers = 'nonsense'")


def test_parser_settings(road_sp: smallpond.Session, files: Path) -> None:
    road_sp.execute("SET integer_division = true")
    numbers = road_sp.read_parquet(files)
    frame = road_sp.sql("SELECT 7 / 2 AS q, sum(i / 10) AS s FROM {0}", numbers)
    assert rows(frame) == [(3, sum(i // 10 for i in range(100)))]
    road_sp.execute("CREATE TABLE made AS SELECT 9 / 2 AS x; RESET integer_division")
    assert rows(road_sp.sql("SELECT x, 9 / 2 AS y FROM made")) == [(4, 4.5)]
    road_sp.execute("SET preserve_identifier_case = false")
    assert road_sp.sql("SELECT 1 AS Big").columns == ["big"]
    assert (
        road_sp.sql("SELECT k AS Big FROM {0}", numbers.repartition(3, hash_by="k")).count() == 100
    )
    road_sp.execute("SET preserve_identifier_case = true; SET max_expression_depth = 20")
    with pytest.raises(smallpond.InvalidInputError, match="20"):
        road_sp.sql("SELECT " + "(" * 30 + "1 + 1" + " + 1)" * 30)


def test_default_order_and_collation_do_not_reach_written_files(
    road_sp: smallpond.Session, tmp_path: Path
) -> None:
    road_sp.execute("SET default_collation = 'NOCASE'; SET default_order = 'DESC'")
    keys = pd.DataFrame({"k": ["a", "A", "b", "B"] * 2, "n": range(8)})
    frame = road_sp.sql("FROM {0} ORDER BY n ASC", keys)
    frame.write_json(tmp_path / "out", partition_by=["k"])
    for key in "aAbB":
        paths = sorted((tmp_path / "out" / f"k={key}").glob("*.json"))
        rows = duckdb.sql(f"SELECT n FROM read_json({[str(path) for path in paths]})").fetchall()
        found = [n for (n,) in rows]
        assert found == [n for n, k in enumerate("aAbB" * 2) if k == key]


# --- variables ---


def test_variables_are_computed_once(road_sp: smallpond.Session, files: Path) -> None:
    road_sp.execute("CREATE TABLE t AS SELECT 5 AS a")
    numbers = road_sp.read_parquet(files)
    road_sp.execute("""
        SET VARIABLE most = (SELECT max(a) FROM t);
        SET VARIABLE r = random();
        SET VARIABLE moment = now();
        SET VARIABLE nested = {'a': [1, NULL], 'd': 1.5::DECIMAL(9, 2)};
        SET VARIABLE over_files = (SELECT max(i) FROM numbers);
        SET TimeZone = 'Asia/' || 'Tokyo'
    """)
    road_sp.execute("INSERT INTO t VALUES (9)")
    sql = """
        SELECT getvariable('most') AS m, getvariable('r') AS r, getvariable('moment') AS t,
               getvariable('nested') AS n, getvariable('over_files') AS o,
               current_setting('TimeZone') AS z, count(*) AS c
        FROM {0} WHERE i < getvariable('most')
    """
    first, second = (rows(road_sp.sql(sql, numbers))[0] for _ in range(2))
    assert first == second
    assert first[0] == 5 and first[4:] == (99, "Asia/Tokyo", 5)
    types = road_sp.sql(sql, numbers).schema
    assert types["n"] == "STRUCT(a INTEGER[], d DECIMAL(9,2))"
    road_sp.execute("RESET VARIABLE most")
    assert rows(road_sp.sql("SELECT getvariable('most') AS m")) == [(None,)]


def test_use_of_a_database_that_is_gone(road_sp: smallpond.Session, files: Path) -> None:
    road_sp.execute("ATTACH ':memory:' AS m; CREATE TABLE m.t AS SELECT 1 AS x; USE m")
    assert rows(road_sp.sql("FROM t")) == [(1,)]
    with pytest.raises(smallpond.InvalidInputError, match="default database"):
        road_sp.execute("DETACH m")
    road_sp.execute("USE memory; DETACH m")
    assert road_sp.read_parquet(files).count() == 100


# --- locks ---


def test_locked_configuration(road_sp: smallpond.Session, files: Path, tmp_path: Path) -> None:
    road_sp.execute("SET TimeZone = 'Asia/Tokyo'; SET lock_configuration = true")
    numbers = road_sp.read_parquet(files)
    sql = """
        SELECT k, max(TIMESTAMPTZ '2026-01-31 12:00:00+00' + to_hours(i))::VARCHAR AS t
        FROM {0} GROUP BY k
    """
    plain = duckdb.connect()
    plain.execute("SET TimeZone = 'Asia/Tokyo'")
    expected = plain.execute(sql.replace("{0}", f"'{files}/*.parquet'")).fetchall()
    for _ in range(2):
        assert sorted(rows(road_sp.sql(sql, numbers))) == sorted(expected)
    numbers.write_parquet(tmp_path / "out")
    assert road_sp.read_parquet(tmp_path / "out").count() == 100
    with pytest.raises(smallpond.InvalidInputError, match="locked"):
        road_sp.execute("SET TimeZone = 'UTC'")
    road_sp.execute("SET VARIABLE v = 1")


def test_only_allowed_folders(road_sp: smallpond.Session, files: Path, tmp_path: Path) -> None:
    (tmp_path / "secret.csv").write_text("a\n1\n")
    numbers = road_sp.read_parquet(files)
    road_sp.execute(f"""
        SET allowed_directories = ['{files}', '{tmp_path}/out'];
        SET enable_external_access = false;
        SET lock_configuration = true
    """)
    sql = "SELECT k, count(*) AS n, sum(i) AS s FROM {0} GROUP BY k"
    for frame in [numbers, road_sp.read_parquet(files)]:
        expected = [(k, 10, 10 * k + 450) for k in range(10)]
        assert sorted(rows(road_sp.sql(sql, frame))) == expected
    numbers.repartition(3, hash_by="k").write_parquet(tmp_path / "out")
    assert road_sp.read_parquet(tmp_path / "out").count() == 100
    for refused in [
        lambda: road_sp.read_csv(tmp_path / "secret.csv").count(),
        lambda: road_sp.sql(f"FROM read_csv('{tmp_path}/secret.csv')").count(),
        lambda: road_sp.sql(f"FROM read_blob('{tmp_path / 'root'}/jobs/**')").count(),
        lambda: numbers.write_parquet(tmp_path / "elsewhere"),
        lambda: road_sp.execute(f"ATTACH '{tmp_path}/x.db' AS x"),
    ]:
        with pytest.raises(smallpond.IoError, match="disabled by configuration"):
            refused()


# --- names ---

SHADOWS = [
    # Whatever the SQL that smallpond writes itself calls, also operators; `test_lists_all` looks.
    "count_star", "count", "row_number", "hash", "error", "trunc", "epoch_us", "timezone", "upper",
    "hex", "substr", "encode", "url_encode", "lower", "any_value", "sum", "random",
    "list", "list_position", "list_extract", "max", "row", "struct_pack",
    "smallpond_check_export", "smallpond_fragment", "smallpond_exchange_scan", "least",
    "smallpond_given_scan", "parquet_schema", "parquet_metadata", "getvariable",
    "read_parquet", "read_csv", "read_json", "smallpond_arrow_scan", "+", "-", "*", "/", "//", "%",
    "||", "=", "<", "~~",
]  # fmt: skip
TABLE_FUNCTIONS = {
    "smallpond_fragment", "parquet_schema", "parquet_metadata", "read_parquet", "read_csv",
    "read_json", "smallpond_arrow_scan", "smallpond_exchange_scan", "smallpond_given_scan",
}  # fmt: skip


def shadow_everything(sp: smallpond.Session) -> None:
    """Makes macros, of every number of arguments that may be given, which answer nonsense."""
    for name in SHADOWS:
        if name in TABLE_FUNCTIONS:
            shapes = ["(a := 1) AS TABLE SELECT 13 AS c0"]
        else:
            shapes = ["() AS NULL", "(a) AS NULL", "(a, b) AS NULL", "(a, b, c) AS NULL"]
        sp.execute(f'CREATE MACRO "{name}"{", ".join(shapes)}')


def test_macros_hide_nothing_of_ours(
    road_sp: smallpond.Session, files: Path, tmp_path: Path
) -> None:
    (tmp_path / "n.csv").write_text("k,n\n" + "".join(f"{i},{i}\n" for i in range(20)))
    (tmp_path / "n.json").write_text("".join(f'{{"n": {i}}}\n' for i in range(20)))
    for case, macros in [("plain", False), ("shadowed", True)]:
        if macros:
            shadow_everything(road_sp)
        numbers = road_sp.read_parquet(files)
        assert road_sp.read_csv(tmp_path / "n.csv").count() == 20
        assert road_sp.read_json(tmp_path / "n.json").count() == 20
        assert numbers.count() == 100
        assert len(numbers.take(7)) == 7
        for spread in [
            numbers.repartition(3, hash_by="k"),
            numbers.repartition(3, hash_by=["k", "t"]),
            numbers.repartition(3),
            numbers.repartition(3, by_rows=True),
            road_sp.sql(
                "SELECT i, k AS part FROM {0} WHERE k BETWEEN 0 AND 2", numbers
            ).repartition(3, by="part"),
        ]:
            number = 30 if "part" in spread.columns else 100
            concat = road_sp.partial_sql("SELECT DISTINCT i FROM {0}", spread, merge="concat")
            assert concat.count() == number
            out = tmp_path / f"{case}-{spread.num_partitions}-{number}-{len(spread.columns)}"
            spread.write_parquet(out, mode="overwrite")
            assert duckdb.sql(f"SELECT count(DISTINCT i) FROM '{out}/*.parquet'").fetchone() == (
                number,
            )
        for wrong in [5, None]:
            bad = road_sp.from_pandas(pd.DataFrame({"p": pd.array([0, wrong], dtype="Int64")}))
            with pytest.raises(smallpond.InvalidInputError, match="out of range 0-2"):
                road_sp.partial_sql("FROM {0}", bad.repartition(3, by="p"), merge="concat").count()
            with pytest.raises(smallpond.InvalidInputError, match="out of range 0-2"):
                road_sp.sql("FROM {0}", bad.repartition(3, by="p")).count()
        keyed = road_sp.sql("SELECT t AS k, i FROM {0} ORDER BY i", numbers)
        of_two = {"partition_by": ["k", "i"], "kv_metadata": {"a": "b"}}
        road_sp.sql("SELECT t AS k, i, 1 AS one FROM {0}", numbers).write_parquet(
            tmp_path / f"{case}-two", **of_two
        )
        if macros:  # It is refused by name for JSON, test_a_macro_writes_no_files.
            road_sp.execute("DROP MACRO struct_pack")
        keyed.write_json(tmp_path / f"{case}-json", partition_by=["k"], file_size="1KB")
        keyed.write_parquet(tmp_path / f"{case}-parquet", partition_by=["k"], sort_by=["i"])
        found = road_sp.read_parquet(tmp_path / f"{case}-parquet").count()
        assert found == road_sp.read_json(tmp_path / f"{case}-json").count() == 100
        with pytest.raises(smallpond.InvalidInputError, match="38 digits"):
            road_sp.sql("SELECT 170141183460469231731687303715884105727::HUGEINT AS h").to_arrow()
        assert numbers.random_shuffle().count() == 100


@pytest.mark.parametrize(
    ("form", "options", "macro"),
    [
        ("json", {}, "to_json"), ("json", {}, "struct_pack"),
        ("json", {"dateformat": "%d"}, "strftime"), ("csv", {"dateformat": "%d"}, "strftime"),
        ("csv", {"timestampformat": "%H"}, "STRFTIME"),
    ],
)  # fmt: skip
def test_a_macro_writes_no_files(
    road_sp: smallpond.Session, tmp_path: Path, form: str, options: dict[str, str], macro: str
) -> None:
    """DuckDB's writers look these functions up by their bare names."""
    frame = road_sp.sql("SELECT range AS x, DATE '2026-01-02' AS d FROM range(3)")
    write = getattr(frame, f"write_{form}")
    road_sp.execute(f"CREATE MACRO {macro}(a, b := 1) AS NULL")
    try:
        for out in [tmp_path / "out", tmp_path / f"o.{form}"]:
            with pytest.raises(
                smallpond.InvalidInputError, match=f"(?i)macro '{macro}'.*DROP MACRO"
            ):
                write(out, **options)
        assert {path.name for path in tmp_path.iterdir()} <= {"root"}
    finally:
        road_sp.execute(f"DROP MACRO {macro}")
    write(tmp_path / "out", **options)
    assert getattr(road_sp, f"read_{form}")(tmp_path / "out").count() == 3


def test_lists_all() -> None:
    """Every function that stands in SQL of ours is among the macros above."""
    source = Path(__file__).parents[2] / "src"
    called: set[str] = set()
    for path in source.rglob("*.cc"):
        layer = path.relative_to(source).parts[0]
        if layer in {"cli", "storage", "observe", "scheduler", "exchange", "base"}:
            continue
        for literal in re.findall(r'"((?:[^"\\\n]|\\.)*)"', path.read_text()):
            called |= set(re.findall(r"(?<![A-Za-z_.])([a-z][a-z0-9_]+)\((?!\))", literal))
    unknown = called - set(SHADOWS) - NOT_CALLED
    assert not unknown, f"Add them to SHADOWS, or to NOT_CALLED: {unknown}"


# Names before a bracket in messages and descriptions, and what is no function to DuckDB.
NOT_CALLED = {"sql", "repartition", "init", "string", "coalesce", "grouping"}


# --- time travel ---


def test_a_frame_has_no_versions(road_sp: smallpond.Session, files: Path) -> None:
    t = road_sp.read_parquet(files)
    with pytest.raises(smallpond.InvalidInputError, match="Leave AT out"):
        road_sp.sql("FROM t AT (VERSION => 1)", t=t)
    with pytest.raises(smallpond.InvalidInputError, match="Leave AT out"):
        road_sp.sql("FROM {0} AT (TIMESTAMP => now())", t)

"""What is wrong with files, queries and arguments is told by typed errors: what failed, the values,
what to do, the SQL. Nothing is half-written, and the session goes on."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pytest
import smallpond
from folder_content import everything_below

Query = Callable[[smallpond.Session, smallpond.DataFrame, str], smallpond.DataFrame]
QUERIES: dict[str, Query] = {
    "sql": lambda sp, frame, sql: sp.sql(sql, frame),
    "auto": lambda sp, frame, sql: sp.partial_sql(sql, frame.repartition(5)),
    "concat": lambda sp, frame, sql: sp.partial_sql(sql, frame.repartition(5), merge="concat"),
    "concat_hash": lambda sp, frame, sql: sp.partial_sql(
        sql, frame.repartition(3, hash_by=frame.columns[0]), merge="concat"
    ),
}
ACTIONS: dict[str, Callable[[smallpond.DataFrame, Path], Any]] = {
    "to_arrow": lambda frame, out: frame.to_arrow(),
    "to_pandas": lambda frame, out: frame.to_pandas(),
    "count": lambda frame, out: frame.count(),
    "take": lambda frame, out: frame.take(10**6),
    "show": lambda frame, out: frame.show(),
    "write_parquet": lambda frame, out: frame.write_parquet(out),
    "write_csv": lambda frame, out: frame.write_csv(out, mode="overwrite"),
    "write_json": lambda frame, out: frame.repartition(3).write_json(out),
    "lazy": lambda frame, out: frame.session.wait(frame.write_parquet_lazy(out)),
}
READERS = ["parquet", "csv", "json"]
by_query = pytest.mark.parametrize("query", QUERIES.values(), ids=QUERIES)
by_action = pytest.mark.parametrize("action", ACTIONS.values(), ids=ACTIONS)
by_reader = pytest.mark.parametrize("kind", READERS)


@pytest.fixture
def out(sp: smallpond.Session, tmp_path: Path) -> Path:
    """A folder that holds an output already."""
    sp.sql("SELECT 'before' AS x").write_parquet(tmp_path / "out")
    return tmp_path / "out"


@pytest.fixture
def rows(sp: smallpond.Session) -> smallpond.DataFrame:
    return sp.sql("SELECT i AS user_id, i % 3 AS part, 'n' || i AS name FROM range(100) t(i)")


@contextlib.contextmanager
def refused(
    sp: smallpond.Session, error: type[Exception], *words: str, out: Path | None = None
) -> Iterator[None]:
    """Fails unless `error` is raised, its text has the words, `out` is as before, `sp` works."""
    before = everything_below(out) if out else {}
    folders = sorted(out.parent.iterdir()) if out else []
    with pytest.raises(error) as caught:
        yield
    for word in words:
        assert word in str(caught.value)
    assert "incompatible function arguments" not in str(caught.value)
    if out:
        assert everything_below(out) == before and sorted(out.parent.iterdir()) == folders
    assert sp.sql("SELECT 42 AS x").take_all() == [{"x": 42}]


# --- files ---


@by_reader
def test_missing_file(sp: smallpond.Session, tmp_path: Path, kind: str) -> None:
    read = getattr(sp, f"read_{kind}")
    path = tmp_path / f"nowhere.{kind}"
    for paths in [path, str(path), [path]]:
        with refused(sp, smallpond.IoError, "There is no file", str(path), "Check the path"):
            read(paths)
    with refused(sp, smallpond.IoError, "nowhere", f"FROM '{path}'"):
        sp.sql(f"SELECT * FROM '{path}'")
    with refused(sp, smallpond.InvalidInputError, "path is empty", "Give a file"):
        read("")


@by_reader
def test_empty_glob(sp: smallpond.Session, tmp_path: Path, kind: str) -> None:
    with refused(sp, smallpond.IoError, "No file matches", "none*", "Check the path"):
        getattr(sp, f"read_{kind}")(tmp_path / f"none*.{kind}")


def test_empty_parquet_file(sp: smallpond.Session, tmp_path: Path) -> None:
    (tmp_path / "x.parquet").touch()
    duckdb.execute(f"COPY (SELECT 1 AS a) TO '{tmp_path}/y.parquet'")
    for paths in [tmp_path, tmp_path / "x.parquet"]:
        with refused(sp, smallpond.IoError, "x.parquet", "too small", "Write or copy it again"):
            sp.read_parquet(paths).to_arrow()
    both = sp.read_parquet([tmp_path / "y.parquet", tmp_path / "x.parquet"])
    for query in QUERIES.values():  # Only the first file's footer tells the columns.
        with refused(sp, smallpond.IoError, "x.parquet", "too small"):
            query(sp, both, "SELECT sum(a) FROM {0}").to_arrow()


@pytest.mark.parametrize("kind", ["csv", "json"])
def test_empty_text_file(sp: smallpond.Session, tmp_path: Path, kind: str) -> None:
    read = getattr(sp, f"read_{kind}")
    (tmp_path / f"x.{kind}").touch()
    with refused(sp, smallpond.InvalidInputError, f"x.{kind}", "0 bytes", "schema="):
        read(tmp_path / f"x.{kind}")
    (tmp_path / f"y.{kind}").touch()
    with refused(sp, smallpond.InvalidInputError, "1 others", "0 bytes", "schema="):
        read(tmp_path)
    frame = read(tmp_path, {"a": "BIGINT", "b": "DATE"})
    assert frame.schema == {"a": "BIGINT", "b": "DATE"}
    for query in QUERIES.values():
        assert query(sp, frame, "SELECT a, b FROM {0}").take_all() == []


ZERO_SQL = "SELECT 1::TINYINT AS k, 'a' AS s, 1.5::DECIMAL(9, 2) AS d, [1] AS l WHERE false"


@pytest.mark.parametrize("source", ["parquet", "json", "csv", "arrow", "pandas", "sql"])
@by_query
def test_zero_rows(sp: smallpond.Session, tmp_path: Path, source: str, query: Query) -> None:
    types = {"k": "TINYINT", "s": "VARCHAR", "d": "DECIMAL(9,2)", "l": "INTEGER[]"}
    empty = sp.sql(ZERO_SQL)
    if source in READERS:
        getattr(empty, f"write_{source}")(tmp_path / "zero")
        read = getattr(sp, f"read_{source}")
        known = {"parquet": {}, "json": {"schema": types},
                 "csv": {"schema": types, "header": True}}  # fmt: skip
        frame = read(tmp_path / "zero", **known[source])
    elif source == "pandas":
        frame = sp.sql("FROM {0}", empty.to_arrow())
    else:
        frame = sp.from_arrow(empty.to_arrow()) if source == "arrow" else empty
    assert frame.schema == types
    found = query(sp, frame, "SELECT * FROM {0}")
    assert found.schema == types and found.to_arrow().num_rows == 0 and found.count() == 0
    assert list(found.to_pandas().columns) == list(types)
    written = tmp_path / "written"
    found.write_parquet(written)
    assert sp.read_parquet(written).schema == types
    counts = sp.partial_sql("SELECT count(*) AS n FROM {0}", frame.repartition(3), merge="concat")
    assert counts.take_all() == [{"n": 0}] * 3
    assert sp.sql("SELECT count(*) AS n, sum(k) AS s FROM {0}", frame).take_all() == [
        {"n": 0, "s": None}
    ]


@pytest.mark.parametrize("lost", [1, 4, 5, 8, 9, 100, 0.1, 0.5, 0.9, 0.999])
def test_truncated_parquet(
    sp: smallpond.Session, data: Path, tmp_path: Path, lost: float, out: Path
) -> None:
    whole = (data / "events.parquet").read_bytes()
    size = len(whole) - lost if lost >= 1 else int(len(whole) * (1 - lost))
    path = tmp_path / "cut.parquet"
    path.write_bytes(whole[: int(size)])
    with refused(sp, smallpond.IoError, str(path), "cut off", "Write or copy it again"):
        sp.read_parquet(path)
    both = sp.read_parquet([data / "events.parquet", path])
    with refused(sp, smallpond.IoError, str(path), "cut off", out=out):
        both.repartition(4).write_parquet(out)


@by_query
def test_damaged_parquet(
    sp: smallpond.Session, data: Path, tmp_path: Path, query: Query, out: Path
) -> None:
    """The footer is whole, so that it shows when the rows are read."""
    damaged = bytearray((data / "events.parquet").read_bytes())
    damaged[4:400] = b"\xff" * 396
    (tmp_path / "damaged.parquet").write_bytes(damaged)
    frame = sp.read_parquet(tmp_path / "damaged.parquet")
    with refused(sp, smallpond.IoError, "damaged.parquet", out=out):
        query(sp, frame, "SELECT event_id, count(*) AS n FROM {0} GROUP BY ALL").write_parquet(out)


MIXED = {
    "types": ("SELECT 'x' AS a", "is VARCHAR"),
    "names": ("SELECT 1 AS b", "Candidate names: b"),
    "nested": ("SELECT {'z': 1} AS a", "STRUCT"),
}


@pytest.mark.parametrize("case", MIXED)
@by_query
def test_mixed_schemas(
    sp: smallpond.Session, tmp_path: Path, case: str, query: Query, out: Path
) -> None:
    sql, words = MIXED[case]
    (tmp_path / "in").mkdir()
    duckdb.execute(f"COPY (SELECT 1 AS a) TO '{tmp_path}/in/1.parquet'")
    duckdb.execute(f"COPY ({sql}) TO '{tmp_path}/in/2.parquet'")
    frame = query(sp, sp.read_parquet(tmp_path / "in"), "SELECT a FROM {0}")
    for action in [frame.to_arrow, lambda: frame.write_parquet(out)]:
        with refused(sp, smallpond.InvalidInputError, "2.parquet", words, "union_by_name", out=out):
            action()


def test_mixed_text(sp: smallpond.Session, tmp_path: Path) -> None:
    (tmp_path / "1.csv").write_text("a,b\n1,2\n")
    (tmp_path / "2.csv").write_text("a,c,d\nx,2,3\n")
    with refused(sp, smallpond.InvalidInputError, "2.csv", '"b" is missing', "union_by_name"):
        sp.read_csv(tmp_path).to_arrow()
    (tmp_path / "1.csv").write_text("1\n2\nthree\n")
    with refused(sp, smallpond.InvalidInputError, "1.csv", "three", "BIGINT", "Line: 3"):
        sp.read_csv(tmp_path / "1.csv", {"id": "BIGINT"}).to_arrow()


# --- queries ---


@by_query
def test_unknown_column(sp: smallpond.Session, rows: smallpond.DataFrame, query: Query) -> None:
    with refused(
        sp, smallpond.InvalidInputError, '"usr_id" not found', '"user_id"', "LINE 1: SELECT usr_id"
    ):
        query(sp, rows, "SELECT usr_id FROM {0}")


UNKNOWN: dict[str, Callable[[smallpond.DataFrame, Path], Any]] = {
    "map": lambda frame, out: frame.map("usr_id + 1"),
    "filter": lambda frame, out: frame.filter("usr_id > 1"),
    "partial_sort": lambda frame, out: frame.partial_sort(["part", "usr_id DESC"]),
    "hash_by": lambda frame, out: frame.repartition(3, hash_by=["part", "usr_id"]),
    "by": lambda frame, out: frame.repartition(3, by="usr_id"),
    "partition_by": lambda frame, out: frame.write_parquet(out, partition_by="usr_id"),
    "sort_by": lambda frame, out: frame.write_csv(out, sort_by=["part", "usr_id DESC"]),
    "sort_by_json": lambda frame, out: frame.repartition(3).write_json(out, sort_by="usr_id"),
    "params": lambda frame, out: frame.session.sql("SELECT usr_id FROM {0}", frame, params=[]),
    "execute": lambda frame, out: frame.session.execute(
        "CREATE TABLE t AS SELECT usr_id FROM frame"
    ),
}


@pytest.mark.parametrize("place", UNKNOWN)
@pytest.mark.parametrize("partitions", [1, 4])
def test_unknown_column_elsewhere(
    sp: smallpond.Session, rows: smallpond.DataFrame, place: str, partitions: int, out: Path
) -> None:
    frame = rows.repartition(partitions) if partitions > 1 else rows
    with refused(sp, smallpond.InvalidInputError, "usr_id", "user_id", out=out):
        UNKNOWN[place](frame, out)


def test_unknown_column_of_a_file(sp: smallpond.Session, data: Path) -> None:
    with refused(sp, smallpond.InvalidInputError, "usr_id", '"user_id"'):
        sp.read_parquet(data / "events.parquet", columns=["usr_id"])


NO_SQL = {
    "SELEC user_id FROM {0}": "LINE 1: SELEC user_id FROM {0}\n        ^",
    "SELECT *\nFORM {0}": "LINE 2: FORM {0}\n             ^",
    "SELECT * FROM {0} WHERE": "In the query: SELECT * FROM {0} WHERE",
    "SELECT 'open FROM {0}": "SELECT 'open FROM {0}",
    "SELECT 1; SELECT 2 FROM {0}": "holds 2 statements",
    "": "query is empty",
    " ; -- FROM {0}": "query is empty",
}


@pytest.mark.parametrize("sql", NO_SQL)
@by_query
def test_sql_that_does_not_parse(
    sp: smallpond.Session, rows: smallpond.DataFrame, sql: str, query: Query
) -> None:
    with refused(sp, smallpond.InvalidInputError, NO_SQL[sql]):
        query(sp, rows, sql)


@pytest.mark.parametrize("method", ["map", "filter", "partial_sort"])
@pytest.mark.parametrize("text", ["", "  ", "user_id +", "(user_id", "user_id) FROM x; --"])
def test_expressions_that_do_not_parse(
    sp: smallpond.Session, rows: smallpond.DataFrame, method: str, text: str
) -> None:
    for frame in [rows, rows.repartition(3)]:
        with refused(sp, smallpond.InvalidInputError) as _:
            getattr(frame, method)(text)


def test_script_that_does_not_parse(sp: smallpond.Session) -> None:
    with refused(sp, smallpond.InvalidInputError, "LINE 1: CREATE TABEL t", "      ^"):
        sp.execute("CREATE TABEL t (x INTEGER)")
    with refused(sp, smallpond.InvalidInputError, "In the query: CREATE TABLE t (x INTEGER"):
        sp.execute("CREATE TABLE t (x INTEGER")


@pytest.mark.parametrize("value", [None, 5, b"SELECT 1", ["SELECT 1"]])
def test_query_of_another_type(
    sp: smallpond.Session, rows: smallpond.DataFrame, value: Any
) -> None:
    for call in [sp.sql, sp.partial_sql, sp.execute]:
        with refused(sp, smallpond.InvalidInputError, "must be text", type(value).__name__):
            call(value)
        with pytest.raises(TypeError):  # As a caller in Python expects.
            call(value)


@by_query
@by_action
def test_value_that_can_not_be_cast(
    sp: smallpond.Session, rows: smallpond.DataFrame, query: Query,
    action: Callable[[smallpond.DataFrame, Path], Any], out: Path,
) -> None:  # fmt: skip
    """Found while the rows are computed: the text of the query is in the error still."""
    sql = "SELECT CASE WHEN part = 2 THEN name::INTEGER ELSE part END AS bad FROM {0} ORDER BY ALL"
    frame = query(sp, rows, sql)
    with refused(sp, smallpond.InvalidInputError, "'n", "INT32", "name::INTEGER", out=out):
        action(frame, out)


# --- partitions ---


@pytest.mark.parametrize("value", ["10", "-1", "NULL", "100000000000::HUGEINT", "255::UTINYINT"])
@by_action
def test_partition_key_out_of_range(
    sp: smallpond.Session, value: str, action: Callable[[smallpond.DataFrame, Path], Any], out: Path
) -> None:
    shown = value.split(":")[0]
    message = f"partition key {shown} is out of range 0-9. The column 'k' must hold"
    rows = sp.sql(f"SELECT CASE WHEN i = 77 THEN {value} ELSE i % 10 END AS k FROM range(100) t(i)")
    spread = rows.repartition(10, by="k")
    frames = [
        spread,
        spread.map("k"),
        spread.filter("true"),
        spread.partial_sort("k"),
        spread.repartition(3),
        sp.sql("SELECT count(*) AS n FROM {0}", spread),
        sp.partial_sql("SELECT k, count(*) AS n FROM {0} GROUP BY k", spread),
        sp.partial_sql("SELECT count(*) AS n FROM {0}", spread, merge="concat"),
        sp.partial_sql("SELECT a.k FROM {0} a JOIN {1} b USING (k)", spread, rows, merge="concat"),
    ]
    for frame in frames:
        with refused(sp, smallpond.InvalidInputError, message, "hash_by", out=out):
            action(frame, out)


NO_NUMBERS = [0, -1, np.int32(0), np.int64(-5), -(2**70), 65_537, 2**40]
NO_INTEGERS = [True, False, np.True_, 3.0, 2.7, np.float64(3), float("nan"), "3", b"3", None,
               Decimal(3), [3], np.array([3])]  # fmt: skip


@pytest.mark.parametrize("n", [*NO_NUMBERS, *NO_INTEGERS], ids=repr)
def test_number_of_partitions(sp: smallpond.Session, rows: smallpond.DataFrame, n: Any) -> None:
    is_number = any(n is value for value in NO_NUMBERS)
    words = ["1 to 65536", f"not {int(n)}."] if is_number else ["must be an integer", repr(n)]
    for how in [{}, {"hash_by": "part"}, {"by": "part"}, {"by_rows": True}]:
        with refused(sp, smallpond.InvalidInputError, "number of partitions", *words):
            rows.repartition(n, **how)


class Index:
    def __index__(self) -> int:
        return 3

    def __repr__(self) -> str:
        return "Index()"


@pytest.mark.parametrize("n", [3, np.int64(3), np.uint8(3), np.array(3), Index()], ids=repr)
def test_integers_of_all_kinds(rows: smallpond.DataFrame, n: Any, out: Path) -> None:
    assert rows.repartition(n).num_partitions == 3
    assert rows.limit(n).count() == len(rows.take(n)) == 3
    rows.write_parquet(out, row_group_size=n)


@pytest.mark.parametrize("n", [-1, np.int64(-1), -(2**70), 2**63, *NO_INTEGERS], ids=repr)
def test_number_of_rows(
    sp: smallpond.Session, rows: smallpond.DataFrame, n: Any, out: Path
) -> None:
    for frame in [rows, rows.repartition(3)]:
        for call in [frame.limit, frame.take, frame.show]:
            with refused(sp, smallpond.InvalidInputError, "number of rows"):
                call(n)
        if n is not None:  # None leaves it to DuckDB.
            with refused(sp, smallpond.InvalidInputError, "row_group_size", out=out):
                frame.write_parquet(out, row_group_size=n)


NO_COLUMNS: list[dict[str, Any]] = [
    {"hash_by": ""}, {"hash_by": []}, {"hash_by": [""]}, {"hash_by": 5},
    {"hash_by": ["part", None]}, {"hash_by": {"part": 1}}, {"by": ""}, {"by": ["part"]},
    {"by": 5}, {"by": "name"}, {"by_rows": "yes"}, {"by_rows": 1}, {"by_rows": None},
    {"hash_by": "part", "by": "part"}, {"by": "part", "by_rows": True},
]  # fmt: skip


@pytest.mark.parametrize("how", NO_COLUMNS, ids=str)
def test_way_of_partitioning(
    sp: smallpond.Session, rows: smallpond.DataFrame, how: dict[str, Any]
) -> None:
    with refused(sp, smallpond.InvalidInputError, "repartition: ", *list(how)[:1]):
        rows.repartition(3, **how)


# --- outputs ---

NO_WRITES: list[tuple[dict[str, Any], str]] = [
    ({"mode": "replace"}, "'overwrite', 'append', 'error' or 'ignore'"),
    ({"mode": None}, "mode must be text"),
    ({"mode": "error"}, "has data"),
    ({"partition_by": []}, "partition_by is an empty list"),
    ({"partition_by": 5}, "partition_by must be"),
    ({"sort_by": ""}, "sort_by holds an empty name"),
    ({"compression": "zip"}, "'zip'"),
    ({"compression": 5}, "compression must be text"),
    ({"file_size": 0}, "file_size"),
    ({"file_size": 2.5}, "file_size"),
    ({"file_size": True}, "file_size"),
    ({"file_size": "big"}, "'big'"),
]


@pytest.mark.parametrize(("options", "words"), NO_WRITES, ids=str)
@by_reader
def test_options_of_a_write(
    sp: smallpond.Session, rows: smallpond.DataFrame, kind: str, options: dict, words: str,
    out: Path,
) -> None:  # fmt: skip
    with refused(sp, smallpond.InvalidInputError, words, out=out):
        getattr(rows.repartition(2), f"write_{kind}")(out, **options)


@by_reader
def test_path_of_a_write(
    sp: smallpond.Session, rows: smallpond.DataFrame, kind: str, tmp_path: Path, out: Path
) -> None:
    write = getattr(rows, f"write_{kind}")
    (tmp_path / "file").write_text("mine")
    with refused(sp, smallpond.InvalidInputError, "path is empty", out=out):
        write("")
    with refused(sp, smallpond.InvalidInputError, "is a file", "Give a folder", out=out):
        write(tmp_path / "file")
    for wrong in [None, 5]:
        with refused(sp, TypeError, out=out):
            write(wrong)
    (out / "mine.txt").write_text("mine")
    with refused(sp, smallpond.InvalidInputError, "mine.txt", out=out):
        write(out)


@pytest.mark.parametrize(
    "call",
    [
        lambda sp, path: sp.sql("SELECT 1 AS x WHERE false\0 OR true"),
        lambda sp, path: sp.execute("CREATE TABLE t AS SELECT 1 AS x\0, 2 AS y"),
        lambda sp, path: sp.sql("SELECT 1 AS x").map("x\0 + 1"),
        lambda sp, path: sp.sql("SELECT 1 AS x").filter("x = 1\0 AND false"),
        lambda sp, path: sp.sql("SELECT 1 AS x").write_parquet(f"{path}/a\0b"),
        lambda sp, path: sp.sql("SELECT 1 AS x").write_csv(f"{path}/a\0b.csv", mode="append"),
        lambda sp, path: sp.read_parquet(f"{path}/a\0b"),
        lambda sp, path: smallpond.init(data_root=f"{path}/a\0b"),
        lambda sp, path: smallpond.init(job_id="a\0b"),
    ],
    ids=["sql", "execute", "map", "filter", "write", "append", "read", "data_root", "job_id"],
)
def test_nul(fresh_sp: smallpond.Session, call: Callable, tmp_path: Path) -> None:
    """At which a text of C ends: half a query would run, a file would have another name."""
    with pytest.raises(smallpond.InvalidInputError, match="NUL"):
        call(fresh_sp, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_parameter_may_hold_nul(sp: smallpond.Session) -> None:
    assert sp.sql("SELECT $x AS x, length($x) AS n", params={"x": "a\0b"}).take_all() == [
        {"x": "a\0b", "n": 3}
    ]


@pytest.mark.parametrize("path", ["/", "//", "/."])
def test_the_root_is_no_output(fresh_sp: smallpond.Session, path: str) -> None:
    """It is not looked at: that takes as long as the disk is large."""
    with pytest.raises(smallpond.InvalidInputError, match="everything that this machine has"):
        fresh_sp.sql("SELECT 1 AS x").write_parquet(path)

"""Random tables in random partitions: count, map, filter, join and group by answer as one DuckDB.

Types, NULLs and skew of the keys, where the rows come from, and how often and by what they are
partitioned are drawn; plain DuckDB answers over the same rows. A failure prints how to run its
case again. The queries' own grammar is the matter of test_random_queries.py.
"""

from __future__ import annotations

import os
import random
import tempfile
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pytest
import smallpond
from drawn import first
from hypothesis import HealthCheck, Phase, given, note, seed, settings
from hypothesis import strategies as st
from oracle import assert_same, assert_same_rows, duckdb_answer, rows_of

SEED = int(os.environ.get("SP_TEST_SEED", "20260131"))
MAX_PARTITIONS = 17

# Each type's value from a small whole number, so that keys of different types can be equal.
KEY_TYPES = {
    "TINYINT": "{}::TINYINT", "INTEGER": "{}::INTEGER", "BIGINT": "{}::BIGINT",
    "HUGEINT": "{}::HUGEINT", "UBIGINT": "{}::UBIGINT", "DOUBLE": "{}::DOUBLE",
    "FLOAT": "{}::FLOAT", "DECIMAL(9,2)": "{}::DECIMAL(9,2)", "DECIMAL(38,4)": "{}::DECIMAL(38,4)",
}  # fmt: skip
OTHER_KEY_TYPES = {
    "VARCHAR": "'k' || {}", "DATE": "DATE '2026-01-01' + {}::INTEGER", "BOOLEAN": "{} % 2 = 0",
    "TIMESTAMP": "DATE '2026-01-01' + {}::INTEGER + INTERVAL 1 HOUR", "BLOB": "('k' || {})::BLOB",
    "ENUM": "['a', 'b', 'c'][1 + {} % 3]::ENUM('a', 'b', 'c')", "LIST": "[{}, NULL]",
    "STRUCT": "{{'a': {}}}", "INTERVAL": "to_days({}::INTEGER)",
}  # fmt: skip
# What a key is made of: few values, many, one heavy value, and how many of ten are NULL.
SPREADS = ["i % 3", "i * 7919 % 97", "CASE WHEN i % 10 < 8 THEN 5 ELSE i % 50 END", "4"]


@dataclass(frozen=True)
class Table:
    """Rows with two keys, k and k2, a number of a partition, part, and values."""

    num_rows: int
    key: str
    key2: str
    spread: str
    nulls: int  # Of ten rows.
    source: str  # "files", "file", "arrow", "pandas", "csv" or "sql".

    def sql(self) -> str:
        def value(type_: str, number: str) -> str:
            text = {**KEY_TYPES, **OTHER_KEY_TYPES}[type_].format(f"({number})")
            return f"CASE WHEN i * 31 % 10 >= {self.nulls} THEN {text} END"

        return f"""
            SELECT i, {value(self.key, self.spread)} AS k, {value(self.key2, "i % 4")} AS k2,
                   (i * 13 % {MAX_PARTITIONS})::INTEGER AS part,
                   CASE WHEN i % 7 > 0 THEN (i * 37 % 1000 - 300)::BIGINT END AS v,
                   (i * 53 % 997 / 8)::DOUBLE AS d, (i % 100 / 4)::DECIMAL(10, 2) AS m,
                   CASE WHEN i % 5 > 0 THEN 'n' || i % 13 END AS s, i % 3 = 0 AS b,
                   DATE '2026-01-01' + (i % 40)::INTEGER AS day
            FROM range({self.num_rows}) t(i)"""


@dataclass(frozen=True)
class Partitioning:
    """The arguments of one repartition."""

    n: int
    way: str  # "even", "k", "k2", "k k2", "rows" or "part".

    def apply(self, frame: smallpond.DataFrame) -> smallpond.DataFrame:
        if self.way == "even":
            return frame.repartition(self.n)
        if self.way == "rows":
            return frame.repartition(self.n, by_rows=True)
        if self.way == "part":  # Its numbers need them all.
            return frame.repartition(MAX_PARTITIONS, by="part")
        return frame.repartition(self.n, hash_by=self.way.split())


ANY_TYPE = st.sampled_from([*KEY_TYPES, *OTHER_KEY_TYPES])
# Lists to choose from, since drawn numbers are mostly small: too few rows for anything to go wrong.
NUM_ROWS = st.sampled_from([40, 3, 250, 77, 120, 400, 0, 1, 2])
PARTITIONING = st.builds(
    Partitioning,
    st.sampled_from([4, 7, 10, MAX_PARTITIONS, 2, 3, 5, 6, 1]),
    st.sampled_from(["even", "k", "k", "k2", "k k2", "rows", "part"]),
)
CHAIN = st.sampled_from([1, 2, 3, 1, 2, 3, 0]).flatmap(
    lambda length: st.lists(PARTITIONING, min_size=length, max_size=length)
)


def tables(key: st.SearchStrategy[str]) -> st.SearchStrategy[Table]:
    return st.builds(
        Table, NUM_ROWS, key, ANY_TYPE, st.sampled_from(SPREADS), st.sampled_from([0, 0, 3, 10]),
        st.sampled_from(["files", "file", "arrow", "pandas", "csv", "sql"]),
    )  # fmt: skip


# Two tables whose keys can be compared: any numbers, or both of one other type.
PAIRS = st.one_of(
    st.tuples(tables(st.sampled_from([*KEY_TYPES])), tables(st.sampled_from([*KEY_TYPES]))),
    st.sampled_from([*OTHER_KEY_TYPES]).flatmap(
        lambda key: st.tuples(tables(st.just(key)), tables(st.just(key)))
    ),
)

# {0} and {1} are the tables. Those of one table are per partition when it is hashed by k.
GLOBAL = [
    "SELECT count(*) AS n FROM {0}",
    "SELECT count(k) AS n, count(DISTINCT k) AS keys, sum(v) AS v, avg(d) AS d FROM {0}",
    "SELECT k, count(*) AS n, sum(v) AS v, min(s) AS s, max(day) AS day FROM {0} GROUP BY k",
    "SELECT k2, k, sum(m) AS m, bool_or(b) AS b FROM {0} GROUP BY k, k2",
    "SELECT s, count(DISTINCT k2) AS n FROM {0} GROUP BY s HAVING count(*) > 2",
    "SELECT DISTINCT k, k2 FROM {0}",
    "SELECT i, rank() OVER (PARTITION BY k ORDER BY v, i) AS r FROM {0}",
    "SELECT i, s FROM {0} ORDER BY v DESC NULLS LAST, i LIMIT 7",
    "SELECT a.i, b.i AS j, a.k FROM {0} a JOIN {1} b ON a.k = b.k",
    "SELECT a.i, b.i AS j FROM {0} a LEFT JOIN {1} b ON a.k = b.k AND a.v < b.v",
    "SELECT a.k, b.k AS l, a.i, b.i AS j FROM {0} a FULL JOIN {1} b ON a.k = b.k",
    "SELECT i FROM {0} WHERE k IN (SELECT k FROM {1})",
    "SELECT i FROM {0} WHERE k NOT IN (SELECT k FROM {1})",
    "SELECT i FROM {0} a WHERE NOT EXISTS (FROM {1} b WHERE a.k = b.k)",
    "SELECT a.k, count(*) AS n, sum(b.v) AS v FROM {0} a JOIN {1} b ON a.k = b.k GROUP BY a.k",
]
# Right on any partitions, so that the partitions' own results must be the answer.
EXPRESSIONS = ["*", "i, v + 1 AS w, k", "k2, upper(s) AS s, d * 2 AS d", "i, unnest([v, i]) AS u"]
CONDITIONS = ["v > 100", "k IS NULL", "b OR s = 'n3'", "d BETWEEN 10 AND 90 AND NOT b", "true"]
# Right where both sides are hashed by the join's key into the same number of partitions.
JOINS = [
    "SELECT a.i, b.i AS j FROM {0} a JOIN {1} b ON a.k = b.k",
    "SELECT a.i, b.i AS j FROM {0} a LEFT JOIN {1} b ON a.k = b.k",
    "SELECT a.i, b.i AS j FROM {0} a FULL JOIN {1} b ON a.k = b.k",
    "SELECT a.i FROM {0} a ANTI JOIN {1} b ON a.k = b.k",
    "SELECT a.i, b.i AS j FROM {0} a JOIN {1} b ON a.k IS NOT DISTINCT FROM b.k",
]


class Case:
    """One drawn case: the tables as plain DuckDB has them, and as frames."""

    def __init__(self, sp: smallpond.Session, folder: Path, drawn: tuple[Table, Table]) -> None:
        self.sp = sp
        self.folder = folder
        self.oracle = duckdb.connect(config={"threads": 2})
        self.names = ["a", "b"]
        self.frames = []
        for name, table in zip(self.names, drawn, strict=True):
            self.oracle.execute(f"CREATE TABLE {name} AS {table.sql()}")
            self.frames.append(self.read(name, table))

    def read(self, name: str, table: Table) -> smallpond.DataFrame:
        folder = self.folder / name
        columns = self.oracle.execute(f"SELECT * FROM {name} LIMIT 0").description
        if table.source == "files":  # Three, of unequal size.
            folder.mkdir()
            for number, condition in enumerate(
                ["i < 10", "i >= 10 AND i % 9 = 0", "i >= 10 AND i % 9 > 0"]
            ):
                self.oracle.execute(
                    f"COPY (FROM {name} WHERE {condition}) TO '{folder}/{number}.parquet'"
                )
            return self.cast(self.sp.read_parquet(folder), columns)
        if table.source == "file":
            self.oracle.execute(f"COPY {name} TO '{folder}.parquet' (ROW_GROUP_SIZE 2048)")
            return self.cast(self.sp.read_parquet(f"{folder}.parquet"), columns)
        if table.source == "csv" and "BLOB" not in (table.key, table.key2):
            self.oracle.execute(f"COPY {name} TO '{folder}.csv' (HEADER, NULLSTR '<null>')")
            schema = {column[0]: str(column[1]) for column in columns}
            return self.sp.read_csv(f"{folder}.csv", schema, header=True, nullstr="<null>")
        rows = self.oracle.execute(f"FROM {name}")
        if table.source == "pandas" and "LIST" not in (table.key, table.key2):
            whole = rows.to_arrow_table().to_pandas(types_mapper=_arrow_type)
            return self.cast(self.sp.from_pandas(whole), columns)
        if table.source == "sql":
            return self.sp.sql(table.sql())
        return self.cast(self.sp.from_arrow(rows.to_arrow_table()), columns)

    def cast(self, frame: smallpond.DataFrame, columns: list[Any]) -> smallpond.DataFrame:
        """What a source has no type for, such as a HUGEINT in Arrow, becomes what it was."""
        wanted = {column[0]: str(column[1]) for column in columns}
        changed = [name for name, kind in frame.schema.items() if kind != wanted[name]]
        if not changed:
            return frame
        casts = ", ".join(f"{name}::{wanted[name]} AS {name}" for name in changed)
        return frame.map(f"* REPLACE ({casts})")

    def expected(self, sql: str) -> Any:
        return duckdb_answer(self.oracle, sql.replace("{0}", "a").replace("{1}", "b"))


def _arrow_type(kind: Any) -> Any:
    import pandas

    return pandas.ArrowDtype(kind)


def check_answers(case: Case, inputs: list[smallpond.DataFrame], sql: str) -> None:
    used = inputs if "{1}" in sql else inputs[:1]
    expected = case.expected(sql)
    for query in [case.sp.sql, case.sp.partial_sql]:
        assert_same(query(sql, *used), expected)
    assert query(sql, *used).count() == len(expected.rows)


def check_map_and_filter(case: Case, frame: smallpond.DataFrame, number: int) -> None:
    expressions = EXPRESSIONS[number % len(EXPRESSIONS)]
    condition = CONDITIONS[number % len(CONDITIONS)]
    mapped, filtered = frame.map(expressions), frame.filter(condition)
    assert mapped.num_partitions == filtered.num_partitions == frame.num_partitions
    for found, sql in [
        (mapped, f"SELECT {expressions} FROM a"),
        (filtered, f"SELECT * FROM a WHERE {condition}"),
        (filtered.map(expressions), f"SELECT {expressions} FROM a WHERE {condition}"),
    ]:
        expected = case.expected(sql)
        assert_same(found, expected)
        assert_same(case.sp.partial_sql("FROM {0}", found, merge="concat"), expected)


def check_write(case: Case, frame: smallpond.DataFrame) -> None:
    """Written and read again, the rows are the same, and no partition's file is empty."""
    out = case.folder / "out"
    frame.write_parquet(out)
    files = list(out.glob("*.parquet"))
    assert len(files) <= frame.num_partitions
    assert all(duckdb.read_parquet(str(file)).fetchone() for file in files) or len(files) == 1
    expected = case.expected("SELECT i, k2 IS NULL AS n, v, d, m, s, b, day FROM a")
    again = case.sp.read_parquet(out)
    assert again.columns == frame.columns
    assert_same(
        case.sp.sql("SELECT i, k2 IS NULL AS n, v, d, m, s, b, day FROM {0}", again), expected
    )


def check_layout(case: Case, frame: smallpond.DataFrame, last: Partitioning) -> None:
    """Every row is in one partition, and equal keys in the same."""
    sql = "SELECT list(i) AS l FROM {0}"
    parts = [row["l"] or [] for row in case.sp.partial_sql(sql, frame, merge="concat").take_all()]
    assert len(parts) == frame.num_partitions
    rows = case.expected("SELECT i FROM a ORDER BY i").rows
    assert sorted(i for part in parts for i in part) == [i for (i,) in rows]
    sizes = [len(part) for part in parts]
    if last.way in ("even", "rows"):
        assert max(sizes) - min(sizes) <= 1
    elif last.way == "part":
        assert all(i * 13 % MAX_PARTITIONS == p for p, part in enumerate(parts) for i in part)
    else:
        keys = ", ".join(last.way.split())
        split = case.sp.partial_sql(f"SELECT DISTINCT {keys} FROM {{0}}", frame, merge="concat")
        assert_same_rows(
            rows_of(split.to_arrow()), case.expected(f"SELECT DISTINCT {keys} FROM a").rows
        )


def check_joins(case: Case, n: int) -> None:
    """Partition by partition, over equally hashed sides."""
    inputs = [frame.repartition(n, hash_by="k") for frame in case.frames]
    for sql in JOINS:
        expected = case.expected(sql)
        for merge in ["auto", "concat"]:
            assert_same(case.sp.partial_sql(sql, *inputs, merge=merge), expected)


def check(
    sp: smallpond.Session, drawn: tuple[Table, Table], chains: tuple[list, list], number: int
) -> None:
    note(f"SP_TEST_SEED={SEED}")
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore", smallpond.MergeWarning)
        case = Case(sp, Path(folder), drawn)
        inputs = list(case.frames)
        for position, chain in enumerate(chains):
            for partitioning in chain:
                inputs[position] = partitioning.apply(inputs[position])
        # By all that was drawn, since drawn numbers alone repeat.
        for sql in random.Random(repr((drawn, chains, number))).sample(GLOBAL, 4):
            check_answers(case, inputs, sql)
        check_map_and_filter(case, inputs[0], number)
        check_write(case, inputs[0])
        if chains[0]:
            check_layout(case, inputs[0], chains[0][-1])
        check_joins(case, 1 + number % MAX_PARTITIONS)
        case.oracle.close()


SEARCH = settings(
    deadline=None,
    database=None,
    print_blob=True,
    phases=(Phase.generate, Phase.shrink),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
ARGUMENTS = {
    "drawn": PAIRS,
    "chains": st.tuples(CHAIN, CHAIN),
    "number": st.sampled_from(range(3, 1000)),
}


@seed(SEED)
@given(**ARGUMENTS)
@settings(SEARCH, max_examples=15)
def test_partitions_do_not_change_answers(
    sp: smallpond.Session, drawn: tuple[Table, Table], chains: tuple[list, list], number: int
) -> None:
    check(sp, drawn, chains, number)


# Several searches, so that test processes share the work.
@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("search", first(1, range(1, 7)))
def test_partitions_do_not_change_many_answers(sp: smallpond.Session, search: int) -> None:
    @seed(SEED + search)
    @given(**ARGUMENTS)
    @settings(SEARCH, max_examples=40)
    def run(drawn: tuple[Table, Table], chains: tuple[list, list], number: int) -> None:
        check(sp, drawn, chains, number)

    run()

"""merge="concat" gives each partition's own result, one after the other.

What a partition holds is taken from the files that write_parquet makes of it; plain DuckDB runs the
query on each of them.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest
import smallpond
from drawn import drawn
from oracle import Answer, Rows, assert_same_rows, assert_same_sequence, duckdb_answer, rows_of
from roads import NUM_PARTITIONS, PARTITIONED, Road
from shapes import SHAPES, Shape

ROADS = [road for road in PARTITIONED if road.name in ("even", "hash_by_user", "by_part")]
EVEN, HASH_BY_USER = ROADS[:2]
PER_USER_SQL = "SELECT user_id, kind, count(*) AS n FROM {0} GROUP BY ALL"

Parts = Callable[[Road], list[str]]


@pytest.fixture(scope="session")
def parts(
    events: smallpond.DataFrame, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[Road], list[str]]:
    """Gives the files with the partitions of events on a road, in order."""
    written: dict[str, list[str]] = {}

    def files(road: Road) -> list[str]:
        if road.name not in written:
            folder = tmp_path_factory.mktemp(road.name)
            road.spread(events).write_parquet(folder / "parts")
            events.limit(0).write_parquet(folder / "empty")
            empty = next((folder / "empty").glob("*.parquet"))
            written[road.name] = [  # A partition without rows has no file.
                str(next((folder / "parts").glob(f"part-{number:05}-*.parquet"), empty))
                for number in range(NUM_PARTITIONS)
            ]
        return written[road.name]

    return files


def answers(oracle: duckdb.DuckDBPyConnection, sql: str, files: list[str]) -> list[Answer]:
    """What plain DuckDB answers on each file."""
    assert len(files) == NUM_PARTITIONS
    return [
        duckdb_answer(oracle, sql.replace("{0}", f"(FROM read_parquet('{file}'))"))
        for file in files
    ]


def all_rows(answers: list[Answer]) -> Rows:
    return [row for answer in answers for row in answer.rows]


def can_concat(shape: Shape) -> bool:
    """Not for DESCRIBE of a subquery, nor for a PIVOT whose columns depend on the rows."""
    return shape.name not in ("describe", "pivot_without_list")


@pytest.mark.parametrize(("road", "shape"), drawn(ROADS, [*filter(can_concat, SHAPES)], 1, 1))
def test_rows_are_each_partitions_own(
    shape: Shape,
    road: Road,
    sp: smallpond.Session,
    oracle: duckdb.DuckDBPyConnection,
    events: smallpond.DataFrame,
    users: smallpond.DataFrame,
    parts: Parts,
) -> None:
    whole = {"users": users} if "users" in shape.sql else {}
    frame = sp.partial_sql(shape.sql, road.spread(events), merge="concat", **whole)
    expected = answers(oracle, shape.sql, parts(road))

    table = frame.to_arrow()
    assert frame.columns == expected[0].names
    assert table.schema.types == expected[0].table.schema.types
    assert frame.num_partitions == NUM_PARTITIONS
    assert_same_rows(rows_of(table), all_rows(expected))
    if shape.order:  # Each partition's rows keep their order.
        keys = [expected[0].names.index(name) for name in shape.order]
        assert_same_sequence(
            [tuple(row[key] for key in keys) for row in rows_of(table)],
            [tuple(row[key] for key in keys) for row in all_rows(expected)],
        )


def test_pivot_without_list_is_refused(sp: smallpond.Session, events: smallpond.DataFrame) -> None:
    with pytest.raises(smallpond.UnsupportedError, match="IN"):
        sp.partial_sql("PIVOT {0} ON note USING count(*)", events.repartition(7), merge="concat")


def test_nested_concat(
    sp: smallpond.Session,
    oracle: duckdb.DuckDBPyConnection,
    events: smallpond.DataFrame,
    parts: Parts,
) -> None:
    outer_sql = "SELECT kind, sum(n) AS n, count(*) AS users FROM {0} GROUP BY kind"
    inner = sp.partial_sql(PER_USER_SQL, EVEN.spread(events), merge="concat")
    outer = sp.partial_sql(outer_sql, inner, merge="concat")

    nested_sql = outer_sql.replace("{0}", f"({PER_USER_SQL})")
    assert_same_rows(rows_of(outer.to_arrow()), all_rows(answers(oracle, nested_sql, parts(EVEN))))


def test_sql_over_concat_sees_all_rows(
    sp: smallpond.Session,
    oracle: duckdb.DuckDBPyConnection,
    events: smallpond.DataFrame,
    parts: Parts,
) -> None:
    inner = sp.partial_sql(PER_USER_SQL, EVEN.spread(events), merge="concat")
    expected = all_rows(answers(oracle, PER_USER_SQL, parts(EVEN)))
    [row] = sp.sql("SELECT count(*) AS rows, sum(n) AS n FROM {0}", inner).take_all()
    assert row == {"rows": len(expected), "n": sum(n for _, _, n in expected)}
    assert inner.count() == len(expected)
    assert inner.repartition(3).count() == len(expected)


def test_whole_input_is_a_query(
    sp: smallpond.Session,
    oracle: duckdb.DuckDBPyConnection,
    events: smallpond.DataFrame,
    users: smallpond.DataFrame,
    parts: Parts,
) -> None:
    sizes_sql = "SELECT country, count(*) AS size FROM users GROUP BY country"
    join_sql = """
        SELECT size, count(*) AS n FROM {0} e JOIN users USING (user_id) JOIN sizes USING (country)
        GROUP BY size
    """
    sizes = sp.sql(sizes_sql, users=users)
    frame = sp.partial_sql(join_sql, EVEN.spread(events), users=users, sizes=sizes, merge="concat")
    expected_sql = join_sql.replace("JOIN sizes", f"JOIN ({sizes_sql}) sizes")
    expected = answers(oracle, expected_sql, parts(EVEN))
    assert_same_rows(rows_of(frame.to_arrow()), all_rows(expected))


def test_two_inputs_by_the_same_key_meet(
    sp: smallpond.Session, oracle: duckdb.DuckDBPyConnection, events: smallpond.DataFrame
) -> None:
    """Partition i of one input runs with partition i of the other, whose key is of another type."""
    totals = sp.sql(
        "SELECT user_id::HUGEINT AS user_id, sum(amount) AS s FROM {0} GROUP BY ALL", events
    )
    sql = "SELECT event_id, s FROM {0} e JOIN {1} t ON e.user_id = t.user_id"
    frame = sp.partial_sql(
        sql,
        events.repartition(7, hash_by="user_id"),
        totals.repartition(7, hash_by="user_id"),
        merge="concat",
    )
    expected = duckdb_answer(
        oracle,
        """SELECT event_id, s FROM events
           JOIN (SELECT user_id, sum(amount) AS s FROM events GROUP BY ALL) USING (user_id)""",
    )
    assert_same_rows(rows_of(frame.to_arrow()), expected.rows)


def test_different_numbers_of_partitions_are_refused(
    sp: smallpond.Session, events: smallpond.DataFrame
) -> None:
    sql = "SELECT * FROM {0} JOIN {1} USING (event_id)"
    with pytest.raises(smallpond.InvalidInputError) as caught:
        sp.partial_sql(sql, events.repartition(3), events.repartition(4), merge="concat")
    assert "3" in str(caught.value) and "4" in str(caught.value)
    # One partition is a whole input, and the other modes don't care.
    assert sp.partial_sql(sql, events.repartition(3), events.repartition(1), merge="concat").count()
    assert sp.partial_sql(sql, events.repartition(3), events.repartition(4)).count() == 400


def test_one_file_a_partition(
    sp: smallpond.Session,
    oracle: duckdb.DuckDBPyConnection,
    events: smallpond.DataFrame,
    parts: Parts,
    tmp_path: Path,
) -> None:
    frame = sp.partial_sql(PER_USER_SQL, HASH_BY_USER.spread(events), merge="concat")
    frame.write_parquet(tmp_path / "out")
    files = sorted((tmp_path / "out").glob("*.parquet"))
    expected = answers(oracle, PER_USER_SQL, parts(HASH_BY_USER))
    for file, answer in zip(files, expected, strict=True):
        assert_same_rows(oracle.execute(f"FROM read_parquet('{file}')").fetchall(), answer.rows)


def test_now_has_one_value(sp: smallpond.Session, events: smallpond.DataFrame) -> None:
    frame = sp.partial_sql("SELECT now() AS t FROM {0}", events.repartition(7), merge="concat")
    assert len(set(frame.to_arrow().column("t").to_pylist())) == 1


def test_default_of_the_session(data: Path) -> None:
    sql = "SELECT count(*) AS n FROM {0}"
    with smallpond.init(merge="concat", duckdb_memory="500MB") as sp:
        spread = sp.read_parquet(data / "events.parquet").repartition(4)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert sp.partial_sql(sql, spread).take_all() == [{"n": 100}] * 4
            assert sp.sql(sql, spread).take_all() == [{"n": 400}]
        assert sp.partial_sql(sql, spread, merge="auto").take_all() == [{"n": 400}]


def test_unknown_merge_is_refused(sp: smallpond.Session, events: smallpond.DataFrame) -> None:
    with pytest.raises(smallpond.InvalidInputError, match="'auto' or 'concat', not 'sum'"):
        sp.partial_sql("FROM {0}", events, merge="sum")

"""Wrong answers of DuckDB 1.5.5, each with a small case: what it says, what is right, and which of
our roads say the same as it. docs/duckdb_bugs.md tells them to users; test_duckdb_bugs.py runs
them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

Answer = list[tuple[object, ...]] | str  # Rows in any order, or words of an error.

# What the Parquet files hold that DuckDB writes.
TABLES = {
    "numbers": "SELECT i AS id, i % 7 AS v FROM range(100000) t(i)",
    "late": "SELECT 80000 + 10 * i AS id FROM range(10) t(i)",
    "nothing": "SELECT i AS id, i AS v FROM range(0) t(i)",
    "measures": """SELECT * FROM (VALUES
        (0, 1, 4.0::DOUBLE), (1, 1, 'nan'), (2, 1, -3.0), (3, 1, NULL), (4, 2, 'nan'), (5, 2, 8.0)
        ) t(id, k, x)""",
    "digests": """SELECT unhex(lpad(hex(i % 5 * 50 + 1), 2, '0') || 'ff00') AS k, i AS id
        FROM range(1000) t(i)""",
    "one_digest": "SELECT unhex('c9ff00') AS k",
    "not_numbers": "SELECT 'inf'::DOUBLE - 'inf'::DOUBLE AS x FROM range(4000)",
    "old": "FROM (VALUES (1, NULL), (2, 20), (3, 30)) t(id, n)",
    "new": "FROM (VALUES (1, 10), (2, 20), (3, 33)) t(id, n)",
    "moments": """SELECT unnest(['-infinity'::TIMESTAMP, TIMESTAMP '2026-05-01 12:00:00',
        'infinity'::TIMESTAMP]) AS t""",
    "whole": "SELECT i::INTEGER AS x FROM range(10) t(i)",
    "broken": "SELECT i + 0.75::DOUBLE AS x FROM range(10) t(i)",
    "days": "SELECT DATE '2026-01-02' AS x",
    "hours": "SELECT TIMESTAMP '2026-01-01 05:00:00' AS x",
    "gaps": "SELECT i AS id, CASE WHEN i % 3 = 1 THEN i END AS x FROM range(9000) t(i)",
    "floats": "SELECT 1234567.5::FLOAT AS x",
    "asked": "SELECT i AS id, CASE WHEN i % 100 <> 0 THEN i END AS t FROM range(1000) t(i)",
    "prices": """SELECT i AS price, CASE WHEN i % 7 <> 3 THEN i * 100 END AS t
        FROM range(10) t(i)""",
}


def write_files(folder: Path) -> None:
    """Writes what the cases read."""
    with duckdb.connect() as connection:
        for name, sql in TABLES.items():
            connection.execute(f"COPY ({sql}) TO '{folder / name}.parquet' (ROW_GROUP_SIZE 20000)")
    nan = float("nan")
    foreign = pa.table({"id": [0, 1, 2, 3], "x": [1.0, 2.0, nan, nan]})
    pq.write_table(foreign, folder / "foreign.parquet")
    nanoseconds = [1_700_000_000_123_456_789, 1_700_000_000_123_456_790, -1]
    times = {
        "zoned": pa.array(nanoseconds, pa.timestamp("ns", "UTC")),
        "local": pa.array(nanoseconds, pa.timestamp("ns")),
    }
    pq.write_table(pa.table(times), folder / "nanoseconds.parquet")


@dataclass(frozen=True)
class Bug:
    """A query over the files, which are `@name` in it."""

    name: str
    sql: str
    duckdb: Answer
    right: Answer
    as_duckdb: frozenset[str] = frozenset()  # Our roads that say the same.


ALL_ROADS = frozenset({"direct", "threads_1", "threads_7", "processes"})
TOP_2 = "QUALIFY row_number() OVER (PARTITION BY k ORDER BY x) <= 2"

BUGS = [
    Bug(
        "limit_below_join",
        "SELECT count(*) FROM (FROM @numbers LIMIT 50) JOIN @late USING (id)",
        [(5,)],
        [(0,)],
    ),
    Bug(
        "first_of_nothing",
        "SELECT id FROM @numbers WHERE id < 0 QUALIFY row_number() OVER (ORDER BY v) = 1",
        [(None,)],
        [],
    ),
    Bug(
        "first_of_empty_file",
        "FROM @nothing QUALIFY row_number() OVER (ORDER BY v) = 1",
        [(None, None)],
        [],
    ),
    Bug(
        "where_and_qualify_over_groups",
        """WITH groups AS (SELECT v, count(*) AS n FROM @numbers GROUP BY v)
           FROM groups WHERE n < 5 QUALIFY row_number() OVER (ORDER BY n) = 1""",
        [(None, None)],
        [],
    ),
    Bug(
        "smallest_two_with_nan",
        f"SELECT id FROM @measures {TOP_2}",
        [(1,), (2,), (4,), (5,)],
        [(0,), (2,), (4,), (5,)],
    ),
    Bug(
        "order_by_expression_that_is_null",
        """SELECT count(*) FROM (SELECT id FROM @numbers
           QUALIFY row_number() OVER (PARTITION BY v ORDER BY nullif(id % 2, id % 2)) <= 2)""",
        [(0,)],
        [(14,)],
    ),
    Bug(
        "first_million",
        """SELECT count(*) FROM (SELECT id FROM @numbers
           QUALIFY row_number() OVER (ORDER BY id) <= 1000000)""",
        "n value must be < 1000000",
        [(100000,)],
    ),
    Bug(
        "row_number_by_its_own_order",
        """SELECT id FROM @old QUALIFY row_number(ORDER BY id DESC) OVER (ORDER BY id
           ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) = 1""",
        [(1,)],
        [(3,)],
    ),
    Bug(
        "asof_null",
        """SELECT count(*), count(a.t) FROM @asked a ASOF JOIN @prices p
           ON a.id % 2 = p.price % 2 AND a.t >= p.t""",
        [(950, 950)],
        [(940, 940)],
    ),
    Bug(
        "asof_left_null",
        """SELECT count(*), count(price) FROM @asked a ASOF LEFT JOIN @prices p
           ON a.id % 2 = p.price % 2 AND a.t >= p.t""",
        [(1000, 950)],
        [(1000, 940)],
    ),
    Bug(
        "asof_full_null",
        """SELECT count(*), count(price), count(id) FROM @asked a ASOF FULL JOIN @prices p
           ON a.id % 2 = p.price % 2 AND a.t >= p.t""",
        [(1001, 951, 1000)],
        [(1001, 941, 1000)],
    ),
    Bug(
        "asof_null_keys",
        """SELECT count(*), count(p.price) FROM @asked a ASOF LEFT JOIN @prices p
           ON a.id % 2 = p.price % 2 AND nullif(a.id % 3, 1) = nullif(p.price % 3, 1)
           AND a.id >= p.price""",
        [(1000, 752)],
        [(1000, 667)],
    ),
    Bug(
        "asof_not_distinct",
        """SELECT count(p.price) FROM @asked a ASOF JOIN @prices p
           ON nullif(a.id % 3, 1) IS NOT DISTINCT FROM nullif(p.price % 3, 1)
           AND a.id >= p.price""",
        [(667,)],
        [(1000,)],
        ALL_ROADS,
    ),
    Bug(
        "equal_blob",
        "SELECT count(*) FROM @digests WHERE k = unhex('c9ff00')",
        [(0,)],
        [(200,)],
    ),
    Bug(
        "join_on_blob",
        "SELECT count(*) FROM @digests JOIN @one_digest USING (k)",
        [(0,)],
        [(200,)],
    ),
    Bug(
        "equal_nan",
        "SELECT count(*) FROM @not_numbers WHERE x = 'nan'",
        [(0,)],
        [(4000,)],
    ),
    Bug(
        "filter_on_other_files_type",
        "SELECT count(*) FROM read_parquet([@broken, @whole]) WHERE x = 5.4",
        [(1,)],
        [(0,)],
    ),
    Bug(
        "filter_on_other_files_type_by_name",
        """SELECT count(*) FROM read_parquet([@whole, @broken], union_by_name=true)
           WHERE x > 4.8 AND x < 5.2""",
        [(0,)],
        [(1,)],
    ),
    Bug(
        "filter_on_other_files_day",
        """SELECT count(*) FROM read_parquet([@hours, @days])
           WHERE x = TIMESTAMP '2026-01-02 05:00:00'""",
        [(1,)],
        [(0,)],
    ),
    Bug(
        "nan_that_others_wrote",
        "SELECT count(*) FROM @foreign WHERE x > 5",
        [(0,)],
        [(2,)],
        ALL_ROADS,
    ),
    Bug(
        "greatest_nan_that_others_wrote",
        "SELECT max(x)::VARCHAR FROM @foreign",
        [("2.0",)],
        [("nan",)],
        ALL_ROADS,
    ),
    Bug(
        "not_equal_or_both_null",
        """SELECT o.id FROM @old o JOIN @new n ON o.id = n.id
           WHERE NOT (o.n = n.n OR (o.n IS NULL AND n.n IS NULL))""",
        [(1,), (3,)],
        [(3,)],
        ALL_ROADS,
    ),
    Bug(
        "first_value_of_a_frame",
        "SELECT first_value(id) OVER (ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) FROM @old",
        [(1,), (1,), (1,)],
        [(1,), (1,), (2,)],
        ALL_ROADS,
    ),
    Bug(
        "last_value_that_ignores_nulls",
        """SELECT id FROM (
           SELECT id, last_value(x IGNORE NULLS) OVER (ROWS UNBOUNDED PRECEDING) AS v
           FROM @gaps WHERE id % 4 > 1) WHERE v IS NULL""",
        [(2,), (3,), (4098,), (6,)],
        [(2,), (3,), (6,)],
        ALL_ROADS,
    ),
    Bug(
        "row_number_beside_its_frame",
        """SELECT row_number(ORDER BY id) OVER (ORDER BY id
           ROWS BETWEEN 1 FOLLOWING AND 1 FOLLOWING) FROM @old""",
        [(0,), (0,), (0,)],
        [(1,), (1,), (1,)],
        ALL_ROADS,
    ),
    Bug(
        "day_of_infinity",
        "SELECT count(*) FROM @moments WHERE date_trunc('day', t) = 'infinity'::TIMESTAMP",
        [(0,)],
        [(1,)],
        ALL_ROADS,
    ),
    Bug(
        "filter_on_a_random_group",
        """SELECT count(*) > 1 FROM (SELECT floor(random() * 2) AS g FROM @numbers GROUP BY 1)
           WHERE g = 1""",
        [(True,)],
        [(False,)],
        ALL_ROADS,
    ),
    Bug(
        "zoned_nanoseconds",
        "SELECT count(DISTINCT zoned), count(DISTINCT local) FROM @nanoseconds",
        [(2, 3)],
        [(3, 3)],
        ALL_ROADS,
    ),
    Bug(
        "nanoseconds_before_1970",
        """SELECT local::DATE::VARCHAR FROM @nanoseconds
           WHERE local < TIMESTAMP_NS '1970-01-01'""",
        [("1970-01-01",)],
        [("1969-12-31",)],
        ALL_ROADS,
    ),
    Bug(
        "float_as_decimal",
        "SELECT x::DECIMAL(18, 2)::VARCHAR FROM @floats",
        [("1234567.52",)],
        [("1234567.50",)],
        ALL_ROADS,
    ),
]

# What two files hold: the first one's type can't keep the second one's value.
LOSSY_DRIFTS = {
    "double_as_integer": ("1::INTEGER", "2.75::DOUBLE"),
    "double_as_float": ("1.5::FLOAT", "0.1::DOUBLE"),
    "decimal_as_integer": ("1::INTEGER", "2.75::DECIMAL(9, 2)"),
    "decimal_of_smaller_scale": ("1.5::DECIMAL(9, 1)", "2.75::DECIMAL(9, 2)"),
    "text_as_integer": ("1::INTEGER", "'7.6'"),
    "integer_as_boolean": ("true", "7::INTEGER"),
    "timestamp_as_date": ("DATE '2026-01-01'", "TIMESTAMP '2026-01-02 13:00:00'"),
    "nanoseconds_as_microseconds": (
        "TIMESTAMP '2026-01-01 00:00:00'",
        "TIMESTAMP_NS '2026-01-02 00:00:00.000000123'",
    ),
    "in_a_list": ("[1::INTEGER]", "[2.75::DOUBLE]"),
    "in_a_struct": ("{'x': 1::INTEGER}", "{'x': 2.75::DOUBLE}"),
}
# The first one's type keeps it.
HARMLESS_DRIFTS = {
    "bigint_as_integer": ("1::INTEGER", "7::BIGINT"),
    "integer_as_double": ("1.5::DOUBLE", "7::INTEGER"),
    "integer_as_decimal": ("1.5::DECIMAL(9, 1)", "7::INTEGER"),
    "decimal_of_greater_scale": ("2.75::DECIMAL(9, 2)", "1.5::DECIMAL(9, 1)"),
    "date_as_timestamp": ("TIMESTAMP '2026-01-02 13:00:00'", "DATE '2026-01-01'"),
    "integer_as_text": ("'x'", "7::INTEGER"),
    "struct_with_more_fields": ("{'x': 1}", "{'x': 2, 'y': 3}"),
    "struct_with_fewer_fields": ("{'x': 1, 'y': 2}", "{'x': 2}"),
    "list_of_smaller": ("[1::BIGINT]", "[2::INTEGER]"),
}

"""Every DuckDB type with its odd values, what becomes of it outside, and docs/types.md about that.

`python tests/sql/type_table.py > docs/types.md` writes the page anew; a test compares.
"""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pandas
import smallpond

# Type → SQL of its values, each cast to the type. A NULL is added.
VALUES: dict[str, list[str]] = {
    "BOOLEAN": ["true", "false"],
    "TINYINT": ["-128", "127"],
    "SMALLINT": ["-32768", "32767"],
    "INTEGER": ["-2147483648", "2147483647"],
    "BIGINT": ["-9223372036854775808", "9223372036854775807", "9007199254740993"],
    "HUGEINT": ["-9223372036854775809", "99999999999999999999999999999999999999"],
    "UTINYINT": ["0", "255"],
    "USMALLINT": ["0", "65535"],
    "UINTEGER": ["0", "4294967295"],
    "UBIGINT": ["0", "18446744073709551615"],
    "UHUGEINT": ["0", "99999999999999999999999999999999999999"],
    "BIGNUM": ["'-1'", "'123456789012345678901234567890123456789012345678901234567890'"],
    "FLOAT": ["-3.4028235e38", "1e-45", "'-0.0'", "'nan'", "'inf'", "'-inf'"],
    "DOUBLE": ["-1.7976931348623157e308", "5e-324", "'-0.0'", "'nan'", "'inf'", "'-inf'"],
    "DECIMAL(4,1)": ["-999.9", "999.9"],
    "DECIMAL(9,4)": ["-99999.9999", "99999.9999"],
    "DECIMAL(18,6)": ["-999999999999.999999", "999999999999.999999"],
    "DECIMAL(38,0)": ["-99999999999999999999999999999999999999", "1"],
    "DECIMAL(38,38)": ["'0.99999999999999999999999999999999999999'", "'-0." + "0" * 37 + "1'"],
    "VARCHAR": ["''", "'ünï\U0001f600'", "chr(0) || 'a' || chr(0)", "repeat('long', 10_000)"],
    "BLOB": ["''", "'\\x00\\xFF\\x27'"],
    "BIT": ["'1'", "'000101010111'"],
    "UUID": ["'00000000-0000-0000-0000-000000000000'", "'ffffffff-ffff-ffff-ffff-fffffffffff1'"],
    "DATE": ["'0001-01-01'", "'1969-12-31'", "'9999-12-31'"],
    "TIME": ["'00:00:00'", "'23:59:59.999999'"],
    "TIME_NS": ["'00:00:00'", "'23:59:59.999999'"],
    "TIME WITH TIME ZONE": ["'12:34:56.789012+00'", "'00:00:01+05:30'", "'23:59:59-15:59'"],
    "TIMESTAMP": ["'0001-01-01'", "'9999-12-31 23:59:59.999999'"],
    "TIMESTAMP_S": ["'0001-01-01'", "'9999-12-31 23:59:59'"],
    "TIMESTAMP_MS": ["'0001-01-01'", "'9999-12-31 23:59:59.999'"],
    "TIMESTAMP_NS": ["'1677-09-22'", "'2262-04-11 23:47:16.854775806'"],
    "TIMESTAMP WITH TIME ZONE": ["'0001-01-02 00:00:00+00'", "'2026-01-31 12:34:56.789012+05:30'"],
    "INTERVAL": ["'0 days'", "'1 year 2 months 40 days 30 hours 0.5 seconds'"],
    "ENUM('a', 'ü')": ["'a'", "'ü'"],
    "JSON": ["""'{"a": [1, null]}'""", "'null'"],
    "GEOMETRY": ["'POINT (1 2)'", "'LINESTRING (0 0, 1 1)'"],
    "VARIANT": ["1", "{'a': [1, 2]}"],
    "INTEGER[]": ["[]", "[1, NULL]", "[-2147483648]"],
    "BIGINT[]": ["[9007199254740993, NULL]"],
    "INTEGER[2]": ["[1, 2]", "[3, NULL]"],
    "STRUCT(a BIGINT, b VARCHAR)": ["{'a': 9007199254740993, 'b': 'x'}", "{'a': NULL, 'b': NULL}"],
    "MAP(VARCHAR, INTEGER)": ["MAP {}", "MAP {'k': 1, 'l': NULL}"],
    "UNION(num INTEGER, str VARCHAR)": ["union_value(num := 1)", "union_value(str := 'x')"],
    "STRUCT(d DATE, u UUID)[]": ["[{'d': '1969-12-31', 'u': NULL}, NULL]", "[]"],
    "ENUM('a', 'b')[]": ["['a', NULL]"],
    "BIT[]": ["['101', NULL]"],
    "HUGEINT[]": ["[9223372036854775808, NULL]"],
    "DECIMAL(38,10)[2]": ["[1.5, NULL]"],
    "INTERVAL[]": ["['1 month 2 days 3 seconds', NULL]"],
    "TIMESTAMP_NS[]": ["['2026-01-31 00:00:00.123456789', NULL]"],
    "TIME WITH TIME ZONE[]": ["['12:00:00+02'::TIMETZ, NULL]"],
    "MAP(DATE, STRUCT(x BLOB, y FLOAT[]))": ["MAP {'2026-01-31': {'x': 'x', 'y': ['nan', NULL]}}"],
    "VARCHAR[][]": ["[['a', NULL], [], NULL]"],
}  # fmt: skip

NOTES = """
* **HUGEINT, UHUGEINT** beyond 38 digits are errors that name the column. So is an **INTERVAL** that
  is negative, has microseconds or more than 49 days of hours (Parquet), or 292 years of them
  (Arrow).
* **TIME WITH TIME ZONE** comes back from Parquet as the same moment in UTC.
* **UNION** comes back from Parquet as a struct of a tag and the members, which casts to the union.
* **GEOMETRY** inside of lists and structs comes back from Parquet as its WKB.
* **ARRAY** is a list in Parquet. **row(1, 2)** gets the names f1, f2 … everywhere outside.
* **DATE and TIMESTAMP** before year 1 or after 9999, and 'infinity', are errors of `take` and
  `take_all`, since Python has none; Arrow and Parquet hold them. pandas keeps them within 292,000
  years, and TIMESTAMP 'infinity' as the last microsecond there is; a DATE beyond is an error.
* **Python** needs no package for any of them. INTERVAL is a named tuple of months, days and
  nanoseconds. TIMESTAMP_NS is pandas' Timestamp where pandas is installed; otherwise it is a
  datetime, and nanoseconds are an error.
* **TIME '24:00:00'** and a TIME_NS with nanoseconds are errors in Python and pandas.
* **pandas** types stand without NULLs; with them integers and BOOLEAN become pandas' nullable
  types, Int32, boolean and so on, and all else stays. So does DuckDB's own `df()`, whose type
  stands beside ours; but with NULLs its VARCHAR and JSON are object. Where they differ, ours loses
  nothing: HUGEINT is int64 where all values fit, else Python ints, and DECIMAL is decimal. Of
  values, BLOB is bytes and DuckDB's a bytearray, MAP a list of pairs and DuckDB's a dict.
* **INTERVAL** in pandas counts 30 days a month, as DuckDB does; beyond 290,000 years it is an
  error. timedelta64 comes in as DuckDB reads it, with months of 30 days, days and microseconds.
* **Columns of Python objects** in pandas that have several types are read as DuckDB reads them:
  numbers as the wider of them, dates beside times as TIMESTAMP, others as their text. Where there
  is no such text, as of bytes, the error names the column. The same goes for what is in lists and
  dicts; dicts of other keys become one STRUCT, where DuckDB makes a MAP. Integers in lists and
  structs stay integers beside NULLs. Integers beyond 64 bits come back as DECIMAL(38,0), beyond 38
  digits as text, decimals beyond 38 digits as DOUBLE, and NaN as NULL. Where one time has a zone,
  all are TIME WITH TIME ZONE.
* **Decimals of 256 bits** in Arrow, and Polars' Int128, are errors that name the column.
* **NumPy arrays** of text are VARCHAR, where DuckDB makes an ENUM. float16 is FLOAT, of Arrow too.
* **Categories inside of lists**, which come from outside, are read as their values; those of Polars
  are an error that asks for a cast to text.
* **CSV and JSON** are text: read them with a `schema` to have the types again. JSON numbers are
  read by way of DOUBLE, and BLOB, BIT, BIGNUM and VARIANT not at all: cast them to VARCHAR first.
* **Keys of `partition_by`** keep their types for smallpond, also lists, structs and maps; other
  programs see text ([writing.md](writing.md)).
* **Polars** takes the Arrow column but for INTERVAL and UNION, which it does not know.
""".strip()

HEAD = """
# Types

What becomes of a column outside of DuckDB, and as what it comes back: `write_parquet` and
`read_parquet`, `to_arrow` and `from_arrow`, `to_pandas` and `from_pandas`, `take_all`. Values are
the same, and a type that came back as another one casts to the one before; the exceptions stand
below. Written by `tests/sql/type_table.py`, and compared with what happens by the tests.
""".strip()


def rows_sql(kind: str) -> str:
    """All values of a type and a NULL, in order."""
    values = [f"({value})::{kind}" for value in VALUES[kind]]
    return " UNION ALL ".join(
        f"SELECT {i} AS i, {value} AS x" for i, value in enumerate([*values, f"NULL::{kind}"])
    )


def table_row(sp: smallpond.Session, kind: str, folder: Path) -> str:
    """The line of the page's table for a type."""
    cells = ["same" if cell == kind else cell for cell in _outside(sp, kind, folder)]
    return f"| {kind} | " + " | ".join(cells) + " |"


def _outside(sp: smallpond.Session, kind: str, folder: Path) -> list[str]:
    """The type from Parquet, in Arrow, from Arrow, in pandas, in DuckDB's pandas, from pandas, in
    Python."""
    frame = sp.sql(rows_sql(kind))
    frame.write_parquet(folder / "parquet")
    row = [sp.read_parquet(folder / "parquet").schema["x"]]
    try:
        table = frame.to_arrow()
    except smallpond.UnsupportedError:
        return [*row, "error", "", "error", duckdbs_dtype(kind), "", "error"]
    row += [str(table.schema.field("x").type), sp.from_arrow(table).schema["x"]]
    in_pandas = sp.sql("FROM {0} WHERE x IS NOT NULL ORDER BY i", frame).to_pandas()
    try:
        back = sp.from_pandas(in_pandas).schema["x"]
    except smallpond.InvalidInputError:
        back = "error"
    ours, theirs = str(in_pandas["x"].dtype), duckdbs_dtype(kind)
    row += [ours, "same" if theirs == ours else theirs, back]
    kinds = dict.fromkeys(type(r["x"]).__name__ for r in frame.take_all() if r["x"] is not None)
    return [*row, ", ".join(kinds)]


def duckdbs_frame(sql: str) -> pandas.DataFrame:
    """What plain DuckDB hands to pandas."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # It uses what pandas is about to drop.
        with duckdb.connect() as connection:
            return connection.sql(sql).df()


def duckdbs_dtype(kind: str) -> str:
    try:
        frame = duckdbs_frame(f"FROM ({rows_sql(kind)}) WHERE x IS NOT NULL ORDER BY i")
    except duckdb.NotImplementedException:
        return "error"
    return str(frame["x"].dtype)


def page(sp: smallpond.Session) -> Iterator[str]:
    yield HEAD
    yield ""
    yield (
        "| DuckDB | from Parquet | in Arrow | from Arrow | in pandas | DuckDB's df() | from pandas "
        "| in Python |"
    )
    yield "|---|---|---|---|---|---|---|---|"
    for kind in VALUES:
        with tempfile.TemporaryDirectory() as folder:
            yield table_row(sp, kind, Path(folder))
    yield ""
    yield NOTES


if __name__ == "__main__":
    with smallpond.init(threads=2) as session:
        print("\n".join(page(session)))

"""Tables to sort, as files, and keys of every type that DuckDB sorts."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import stage_tables
from type_table import VALUES

# v, s and d have ties, i has none. Of n and e some files or all have no rows.
TABLES = {
    "t": """
        SELECT i, i * 7919 % 1009 AS v, (i % 5)::INTEGER AS g,
               CASE WHEN i % 11 > 0 THEN 'k' || (i * 31 % 97) END AS s,
               CASE WHEN i % 17 = 0 THEN 'nan'::DOUBLE WHEN i % 19 > 0 THEN (i * 37 % 1000) / 7 END
                   AS d,
               NULL::INTEGER AS nothing, i % 3 = 0 AS b, i * 13 % 101 AS "a ""b""; -- x",
               (['é', 'E', 'e', 'Ä', 'a', 'Z', '', NULL])[1 + i % 8] || i % 3 AS word,
               {'a': i * 31 % 101, 'b': 'x' || i % 9} AS st
        FROM range(2000) r(i)""",
    "n": "SELECT * FROM t WHERE i % 7 <> 3 AND i % 7 < 5 AND i % 2 = 0",
    "e": "SELECT * FROM t WHERE false",
    "many": """
        SELECT i, i * 7919 % 20011 AS v, (i % 5)::INTEGER AS g, 1 AS one, i % 2 AS two,
               CASE WHEN i % 100 = 0 THEN i ELSE 7 END AS heavy
        FROM range(20000) r(i)""",
    "long": """
        SELECT i, repeat('x', 300) || CASE WHEN i % 20 = 0 THEN repeat('y', 4700) || i * 31 % 89
                                           ELSE (i * 31 % 97)::VARCHAR END AS x
        FROM range(3000) r(i)""",
}

# Of row i, values by the dozen: those of VALUES are few.
SPREAD = {
    "TINYINT": "i % 200 - 100",
    "SMALLINT": "i * 31 - 30000",
    "INTEGER": "i * 1000003 - 1000000000",
    "BIGINT": "(i - 1000) * 1000000000000",
    "HUGEINT": "(i - 1000)::HUGEINT * 10 ** 25::HUGEINT",
    "UTINYINT": "i % 256",
    "USMALLINT": "i * 30",
    "UINTEGER": "i * 2000000",
    "UBIGINT": "i * 2000000000000",
    "UHUGEINT": "i::UHUGEINT * 10 ** 25::UHUGEINT",
    "BIGNUM": "(i - 1000)::HUGEINT * 1000000000000000000000",
    "FLOAT": "(i - 1000) / 7",
    "DOUBLE": "(i - 1000) / 7 * power(10, i % 40 - 20)",
    "DECIMAL(4,1)": "(i - 1000) / 10",
    "DECIMAL(9,4)": "(i - 1000) / 7",
    "DECIMAL(18,6)": "(i - 1000) / 7",
    "DECIMAL(38,0)": "(i - 1000)::DECIMAL(38, 0) * 1000000000000000000000",
    "VARCHAR": "(['', 'ä', 'Z', 'z', 'é', '日本', '\U0001f600', 'a'])[1 + i % 8] || i * 31 % 97",
    "BLOB": "unhex(format('{:04x}', i * 31 % 65536)) || '\\x00\\x01'::BLOB",
    "BIT": "i::INTEGER::BIT",
    "UUID": "md5(i::VARCHAR)",
    "DATE": "DATE '1970-01-01' + (i * 31 - 9000)::INTEGER",
    "TIME": "TIME '00:00:00' + to_microseconds(i * 43199123)",
    "TIME WITH TIME ZONE": "(TIME '00:00:00' + to_seconds(i * 43))::VARCHAR "
    "|| (['+00', '+05:30', '-11'])[1 + i % 3]",
    "TIMESTAMP": "TIMESTAMP '1969-01-01' + to_hours(i * 9)",
    "TIMESTAMP_S": "TIMESTAMP '1969-01-01' + to_hours(i * 9)",
    "TIMESTAMP_MS": "TIMESTAMP '1969-01-01' + to_hours(i * 9)",
    "TIMESTAMP_NS": "TIMESTAMP '1969-01-01' + to_hours(i * 9)",
    "TIMESTAMP WITH TIME ZONE": "TIMESTAMPTZ '1969-01-01 00:00:00+00' + to_hours(i * 9)",
    "INTERVAL": "to_days((i % 70)::INTEGER) + to_months((i % 3)::INTEGER) - to_hours(i % 50)",
    "INTEGER[]": "([i % 3, i % 7, NULL, i * 31 % 97])[:i % 5]",
    "STRUCT(a BIGINT, b VARCHAR)": "{'a': i % 10, 'b': 'x' || i * 31 % 97}",
    "STRUCT(d DATE, u UUID)[]": "[{'d': DATE '1970-01-01' + (i % 40)::INTEGER, "
    "'u': md5(i::VARCHAR)::UUID}]",
    "MAP(VARCHAR, INTEGER)": "MAP {'k' || i % 9: i}",
    "VARCHAR[][]": "[['a' || i % 10], [], ['b' || i]]",
}


@dataclass(frozen=True)
class Case:
    """A query over {t} and the other tables. Of its rows the first `num_keys` columns come in an
    order that is determined; by default all do."""

    name: str
    sql: str
    num_keys: int | None = None


def key_of(kind: str) -> str:
    """The key of row i: odd values of the type and NULL, and between them many others."""
    values = ", ".join(f"({value})::{kind}" for value in [*VALUES[kind], "NULL"])
    odd = f"([{values}])[1 + i % {len(VALUES[kind]) + 1}]"
    if kind not in SPREAD:
        return odd
    return f"CASE WHEN i % 4 = 0 THEN {odd} ELSE ({SPREAD[kind]})::{kind} END"


def write_tables(folder: Path) -> dict[str, str]:
    """Writes the files, and returns what stands for {t} and so on."""
    stage_tables.write_tables(folder, TABLES, "i")
    return {f"{{{name}}}": f"'{folder}/{name}/*.parquet'" for name in TABLES}

"""Tables for queries in stages: keys of many types, with NULLs, doubles and rows without a match.

l and r have common keys, e is r without rows, u has one row a key.
"""

from __future__ import annotations

from pathlib import Path

import duckdb

NUM_FILES = 7  # Of each table, so that every one is divided.

TABLES = {
    "l": """
        SELECT i::INTEGER AS id,
               CASE WHEN i % 11 > 0 THEN i * 7 % 23 END::INTEGER AS k,
               CASE WHEN i % 13 > 0 THEN chr((97 + i % 5)::INTEGER) END AS k2,
               (i * 31 % 17)::BIGINT AS x,
               CASE WHEN i % 17 = 0 THEN 'nan'::DOUBLE WHEN i % 19 > 0 THEN (i * 37 % 100) / 7 END
                   AS d,
               CASE WHEN i % 2 = 0 THEN -0.0::DOUBLE WHEN i % 3 = 0 THEN 'nan' ELSE 0.0 END AS z,
               ((i * 53 % 997) / 4)::DECIMAL(10, 2) AS dec,
               chr((CASE WHEN i % 3 = 0 THEN 65 ELSE 97 END + i % 5)::INTEGER) AS s,
               TIMESTAMP '2026-01-01' + to_minutes(i * 97 % 500) AS ts,
               i % 3 = 0 AS b,
               {'a': i % 3, 'b': chr((97 + i % 2)::INTEGER)} AS st,
               [i % 3, NULL, i % 2] AS li,
               (['u', 'v', 'w'])[1 + i % 3]::ENUM('u', 'v', 'w') AS en,
               TIMESTAMPTZ '2026-01-01 00:00:00+00' + to_hours(i % 5) AS tz,
               (i % 7)::DECIMAL(38, 0) * 10 ** 20 AS h,
               DATE '2026-01-01' + (i % 6)::INTEGER AS dt,
               to_days((i % 4)::INTEGER * 30) AS iv,
               CASE WHEN i % 5 > 0 THEN i % 9 / 3.0 END::FLOAT AS f,
               (i % 5)::UTINYINT AS ut,
               (i % 100)::SMALLINT - 50 AS sm
        FROM range(1, 301) t(i)""",
    "r": """
        SELECT i::INTEGER AS id,
               CASE WHEN i % 7 > 0 THEN i * 5 % 29 END::INTEGER AS k,
               CASE WHEN i % 9 > 0 THEN chr((98 + i % 6)::INTEGER) END AS k2,
               (i * 5 % 29)::BIGINT AS kb,
               (i * 5 % 29)::DOUBLE AS kd,
               (i * 5 % 29)::VARCHAR AS ks,
               (i * 13 % 19)::BIGINT AS x,
               CASE WHEN i % 2 = 0 THEN 0.0::DOUBLE ELSE 'nan' END AS z,
               (i * 3 % 31)::DECIMAL(12, 3) AS dec,
               to_months((i % 4)::INTEGER) AS iv,
               TIMESTAMP '2026-01-01' + to_minutes(i * 41 % 500) AS ts,
               {'a': i % 4, 'b': chr((97 + i % 2)::INTEGER)} AS st,
               [i % 3, NULL, i % 2] AS li,
               chr((65 + i % 5)::INTEGER) AS s
        FROM range(1, 121) t(i)""",
    "e": "SELECT * FROM r WHERE false",
    "u": "SELECT i::INTEGER AS k, 'n' || i AS name FROM range(15) t(i)",
}


def write_tables(
    folder: Path, tables: dict[str, str] = TABLES, number_of_row: str = "rowid"
) -> None:
    """Writes each table as a folder of several Parquet files, its rows by turns."""
    with duckdb.connect() as connection:
        for name, sql in tables.items():
            connection.execute(f"CREATE TABLE {name} AS {sql}")
            (folder / name).mkdir()
            for number in range(NUM_FILES):
                connection.execute(
                    f"COPY (FROM {name} WHERE {number_of_row} % {NUM_FILES} = {number}) "
                    f"TO '{folder}/{name}/{number}.parquet'"
                )

"""The tables of TPC-DS as their statistics tell them at scale factor 1000."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import duckdb
from dataless_parquet import Column, write_dataless

# As the benchmark's specification lists them.
ROWS = {
    "call_center": 42,
    "catalog_page": 30_000,
    "catalog_returns": 143_996_756,
    "catalog_sales": 1_439_980_416,
    "customer": 12_000_000,
    "customer_address": 6_000_000,
    "customer_demographics": 1_920_800,
    "date_dim": 73_049,
    "household_demographics": 7_200,
    "income_band": 20,
    "inventory": 783_000_000,
    "item": 300_000,
    "promotion": 1_500,
    "reason": 65,
    "ship_mode": 20,
    "store": 1_002,
    "store_returns": 287_999_764,
    "store_sales": 2_879_987_999,
    "time_dim": 86_400,
    "warehouse": 20,
    "web_page": 3_000,
    "web_returns": 71_997_522,
    "web_sales": 720_000_376,
    "web_site": 54,
}
# The table that a key of this ending counts; days and times of the day have numbers of their own.
KEYS = {
    "item_sk": "item",
    "customer_sk": "customer",
    "cdemo_sk": "customer_demographics",
    "hdemo_sk": "household_demographics",
    "addr_sk": "customer_address",
    "store_sk": "store",
    "promo_sk": "promotion",
    "warehouse_sk": "warehouse",
    "ship_mode_sk": "ship_mode",
    "reason_sk": "reason",
    "call_center_sk": "call_center",
    "catalog_page_sk": "catalog_page",
    "web_page_sk": "web_page",
    "web_site_sk": "web_site",
    "demo_sk": "customer_demographics",
    "address_sk": "customer_address",
    "income_band_sk": "income_band",
}
SAMPLE_SCALE = 0.01  # Of the data that tells of all other columns.
ROWS_OF_AN_ORDER = 12
GROUP_ROWS = 1_000_000
MOST_GROUPS = 250
BYTES = {"INTEGER": 2.0, "BIGINT": 4.0, "DATE": 2.0, "VARCHAR": 12.0}


def _largest_key(table: str, column: str) -> int | None:
    """Of keys that count from 1."""
    if column.endswith(("_ticket_number", "_order_number")):
        return ROWS[table.replace("returns", "sales")] // ROWS_OF_AN_ORDER
    if table == "household_demographics" and column == "hd_demo_sk":
        return ROWS[table]
    return next((ROWS[KEYS[end]] for end in KEYS if column.endswith("_" + end)), None)


def _columns(connection: duckdb.DuckDBPyConnection, table: str) -> list[Column]:
    columns = []
    for name, type_name, *_ in connection.execute(f"DESCRIBE {table}").fetchall():
        most = _largest_key(table, name)
        if most:
            columns.append(Column(name, "INTEGER", 1, most, min(most, ROWS[table]), 2.5))
            continue
        facts = connection.execute(
            f"SELECT min({name}), max({name}), count(DISTINCT {name}), count(*) FROM {table}"
        ).fetchone()
        assert facts
        least, most, distinct, rows = facts
        if distinct > rows / 2:
            distinct = ROWS[table]  # One of its own in nearly each row.
        if least is None:
            least, most = ("", "") if type_name == "VARCHAR" else (0, 0)
            type_name = "INTEGER" if type_name == "DATE" else type_name
        if type_name in ("VARCHAR", "DATE"):
            least, most = str(least)[:16], str(most)[:16]
        columns.append(
            Column(name, type_name, least, most, max(1, distinct), BYTES.get(type_name, 4.0))
        )
    return columns


def write_tables(folder: Path) -> None:
    """Writes a file without data for each table, TABLE.parquet."""
    spec = find_spec("duckdb_extension_tpcds")
    assert spec and spec.origin, "Install requirements-dev.txt"
    (extension,) = Path(spec.origin).parent.rglob("tpcds.duckdb_extension")
    with duckdb.connect() as connection:
        connection.load_extension(str(extension))
        connection.execute(f"CALL dsdgen(sf = {SAMPLE_SCALE})")
        for table, rows in ROWS.items():
            group_rows = max(GROUP_ROWS, rows // MOST_GROUPS)
            write_dataless(
                folder / f"{table}.parquet", _columns(connection, table), rows, group_rows
            )

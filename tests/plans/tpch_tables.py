"""The tables of TPC-H as their statistics tell them at any scale factor."""

from __future__ import annotations

from pathlib import Path

from dataless_parquet import Column, write_dataless

# A row group is large, so that footers are short, unless the table is.
LEAST_GROUP_ROWS = 1_000_000
MOST_GROUPS = 250
MONEY = "DECIMAL(15,2)"


def _text(name: str, least: str, most: str, distinct: int, size: float) -> Column:
    return Column(name, "VARCHAR", least, most, distinct, size)


def _key(name: str, most: int, distinct: int, size: float = 4.0) -> Column:
    return Column(name, "BIGINT", 1, most, distinct, size)


def _day(name: str, least: str, most: str, distinct: int) -> Column:
    return Column(name, "DATE", least, most, distinct, 1.6)


def _region() -> list[Column]:
    return [
        Column("r_regionkey", "INTEGER", 0, 4, 5, 8.8),
        _text("r_name", "AFRICA", "MIDDLE EAST", 5, 15),
        _text("r_comment", " foxes", "s are", 5, 64),
    ]


def _nation() -> list[Column]:
    return [
        Column("n_nationkey", "INTEGER", 0, 24, 25, 5.0),
        _text("n_name", "ALGERIA", "VIETNAM", 25, 11),
        Column("n_regionkey", "INTEGER", 0, 4, 5, 3.2),
        _text("n_comment", " beans", "usly", 25, 42),
    ]


def _supplier(scale: int) -> list[Column]:
    suppliers = 10_000 * scale
    return [
        _key("s_suppkey", suppliers, suppliers),
        _text("s_name", "Supplier#000000001", "Supplier#9", suppliers, 5),
        _text("s_address", "  3TLxhVM", "zzeiHvqs", suppliers, 28.5),
        Column("s_nationkey", "INTEGER", 0, 24, 25, 0.7),
        _text("s_phone", "10-102-1", "34-998-9", suppliers, 12),
        Column("s_acctbal", MONEY, "-999.99", "9999.99", 1_100_000, 5.0),
        _text("s_comment", " Tiresia", "zzle-- f", suppliers, 24.3),
    ]


def _customer(scale: int) -> list[Column]:
    customers = 150_000 * scale
    return [
        _key("c_custkey", customers, customers),
        _text("c_name", "Customer#000000001", "Customer#9", customers, 5),
        _text("c_address", "   2Ksa,", "zzyQcZpC", customers, 28.6),
        Column("c_nationkey", "INTEGER", 0, 24, 25, 0.6),
        _text("c_phone", "10-100-1", "34-999-6", customers, 11.9),
        Column("c_acctbal", MONEY, "-999.99", "9999.99", 1_100_000, 4.9),
        _text("c_mktsegment", "AUTOMOBILE", "MACHINERY", 5, 0.4),
        _text("c_comment", " Tiresia", "zzle. qu", customers, 27.1),
    ]


def _part(scale: int) -> list[Column]:
    parts = 200_000 * scale
    return [
        _key("p_partkey", parts, parts),
        _text("p_name", "almond a", "yellow w", parts, 13.4),
        _text("p_mfgr", "Manufacturer#1", "Manufacturer#5", 5, 0.4),
        _text("p_brand", "Brand#11", "Brand#55", 25, 0.6),
        _text("p_type", "ECONOMY ANODIZED BRASS", "STANDARD POLISHED TIN", 150, 1.0),
        Column("p_size", "INTEGER", 1, 50, 50, 0.8),
        _text("p_container", "JUMBO BAG", "WRAP PKG", 40, 0.8),
        Column("p_retailprice", MONEY, "900.00", "2098.99", 120_000, 2.2),
        _text("p_comment", " Tires", "zzle? fu", parts, 8.5),
    ]


def _partsupp(scale: int) -> list[Column]:
    suppliers, parts = 10_000 * scale, 200_000 * scale
    return [
        _key("ps_partkey", parts, parts, 1.8),
        _key("ps_suppkey", suppliers, suppliers, 2.2),
        Column("ps_availqty", "BIGINT", 1, 9999, 9999, 2.2),
        Column("ps_supplycost", MONEY, "1.00", "1000.00", 99_901, 4.5),
        _text("ps_comment", " Tiresia", "zzle. th", 4 * parts, 42.6),
    ]


def _orders(scale: int) -> list[Column]:
    customers, orders = 150_000 * scale, 1_500_000 * scale
    return [
        _key("o_orderkey", 4 * orders, orders),
        _key("o_custkey", customers, customers * 2 // 3, 4.6),
        _text("o_orderstatus", "F", "P", 3, 0.3),
        Column("o_totalprice", MONEY, "811.73", "602901.81", 40_000_000, 5.6),
        _day("o_orderdate", "1992-01-01", "1998-08-02", 2406),
        _text("o_orderpriority", "1-URGENT", "5-LOW", 5, 0.4),
        _text("o_clerk", "Clerk#000000001", "Clerk#001000000", 1000 * scale, 1.3),
        Column("o_shippriority", "INTEGER", 0, 0, 1, 0.001),
        _text("o_comment", " Tiresia", "zzle? fu", orders, 19.8),
    ]


def _lineitem(scale: int) -> list[Column]:
    suppliers, parts, orders = 10_000 * scale, 200_000 * scale, 1_500_000 * scale
    return [
        _key("l_orderkey", 4 * orders, orders, 1.6),
        _key("l_partkey", parts, parts, 4.7),
        _key("l_suppkey", suppliers, suppliers, 2.1),
        Column("l_linenumber", "BIGINT", 1, 7, 7, 0.2),
        Column("l_quantity", MONEY, "1.00", "50.00", 50, 0.8),
        Column("l_extendedprice", MONEY, "900.00", "104949.50", 4_000_000, 5.2),
        Column("l_discount", MONEY, "0.00", "0.10", 11, 0.5),
        Column("l_tax", MONEY, "0.00", "0.08", 9, 0.5),
        _text("l_returnflag", "A", "R", 3, 0.2),
        _text("l_linestatus", "F", "O", 2, 0.2),
        _day("l_shipdate", "1992-01-02", "1998-12-01", 2526),
        _day("l_commitdate", "1992-01-31", "1998-10-31", 2466),
        _day("l_receiptdate", "1992-01-03", "1998-12-31", 2555),
        _text("l_shipinstruct", "COLLECT COD", "TAKE BACK RETURN", 4, 0.4),
        _text("l_shipmode", "AIR", "TRUCK", 7, 0.4),
        _text("l_comment", " Tiresia", "zzle? fu", 3 * orders, 12.8),
    ]


def tables(scale: int) -> dict[str, tuple[int, list[Column]]]:
    """Rows and columns of each table. Bytes are those that DuckDB's Parquet files have."""
    return {
        "region": (5, _region()),
        "nation": (25, _nation()),
        "supplier": (10_000 * scale, _supplier(scale)),
        "customer": (150_000 * scale, _customer(scale)),
        "part": (200_000 * scale, _part(scale)),
        "partsupp": (800_000 * scale, _partsupp(scale)),
        "orders": (1_500_000 * scale, _orders(scale)),
        "lineitem": (6_000_000 * scale, _lineitem(scale)),
    }


def write_tables(folder: Path, scale: int) -> None:
    """Writes a file without data for each table, TABLE.parquet."""
    for name, (rows, columns) in tables(scale).items():
        group_rows = max(LEAST_GROUP_ROWS, rows // MOST_GROUPS)
        write_dataless(folder / f"{name}.parquet", columns, rows, group_rows)

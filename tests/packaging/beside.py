"""A program that uses smallpond and the duckdb package in turns, in one process."""

from __future__ import annotations

ORDERS = [("duckdb", "smallpond"), ("smallpond", "duckdb")]
SCOPES = ["local", "global"]

_USE = """
import tempfile
import threading


def check_smallpond():
    # Binding, the partition analysis and Arrow go through DuckDB's internal C++ interface.
    sp = smallpond.init(threads=2)
    frame = sp.sql("SELECT i, i % 3 AS k, 'x' || i AS s FROM range(10000) t(i)")
    spread = frame.repartition(3, hash_by="k")
    groups = sp.partial_sql("SELECT k, count(*) AS n FROM {0} GROUP BY k", spread)
    assert "each of 3 partitions" in groups.explain()
    assert sp.sql("SELECT sum(n) AS n FROM groups").count() == 1
    with tempfile.TemporaryDirectory() as folder:
        assert spread.write_parquet(folder + "/out").num_files == 3
        assert sp.read_parquet(folder + "/out").count() == 10000
    for query, kind, words in [
        ("SELECT nope FROM {0}", smallpond.InvalidInputError, "nope"),
        ("SELEC 1", smallpond.InvalidInputError, "syntax error"),
        ("FROM 'no/such/file.parquet'", smallpond.IoError, "no/such/file"),
    ]:
        try:
            sp.sql(query, frame).count()
        except kind as error:
            assert words in str(error), error
        else:
            raise AssertionError(query)
    try:
        sp.sql("SELECT i::TINYINT FROM {0}", frame).count()
        sp.sql("SELECT sum(i::TINYINT) FROM {0}", frame).show()
    except smallpond.InvalidInputError as error:
        assert "INT8" in str(error), error
    else:
        raise AssertionError("a failed cast is an error")


def check_duckdb():
    connection = duckdb.connect()
    assert connection.execute("SELECT sum(i) FROM range(1000) t(i)").fetchall() == [(499500,)]
    try:
        connection.execute("SELECT nope FROM range(3)")
    except duckdb.BinderException as error:
        assert "nope" in str(error)
    else:
        raise AssertionError("a wrong column is an error")


for _ in range(3):
    check_smallpond()
    check_duckdb()
threads = [threading.Thread(target=f) for f in (check_smallpond, check_duckdb) * 2]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print("both work")
"""


def program(order: tuple[str, str], scope: str) -> str:
    """Returns the program's text: what to import first, and into which scope of symbols."""
    imports = "".join(f"import {name}\n" for name in order)
    if scope == "global":
        flags = "sys.setdlopenflags(os.RTLD_GLOBAL | os.RTLD_NOW)\n"
        imports = "import os, sys\n" + flags + imports
    return imports + _USE

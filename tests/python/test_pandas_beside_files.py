"""A large pandas frame beside files does not make a query run whole in this process."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import smallpond
from oracle import assert_same, duckdb_answer
from roads import SHUFFLED, StageRoad, StageSession
from written import PROCESSES, Plain, assert_written

NUM_ORDERS = 1_000_000
SQL = """
    SELECT o_priority, l_returnflag, count(*) AS n, sum(l_price) AS price, max(o_note) AS note
    FROM orders LEFT JOIN lineitem ON l_orderkey = o_orderkey GROUP BY o_priority, l_returnflag
"""


@pytest.fixture(scope="module")
def orders() -> pd.DataFrame:
    numbers = np.arange(NUM_ORDERS)
    notes = pd.Series(numbers).map("{:x}".format)
    return pd.DataFrame({"o_orderkey": numbers, "o_priority": numbers % 5, "o_note": notes})


def make_lineitem(connection: Plain, folder: Path, num_rows: int) -> Path:
    """Four files, whose rows have every third order, and some that there isn't."""
    folder.mkdir()
    for part in range(4):
        begin, end = (num_rows * n // 4 for n in [part, part + 1])
        connection.execute(f"""
            COPY (SELECT (hash(i) % {NUM_ORDERS // 2})::BIGINT * 3 AS l_orderkey,
                         ['A', 'N', 'R'][1 + i % 3] AS l_returnflag,
                         ((hash(i * 7) % 10_000_000) / 100)::DECIMAL(15, 2) AS l_price,
                         DATE '1992-01-01' + (i % 2500)::INTEGER AS l_shipdate,
                         md5(i::VARCHAR) AS l_comment
                  FROM range({begin}, {end}) t(i)) TO '{folder}/{part}.parquet'""")
    return folder


def check(
    sp: smallpond.Session, connection: Plain, orders: pd.DataFrame, lineitem: Path
) -> list[dict[str, Any]]:
    """Returns the stages, of which the frame is the first one that others read."""
    frame = sp.sql(SQL, orders=orders, lineitem=sp.read_parquet(lineitem))
    told = json.loads(frame.explain(format="json"))
    assert "whole_because" not in told
    first, *others = told["stages"]
    assert [each["operator"] for each in first["operators"]] == ["rows of this process"]
    assert max(stage["tasks"] for stage in others) > 1
    plain = connection.cursor()
    plain.register("orders", orders)
    plain.read_parquet(f"{lineitem}/*.parquet").create_view("lineitem", replace=True)
    assert_same(frame, duckdb_answer(plain, SQL))
    frame = sp.sql(SQL, orders=orders, lineitem=sp.read_parquet(lineitem))
    frame.write_parquet(lineitem.parent / "out")
    assert_written(plain, lineitem.parent / "out", SQL)
    return told["stages"]


@pytest.mark.parametrize("road", [SHUFFLED, PROCESSES], ids=lambda road: road.name)
def test_a_join(
    stage_session: StageSession, oracle: Plain, orders: pd.DataFrame, tmp_path: Path,
    road: StageRoad,
) -> None:  # fmt: skip
    lineitem = make_lineitem(oracle, tmp_path / "lineitem", 100_000)
    check(stage_session(road), oracle, orders, lineitem)


@pytest.mark.slow
@pytest.mark.parametrize("executor", ["threads", "processes"])
def test_a_join_with_files_beyond_the_bound(
    oracle: Plain, orders: pd.DataFrame, tmp_path: Path, executor: str
) -> None:
    """Where nothing but the size of the files asks for tasks."""
    lineitem = make_lineitem(oracle, tmp_path / "lineitem", 3_000_000)
    assert sum(file.stat().st_size for file in lineitem.iterdir()) > 100_000_000
    with smallpond.init(
        executor=executor,
        num_executors=2 if executor == "processes" else None,
        threads=2,
        duckdb_memory="400MB",
        data_root=tmp_path / "root",
    ) as sp:
        check(sp, oracle, orders, lineitem)

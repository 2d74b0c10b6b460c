"""Every shape of query gives plain DuckDB's answer, however its input is partitioned."""

from __future__ import annotations

import duckdb
import pytest
import smallpond
from drawn import drawn
from oracle import assert_same, duckdb_answer
from roads import ROADS, Road
from shapes import SHAPES, Shape


@pytest.mark.parametrize(("road", "shape"), drawn(ROADS, SHAPES, 2, 1))
def test_answer_is_duckdbs(
    shape: Shape,
    road: Road,
    sp: smallpond.Session,
    oracle: duckdb.DuckDBPyConnection,
    events: smallpond.DataFrame,
    users: smallpond.DataFrame,
) -> None:
    frame = road.run(sp, shape.sql, events, users=users)
    assert_same(frame, duckdb_answer(oracle, shape.duckdb_sql), shape.order)


def test_shapes_can_tell_right_from_wrong(oracle: duckdb.DuckDBPyConnection) -> None:
    """An answer without rows is the same however it is merged. NOT IN over NULLs has none."""
    for shape in SHAPES:
        num_rows = duckdb_answer(oracle, shape.duckdb_sql).table.num_rows
        assert (num_rows > 0) != ("not_in" in shape.name and "with_nulls" in shape.name), shape.name

"""TPC-H's stages at scale factor 1000: as approved, and with nothing big in one task."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator
from typing import Any

import pytest
from tpch_plans import COMMAND, QUERIES, SCALE, Plan, Planner
from tpch_tables import tables

SMALL_ROWS = 10_000  # What one task may read without anybody to share with.
LONGEST_LINE = 100
BROADCAST_BYTES = 64_000_000  # The default of init(broadcast_size=).


@pytest.fixture(scope="module")
def planner(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Planner]:
    planner = Planner(tmp_path_factory.mktemp("tpch"))
    with planner.session:
        yield planner


@pytest.fixture(scope="module", params=QUERIES)
def plan(planner: Planner, request: pytest.FixtureRequest) -> Plan:
    return planner.plan(request.param)


def test_plan_is_as_approved(plan: Plan) -> None:
    approved = plan.approved.read_text() if plan.approved.exists() else ""
    difference = difflib.unified_diff(
        approved.splitlines(), plan.text.splitlines(), "approved", "now", lineterm=""
    )
    text = "\n".join(difference)
    assert not text, f"The plan of query {plan.query} has changed. To approve: {COMMAND}\n{text}"
    assert max(map(len, plan.text.splitlines())) <= LONGEST_LINE


def is_work(operator: str) -> bool:
    starts = ("aggregate ", "distinct", "window", "cross product")
    return operator.startswith(starts) or " join on " in operator


def is_reduced(stage: dict[str, Any]) -> bool:
    """Whether each task of the stage gives a row, or some, for all that it read."""
    root = stage["operators"][0]["operator"]
    return root.startswith("top ") or (root.startswith("aggregate ") and " by " not in root)


def big_work_of_one_task(stages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The stages in which one task reads more than SMALL_ROWS of a file, or does more with such
    rows, where they are not reduced before, than to sort them."""
    rows_of = {f"{name}.parquet": rows for name, (rows, _) in tables(SCALE).items()}

    def is_big(stage: dict[str, Any]) -> bool:
        operators = [one["operator"].split(" where ")[0] for one in stage["operators"]]
        reads = [one.split()[1] for one in operators if one.startswith("read_parquet ")]
        if any(rows_of[file] > SMALL_ROWS for file in reads):
            return True
        inputs = [stages[one["stage"]] for one in stage["inputs"]]
        return any(is_work(one) for one in operators) and any(
            not is_reduced(one) and (one["estimated_rows"] > SMALL_ROWS or one["tasks"] > 1)
            for one in inputs
        )

    return [stage for stage in stages if stage["tasks"] == 1 and is_big(stage)]


def test_nothing_big_is_done_by_one_task(plan: Plan) -> None:
    assert big_work_of_one_task(plan.stages) == []


@pytest.mark.parametrize(
    "sql",
    [
        "WITH RECURSIVE r(k) AS (SELECT 1 UNION SELECT l_orderkey FROM {0} JOIN r ON k < l_partkey)"
        " FROM r",
        "SELECT l_orderkey, sum(l_tax) OVER (ORDER BY l_shipdate) FROM {0}",
    ],
)
def test_big_work_of_one_task_is_noticed(planner: Planner, sql: str) -> None:
    frame = planner.session.sql(sql, planner.frames["lineitem"])
    assert big_work_of_one_task(json.loads(frame.explain(format="json"))["stages"])


def test_only_small_rows_go_to_every_task(plan: Plan) -> None:
    for stage in plan.stages:
        for source in stage["inputs"]:
            if source["exchange"] == "broadcast":
                assert plan.stages[source["stage"]]["estimated_bytes"] <= BROADCAST_BYTES, stage

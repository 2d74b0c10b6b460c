"""Stages of TPC-H and TPC-DS at scale factor 1000: as approved, and nothing big in one task."""

from __future__ import annotations

import difflib
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from big_plans import BENCHMARKS, COMMAND, QUERIES, TPCDS, TPCH, Plan, Planner
from drawn import rank

LONGEST_LINE = 110
SHARE_OF_TPCDS = 0.15
BROADCAST_BYTES = 64_000_000  # The default of init(broadcast_size=).
# Queries that are let through, and why.
IN_ONE_TASK = {
    ("tpcds", 44): "ranks of some items' averages: at most as many as there are items, 300,000",
}
BROADCAST = {
    ("tpcds", 77): "a cross product with sums of the call centers, 42, which DuckDB can't know",
}


PlannerOf = Callable[[str], Planner]


@pytest.fixture(scope="module")
def planner_of(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PlannerOf]:
    """Returns the planner of a benchmark's queries."""
    planners: dict[str, Planner] = {}

    def find(name: str) -> Planner:
        if name not in planners:
            planners[name] = Planner(BENCHMARKS[name], tmp_path_factory.mktemp(name))
        return planners[name]

    yield find
    for planner in planners.values():
        planner.session.shutdown()


def drawn_queries() -> list[Any]:
    """All of TPC-H; of TPC-DS some in `make test`, the rest in the slow tier."""
    found = []
    for name, number in QUERIES:
        is_late = name == TPCDS.name and rank(name, str(number)) > SHARE_OF_TPCDS
        marks = [pytest.mark.slow] if is_late else []
        found.append(pytest.param((name, number), marks=marks, id=f"{name}-{number}"))
    return found


@pytest.fixture(scope="module", params=drawn_queries())
def plan(planner_of: PlannerOf, request: pytest.FixtureRequest) -> Plan:
    name, query = request.param
    return planner_of(name).plan(query)


def test_plan_is_as_approved(plan: Plan) -> None:
    approved = plan.approved.read_text() if plan.approved.exists() else ""
    difference = difflib.unified_diff(
        approved.splitlines(), plan.text.splitlines(), "approved", "now", lineterm=""
    )
    text = "\n".join(difference)
    assert not text, (
        f"The plan of {plan.benchmark} {plan.query} has changed. To approve: {COMMAND}\n{text}"
    )
    assert max(map(len, plan.text.splitlines())) <= LONGEST_LINE


def is_work(operator: str) -> bool:
    starts = ("aggregate ", "distinct", "window", "cross product")
    return operator.startswith(starts) or " join on " in operator


def is_reduced(stage: dict[str, Any]) -> bool:
    """Whether each task of the stage gives a row, or some, for all that it read."""
    root = stage["operators"][0]["operator"]
    return root.startswith("top ") or (root.startswith("aggregate ") and " by " not in root)


def big_work_of_one_task(benchmark: str, stages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The stages in which one task reads more than `small_rows` of a file, or does more with such
    rows, where they are not reduced before, than to sort them."""
    small_rows = BENCHMARKS[benchmark].small_rows
    rows_of = {f"{name}.parquet": rows for name, rows in BENCHMARKS[benchmark].rows.items()}

    def is_big(stage: dict[str, Any]) -> bool:
        operators = [one["operator"].split(" where ")[0] for one in stage["operators"]]
        reads = [one.split()[1] for one in operators if one.startswith("read_parquet ")]
        if any(rows_of[file] > small_rows for file in reads):
            return True
        inputs = [stages[one["stage"]] for one in stage["inputs"]]
        return any(is_work(one) for one in operators) and any(
            not is_reduced(one) and (one["estimated_rows"] > small_rows or one["tasks"] > 1)
            for one in inputs
        )

    return [stage for stage in stages if stage["tasks"] == 1 and is_big(stage)]


def test_nothing_big_is_done_by_one_task(plan: Plan) -> None:
    found = big_work_of_one_task(plan.benchmark, plan.stages)
    assert bool(found) == ((plan.benchmark, plan.query) in IN_ONE_TASK), found


@pytest.mark.parametrize(
    "sql",
    [
        "WITH RECURSIVE r(k) AS (SELECT 1 UNION SELECT l_orderkey FROM {0} JOIN r ON k < l_partkey)"
        " FROM r",
        "SELECT l_orderkey, lag(l_tax) OVER (ORDER BY l_shipdate) FROM {0}",
    ],
)
def test_big_work_of_one_task_is_noticed(planner_of: PlannerOf, sql: str) -> None:
    planner = planner_of(TPCH.name)
    frame = planner.session.sql(sql, planner.frames["lineitem"])
    stages = json.loads(frame.explain(format="json"))["stages"]
    assert big_work_of_one_task(TPCH.name, stages)


def test_only_small_rows_go_to_every_task(plan: Plan) -> None:
    found = [
        stage
        for stage in plan.stages
        for source in stage["inputs"]
        if source["exchange"] == "broadcast"
        and plan.stages[source["stage"]]["estimated_bytes"] > BROADCAST_BYTES
    ]
    assert bool(found) == ((plan.benchmark, plan.query) in BROADCAST), found

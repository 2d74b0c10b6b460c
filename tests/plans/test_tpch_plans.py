"""TPC-H's stages at scale factor 1000: as approved, and with nothing big in one task."""

from __future__ import annotations

import difflib
from collections.abc import Iterator

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
    return operator.startswith(("aggregate ", "distinct ")) or " join on " in operator


def test_nothing_big_is_done_by_one_task(plan: Plan) -> None:
    rows_of = {f"{name}.parquet": rows for name, (rows, _) in tables(SCALE).items()}
    for stage in plan.stages:
        if stage["tasks"] > 1:
            continue
        operators = [one["operator"].split(" where ")[0] for one in stage["operators"]]
        reads = [one.split()[1] for one in operators if one.startswith("read_parquet ")]
        assert all(rows_of[file] <= SMALL_ROWS for file in reads), stage
        if any(is_work(one) for one in operators):
            inputs = [plan.stages[one["stage"]] for one in stage["inputs"]]
            assert all(one["estimated_rows"] <= SMALL_ROWS for one in inputs), stage


def test_only_small_rows_go_to_every_task(plan: Plan) -> None:
    for stage in plan.stages:
        for source in stage["inputs"]:
            if source["exchange"] == "broadcast":
                assert plan.stages[source["stage"]]["estimated_bytes"] <= BROADCAST_BYTES, stage

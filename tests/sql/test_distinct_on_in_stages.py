"""DISTINCT ON, shared among tasks by the hash of its targets: the first row of each, in the order
that is asked for, or else in that of the files."""

from __future__ import annotations

import pytest
from drawn import drawn
from moves import KEYS, PROCESSES, Fill, assert_shared, same_answer, write_tables
from roads import ONE_TASK, SHUFFLED, StageRoad, StageSession
from written import DIRECT

ROADS = [SHUFFLED, PROCESSES, ONE_TASK, DIRECT]

DISTINCT_ON = [
    *[f"SELECT DISTINCT ON ({key}) id, x, st FROM {{l}} ORDER BY {key}, id" for key in KEYS],
    "SELECT DISTINCT ON (k) * FROM {l} ORDER BY x DESC, id",
    "SELECT DISTINCT ON (k, b) k, b, id FROM {l} ORDER BY b, k, dec DESC NULLS LAST, id",
    "SELECT DISTINCT ON (k) k, id FROM {l} WHERE id < 0 ORDER BY k, id",
    "SELECT DISTINCT ON (k) k, id FROM {e} ORDER BY k, id",
    "SELECT k, sum(id) FROM (SELECT DISTINCT ON (k, x) k, x, id FROM {l} ORDER BY k, x, id DESC) "
    "GROUP BY k",
    "SELECT l.id FROM {l} l JOIN (SELECT DISTINCT ON (k) k, id FROM {r} ORDER BY k, x, id) r "
    "USING (k)",
    "SELECT id, (SELECT max(x) FROM (SELECT DISTINCT ON (k2) k2, x FROM {r} r WHERE r.k = l.k "
    "ORDER BY k2, x)) FROM {l} l",
]
# In the order of the files where no other is asked for; several threads of one task have none.
IN_FILES = [
    "SELECT DISTINCT ON (k) k, id, s FROM {l}",
    "SELECT DISTINCT ON (z, li) z, id FROM {l} WHERE x > 2",
]


@pytest.fixture(scope="module")
def fill(tmp_path_factory: pytest.TempPathFactory) -> Fill:
    return write_tables(tmp_path_factory.mktemp("tables"))


@pytest.mark.parametrize(
    ("road", "sql"),
    [*drawn(ROADS, DISTINCT_ON, 0.25, 0.5), *drawn(ROADS[:2], IN_FILES, 1, 0)],
)
def test_distinct_on_is_shared(
    road: StageRoad, sql: str, fill: Fill, stage_session: StageSession
) -> None:
    frame = same_answer(stage_session(road), fill(sql))
    if road is not DIRECT:
        assert_shared(frame, road, "distinct")

"""Faults of workers at a given place: what src/worker/test_faults.h understands."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import smallpond

# Six stages: both sides of a join are exchanged, and twice what is grouped.
SQL = """
    SELECT country, kind, count(DISTINCT e.user_id) AS users, sum(amount) AS amount
    FROM {0} e JOIN {1} u ON e.user_id = u.user_id
    GROUP BY country, kind ORDER BY country, kind
"""


class WorkerFaults:
    """The folder in which faults are asked for, and in which attempts are noted."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def ask(self, stage: int, task: int, fault: str, attempt: int = 0, text: str = "") -> None:
        (self.folder / f"{stage}.{task}.{attempt}.{fault}").write_text(text)

    def pending(self) -> list[str]:
        """Those that were asked for and have not happened."""
        return [path.name for path in self.folder.iterdir() if path.name != "attempts"]

    def take_attempts(self) -> Counter[tuple[int, int]]:
        """How many attempts each task has taken since the last call."""
        file = self.folder / "attempts"
        lines = file.read_text().splitlines()
        file.unlink()
        return Counter((int(stage), int(task)) for stage, task, _ in map(str.split, lines))


def last_tasks(attempts: dict[tuple[int, int], int]) -> list[tuple[int, int]]:
    """One task of each stage."""
    return sorted({stage: task for stage, task in sorted(attempts)}.items())


def frame(sp: smallpond.Session, data: Path) -> smallpond.DataFrame:
    """A new one each time: the rows of one that was computed are kept."""
    return sp.sql(SQL, sp.read_parquet(data / "events"), sp.read_parquet(data / "users"))

"""What smallpond tells Python's logging, and what it does not."""

from __future__ import annotations

import logging
import subprocess
import sys
from pathlib import Path

import pytest
import smallpond


def messages(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [f"{record.levelname} {record.getMessage()}" for record in caplog.records]


def test_session_and_actions(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "smallpond")
    with smallpond.init(threads=1, duckdb_memory="500MB", job_id="nightly-7") as sp:
        frame = sp.sql("SELECT i FROM range(2000) t(i)")
        frame.count()
        frame.take(3)
        frame.to_pandas()
        frame.write_csv(tmp_path / "out.csv")
        frame.explain()
    opened, count, take, to_pandas, write, explain, closed = messages(caplog)
    assert opened.startswith("INFO Opened Session(") and "duckdb_memory=500MB" in opened
    assert count.startswith("INFO count: 0.") and count.endswith(" s, 2,000 rows")
    assert take.startswith("INFO take: ") and take.endswith(" s, 3 rows")
    assert to_pandas.startswith("INFO to_pandas: ") and to_pandas.endswith(" s, 2,000 rows")
    assert write.startswith("INFO write_csv: ") and "out.csv', 2,000 rows" in write
    assert explain.startswith("INFO explain: ")
    assert closed == "INFO Closed Session(job_id=nightly-7)"
    assert {record.name for record in caplog.records} == {"smallpond"}


def test_closing_twice_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "smallpond")
    sp = smallpond.init(threads=1, duckdb_memory="500MB")
    sp.shutdown()
    sp.shutdown()
    assert len(messages(caplog)) == 2


def test_failures_without_their_secrets(
    sp: smallpond.Session, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "smallpond")
    frame = sp.sql("SELECT error('password=hushhush') AS e")
    with pytest.raises(smallpond.InvalidInputError):
        frame.count()
        frame.take_all()
    [*_, told] = messages(caplog)
    assert told.startswith("INFO take_all failed after 0.") and "InvalidInputError" in told
    assert "hushhush" not in caplog.text


def test_silent_by_default() -> None:
    code = """
import smallpond
with smallpond.init(threads=1, duckdb_memory="500MB") as sp:
    sp.sql("SELECT 1").count()
"""
    ran = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert (ran.stdout, ran.stderr) == ("", "")

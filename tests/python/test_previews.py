"""What show() and notebooks say of rows that they don't show."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import smallpond

NUM_ROWS = 30_000


@pytest.fixture
def file(sp: smallpond.Session, tmp_path: Path) -> smallpond.DataFrame:
    sp.sql(f"SELECT i FROM range({NUM_ROWS}) t(i)").write_parquet(tmp_path / "numbers.parquet")
    return sp.read_parquet(tmp_path / "numbers.parquet")


def shown(frame: smallpond.DataFrame, capsys: pytest.CaptureFixture[str]) -> str:
    frame.show()
    return capsys.readouterr().out


def test_rows_of_parquet_are_counted_by_its_metadata(
    file: smallpond.DataFrame, capsys: pytest.CaptureFixture[str]
) -> None:
    text = shown(file, capsys)
    assert text.endswith("First 20 of 30,000 rows\n")
    assert re.search(r"│ +19 │", text) and not re.search(r"│ +(20|9999|29999) │", text)
    assert file._repr_html_().endswith("<p>First 20 of 30,000 rows</p>")


def test_rows_of_a_query_are_known_when_they_were_kept(
    sp: smallpond.Session, file: smallpond.DataFrame, capsys: pytest.CaptureFixture[str]
) -> None:
    query = sp.sql("SELECT i + 1 AS n FROM {0}", file)
    assert shown(query, capsys).endswith("\nFirst 20 rows\n")
    assert query._repr_html_().endswith("<p>First 20 rows</p>")
    assert len(query.to_pandas()) == NUM_ROWS
    assert shown(query, capsys).endswith("First 20 of 30,000 rows\n")
    assert query._repr_html_().endswith("<p>First 20 of 30,000 rows</p>")


def test_all_rows_are_shown_with_their_number(
    sp: smallpond.Session, capsys: pytest.CaptureFixture[str]
) -> None:
    few, some = (sp.sql(f"SELECT i FROM range({n}) t(i)") for n in (20, 500))
    assert "First" not in shown(few, capsys) and "First" not in few._repr_html_()
    text = shown(some, capsys)
    assert "500 rows" in text and "First" not in text
    assert re.search(r"│ +499 │", text), "the last row is known, and shown"

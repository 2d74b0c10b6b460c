"""What a call says where an optional package is not installed."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import pytest
import smallpond


@pytest.mark.parametrize(
    ("missing", "call", "extra"),
    [
        (["pandas", "pyarrow"], lambda frame: frame.to_pandas(), "pandas"),
        (["pandas"], lambda frame: frame.to_pandas(), "pandas"),
        (["pyarrow"], lambda frame: frame.to_arrow(), "arrow"),
    ],
    ids=["pandas and pyarrow", "pandas", "pyarrow"],
)
def test_says_what_to_install(
    sp: smallpond.Session,
    monkeypatch: pytest.MonkeyPatch,
    missing: list[str],
    call: Callable[[smallpond.DataFrame], Any],
    extra: str,
) -> None:
    frame = sp.sql("SELECT 1 AS i")
    for package in missing:
        monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(smallpond.UnsupportedError, match=rf"pip install 'smallpond\[{extra}\]'"):
        call(frame)


def test_rows_need_none(sp: smallpond.Session, monkeypatch: pytest.MonkeyPatch) -> None:
    for package in ["pandas", "pyarrow", "numpy"]:
        monkeypatch.setitem(sys.modules, package, None)
    frame = sp.from_items([{"a": 1}, {"a": 2}])
    assert frame.take(1) == [{"a": 1}] and frame.count() == 2
    assert "2" in frame._repr_html_()

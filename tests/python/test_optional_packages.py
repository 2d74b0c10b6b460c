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
        (["pyarrow"], lambda frame: frame.take(1), "arrow"),
    ],
    ids=["pandas and pyarrow", "pandas", "pyarrow", "pyarrow for rows"],
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

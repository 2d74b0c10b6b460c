"""What several tests of the Python interface share."""

from __future__ import annotations

from pathlib import Path

import pytest
from written import Plain, split_tables


@pytest.fixture(scope="session")
def split(oracle: Plain, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tables of the tests in several files each."""
    return split_tables(oracle, tmp_path_factory.mktemp("split"))

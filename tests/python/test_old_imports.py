"""Where scripts of smallpond 0.15 import its names from."""

from __future__ import annotations

import subprocess
import sys

import smallpond


def test_classes_of_the_dataframe_module() -> None:
    from smallpond.dataframe import DataFrame, Session

    assert DataFrame is smallpond.DataFrame and Session is smallpond.Session


def test_each_module_can_be_the_first() -> None:
    for module in ["dataframe", "session", "frame", "errors"]:
        code = f"import smallpond.{module} as m; print(m.__name__)"
        subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


def test_what_results_and_errors_are_called() -> None:
    """Names that annotations and `except` need."""
    with smallpond.init(threads=1) as sp:
        frame: smallpond.DataFrame = sp.from_items([1])
    assert isinstance(frame.write_csv_lazy("x.csv"), smallpond.LazyWrite)
    assert issubclass(smallpond.InvalidTypeError, smallpond.InvalidInputError)

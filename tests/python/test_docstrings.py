"""The public methods' docstrings: they name every parameter and what is raised, and their examples
run and are true."""

from __future__ import annotations

import doctest
import inspect
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import smallpond

CLASSES = [smallpond.DataFrame, smallpond.Session, smallpond.WriteResult, smallpond.LazyWrite]
# Those that raise nothing of their own.
QUIET = {
    "columns", "schema", "num_partitions", "job_id", "shutdown", "show_versions", "DataFrame",
    "Session", "WriteResult", "LazyWrite", "write_parquet_lazy", "write_csv_lazy",
    "write_json_lazy",
}  # fmt: skip


def documented() -> Iterator[tuple[str, Any]]:
    """The classes, their public methods and properties, and the functions of the package."""
    yield from ((each.__name__, each) for each in CLASSES)
    for name in smallpond.__all__:
        if inspect.isfunction(getattr(smallpond, name)):
            yield name, getattr(smallpond, name)
    for each in CLASSES:
        for name, member in inspect.getmembers(each):
            if not name.startswith("_") and (inspect.isfunction(member) or _is_property(member)):
                yield name, member


def _is_property(member: Any) -> bool:
    return isinstance(member, property)


ALL = dict(documented())


def test_nothing_is_forgotten() -> None:
    assert {"init", "sql", "read_csv", "repartition", "write_json", "schema", "compute"} <= set(ALL)
    assert len(ALL) >= 40


@pytest.mark.parametrize("name", ALL)
def test_docstring(name: str) -> None:
    member = ALL[name]
    text = inspect.getdoc(member) or ""
    assert re.match(r"[A-Z`].*?[.:](\s|$)", text, re.DOTALL), "begins with a sentence"
    assert ">>> " in text, "has an example"
    assert name in QUIET or "Raises" in text, "says what is raised"
    if callable(member) and not inspect.isclass(member):
        named = names_in(text)
        parameters = [each for each in inspect.signature(member).parameters if each != "self"]
        assert [each for each in parameters if each not in named] == []
        assert [each for each in named if each not in parameters] == []


NAMES = r"\w+(?: \([A-Z_, ]+\))?(?:, \w+(?: \([A-Z_, ]+\))?)*"


def names_in(text: str) -> list[str]:
    """The parameters of lines such as `hash_by` or `threads (SP_THREADS)` that text follows."""
    lines = re.findall(rf"^({NAMES})(?:,$|$\n    (?=\S))", text, re.MULTILINE)
    return re.sub(r" \(.*?\)", "", ", ".join(lines)).split(", ") if lines else []


class Checker(doctest.OutputChecker):
    """Passes over spaces at the ends of lines, which an editor takes away."""

    def check_output(self, want: str, got: str, flags: int) -> bool:
        def strip(text: str) -> str:
            return re.sub(r"[ \t]+$", "", text, flags=re.MULTILINE)

        return super().check_output(strip(want), strip(got), flags)


@pytest.fixture(scope="module")
def names() -> Iterator[dict[str, Any]]:
    """What examples know: the session and the frame that their classes' docstrings make."""
    with smallpond.init(duckdb_memory="500MB", threads=1) as sp:
        known: dict[str, Any] = {"smallpond": smallpond, "sp": sp}
        run(smallpond.DataFrame, "DataFrame", known)
        yield known


def run(member: Any, name: str, known: dict[str, Any]) -> None:
    example = doctest.DocTestParser().get_doctest(
        inspect.getdoc(member) or "", known, name, None, None
    )
    assert example.examples
    report: list[str] = []
    runner = doctest.DocTestRunner(Checker(), verbose=False)
    failed, _ = runner.run(example, out=report.append, clear_globs=False)
    known.update(example.globs)
    assert failed == 0, "".join(report)


@pytest.mark.parametrize("name", [name for name in ALL if name != "DataFrame"])
def test_example(
    name: str,
    names: dict[str, Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    run(ALL[name], name, dict(names))


# --- the checks themselves find what is missing ---


def with_text(text: str) -> Callable[[Any, int], None]:
    def method(self: Any, limit: int) -> None: ...

    method.__doc__ = text
    return method


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Takes rows.\n\nlimit\n    How many.\n\nRaises nothing.",
        "Takes rows.\n\nRaises nothing.\n\n>>> 1\n1",
        "Takes rows.\n\nlimit\n    How many.\n\n>>> 1\n1",
        "Takes rows.\n\nlimit\n    How many.\nother\n    Of none.\n\nRaises it.\n\n>>> 1\n1",
    ],
    ids=["nothing", "no example", "no parameter", "no error", "a wrong parameter"],
)
def test_a_docstring_that_lacks_something(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(ALL, "take", with_text(text))
    with pytest.raises(AssertionError):
        test_docstring("take")


def test_an_example_that_is_wrong() -> None:
    with pytest.raises(AssertionError, match="Expected:"):
        run(with_text(">>> 1 + 1\n3"), "wrong", {})

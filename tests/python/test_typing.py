"""What type checkers see: signatures without a gap, and a stub that is true."""

from __future__ import annotations

import ast
import inspect
import os
import re
import subprocess
import sys
from pathlib import Path

import smallpond
from smallpond import _core

NAMES = [name for name in smallpond.__all__ if name not in ("duckdb_version",)]
# Where further arguments go to DuckDB or are the caller's tables, anything is meant.
OPEN = {"read_parquet", "read_csv", "read_json", "sql", "partial_sql"}


def test_init_has_no_place_for_an_unknown_argument() -> None:
    signature = inspect.signature(smallpond.init)
    kinds = {parameter.kind for parameter in signature.parameters.values()}
    assert inspect.Parameter.VAR_KEYWORD not in kinds
    assert signature.return_annotation == "Session"


def functions_of(name: str) -> list[tuple[str, object]]:
    value = getattr(smallpond, name)
    if not inspect.isclass(value):
        return [(name, value)]
    if issubclass(value, BaseException):
        return []
    found = inspect.getmembers(value, inspect.isfunction)
    return [(each, f) for each, f in found if not each.startswith("_") or each == "__init__"]


def test_each_parameter_has_a_type() -> None:
    for name in NAMES:
        for each, function in functions_of(name):
            signature = inspect.signature(function)
            for parameter in list(signature.parameters.values()):
                if parameter.name != "self":
                    assert parameter.annotation is not parameter.empty, f"{each}: {parameter}"
                if parameter.kind is parameter.VAR_KEYWORD:
                    assert each in OPEN or each.startswith("write_"), each
            assert signature.return_annotation is not signature.empty, each


def test_package_is_marked_as_typed() -> None:
    assert (Path(smallpond.__file__).parent / "py.typed").exists()


def members(names: object) -> set[str]:
    return {name for name in names if not name.startswith("_")}  # type: ignore[attr-defined]


def test_stub_names_what_the_module_has() -> None:
    stub = ast.parse((Path(smallpond.__file__).parent / "_core.pyi").read_text())
    classes = {node.name: node for node in stub.body if isinstance(node, ast.ClassDef)}
    functions = {node.name for node in stub.body if isinstance(node, ast.FunctionDef)}
    classes.pop("Resolver")  # What the core calls, not what it has.
    assert members(dir(_core)) == members({*classes, *functions})
    for name, node in classes.items():
        told = {each.name for each in node.body if isinstance(each, ast.FunctionDef)}
        has = set(vars(getattr(_core, name)))
        assert members(has) == members(told), name


# A program with a mistake in each of its last lines, and what mypy says of it.
PROGRAM = """import smallpond

right = smallpond.init(threads=1, executor="threads")
right.sql("SELECT 1").write_parquet("x", mode="append")
smallpond.init(thread=1)
right.sql("SELECT 1").repartition("three")
right.read_parquet("x").cuont()
"""
MISTAKES = {5: 'did you mean "threads"', 6: 'expected "int"', 7: 'maybe "count"'}


def test_mypy_finds_mistakes(tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(PROGRAM)
    package = Path(smallpond.__file__).parent.parent
    result = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--cache-dir", tmp_path, "program.py"],
        cwd=tmp_path,
        env={**os.environ, "MYPYPATH": str(package), "LD_PRELOAD": ""},  # No sanitizer for mypy.
        capture_output=True,
        text=True,
        timeout=120,
    )
    found = dict(re.findall(r"^program\.py:(\d+): error: (.*)$", result.stdout, re.MULTILINE))
    assert sorted(map(int, found)) == sorted(MISTAKES), result.stdout + result.stderr
    for line, words in MISTAKES.items():
        assert words in found[str(line)]

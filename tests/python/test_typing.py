"""What type checkers see: signatures without a gap, and a stub that is true."""

from __future__ import annotations

import ast
import inspect
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

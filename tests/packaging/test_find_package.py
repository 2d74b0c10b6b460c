"""The installed C++ library: what it holds, and a program that finds it by find_package."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("find_package")]


def run(*command: str | Path, cwd: Path) -> str:
    """Returns what the command prints; it has to succeed."""
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def prefix(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the library is. Moved once: a package must not know where it was made."""
    folder = tmp_path_factory.mktemp("installed")
    run("cmake", "--install", ROOT / "build", "--prefix", folder / "first", cwd=ROOT)
    return (folder / "first").rename(folder / "moved")


@pytest.fixture(scope="module")
def library(prefix: Path) -> Path:
    (library,) = prefix.glob("lib*/**/libsmallpond.so")
    return library


def dynamic_section(file: Path) -> dict[str, list[str]]:
    """The tags of a shared object, such as NEEDED and SONAME, and their values."""
    tags: dict[str, list[str]] = {}
    for tag, value in re.findall(
        r"\((\w+)\).*\[(.*)\]", run("readelf", "-d", file, cwd=file.parent)
    ):
        tags.setdefault(tag, []).append(value)
    return tags


def test_libduckdb_is_beside_the_library(library: Path) -> None:
    tags = dynamic_section(library)
    (duckdb,) = [name for name in tags["NEEDED"] if "duckdb" in name]
    assert (library.parent / duckdb).is_file()
    assert duckdb.startswith("libduckdb-smallpond-"), "a name that no other DuckDB has"
    assert tags.get("RUNPATH", tags.get("RPATH")) == ["$ORIGIN"]
    loaded = run("ldd", library, cwd=library.parent)
    assert f"{duckdb} => {library.parent / duckdb}" in loaded
    assert dynamic_section(library.parent / duckdb)["SONAME"] == [duckdb]


def test_exports_are_ours_alone(library: Path) -> None:
    exports = run("nm", "-D", "--defined-only", "--demangle", library, cwd=library.parent)
    names = [line.split(maxsplit=2)[2] for line in exports.splitlines()]
    ours = re.compile(
        r"(typeinfo( name)? for |vtable for |non-virtual thunk to )?smallpond::|smallpond_"
    )
    assert [name for name in names if not ours.match(name)] == []
    for name in [
        "smallpond::Session::Init(",
        "smallpond::DataFrame::Count(",
        "typeinfo for smallpond::Error",
    ]:
        assert any(found.startswith(name) for found in names), name
    hidden = re.compile(r"smallpond::(LogicalPlan|Statement|Connection|Database|PartitionWalk)::")
    assert [name for name in names if hidden.match(name)] == []


def test_headers_name_nothing_but_the_standard_library(prefix: Path) -> None:
    headers = sorted((prefix / "include/smallpond").iterdir())
    assert {header.name for header in headers} == {
        path.name for path in (ROOT / "include/smallpond").glob("*.h")
    }
    for header in headers:
        for include in re.findall(r'#include [<"](.*?)[">]', header.read_text()):
            assert "/" not in include or include.startswith("smallpond/"), (header, include)


def test_program_builds_and_runs(prefix: Path, tmp_path: Path) -> None:
    configure = ["cmake", "-S", ROOT / "examples/cpp", "-B", tmp_path / "build", "-G", "Ninja"]
    run(*configure, f"-DCMAKE_PREFIX_PATH={prefix}", cwd=tmp_path)
    run("cmake", "--build", tmp_path / "build", cwd=tmp_path)
    shown = run(tmp_path / "build/quickstart", tmp_path / "data", cwd=tmp_path)
    assert "Norway" in shown and "Peru" in shown
    assert shown.endswith("2 rows written\n")
    assert "│" in shown, "a table"
    again = run(tmp_path / "build/quickstart", tmp_path / "data", cwd=tmp_path)
    assert again == shown, "it replaces what it wrote"


def test_headers_and_example_compile_without_a_warning(prefix: Path, tmp_path: Path) -> None:
    warnings = ["-Wall", "-Wextra", "-Wpedantic", "-Wshadow", "-Wconversion", "-Werror"]
    command = ["g++", "-std=c++20", *warnings, "-fsyntax-only", f"-I{prefix}/include"]
    sources = [ROOT / "examples/quickstart.cc"]
    for header in (prefix / "include/smallpond").iterdir():
        sources.append(tmp_path / f"{header.stem}_alone.cc")
        sources[-1].write_text(f"#include <smallpond/{header.name}>\n")
    run(*command, *sources, cwd=tmp_path)


def test_the_binary_runs_from_where_it_was_moved(prefix: Path) -> None:
    binary = prefix / "bin/smallpond"
    assert run(binary, "--version", cwd=prefix).startswith("smallpond 1.")
    assert run(binary, "sql", "SELECT 42 AS answer", "-f", "csv", cwd=prefix) == "answer\n42\n"


@pytest.mark.parametrize(("wanted", "found"), [("1.0", True), ("1.99", False), ("2.0", False)])
def test_version_is_checked(prefix: Path, tmp_path: Path, wanted: str, found: bool) -> None:
    (tmp_path / "CMakeLists.txt").write_text(
        f"cmake_minimum_required(VERSION 3.25)\nproject(p LANGUAGES CXX)\n"
        f"find_package(smallpond {wanted} QUIET)\n"
        'message(STATUS "found=${smallpond_FOUND}")\n'
    )
    shown = run("cmake", "-B", tmp_path / "build", f"-DCMAKE_PREFIX_PATH={prefix}", cwd=tmp_path)
    assert f"found={int(found)}" in shown

"""The wheel, installed with what it requires and nothing more, in a fresh virtual environment."""

from __future__ import annotations

import fcntl
import re
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest
from beside import ORDERS, SCOPES, program

ROOT = Path(__file__).parents[2]
MAX_BYTES = 40_000_000

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


def run(*command: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )


def modules_of_the_source_tree() -> dict[str, tuple[int, int]]:
    files = (ROOT / "python/smallpond").glob("_core*.so")
    return {file.name: (file.stat().st_ino, file.stat().st_mtime_ns) for file in files}


@pytest.fixture(scope="module")
def wheel() -> Path:
    """Builds the wheel once for all processes that run tests."""
    sources = [
        ROOT / "pyproject.toml",
        *(ROOT / "src").rglob("*.*"),
        *(ROOT / "python").rglob("*.py"),
    ]
    newest = max(path.stat().st_mtime for path in sources)
    # Of several Pythons there may be several.
    own_abi = f"cp3{sys.version_info.minor}" if sys.version_info < (3, 12) else "abi3"
    pattern = f"*-{own_abi}-*.whl"
    with (ROOT / "build/wheel.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        found = [path for path in (ROOT / "dist").glob(pattern) if path.stat().st_mtime > newest]
        if not found:
            modules = modules_of_the_source_tree()
            built = run(ROOT / "tools/build_wheel.sh", cwd=ROOT)
            assert built.returncode == 0, built.stdout + built.stderr
            assert modules_of_the_source_tree() == modules, "other tests import them meanwhile"
            found = list((ROOT / "dist").glob(pattern))
    return found[0]


def install(folder: Path, *packages: str | Path) -> Path:
    """Returns the interpreter of a new environment that has the packages."""
    venv.create(folder, with_pip=True)
    python = folder / "bin/python"
    done = run(
        python, "-m", "pip", "install", "-q", "--disable-pip-version-check", *packages, cwd=folder
    )
    assert done.returncode == 0, done.stderr
    return python


def test_contents(wheel: Path) -> None:
    assert wheel.stat().st_size < MAX_BYTES
    assert "manylinux_2_34_x86_64" in wheel.name
    names = zipfile.ZipFile(wheel).namelist()
    assert any(name.startswith("smallpond/libduckdb") for name in names)
    assert "smallpond/py.typed" in names and "smallpond/_core.pyi" in names


def test_alone(wheel: Path, tmp_path: Path) -> None:
    """Without pandas and pyarrow: the rest works, and these methods say what to install."""
    python = install(tmp_path / "env", wheel)
    code = """
import smallpond
sp = smallpond.init()
frame = sp.sql("SELECT i FROM range(3) t(i)")
frame.show()
frame.write_parquet("out")
assert sp.read_parquet("out").count() == 3
assert frame.take_all() == [{"i": 0}, {"i": 1}, {"i": 2}] and frame.take(1) == [{"i": 0}]
for method in ("to_pandas", "to_arrow"):
    try:
        getattr(frame, method)()
    except smallpond.UnsupportedError as error:
        print(error)
"""
    done = run(python, "-c", code, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("pip install 'smallpond[pandas]'") == 1
    assert done.stdout.count("pip install 'smallpond[arrow]'") == 1
    shown = run(tmp_path / "env/bin/smallpond", "sql", "SELECT 42 AS answer", cwd=tmp_path)
    assert shown.returncode == 0 and "42" in shown.stdout


def test_requires_little(wheel: Path, tmp_path: Path) -> None:
    python = install(tmp_path / "env", wheel)
    listed = run(python, "-m", "pip", "list", "--format", "freeze", cwd=tmp_path).stdout
    names = {line.split("==")[0].lower() for line in listed.splitlines()}
    pure = {"rich", "markdown-it-py", "mdurl", "pygments"}
    assert names - {"pip", "setuptools"} == {"smallpond"} | pure


def test_platform(wheel: Path) -> None:
    """What auditwheel finds by the symbols, not what the name says."""
    shown = run(Path(sys.executable).parent / "auditwheel", "show", wheel, cwd=ROOT).stdout
    tag = re.search(r'consistent\s+with\s+the\s+following\s+platform\s+tag:\s+"(\w+)"', shown)
    assert tag and int(tag[1].split("_")[2]) <= 34, shown


BESIDE_DATA_LIBRARIES = """
sp = smallpond.init(threads=2)
frame = sp.sql("SELECT i, 'x' || i AS s, [i] AS l, i::DECIMAL(9, 2) AS d FROM range(5) t(i)")
table = pyarrow.table(frame)
assert table.num_rows == 5 and frame.to_arrow().equals(table)
assert polars.from_arrow(table).equals(polars.DataFrame(frame))
assert frame.to_pandas()["i"].tolist() == [0, 1, 2, 3, 4]
for other in (table, polars.DataFrame(frame), frame.to_pandas()):
    assert sp.sql("SELECT sum(i) AS n FROM {0}", other).take_all() == [{"n": 10}], type(other)
folder = tempfile.mkdtemp()
frame.write_parquet(folder + "/out")
assert pyarrow.parquet.read_table(folder + "/out").num_rows == 5
assert polars.read_parquet(folder + "/out/*.parquet").height == 5
print("all work")
"""


def test_beside_data_libraries(wheel: Path, tmp_path: Path) -> None:
    """Imported before the others, and after them."""
    python = install(tmp_path / "env", wheel, "pyarrow", "polars", "pandas")
    imports = ["import smallpond", "import pandas, polars, pyarrow, pyarrow.parquet, tempfile"]
    for order in (imports, imports[::-1]):
        done = run(python, "-c", "\n".join(order) + BESIDE_DATA_LIBRARIES, cwd=tmp_path)
        assert (done.returncode, done.stdout) == (0, "all work\n"), (order, done.stderr)


@pytest.mark.parametrize("version", ["1.5.5", "2.0.0"])
def test_beside_duckdb(wheel: Path, version: str, tmp_path: Path) -> None:
    python = install(tmp_path / "env", wheel, f"duckdb=={version}")
    for order in ORDERS:
        for scope in SCOPES:
            done = run(python, "-c", program(order, scope), cwd=tmp_path)
            assert (done.returncode, done.stdout) == (0, "both work\n"), (order, scope, done.stderr)


def test_python_of_the_wheel(wheel: Path) -> None:
    tag = f"cp{sys.version_info.major}{sys.version_info.minor}"
    assert tag in wheel.name

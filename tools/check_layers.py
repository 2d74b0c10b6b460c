"""Fails when a source file includes a layer above its own, or a library that is not its business.

Layers are listed lowest first. DuckDB's headers belong to src/duckdb_adapter alone, each other
library to the one place that adapts it.
"""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

# Each folder of src/ is a layer. That none includes a higher one also means: there is no circle.
LAYERS = [
    "base",
    "storage/files",
    "storage/output",
    "storage/input",  # Reads the manifests of outputs.
    "storage/job",
    "exchange",
    "duckdb_adapter",  # What all of the adapter uses.
    "duckdb_adapter/sql",
    "duckdb_adapter/arrow",
    "duckdb_adapter/files",
    "duckdb_adapter/mends",
    "duckdb_adapter/connection",
    "duckdb_adapter/exchange",
    "duckdb_adapter/analysis",
    "duckdb_adapter/fragment",
    "duckdb_adapter/cut",
    "task",
    "worker",
    "plan",
    "planner",
    "scheduler",
    "executor",
    "action",
    "write",
    "observe",
    "session",
    "cli",
    "python",
]

# The public headers' layers. The rest of include/smallpond is the session layer: what users hold.
BASE_HEADERS = {
    "api.h",
    "arrow.h",
    "column.h",
    "error.h",
    "options.h",
    "ticker.h",
    "value.h",
}

# Include path pattern → the folders of src/ that may use it.
OWNED_LIBRARIES = [
    (re.compile(r"duckdb(\.h|\.hpp|/)"), {"duckdb_adapter"}),
    (re.compile(r"duckdb_adapter/duckdb_internal\.h"), {"duckdb_adapter"}),
    (re.compile(r"xxhash\.h|xxh3\.h"), {"base", "exchange"}),
    (re.compile(r"CLI/"), {"cli"}),
    (re.compile(r"nanobind/|Python\.h"), {"python"}),
]

INCLUDE = re.compile(r'^\s*#\s*include\s*[<"]([^>"]+)[>"]', re.MULTILINE)
RAY_IMPORT = re.compile(r"^\s*(import ray\b|from ray\b)", re.MULTILINE)
RAY_FILE = "ray_connection.py"


def layer_of_include(include: str) -> str | None:
    """The layer of ours that an include path names, or None for any other library."""
    folder, _, name = include.rpartition("/")
    if folder == "smallpond":
        return "base" if name in BASE_HEADERS else "session"
    return folder if folder in LAYERS else None


def problems_of_file(path: Path, layer: str) -> list[str]:
    """What `path`, a file of `layer`, includes and must not."""
    found = []
    for include in INCLUDE.findall(path.read_text()):
        included = layer_of_include(include)
        if included and LAYERS.index(included) > LAYERS.index(layer):
            found.append(f"{layer} includes {include}, which is above it ({included})")
        for pattern, folders in OWNED_LIBRARIES:
            if pattern.match(include) and layer.partition("/")[0] not in folders:
                found.append(f"only src/{'/'.join(folders)} may include {include}")
    return [f"{path.relative_to(ROOT)}: {problem}" for problem in found]


def problems_of_sources() -> list[str]:
    problems = []
    for path in sorted((ROOT / "src").rglob("*/*")):
        layer = path.parent.relative_to(ROOT / "src").as_posix()
        if path.suffix not in {".h", ".cc"}:
            continue
        if layer in LAYERS:
            problems += problems_of_file(path, layer)
        else:
            problems.append(f"src/{layer}: give it a place in LAYERS of tools/check_layers.py")
    return problems


def problems_of_public_headers() -> list[str]:
    """Public headers know the standard library and each other, never the folders of src/."""
    problems = []
    for path in sorted((ROOT / "include/smallpond").glob("*.h")):
        layer = "base" if path.name in BASE_HEADERS else "session"
        problems += problems_of_file(path, layer)
        for include in INCLUDE.findall(path.read_text()):
            if "/" in include and not include.startswith("smallpond/"):
                problems.append(f"{path.relative_to(ROOT)}: a public header includes {include}")
    return problems


def problems_of_python() -> list[str]:
    return [
        f"{path.relative_to(ROOT)}: only {RAY_FILE} may import ray"
        for path in sorted((ROOT / "python/smallpond").rglob("*.py"))
        if path.name != RAY_FILE and RAY_IMPORT.search(path.read_text())
    ]


def main() -> int:
    problems = problems_of_sources() + problems_of_public_headers() + problems_of_python()
    print("\n".join(problems) or "Layers: every include points downward.")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())

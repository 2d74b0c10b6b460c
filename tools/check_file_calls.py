"""Fails when a source file outside src/storage/files touches a file or folder by its name.

src/storage/files/file_system.h and what stands beside it are the one interface for that, so that
another store takes another implementation of these and nothing else. Arithmetic on paths, and where
a relative one starts, are free.
"""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
INTERFACE = "src/storage/files/"

EXCEPTIONS = {
    "src/base/machine.cc": "reads /proc and control groups, which only this machine has",
    "src/cli/main.cc": "finds the program that runs by /proc",
    "src/duckdb_adapter/files/pipe_inputs.cc": "copies pipes to where DuckDB spills",
    "src/exchange/exchange_writer.cc": "writes rows, as they come",
    "src/executor/worker_process.cc": "opens the standard error of a process on this machine",
    "src/worker/test_faults.cc": "damages files on purpose",
}

# Of std::filesystem, all but these.
PURE = "path|absolute|current_path|filesystem_error"
POSIX = (
    "access|chdir|chmod|chown|creat|fopen|fstatat|fsync|lchown|link|linkat|lstat|mkdir|mkdirat|mkdtemp"
    "|mkstemp|open|openat|opendir|readlink|realpath|rename|renameat|rmdir|scandir|stat|statfs|statvfs"
    "|symlink|truncate|unlink|unlinkat|utimes"
)
CALLS = [
    re.compile(rf"\b(?:fs|std::filesystem)::(?!(?:{PURE})\b)\w+"),
    re.compile(rf"(?<![\w.>:])(?:(?:std)?::)?(?:{POSIX})\("),
    re.compile(r"(?<![\w:])::remove\("),  # std::remove() of <algorithm> is another.
    re.compile(r"\b(?:i|o)?fstream\b(?!>)|\bfilebuf\b"),
]
COMMENT_OR_LITERAL = re.compile(r'//[^\n]*|"(?:\\.|[^"\\\n])*"')


def file_calls(text: str) -> list[tuple[int, str]]:
    """Returns (line, call) of each in a source file."""
    lines = COMMENT_OR_LITERAL.sub('""', text).split("\n")
    return [
        (number, match[0])
        for number, line in enumerate(lines, 1)
        if not line.startswith("#include")
        for call in CALLS
        for match in call.finditer(line)
    ]


def problems() -> list[str]:
    found = []
    for path in sorted((ROOT / "src").rglob("*.*")):
        name = path.relative_to(ROOT).as_posix()
        if path.suffix not in {".h", ".cc"} or name.startswith(INTERFACE):
            continue
        calls = file_calls(path.read_text())
        if name not in EXCEPTIONS:
            found += [
                f"{name}:{line}: {call}: use {INTERFACE}file_system.h" for line, call in calls
            ]
        elif not calls:
            found.append(f"{name}: is no exception any more; tell tools/check_file_calls.py")
    missing = [name for name in EXCEPTIONS if not (ROOT / name).exists()]
    return found + [f"{name}: is gone; tell tools/check_file_calls.py" for name in missing]


def main() -> int:
    found = problems()
    print("\n".join(found) or "Files: all that is done to them is in src/storage/files.")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())

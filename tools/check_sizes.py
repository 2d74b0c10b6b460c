"""Fails on files and functions that have grown too long, on big files, and on words we do not use.

Function lengths of C++ come from counting braces, which is exact enough for formatted code.
"""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# Of src/, and of what is beside it, where tables and steps of tests are long and simple.
MAX_FILE_LINES = {"src": 400, "": 500}
MAX_FUNCTION_LINES = {"src": 60, "": 70}
MAX_FILE_BYTES = 1_000_000
CODE_SUFFIXES = {".h", ".cc", ".py", ".pyi", ".sh"}

# Names that say nothing, in file names and in the names of types.
VAGUE_NAME = re.compile(r"(^|_)(utils?|helpers?|manager|misc)(_|$)", re.IGNORECASE)
VAGUE_TYPE = re.compile(r"\b(?:class|struct)\s+(\w*(?:Utils?|Helpers?|Manager|Misc))\b")
# Unfinished work, and things that are true of one machine only.
FORBIDDEN_TEXT = re.compile(
    r"\b(?:TODO|FIXME|XXX|HACK)\b|(?<![\w.])/(?:work|root|home/\w+)/"
    r"|registry\.npmjs|files\.pythonhosted|pypi\.org/simple"
)

COMMENT_OR_LITERAL = re.compile(
    r'//[^\n]*|/\*.*?\*/|R"(\w*)\(.*?\)\1"|"(?:\\.|[^"\\\n])*"|(?<!\w)\'(?:\\.|[^\'\\\n])*\'',
    re.DOTALL,
)
SCOPE_HEAD = re.compile(r'\b(namespace|class|struct|union|enum)\b[^()]*$|extern\s*""\s*$')


def project_files() -> list[Path]:
    """Tracked files and new ones that git does not ignore."""
    command = ["git", "ls-files", "-co", "--exclude-standard", "-z"]
    names = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    return [path for name in names.split("\0") if name and (path := ROOT / name).is_file()]


def blank_literal(match: re.Match) -> str:
    """What stands for a comment or literal: its line breaks, and the quotes that mark a string."""
    quotes = '""' if match[0].startswith('"') else ""
    return quotes + "\n" * match[0].count("\n")


def cpp_functions(text: str) -> Iterator[tuple[int, int, str]]:
    """(first line, lines, head) of each outermost function body in C++ source."""
    text = COMMENT_OR_LITERAL.sub(blank_literal, text)
    text = re.sub(r"^\s*#(?:[^\n]*\\\n)*[^\n]*", "", text, flags=re.MULTILINE)
    stack: list[tuple[bool, int, str]] = []  # (is a function, line of its head, head)
    line, head, head_line = 1, "", 1
    for character in text:
        if character == "{":
            inside_function = any(is_function for is_function, _, _ in stack)
            is_function = not inside_function and "(" in head and not SCOPE_HEAD.search(head)
            stack.append((is_function, head_line, " ".join(head.split())))
        elif character == "}" and stack:
            is_function, first, name = stack.pop()
            if is_function:
                yield first, line - first + 1, name
        if character in "{};":
            head = ""
        elif not head and not character.isspace():
            head, head_line = character, line
        elif head:
            head += character
        line += character == "\n"


def python_functions(text: str) -> Iterator[tuple[int, int, str]]:
    """(first line, lines, name) of each Python function, methods and inner ones too."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.lineno, node.end_lineno - node.lineno + 1, node.name


def problems_of_code(path: Path, text: str) -> Iterator[str]:
    lines = text.count("\n")
    part = "src" if path.is_relative_to(ROOT / "src") else ""
    if lines > MAX_FILE_LINES[part]:
        yield f"{lines} lines, at most {MAX_FILE_LINES[part]}: split it"
    functions = python_functions if path.suffix in {".py", ".pyi"} else cpp_functions
    for first, length, name in functions(text) if path.suffix != ".sh" else ():
        if length > MAX_FUNCTION_LINES[part]:
            yield f"{first}: {name[:60]} has {length} lines, at most {MAX_FUNCTION_LINES[part]}"
    for match in VAGUE_TYPE.finditer(text):
        yield f"the name {match[1]} says nothing about what it is"


def problems_of_file(path: Path) -> Iterator[str]:
    if path.stat().st_size > MAX_FILE_BYTES:
        yield f"{path.stat().st_size} bytes, at most {MAX_FILE_BYTES}"
        return
    if any(VAGUE_NAME.search(part) for part in (path.stem, path.parent.name)):
        yield "the file's name says nothing about what is in it"
    try:
        text = path.read_text()
    except UnicodeDecodeError:
        return
    if path.suffix in CODE_SUFFIXES:
        yield from problems_of_code(path, text)
    if path != Path(__file__).resolve():
        for number, line in enumerate(text.split("\n"), 1):
            if match := FORBIDDEN_TEXT.search(line):
                yield f"{number}: {match[0]} does not belong in the project"


def main() -> int:
    files = project_files()
    problems = [
        f"{path.relative_to(ROOT)}: {text}" for path in files for text in problems_of_file(path)
    ]
    print("\n".join(problems) or f"Sizes and words: {len(files)} files are fine.")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())

"""Passes a build's output on, but of ninja's lines "[7/44] Building …" only one a fifth of the way.

usage: cmake --build build | python3 tools/shorten_progress.py
"""

import re
import sys
import time

STEP = re.compile(r"\[(\d+)/(\d+)\] ")
PARTS = 5


def main() -> None:
    start, told, planned = time.monotonic(), 0, 0
    for line in sys.stdin:
        step = STEP.match(line)
        if not step:
            print(line, end="", flush=True)
            continue
        done, total = int(step[1]), int(step[2])
        if total != planned:  # CMake ran first, and there are other steps now.
            told, planned = 0, total
        if total > 0 and done * PARTS // total > told:
            told = done * PARTS // total
            print(f"  {done} of {total} steps, {time.monotonic() - start:.0f} s", flush=True)


if __name__ == "__main__":
    main()

"""Prints how many tests passed, failed and were skipped, from folders of JUnit files."""

import sys
from pathlib import Path
from xml.etree import ElementTree


def count_outcomes(report: Path) -> dict[str, int]:
    outcomes = {"passed": 0, "failed": 0, "skipped": 0}
    for case in ElementTree.parse(report).iter("testcase"):
        if case.find("failure") is not None or case.find("error") is not None:
            outcomes["failed"] += 1
        elif case.find("skipped") is not None:
            outcomes["skipped"] += 1
        else:
            outcomes["passed"] += 1
    return outcomes


def describe(outcomes: dict[str, int]) -> str:
    return ", ".join(f"{count} {outcome}" for outcome, count in outcomes.items())


def main() -> int:
    total = {"passed": 0, "failed": 0, "skipped": 0}
    for folder in map(Path, sys.argv[1:]):
        for report in sorted(folder.glob("*.xml")):
            outcomes = count_outcomes(report)
            print(f"{folder.name} {report.stem}: {describe(outcomes)}")
            total = {outcome: total[outcome] + count for outcome, count in outcomes.items()}
    print(describe(total))
    return 1 if total["failed"] else 0


if __name__ == "__main__":
    sys.exit(main())

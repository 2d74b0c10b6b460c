"""What DuckDB finds out by looking into text files, it finds out once: where a folder's key leaves
files out, tasks read the others by the dialect and the columns of all."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pytest
import smallpond
from oracle import Answer, assert_same, duckdb_answer
from roads import BROADCAST, ONE_TASK, STAGE_ROADS, StageSession, assert_in_stages

PROCESSES = STAGE_ROADS[-1]


@dataclass(frozen=True)
class Case:
    """Files of the folders p=1, p=2 and so on. A file of p=2 alone reads otherwise."""

    files: list[str]
    options: str = ""
    form: str = "csv"
    ending: str = ""

    def write(self, folder: Path) -> None:
        for number, text in enumerate(self.files, 1):
            path = folder / f"p={number}" / f"a.{self.ending or self.form}"
            path.parent.mkdir(parents=True)
            packed = gzip.compress(text.encode()) if path.suffix == ".gz" else text.encode()
            path.write_bytes(packed)

    def source(self, folder: Path, files: str = "*/*") -> str:
        return f"read_{self.form}('{folder}/{files}', hive_partitioning = true{self.options})"


CASES = {
    "date format": Case(["n,d\nx,01/13/2021\n", "n,d\nx,05/01/2021\n", "n,d\ny,06/02/2021\n"]),
    "timestamp format": Case(
        ["t\n31-12-99 10:00:00\n", "t\n01-05-22 10:00:00\n", "t\n02-06-22 11:00:00\n"]
    ),
    "delimiter": Case(["a;b\nx;2,5\n", "a;b\n1,5;2,5\n1,6;2,6\n", "a;b\n3;3,5\n"]),
    "quote": Case(["a,b\n'x,y',1\n'z',2\n", "a,b\n'v',1\n\"w\",2\n", "a,b\n'u',3\n'w',2\n"]),
    "escape": Case(
        ['a,b\n"x\\"y",1\n"z\\"",2\n', 'a,b\n"v",1\n"w\\x",2\n', 'a,b\n"u\\"",1\n"w\\x",2\n']
    ),
    "comment": Case(["# note\na,b\n1,2\n# more\n3,4\n", "a,b\n1,#2\n3,4\n", "a,b\n5,6\n#7,8\n"]),
    "skip": Case(["note\nnote\na,b\n1,2\n3,4\n", "a,b\n5,6\n7,8\n9,10\n", "a,b\n1,1\n2,2\n3,3\n"]),
    "header": Case(["a,b\n1,2\n", "x,y\nz,w\n", "a,b\n5,6\n"]),
    "types": Case(["a\nx\n", "a\n1\n", "a\n2\n"]),
    "numbers": Case(["a\n1.5\n", "a\n2\n", "a\n3\n"]),
    "null text": Case(["a\nx\nNA\n", "a\n1\nNA\n", "a\n2\n3\n"], ", nullstr = 'NA'"),
    "decimal separator": Case(
        ['a;b\nx;"1,5"\n', 'a;b\n1;"2,5"\n', 'a;b\ny;"3,5"\n'], ", decimal_separator = ','"
    ),
    "thousands": Case(["a;b\nx;1,234.5\n", "a;b\n1;2,345.5\n"], ", delim = ';', thousands = ','"),
    "ignored errors": Case(
        ["a,b\n1,2\n", "a,b\nx,3\n4,5\n", "a,b\n6,7\ny,8\n"],
        ", ignore_errors = true, files_to_sniff = 1",
    ),
    "padding": Case(["a,b,c\n1,2,3\n", "a,b\n4,5\n6,7\n"], ", null_padding = true"),
    "all text": Case(["a;b\nx;2,5\n", "a;b\n1,5;2,5\n1,6;2,6\n"], ", all_varchar = true"),
    "given types": Case(
        ["n,d\nx,01/13/2021\n", "n,d\n7,05/01/2021\n"], ", types = {'n': 'VARCHAR'}"
    ),
    "type candidates": Case(
        ["a\n1\nx\n", "a\n2\n", "a\n3\n"], ", auto_type_candidates = ['BIGINT', 'VARCHAR']"
    ),
    "first file sniffed": Case(["a\nx\n", "a\n1\n", "a\n2\n"], ", files_to_sniff = 1"),
    "two files sniffed": Case(["a\n1\n", "a\n1\n", "a\nx\n"], ", files_to_sniff = 2"),
    "union by name": Case(
        ["n,d\nx,01/13/2021\n", "d;e\n05/01/2021;1\n", "e,d\n7,06/02/2021\n"],
        ", union_by_name = true",
    ),
    "united types": Case(["a\nx\n", "a,b\n1,2\n", "b\n1\n"], ", union_by_name = true"),
    "normalized names": Case(["A b\nx\n", "A b\n1\n"], ", normalize_names = true"),
    "gz": Case(["n,d\nx,01/13/2021\n", "n,d\nx,05/01/2021\n"], ending="csv.gz"),
    "filename": Case(["a;b\nx;2,5\n", "a;b\n1,5;2,5\n1,6;2,6\n"], ", filename = 'from'"),
    "json columns": Case(['{"b":1}', '{"a":3}', '{"a":4,"b":5}'], form="json"),
    "json dates": Case(
        ['{"d":"x"}', '{"d":"2021-05-01"}', '{"d":"2021-06-02"}'], form="json"
    ),
    "json date format": Case(
        ['{"d":"01/02/2021","n":"x"}', '{"d":"03/04/2021","n":"2021-01-01"}'],
        ", dateformat = '%d/%m/%Y'",
        form="json",
    ),
    "json types": Case(['{"a":"x"}', '{"a":1}', '{"a":2.5}'], form="json"),
    "json nesting": Case(
        ['{"a":{"x":1}}', '{"a":{"y":[1]}}', '{"a":{"z":null}}'], form="json"
    ),
    "json case": Case(['{"a":1}', '{"A":2}', '{"a":3,"A":4}'], form="json"),
    "json records": Case(["5", '{"a":2}', '{"a":3}'], ", ignore_errors = true", form="json"),
    "json first file": Case(
        ['{"a":"x"}', '{"a":1}', '{"a":2}'], ", maximum_sample_files = 1", form="json"
    ),
    "json array": Case(['[{"a":1},{"b":2}]', '{"a":"x"}\n{"c":5}', '[{"a":2}]'], form="json"),
    "json united": Case(
        ['{"a":1}', '{"b":"x"}', '{"a":2.5,"c":3}'], ", union_by_name = true", form="json"
    ),
    "json columns given": Case(
        ['{"a":1}', '{"b":"x"}'], ", columns = {'a': 'BIGINT', 'b': 'VARCHAR'}", form="json"
    ),
    "json gz": Case(['{"b":1}', '{"a":3}', '{"a":4}'], form="json", ending="json.gz"),
    "json lines": Case(['{"b":1}\n', '{"a":3}\n', '{"a":4}\n'], form="ndjson", ending="ndjson"),
    "json objects": Case(['{"b":1}\n', '{"a":3}\n'], form="json_objects", ending="json"),
}  # fmt: skip
# A file of these reads the same with and without the others; they are here for their options.
SAME_ALONE = {"json columns given", "json date format", "json objects", "two files sniffed"}


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sniffed")
    for name, case in CASES.items():
        case.write(folder / name)
    return folder


@pytest.fixture(scope="module")
def plain() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        yield connection


def answer_or_error(connection: duckdb.DuckDBPyConnection, sql: str) -> Answer | None:
    try:
        return duckdb_answer(connection, sql)
    except duckdb.Error:
        return None


@pytest.mark.parametrize("name", CASES)
def test_left_out_files_tell_the_dialect(
    folders: Path,
    plain: duckdb.DuckDBPyConnection,
    sp: smallpond.Session,
    stage_session: StageSession,
    name: str,
) -> None:
    case = CASES[name]
    for where in ["WHERE p = 2", "WHERE p > 1", ""]:
        sql = f"FROM {case.source(folders / name)} {where}"
        expected = answer_or_error(plain, sql)
        sessions = [(sp, False)]
        sessions += [(stage_session(road), True) for road in [BROADCAST, ONE_TASK, PROCESSES]]
        for session, in_stages in sessions:
            if expected is None:
                with pytest.raises(smallpond.InvalidInputError):
                    session.sql(sql).to_arrow()
                continue
            frame = session.sql(sql)
            if in_stages:
                assert_in_stages(frame, sql)
            assert_same(frame, expected)


@pytest.mark.parametrize("name", sorted(set(CASES) - SAME_ALONE))
def test_cases_read_otherwise_alone(
    folders: Path, plain: duckdb.DuckDBPyConnection, name: str
) -> None:
    """Else the test above could not fail."""
    source = CASES[name].source
    together = answer_or_error(plain, f"FROM {source(folders / name)} WHERE p = 2")
    alone = answer_or_error(plain, f"FROM {source(folders / name, 'p=2/*')}")
    assert together != alone

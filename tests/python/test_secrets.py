"""Credentials reach the workers that need them, and nothing that people read or files hold."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import duckdb
import pytest
import smallpond
from http_server import Quiet, serve

ROADS: dict[str, dict[str, Any]] = {
    "direct": {},
    "threads_1": {"executor": "threads", "partitions": 1},
    "threads_7": {"executor": "threads", "partitions": 7},
    "processes": {"executor": "processes", "num_executors": 2, "partitions": 3},
}
HUSH = "hush4711"
ROWS = "k,n\n" + "".join(f"{i % 3},{i}\n" for i in range(30))


@pytest.fixture(params=ROADS)
def road_sp(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[smallpond.Session]:
    options = ROADS[request.param]
    with smallpond.init(
        threads=2, duckdb_memory="600MB", data_root=tmp_path / "root", **options
    ) as sp:
        yield sp


@pytest.fixture
def numbers(tmp_path: Path) -> Path:
    (tmp_path / "n.csv").write_text(ROWS)
    return tmp_path / "n.csv"


def answers(sp: smallpond.Session, path: object) -> None:
    frame = sp.sql("SELECT k, count(*) AS c FROM {0} GROUP BY k", sp.read_csv(str(path)))
    assert sorted(tuple(row.values()) for row in frame.take_all()) == [(0, 10), (1, 10), (2, 10)]


# --- they reach the workers ---


def test_queries_after_create_and_drop(road_sp: smallpond.Session, numbers: Path) -> None:
    for sql in [
        f"CREATE SECRET mine (TYPE http, BEARER_TOKEN '{HUSH}')",
        f"CREATE OR REPLACE SECRET mine (TYPE http, BEARER_TOKEN '{HUSH}')",
        f"CREATE SECRET IF NOT EXISTS mine (TYPE http, BEARER_TOKEN '{HUSH}')",
        "LOAD json",
        "DROP SECRET mine",
        f"CREATE SECRET mine (TYPE http, BEARER_TOKEN '{HUSH}')",
    ]:
        road_sp.execute(sql)
        answers(road_sp, numbers)
        answers(road_sp, numbers)


class Guarded(Quiet):
    """Gives the rows to who has the token."""

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        if self.headers.get("Authorization") != f"Bearer {HUSH}":
            self.send_response(401)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        body = ROWS.encode()
        wanted = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("Range", ""))
        if wanted:
            begin, end = (int(number) for number in wanted.groups())
            part = body[begin : end + 1]
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {begin}-{begin + len(part) - 1}/{len(body)}")
        else:
            part = body
            self.send_response(200)
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("Content-Length", str(len(part)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(part)


@pytest.fixture
def server() -> Iterator[str]:
    with serve(Guarded) as address:
        yield address


def test_a_server_that_asks_for_a_token(road_sp: smallpond.Session, server: str) -> None:
    spec = find_spec("duckdb_extension_httpfs")
    assert spec and spec.origin, "Install requirements-dev.txt"
    extension = next(Path(spec.origin).parent.rglob("httpfs.duckdb_extension"))
    road_sp.execute(
        f"LOAD '{extension}'; SET http_retries = 0; SET enable_http_metadata_cache = false"
    )
    create = f"CREATE SECRET mine (TYPE http, BEARER_TOKEN '{HUSH}', SCOPE '{server}')"
    for _ in range(2):
        road_sp.execute(create)
        answers(road_sp, f"{server}/n.csv")
        frame = road_sp.read_csv(f"{server}/n.csv")
        assert frame.count() == 30
        road_sp.execute("DROP SECRET mine")
        with pytest.raises(smallpond.UnavailableError, match="HTTP") as caught:
            frame.count()
        assert HUSH not in str(caught.value)


# --- and nobody else ---


def texts_of(error: BaseException | None) -> str:
    """All that a traceback says of an error and of what led to it, but for lines of source."""
    texts = []
    while error is not None:
        texts += [str(error), repr(error)]
        error = error.__cause__ or error.__context__
    return "\n".join(texts)


STATEMENTS = [
    f"ATTACH 'postgres://user:{HUSH}@127.0.0.1:1/db' AS p (TYPE postgres)",
    f"ATTACH 'host=127.0.0.1 password={HUSH} user=u' AS p (TYPE postgres)",
    f"ATTACH 'host=127.0.0.1 passwd=''{HUSH} x'' user=u' AS m (TYPE mysql)",
    f"ATTACH '/nowhere/x.db?password={HUSH}' AS p",
    f"ATTACH '/nowhere/x.db' AS p (ENCRYPTION_KEY '{HUSH}')",
    f"SET s3_session_token TO '{HUSH}', nothing",
    f"SET nothing_secret = '{HUSH}'",
    f"SET azure_storage_connection_string = 'AccountName=a;AccountKey={HUSH}=='",
    f"CREATE SECRET (TYPE nonsense, BEARER_TOKEN '{HUSH}')",
    f"CREATE SECRET mine (TYPE http '{HUSH}')",
    f"CREATE SECRET mine (TYPE http, NONSENSE '{HUSH}')",
    f"CREATE SECRET mine (TYPE http, BEARER_TOKEN '{HUSH}'",
    f"CREATE SECRT other (TYPE http, BEARER_TOKEN '{HUSH}')",
    f"CREATE PERSISTENT SECRET p (TYPE http, BEARER_TOKEN '{HUSH}')",
    f"PRAGMA add_parquet_key('k', '{HUSH}', 'more')",
    f"COPY nothing FROM 'https://host/x.csv?sig={HUSH}'",
    f"CREATE TABLE t AS FROM 's3://b/x.parquet?s3_secret_access_key={HUSH}&s3_region=x'",
]


@pytest.mark.parametrize("sql", STATEMENTS)
def test_statements_that_fail(sp: smallpond.Session, sql: str) -> None:
    with pytest.raises(smallpond.Error) as caught:
        sp.execute(sql)
    assert HUSH not in texts_of(caught.value)


QUERIES = [
    f"FROM 's3://b/x.parquet?s3_session_token={HUSH}'",
    f"FROM read_csv('https://u:{HUSH}@host/x.csv')",
    f"SELECT 1 AS password WHERE password = '{HUSH}' AND nothing",
    f"SELECT {{'token': '{HUSH}'}} FROM nothing",
]


@pytest.mark.parametrize("sql", QUERIES)
def test_queries_that_fail(sp: smallpond.Session, sql: str) -> None:
    for call in [lambda: sp.sql(sql), lambda: sp.partial_sql(sql)]:
        with pytest.raises(smallpond.Error) as caught:
            call()
        assert HUSH not in texts_of(caught.value)
    with pytest.raises(smallpond.Error) as caught:
        sp.read_parquet(f"s3://b/x.parquet?s3_secret_access_key={HUSH}")
    assert HUSH not in texts_of(caught.value)


def test_command_line() -> None:
    query = f"FROM read_parquet('/nowhere/x.parquet?s3_secret_access_key={HUSH}')"
    done = subprocess.run(
        [sys.executable, "-m", "smallpond", "sql", query],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1 and "nowhere" in done.stderr
    assert HUSH not in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("sql", "params"),
    [
        ("SELECT $password::INTEGER", {"password": HUSH}),
        ("SELECT ($1).api_token::DATE", [{"api_token": HUSH}]),
        ("SELECT $secrets.api_token::DATE", {"secrets": {"api_token": HUSH}}),
        ("SELECT $c.keys.access_key[1]::DATE", {"c": {"keys": {"access_key": [HUSH]}}}),
        ("SELECT concat($password, k)::INTEGER FROM '{numbers}'", {"password": HUSH}),
        ("FROM '{numbers}' WHERE concat($password, k)::TIME = '1:00'", {"password": HUSH}),
    ],
)
def test_errors_of_parameters(
    road_sp: smallpond.Session, numbers: Path, sql: str, params: dict[str, object] | list[object]
) -> None:
    """Known by their names, at once and when the query runs."""
    with pytest.raises(smallpond.Error, match=r"\*\*\*") as caught:
        road_sp.sql(sql.replace("{numbers}", str(numbers)), params=params).take_all()
    assert HUSH not in texts_of(caught.value)
    with pytest.raises(smallpond.Error, match=r"\*\*\*") as caught:
        road_sp.execute("SET VARIABLE v = $password::INTEGER", params={"password": HUSH})
    assert HUSH not in texts_of(caught.value)


def test_a_secret_that_begins_another(sp: smallpond.Session) -> None:
    params = {"password": HUSH, "token": HUSH + "-and-more"}
    with pytest.raises(smallpond.InvalidInputError) as caught:
        sp.sql("SELECT ($password || $token)::DATE", params=params).take_all()
    assert "and-more" not in texts_of(caught.value)


def test_plans_of_parameters(road_sp: smallpond.Session, numbers: Path) -> None:
    sql = f"FROM '{numbers}' WHERE k::VARCHAR = $password"
    frame = road_sp.sql(sql, params={"password": HUSH})
    for form in ("text", "json"):
        assert "***" in frame.explain(format=form) and HUSH not in frame.explain(format=form)


@pytest.mark.parametrize(
    "class_", [smallpond.Error, smallpond.IoError, smallpond.InvalidInputError]
)
def test_errors_that_python_raises(class_: type[smallpond.Error]) -> None:
    error = class_(f"Reading https://u:{HUSH}@host failed.")
    assert str(error) == "Reading https://u:***@host failed."
    assert error.args == (str(error),)


def test_explain_and_the_job_folder(road_sp: smallpond.Session, tmp_path: Path) -> None:
    folder = tmp_path / "in" / f"token={HUSH}"
    folder.mkdir(parents=True)
    duckdb.sql("SELECT i FROM range(10) t(i)").write_parquet(str(folder / "x.parquet"))
    frame = road_sp.sql("SELECT i, count(*) AS n FROM {0} GROUP BY i", road_sp.read_parquet(folder))
    for text in [frame.explain(), frame.explain(analyze=True), frame.explain(format="json")]:
        assert HUSH not in text
    assert frame.count() == 10
    for path in (tmp_path / "root").rglob("*"):
        assert HUSH not in path.name
        assert not path.is_file() or HUSH.encode() not in path.read_bytes()


def test_a_job_that_is_kept_holds_no_secret(tmp_path: Path) -> None:
    with smallpond.init(
        executor="processes", threads=2, duckdb_memory="600MB", data_root=tmp_path, partitions=3
    ) as sp:
        sp.execute(f"CREATE SECRET mine (TYPE http, BEARER_TOKEN '{HUSH}')")
        sp.execute("SET max_temp_directory_size = '0KB'")
        hungry = (
            "SELECT list(repeat('x', 200) || i || j) AS l FROM range(9) a(i), range(900_000) b(j)"
        )
        with pytest.raises(smallpond.OutOfMemoryError):
            sp.sql(hungry).to_arrow()
        kept = [path for path in (tmp_path / "jobs").rglob("*") if path.is_file()]
        assert kept, "its log at least"
        for path in kept:
            assert HUSH.encode() not in path.read_bytes()


# --- how they may be written ---


@pytest.mark.parametrize(
    "sql",
    [
        "CREATE SECRET bad (TYPE nosuch, SECRET $$HUSH$$)",
        "CREATE SECRET bad (TYPE nosuch, SECRET $q$HUSH$q$)",
        "CREATE SECRET bad (TYPE s3, ODD $$HUSH$$)",
        "CREATE SECRET bad (TYPE s3, SECRET $$HUSH$$",
        "CREATE OR REPLACE -- don't\nSECRET bad (TYPE nosuch, ODD 'HUSH')",
        "CREATE /* a */ SECRET bad (TYPE nosuch /* it's */, ODD 'HUSH')",
        "SET s3_session_tokn='HUSH'",
        "COPY t FROM 'x.csv' (ENCRYPTION_CONFIG {key: 'HUSH'})",
        "COPY t FROM 'x.parquet' (encryption_config { 'key' : 'HUSH' })",
        "SET s3_session_tokn=$$HUSH$$",
    ],
)
def test_errors_of_statements(sp: smallpond.Session, sql: str) -> None:
    for run in (sp.execute, sp.sql):
        with pytest.raises(smallpond.Error) as caught:
            run(sql.replace("HUSH", HUSH))
        assert HUSH not in str(caught.value)


def test_keys_where_their_names_belong(
    fresh_sp: smallpond.Session, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", logger="smallpond")
    key = "0123456789" + HUSH[:6]
    sp, frame = fresh_sp, fresh_sp.sql("SELECT 1 AS a")
    config = {"footer_key": key}
    with pytest.raises(smallpond.Error, match="No key with name") as caught:
        frame.write_parquet(tmp_path / "out", encryption_config=config)
    assert key not in str(caught.value)
    sp.execute("PRAGMA add_parquet_key('k', '0123456789112345')")
    frame.write_parquet(tmp_path / "out", encryption_config={"footer_key": "k"})
    with pytest.raises(smallpond.Error, match="No key with name") as caught:
        sp.read_parquet(tmp_path / "out", encryption_config=config)
    assert key not in str(caught.value)
    assert "write_parquet failed" in caplog.text and key not in caplog.text


def test_a_session_shows_none() -> None:
    address = f"ray://u:{HUSH}@head:10001"
    with smallpond.init(ray_address=address, duckdb_memory="300MB", threads=1) as sp:
        assert HUSH not in repr(sp) and "ray://u:***@head:10001" in repr(sp)

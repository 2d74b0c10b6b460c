"""Extensions of DuckDB that are installed as packages load by themselves, without a network."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock

import pytest
import smallpond
from http_server import Quiet, serve
from smallpond.extensions import extension_folder, installed_extensions
from smallpond.ray_node import NodeActor

ROADS: dict[str, dict[str, Any]] = {
    "direct": {},
    "threads_1": {"executor": "threads", "partitions": 1},
    "threads_7": {"executor": "threads", "partitions": 7},
    "processes": {"executor": "processes", "num_executors": 2, "partitions": 3},
}
SMALL: dict[str, Any] = {"threads": 2, "duckdb_memory": "500MB"}
INSIDE = f"extensions/{smallpond.duckdb_version}"
HTTPFS = "httpfs.duckdb_extension"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home folder in which nothing was ever installed."""
    (tmp_path / "home").mkdir()
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def links(home: Path) -> Path:
    return home / ".smallpond" / INSIDE / "linux_amd64"


class Rows(Quiet):
    """Serves one small CSV file."""

    body = b"k,n\n" + b"".join(b"%d,%d\n" % (i % 3, i) for i in range(30))

    def do_HEAD(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(self.body)))
        self.end_headers()

    def do_GET(self) -> None:
        self.do_HEAD()
        self.wfile.write(self.body)


@pytest.fixture
def server() -> Iterator[str]:
    with serve(Rows) as address:
        yield f"{address}/rows.csv"


@pytest.mark.parametrize("road", ROADS)
def test_a_path_that_needs_one(road: str, home: Path, server: str) -> None:
    with smallpond.init(**SMALL, **ROADS[road]) as sp:
        rows = sp.read_csv(server)
        found = sp.sql("SELECT k, sum(n) AS n FROM {0} GROUP BY k ORDER BY k", rows).take_all()
    assert found == [{"k": 0, "n": 135}, {"k": 1, "n": 145}, {"k": 2, "n": 155}]


def test_the_command_line_loads_them(home: Path) -> None:
    command = [sys.executable, "-m", "smallpond", "sql", "-f", "csv"]
    done = subprocess.run(
        [*command, "SELECT count(*) FROM tpch_queries()"],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (0, "count_star()\n22\n"), done.stderr


def test_a_secret_and_a_function_that_need_one(home: Path) -> None:
    with smallpond.init(**SMALL) as sp:
        sp.execute("CREATE SECRET mine (TYPE s3, KEY_ID 'a', SECRET 'b')")
        assert sp.sql("FROM tpch_queries()").count() == 22


def test_by_name(home: Path) -> None:
    with smallpond.init(**SMALL) as sp:
        sp.execute("INSTALL httpfs; LOAD httpfs")
        loaded = sp.sql("FROM duckdb_extensions() WHERE loaded AND extension_name = 'httpfs'")
        assert loaded.count() == 1


def test_links_are_private_and_few(home: Path) -> None:
    for _ in range(2):
        with smallpond.init(**SMALL):
            pass
    found = list(links(home).iterdir())
    assert {path.name for path in found} == {Path(path).name for path in installed_extensions()}
    for folder in [home / ".smallpond", links(home)]:
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_a_link_whose_package_has_gone(home: Path) -> None:
    extension_folder()
    link = links(home) / HTTPFS
    link.unlink()
    link.symlink_to("/nowhere/httpfs")
    assert extension_folder() == str(home / ".smallpond/extensions")
    assert link.exists()


def test_what_duckdb_has_itself_is_not_fetched_again(home: Path) -> None:
    own = home / ".duckdb" / INSIDE / "linux_amd64"
    own.mkdir(parents=True)
    (own / "spatial.duckdb_extension").write_bytes(b"")
    extension_folder()
    assert (links(home) / "spatial.duckdb_extension").readlink() == own / "spatial.duckdb_extension"


def test_each_node_of_a_cluster_makes_its_own(home: Path) -> None:
    assert NodeActor().prepare(lambda setup: MagicMock(), "") == smallpond.__version__
    assert (links(home) / HTTPFS).exists()


def test_without_packages_all_is_as_in_duckdb(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with_packages = {str(Path(path).parents[3]) for path in installed_extensions()}
    kept = [path for path in sys.path if os.path.abspath(path) not in with_packages]
    monkeypatch.setattr(sys, "path", kept)
    with smallpond.init(**SMALL) as sp:
        settings = sp.sql("SELECT current_setting('extension_directories') AS folders").take(1)
    assert settings == [{"folders": []}]
    assert not links(home).exists()


STATEMENTS = ("CALL", "INSTALL", "ATTACH")


@pytest.mark.parametrize(
    ("query", "advice"),
    [
        ("FROM 's3://bucket/x.parquet'", "pip install 'smallpond[s3]'"),
        ("FROM read_csv('https://127.0.0.1:1/x.csv')", "pip install 'smallpond[s3]'"),
        ("CALL dsdgen(sf=1)", "pip install duckdb-extension-tpcds==1.5.5"),
        ("FROM sqlite_scan('a', 'b')", "pip install duckdb-extension-sqlite_scanner==1.5.5"),
        ("SELECT st_point(1, 2)", "pip install duckdb-extension-spatial==1.5.5"),
        ("INSTALL spatial FROM 'http://127.0.0.1:1'", "duckdb-extension-spatial==1.5.5"),
        ("ATTACH 'x.db' (TYPE sqlite)", "pip install duckdb-extension-sqlite_scanner==1.5.5"),
    ],
)
def test_a_missing_one_is_named(home: Path, query: str, advice: str) -> None:
    with smallpond.init(**SMALL) as sp:
        sp.execute(
            f"SET extension_directories = []; SET extension_directory = '{home}';"
            "SET autoinstall_known_extensions = false"
        )
        with pytest.raises(smallpond.Error, match="install") as caught:
            sp.execute(query) if query.startswith(STATEMENTS) else sp.sql(query)
    assert advice in str(caught.value)


def test_nowhere_to_put_links(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/proc/nowhere")
    assert extension_folder() is None
    with smallpond.init(**SMALL) as sp:
        assert sp.sql("SELECT 1").count() == 1


def test_names_of_packages_and_folders_are_no_patterns(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "[a] 'b'"
    package = folder / "duckdb_extension_x" / INSIDE
    package.mkdir(parents=True)
    (package / "x.duckdb_extension").write_bytes(b"")
    monkeypatch.setattr(sys, "path", [str(folder)])
    monkeypatch.setenv("HOME", str(folder))
    assert installed_extensions() == [str(package / "x.duckdb_extension")]
    with smallpond.init(**SMALL) as sp:
        settings = sp.sql("SELECT current_setting('extension_directories') AS folders").take(1)
    assert settings == [{"folders": [f"{folder}/.smallpond/extensions"]}]

"""show_versions: what a report of a bug needs."""

from __future__ import annotations

import importlib.metadata
import platform

import pytest
import smallpond


def shown(capsys: pytest.CaptureFixture[str]) -> dict[str, str]:
    smallpond.show_versions()
    lines = capsys.readouterr().out.splitlines()
    return {name: value.strip() for name, _, value in (line.partition(" ") for line in lines)}


def test_versions(capsys: pytest.CaptureFixture[str]) -> None:
    told = shown(capsys)
    assert told["smallpond"] == smallpond.__version__
    assert told["DuckDB"] == smallpond.duckdb_version
    assert platform.python_version() in told["Python"]
    assert "Linux" in told["platform"] and "x86_64" in told["platform"]
    assert told["pandas"] == importlib.metadata.version("pandas")
    assert "httpfs" in told["extensions"]


def test_machine(capsys: pytest.CaptureFixture[str]) -> None:
    told = shown(capsys)
    cores, all_cores = map(int, told["cores"].split(" of "))
    assert 1 <= cores <= all_cores
    memory, all_memory = map(float, told["memory"].removesuffix(" GB").split(" of "))
    assert 0.1 < memory <= all_memory


def test_what_is_not_installed(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def version(name: str) -> str:
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "version", version)
    told = shown(capsys)
    assert told["pyarrow"] == told["ray"] == "not installed"
    assert told["smallpond"] == smallpond.__version__

"""Appended rows take the columns that are there: cast without loss, or refused by name."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import duckdb
import pytest
import smallpond
from roads import STAGE_ROADS, StageRoad

BASE = "SELECT 1::INTEGER AS i, 'a' AS s, DATE '2026-01-01' AS d, 0.5::DOUBLE AS x"
FORMS = ["parquet", "csv", "json"]


def read(sp: smallpond.Session, form: str, out: Path) -> list[dict[str, Any]]:
    options = {"schema": {"i": "INTEGER", "s": "VARCHAR", "d": "DATE", "x": "DOUBLE"}}
    if form == "csv":
        options["header"] = True
    frame = getattr(sp, f"read_{form}")(out, **({} if form == "parquet" else options))
    return sp.sql("SELECT * FROM {0} ORDER BY i", frame).take_all()


@pytest.mark.parametrize("form", FORMS)
def test_casts_that_lose_nothing(sp: smallpond.Session, tmp_path: Path, form: str) -> None:
    out = tmp_path / "out"
    getattr(sp.sql(BASE), f"write_{form}")(out)
    other = "SELECT 7::BIGINT AS x, '2' AS I, TIMESTAMP '2026-01-02' AS d, 3 AS s"
    getattr(sp.sql(other), f"write_{form}")(out, "append")
    [first, second] = read(sp, form, out)
    assert second == {"i": 2, "s": "3", "d": first["d"].replace(day=2), "x": 7.0}
    nulls = "SELECT 3 AS i, NULL AS s, NULL AS d, NULL AS x"
    getattr(sp.sql(nulls), f"write_{form}")(out, "append")
    assert read(sp, form, out)[2] == {"i": 3, "s": None, "d": None, "x": None}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    ("column", "value"),
    [("i", "2.75"), ("i", "'abc'"), ("i", "3_000_000_000"),
     ("d", "TIMESTAMP '2026-01-02 03:04:05'"),
     ("x", "9_007_199_254_740_993"), ("i", "'007'")],
)  # fmt: skip
def test_values_that_would_change(
    sp: smallpond.Session, tmp_path: Path, form: str, column: str, value: str
) -> None:
    out = tmp_path / "out"
    getattr(sp.sql(BASE), f"write_{form}")(out)
    before = sorted(path.name for path in out.iterdir())
    frame = sp.sql(f"SELECT * REPLACE ({value} AS {column}) FROM ({BASE})")
    with pytest.raises(smallpond.InvalidInputError, match=f"Column '{column}' holds") as error:
        getattr(frame, f"write_{form}")(out, "append")
    assert value.strip("'").replace("_", "").removeprefix("TIMESTAMP '") in str(error.value)
    assert sorted(path.name for path in out.iterdir()) == before
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


@pytest.mark.parametrize("road", STAGE_ROADS, ids=lambda road: road.name)
def test_on_every_road(stage_session: Any, road: StageRoad, tmp_path: Path, data: Path) -> None:
    sp, out = stage_session(road), tmp_path / "out"
    events = sp.read_parquet(data / "events.parquet")
    sp.sql("SELECT event_id FROM {0}", events).write_parquet(out)
    more = sp.sql("SELECT event_id::DOUBLE AS event_id FROM {0}", events)
    more.repartition(3).write_parquet(out, "append")
    assert sp.read_parquet(out).schema == {"event_id": "BIGINT"}
    assert sp.read_parquet(out).count() == 800
    lossy = sp.sql("SELECT event_id + 0.5 AS event_id FROM {0}", events)
    with pytest.raises(smallpond.InvalidInputError, match="Column 'event_id' holds"):
        lossy.write_parquet(out, "append")
    assert sp.read_parquet(out).count() == 800


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("SELECT 1 AS i, 'a' AS s, DATE '2026-01-01' AS d", "lack the column 'x'"),
        (BASE + ", 1 AS y", "further column 'y'"),
        (BASE.replace("AS s", "AS t"), "lack the column 's'"),
        (BASE.replace("1::INTEGER", "[1]"), "Column 'i' holds \\[1\\]"),
    ],
)
def test_other_columns_are_refused(
    sp: smallpond.Session, tmp_path: Path, sql: str, message: str
) -> None:
    sp.sql(BASE).write_parquet(tmp_path / "out")
    with pytest.raises(smallpond.InvalidInputError, match=message):
        sp.sql(sql).write_parquet(tmp_path / "out", "append")
    assert sp.read_parquet(tmp_path / "out").count() == 1


def test_other_formats_and_options_are_refused(sp: smallpond.Session, tmp_path: Path) -> None:
    frame = sp.sql(BASE)
    frame.write_csv(tmp_path / "out", delim=";")
    with pytest.raises(smallpond.InvalidInputError, match=r"end in \.csv"):
        frame.write_parquet(tmp_path / "out", "append")
    with pytest.raises(smallpond.InvalidInputError, match=r"other options \(delim ';'\)"):
        frame.write_csv(tmp_path / "out", "append")
    frame.write_csv(tmp_path / "out", "append", DELIM=";", header=True, compression="gzip")
    assert sp.read_csv(tmp_path / "out").count() == 2


def test_a_version_without_rows_decides_nothing(sp: smallpond.Session, tmp_path: Path) -> None:
    sp.sql(f"FROM ({BASE}) LIMIT 0").write_parquet(tmp_path / "out")
    sp.sql("SELECT 'z' AS i").write_parquet(tmp_path / "out", "append")
    assert sp.read_parquet(tmp_path / "out").take_all() == [{"i": "z"}]


@pytest.mark.parametrize("form", FORMS)
def test_folders_of_earlier_versions(sp: smallpond.Session, tmp_path: Path, form: str) -> None:
    """Their manifests are files and know no columns: a file tells them."""
    out, file = tmp_path / "out", f"part-00000-0123456789ab.{form}"
    (out / "_smallpond").mkdir(parents=True)
    duckdb.sql(f"COPY ({BASE}) TO '{out / file}' (FORMAT {form})")
    manifest = {
        "format": 1,
        "version": 1,
        "job_id": "old",
        "files": [{"name": file, "staged": f"_smallpond/attempt-1/{file}?writing", "bytes": 9}],
    }
    (out / "_smallpond" / "manifest-0000000001").write_text(json.dumps(manifest))
    (out / "_smallpond" / "published-0000000001").touch()
    assert len(read(sp, form, out)) == 1
    with pytest.raises(smallpond.InvalidInputError, match="'i' holds"):
        getattr(sp.sql(BASE.replace("1::INTEGER", "2.75")), f"write_{form}")(out, "append")
    getattr(sp.sql(BASE.replace("1::INTEGER", "'2'")), f"write_{form}")(out, "append")
    assert [row["i"] for row in read(sp, form, out)] == [1, 2]
    assert not [path for path in (out / "_smallpond").rglob("*") if path.is_file()]

"""to_pandas gives each column the type and the values that DuckDB's own df() gives it, but where
that loses something."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
import smallpond
from type_table import VALUES, duckdbs_dtype, duckdbs_frame, rows_sql

# Types that differ, with what ours is: DuckDB's loses digits or has no rule.
DIFFERENT = {
    "HUGEINT": "object", "UHUGEINT": "object", "BIGNUM": "object", "DECIMAL(4,1)": "object",
    "DECIMAL(9,4)": "object", "DECIMAL(18,6)": "object", "DECIMAL(38,0)": "object",
    "DECIMAL(38,38)": "object", "BIT": "str", "UUID": "str", "TIME WITH TIME ZONE": "str",
    "TIME WITH TIME ZONE[]": "object",
}  # fmt: skip
ROWS = {
    "values": "x IS NOT NULL",
    "values_and_null": "true",
    "only_null": "x IS NULL",
    "no_rows": "false",
}
# These are lists, dicts and bytes, of which only the type is compared.
OBJECTS = ("BLOB", "GEOMETRY", "[", "STRUCT", "MAP", "UNION")


@pytest.mark.parametrize("rows", ROWS)
@pytest.mark.parametrize("kind", [kind for kind in VALUES if kind != "VARIANT"])
def test_type_is_duckdbs(sp: smallpond.Session, kind: str, rows: str) -> None:
    sql = f"FROM ({rows_sql(kind)}) WHERE {ROWS[rows]} ORDER BY i"
    found = sp.sql(sql).to_pandas()["x"]
    if kind in DIFFERENT:
        assert duckdbs_dtype(kind) != DIFFERENT[kind]
        if rows == "values":
            assert str(found.dtype) == DIFFERENT[kind]
        return
    expected = duckdbs_frame(sql)["x"]
    if kind in ("VARCHAR", "JSON"):
        assert str(found.dtype) == "str"
    else:
        assert found.dtype == expected.dtype
    if not any(word in kind for word in OBJECTS):
        assert [plain(value) for value in found] == [plain(value) for value in expected]


def plain(value: Any) -> Any:
    return "missing" if value is pd.NaT or pd.isna(value) else value


def test_enums_keep_their_order(sp: smallpond.Session) -> None:
    kind = "ENUM('low', 'it''s', 'never, ''ever''')"
    sql = f"SELECT unnest(['low', 'it''s', NULL])::{kind} AS x"
    for query in [sql, f"FROM ({sql}) WHERE false"]:
        pd.testing.assert_frame_equal(sp.sql(query).to_pandas(), duckdbs_frame(query))


def test_wide_integers_that_fit(sp: smallpond.Session) -> None:
    frame = sp.sql("SELECT sum(i) AS s, nullif(sum(i), 45) AS n FROM range(10) t(i)").to_pandas()
    assert [str(kind) for kind in frame.dtypes] == ["int64", "Int64"]


@pytest.mark.parametrize(
    ("expression", "reason"),
    [
        ("DATE 'infinity'", "'x' of type DATE"),
        ("DATE '5000000-01-01'", "'x' of type DATE"),
        ("to_months(2147483647)", "'x' of type INTERVAL.*290,000 years"),
    ],
)
def test_values_beyond_pandas(sp: smallpond.Session, expression: str, reason: str) -> None:
    with pytest.raises(smallpond.InvalidInputError, match=reason):
        sp.sql(f"SELECT {expression} AS x").to_pandas()


def test_dates_before_christ(sp: smallpond.Session) -> None:
    sql = "SELECT DATE '4000-01-01 (BC)' AS x"
    assert sp.sql(sql).to_pandas()["x"].to_numpy() == duckdbs_frame(sql)["x"].to_numpy()


def test_intervals_of_many_rows(sp: smallpond.Session) -> None:
    """Of several chunks, beside NULLs, and of negative ones."""
    sql = """
        SELECT CASE WHEN i % 7 > 0 THEN to_microseconds(i - 100_000) + to_days((i % 50)::INTEGER)
                    - to_months((i % 3)::INTEGER) END AS x
        FROM range(200_000) t(i) ORDER BY i
    """
    found, expected = sp.sql(sql).to_pandas(), duckdbs_frame(sql)
    pd.testing.assert_frame_equal(found, expected)


def test_timedeltas_come_back(sp: smallpond.Session) -> None:
    """As days, not as a time of day."""
    frame = pd.DataFrame({"x": pd.to_timedelta(["1 day", "-40 days 2 hours", None, "1 us"])})
    found = sp.sql("SELECT x, day(x) AS d, x::VARCHAR AS s FROM frame").to_pandas()
    assert found["s"].tolist()[0] == "1 day" and found["d"].tolist()[0] == 1
    assert found["x"].dtype == np.dtype("timedelta64[us]")
    assert found["x"].astype(frame["x"].dtype).equals(frame["x"])

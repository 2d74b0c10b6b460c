"""The code of the article that users arrive with runs as printed; only paths and sizes differ.

The numbers in the names are the article's sections.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import pytest
import smallpond
from oracle import assert_same, assert_same_rows, duckdb_answer

SECTION_3_1_DEFAULT = """
import smallpond

# Default: auto-detect available nodes
sp = smallpond.init()
"""

SECTION_3_1_CUSTOM = """
# Custom configuration
sp = smallpond.init(
    num_nodes=10,           # Use 10 nodes
    duckdb_memory="8GB",    # Memory limit per node
    data_dir="/smallpond/data",  # 3FS data path
)
"""

SECTION_3_2 = """
# Read Parquet (auto-partitioned)
df = sp.read_parquet("huge_dataset/*.parquet")

# Read CSV
df = sp.read_csv("logs/*.csv")

# Read JSON Lines
df = sp.read_json("events/*.jsonl")
"""

SECTION_3_3 = """
# Hash repartition by a column (like Spark's repartition)
df = df.repartition(10, hash_by="user_id")

# Random repartition
df = df.repartition(20)
"""

SECTION_3_4 = """
# Note: {0} is a placeholder for the DataFrame
df_result = sp.partial_sql(
    "SELECT user_id, COUNT(*), AVG(amount) "
    "FROM {0} "
    "WHERE event_type = 'purchase' "
    "GROUP BY user_id",
    df
)
"""

SECTION_3_5 = """
# Write back to Parquet
df.write_parquet("output/")

# Convert to Pandas DataFrame (for small result sets)
pandas_df = df.to_pandas()

# Count rows
print(f"Total rows: {df.count()}")
"""

SECTION_6_1 = """
import smallpond
import pandas as pd
import numpy as np
from datetime import datetime, timedelta

# Initialize Smallpond
sp = smallpond.init()

# Generate user data (10 million users)
num_users = 2_000
users_df = pd.DataFrame({
    "user_id": range(1, num_users + 1),
    "country": np.random.choice(["CN", "US", "JP", "DE", "BR"], num_users),
    "tier": np.random.choice(["bronze", "silver", "gold", "platinum"], num_users,
                              p=[0.5, 0.3, 0.15, 0.05]),
    "registration_date": (
        datetime.now() - pd.to_timedelta(np.random.randint(1, 365*3, num_users), unit="D")
    ).strftime("%Y-%m-%d"),
})
users_df.to_parquet("sample/users.parquet")
print(f"Generated {len(users_df):,} user records")

# Generate event data (50 million events/day, 3 days = 150 million)
num_days = 3
events_per_day = 5_000

for day in range(num_days):
    date_str = (datetime.now() - timedelta(days=day)).strftime("%Y-%m-%d")
    n = events_per_day
    events_df = pd.DataFrame({
        "event_id": range(day * n + 1, (day + 1) * n + 1),
        "user_id": np.random.randint(1, num_users + 1, n),
        "event_type": np.random.choice(
            ["page_view", "click", "add_cart", "purchase", "favorite"],
            n, p=[0.6, 0.2, 0.1, 0.07, 0.03]
        ),
        "revenue": np.where(
            np.random.random(n) < 0.07,
            np.random.uniform(10, 500, n).round(2),
            0.0
        ),
        "event_date": date_str,
        "timestamp": [
            f"{date_str} {np.random.randint(0,24):02d}:{np.random.randint(0,60):02d}:{np.random.randint(0,60):02d}"
            for _ in range(n)
        ],
    })
    events_df.to_parquet(f"sample/events/{date_str}.parquet")
    print(f"Generated events: {date_str} ({n:,} records)")
"""  # noqa: E501

SECTION_6_2 = '''
import smallpond

sp = smallpond.init()

# 1. Read data
print("Reading data...")
events = sp.read_parquet("sample/events/*.parquet")
users = sp.read_parquet("sample/users.parquet")

# 2. Repartition by user_id for local JOIN
events = events.repartition(10, hash_by="user_id")

# 3. Execute distributed SQL analysis
print("Executing distributed query...")
result = sp.partial_sql("""
    SELECT
        u.country,
        u.tier,
        e.event_date,
        COUNT(DISTINCT e.user_id) AS active_users,
        COUNT(*) AS total_events,
        SUM(CASE WHEN e.event_type = 'purchase' THEN 1 ELSE 0 END) AS purchases,
        SUM(e.revenue) AS total_revenue,
        SUM(e.revenue) / NULLIF(COUNT(DISTINCT e.user_id), 0) AS revenue_per_user,
        SUM(CASE WHEN e.event_type = 'add_cart' THEN 1 ELSE 0 END) AS cart_adds,
        SUM(CASE WHEN e.event_type = 'purchase' THEN 1 ELSE 0 END) * 1.0
            / NULLIF(SUM(CASE WHEN e.event_type = 'add_cart' THEN 1 ELSE 0 END), 0)
            AS cart_to_purchase_rate
    FROM {0} e
    JOIN users u ON e.user_id = u.user_id
    WHERE e.event_date >= '2026-04-01'
    GROUP BY u.country, u.tier, e.event_date
""", events)

# 4. Preview results
pandas_result = result.to_pandas()
print(f"\\nResult rows: {len(pandas_result):,}")
print(f"\\nTop 20 preview:")
print(pandas_result.head(20))

# 5. Write results
result.write_parquet("sample/output/daily_stats/")
print("\\nResults written to sample/output/daily_stats/")
'''

REPARTITION = 'events.repartition(10, hash_by="user_id")'


def run(code: str, names: dict[str, Any] | None = None) -> dict[str, Any]:
    """Runs the code as a script with these variables; returns its variables."""
    names = {"__name__": "__main__"} if names is None else names
    exec(compile(code, "article", "exec"), names)
    return names


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty current folder. Each session of the article takes what memory there is."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SP_DUCKDB_MEMORY", "1GB")
    return tmp_path


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what section 6.1 makes. Its folder has to be there first."""
    folder = tmp_path_factory.mktemp("article")
    (folder / "sample" / "events").mkdir(parents=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("SP_DUCKDB_MEMORY", "1GB")
        run(SECTION_6_1)
    return folder


def test_3_1_ten_nodes_need_a_cluster() -> None:
    names = run(SECTION_3_1_DEFAULT)
    assert isinstance(names["sp"], smallpond.Session)
    with pytest.raises(smallpond.UnsupportedError) as caught:
        run(SECTION_3_1_CUSTOM, names)
    text = str(caught.value)
    assert "num_nodes=10" in text and "cluster" in text
    assert "ray start" in text and "ray_address" in text and "in this process" in text, (
        "says how to get one, and how to do without"
    )


def test_3_1_to_3_5(
    folder: Path, oracle: duckdb.DuckDBPyConnection, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = """SELECT i AS event_id, i % 9 AS user_id, i / 4 AS amount,
              ['purchase', 'click'][1 + i % 2] AS event_type FROM range(300) t(i)"""
    for name in [
        "huge_dataset/a.parquet",
        "huge_dataset/b.parquet",
        "logs/a.csv",
        "events/a.jsonl",
    ]:
        (folder / name).parent.mkdir(exist_ok=True)
        oracle.execute(f"COPY ({rows}) TO '{folder / name}'{' (FORMAT json)' * ('json' in name)}")

    names = run(SECTION_3_1_DEFAULT + SECTION_3_2 + SECTION_3_3 + SECTION_3_4 + SECTION_3_5)

    assert names["df"].num_partitions == 20
    expected = """SELECT user_id, COUNT(*), AVG(amount) FROM 'events/*.jsonl'
                  WHERE event_type = 'purchase' GROUP BY user_id"""
    assert_same(names["df_result"], duckdb_answer(oracle, expected))
    assert len(names["pandas_df"]) == 300
    assert capsys.readouterr().out == "Total rows: 300\n"
    written = sorted((folder / "output").glob("*.parquet"))
    assert len(written) == 20
    assert oracle.execute("SELECT count(*) FROM 'output/*.parquet'").fetchone() == (300,)


def test_6_1_generates_data(sample: Path) -> None:
    with duckdb.connect() as connection:
        for name, num_rows in [("users", 2_000), ("events/*", 15_000)]:
            sql = f"SELECT count(*) FROM '{sample / 'sample' / name}.parquet'"
            assert connection.execute(sql).fetchone() == (num_rows,)


@pytest.mark.parametrize(
    "spread",
    [
        REPARTITION,
        "events",
        "events.repartition(7)",
        'events.repartition(7, hash_by="event_id")',
        "events.repartition(7, by_rows=True)",
    ],
)
def test_6_2_one_row_a_group(
    sample: Path,
    folder: Path,
    oracle: duckdb.DuckDBPyConnection,
    spread: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (folder / "sample").mkdir()
    for name in ["events", "users.parquet"]:
        (folder / "sample" / name).symlink_to(sample / "sample" / name)

    names = run(SECTION_6_2.replace(REPARTITION, spread))

    sql = SECTION_6_2.split('"""')[1]
    expected = duckdb_answer(
        oracle,
        sql.replace("{0}", "'sample/events/*.parquet'").replace(
            "JOIN users", "JOIN 'sample/users.parquet'"
        ),
    )
    assert_same(names["result"], expected)
    groups = names["pandas_result"].groupby(["country", "tier", "event_date"]).size()
    assert len(groups) == 5 * 4 * 3 and set(groups) == {1}
    assert "Result rows: 60" in capsys.readouterr().out
    # Integer sums have 128 bits, which Parquet holds as decimals.
    written = oracle.execute("FROM 'sample/output/daily_stats/*.parquet'").to_arrow_table()
    assert_same_rows(
        list(zip(*(c.to_pylist() for c in written.columns), strict=True)), expected.rows
    )

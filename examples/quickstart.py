"""The first twenty lines: make a small table, read it, join, group, show, write, read back."""

import tempfile

import pandas as pd
import smallpond

with tempfile.TemporaryDirectory() as folder, smallpond.init() as sp:
    cities = pd.DataFrame({"city": ["Oslo", "Lima"], "country": ["Norway", "Peru"]})
    visits = pd.DataFrame({"city": ["Oslo", "Lima", "Lima"] * 1000, "minutes": range(3000)})
    visits.to_parquet(f"{folder}/visits.parquet")

    visits = sp.read_parquet(f"{folder}/*.parquet")
    by_country = sp.sql("""
        SELECT country, count(*) AS visits, avg(minutes) AS mean_minutes
        FROM visits JOIN cities USING (city)
        GROUP BY country
        ORDER BY country
    """)
    by_country.show()

    by_country.write_parquet(f"{folder}/by_country")
    print(sp.read_parquet(f"{folder}/by_country/*.parquet").to_pandas())

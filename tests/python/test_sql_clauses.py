"""A text for a part of a query is that part and nothing else: map, filter, partial_sort."""

from __future__ import annotations

import pytest
import smallpond


@pytest.fixture(scope="module")
def rows(sp: smallpond.Session) -> smallpond.DataFrame:
    return sp.sql("SELECT i, i % 3 AS k FROM range(20) r(i)")


MORE = {
    "map": [
        "i FROM range(3) r(i) UNION ALL SELECT i",
        "DISTINCT k",
        "i; SELECT 2 AS i",
        "1 AS i UNION ALL SELECT i",
        "1 AS i EXCEPT SELECT i",
    ],
    "filter": [
        "i > 1) LIMIT (5",
        "i > 1) OR (i < 1",
        "true) ORDER BY (i",
        "true) GROUP BY ALL HAVING (true",
        "true) QUALIFY (true",
        "true); SELECT (1",
        "true) UNION ALL SELECT * FROM range(3) WHERE (true",
        "true) USING SAMPLE (5",
    ],
    "partial_sort": [
        "i LIMIT 5",
        "i LIMIT 5 OFFSET 1",
        "i; SELECT 1",
        ["i", "k LIMIT 1"],
    ],
}


@pytest.mark.parametrize(
    ("method", "text"), [(method, text) for method, texts in MORE.items() for text in texts]
)
def test_more_than_the_part(rows: smallpond.DataFrame, method: str, text: str | list[str]) -> None:
    with pytest.raises(smallpond.InvalidInputError, match=rf"{method}\(\) takes .*nothing else"):
        getattr(rows, method)(text)


@pytest.mark.parametrize(
    ("method", "text"),
    [("map", "i,, k"), ("map", "(i"), ("filter", "i >"), ("filter", "i)"), ("partial_sort", "i,")],
)
def test_no_sql(rows: smallpond.DataFrame, method: str, text: str) -> None:
    with pytest.raises(smallpond.InvalidInputError, match="Parser Error"):
        getattr(rows, method)(text)


def test_what_a_part_may_hold(sp: smallpond.Session, rows: smallpond.DataFrame) -> None:
    assert rows.map("*, i + 1 AS j -- and no more").columns == ["i", "k", "j"]
    assert rows.map("{'a': i} AS s, [x + 1 FOR x IN [i]] AS l, 'a) LIMIT (5' AS t").count() == 20
    assert rows.map("k, (SELECT max(i) FROM {0}) AS m").take(1)[0]["m"] == 19
    assert rows.map("count(*) FILTER (i > 1) AS n").take_all() == [{"n": 18}]
    assert rows.filter("i IN (SELECT i FROM {0} WHERE k = 1 LIMIT 2) /* LIMIT 1 */").count() == 2
    assert rows.filter("(i > 1) OR (i < 1) -- ) LIMIT (5").count() == 19
    assert rows.filter("';) LIMIT (5' != '' AND k = 1").count() == 7
    assert rows.partial_sort(["k DESC NULLS LAST -- first", "i % 4", "i"]).count() == 20
    assert rows.partial_sort("ALL").count() == 20

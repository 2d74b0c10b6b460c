"""Random queries over two tables, {0} and {1}, whose answers do not depend on the order of rows.

Every relation has the columns k1, k2, v, d and r, so that any can stand in any other.
"""

from __future__ import annotations

from hypothesis import strategies as st

COLUMNS = "k1, k2, v, d, r"
INPUTS = ["{0}", "{1}"]
CONSTANTS = "(VALUES (1, 'a', 1, 0.5, 100), (NULL, 'b', 2, 1.5, 101), (2, NULL, 0, 2.5, 102))"

# What keeps partitions apart comes more often than what mixes them, or nothing would be claimed.
KEYS = st.sampled_from(["k1", "k1", "k1, k2", "k1, k2", "k1, v", "k2, k1", "k2", "v", "r"])
# Equality on keys, on other columns, and none.
CONDITIONS = st.sampled_from(
    [
        "x.k1 = y.k1", "x.k1 = y.k1", "x.k1 = y.k1 AND x.k2 = y.k2", "x.v = y.v",
        "x.k2 = y.k2 AND y.k1 = x.k1", "x.k1 = y.k1 AND x.r = y.r", "x.k2 = y.k2", "x.r = y.r",
        "x.k1 IS NOT DISTINCT FROM y.k1", "x.k1 = y.v", "x.k1 = y.k1 AND x.v < y.v",
        "x.k1::BIGINT = y.k1", "x.k1 = TRY_CAST(y.k1 * 60 AS TINYINT)",
    ]
)  # fmt: skip
K1_EXPRESSIONS = st.sampled_from(
    ["k1::BIGINT::INTEGER", "k1 + 0", "coalesce(k1, 0)", "TRY_CAST(k1 * 60 AS TINYINT)::INTEGER",
     "TRY_CAST(r AS TINYINT)::INTEGER", "r", "v"]
)  # fmt: skip
PREDICATES = st.sampled_from(["k1 = 1", "k2 <> 'a'", "v > 0", "k1 IS NULL", "r % 2 = 0", "d < 1"])


def base() -> st.SearchStrategy[str]:
    tables = [f"(SELECT {COLUMNS} FROM {name})" for name in INPUTS]
    constants = f"(SELECT {COLUMNS} FROM {CONSTANTS} c({COLUMNS}))"
    return st.sampled_from([tables[0], tables[0], tables[1], constants])


def extend(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Relations made of relations."""
    return st.one_of(
        st.builds("(SELECT {} FROM {} WHERE {})".format, st.just(COLUMNS), inner, PREDICATES),
        st.builds("(SELECT {0} AS k1, k2, v, d, r FROM {1})".format, K1_EXPRESSIONS, inner),
        st.builds("(SELECT k1, k2, unnest([v, v + 1]) AS v, d, r FROM {})".format, inner),
        st.builds("(SELECT k1, k2, v + 1 AS v, d, r FROM {})".format, inner),
        _grouped(inner),
        _grouped(inner),
        _distinct(inner),
        _windowed(inner),
        _joined(inner),
        _set_operation(inner),
        _subquery(inner),
        _limited(inner),
        _common_table(inner),
    )


def _grouped(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    def build(keys: str, relation: str, having: str, sets: str) -> str:
        chosen = {
            "k1": "min(k1)", "k2": "min(k2)", "v": "count(DISTINCT v)::INTEGER", "d": "sum(d)",
            "r": "max(r)",
        }  # fmt: skip
        for key in keys.split(", "):
            chosen[key] = key
        values = ", ".join(f"{value} AS {name}" for name, value in chosen.items())
        return f"(SELECT {values} FROM {relation} GROUP BY {sets.format(keys)} {having})"

    having = st.sampled_from(["", "", "HAVING count(*) > 1"])
    sets = st.sampled_from(["{}", "{}", "{}", "{}", "ROLLUP ({})", "GROUPING SETS (({}))"])
    whole = (
        "(SELECT min(k1) AS k1, max(k2) AS k2, count(*)::INTEGER AS v, sum(d) AS d, max(r) AS r "
        "FROM {})"
    )
    keyed = st.builds(build, KEYS, inner, having, sets)
    return st.one_of(keyed, keyed, keyed, st.builds(whole.format, inner))


def _distinct(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """The columns that are left out become constants."""
    text = "(SELECT {0}, 0 AS v, 0.5::DOUBLE AS d, 7 AS r FROM (SELECT DISTINCT {1} FROM {2}))"
    lists = st.sampled_from(
        [("k1, k2", "k1, k2"), ("k1, 'a' AS k2", "k1"), ("1 AS k1, k2", "k2"), ("k1, k2", "k2, k1")]
    )
    return st.one_of(
        st.builds("(SELECT DISTINCT {} FROM {})".format, st.just(COLUMNS), inner),
        st.builds(lambda pair, relation: text.format(*pair, relation), lists, inner),
    )


def _windowed(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    counted = "(SELECT k1, k2, (count(*) OVER ({0}))::INTEGER AS v, d, r FROM {1})"
    best = "(SELECT k1, k2, v, d, r FROM {1} QUALIFY rank() OVER ({0} ORDER BY v, r) = 1)"
    keyed = st.builds("PARTITION BY {}".format, KEYS)
    over = st.one_of(keyed, keyed, keyed, st.just(""))
    return st.sampled_from([counted, best]).flatmap(
        lambda text: st.builds(text.format, over, inner)
    )


def _joined(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    def build(kind: str, condition: str, left: str, right: str) -> str:
        if kind in ("SEMI", "ANTI"):
            columns = "x.k1, x.k2, x.v, x.d, x.r"
        else:
            columns = "x.k1, y.k2, coalesce(x.v, y.v) AS v, y.d, x.r"
        if kind == "FULL" and "<" in condition:
            condition = "x.k1 = y.k1"
        return f"(SELECT {columns} FROM {left} x {kind} JOIN {right} y ON {condition})"

    def nearest(kind: str, left: str, right: str) -> str:
        return (
            f"(SELECT x.k1, x.k2, x.v, x.d, y.r FROM {left} x ASOF {kind} JOIN {right} y "
            "ON x.k1 = y.k1 AND x.r >= y.r)"
        )

    kinds = st.sampled_from(["INNER", "INNER", "LEFT", "RIGHT", "FULL", "SEMI", "ANTI"])
    return st.one_of(
        st.builds(build, kinds, CONDITIONS, inner, inner),
        st.builds(nearest, st.sampled_from(["", "LEFT"]), inner, inner),
        st.builds("(SELECT x.k1, x.k2, y.v, y.d, y.r FROM {} x, {} y)".format, inner, base()),
    )


def _set_operation(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    operators = st.sampled_from(
        ["UNION ALL", "UNION", "EXCEPT", "EXCEPT ALL", "INTERSECT", "INTERSECT ALL"]
    )
    text = "(SELECT {0} FROM {1} {2} SELECT {0} FROM {3})"
    return st.builds(text.format, st.just(COLUMNS), inner, operators, inner)


def _subquery(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    conditions = st.sampled_from(
        [
            "x.k1 IN (SELECT k1 FROM {})",
            "x.k1 NOT IN (SELECT k1 FROM {})",
            "x.k1 NOT IN (SELECT k1 FROM {} WHERE k1 IS NOT NULL)",
            "EXISTS (SELECT 1 FROM {} y WHERE y.k1 = x.k1)",
            "NOT EXISTS (SELECT 1 FROM {} y WHERE y.k2 = x.k2 AND y.v > x.v)",
            "x.v >= (SELECT avg(v) FROM {})",
            "x.v >= (SELECT min(v) FROM {} y WHERE y.k1 = x.k1)",
            "EXISTS (FROM {})",
        ]
    )
    return st.builds(
        lambda relation, condition, other: (
            f"(SELECT x.k1, x.k2, x.v, x.d, x.r FROM {relation} x WHERE {condition.format(other)})"
        ),
        inner,
        conditions,
        inner,
    )


def _limited(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Sorted by all columns, so that the rows that a limit cuts between are equal."""
    text = "(SELECT {0} FROM {1} ORDER BY ALL LIMIT {2} OFFSET {3})"
    sizes = st.integers(min_value=0, max_value=4)
    return st.builds(text.format, st.just(COLUMNS), inner, sizes, sizes)


def _common_table(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    text = (
        "(WITH c AS {0} (SELECT * FROM {1}) "
        "SELECT x.k1, x.k2, x.v, y.d, y.r FROM c x JOIN c y ON {2})"
    )
    materialized = st.sampled_from(["", "MATERIALIZED", "NOT MATERIALIZED"])
    return st.builds(text.format, materialized, inner, CONDITIONS)


def queries() -> st.SearchStrategy[str]:
    return st.builds("FROM {}".format, st.recursive(base(), extend, max_leaves=3))

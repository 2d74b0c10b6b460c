"""Random SQL over a few small tables, wide on purpose: every join, window, set operation, aggregate
and subquery, nested some levels deep, over all types, NULLs, NaN and empty inputs.

Each relation's types are those that plain DuckDB tells. Whatever is built has one answer as a
multiset of rows: what goes by an order goes by all columns, and a value whose last digits depend on
the order of rows is no key of anything (`Column.is_exact`).
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence
from dataclasses import replace

import duckdb
from relations import BASE, TABLES, Column, Relation, leaf

NUMBERS = ("TINYINT", "INTEGER", "BIGINT", "HUGEINT", "DECIMAL(9,2)")
WHOLE_NUMBERS = ("TINYINT", "INTEGER", "BIGINT")
MOST_COLUMNS = 6


class Generator:
    def __init__(self, seed: int, oracle: duckdb.DuckDBPyConnection) -> None:
        self.random = random.Random(seed)
        self.oracle = oracle

    def query(self) -> Relation:
        return self.relation(self.random.choice([1, 2, 2, 3, 3]))

    def relation(self, depth: int) -> Relation:
        if depth == 0 or self.random.random() < 0.08:
            return self.table()
        makers: list[tuple[Callable[[int], Relation | None], int]] = [
            (self._filtered, 2),
            (self._projected, 1),
            (self._grouped, 4),
            (self._distinct, 2),
            (self._windowed, 4),
            (self._joined, 5),
            (self._set_operation, 2),
            (self._limited, 2),
            (self._subquery, 3),
            (self._lateral, 2),
            (self._nearest, 1),
            (self._common_table, 1),
            (self._unnested, 1),
        ]
        while True:
            (make,) = self.random.choices([m for m, _ in makers], [w for _, w in makers])
            made = make(depth - 1)
            typed = made and self.typed(made)
            if typed:
                return typed

    def typed(self, relation: Relation) -> Relation | None:
        """The same with its columns' types, or None where DuckDB refuses it."""
        try:
            found = self.oracle.execute(f"DESCRIBE {relation.sql}").fetchall()
        except duckdb.Error:
            return None
        columns = tuple(
            replace(one, type=row[1]) for one, row in zip(relation.columns, found, strict=True)
        )
        return replace(relation, columns=columns)

    def table(self) -> Relation:
        chosen = self.random.sample(list(BASE), self.random.randint(2, MOST_COLUMNS))
        (name,) = self.random.choices(list(TABLES), [6, 4, 2, 1])
        return leaf(chosen, name)

    # Expressions over the relation x, or of two, x and y.

    def some(self, values: Sequence[int], least: int, most: int) -> list[int]:
        count = min(len(values), self.random.randint(least, most))
        return self.random.sample(list(values), count)

    def carried(self, relation: Relation, name: str, most: int) -> list[Column]:
        positions = self.some(range(len(relation.columns)), 1, most)
        return [replace(relation.columns[i], text=f"{name}.c{i}") for i in positions]

    def key(self, relation: Relation, name: str) -> str:
        """An expression that may be a key of groups, windows and joins."""
        positions = relation.exact()
        if not positions:
            return "1"
        position = self.random.choice(positions)
        text, type_name = f"{name}.c{position}", relation.columns[position].type
        shapes = [text, text, text]
        if type_name in WHOLE_NUMBERS:
            shapes.append(f"{text} % 3")
        if type_name in ("DATE", "TIMESTAMP"):
            shapes.append(f"date_trunc('month', {text})")
        if type_name == "VARCHAR":
            shapes.append(f"upper({text})")
        return self.random.choice(shapes)

    def predicate(self, relation: Relation, name: str) -> str:
        positions = relation.exact()
        if not positions:
            return "true"
        position = self.random.choice(positions)
        text, type_name = f"{name}.c{position}", relation.columns[position].type
        shapes = [f"{text} IS NULL", f"{text} IS NOT NULL"]
        same = [i for i in relation.exact(type_name) if i != position]
        if same:
            other = f"{name}.c{self.random.choice(same)}"
            shapes += [f"{text} < {other}", f"{text} IS DISTINCT FROM {other}"]
        if type_name in NUMBERS:
            shapes += [f"{text} > 3", f"{text} BETWEEN 1 AND 20", f"{text} IN (1, 2, 3, NULL)"]
        if type_name == "VARCHAR":
            shapes += [f"{text} > 'a'", f"{text} LIKE '%b%'", f"length({text}) = 1"]
        if type_name == "DATE":
            shapes += [f"{text} > DATE '2024-02-29'"]
        if type_name == "BOOLEAN":
            shapes += [text, f"NOT {text}"]
        return self.random.choice(shapes)

    def total_order(self, relation: Relation, name: str) -> str:
        orders = list(range(len(relation.columns)))
        self.random.shuffle(orders)
        return ", ".join(self.order(f"{name}.c{i}") for i in orders)

    def order(self, text: str) -> str:
        return text + self.random.choice(["", "", " DESC", " NULLS FIRST", " DESC NULLS LAST"])

    def aggregate(self, relation: Relation, name: str) -> Column:
        positions = relation.exact()
        if not positions:
            return Column("count(*)")
        position = self.random.choice(positions)
        text, type_name = f"{name}.c{position}", relation.columns[position].type
        shapes = [
            Column("count(*)"),
            Column(f"count({text})"),
            Column(f"min({text})"),
            Column(f"max({text})"),
            Column(f"count(DISTINCT {text})"),
            Column(f"list({text} ORDER BY {text})"),
            Column(f"first({text} ORDER BY {text} DESC)"),
            Column(f"max({text}, 2)"),
            Column(f"arg_min({text}, {text})"),
            Column(f"approx_count_distinct({text})"),
        ]
        if type_name in (*NUMBERS, "DOUBLE"):
            shapes += [
                Column(f"sum({text})"),
                Column(f"sum(DISTINCT {text})"),
                Column(f"avg({text})", is_exact=False),
                Column(f"stddev_samp({text})", is_exact=False),
                Column(f"median({text})", is_exact=False),
                Column(f"quantile_disc({text}, 0.3)"),
                Column(f"quantile_cont({text}, [0.25, 0.75])[1]", is_exact=False),
            ]
        if type_name in WHOLE_NUMBERS:
            shapes += [Column(f"bit_xor({text})"), Column(f"histogram({text})", is_exact=False)]
        if type_name == "VARCHAR":
            shapes.append(Column(f"string_agg({text}, '-' ORDER BY {text})"))
        if type_name == "BOOLEAN":
            shapes += [Column(f"bool_and({text})"), Column(f"count_if({text})")]
        chosen = self.random.choice(shapes)
        if self.random.random() < 0.2 and not chosen.text.endswith("[1]"):
            chosen = replace(
                chosen, text=f"{chosen.text} FILTER (WHERE {self.predicate(relation, name)})"
            )
        return chosen

    def window(self, relation: Relation, name: str) -> Column | None:
        partition = ""
        if self.random.random() < 0.7:
            keys = [self.key(relation, name) for _ in range(self.random.randint(1, 2))]
            partition = f"PARTITION BY {', '.join(keys)}"
        positions = relation.exact()
        ranked = [self.order(self.key(relation, name)) for _ in range(self.random.randint(1, 2))]
        by_some = f"({partition} ORDER BY {', '.join(ranked)})"
        kind = self.random.random()
        if kind < 0.25 or not positions:
            function = self.random.choice(
                ["rank()", "dense_rank()", "cume_dist()", "percent_rank()"]
            )
            return Column(f"{function} OVER {by_some}", is_exact="dist" not in function)
        value = f"{name}.c{self.random.choice(positions)}"
        if kind < 0.5:
            aggregate = self.aggregate(relation, name)
            over = self.random.choice([by_some, f"({partition})"])
            if "ORDER BY" in aggregate.text or "[1]" in aggregate.text:
                return None
            return replace(aggregate, text=f"{aggregate.text} OVER {over}")
        if not relation.is_exact:
            return None  # No order is total.
        total = self.total_order(relation, name)
        frame = self.random.choice(
            [
                "",
                "ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW",
                "ROWS BETWEEN 2 PRECEDING AND 1 FOLLOWING",
                "ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING",
                "ROWS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING",
            ]
        )
        function = self.random.choice(
            ["row_number()", f"count({value})", f"min({value})", f"lag({value})",
             f"lead({value}, 2)", "ntile(4)", f"first_value({value})", f"last_value({value})",
             f"nth_value({value}, 2)", f"sum(length({value}::VARCHAR))"]
        )  # fmt: skip
        text = f"{function} OVER ({partition} ORDER BY {total} {frame})"
        return Column(text, goes_by_ties=True)

    # Relations over others.

    def _filtered(self, depth: int) -> Relation:
        inner = self.relation(depth)
        columns = tuple(self.carried(inner, "x", MOST_COLUMNS))
        join = self.random.choice([" AND ", " OR "])
        where = join.join(self.predicate(inner, "x") for _ in range(self.random.randint(1, 3)))
        return Relation(columns, "FROM {0} x", (f"WHERE {where}",), (inner,))

    def _projected(self, depth: int) -> Relation:
        inner = self.relation(depth)
        columns = self.carried(inner, "x", 3)
        columns += [Column(self.key(inner, "x")), Column(f"({self.predicate(inner, 'x')})")]
        return Relation(tuple(columns), "FROM {0} x", (), (inner,))

    def _grouped(self, depth: int) -> Relation:
        inner = self.relation(depth)
        keys = list(dict.fromkeys(self.key(inner, "x") for _ in range(self.random.randint(0, 3))))
        keys = [key for key in keys if key != "1"]
        columns = [Column(key) for key in keys]
        columns += [self.aggregate(inner, "x") for _ in range(self.random.randint(1, 3))]
        clauses = []
        if keys:
            text = ", ".join(keys)
            sets = [text, text, text, f"ROLLUP ({text})", f"CUBE ({text})"]
            sets.append(f"GROUPING SETS (({text}), ({keys[0]}), ({keys[0]}), ())")
            by = self.random.choice(sets)
            clauses.append(f"GROUP BY {by}")
            if "(" in by.removeprefix(text) and by != text:
                columns.append(Column(f"grouping({text})"))
        having = tuple(["HAVING count(*) > 1"] if self.random.random() < 0.2 else [])
        return Relation(tuple(columns), " ".join(["FROM {0} x", *clauses]), having, (inner,))

    def _distinct(self, depth: int) -> Relation | None:
        inner = self.relation(depth)
        if self.random.random() < 0.5 or not inner.is_exact:
            columns = [one for one in self.carried(inner, "x", 3) if one.is_exact]
            if not columns:
                return None
            listed = ", ".join(f"{one.text} AS c{i}" for i, one in enumerate(columns))
            columns = [replace(one, text=f"y.c{i}") for i, one in enumerate(columns)]
            return Relation(
                tuple(columns), f"FROM (SELECT DISTINCT {listed} FROM {{0}} x) y", (), (inner,)
            )
        keys = [self.key(inner, "x") for _ in range(self.random.randint(1, 2))]
        orders = ", ".join([*map(self.order, keys), self.total_order(inner, "x")])
        source = f"FROM (SELECT DISTINCT ON ({', '.join(keys)}) * FROM {{0}} x ORDER BY {orders}) y"
        return Relation(tuple(self.carried(inner, "y", MOST_COLUMNS)), source, (), (inner,))

    def _windowed(self, depth: int) -> Relation | None:
        inner = self.relation(depth)
        windows = [self.window(inner, "x") for _ in range(self.random.randint(1, 3))]
        # Which of equal rows comes first is open, so that two windows may disagree about it.
        by_order = [one for one in windows if one and one.goes_by_ties]
        found = [one for one in windows if one and not one.goes_by_ties] + by_order[:1]
        if not found:
            return None
        qualify = ""
        if self.random.random() < 0.2:
            qualify = f"QUALIFY rank() OVER (PARTITION BY {self.key(inner, 'x')} ORDER BY "
            qualify += f"{self.order(self.key(inner, 'x'))}) = 1"
        clauses = (qualify,) if qualify else ()
        columns = (*self.carried(inner, "x", 4), *found)
        return Relation(columns, "FROM {0} x", clauses, (inner,))

    def condition(self, left: Relation, right: Relation, needs_equality: bool) -> str | None:
        pairs = [
            (i, j)
            for i in left.exact()
            for j in right.exact()
            if left.columns[i].type == right.columns[j].type
        ]
        if not pairs:
            return None
        chosen = [self.random.choice(pairs) for _ in range(self.random.randint(1, 2))]
        first = ["=", "=", "=", "IS NOT DISTINCT FROM"]
        if not needs_equality:
            first += ["<", ">=", "<>"]
        operators = [self.random.choice(first), self.random.choice(["=", "<", "<>", ">="])]
        tests = [
            f"x.c{i} {operator} y.c{j}" for (i, j), operator in zip(chosen, operators, strict=False)
        ]
        if self.random.random() < 0.15:
            tests.append(self.predicate(right, "y"))
        return " AND ".join(tests)

    def _joined(self, depth: int) -> Relation | None:
        left, right = self.relation(depth), self.relation(self.random.randint(0, depth))
        kind = self.random.choice(
            ["INNER", "INNER", "LEFT", "RIGHT", "FULL", "SEMI", "ANTI", "CROSS"]
        )
        columns = self.carried(left, "x", 4)
        if kind not in ("SEMI", "ANTI"):
            columns += self.carried(right, "y", 4)
        if kind == "CROSS":
            tiny = leaf([self.random.choice(list(BASE))], "tiny")
            columns = [*self.carried(left, "x", 4), *self.carried(tiny, "y", 1)]
            return Relation(tuple(columns), "FROM {0} x, {1} y", (), (left, tiny))
        condition = self.condition(left, right, needs_equality=kind == "FULL")
        if not condition:
            return None
        has_equality = re.search(r" = | IS NOT DISTINCT", condition)
        if kind in ("LEFT", "RIGHT", "FULL") and not has_equality:
            # By two ranges they can end DuckDB's process (docs/duckdb_bugs.md).
            condition = condition.split(" AND ")[0]
        source = f"FROM {{0}} x {kind} JOIN {{1}} y ON {condition}"
        return Relation(tuple(columns), source, (), (left, right))

    def _nearest(self, depth: int) -> Relation | None:
        left, right = self.relation(depth), self.relation(0)
        # DuckDB takes NULL for the last moment (docs/duckdb_bugs.md), on the left side.
        same = [
            (i, j)
            for i in left.exact("DATE", "TIMESTAMP", "INTEGER", "BIGINT", "DOUBLE")
            for j in right.exact()
            if left.columns[i].type == right.columns[j].type
        ]
        if not same:
            return None
        i, j = self.random.choice(same)
        pairs = [
            (a, b)
            for a in left.exact()
            for b in right.exact()
            if left.columns[a].type == right.columns[b].type and b != j
        ]
        equality, keys = "", [f"c{j}"]
        if pairs:
            a, b = self.random.choice(pairs)
            equality, keys = f"x.c{a} = y.c{b} AND ", [f"c{j}", f"c{b}"]
        listed = ", ".join(keys)
        operator, kind = (
            self.random.choice([">=", ">", "<", "<="]),
            self.random.choice(["", "LEFT"]),
        )
        moments = f"(FROM {{0}} l WHERE l.c{i} IS NOT NULL)"
        counted = f"(SELECT {listed}, count(*) AS n FROM {{1}} GROUP BY {listed})"
        condition = f"{equality}x.c{i} {operator} y.c{j}"
        source = f"FROM {moments} x ASOF {kind} JOIN {counted} y ON {condition}"
        columns = (*self.carried(left, "x", 4), Column(f"y.c{j}"), Column("y.n"))
        return Relation(columns, source, (), (left, right))

    def _set_operation(self, depth: int) -> Relation | None:
        left, right = self.relation(depth), self.relation(self.random.randint(0, depth))
        operator = self.random.choice(
            ["UNION ALL", "UNION", "EXCEPT", "EXCEPT ALL", "INTERSECT", "INTERSECT ALL"]
        )
        chosen = self.some(left.exact(), 1, 4)
        if not chosen:
            return None
        others = []
        for i in chosen:
            type_name = left.columns[i].type
            same = right.exact(type_name)
            others.append(f"y.c{self.random.choice(same)}" if same else f"NULL::{type_name}")
        listed = ", ".join(f"x.c{i} AS c{n}" for n, i in enumerate(chosen))
        picked = ", ".join(others)
        source = f"FROM (SELECT {listed} FROM {{0}} x {operator} SELECT {picked} FROM {{1}} y)"
        columns = tuple(Column(f"c{n}") for n in range(len(chosen)))
        return Relation(columns, source, (), (left, right))

    def _limited(self, depth: int) -> Relation | None:
        inner = self.relation(depth)
        if not inner.is_exact:
            return None
        limit = self.random.choice(["LIMIT 5", "LIMIT 40", "LIMIT 30 OFFSET 7", "LIMIT 20%"])
        source = f"FROM (FROM {{0}} x ORDER BY {self.total_order(inner, 'x')} {limit}) y"
        return Relation(tuple(self.carried(inner, "y", MOST_COLUMNS)), source, (), (inner,))

    def _subquery(self, depth: int) -> Relation | None:
        left, right = self.relation(depth), self.relation(self.random.randint(0, depth))
        condition = self.condition(left, right, needs_equality=False)
        pairs = [
            (i, j)
            for i in left.exact()
            for j in right.exact()
            if left.columns[i].type == right.columns[j].type
        ]
        if not condition or not pairs:
            return None
        i, j = self.random.choice(pairs)
        negation = self.random.choice(["", "NOT "])
        columns = self.carried(left, "x", 4)
        shape = self.random.randint(0, 3)
        if shape == 0:
            test = f"x.c{i} {negation}IN (SELECT y.c{j} FROM {{1}} y WHERE y.c{j} IS NOT NULL)"
        elif shape == 1:
            test = f"x.c{i} {negation}IN (SELECT y.c{j} FROM {{1}} y)"
        elif shape == 2:
            test = f"{negation}EXISTS (FROM {{1}} y WHERE {condition})"
        else:
            aggregate = self.aggregate(right, "y")
            columns.append(
                replace(aggregate, text=f"(SELECT {aggregate.text} FROM {{1}} y WHERE {condition})")
            )
            return Relation(tuple(columns), "FROM {0} x", (), (left, right))
        if self.random.random() < 0.5:
            columns.append(Column(f"({test})"))
            return Relation(tuple(columns), "FROM {0} x", (), (left, right))
        return Relation(tuple(columns), "FROM {0} x", (f"WHERE {test}",), (left, right))

    def _lateral(self, depth: int) -> Relation | None:
        left, right = self.relation(depth), self.relation(0)
        condition = self.condition(left, right, needs_equality=False)
        if not condition or not right.is_exact:
            return None
        order = self.total_order(right, "y")
        if self.random.random() < 0.5:
            j = self.random.choice(right.exact())
            inner = f"(SELECT y.c{j} FROM {{1}} y WHERE {condition} ORDER BY {order} LIMIT 1)"
            columns = (*self.carried(left, "x", 4), Column(inner))
            return Relation(columns, "FROM {0} x", (), (left, right))
        source = (
            f"FROM {{0}} x, LATERAL (FROM {{1}} y WHERE {condition} ORDER BY {order} LIMIT 2) z"
        )
        columns = (*self.carried(left, "x", 4), *self.carried(right, "z", 3))
        return Relation(columns, source, (), (left, right))

    def _common_table(self, depth: int) -> Relation | None:
        inner = self.relation(depth)
        condition = self.condition(inner, inner, needs_equality=True)
        if not condition:
            return None
        kind = self.random.choice(["MATERIALIZED ", ""])
        columns = self.carried(inner, "x", 3) + self.carried(inner, "y", 3)
        listed = ", ".join(f"{one.text} AS c{i}" for i, one in enumerate(columns))
        source = f"FROM (WITH w AS {kind}{{0}} SELECT {listed} FROM w x JOIN w y ON {condition}) z"
        outer = tuple(replace(one, text=f"z.c{i}") for i, one in enumerate(columns))
        return Relation(outer, source, (), (inner,))

    def _unnested(self, depth: int) -> Relation | None:
        inner = self.relation(depth)
        lists, numbers = inner.exact("INTEGER[]"), inner.exact("TINYINT")
        columns = self.carried(inner, "x", 4)
        if lists:
            columns.append(Column(f"unnest(x.c{self.random.choice(lists)})"))
            return Relation(tuple(columns), "FROM {0} x", (), (inner,))
        if not numbers:
            return None
        columns.append(Column("r.n"))
        source = f"FROM {{0}} x, range(x.c{self.random.choice(numbers)}) r(n)"
        return Relation(tuple(columns), source, (), (inner,))

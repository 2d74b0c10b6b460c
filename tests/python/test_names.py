"""What a table's name in a query stands for."""

from __future__ import annotations

# ruff: noqa: F841 (a query finds a frame by the name of its variable)
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.dataset
import pytest
import smallpond

WHO_SQL = "SELECT who FROM t"

t = pa.table({"who": ["global"]})


def table(who: str) -> pa.Table:
    return pa.table({"who": [who]})


def who(frame: smallpond.DataFrame) -> str:
    [row] = frame.take_all()
    return row["who"]


# --- the order of places ---


def test_cte_beats_argument(sp: smallpond.Session) -> None:
    # The CTE's own query is outside of its name, and so is the second branch.
    sql = """
        (WITH t AS (SELECT who || ' in cte' AS who FROM t) SELECT who FROM t)
        UNION ALL SELECT who FROM t
    """
    rows = sp.sql(sql, t=table("argument")).take_all()
    assert [row["who"] for row in rows] == ["argument in cte", "argument"]


def test_argument_beats_local(sp: smallpond.Session) -> None:
    t = table("local")
    assert who(sp.sql(WHO_SQL, t=table("argument"))) == "argument"


def test_session_catalog_beats_local(sp: smallpond.Session) -> None:
    duckdb_views = table("local")
    assert "view_name" in sp.sql("FROM duckdb_views").columns
    pragma_database_list = table("local")
    assert "who" not in sp.sql("FROM pragma_database_list").columns


def test_argument_beats_session_catalog(sp: smallpond.Session) -> None:
    frame = sp.sql("FROM pragma_database_list", pragma_database_list=table("argument"))
    assert who(frame) == "argument"


def test_local_beats_enclosing_and_global(sp: smallpond.Session) -> None:
    t = table("enclosing")

    def inner() -> str:
        t = table("local")
        return who(sp.sql(WHO_SQL))

    assert inner() == "local"


def test_enclosing_beats_global(sp: smallpond.Session) -> None:
    t = table("enclosing")

    def inner() -> str:
        def innermost() -> str:
            return who(sp.sql(WHO_SQL))

        return innermost()

    assert inner() == "enclosing"
    assert [who(sp.sql(WHO_SQL)) for _ in range(1)] == ["enclosing"]
    assert (lambda: who(sp.sql(WHO_SQL)))() == "enclosing"


def test_global(sp: smallpond.Session) -> None:
    assert who(sp.sql(WHO_SQL)) == "global"
    assert who(sp.partial_sql(WHO_SQL)) == "global"


def test_the_callers_callers_variables_are_not_seen(sp: smallpond.Session) -> None:
    only_here = table("caller's caller")
    with pytest.raises(smallpond.InvalidInputError, match="only_here"):
        query_only_here(sp)


def query_only_here(sp: smallpond.Session) -> smallpond.DataFrame:
    return sp.sql("SELECT who FROM only_here")


def test_variables_that_are_no_tables_are_passed_over(sp: smallpond.Session) -> None:
    t = 5
    assert who(sp.sql(WHO_SQL)) == "global"


def test_unknown_table_tells_how_to_give_it(sp: smallpond.Session) -> None:
    with pytest.raises(smallpond.InvalidInputError, match=r"nowhere.*does not exist") as caught:
        sp.sql("FROM nowhere")
    assert "nowhere=frame" in str(caught.value)


# --- what a name may stand for ---


def test_frames_of_every_kind(sp: smallpond.Session) -> None:
    columns = {"x": [1, 2, 3]}
    ours = sp.sql("SELECT unnest([1, 2, 3]) AS x")
    pandas = pd.DataFrame(columns)
    arrow = pa.table(columns)
    batch = pa.record_batch(columns)
    polars = pl.DataFrame(columns)
    dataset = pyarrow.dataset.dataset(arrow)
    for name in ["ours", "pandas", "arrow", "batch", "polars", "dataset"]:
        assert sp.sql(f"SELECT sum(x) AS s FROM {name}").take_all() == [{"s": 6}], name


def test_one_shot_reader_is_read_once_and_used_twice(sp: smallpond.Session) -> None:
    reader = pa.table({"x": [1, 2, 3]}).to_reader()
    sql = "SELECT count(*) AS n FROM reader"
    twice = sp.sql("SELECT count(*) AS n FROM reader a JOIN reader b USING (x)")
    assert twice.take_all() == [{"n": 3}]
    assert sp.sql(sql).take_all() == [{"n": 3}]
    assert sp.sql("SELECT count(*) AS n FROM {0}", reader).take_all() == [{"n": 3}]
    assert sp.sql(sql, reader=reader).take_all() == [{"n": 3}]


# --- placeholders ---


def test_placeholders_by_number_and_by_name(sp: smallpond.Session) -> None:
    sql = "SELECT a.who AS a, b.who AS b, c.who AS c FROM {1} a, {named} b, {0} c"
    frame = sp.sql(sql, table("zero"), table("one"), named=table("name"))
    assert frame.take_all() == [{"a": "one", "b": "name", "c": "zero"}]


@pytest.mark.parametrize(
    "name", ["a b", "select", 'ünï"q', "T", "1", "{", "{}", "a.b", "from x; --", "'"]
)
def test_hostile_names(sp: smallpond.Session, name: str) -> None:
    quoted = '"' + name.replace('"', '""') + '"'
    assert who(sp.sql(f"SELECT who FROM {quoted}", **{name: table("quoted")})) == "quoted"
    # {1} is the second input, and -- begins a comment.
    if not name.isdigit() and "{" not in name and "--" not in name:
        assert who(sp.sql(f"SELECT who FROM {{{name}}}", **{name: table("braces")})) == "braces"


def test_names_ignore_case(sp: smallpond.Session) -> None:
    assert who(sp.sql("FROM EVENTS", Events=table("argument"))) == "argument"
    assert who(sp.sql('FROM "eVENTS"', Events=table("argument"))) == "argument"


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT {'a': 1} AS s FROM {0}",
        "SELECT {{'a': 1}} AS s FROM {0}",
        "SELECT {'a': 1} AS s FROM {0};",
        "SELECT {'a': 1} AS s FROM {0} ; -- {0} and { more",
        "/* {0} { */ SELECT {'a': 1} AS s -- }\nFROM {0}",
    ],
)
def test_braces_of_sql_are_left_alone(sp: smallpond.Session, sql: str) -> None:
    assert sp.sql(sql, table("x")).take_all() == [{"s": {"a": 1}}]


def test_strings_and_quoted_names_are_left_alone(sp: smallpond.Session) -> None:
    sql = """SELECT '{0}' AS a, 'it''s {0}' AS b, e'{0}\\n' AS c, $${0}$$ AS d, $x${0}$x$ AS e,
             1 AS "{0}", {'k': '{0}'} AS f FROM {0}"""
    assert sp.sql(sql, table("x")).take_all() == [
        {
            "a": "{0}",
            "b": "it's {0}",
            "c": "{0}\n",
            "d": "{0}",
            "e": "{0}",
            "{0}": 1,
            "f": {"k": "{0}"},
        }
    ]


def test_map_literal_is_no_placeholder(sp: smallpond.Session) -> None:
    structs = sp.sql("SELECT MAP {{'k': 1}: 'x'} AS m, {'a': {'b': 2}} AS s FROM {0}", table("x"))
    assert structs.take_all() == [{"m": [({"k": 1}, "x")], "s": {"a": {"b": 2}}}]
    assert sp.sql("SELECT MAP {0: 1} AS m FROM {0}", table("x")).take_all() == [{"m": [(0, 1)]}]


# --- mistakes ---


def test_placeholder_out_of_range(sp: smallpond.Session) -> None:
    with pytest.raises(smallpond.InvalidInputError, match=r"\{3\}.*1 positional"):
        sp.sql("FROM {3}", table("x"))
    with pytest.raises(smallpond.InvalidInputError, match=r"\{0\}.*0 positional"):
        sp.sql("FROM {0}")
    with pytest.raises(smallpond.InvalidInputError):
        sp.sql("FROM {99999999999999999999}", table("x"))


@pytest.mark.parametrize("name", ["self", "query", "inputs", "sql", "caller", "named_inputs"])
def test_inputs_may_have_the_names_of_parameters(sp: smallpond.Session, name: str) -> None:
    for call in [sp.sql, sp.partial_sql]:
        frame = call(f"SELECT * FROM {{{name}}}, {name} AS b", **{name: table(name)})
        assert frame.count() == 1


@pytest.mark.parametrize("name", ["params", "merge"])
def test_names_that_are_taken(sp: smallpond.Session, name: str) -> None:
    for value in [table(name), sp.sql("SELECT 1 AS x")]:
        with pytest.raises(smallpond.InvalidInputError, match=rf"{name}.*another name"):
            sp.partial_sql(f"FROM {name}", **{name: value})


@pytest.mark.parametrize("value", [5, "events/*.parquet", None, [1, 2], {"x": [1]}, pd.DataFrame])
def test_wrong_type_of_input(sp: smallpond.Session, value: object) -> None:
    with pytest.raises(TypeError, match=r"input \{0\}.*params"):
        sp.sql("FROM {0}", value)
    with pytest.raises(TypeError, match="input 'x'"):
        sp.sql("FROM x", x=value)


def test_frame_of_another_session(sp: smallpond.Session, fresh_sp: smallpond.Session) -> None:
    other = fresh_sp.sql("SELECT 1 AS x")
    with pytest.raises(smallpond.InvalidInputError, match=r"another session.*to_arrow"):
        sp.sql("FROM {0}", other)
    with pytest.raises(smallpond.InvalidInputError, match="another session"):
        sp.sql("FROM other")
    assert sp.sql("FROM {0}", other.to_arrow()).take_all() == [{"x": 1}]

"""The lazy table."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from smallpond import _core, arguments
from smallpond.errors import InvalidInputError, UnsupportedError, missing_package
from smallpond.log import logged
from smallpond.progress import progress
from smallpond.python_values import distinct, require_pandas, to_pandas, to_rows
from smallpond.writing import WriteMethods

if TYPE_CHECKING:
    import pandas
    import pyarrow

    from smallpond.session import Session

_MAX_SHOWN_ROWS = 2**31 - 2
_MAX_PARTITIONS = 65_536  # As Options::kMaxPartitions.


def _expressions(sql: Any, method: str) -> str:
    if isinstance(sql, str):
        return arguments.whole_text(sql, f"{method}: the text")
    raise UnsupportedError(
        f"{method}() takes SQL text in this version, not {type(sql).__name__} {sql!r:.60}. "
        "Write it as an SQL expression."
    )


class Explanation(str):
    """A text that a prompt or a notebook shows with its line breaks."""

    def __repr__(self) -> str:
        return str(self)


class DataFrame(WriteMethods):
    """A lazy table: what to compute, not the rows.

    Names and types are known at once; rows are computed by `to_pandas`, `to_arrow`, `count`,
    `take`, `take_all`, `show` and `write_parquet`, anew each time. A frame never changes. Frames
    are made by a `Session`, which is `df.session`.

    >>> df = sp.from_items([{"id": 1, "kind": "a"}, {"id": 2, "kind": "b"}, {"id": 3, "kind": "a"}])
    >>> df
    DataFrame[id BIGINT, kind VARCHAR]
    """

    def __init__(self, session: Session, core: _core.DataFrame) -> None:
        self.session = session
        self._core = core

    # --- shape ---

    @property
    def columns(self) -> list[str]:
        """The columns' names, in order.

        >>> df.columns
        ['id', 'kind']
        """
        return [name for name, _ in self._core.columns]

    @property
    def schema(self) -> dict[str, str]:
        """The columns' names and DuckDB types, in order. Of columns with one name the later ones
        get a number: a, a_1.

        >>> df.schema
        {'id': 'BIGINT', 'kind': 'VARCHAR'}
        """
        types = [kind for _, kind in self._core.columns]
        return dict(zip(distinct(self.columns), types, strict=True))

    @property
    def num_partitions(self) -> int:
        """How many partitions `repartition` made; 1 where none was asked for.

        >>> df.repartition(4).num_partitions
        4
        """
        return self._core.num_partitions

    # --- transform ---

    def repartition(
        self,
        npartitions: int,
        hash_by: str | Sequence[str] | None = None,
        by: str | None = None,
        by_rows: bool = False,
    ) -> DataFrame:
        """Spreads the rows over `npartitions` partitions: evenly, or as one of the others says.

        A query over all rows gives the same answer with or without it; `write_parquet` writes one
        file a partition, and `map` and the like run on each.

        npartitions
            How many, 1 to 65,536.
        hash_by
            Equal values of these columns meet in one partition, and so do NULLs.
        by
            This integer column holds the partition's number, 0 to npartitions-1.
        by_rows
            True: runs of neighbouring rows, of equal length to within one.

        Raises InvalidInputError (an unknown column, a number out of range, two ways at once).

        >>> df.repartition(2, hash_by="kind")
        DataFrame[id BIGINT, kind VARCHAR] in 2 partitions
        """
        n = arguments.integer(
            npartitions, "repartition: the number of partitions", 1, _MAX_PARTITIONS
        )
        columns = arguments.names(hash_by, "repartition: hash_by")
        column = "" if by is None else arguments.text(by, "repartition: by", "Name one column.")
        if column == "" and by is not None:
            raise InvalidInputError("repartition: by is empty. Name a column, or leave by out.")
        by_rows = arguments.flag(by_rows, "repartition: by_rows")
        return DataFrame(self.session, self._core.repartition(n, columns, column, by_rows))

    def map(self, sql: str) -> DataFrame:
        """Rows of the expressions in `sql`, on each partition.

        sql
            What stands after SELECT.

        Raises InvalidInputError (wrong SQL, an unknown column), UnsupportedError (no text).

        >>> df.map("id * 10 AS tens").take(2)
        [{'tens': 10}, {'tens': 20}]
        """
        text = _expressions(sql, "map")
        if not text.strip():
            raise InvalidInputError(
                "map: the text is empty. Give expressions: map('a, b + 1 AS c')."
            )
        return self._each(_core.query_of_expressions(text, "map"), sys._getframe(1))

    def filter(self, sql: str) -> DataFrame:
        """The rows for which a condition holds.

        sql
            The condition, as it stands after WHERE.

        Raises InvalidInputError (wrong SQL, an unknown column), UnsupportedError (no text).

        >>> df.filter("kind = 'a' AND id > 1").take_all()
        [{'id': 3, 'kind': 'a'}]
        """
        text = _expressions(sql, "filter")
        if not text.strip():
            raise InvalidInputError("filter: the text is empty. Give a condition: filter('a > 1').")
        return self._each(_core.query_of_condition(text, "filter"), sys._getframe(1))

    def partial_sort(self, by: str | Sequence[str]) -> DataFrame:
        """Sorts each partition. `Session.sql` with ORDER BY sorts all rows.

        by
            SQL expressions, one or a list, each with or without DESC and NULLS FIRST.

        Raises InvalidInputError (wrong SQL, an unknown column).

        >>> df.partial_sort(["kind", "id DESC"]).take(2)
        [{'id': 3, 'kind': 'a'}, {'id': 1, 'kind': 'a'}]
        """
        terms = arguments.names(by, "partial_sort: by")
        if not terms:
            raise InvalidInputError("partial_sort: by is None. Give a column to sort by.")
        order = _core.query_of_order("\n, ".join(terms), "partial_sort")
        return self._each(order, sys._getframe(1))

    def random_shuffle(self) -> DataFrame:
        """All rows in random order, in as many partitions as before. Each action shuffles anew.

        Raises InvalidInputError (the session is closed).

        >>> df.random_shuffle().count()
        3
        """
        shuffled = self.session.sql("SELECT * FROM {0} ORDER BY system.main.random()", self)
        n = self.num_partitions
        return shuffled.repartition(n, by_rows=True) if n > 1 else shuffled

    def limit(self, limit: int) -> DataFrame:
        """At most so many rows of all. Unlike `take` it computes nothing yet.

        limit
            The number of rows, 0 or more. Without an order any rows.

        Raises InvalidInputError (a negative number, the session is closed).

        >>> df.limit(2).count()
        2
        """
        rows = arguments.integer(limit, "limit: the number of rows", 0)
        return self.session.sql(f"SELECT * FROM {{0}} LIMIT {rows}", self)

    # --- end ---
    # What computing raises stands in `count`, and holds for all of them.

    def count(self) -> int:
        """The number of rows; from the files' metadata where that is enough.

        Raises InvalidInputError (a value that the query can't take), IoError (a file),
        OutOfMemoryError, UnavailableError (a server or a cluster), CancelledError.

        >>> df.count()
        3
        """
        with logged("count") as tell, progress("count") as on_progress:
            rows = self._core.count(on_progress)
            tell(f"{rows:,} rows")
        return rows

    def to_arrow(self) -> pyarrow.Table:
        """All rows as a pyarrow Table. What Arrow has no type for is another, HUGEINT for one
        decimal128(38, 0); docs/types.md has the table.

        Raises UnsupportedError (pyarrow is not installed, VARIANT), and what `count` raises.

        >>> df.to_arrow().num_rows
        3
        """
        return self._to_arrow("to_arrow")

    def to_pandas(self) -> pandas.DataFrame:
        """All rows as a pandas DataFrame.

        Types are those of DuckDB's own `df()`: DATE is datetime64, INTERVAL timedelta64, integers
        with NULLs are Int64 and the like. But no number loses digits: HUGEINT becomes int64 where
        all values fit, else Python ints, and DECIMAL stays decimal. docs/types.md tells it for
        every type.

        Raises UnsupportedError (pandas or pyarrow is not installed), InvalidInputError (a value
        that pandas can't hold), and what `count` raises.

        >>> df.to_pandas()
           id kind
        0   1    a
        1   2    b
        2   3    a
        """
        require_pandas()  # Before the query runs for nothing.
        return to_pandas(self._to_arrow("to_pandas"), self._core.columns)

    def take(self, limit: int) -> list[dict[str, Any]]:
        """Up to so many rows, each a dict. Of columns with one name the later ones get a number, as
        in `schema`. Needs no package.

        limit
            The number of rows, 0 or more. Without an order any rows.

        Raises InvalidInputError (a negative number, a value that Python can't hold), and what
        `count` raises.

        >>> df.take(1)
        [{'id': 1, 'kind': 'a'}]
        """
        return self._rows("take", arguments.integer(limit, "take: the number of rows", 0))

    def take_all(self) -> list[dict[str, Any]]:
        """All rows, each a dict, as `take` gives them.

        Raises InvalidInputError (a value that Python can't hold), and what `count` raises.

        >>> [row["id"] for row in df.take_all()]
        [1, 2, 3]
        """
        return self._rows("take_all", -1)

    def show(self, max_rows: int = 20) -> None:
        """Prints the first rows as a table, as wide as the terminal.

        max_rows
            How many at most, 0 or more.

        Raises InvalidInputError (a negative number), and what `count` raises.

        >>> df.show(1)  # doctest: +ELLIPSIS, +NORMALIZE_WHITESPACE
        ┌───────┬─────────┐
        │  id   │  kind   │
        ...
        """
        max_rows = arguments.integer(max_rows, "show: the number of rows", 0, _MAX_SHOWN_ROWS)
        with logged("show"), progress("show") as on_progress:
            text = self._core.to_text(
                max_rows, shutil.get_terminal_size((120, 24)).columns, on_progress
            )
        print(text, end="")

    def explain(self, analyze: bool = False, format: str = "text") -> Explanation:
        """What will be done and why: the frame's steps with what is merged, left out or run per
        partition, how many files and splits are read, then the stages that tasks run, or DuckDB's
        plan where one DuckDB computes it all, and why.

        analyze
            True: computes the frame, drops its rows, and tells what was done beside what was
            estimated: rows, bytes, time, memory, what was spilled, and how unequal the tasks were.
        format
            "text", or "json", whose keys docs/explain.md tells.

        Raises InvalidInputError (another format), and with `analyze` what `count` raises.

        >>> print(df.filter("id > 1").explain().splitlines()[0])
        direct: one DuckDB in this process, 1 thread, 500 MB of memory
        """
        if format not in ("text", "json"):
            raise InvalidInputError(f"format must be 'text' or 'json', not {format!r:.60}.")
        analyze = arguments.flag(analyze, "analyze")
        with logged("explain"), progress("explain") as on_progress:
            return Explanation(self._core.explain(analyze, format == "json", on_progress))

    def __arrow_c_stream__(self, requested_schema: Any = None) -> Any:
        """Hands the rows to any Arrow consumer (pyarrow, Polars, DuckDB …) as they are computed,
        with bounded memory."""
        with logged("stream"), progress("stream") as on_progress:
            stream = self._core.stream(on_progress)
        return stream.__arrow_c_stream__(requested_schema)

    def __repr__(self) -> str:
        return str(self._core)

    __str__ = __repr__

    def _repr_html_(self) -> str:
        with logged("preview"), progress("preview") as on_progress:
            return self._core.to_html(20, on_progress)

    # --- private ---

    def _each(self, query: str, caller: Any) -> DataFrame:
        return self.session._sql(query, [self], {}, None, True, "concat", caller)

    def _to_arrow(self, method: str) -> pyarrow.Table:
        try:
            import pyarrow
        except ImportError:
            raise missing_package("pyarrow", "arrow", f"{method}()") from None
        with logged(method) as tell, progress(method) as on_progress:
            stream = self._core.collect(-1, on_progress)
            table = pyarrow.RecordBatchReader.from_stream(stream).read_all()
            tell(f"{table.num_rows:,} rows")
        return table

    def _rows(self, method: str, limit: int) -> list[dict[str, Any]]:
        with logged(method) as tell, progress(method) as on_progress:
            rows = to_rows(self._core.collect(limit, on_progress), self._core.columns)
            tell(f"{len(rows):,} rows")
        return rows

"""The lazy table."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from smallpond import _core, arguments
from smallpond.errors import InvalidInputError, UnsupportedError, missing_package
from smallpond.progress import progress
from smallpond.python_values import distinct, require_pandas, to_pandas, to_rows
from smallpond.writing import LazyWrite, WriteResult, write

if TYPE_CHECKING:
    import pandas
    import pyarrow

    from smallpond.session import Session

_MAX_SHOWN_ROWS = 2**31 - 2
_MAX_PARTITIONS = 65_536  # As Options::kMaxPartitions.


def _expressions(sql: Any, method: str) -> str:
    if isinstance(sql, str):
        return sql
    raise UnsupportedError(
        f"{method}() takes SQL text in this version, not {type(sql).__name__} {sql!r:.60}. "
        "Write it as an SQL expression."
    )


class Explanation(str):
    """A text that a prompt or a notebook shows with its line breaks."""

    def __repr__(self) -> str:
        return str(self)


class DataFrame:
    """A lazy table: what to compute, not the rows.

    Names and types are known at once; rows are computed by `to_pandas`, `to_arrow`, `count`,
    `take`, `take_all`, `show` and `write_parquet`, anew each time. A frame never changes. Frames
    are made by a `Session`.
    """

    def __init__(self, session: Session, core: _core.DataFrame) -> None:
        self.session = session
        self._core = core

    # --- shape ---

    @property
    def columns(self) -> list[str]:
        """The columns' names, in order."""
        return [name for name, _ in self._core.columns]

    @property
    def schema(self) -> dict[str, str]:
        """The columns' names and DuckDB types, in order. Of columns with one name the later ones
        get a number: a, a_1."""
        types = [kind for _, kind in self._core.columns]
        return dict(zip(distinct(self.columns), types, strict=True))

    @property
    def num_partitions(self) -> int:
        """How many partitions `repartition` made; 1 where none was asked for."""
        return self._core.num_partitions

    # --- transform ---

    def repartition(
        self,
        npartitions: int,
        hash_by: str | Sequence[str] | None = None,
        by: str | None = None,
        by_rows: bool = False,
    ) -> DataFrame:
        """Spreads the rows over `npartitions` partitions.

        `hash_by`: equal values of these columns meet in one partition, and so do NULLs. `by`: this
        integer column holds the partition's number, 0 to npartitions-1. `by_rows=True`: runs of
        neighbouring rows, of equal length to within one. None of them: an even spread.

        A query over all rows gives the same answer with or without it; `write_parquet` writes one
        file a partition.
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
        """Rows of the expressions in `sql`, on each partition: `df.map("a, a + b AS c")`."""
        text = _expressions(sql, "map")
        if not text.strip():
            raise InvalidInputError(
                "map: the text is empty. Give expressions: map('a, b + 1 AS c')."
            )
        return self._each(_core.query_of_expressions(text, "map"), sys._getframe(1))

    def filter(self, sql: str) -> DataFrame:
        """The rows for which the condition in `sql` holds: `df.filter("a > 1")`."""
        text = _expressions(sql, "filter")
        if not text.strip():
            raise InvalidInputError("filter: the text is empty. Give a condition: filter('a > 1').")
        return self._each(_core.query_of_condition(text, "filter"), sys._getframe(1))

    def partial_sort(self, by: str | Sequence[str]) -> DataFrame:
        """Sorts each partition by SQL expressions: `df.partial_sort(["a", "b DESC"])`."""
        terms = arguments.names(by, "partial_sort: by")
        if not terms:
            raise InvalidInputError("partial_sort: by is None. Give a column to sort by.")
        order = _core.query_of_order("\n, ".join(terms), "partial_sort")
        return self._each(order, sys._getframe(1))

    def random_shuffle(self) -> DataFrame:
        """All rows in random order, in as many partitions as before. Each action shuffles anew."""
        shuffled = self.session.sql("SELECT * FROM {0} ORDER BY system.main.random()", self)
        n = self.num_partitions
        return shuffled.repartition(n, by_rows=True) if n > 1 else shuffled

    def limit(self, limit: int) -> DataFrame:
        """At most `limit` rows of all. Unlike `take` it computes nothing yet."""
        rows = arguments.integer(limit, "limit: the number of rows", 0)
        return self.session.sql(f"SELECT * FROM {{0}} LIMIT {rows}", self)

    # --- end ---

    def count(self) -> int:
        """The number of rows; from the files' metadata where that is enough."""
        with progress("count") as on_progress:
            return self._core.count(on_progress)

    def to_arrow(self) -> pyarrow.Table:
        """All rows as a pyarrow Table. What Arrow has no type for is another, HUGEINT for one
        decimal128(38, 0); docs/types.md has the table."""
        return self._collect()

    def to_pandas(self) -> pandas.DataFrame:
        """All rows as a pandas DataFrame.

        Types are those of DuckDB's own `df()`: DATE is datetime64, INTERVAL timedelta64, integers
        with NULLs are Int64 and the like. But no number loses digits: HUGEINT becomes int64 where
        all values fit, else Python ints, and DECIMAL stays decimal. docs/types.md tells it for
        every type.
        """
        require_pandas()  # Before the query runs for nothing.
        return to_pandas(self._collect(), self._core.columns)

    def take(self, limit: int) -> list[dict[str, Any]]:
        """Up to `limit` rows, each a dict. Without an ORDER BY any rows. Of columns with one name
        the later ones get a number, as in `schema`."""
        return self._rows(arguments.integer(limit, "take: the number of rows", 0))

    def take_all(self) -> list[dict[str, Any]]:
        """All rows, each a dict."""
        return self._rows(-1)

    def show(self, max_rows: int = 20) -> None:
        """Prints up to `max_rows` rows as a table."""
        max_rows = arguments.integer(max_rows, "show: the number of rows", 0, _MAX_SHOWN_ROWS)
        with progress("show") as on_progress:
            text = self._core.to_text(
                max_rows, shutil.get_terminal_size((120, 24)).columns, on_progress
            )
        print(text, end="")

    def write_parquet(
        self,
        path: str | os.PathLike[str],
        mode: str = "overwrite",
        *,
        partition_by: str | Sequence[str] | None = None,
        compression: str | None = None,
        row_group_size: int | None = None,
        file_size: str | int | None = None,
        sort_by: str | Sequence[str] | None = None,
        **options: Any,
    ) -> WriteResult:
        """Writes the rows to the file `path` where it ends as one (".parquet", ".pq"), and nothing
        asks for several: no `repartition`, `partition_by` or `file_size`, and no folder of that
        name. Otherwise into the folder `path`, one Parquet file a partition.

        The file appears whole or not at all. The folder shows all files or none: it changes in one
        moment for smallpond's own readers, and within `publish_seconds` of the result for other
        programs. A folder that holds files of others is refused and stays as it was. Of several
        writers at a time one wins, the others get an UnavailableError.

        `mode`: "overwrite" replaces what smallpond wrote there, "append" adds files to a folder,
        "error" refuses where there is data, "ignore" then writes nothing. Rows are appended by the
        columns' names and cast to the types that are there; a value that would change is an error,
        and so are other columns. `partition_by`: columns that
        become folders key=value. `compression`: "snappy" (the default), "zstd", "lz4", "gzip",
        "brotli", "uncompressed". `row_group_size` in rows, 122,880 by default. `file_size` begins
        another file at about that size, such as "256MB". `sort_by` sorts each partition, by columns
        such as "day" or "amount DESC". The files' names sort as the partitions, and as the rows
        where they are sorted. Further options, in any letter case, are those of the format, such as
        `compression_level=9` or `kv_metadata={"source": "web"}`; docs/writing.md has them all.
        """
        return write(
            self._core,
            "parquet",
            path,
            mode=mode,
            partition_by=partition_by,
            compression=compression,
            file_size=file_size,
            sort_by=sort_by,
            row_group_size=row_group_size,
            further=options,
        )

    def write_csv(
        self,
        path: str | os.PathLike[str],
        mode: str = "overwrite",
        *,
        partition_by: str | Sequence[str] | None = None,
        compression: str | None = None,
        file_size: str | int | None = None,
        sort_by: str | Sequence[str] | None = None,
        **options: Any,
    ) -> WriteResult:
        """Writes CSV with a header, as `write_parquet` writes Parquet: one file where `path` ends
        in ".csv", ".csv.gz", ".csv.zst" or ".tsv", a folder of them otherwise.

        `compression`: "gzip", "zstd" or none; of one file, as its name says. Further options, such
        as `delim=";"`, `nullstr="NA"` or `header=False`, are in docs/writing.md.
        """
        return write(
            self._core,
            "csv",
            path,
            mode=mode,
            partition_by=partition_by,
            compression=compression,
            file_size=file_size,
            sort_by=sort_by,
            further=options,
        )

    def write_json(
        self,
        path: str | os.PathLike[str],
        mode: str = "overwrite",
        *,
        partition_by: str | Sequence[str] | None = None,
        compression: str | None = None,
        file_size: str | int | None = None,
        sort_by: str | Sequence[str] | None = None,
        **options: Any,
    ) -> WriteResult:
        """Writes JSON with one object a line, as `write_csv` writes CSV: one file where `path` ends
        in ".json", ".jsonl" or ".ndjson", with ".gz" or ".zst" or without."""
        return write(
            self._core,
            "json",
            path,
            mode=mode,
            partition_by=partition_by,
            compression=compression,
            file_size=file_size,
            sort_by=sort_by,
            further=options,
        )

    def write_parquet_lazy(
        self, path: str | os.PathLike[str], *args: Any, **options: Any
    ) -> LazyWrite:
        """`write_parquet` for later: by `compute()` of the result, or by `Session.wait`."""
        return LazyWrite(f"parquet, {path}", lambda: self.write_parquet(path, *args, **options))

    def write_csv_lazy(self, path: str | os.PathLike[str], *args: Any, **options: Any) -> LazyWrite:
        """`write_csv` for later."""
        return LazyWrite(f"csv, {path}", lambda: self.write_csv(path, *args, **options))

    def write_json_lazy(
        self, path: str | os.PathLike[str], *args: Any, **options: Any
    ) -> LazyWrite:
        """`write_json` for later."""
        return LazyWrite(f"json, {path}", lambda: self.write_json(path, *args, **options))

    def explain(self, analyze: bool = False, format: str = "text") -> Explanation:
        """What will be done and why: the frame's steps with what is merged, left out or run per
        partition, how many files and splits are read, then the stages that tasks run, or DuckDB's
        plan where one DuckDB computes it all, and why.

        `analyze=True` computes the frame, drops its rows, and tells what was done beside what was
        estimated: rows, bytes, time, memory, what was spilled, and how unequal the tasks were.
        `format="json"` gives the same as JSON, whose keys docs/explain.md tells.
        """
        if format not in ("text", "json"):
            raise InvalidInputError(f"format must be 'text' or 'json', not {format!r:.60}.")
        analyze = arguments.flag(analyze, "analyze")
        with progress("explain") as on_progress:
            return Explanation(self._core.explain(analyze, format == "json", on_progress))

    def __arrow_c_stream__(self, requested_schema: Any = None) -> Any:
        """Hands the rows to any Arrow consumer (pyarrow, Polars, DuckDB …) as they are computed,
        with bounded memory."""
        with progress("stream") as on_progress:
            stream = self._core.stream(on_progress)
        return stream.__arrow_c_stream__(requested_schema)

    def __repr__(self) -> str:
        return str(self._core)

    __str__ = __repr__

    def _repr_html_(self) -> str:
        with progress("preview") as on_progress:
            return self._core.to_html(20, on_progress)

    # --- private ---

    def _each(self, query: str, caller: Any) -> DataFrame:
        return self.session._sql(query, [self], {}, None, True, "concat", caller)

    def _collect(self, limit: int = -1) -> pyarrow.Table:
        try:
            import pyarrow
        except ImportError:
            raise missing_package("pyarrow", "arrow", "Handing rows to Python") from None
        with progress("collect") as on_progress:
            stream = self._core.collect(limit, on_progress)
        return pyarrow.RecordBatchReader.from_stream(stream).read_all()

    def _rows(self, limit: int) -> list[dict[str, Any]]:
        with progress("collect") as on_progress:
            stream = self._core.collect(limit, on_progress)
        return to_rows(stream, self._core.columns)

"""The lazy table."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from smallpond import _core
from smallpond.errors import InvalidInputError, missing_package
from smallpond.progress import progress

if TYPE_CHECKING:
    import pandas
    import pyarrow

    from smallpond.session import Session

_LARGEST_EXACT_FLOAT = 2**53
_WIDE_INTEGERS = ("HUGEINT", "UHUGEINT")


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
        """The columns' names and DuckDB types, in order."""
        return dict(self._core.columns)

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
        columns = [hash_by] if isinstance(hash_by, str) else list(hash_by or [])
        if not isinstance(npartitions, int) or isinstance(npartitions, bool):
            raise InvalidInputError(
                f"repartition: the number of partitions must be an integer, not {npartitions!r}."
            )
        if not -(2**31) <= npartitions < 2**31:
            raise InvalidInputError(
                f"repartition: the number of partitions is out of range: {npartitions}."
            )
        return DataFrame(
            self.session, self._core.repartition(npartitions, columns, by or "", by_rows)
        )

    # --- end ---

    def count(self) -> int:
        """The number of rows; from the files' metadata where that is enough."""
        with progress("count") as on_progress:
            return self._core.count(on_progress)

    def to_arrow(self) -> pyarrow.Table:
        """All rows as a pyarrow Table. HUGEINT becomes decimal128(38, 0)."""
        return self._collect()

    def to_pandas(self) -> pandas.DataFrame:
        """All rows as a pandas DataFrame.

        As pyarrow maps types, and no integer loses digits: HUGEINT becomes int64 where all values
        fit, else Python ints; integers with NULLs become float64 where all values are exact in it,
        else Python ints and None.
        """
        try:
            import pandas
        except ImportError:
            raise missing_package("pandas", "pandas", "to_pandas()") from None
        table = self._narrow_hugeints(self._collect())
        frame = table.to_pandas()
        for position, (_, kind) in enumerate(self._core.columns):
            column = table.column(position)
            if _needs_objects(column, kind):
                values = _python_values(column, kind)
                frame.isetitem(position, pandas.Series(values, dtype=object, index=frame.index))
        return frame

    def take(self, limit: int) -> list[dict[str, Any]]:
        """Up to `limit` rows, each a dict. Without an ORDER BY any rows."""
        if limit < 0:
            raise InvalidInputError(f"take: the number of rows must not be negative: {limit}.")
        return self._rows(limit)

    def take_all(self) -> list[dict[str, Any]]:
        """All rows, each a dict."""
        return self._rows(-1)

    def show(self, max_rows: int = 20) -> None:
        """Prints up to `max_rows` rows as a table."""
        with progress("show") as on_progress:
            text = self._core.to_text(
                max_rows, shutil.get_terminal_size((120, 24)).columns, on_progress
            )
        print(text, end="")

    def write_parquet(self, path: str | os.PathLike[str]) -> None:
        """Writes the rows into the folder `path`, one Parquet file a partition.

        The folder appears with its files whole. What an earlier write left there is replaced; a
        folder that holds any other file is refused and stays as it was.
        """
        with progress("write_parquet") as on_progress:
            self._core.write_parquet(os.fspath(path), on_progress)

    def explain(self) -> Explanation:
        """What will be done and why: the frame's steps with what is merged, left out or run per
        partition, and DuckDB's plan."""
        return Explanation(self._core.explain())

    def __arrow_c_stream__(self, requested_schema: Any = None) -> Any:
        """Hands the rows to any Arrow consumer (pyarrow, Polars, DuckDB …) as they are computed,
        with bounded memory."""
        return self._core.stream().__arrow_c_stream__(requested_schema)

    def __repr__(self) -> str:
        return str(self._core)

    __str__ = __repr__

    def _repr_html_(self) -> str:
        with progress("preview") as on_progress:
            return self._core.to_html(20, on_progress)

    # --- private ---

    def _collect(self, limit: int = -1) -> pyarrow.Table:
        try:
            import pyarrow
        except ImportError:
            raise missing_package("pyarrow", "arrow", "Handing rows to Python") from None
        with progress("collect") as on_progress:
            stream = self._core.collect(limit, on_progress)
        return pyarrow.RecordBatchReader.from_stream(stream).read_all()

    def _rows(self, limit: int) -> list[dict[str, Any]]:
        table = self._narrow_hugeints(self._collect(limit))
        names = table.schema.names
        columns = [
            _python_values(table.column(position), kind)
            for position, (_, kind) in enumerate(self._core.columns)
        ]
        return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]

    def _narrow_hugeints(self, table: pyarrow.Table) -> pyarrow.Table:
        """HUGEINT columns whose values all fit become int64; Arrow has no 128-bit integer."""
        import pyarrow

        for position, (_, kind) in enumerate(self._core.columns):
            if kind in _WIDE_INTEGERS:
                try:
                    narrow = table.column(position).cast(pyarrow.int64())
                except pyarrow.ArrowInvalid:
                    continue
                table = table.set_column(
                    position, table.field(position).with_type(pyarrow.int64()), narrow
                )
        return table


def _needs_objects(column: Any, kind: str) -> bool:
    """Whether float64 would lose digits of a column with NULLs, or the column is a HUGEINT that
    doesn't fit int64."""
    import pyarrow
    import pyarrow.compute

    if not pyarrow.types.is_integer(column.type):
        return kind in _WIDE_INTEGERS
    if column.null_count == 0:
        return False
    bounds = pyarrow.compute.min_max(column).as_py()
    return bounds["min"] is not None and max(-bounds["min"], bounds["max"]) > _LARGEST_EXACT_FLOAT


def _python_values(column: Any, kind: str) -> list[Any]:
    """The values of a column; integers of 128 bits, which Arrow holds as decimals, are int."""
    values = column.to_pylist()
    if kind in _WIDE_INTEGERS:
        return [None if value is None else int(value) for value in values]
    return values

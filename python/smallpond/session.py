"""The session: makes frames from files, tables and SQL."""

from __future__ import annotations

import contextlib
import sys
import threading
import weakref
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Union

from smallpond import _core, arguments
from smallpond.arrow_input import advice, categories, is_one_shot, is_table, to_stream
from smallpond.errors import (
    InvalidInputError,
    InvalidTypeError,
    MergeWarning,
)
from smallpond.frame import DataFrame
from smallpond.items import columns_of_items, to_arrow
from smallpond.log import logger
from smallpond.params import to_value
from smallpond.readers import ReadMethods
from smallpond.scope import find, table_names
from smallpond.writing import LazyWrite

Params = Union[Sequence[Any], Mapping[str, Any], None]  # noqa: UP007

# The readers of all sessions that were read, and what keeps two threads from reading one. A reader
# may itself run queries.
_read_readers: weakref.WeakSet[Any] = weakref.WeakSet()
_readers_lock = threading.RLock()


class Session(ReadMethods):
    """Makes frames from files, tables and SQL. Several sessions live side by side; any thread may
    use one.

    Made by `smallpond.init()`; `with smallpond.init() as sp:` closes it at the end.

    >>> with smallpond.init(threads=1) as other:
    ...     other.sql("SELECT 42 AS answer").take_all()
    [{'answer': 42}]
    """

    def __init__(self, core: _core.Session) -> None:
        self._core = core
        self._warned: set[str] = set()
        self._is_open = True
        self._job_id = core.job_id
        self._temp_dir = core.temp_dir
        # What was read from readers that give their rows only once, for as long as they live.
        self._readers: weakref.WeakKeyDictionary[Any, _core.DataFrame] = weakref.WeakKeyDictionary()

    # --- in memory ---

    def from_pandas(self, frame: Any) -> DataFrame:
        """A frame over a pandas DataFrame, which is kept in memory; its index is left out.

        NaN and NaT become NULL, and timedelta64 an INTERVAL. Categories of text are text, but an
        ENUM where they have an order of their own. Python objects of several types become text.

        frame
            The DataFrame. Columns of numbers are not copied: what is changed in place in it before
            the rows are computed shows in them, or not. Give `frame.copy()` where that may happen.
            Assigning a whole column is no such change.

        Raises InvalidTypeError (no table), InvalidInputError (a column that SQL has no type for),
        UnsupportedError (pyarrow is not installed).

        >>> import pandas
        >>> sp.from_pandas(pandas.DataFrame({"a": [1.5, None]})).take_all()
        [{'a': 1.5}, {'a': None}]
        """
        return self._from_table(frame, "from_pandas", "a pandas DataFrame")

    def from_arrow(self, table: Any) -> DataFrame:
        """A frame over Arrow data (pyarrow, Polars, DuckDB …), which is kept in memory.

        table
            Anything with `__arrow_c_stream__`. NumPy arrays are columns too: a dict or a list of
            them, or one with two dimensions, as in DuckDB. A reader that gives its rows only once
            is read here; what this session makes of the same reader later has the same rows.

        Raises InvalidTypeError (no table), InvalidInputError (a type that DuckDB does not read).

        >>> import pyarrow
        >>> sp.from_arrow(pyarrow.table({"a": [1, 2]})).count()
        2
        """
        return self._from_table(table, "from_arrow", "Arrow data")

    def from_items(self, items: Sequence[Any]) -> DataFrame:
        """A frame over a list: dicts become rows, everything else a column `item`. Needs no
        package.

        items
            The list, with one item at least. Keys that a dict lacks are NULL in its row.

        Raises InvalidInputError (an empty list, items without a common type, integers beyond 64
        bits).

        >>> sp.from_items([{"a": 1}, {"a": 2, "b": "x"}]).take_all()
        [{'a': 1, 'b': None}, {'a': 2, 'b': 'x'}]
        >>> sp.from_items([3, 4]).schema
        {'item': 'BIGINT'}
        """
        columns = columns_of_items(items)
        return DataFrame(self, self._from_arrow(to_arrow(self._core, columns)))

    def _from_table(self, value: Any, method: str, expected: str) -> DataFrame:
        if not is_table(value):
            raise InvalidTypeError(
                f"{method}() takes {expected}, not {type(value).__name__} {value!r:.60}. "
                f"{advice(value)}"
            )
        return DataFrame(self, self._input(value, method))

    # --- query ---

    # The query and self are positional only, so that any table may be called `query` or `self`.

    def sql(
        self, query: str, /, *inputs: Any, params: Params = None, **named_inputs: Any
    ) -> DataFrame:
        """The answer of one DuckDB to `query`, over all rows of its inputs.

        The query is bound here; a wrong column raises now, and relative paths mean the folder that
        the process is in now. Columns with a file's name (`filename`) show the whole path.

        query
            SQL that gives rows.
        inputs, named_inputs
            Frames, pandas DataFrames or anything with Arrow data. They stand for {0}, {1} …, or for
            their name, also as main.name; one that the query doesn't name is passed over. Other
            names mean, in this order: a CTE, a table of the session, a frame in the caller's
            variables.
        params
            Bound as typed constants: a list for ? and $1, a dict for $name.

        Raises InvalidInputError (wrong SQL, an unknown name, a missing parameter),
        InvalidTypeError (an input that is no table), UnsupportedError (a statement for `execute`).

        >>> sp.sql("SELECT kind, count(*) AS n FROM df GROUP BY kind ORDER BY n DESC").take(1)
        [{'kind': 'a', 'n': 2}]
        >>> sp.sql("SELECT id FROM {0} WHERE kind = $kind", df, params={"kind": "b"}).take_all()
        [{'id': 2}]
        """
        return self._sql(query, inputs, named_inputs, params, False, None, sys._getframe(1))

    def partial_sql(
        self,
        query: str,
        /,
        *inputs: Any,
        params: Params = None,
        merge: str | None = None,
        **named_inputs: Any,
    ) -> DataFrame:
        """Runs `query` over the partitions of its inputs.

        query, inputs, named_inputs, params
            As in `sql`.
        merge
            "auto" (the default) gives the answer of `sql`: groups, orders and limits over all
            partitions; where it was not asked for, a MergeWarning tells once where that makes a
            difference. "concat" runs the
            query on partition i of every repartitioned input, together with the others whole, and
            puts the results one after the other.

        Raises what `sql` raises, and InvalidInputError (inputs with different numbers of
        partitions, another `merge`).

        >>> parts = df.repartition(2, by_rows=True)
        >>> sp.partial_sql("SELECT count(*) AS n FROM {0}", parts, merge="concat").take_all()
        [{'n': 2}, {'n': 1}]
        """
        return self._sql(query, inputs, named_inputs, params, True, merge, sys._getframe(1))

    def _sql(
        self,
        query: str,
        inputs: Sequence[Any],
        named_inputs: Mapping[str, Any],
        params: Params,
        partial: bool,
        merge: str | None,
        caller: Any,
    ) -> DataFrame:
        arguments.whole_text(query, "The query")
        if merge is not None:
            arguments.text(merge, "merge", "Give 'auto' or 'concat'; a table needs another name.")
        positional = [self._input(value, f"input {{{i}}}") for i, value in enumerate(inputs)]
        named = {
            name: self._input(value, f"input '{name}'") for name, value in named_inputs.items()
        }
        values, named_values = _params(params)

        resolve = self._resolver(caller)
        core = self._core.sql(
            query, positional, named, values, named_values, resolve, partial, merge
        )
        if merge is not None:  # Whoever says it knows it.
            return DataFrame(self, core)
        return self._noticed(core, MergeWarning, stacklevel=4)

    def _resolver(self, caller: Any) -> _core.Resolver:
        return _Variables(self, caller)

    def _input(self, value: Any, what: str) -> _core.DataFrame:
        if isinstance(value, DataFrame):
            return value._core
        if is_table(value):
            return self._read_once(value) if is_one_shot(value) else self._from_arrow(value)
        raise InvalidTypeError(
            f"The {what} is {type(value).__name__} {value!r:.60}, not a table. {advice(value)} "
            "Values of parameters go into params."
        )

    def _read_once(self, reader: Any) -> _core.DataFrame:
        """Two frames over one reader share its rows; a second reading would find none."""
        with _readers_lock:
            if reader not in self._readers:
                if reader in _read_readers:
                    raise InvalidInputError(
                        f"The {type(reader).__name__} gives its rows once, and another session has "
                        "read them. Make a table of it first: reader.read_all()."
                    )
                _read_readers.add(reader)
                self._readers[reader] = self._from_arrow(reader)
            return self._readers[reader]

    def _from_arrow(self, value: Any) -> _core.DataFrame:
        description = f"{type(value).__module__.split('.')[0]} table"
        frame = self._core.from_arrow(to_stream(value), description)
        # To cast each value makes a GROUP BY take 3 times as long: only where the order matters.
        enums = []
        for position, names in categories(value).items():
            name = _quote(frame.columns[position][0], '"')
            enum = ", ".join(_quote(text, "'") for text in names)
            enums.append(f"{name}::ENUM({enum}) AS {name}")
        if not enums:
            return frame
        sql = f"SELECT * REPLACE ({', '.join(enums)}) FROM {{0}}"
        return self._core.sql(sql, [frame], {}, [], {}, None, False, None)

    def wait(self, *writes: LazyWrite) -> None:
        """Computes lazy writes, one after the other.

        writes
            What the `_lazy` methods of frames return.

        Raises what the first write that fails raises.

        >>> sp.wait(df.write_parquet_lazy("out"), df.write_csv_lazy("out.csv"))
        """
        for lazy in writes:
            lazy.compute()

    def execute(self, sql: str, params: Params = None) -> None:
        """Sets up the session. Later queries of this session see what the statements did.

        sql
            SET, USE, CREATE TABLE, VIEW, MACRO, TYPE or SECRET, ATTACH, LOAD, INSERT and the like,
            one statement or several.
        params
            As in `sql`.

        Raises InvalidInputError (wrong SQL, an unknown name), UnsupportedError (a query, or a
        statement on files), IoError (a database or an extension).

        >>> sp.execute("CREATE MACRO net(x) AS x / 1.19")
        >>> sp.sql("SELECT round(net(119)) AS n").take_all()
        [{'n': 100.0}]
        """
        arguments.whole_text(sql, "execute: the statement")
        values, named_values = _params(params)
        self._core.execute(sql, values, named_values, self._resolver(sys._getframe(1)))

    # --- end ---

    def shutdown(self) -> None:
        """Closes the session. Frames made before stay usable. Closing twice is fine.

        >>> other = smallpond.init(threads=1)
        >>> other.shutdown()
        """
        self._stop_workers(False)
        self._core.close()
        if self._is_open:
            self._is_open = False
            logger.info("Closed Session(job_id=%s)", self._job_id)

    def _stop_workers(self, for_good: bool) -> None:
        # A closed session has none.
        with contextlib.suppress(InvalidInputError):
            self._core.stop_workers(for_good)

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()

    @property
    def job_id(self) -> str:
        """The job's unique id.

        >>> with smallpond.init(job_id="nightly-7", threads=1) as other:
        ...     other.job_id
        'nightly-7'
        """
        return self._core.job_id

    def __repr__(self) -> str:
        return str(self._core)


class _Variables:
    """Finds tables in a caller's variables."""

    def __init__(self, session: Session, caller: Any) -> None:
        self._session = session
        self._caller = caller

    def __call__(self, name: str) -> _core.DataFrame | None:
        found = find(self._caller, name, self._is_table)
        return None if found is None else self._session._input(found, f"variable '{name}'")

    def names(self) -> list[str]:
        return table_names(self._caller, self._is_table)

    @staticmethod
    def _is_table(value: Any) -> bool:
        return isinstance(value, DataFrame) or is_table(value)


def _quote(text: str, quote: str) -> str:
    return quote + text.replace(quote, quote * 2) + quote


def _params(params: Params) -> tuple[list[_core.Value], dict[str, _core.Value]]:
    if params is None:
        return [], {}
    is_values = isinstance(params, (list, tuple, dict)) or hasattr(params, "tolist")
    is_input = isinstance(params, DataFrame) or (is_table(params) and not is_values)
    if is_input or not isinstance(params, Iterable):
        raise InvalidTypeError(
            f"params must be a list or a dict of values, not {type(params).__name__} "
            f"{params!r:.60}. A table is an input, under another name than params."
        )
    if isinstance(params, Mapping):
        return [], {str(name): to_value(value) for name, value in params.items()}
    if isinstance(params, (str, bytes)):
        raise InvalidInputError(
            f"params must be a list or a dict, not {params!r}. For one value give [{params!r}]."
        )
    return [to_value(value) for value in params], {}

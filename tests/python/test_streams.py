"""Frames hand their rows to any Arrow consumer, as they are computed."""

from __future__ import annotations

import gc
import threading

# ruff: noqa: F841 (a query finds a reader by the name of its variable)
import duckdb
import polars as pl
import pyarrow as pa
import pyarrow.compute
import pyarrow.parquet as pq
import pytest
import smallpond

MANY = 1_000_000


@pytest.fixture(scope="module")
def frame(sp: smallpond.Session) -> smallpond.DataFrame:
    return sp.sql(f"SELECT i, i % 7 AS k, 'text ' || i AS s FROM range({MANY}) t(i)")


def test_into_pyarrow(frame: smallpond.DataFrame) -> None:
    table = pa.table(frame)
    assert table.num_rows == MANY and table.schema.names == ["i", "k", "s"]
    assert table.equals(frame.to_arrow())


def test_into_polars(frame: smallpond.DataFrame) -> None:
    assert pl.DataFrame(frame).select(pl.col("k").sum()).item() == sum(i % 7 for i in range(MANY))


def test_into_duckdb(frame: smallpond.DataFrame) -> None:
    reader = pa.RecordBatchReader.from_stream(frame)
    assert duckdb.sql("SELECT count(*), max(i) FROM reader").fetchall() == [(MANY, MANY - 1)]


def test_into_another_session(frame: smallpond.DataFrame, fresh_sp: smallpond.Session) -> None:
    reader = pa.RecordBatchReader.from_stream(frame)
    assert fresh_sp.sql("SELECT count(*) AS n FROM reader").take_all() == [{"n": MANY}]


def test_into_parquet(frame: smallpond.DataFrame, tmp_path: object) -> None:
    reader = pa.RecordBatchReader.from_stream(frame)
    with pq.ParquetWriter(f"{tmp_path}/x.parquet", reader.schema) as writer:
        for batch in reader:
            writer.write_batch(batch)
    assert pq.ParquetFile(f"{tmp_path}/x.parquet").metadata.num_rows == MANY


def test_comes_in_pieces(frame: smallpond.DataFrame) -> None:
    reader = pa.RecordBatchReader.from_stream(frame)
    assert reader.read_next_batch().num_rows < MANY / 2


def test_handed_out_three_times(frame: smallpond.DataFrame) -> None:
    readers = [pa.RecordBatchReader.from_stream(frame) for _ in range(3)]
    first = [reader.read_next_batch() for reader in readers]
    assert first[0].equals(first[1]) and first[0].equals(first[2])
    assert [reader.read_all().num_rows for reader in readers] == [MANY - first[0].num_rows] * 3


def test_dropped_unread_and_half_read(sp: smallpond.Session, frame: smallpond.DataFrame) -> None:
    pa.RecordBatchReader.from_stream(frame)
    reader = pa.RecordBatchReader.from_stream(frame)
    reader.read_next_batch()
    del reader
    frame.__arrow_c_stream__()
    gc.collect()
    assert sp.sql("SELECT 1 AS x").take_all() == [{"x": 1}]


def test_a_capsule_can_be_taken_once(sp: smallpond.Session) -> None:
    capsule = sp.sql("SELECT 1 AS x").__arrow_c_stream__()

    class Once:
        def __arrow_c_stream__(self, requested_schema: object = None) -> object:
            return capsule

    assert pa.table(Once()).num_rows == 1
    with pytest.raises(ValueError):
        pa.table(Once())


def test_error_in_the_middle(sp: smallpond.Session) -> None:
    sql = """
        SELECT CASE WHEN i = 900_000 THEN error('row 900000') ELSE i END AS i
        FROM range(1_000_000) t(i)
    """
    # DuckDB now and then tells the reader only that the query was stopped by another thread.
    for _ in range(20):
        reader = pa.RecordBatchReader.from_stream(sp.sql(sql))
        with pytest.raises(OSError, match=r"(?s)row 900000.*While computing sql: SELECT CASE"):
            reader.read_all()


def test_outlives_frame_and_session(fresh_sp: smallpond.Session) -> None:
    reader = pa.RecordBatchReader.from_stream(fresh_sp.sql(f"FROM range({MANY})"))
    fresh_sp.shutdown()
    gc.collect()
    assert reader.read_all().num_rows == MANY


def test_of_partitions(sp: smallpond.Session, events: smallpond.DataFrame) -> None:
    concat = sp.partial_sql("SELECT count(*) AS n FROM {0}", events.repartition(7), merge="concat")
    assert sorted(pa.table(concat)["n"].to_pylist()) == [57] * 6 + [58]


def test_columns_that_differ_only_in_type(sp: smallpond.Session) -> None:
    """Views, large offsets, dictionaries and nested types that other libraries make."""
    table = pa.table(
        {
            "view": pa.array(["a", None, "a long text that is not inlined"], pa.string_view()),
            "large": pa.array(["a", None, "c"], pa.large_string()),
            "dictionary": pa.array(["a", None, "a"]).dictionary_encode(),
            "list": pa.array([[1], None, []], pa.large_list(pa.int8())),
            "struct": pa.array([{"a": 1}, None, {"a": None}], pa.struct([("a", pa.float32())])),
            "null": pa.nulls(3),
        }
    )
    found = sp.sql("FROM {0}", table).to_arrow()
    assert found.to_pylist() == table.to_pylist()
    sliced = sp.sql("FROM {0}", table.slice(1)).to_arrow()
    assert sliced.to_pylist() == table.slice(1).to_pylist()


def test_nulls_of_dictionaries(sp: smallpond.Session) -> None:
    """In large batches, which are read in slices, and where the first slice has no NULLs."""
    size = 300_000
    values = [None if i % 1000 == 999 and i > 200_000 else f"v{i % 5}" for i in range(size)]
    plain = pa.array(values)
    coded = plain.dictionary_encode()
    table = pa.table(
        {
            "coded": coded,
            "struct": pa.StructArray.from_arrays([coded], ["d"]),
            "ends": pa.compute.run_end_encode(plain),
        }
    )
    polars = pl.DataFrame({"c": pl.Series(values, dtype=pl.Categorical)})
    nulls = sum(value is None for value in values)
    sql = """
        SELECT count(*) - count(coded) AS coded, count(*) - count(struct.d) AS struct,
               count(*) - count(ends) AS ends FROM {0}
    """
    assert sp.sql(sql, table).take_all() == [{"coded": nulls, "struct": nulls, "ends": nulls}]
    sliced = sp.sql(sql, table.slice(150_000)).take_all()
    assert sliced == [{"coded": nulls, "struct": nulls, "ends": nulls}]
    assert sp.sql("FROM {0}", table).to_arrow()["coded"].to_pylist() == values
    assert sp.sql("SELECT c FROM polars").to_arrow()["c"].to_pylist() == values


VALUE_TYPES = [pa.string(), pa.large_string(), pa.string_view(), pa.int64()]
NESTINGS = {
    "list": lambda x: pa.ListArray.from_arrays(pa.array([0, 0, 2, 3], pa.int32()), x),
    "large_list": lambda x: pa.LargeListArray.from_arrays(pa.array([0, 0, 2, 3], pa.int64()), x),
    "fixed": lambda x: pa.FixedSizeListArray.from_arrays(x, 3),
    "map": lambda x: pa.MapArray.from_arrays([0, 0, 2, 3], pa.array(["k", "l", "m"]), x),
    "struct": lambda x: pa.StructArray.from_arrays([x], ["a"]),
    "list_of_struct": lambda x: pa.ListArray.from_arrays(
        pa.array([0, 0, 3], pa.int32()), pa.StructArray.from_arrays([x], ["a"])
    ),
}


@pytest.mark.parametrize("kind", VALUE_TYPES, ids=str)
@pytest.mark.parametrize("nesting", NESTINGS)
def test_dictionaries_inside_of_others(
    sp: smallpond.Session, kind: pa.DataType, nesting: str
) -> None:
    """DuckDB takes the indices of some for values, and breaks at an empty list before them."""
    texts = [7, 8] if pa.types.is_integer(kind) else ["a", "b"]
    coded = pa.DictionaryArray.from_arrays(
        pa.array([1, None, 0], pa.uint8()), pa.array(texts, kind)
    )
    array = NESTINGS[nesting](coded)
    table = pa.table({"x": array})
    if kind == pa.string_view() and nesting != "struct":  # pyarrow can't decode it.
        with pytest.raises(smallpond.UnsupportedError, match="'x' has dictionaries"):
            sp.from_arrow(table)
        return
    for given in [
        table,
        table.to_reader(),
        pa.RecordBatchReader.from_stream(table),
        Exporter(table),
    ]:
        assert sp.sql("SELECT x FROM {0}", given).to_arrow()["x"].to_pylist() == array.to_pylist()
    empty = sp.from_arrow(table.slice(0, 1))
    assert empty.take_all() == table.slice(0, 1).to_pylist()


class Exporter:
    """What only offers the interface, once."""

    def __init__(self, table: pa.Table) -> None:
        self.reader = table.to_reader()

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return self.reader.__arrow_c_stream__(requested_schema)


def test_many_batches(sp: smallpond.Session) -> None:
    batches = [pa.record_batch({"x": range(i, i + 3)}) for i in range(0, 300, 3)]
    batches.insert(5, pa.record_batch({"x": pa.array([], pa.int64())}))
    table = pa.Table.from_batches(batches)
    [row] = sp.sql("SELECT count(*) AS n, sum(x) AS s FROM {0}", table).take_all()
    assert row == {"n": 300, "s": sum(range(300))}


def test_what_is_no_table(sp: smallpond.Session) -> None:
    with pytest.raises(smallpond.InvalidInputError, match=r"pyarrow\.table"):
        sp.sql("FROM {0}", pa.chunked_array([[1, 2]]))
    with pytest.raises(smallpond.InvalidInputError, match="no columns"):
        sp.sql("FROM {0}", pa.table({}))


def test_error_of_a_foreign_stream(sp: smallpond.Session) -> None:
    def batches() -> object:
        yield pa.record_batch({"x": [1]})
        raise ValueError("the source broke")

    reader = pa.RecordBatchReader.from_batches(pa.schema([("x", pa.int64())]), batches())
    with pytest.raises(smallpond.InvalidInputError, match="the source broke"):
        sp.sql("FROM {0}", reader)


def test_threads_share_a_session(sp: smallpond.Session, frame: smallpond.DataFrame) -> None:
    results: list[int] = []

    def work(number: int) -> None:
        results.append(sp.sql(f"SELECT k FROM {{0}} WHERE k = {number}", frame).count())

    threads = [threading.Thread(target=work, args=(number,)) for number in range(7)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(results) == MANY

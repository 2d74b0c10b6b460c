"""Files whose bytes were damaged or cut off: an error that names the file, never fewer rows."""

from __future__ import annotations

import gzip
import random
from collections.abc import Callable
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import smallpond

ROWS = 20_000
SQL = f"""
    SELECT i, i % 100 AS k, 'text ' || i AS s, i * 1.5 AS d, [i] AS l,
           TIMESTAMP '2026-01-01' + to_seconds(i) AS t
    FROM range({ROWS}) r(i)
"""
Damage = Callable[[bytearray, random.Random], None]


def flip_bytes(content: bytearray, rng: random.Random) -> None:
    for _ in range(200):
        content[rng.randrange(4, footer_begin(content))] ^= rng.randrange(1, 256)


def fill(content: bytearray, rng: random.Random) -> None:
    begin = rng.randrange(4, footer_begin(content) - 300)
    content[begin : begin + 300] = b"\xff" * 300


def flip_a_byte_of_the_footer(content: bytearray, rng: random.Random) -> None:
    content[rng.randrange(footer_begin(content), len(content))] ^= rng.randrange(1, 256)


def footer_begin(content: bytearray) -> int:
    return len(content) - 8 - int.from_bytes(content[-8:-4], "little")


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """A whole file of some format and compression."""
    folder = tmp_path_factory.mktemp("whole")
    made: dict[str, Path] = {}

    def make(name: str) -> Path:
        if name not in made:
            made[name] = folder / name
            kind, _, compression = name.partition(".")[2].partition(".")
            codec = {"": "", "gz": ", COMPRESSION gzip", "zst": ", COMPRESSION zstd"}
            options = codec.get(compression, f", COMPRESSION {compression}")
            duckdb.execute(f"COPY ({SQL}) TO '{made[name]}' (FORMAT {kind}{options})")
        return made[name]

    return make


def reader(sp: smallpond.Session, name: str) -> Callable[..., smallpond.DataFrame]:
    return getattr(sp, "read_" + name.split(".")[1])


@pytest.mark.parametrize("codec", ["snappy", "zstd", "gzip", "lz4", "brotli", "uncompressed"])
@pytest.mark.parametrize("damage", [flip_bytes, fill, flip_a_byte_of_the_footer])
def test_damaged_parquet(
    sp: smallpond.Session,
    whole: Callable[[str], Path],
    tmp_path: Path,
    codec: str,
    damage: Damage,
) -> None:
    """Alone and between whole files. Damage may also change nothing but a value."""
    good = whole(f"x.parquet.{codec}")
    rng = random.Random(codec)
    refused = 0
    for number in range(12):
        content = bytearray(good.read_bytes())
        damage(content, rng)
        bad = tmp_path / f"bad{number}.parquet"
        bad.write_bytes(content)
        for paths in [[bad], [good, bad, good]]:
            try:
                sp.read_parquet(paths).to_arrow()
            except (smallpond.IoError, smallpond.InvalidInputError) as error:
                refused += 1
                assert bad.name in str(error).split("While computing")[0]
            assert sp.sql("SELECT 1 AS x").take_all() == [{"x": 1}]
    assert refused > 0


def test_damaged_parquet_in_a_query(
    sp: smallpond.Session, whole: Callable[[str], Path], tmp_path: Path
) -> None:
    """Named by the text of a query, and met while a file is written."""
    content = bytearray(whole("x.parquet.gzip").read_bytes())
    fill(content, random.Random(1))
    (tmp_path / "bad.parquet").write_bytes(content)
    frame = sp.sql(f"SELECT * FROM '{tmp_path}/*.parquet'")
    with pytest.raises(smallpond.IoError, match=r"bad\.parquet' is damaged"):
        frame.to_arrow()
    with pytest.raises(smallpond.IoError, match=r"bad\.parquet' is damaged"):
        frame.write_parquet(tmp_path / "out")
    assert not list((tmp_path / "out").glob("*.parquet"))


def test_damaged_parquet_in_a_stream(
    sp: smallpond.Session, whole: Callable[[str], Path], tmp_path: Path
) -> None:
    content = bytearray(whole("x.parquet.gzip").read_bytes())
    fill(content, random.Random(1))
    (tmp_path / "bad.parquet").write_bytes(content)
    frame = sp.read_parquet(tmp_path / "bad.parquet")
    with pytest.raises((OSError, smallpond.IoError), match=r"bad\.parquet' is damaged"):
        pa.RecordBatchReader.from_stream(frame).read_all()


TEXT = ["x.csv.gz", "x.csv.zst", "x.json.gz", "x.json.zst"]


@pytest.mark.parametrize("name", TEXT)
@pytest.mark.parametrize("kept", [0.0005, 0.3, 0.9, 0.9999])
def test_text_that_is_cut_off(
    sp: smallpond.Session, whole: Callable[[str], Path], tmp_path: Path, name: str, kept: float
) -> None:
    content = whole(name).read_bytes()
    bad = tmp_path / f"bad{name}"
    bad.write_bytes(content[: int(len(content) * kept)])
    with pytest.raises(smallpond.IoError, match="bad"):
        reader(sp, name)(bad).to_arrow()
    with pytest.raises(smallpond.IoError, match="bad"):
        reader(sp, name)([whole(name), bad]).to_arrow()


@pytest.mark.parametrize("compression", ["gz", "zst"])
def test_cut_off_where_a_line_ends(sp: smallpond.Session, tmp_path: Path, compression: str) -> None:
    """What can be read of it is a CSV file, only shorter."""
    path = tmp_path / f"x.csv.{compression}"
    duckdb.execute(f"COPY (SELECT i FROM range(200_000) t(i)) TO '{path}'")
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(smallpond.IoError, match=r"x\.csv\.\w+' is cut off"):
        sp.read_csv(path, {"i": "BIGINT"}, header=True).count()


@pytest.mark.parametrize("name", TEXT)
def test_text_with_damaged_bytes(
    sp: smallpond.Session, whole: Callable[[str], Path], tmp_path: Path, name: str
) -> None:
    content = bytearray(whole(name).read_bytes())
    middle = len(content) // 2
    content[middle : middle + 100] = bytes(byte ^ 0x55 for byte in content[middle : middle + 100])
    bad = tmp_path / f"bad{name}"
    bad.write_bytes(content)
    with pytest.raises((smallpond.IoError, smallpond.InvalidInputError), match="bad"):
        reader(sp, name)(bad).to_arrow()


@pytest.mark.parametrize("name", TEXT)
def test_text_that_is_not_compressed(sp: smallpond.Session, tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"a,b\n1,2\n" * 100)
    with pytest.raises(smallpond.IoError, match=name):
        reader(sp, name)(tmp_path / name).to_arrow()


@pytest.mark.parametrize("compression", ["gz", "zst"])
@pytest.mark.parametrize("num_rows", [1, 1000, 500_000])
def test_streams_in_a_row_are_whole(
    sp: smallpond.Session, tmp_path: Path, compression: str, num_rows: int
) -> None:
    """gzip and zstd files may be put one after the other, as parallel compressors do."""
    path = tmp_path / f"x.csv.{compression}"
    sql = f"SELECT i, hash(i) AS h FROM range({num_rows}) t(i)"
    duckdb.execute(f"COPY ({sql}) TO '{path}' (HEADER false)")
    path.write_bytes(path.read_bytes() * 3)
    frame = sp.read_csv(path, {"i": "BIGINT", "h": "UBIGINT"})
    expected = duckdb.execute(f"SELECT 3 * sum(i)::BIGINT, 3 * sum(h) FROM ({sql})").fetchone()
    [row] = sp.sql(
        "SELECT sum(i)::BIGINT AS i, sum(h) AS h, count(*) AS n FROM {0}", frame
    ).take_all()
    assert (row["i"], row["h"], row["n"]) == (*expected, 3 * num_rows)


def test_empty_compressed_content(sp: smallpond.Session, tmp_path: Path) -> None:
    (tmp_path / "x.csv.gz").write_bytes(gzip.compress(b""))
    assert sp.read_csv(tmp_path / "x.csv.gz", {"i": "BIGINT"}).count() == 0


def test_invalid_utf8(sp: smallpond.Session, tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_bytes(b"a,b\n1,x\n2,\xff\xfe\n" + b"3,y\n" * 50)
    with pytest.raises(smallpond.InvalidInputError, match=r"(?s)x\.csv.*utf-8|utf-8.*x\.csv"):
        sp.read_csv(tmp_path / "x.csv").to_arrow()
    (tmp_path / "x.json").write_bytes(b'{"a": "x"}\n{"a": "\xff\xfe"}\n')
    with pytest.raises(smallpond.InvalidInputError, match=r"x\.json.*UTF-8"):
        sp.read_json(tmp_path / "x.json").to_arrow()
    buffers = [None, pa.py_buffer(b"\0\0\0\0\2\0\0\0\4\0\0\0"), pa.py_buffer(b"ab\xff\xfe")]
    table = pa.table({"s": pa.Array.from_buffers(pa.string(), 2, buffers)})
    pq.write_table(table, tmp_path / "x.parquet")
    with pytest.raises(smallpond.InvalidInputError, match=r"x\.parquet.*UTF8"):
        sp.read_parquet(tmp_path / "x.parquet").to_arrow()


@pytest.mark.parametrize(
    "content",
    [b'{"a": 1}\n{"a": 2]\n', b'[{"a": 1}, {"a":', b'{"a": 1}\n' * 300_000 + b'{"a": 2]\n'],
    ids=["bracket", "end", "late"],
)
def test_invalid_json(sp: smallpond.Session, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.json").write_bytes(content)
    with pytest.raises(smallpond.InvalidInputError, match=r"Malformed JSON .*x\.json"):
        sp.read_json(tmp_path / "x.json").to_arrow()

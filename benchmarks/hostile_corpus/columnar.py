"""Hostile Parquet, Arrow and spaCy files, and folders that claim to be data sets."""

from __future__ import annotations

import io
import json
import struct
import zlib
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.ipc
import pyarrow.parquet as pq

from benchmarks.hostile_corpus.hostile_file import HostileFile, of_bytes

if TYPE_CHECKING:
    from pathlib import Path
    from random import Random

_DIARY = "오늘은 비가 와서 조금 슬펐다"


def _parquet(table: pa.Table, **options: object) -> bytes:
    out = io.BytesIO()
    pq.write_table(table, out, **options)
    return out.getvalue()


def _expanding(rows: int, characters: int) -> bytes:
    """Return a small file that names one long text in every row: gigabytes once it is read."""
    column = pa.DictionaryArray.from_arrays(pa.array([0] * rows, pa.int32()), pa.array(["가" * characters]))
    return _parquet(pa.table({"text": column}), compression="zstd", row_group_size=rows)


def _ordinary() -> bytes:
    return _parquet(pa.table({"text": [_DIARY, _DIARY + "!"]}), store_schema=False)


def _rows_claimed(_: Random) -> bytes:
    """Return a file whose footer says that it has 2**60 rows.

    The footer is Thrift: the row count is the third field of the file's metadata, a zigzag number after the schema.
    """
    plain = _ordinary()
    size = struct.unpack("<I", plain[-8:-4])[0]
    footer = plain[-8 - size : -8]
    place = footer.index(b"\x16\x04\x19")
    grown = footer[:place] + b"\x16" + b"\x80" * 8 + b"\x20" + footer[place + 2 :]
    return plain[: -8 - size] + grown + struct.pack("<I", len(grown)) + b"PAR1"


def _thrift_noise(random: Random) -> bytes:
    plain = bytearray(_ordinary())
    size = struct.unpack("<I", plain[-8:-4])[0]
    for _ in range(12):
        plain[len(plain) - 8 - random.randrange(1, size)] = random.randrange(256)
    return bytes(plain)


def _pages_noise(random: Random) -> bytes:
    plain = bytearray(_ordinary())
    for place in range(4, 40):
        plain[place] = random.randrange(256)
    return bytes(plain)


def _nested() -> bytes:
    value: object = _DIARY
    kind: pa.DataType = pa.string()
    for _ in range(60):
        value, kind = [value], pa.list_(kind)
    return _parquet(pa.table({"text": pa.array([value], kind)}))


def _odd_types() -> bytes:
    columns = {
        "text": pa.array([b"\xff\xfe\x00pickle"], pa.binary()),
        "when": pa.array([2**62], pa.timestamp("ns")),
        "map": pa.array([[("a", 1)]], pa.map_(pa.string(), pa.int64())),
        "decimal": pa.array([None], pa.decimal256(76, 0)),
    }
    return _parquet(pa.table(columns))


def _pandas_pickle() -> bytes:
    table = pa.table({"text": pa.array([b"cposix\nsystem\n(S'touch escaped.txt'\ntR."], pa.binary())})
    metadata = {b"pandas": b'{"columns": [{"name": "text", "pandas_type": "object", "numpy_type": "object"}]}'}
    return _parquet(table.replace_schema_metadata(metadata))


def _columns(count: int) -> bytes:
    return _parquet(pa.table({f"c{i}": ["x"] for i in range(count)}), write_statistics=False)


def _arrow_lengths(_: Random) -> bytes:
    plain = bytearray(_arrow(pa.table({"text": [_DIARY] * 10}), None))
    plain[12:16] = struct.pack("<i", 0x7FFFFFF0)
    return bytes(plain)


def _arrow(table: pa.Table, compression: str | None) -> bytes:
    out = io.BytesIO()
    with pa.ipc.new_file(out, table.schema, options=pa.ipc.IpcWriteOptions(compression=compression)) as writer:
        writer.write_table(table)
    return out.getvalue()


def _arrow_bomb() -> bytes:
    return _arrow(pa.table({"text": pa.array(["가" * 60_000_000])}), "zstd")


def _packed(content: bytes) -> bytes:
    return zlib.compress(content, 1)


def _zeros(count: int) -> bytes:
    """Return whole tens of MB of zeros as zlib packs them: the first ten are packed, the others are the same bytes."""
    packer = zlib.compressobj(1)
    head = packer.flush(zlib.Z_FULL_FLUSH)
    part = packer.compress(bytes(10 << 20)) + packer.flush(zlib.Z_FULL_FLUSH)
    checksum = (count % 65521 << 16) | 1
    return head + part * (count // (10 << 20)) + b"\x03\0" + struct.pack(">I", checksum)


def _dataset(content: bytes) -> HostileFile:
    def write(path: Path, _: Random) -> None:
        path.mkdir()
        (path / "data-00000-of-00001.arrow").write_bytes(content)
        names = [{"filename": "data-00000-of-00001.arrow"}, {"filename": "../secret.txt"}]
        (path / "state.json").write_text(json.dumps({"_data_files": names, "_fingerprint": "x", "_format_type": None}))
        (path / "dataset_info.json").write_text("{}")

    return HostileFile("arrow", "dataset-folder", write, "refused")


CASES = (
    HostileFile("parquet", "dictionary-expands-1000000.parquet", of_bytes(lambda _: _expanding(1_000_000, 20_000))),
    HostileFile("parquet", "dictionary-expands-100-mb-text.parquet", of_bytes(lambda _: _expanding(2_000, 30_000_000))),
    HostileFile("parquet", "rows-claimed.parquet", of_bytes(_rows_claimed)),
    HostileFile("parquet", "thrift-noise.parquet", of_bytes(_thrift_noise)),
    HostileFile("parquet", "pages-noise.parquet", of_bytes(_pages_noise)),
    HostileFile(
        "parquet",
        "footer-outside.parquet",
        of_bytes(lambda _: b"PAR1" + b"\0" * 8 + b"\xff\xff\xff\x7fPAR1"),
        "refused",
    ),
    HostileFile("parquet", "head-only.parquet", of_bytes(lambda _: b"PAR1"), "refused"),
    HostileFile("parquet", "lists-60-deep.parquet", of_bytes(lambda _: _nested())),
    HostileFile("parquet", "types-odd.parquet", of_bytes(lambda _: _odd_types())),
    HostileFile("parquet", "pickle-in-column.parquet", of_bytes(lambda _: _pandas_pickle())),
    HostileFile("parquet", "columns-20000.parquet", of_bytes(lambda _: _columns(20_000))),
    HostileFile("arrow", "lengths-huge.arrow", of_bytes(_arrow_lengths), "refused"),
    HostileFile("arrow", "lengths-huge.parquet", of_bytes(_arrow_lengths), "refused"),
    _dataset(b"ARROW1\0\0" + b"\xff\xff\xff\xff\xf0\xff\xff\x7f" * 10),
    HostileFile("arrow", "packed-180-mb.arrow", of_bytes(lambda _: _arrow_bomb()), "refused"),
    HostileFile("spacy", "bomb.spacy", of_bytes(lambda _: _zeros(600 << 20)), "refused"),
    HostileFile("spacy", "map-of-4294967295.spacy", of_bytes(lambda _: _packed(b"\xdf\xff\xff\xff\xff")), "refused"),
    HostileFile(
        "spacy",
        "list-of-4294967295.spacy",
        of_bytes(lambda _: _packed(b"\x81\xa6tokens\xdd\xff\xff\xff\xff")),
        "refused",
    ),
    HostileFile(
        "spacy", "lists-100000-deep.spacy", of_bytes(lambda _: _packed(b"\x91" * 100_000 + b"\xc0")), "refused"
    ),
    HostileFile(
        "spacy",
        "bytes-of-4294967295.spacy",
        of_bytes(lambda _: _packed(b"\x81\xa7version\xc6\xff\xff\xff\xff")),
        "refused",
    ),
    HostileFile("spacy", "noise.spacy", of_bytes(lambda random: random.randbytes(5000)), "refused"),
)

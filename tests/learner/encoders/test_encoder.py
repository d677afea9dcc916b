from __future__ import annotations

import itertools
import json
import pickle
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file
from tokenizers import Regex, Tokenizer, models, pre_tokenizers, processors

from learner.encoders import encoder as encoders
from learner.encoders import light_transformers
from learner.encoders.encoder import Encoder, default_cache, list_turns, load
from learner.errors import EncoderError

with light_transformers.lightly():
    from transformers import (
        BertConfig,
        BertForMaskedLM,
        BertModel,
        GPT2Config,
        GPT2Model,
        PreTrainedTokenizerFast,
        RobertaConfig,
        RobertaModel,
    )

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    Make = Callable[..., Path]

WORDS = ["<pad>", "<s>", "</s>", "<unk>", "오", "늘", "좋", "다"]
SIZES: dict[str, Any] = {
    "vocab_size": len(WORDS),
    "hidden_size": 16,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "intermediate_size": 16,
    "max_position_embeddings": 20,
    "pad_token_id": 0,
}

# Long, short, blank and equally long ones, so that batches hold several texts and their order isn't that of length.
TEXTS = [
    "오늘은 비가 와서 하루 종일 집에 있었다. 심심했지만 오랜만에 푹 쉬어서 좋았다.",
    "좋다",
    "",
    "친구랑 싸웠다. 내가 먼저 사과할까 말까 계속 고민 중이다 ㅠㅠ",
    "시험 망했다",
    "I met a friend 오랜만에 in Seoul",
    " \n ",
    "😡😡😡",
]


def _tokenizer(folder: Path, *, specials: bool = True) -> None:
    inner = Tokenizer(models.WordLevel({word: i for i, word in enumerate(WORDS)}, unk_token="<unk>"))
    inner.pre_tokenizer = pre_tokenizers.Split(Regex("."), "isolated")
    if specials:
        inner.post_processor = processors.TemplateProcessing(
            single="<s> $A </s>", special_tokens=[("<s>", 1), ("</s>", 2)]
        )
    PreTrainedTokenizerFast(
        tokenizer_object=inner, pad_token="<pad>", unk_token="<unk>", bos_token="<s>", eos_token="</s>"
    ).save_pretrained(folder)


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """Write a tiny checkpoint of random weights."""

    def write(name: str, model: Callable[[], Any], *, seed: int = 0, specials: bool = True) -> Path:
        torch.manual_seed(seed)
        folder = tmp_path / name
        with light_transformers.lightly():
            model().save_pretrained(folder)
        _tokenizer(folder, specials=specials)
        return folder

    return write


def _bert(**changes: Any) -> BertModel:
    return BertModel(BertConfig(**{**SIZES, **changes}))


def _load(folder: Path) -> Encoder:
    return load(str(folder), cache=folder / "unused")


def _refusal(name: Path | str) -> EncoderError:
    with pytest.raises(EncoderError) as caught:
        load(str(name), cache=Path("unused"))
    assert caught.value.details["name"] == str(name)
    return caught.value


def _edit(path: Path, **changes: Any) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text("utf-8")), **changes}), encoding="utf-8")


@pytest.fixture(scope="module")
def vectors(bundled: Encoder) -> NDArray[np.float32]:
    return bundled.encode(TEXTS).vectors


@pytest.mark.slow
def test_vectors_have_length_one(bundled: Encoder, vectors: NDArray[np.float32]) -> None:
    assert vectors.shape == (len(TEXTS), bundled.width)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)


@pytest.mark.slow
def test_vectors_come_in_the_order_of_the_texts(bundled: Encoder, vectors: NDArray[np.float32]) -> None:
    order = [5, 2, 7, 0, 1, 6, 3, 4]
    np.testing.assert_allclose(bundled.encode([TEXTS[i] for i in order]).vectors, vectors[order], atol=1e-4)


@pytest.mark.slow
def test_a_text_has_the_same_vector_in_any_company(bundled: Encoder, vectors: NDArray[np.float32]) -> None:
    alone = np.vstack([bundled.encode([text]).vectors for text in TEXTS])
    np.testing.assert_allclose(alone, vectors, atol=1e-4)


@pytest.mark.slow
def test_texts_of_one_feeling_are_closer(bundled: Encoder) -> None:
    happy, happier, tax = bundled.encode(["너무 행복한 하루", "기쁘고 즐거웠던 날", "세금 신고 서류 제출 기한"]).vectors
    assert happy @ happier > happy @ tax


@pytest.mark.slow
def test_the_prefix_of_the_bundled_encoder_is_counted(bundled: Encoder) -> None:
    assert bundled.encode([""]).token_counts.tolist() == bundled.count_tokens([""]).tolist() == [6]
    assert bundled.max_tokens == 512


@pytest.mark.slow
def test_a_long_text_is_counted_whole_and_cut_for_its_vector(bundled: Encoder) -> None:
    long = "가" * 600
    encoded = bundled.encode([long, "좋다", long + " 그리고 전혀 다른 끝" * 50])
    assert encoded.token_counts[0] == 600 + 5
    assert encoded.token_counts[2] > encoded.token_counts[0] + 100
    np.testing.assert_array_equal(
        encoded.token_counts, bundled.count_tokens([long, "좋다", long + " 그리고 전혀 다른 끝" * 50])
    )
    cut = bundled.encode([long[:507]])
    assert cut.token_counts.tolist() == [512]
    np.testing.assert_allclose(encoded.vectors[[0, 2]], np.repeat(cut.vectors, 2, axis=0), atol=1e-4)


def test_no_texts_have_no_vectors(make: Make) -> None:
    encoded = _load(make("bert", _bert)).encode([])
    assert encoded.vectors.shape == (0, 16)
    assert encoded.token_counts.shape == (0,)


def test_a_vector_is_the_mean_over_the_tokens_by_hand(make: Make) -> None:
    folder = make("bert", _bert)
    model = BertModel.from_pretrained(folder).eval()
    with torch.inference_mode():
        hidden = model(input_ids=torch.tensor([[1, 4, 5, 6, 7, 2]])).last_hidden_state[0].mean(0).numpy()
    # The longer neighbour makes padding, which must not count.
    encoded = _load(folder).encode(["오늘좋다", "다" * 15])
    np.testing.assert_allclose(encoded.vectors[0], hidden / np.linalg.norm(hidden), atol=1e-5)
    assert encoded.token_counts.tolist() == [6, 17]


def test_a_bert_uses_all_its_positions(make: Make) -> None:
    encoder = _load(make("bert", _bert))
    assert encoder.max_tokens == 20
    assert encoder.encode(["좋" * 18, "좋" * 19]).token_counts.tolist() == [20, 21]


def test_a_roberta_has_fewer_positions_than_it_says(make: Make) -> None:
    # Positions start after the padding id: of 20, id 0 is for padding.
    encoder = _load(make("roberta", lambda: RobertaModel(RobertaConfig(**SIZES))))
    assert encoder.max_tokens == 19
    encoded = encoder.encode(["좋" * 40, "좋" * 17, ""])
    assert encoded.token_counts.tolist() == [42, 19, 2]
    assert np.isfinite(encoded.vectors).all()
    np.testing.assert_allclose(encoded.vectors[0], encoded.vectors[1], atol=1e-4)


def test_an_empty_text_has_a_vector_even_without_special_tokens(make: Make) -> None:
    config = GPT2Config(vocab_size=len(WORDS), n_embd=16, n_layer=1, n_head=2, n_positions=20)
    encoded = _load(make("gpt", lambda: GPT2Model(config), specials=False)).encode(["오늘", "", "좋다"])
    assert encoded.token_counts.tolist() == [2, 1, 2]
    assert np.isfinite(encoded.vectors).all()


def test_the_hash_stays_where_the_pooler_is_random(make: Make) -> None:
    # A masked language model has no pooler: transformers draws one anew at each load.
    folder = make("masked", lambda: BertForMaskedLM(BertConfig(**SIZES)))
    torch.manual_seed(1)
    first = _load(folder)
    torch.manual_seed(2)
    second = _load(folder)
    assert first.hash == second.hash
    np.testing.assert_array_equal(first.encode(["좋다"]).vectors, second.encode(["좋다"]).vectors)


def test_the_hash_does_not_depend_on_where_the_checkpoint_lies(make: Make, tmp_path: Path) -> None:
    folder = make("bert", _bert)
    shutil.copytree(folder, tmp_path / "copy")
    assert _load(folder).hash == _load(tmp_path / "copy").hash


def test_another_weight_tokenizer_or_prefix_makes_another_hash(make: Make) -> None:
    one, other = make("one", _bert), make("other", _bert, seed=1)
    prefixed, e5 = make("prefixed", _bert), make("my-e5", _bert)
    _edit(prefixed / "config.json", text_prefix="오늘")
    words = make("words", _bert)
    text = (words / "tokenizer.json").read_text("utf-8")
    (words / "tokenizer.json").write_text(text.replace('"오"', '"어"'), encoding="utf-8")
    encoders = [_load(folder) for folder in (one, other, prefixed, e5, words)]
    assert len({encoder.hash for encoder in encoders}) == 5
    assert [encoder.count_tokens(["좋"])[0] for encoder in encoders] == [3, 3, 5, 3 + len("query: "), 3]


def test_a_name_that_is_neither_folder_nor_hub_name_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for name in (tmp_path / "nowhere", tmp_path / "empty", "klue/nothing-of-this-name", "", "a b/c?"):
        assert _refusal(name).code == "encoder_unloadable"


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("config.json", b"{"),
        ("config.json", b"[]"),
        ("tokenizer.json", b"{}"),
        ("tokenizer.json", b"{"),
        ("model.safetensors", b""),
        ("model.safetensors", b"hello" * 100),
    ],
)
def test_a_damaged_file_is_refused(make: Make, file: str, content: bytes) -> None:
    folder = make("bert", _bert)
    (folder / file).write_bytes(content)
    assert _refusal(folder).code == "encoder_unloadable"


def test_weights_that_were_cut_are_refused(make: Make) -> None:
    path = make("bert", _bert) / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-100])
    assert _refusal(path.parent).code == "encoder_unloadable"


def test_a_checkpoint_without_a_weights_file_is_refused(make: Make) -> None:
    folder = make("bert", _bert)
    (folder / "model.safetensors").unlink()
    assert _refusal(folder).code == "encoder_unloadable"


def test_missing_weights_are_counted_and_named(make: Make) -> None:
    path = make("bert", _bert) / "model.safetensors"
    weights = load_file(path)
    save_file({name: w for name, w in weights.items() if "attention.self" not in name}, path, {"format": "pt"})
    refusal = _refusal(path.parent)
    assert refusal.code == "encoder_incomplete"
    assert refusal.details["count"] == 6
    assert refusal.details["example"] == "encoder.layer.0.attention.self.key.bias"


def test_weights_of_other_sizes_are_refused(make: Make) -> None:
    folder = make("bert", _bert)
    _edit(folder / "config.json", hidden_size=32)
    assert _refusal(folder).code == "encoder_unloadable"


def test_weights_that_are_no_numbers_are_refused(make: Make) -> None:
    path = make("bert", _bert) / "model.safetensors"
    weights = load_file(path)
    weights["embeddings.word_embeddings.weight"][:] = float("nan")
    save_file(weights, path, {"format": "pt"})
    assert _refusal(path.parent).code == "encoder_unloadable"


def test_a_checkpoint_without_a_tokenizer_is_refused(make: Make) -> None:
    # transformers makes one up that knows no word, to which all texts are the same.
    folder = make("bert", _bert)
    (folder / "tokenizer.json").unlink()
    (folder / "tokenizer_config.json").unlink()
    assert _refusal(folder).code == "encoder_tokenizer_unusable"


class _Trap:
    """Touches a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Callable[..., Any], Sequence[Any]]:
        return Path.touch, (self.path,)


def test_code_in_pickled_weights_is_not_run(make: Make, tmp_path: Path) -> None:
    folder = make("bert", _bert)
    (folder / "model.safetensors").unlink()
    (folder / "pytorch_model.bin").write_bytes(pickle.dumps(_Trap(tmp_path / "ran"), protocol=2))
    assert _refusal(folder).code == "encoder_unloadable"
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("model_type", ["bert", "mine"])
def test_code_that_a_checkpoint_brings_along_is_not_run(make: Make, tmp_path: Path, model_type: str) -> None:
    folder = make("bert", _bert)
    mine = {"AutoConfig": "trap.Mine", "AutoModel": "trap.Mine", "AutoTokenizer": [None, "trap.Mine"]}
    _edit(folder / "config.json", model_type=model_type, auto_map=mine)
    _edit(folder / "tokenizer_config.json", auto_map=mine)
    (folder / "trap.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\n\nclass Mine: ...\n", encoding="utf-8")
    if model_type == "bert":
        # A kind that transformers knows is loaded by its own code.
        assert _load(folder).width == 16
    else:
        assert _refusal(folder).code == "encoder_unloadable"
    assert not (tmp_path / "ran").exists()


def test_the_cache_is_where_the_environment_says(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    monkeypatch.delenv("MAEUMGYEOL_CACHE", raising=False)
    assert default_cache() == tmp_path / "xdg" / "maeumgyeol"
    monkeypatch.setenv("MAEUMGYEOL_CACHE", str(tmp_path / "mine"))
    assert default_cache() == tmp_path / "mine"


@given(st.lists(st.integers(1, 600), max_size=80))
def test_batches_hold_every_text_once_with_little_padding(lengths: list[int]) -> None:
    batches = [places.tolist() for places in encoders._batches([[0] * length for length in lengths])]
    assert sorted(place for places in batches for place in places) == list(range(len(lengths)))
    for places in batches:
        held = [lengths[place] for place in places]
        assert held == sorted(held, reverse=True)
        assert len(held) == 1 or len(held) * held[0] <= encoders._TOKENS_A_BATCH
        assert len(held) * held[0] - sum(held) <= encoders._PADDING_A_BATCH


@given(texts=st.lists(st.text(max_size=30), max_size=40), characters=st.integers(1, 60))
def test_turns_hold_each_text_once_shortest_first_and_no_more_characters_than_they_may(
    texts: list[str], characters: int
) -> None:
    turns = list_turns(texts, characters=characters)
    lengths = [[len(texts[i]) for i in turn] for turn in turns]
    assert sorted(int(i) for turn in turns for i in turn) == list(range(len(texts)))
    assert list(itertools.chain.from_iterable(lengths)) == sorted(map(len, texts))
    assert all(sum(turn) <= characters or len(turn) == 1 or sum(turn[:-1]) == 0 for turn in lengths)
    assert all(sum(one) + two[0] > characters for one, two in itertools.pairwise(lengths))


@pytest.mark.parametrize("count", [40, 100])
def test_passes_side_by_side_give_the_vectors_of_one_thread(bundled: Encoder, count: int) -> None:
    texts = ["기쁘고 즐거운 하루 " * (1 + i % 9) for i in range(count)]
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        alone = bundled.encode(texts)
        torch.set_num_threads(2)
        both = bundled.encode(texts)
    finally:
        torch.set_num_threads(before)
    np.testing.assert_array_equal(both.vectors, alone.vectors)
    np.testing.assert_array_equal(both.token_counts, alone.token_counts)

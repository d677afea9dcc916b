from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from learner.classification.classifier import Classifier
from learner.encoders import emotion_editions
from learner.encoders import encoder as encoders
from learner.errors import LearnerError
from learner.publishing import tokenizer, transformers
from tests.learner.tiny import write_tiny_encoder

if TYPE_CHECKING:
    from pathlib import Path

    from learner.encoders.encoder import Encoder

pytestmark = pytest.mark.slow

TEXTS = ["기쁘고 즐거운 하루", "슬프고  눈물이 난 하루. 슬프고 눈물이 난 하루", "하루", "눈물 " * 60]
NAMES = ["기쁨", "슬픔", "중립"]

ASKED = """
import json, sys
from transformers import pipeline
classify = pipeline("text-classification", model=sys.argv[1], top_k=None, truncation=True)
json.dump(classify(json.load(sys.stdin)), sys.stdout)
"""


def _load(name: str, cache: Path) -> Encoder:
    """Load an encoder as if it had been tuned: with the direction that its texts share."""
    checkpoint = encoders.load_checkpoint(name, cache=cache)
    common = encoders.find_common(checkpoint, checkpoint.model.eval(), TEXTS)
    return encoders.Encoder(
        name, checkpoint.model, checkpoint.tokenizer, prefix=checkpoint.prefix, digest="", common=common
    )


def _head(width: int) -> Classifier:
    """Return a head that is sure of some texts and unsure of others."""
    draw = np.random.default_rng(0)
    weight = draw.normal(scale=3, size=(3, width)).astype(np.float32)
    return Classifier(np.zeros(width, np.float32), weight, np.array([0.5, 0, -0.5], np.float32), 0.8, "")


def _as_kind(folder: Path, kind: str) -> Path:
    """Make the tiny checkpoint one of another kind."""
    import torch
    from transformers import AutoConfig, AutoModel

    told = json.loads((folder / "config.json").read_text("utf-8"))
    sizes = ("vocab_size", "hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size")
    config = AutoConfig.for_model(kind, **{size: told[size] for size in sizes}, pad_token_id=1, initializer_range=0.2)
    torch.manual_seed(0)
    AutoModel.from_config(config).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Encoder:
    folder = write_tiny_encoder(tmp_path_factory.mktemp("tiny") / "tiny-e5", "query:" + "".join(TEXTS))
    return _load(str(folder), folder)


def _proba(encoder: Encoder, head: Classifier) -> np.ndarray:
    return head.proba(head.features(encoder.encode(TEXTS).vectors, None))


@pytest.mark.parametrize("kind", ["bert", "roberta", "electra"])
def test_an_ordinary_checkpoint_answers_as_the_head_on_the_vectors_does(kind: str, tmp_path: Path) -> None:
    folder = write_tiny_encoder(tmp_path / "tiny", "".join(TEXTS))
    encoder = _load(str(folder if kind == "bert" else _as_kind(folder, kind)), tmp_path)
    head, target = _head(encoder.width), tmp_path / "out"
    target.mkdir()
    transformers.check(encoder, head)
    transformers.write(encoder, head, NAMES, target)
    tokenizer.write(encoder, target)
    proba = _proba(encoder, head)
    assert np.ptp(proba, axis=0).max() > 0.2, "the texts are told apart"
    np.testing.assert_allclose(transformers.predict(TEXTS, target), proba, atol=1e-5)


def test_texts_beside_longer_ones_are_answered_the_same(tiny: Encoder) -> None:
    import torch

    model = transformers.build(tiny, _head(tiny.width), NAMES)
    assert model.config.id2label == dict(enumerate(NAMES))
    whole = tiny.tokenizer(["기쁨", TEXTS[1]], padding=True, return_tensors="pt")
    alone = tiny.tokenizer(["기쁨"], return_tensors="pt")
    with torch.inference_mode():
        together, single = model(**whole).logits[0], model(**alone).logits[0]
    np.testing.assert_allclose(together, single, atol=1e-4)


def test_the_tokenizer_puts_the_prefix_before_a_text_and_cuts_it(tiny: Encoder, tmp_path: Path) -> None:
    from tokenizers import Tokenizer

    assert tiny.prefix == "query: "
    tokenizer.write(tiny, tmp_path)
    rows = Tokenizer.from_file(str(tmp_path / "tokenizer.json")).encode_batch(TEXTS)
    expected = tiny.tokenizer([tiny.prefix + text for text in TEXTS], truncation=True, max_length=tiny.max_tokens)
    assert [[i for i, on in zip(r.ids, r.attention_mask, strict=True) if on] for r in rows] == expected["input_ids"]
    assert len(rows[3].ids) == tiny.max_tokens


def test_what_an_ordinary_checkpoint_cannot_hold_is_refused(tiny: Encoder) -> None:
    head = _head(tiny.width)
    shifted = replace(head, mean=np.ones(tiny.width, np.float32))
    for wrong in (replace(head, text_space="n-grams"), shifted):
        with pytest.raises(LearnerError, match="ordinary_head_impossible"):
            transformers.check(tiny, wrong)
    untuned = encoders.Encoder("", tiny.model, tiny.tokenizer, prefix="", digest="")
    with pytest.raises(LearnerError, match="ordinary_head_impossible"):
        transformers.check(untuned, head)


def test_a_fully_tuned_folder_keeps_the_direction_that_it_leaves_out(tiny: Encoder, tmp_path: Path) -> None:
    assert tiny.common is not None
    plain, told = tmp_path / "plain", tmp_path / "told"
    for folder, common in ((plain, None), (told, tiny.common.tolist())):
        tiny.model.config.common_direction = common
        tiny.model.save_pretrained(folder)
        tiny.tokenizer.save_pretrained(folder)
    first, second = (encoders.load(str(folder), cache=tmp_path) for folder in (plain, told))
    assert first.common is None
    np.testing.assert_array_equal(second.common, tiny.common)
    assert first.hash != second.hash
    np.testing.assert_allclose(second.encode(TEXTS).vectors @ tiny.common, 0, atol=1e-5)


def test_an_exported_folder_serves_as_an_encoder_without_a_second_prefix(tiny: Encoder, tmp_path: Path) -> None:
    target = tmp_path / "out-e5"
    target.mkdir()
    transformers.write(tiny, _head(tiny.width), NAMES, target)
    tokenizer.write(tiny, target)
    again = encoders.load(str(target), cache=tmp_path)
    assert again.prefix == ""
    assert again.common is None
    cosines = again.encode(TEXTS).vectors @ again.encode(TEXTS).vectors.T
    vectors = tiny.encode(TEXTS).vectors
    np.testing.assert_allclose(cosines, vectors @ vectors.T, atol=1e-4)


def test_the_bundled_encoder_leaves_as_a_checkpoint_that_a_fresh_process_loads(tmp_path: Path) -> None:
    encoder = _load(emotion_editions.FIRST, encoders.default_cache())
    head = _head(encoder.width)
    transformers.write(encoder, head, NAMES, tmp_path)
    tokenizer.write(encoder, tmp_path)
    asked = [sys.executable, "-c", ASKED, str(tmp_path)]
    # From elsewhere, so that nothing of the project can be imported.
    done = subprocess.run(
        asked, input=json.dumps(TEXTS), capture_output=True, text=True, check=False, timeout=900, cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr[-2000:]
    answers = [{row["label"]: row["score"] for row in rows} for rows in json.loads(done.stdout)]
    np.testing.assert_allclose([[row[n] for n in NAMES] for row in answers], _proba(encoder, head), atol=1e-5)

"""Forms of an encoder: their names and identities, how near they are, and how fast."""

from __future__ import annotations

import itertools
import time
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from db.models.encoders import READS
from learner.encoders import bf16, smoothing
from learner.encoders import encoder as encoders
from learner.encoders.precision import (
    EXACT,
    PRECISIONS,
    Agreement,
    agreement,
    digest_of,
    machine,
    name_of,
    speeds,
    split_name,
)
from tests.learner.tiny import write_tiny_encoder

if TYPE_CHECKING:
    from learner.encoders.encoder import Encoded, Encoder

TEXTS = ["", "기쁘고 즐거운 하루", "슬프고 눈물이 난 하루. 슬프고 눈물이 난 하루", "하루"]


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Encoder:
    folder = write_tiny_encoder(tmp_path_factory.mktemp("tiny") / "tiny", "".join(TEXTS))
    return encoders.load(str(folder), cache=folder)


@given(st.text().filter(lambda name: split_name(name)[1] == EXACT), st.sampled_from(PRECISIONS))
def test_a_name_says_which_form_it_is(plain: str, precision: str) -> None:
    assert split_name(name_of(plain, precision)) == (plain, precision)


@given(st.text(), st.text())
def test_no_two_forms_share_an_identity(one: str, other: str) -> None:
    digests = [digest_of(original, precision) for original in {one, other} for precision in PRECISIONS]
    assert len(set(digests)) == len(digests)


def test_the_database_knows_the_endings_of_all_forms() -> None:
    assert all(f"'{name_of('', each)}'" in READS for each in PRECISIONS if each != EXACT)


def test_agreement_by_hand() -> None:
    exact, form = np.array([[1, 0], [0, 1]], np.float32), np.array([[1, 0], [0.8, 0.6]], np.float32)
    compared = agreement(exact, form, exact.argmax(axis=1), form.argmax(axis=1))
    assert compared == Agreement(2, pytest.approx(0.8), pytest.approx(0.6), 0.5)
    assert not compared.is_near
    assert agreement(exact, exact, exact.argmax(axis=1), exact.argmax(axis=1)).is_near
    assert not agreement(exact[:0], form[:0], np.zeros(0, np.int64), np.zeros(0, np.int64)).is_near, "nothing is known"


def test_a_machine_is_the_same_one_at_each_call() -> None:
    assert machine() == machine()


def test_each_form_is_measured_however_few_texts_there_are(original: Encoder) -> None:
    rates = speeds({"fp32": original, "bf16": bf16.in_bf16(original, "tiny-bf16")}, ["하루"], seconds=0.01)
    assert set(rates) == {"fp32", "bf16"}
    assert min(rates.values()) > 0


def test_a_form_that_is_far_too_slow_is_measured_by_one_turn(
    original: Encoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow, calls = bf16.in_bf16(original, "tiny-bf16"), []

    def encode(texts: list[str]) -> Encoded:
        calls.append(len(texts))
        time.sleep(0.2)
        return original.encode(texts)

    monkeypatch.setattr(slow, "encode", encode)
    rates = speeds({"fp32": original, "bf16": slow}, ["하루"], seconds=0.01)
    assert len(calls) == 2, "one text to begin with, and one turn"
    assert rates["bf16"] < rates["fp32"] / 2


def test_bf16_vectors_are_near_and_of_length_one(original: Encoder) -> None:
    form = bf16.in_bf16(original, "tiny-bf16")
    exact, near = original.encode(TEXTS).vectors, form.encode(TEXTS).vectors
    assert near.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(near, axis=1), 1, atol=1e-5)
    assert 0.99 < (exact * near).sum(axis=1).min() < 1
    assert form.hash == digest_of(original.hash, "bf16")
    np.testing.assert_array_equal(original.encode(TEXTS).vectors, exact)


def test_a_bf16_form_shares_what_it_does_not_replace(original: Encoder) -> None:
    form = bf16.in_bf16(original, "tiny-bf16")
    own = {each.data_ptr() for each in original.model.parameters()}
    shared = [each for each in form.model.parameters() if each.data_ptr() in own]
    assert len(shared) == len(list(form.model.parameters())), "embeddings and norms"
    assert len(shared) < len(own), "products have weights of their own"


@pytest.mark.parametrize("attention", ["sdpa", "eager"])
def test_bf16_reads_also_where_attention_multiplies_by_float32(original: Encoder, attention: str) -> None:
    exact = original.encode(TEXTS).vectors
    before = original.model.config._attn_implementation
    original.model.set_attn_implementation(attention)
    try:
        form = bf16.in_bf16(original, "tiny-bf16")
        assert (exact * form.encode(TEXTS).vectors).sum(axis=1).min() > 0.99
    finally:
        original.model.set_attn_implementation(before)


def test_smoothing_changes_no_vector_and_not_the_original(original: Encoder) -> None:
    exact = original.encode(TEXTS).vectors
    smoothed = smoothing.smooth(original)
    np.testing.assert_allclose(smoothed.encode(TEXTS).vectors, exact, atol=1e-5)
    np.testing.assert_array_equal(original.encode(TEXTS).vectors, exact)
    layers = [type(module).__name__ for _, module in smoothed.model.named_modules()]
    assert layers.count("_Smoothed") >= 6, "every layer that takes part is"


def test_smoothing_evens_out_channels_and_tokens(original: Encoder) -> None:
    smoothed = smoothing.smooth(original)
    before, after = smoothing._largest_inputs(original), dict[str, float]()
    for name, module in smoothed.model.named_modules():
        if isinstance(module, smoothing._Smoothed):
            divided = before[name] * module.inverse
            after[name] = float(divided.max() / divided.median())
    assert after
    for name, spread in after.items():
        assert spread < float(before[name].max() / before[name].median()), name


def test_every_pair_of_forms_differs_in_name_and_identity() -> None:
    for one, other in itertools.combinations(PRECISIONS, 2):
        assert name_of("e", one) != name_of("e", other)
        assert digest_of("h", one) != digest_of("h", other)

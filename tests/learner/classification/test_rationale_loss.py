from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from learner.classification.classifier import bootstrap, fit_head, one_hot, train
from learner.classification.rationale_loss import LEAST_EVIDENCE, PRICE, Marked, weights_of, without_span

if TYPE_CHECKING:
    from numpy.typing import NDArray

    FloatArray = NDArray[np.float32]

K = 3
WIDTH = 8
SPURIOUS = np.eye(WIDTH, dtype=np.float32)[-1]


def _examples(seed: int = 0, n: int = 120) -> tuple[FloatArray, NDArray[np.int64]]:
    """Return features whose last column goes with label 0 by chance, and labels that the first columns tell."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, K, n)
    features = rng.normal(0, 0.4, (n, WIDTH)).astype(np.float32)
    features[np.arange(n), labels] += 1
    features[:, -1] = labels == 0
    return features, labels


def _marked(m: int = 20, column: int = 0, *, is_right: bool = False) -> Marked:
    return Marked(np.tile(SPURIOUS, (m, 1)), np.full(m, column), np.full(m, is_right))


def _pull(weight: FloatArray, column: int = 0) -> float:
    """Return what the spurious feature adds to a label's centred logit."""
    return float((weight[:, -1] - weight[:, -1].mean())[column])


def test_a_marked_word_hardly_moves_its_label_any_more() -> None:
    features, labels = _examples()
    before, _ = fit_head(features, labels, k=K)
    after, _ = fit_head(features, labels, k=K, marked=_marked())
    assert _pull(before) > 0.5
    assert abs(_pull(after)) < 0.1 * _pull(before)


def test_the_more_often_a_word_is_marked_the_less_it_moves_its_label() -> None:
    features, labels = _examples()
    pulls = [_pull(fit_head(features, labels, k=K, marked=_marked(m))[0]) for m in (1, 5, 25)]
    assert pulls == sorted(pulls, reverse=True)
    assert pulls[0] > pulls[-1] >= -1e-3


def test_a_mark_that_changes_nothing_of_the_features_changes_nothing_of_the_head() -> None:
    features, labels = _examples()
    nothing = Marked(np.zeros((4, WIDTH), np.float32), np.zeros(4, np.int64), np.zeros(4, np.bool_))
    for with_marks, plain in zip(
        fit_head(features, labels, k=K, marked=nothing), fit_head(features, labels, k=K), strict=True
    ):
        np.testing.assert_allclose(with_marks, plain, atol=1e-5)


def test_every_head_of_a_round_heeds_the_marks() -> None:
    features, labels = _examples()
    targets, mean = one_hot(labels, K), np.zeros(1, np.float32)
    trained = train(features, targets, mean=mean, text_space="", seed=0, marked=_marked())
    plain = train(features, targets, mean=mean, text_space="", seed=0)
    assert abs(_pull(trained.classifier.weight)) < 0.1 * _pull(plain.classifier.weight)
    # A head that had not seen them would lean on the word.
    shift = np.abs(trained.out_of_fold - plain.out_of_fold).max()
    assert shift > 0.01
    for weight, _ in bootstrap(features, targets, start=trained.classifier, seed=0, marked=_marked()):
        assert abs(_pull(weight)) < 0.2 * _pull(plain.classifier.weight)


def test_the_price_is_counted_by_hand() -> None:
    import torch

    weight = torch.tensor([[1.0, 0.0], [0.0, 0.0], [-1.0, 3.0]])
    # Centred on the labels: (1, -1), (0, -1), (-1, 2). So the words add 1, 0 and -1.
    effects = np.array([[1, 0], [2, 1], [1, 0]], np.float32)
    marked = Marked(effects, np.array([0, 2, 2]), np.array([False, False, True]))
    assert float(marked.price(weight)) == pytest.approx(PRICE * (1.0**2 + 0.0**2 + (LEAST_EVIDENCE + 1) ** 2))
    assert len(marked) == 3


def test_evidence_that_speaks_for_its_label_enough_costs_nothing() -> None:
    import torch

    weight = torch.zeros(K, WIDTH)
    weight[0, -1] = 3 * LEAST_EVIDENCE  # centred: twice the least
    assert float(_marked(is_right=True).price(weight)) == 0
    assert float(_marked(is_right=False).price(weight)) > 0


def test_a_word_that_is_called_evidence_speaks_for_its_label() -> None:
    features, labels = _examples()
    features[:, -1] = np.random.default_rng(1).random(len(labels)) < 0.3
    before, _ = fit_head(features, labels, k=K)
    after, _ = fit_head(features, labels, k=K, marked=_marked(column=1, is_right=True))
    assert _pull(before, 1) < 0
    assert _pull(after, 1) == pytest.approx(LEAST_EVIDENCE, abs=0.05)


def test_weights_are_differences_of_centred_logits() -> None:
    with_words = np.array([[2.0, 0.0, 1.0], [0.0, 1.0, 0.0]], np.float32)
    without_words = np.array([[0.0, 0.0, 0.0], [0.0, 1.0, 0.0]], np.float32)
    np.testing.assert_allclose(weights_of(with_words, without_words, np.array([0, 1])), [1.0, 0.0], atol=1e-6)
    assert weights_of(np.zeros((0, 3), np.float32), np.zeros((0, 3), np.float32), np.zeros(0, np.int64)).shape == (0,)


@pytest.mark.parametrize(
    ("text", "span", "left"),
    [
        ("오늘 눈물이 났다", (3, 6), "오늘 났다"),
        ("눈물이 났다", (0, 3), "났다"),
        ("났다", (0, 2), ""),
        ("ㅠㅠ🥲", (0, 2), "🥲"),
    ],
)
def test_a_word_is_taken_out_with_its_space(text: str, span: tuple[int, int], left: str) -> None:
    assert without_span(text, span) == left

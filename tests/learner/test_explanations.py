from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from learner.errors import LearnerError
from learner.explanations import Explained, explain, seed_of
from learner.sentences import fallback
from learner.units import UNITS

if TYPE_CHECKING:
    from collections.abc import Callable

    from lime.explanation import Explanation
    from numpy.typing import NDArray

    ProbaOf = Callable[[list[str]], NDArray[np.float32]]

WORTH = {"눈물이": 2.0, "혼자": 1.0, "웃었다": -2.0, "친구가": -1.0, "비가": 0.5, "밥을": -0.3}
TEXT = "비가 와서 혼자 집에 있다가 눈물이 났는데 친구가 와서 밥을 먹고 웃었다"


def softmax_of(score: Callable[[str], float]) -> ProbaOf:
    """Return a classifier of two labels, the first the likelier the higher the score."""

    def proba_of(texts: list[str]) -> NDArray[np.float32]:
        first = 1 / (1 + np.exp([-score(text) for text in texts]))
        return np.column_stack([first, 1 - first]).astype(np.float32)

    return proba_of


def words_of(text: str) -> list[str]:
    return text.split()


linear = softmax_of(lambda text: sum(WORTH.get(word, 0) for word in words_of(text)))


class Counting:
    """A classifier that keeps what it was asked."""

    def __init__(self, proba_of: ProbaOf) -> None:
        self.proba_of = proba_of
        self.texts: list[str] = []
        self.calls = 0

    def __call__(self, texts: list[str]) -> NDArray[np.float32]:
        self.texts += texts
        self.calls += 1
        return self.proba_of(texts)


def by_word(text: str, explained: Explained, label: int = 0) -> list[tuple[str, float]]:
    weights = explained.weights[:, label].tolist()
    return [(text[start:end], weight) for (start, end), weight in zip(explained.spans, weights, strict=True)]


def run(text: str, proba_of: ProbaOf, **options: object) -> Explained:
    given: dict[str, object] = {"unit": "eojeol", "sentences": fallback(text), "seed": 1} | options
    return explain(text, proba_of=proba_of, **given)  # type: ignore[arg-type]


def lime_of(text: str, *, samples: int) -> Explanation:
    """Return lime's own explanation: by position, words removed, the spaces around them left."""
    from lime.lime_text import LimeTextExplainer

    explainer = LimeTextExplainer(
        split_expression=r"\s+", bow=False, mask_string="", feature_selection="none", random_state=0
    )
    return explainer.explain_instance(text, linear, labels=(0,), num_features=99, num_samples=samples)


def test_drawn_masks_give_the_weights_of_lime() -> None:
    reference = np.array([weight for _, weight in sorted(lime_of(TEXT, samples=5_000).local_exp[0])])
    ours = run(TEXT, linear).weights[:, 0]
    assert len(ours) == len(reference)
    assert np.corrcoef(ours, reference)[0, 1] > 0.98
    assert np.argsort(-np.abs(ours))[:4].tolist() == np.argsort(-np.abs(reference))[:4].tolist()


def test_all_masks_give_what_lime_tends_to_with_many_samples() -> None:
    text = "비가 와서 혼자 눈물이 났다"
    reference = lime_of(text, samples=20_000)
    explained = run(text, linear, budget=32)
    assert explained.sample_count == 32
    expected = [weight for _, weight in sorted(reference.local_exp[0])]
    np.testing.assert_allclose(explained.weights[:, 0], expected, atol=0.01)
    assert explained.fit[0] == pytest.approx(reference.score, abs=0.01)


def test_the_largest_weights_lie_on_the_words_that_decide() -> None:
    explained = run(TEXT, linear)
    ranked = sorted(by_word(TEXT, explained), key=lambda pair: -abs(pair[1]))
    assert {word for word, _ in ranked[:2]} == {"눈물이", "웃었다"}
    assert dict(ranked)["눈물이"] > 0 > dict(ranked)["웃었다"]
    np.testing.assert_allclose(explained.weights[:, 0], -explained.weights[:, 1], atol=1e-4)
    assert (explained.fit > 0.8).all()


def test_a_negation_shows_with_what_it_negates() -> None:
    def score(text: str) -> float:
        words = words_of(text)
        return 3.0 * ("행복해" in words) * (-1 if "안" in words else 1)

    weights = dict(by_word("오늘은 하나도 안 행복해", run("오늘은 하나도 안 행복해", softmax_of(score))))
    assert weights["안"] < -0.3
    assert abs(weights["오늘은"]) < 0.3 * abs(weights["안"])
    assert abs(weights["하나도"]) < 0.3 * abs(weights["안"])


def test_equal_words_at_different_places_are_different_units() -> None:
    text = "눈물이 나고 또 눈물이 났다"
    # Only a word at the start counts.
    explained = run(text, softmax_of(lambda changed: 3.0 * changed.startswith("눈물이 나고")))
    found = by_word(text, explained)
    assert found[0][0] == found[3][0] == "눈물이"
    assert found[0][1] > 0.2
    assert abs(found[3][1]) < 0.1


def test_equal_changed_texts_are_asked_about_once() -> None:
    counting = Counting(linear)
    explained = run("혼자 혼자 혼자 혼자 혼자", counting)
    assert len(counting.texts) == len(set(counting.texts)) == explained.sample_count == 6
    assert np.ptp(explained.weights[:, 0]) < 1e-4


@pytest.mark.parametrize("unit", UNITS)
def test_the_same_seed_gives_the_same_explanation(unit: str) -> None:
    one, same = (run(TEXT, linear, unit=unit, seed=7) for _ in range(2))
    assert one.spans == same.spans == UNITS[unit](TEXT)[: len(one.spans)]
    np.testing.assert_array_equal(one.weights, same.weights)
    np.testing.assert_array_equal(one.fit, same.fit)


def test_where_all_masks_fit_the_seed_has_no_influence() -> None:
    one, other = (run("비가 와서 혼자 눈물이 났다", linear, seed=seed) for seed in (1, 2))
    np.testing.assert_array_equal(one.weights, other.weights)


def test_offsets_are_those_of_the_raw_text() -> None:
    text = "  혼자\u3000\n 눈물이!! 👩\u200d👧 \x00났다 "
    explained = run(text, linear)
    assert [text[start:end] for start, end in explained.spans] == ["혼자", "눈물이!!", "👩\u200d👧", "\x00났다"]


def diary_with(sentence: str, *, place: int, count: int, words: int = 6) -> str:
    neutral = [" ".join(f"말{number}_{word}" for word in range(words)) + "." for number in range(count)]
    return " ".join([*neutral[:place], sentence, *neutral[place:]])


@pytest.mark.parametrize(("count", "place"), [(5, 0), (8, 5), (60, 33), (400, 399)])
def test_of_a_long_diary_the_sentence_that_matters_is_examined(count: int, place: int) -> None:
    text = diary_with("혼자 있다가 눈물이 났다.", place=place, count=count)
    counting = Counting(linear)
    explained = run(text, counting)
    found = by_word(text, explained)
    assert 12 <= len(found) <= 24
    assert [word for word, _ in sorted(found, key=lambda pair: -pair[1])[:2]] == ["눈물이", "혼자"]
    assert list(explained.spans) == sorted(explained.spans)
    assert len(counting.texts) == explained.sample_count <= 160
    assert counting.texts[0] == text


def test_a_long_run_without_sentences_is_narrowed_too() -> None:
    words = [f"말{number}" for number in range(10_000)]
    words[7_123] = "눈물이"
    text = " ".join(words)
    explained = run(text, linear, sentences=[(0, len(text))])
    assert len(explained.spans) <= 24
    assert max(by_word(text, explained), key=lambda pair: pair[1])[0] == "눈물이"


def test_a_short_sentence_that_matters_most_does_not_hide_the_long_ones() -> None:
    long_one = " ".join(["눈물이", *(f"말{number}" for number in range(40))]) + "."
    explained = run(f"웃었다 {long_one}", linear, sentences=[(0, 3), (4, 4 + len(long_one))])
    assert len(explained.spans) >= 12


def test_one_unit_weighs_what_the_probability_loses_without_it() -> None:
    explained = run(" 눈물이\n", linear)
    lost = linear(["눈물이"])[0] - linear([""])[0]
    np.testing.assert_allclose(explained.weights, lost[None, :], atol=1e-6)
    assert explained.spans == ((1, 4),)
    assert explained.fit.tolist() == [1, 1]


@pytest.mark.parametrize("text", ["", "  ", "\n\u3000"])
def test_a_blank_text_has_no_units_and_asks_once(text: str) -> None:
    counting = Counting(linear)
    explained = run(text, counting)
    assert explained.spans == ()
    assert explained.weights.shape == (0, 2)
    assert explained.fit.tolist() == [0, 0]
    assert counting.texts == [text]


@pytest.mark.parametrize("unit", UNITS)
@pytest.mark.parametrize("text", ["😀", "😀😀😀", "👩\u200d👧 ❤\ufe0f", "ㅋㅋㅋㅋ ㅠㅠ", "\x00 \ud800", "."])
def test_text_without_words_is_explained(text: str, unit: str) -> None:
    explained = run(text, softmax_of(lambda changed: len(changed) / 3), unit=unit)
    assert explained.weights.shape == (len(explained.spans), 2)
    assert np.isfinite(explained.weights).all()
    assert "".join(text[start:end] for start, end in explained.spans) == text.replace(" ", "")


def test_a_model_with_one_label_has_nothing_to_weigh() -> None:
    explained = run(TEXT, lambda texts: np.ones((len(texts), 1), np.float32))
    assert explained.weights.shape == (12, 1)
    assert not explained.weights.any()
    assert explained.fit.tolist() == [1]


@pytest.mark.parametrize(
    ("options", "code"), [({"unit": "문단"}, "unit_unknown"), ({"budget": 7}, "explanation_budget")]
)
def test_what_cannot_be_asked_is_refused(options: dict[str, object], code: str) -> None:
    with pytest.raises(LearnerError) as caught:
        run(TEXT, linear, **options)
    assert caught.value.code == code


def test_probabilities_that_are_not_numbers_are_refused() -> None:
    with pytest.raises(LearnerError) as caught:
        run(TEXT, lambda texts: np.full((len(texts), 2), np.nan, np.float32))
    assert caught.value.code == "proba_not_finite"


def test_the_seed_depends_on_the_model_the_diary_and_the_unit() -> None:
    seeds = [
        seed_of("a", "b", "eojeol"),
        seed_of("ab", "", "eojeol"),
        seed_of("a", b"b", "eojeol"),
        seed_of("a", 1, "eojeol"),
        seed_of("a", "1", "eojeol"),
        seed_of("a", "b", "morpheme"),
        seed_of("c", "b", "eojeol"),
    ]
    assert len(set(seeds)) == len(seeds)
    assert all(0 <= seed < 2**63 for seed in seeds)
    # Stored explanations were made with these seeds: they may not change between versions or platforms.
    assert seeds[0] == 118_019_123_012_301_307

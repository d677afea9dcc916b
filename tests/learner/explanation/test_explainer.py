from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from learner.errors import LearnerError
from learner.explanation import explainer as explanations
from learner.explanation import perturbations, unit_selection
from learner.explanation.explainer import SENTENCE, Explained, explain, seed_of
from learner.explanation.explanation_cache import ExplanationCache, from_bytes
from learner.explanation.explanation_run import against_the_rest
from learner.explanation.local_surrogate import LocalModel
from learner.text.sentences import fallback
from learner.text.units import UNITS

if TYPE_CHECKING:
    from collections.abc import Callable

    from lime.explanation import Explanation
    from numpy.typing import NDArray

    FeaturesOf = Callable[[list[str]], NDArray[np.float32]]

DIARIES = st.lists(
    st.one_of(
        st.sampled_from(["학교에 ", "안 갔어요. ", "ㅋㅋㅋ", "ㅠㅠ", "👩\u200d👧", "각", "\x00", "\ud800", "\n", "  "]),
        st.characters(exclude_categories=()),
    ),
    max_size=25,
).map("".join)

HEAD = (np.array([[1.0], [-1.0]], np.float32), np.zeros(2, np.float32))
"""Of two labels: the one feature is the first one's score, and the other's with its sign turned."""

WORTH = {"눈물이": 2.0, "혼자": 1.0, "웃었다": -2.0, "친구가": -1.0, "비가": 0.5, "밥을": -0.3}
TEXT = "비가 와서 혼자 집에 있다가 눈물이 났는데 친구가 와서 밥을 먹고 웃었다"


def feature_of(score: Callable[[str], float]) -> FeaturesOf:
    """Return features of one column: the score."""
    return lambda texts: np.array([[score(text)] for text in texts], np.float32)


def words_of(text: str) -> list[str]:
    return text.split()


linear = feature_of(lambda text: sum(WORTH.get(word, 0) for word in words_of(text)))


class Counting:
    """An encoder that keeps what it was asked."""

    def __init__(self, features_of: FeaturesOf) -> None:
        self.features_of = features_of
        self.texts: list[str] = []

    def __call__(self, texts: list[str]) -> NDArray[np.float32]:
        self.texts += texts
        return self.features_of(texts)


def by_word(text: str, explained: Explained, label: int = 0) -> list[tuple[str, float]]:
    weights = explained.weights[:, label].tolist()
    return [(text[start:end], weight) for (start, end), weight in zip(explained.spans, weights, strict=True)]


def both(text: str, features_of: FeaturesOf, **options: object) -> tuple[Explained, ExplanationCache]:
    given: dict[str, object] = {"unit": "eojeol", "sentences": fallback(text), "seed": 1, "head": HEAD} | options
    return explain(text, features_of=features_of, **given)  # type: ignore[arg-type]


def run(text: str, features_of: FeaturesOf, **options: object) -> Explained:
    return both(text, features_of, **options)[0]


def lime_of(text: str, *, samples: int) -> Explanation:
    """Return lime's own explanation of the score: by position, words removed, the spaces around them left."""
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
    assert set(np.argsort(-np.abs(ours))[:4]) == set(np.argsort(-np.abs(reference))[:4])


def test_all_masks_give_what_lime_tends_to_with_many_samples() -> None:
    text = "비가 와서 혼자 눈물이 났다"
    reference = lime_of(text, samples=20_000)
    explained = run(text, linear, budget=32)
    assert (explained.sample_count, explained.stability) == (32, 1)
    expected = [weight for _, weight in sorted(reference.local_exp[0])]
    np.testing.assert_allclose(explained.weights[:, 0], expected, atol=0.01)
    assert explained.r_squared[0] == pytest.approx(reference.score, abs=0.01)


def test_the_method_lime_gives_the_numbers_of_the_lime_package() -> None:
    from lime.lime_text import LimeTextExplainer

    theirs = LimeTextExplainer(
        split_expression=r"\s+", bow=False, mask_string="", feature_selection="none", random_state=7
    ).explain_instance(TEXT, linear, labels=(0,), num_features=99)
    ours = run(TEXT, linear, method="lime", seed=2**40 + 7)
    np.testing.assert_allclose(ours.weights[:, 0], [weight for _, weight in sorted(theirs.local_exp[0])], atol=1e-4)
    assert ours.r_squared[0] == pytest.approx(theirs.score, abs=1e-4)


def test_a_new_head_is_explained_by_lime_without_the_encoder_too() -> None:
    head = (0.1 * np.random.default_rng(0).normal(size=(3, 40)).astype(np.float32), np.zeros(3, np.float32))
    _, cache = both(TEXT, wide, head=head, method="lime")
    counting = Counting(wide)
    other = (-head[0], head[1])
    again, _ = both(TEXT, counting, head=other, method="lime", cache=from_bytes(cache.to_bytes()))
    direct = run(TEXT, wide, head=other, method="lime")
    assert len(counting.texts) <= 3
    np.testing.assert_allclose(again.weights, direct.weights, atol=1e-3)


def test_weights_that_chance_may_explain_are_not_called_stable_by_lime_either() -> None:
    chance = feature_of(lambda text: float(np.random.default_rng(hash_of(text)).normal()))
    explained = run(LONG, chance, method="lime")
    assert explained.stability < 0.7
    assert explained.r_squared[0] < 0.1
    assert run(LONG, feature_of(lambda text: sum(worth_of(text))), method="lime").stability == 1


def test_the_largest_weights_lie_on_the_words_that_decide() -> None:
    explained = run(TEXT, linear)
    ranked = sorted(by_word(TEXT, explained), key=lambda pair: -abs(pair[1]))
    assert {word for word, _ in ranked[:2]} == {"눈물이", "웃었다"}
    assert dict(ranked)["눈물이"] > 0 > dict(ranked)["웃었다"]
    np.testing.assert_allclose(explained.weights[:, 0], -explained.weights[:, 1], atol=1e-4)
    assert (explained.r_squared > 0.95).all()
    assert explained.stability == 1, "there is no chance in a linear score"


def test_a_negation_shows_with_what_it_negates() -> None:
    def score(text: str) -> float:
        words = words_of(text)
        return 3.0 * ("행복해" in words) * (-1 if "안" in words else 1)

    weights = dict(by_word("오늘은 하나도 안 행복해", run("오늘은 하나도 안 행복해", feature_of(score))))
    assert weights["안"] < -1
    assert abs(weights["오늘은"]) < 0.3 * abs(weights["안"])
    assert abs(weights["하나도"]) < 0.3 * abs(weights["안"])


def test_equal_words_at_different_places_are_different_units() -> None:
    text = "눈물이 나고 또 눈물이 났다"
    # Only a word at the start counts.
    explained = run(text, feature_of(lambda changed: 3.0 * changed.startswith("눈물이 나고")))
    scores = by_word(text, explained)
    assert scores[0][0] == scores[3][0] == "눈물이"
    assert scores[0][1] > 1
    assert abs(scores[3][1]) < 0.1 * scores[0][1]


def test_equal_perturbed_texts_are_encoded_once() -> None:
    counting = Counting(linear)
    explained = run("혼자 혼자 혼자 혼자 혼자", counting)
    assert len(counting.texts) == len(set(counting.texts)) == 6
    assert np.ptp(explained.weights[:, 0]) < 1e-4


@pytest.mark.parametrize("unit", UNITS)
def test_the_same_seed_gives_the_same_explanation(unit: str) -> None:
    one, same = (run(TEXT, linear, unit=unit, seed=7) for _ in range(2))
    assert one.spans == same.spans == UNITS[unit](TEXT)[: len(one.spans)]
    np.testing.assert_array_equal(one.weights, same.weights)
    np.testing.assert_array_equal(one.r_squared, same.r_squared)


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
    explained = run(text, counting, most_units=24)
    scores = by_word(text, explained)
    assert 12 <= len(scores) <= 24
    assert [word for word, _ in sorted(scores, key=lambda pair: -pair[1])[:2]] == ["눈물이", "혼자"]
    assert list(explained.spans) == sorted(explained.spans)
    assert counting.texts[0] == text
    changed = explanations.budget_of(text, 80, has_gradients=False) + 3 * perturbations.CHUNK
    by_themselves = len(scores) + unit_selection.REST + 1
    assert explained.sample_count <= changed + by_themselves


def test_a_long_run_without_sentences_is_narrowed_too() -> None:
    words = [f"말{number}" for number in range(10_000)]
    words[7_123] = "눈물이"
    text = " ".join(words)
    explained = run(text, linear, sentences=[(0, len(text))])
    assert len(explained.spans) <= explanations.MOST_UNITS
    assert max(by_word(text, explained), key=lambda pair: pair[1])[0] == "눈물이"


def test_a_short_sentence_that_matters_most_does_not_hide_the_long_ones() -> None:
    long_one = " ".join(["눈물이", *(f"말{number}" for number in range(40))]) + "."
    explained = run(f"웃었다 {long_one}", linear, sentences=[(0, 3), (4, 4 + len(long_one))])
    assert len(explained.spans) >= 12


def test_one_unit_weighs_what_the_score_loses_without_it() -> None:
    explained = run(" 눈물이\n", linear)
    np.testing.assert_allclose(explained.weights, [[2, -2]], atol=1e-6)
    assert explained.spans == ((1, 4),)
    assert explained.r_squared.tolist() == [1, 1]


@pytest.mark.parametrize("text", ["", "  ", "\n\u3000"])
def test_a_blank_text_has_no_units_and_asks_once(text: str) -> None:
    counting = Counting(linear)
    explained = run(text, counting, sentences=[])
    assert explained.spans == ()
    assert explained.weights.shape == (0, 2)
    assert explained.r_squared.tolist() == [0, 0]
    assert explained.removal_check is None
    assert counting.texts == [text]


@pytest.mark.parametrize("unit", UNITS)
@pytest.mark.parametrize("text", ["😀", "😀😀😀", "👩\u200d👧 ❤\ufe0f", "ㅋㅋㅋㅋ ㅠㅠ", "\x00 \ud800", "."])
def test_text_without_words_is_explained(text: str, unit: str) -> None:
    explained = run(text, feature_of(lambda changed: len(changed) / 3), unit=unit)
    assert explained.weights.shape == (len(explained.spans), 2)
    assert np.isfinite(explained.weights).all()
    assert "".join(text[start:end] for start, end in explained.spans) == text.replace(" ", "")


def test_a_model_with_one_label_has_nothing_to_weigh() -> None:
    explained = run(TEXT, linear, head=(np.ones((1, 1), np.float32), np.zeros(1, np.float32)))
    assert explained.weights.shape == (12, 1)
    assert not explained.weights.any()
    assert explained.r_squared.tolist() == [1]
    assert explained.removal_check is None


@pytest.mark.parametrize(
    ("options", "code"), [({"unit": "문단"}, "unit_unknown"), ({"budget": 7}, "explanation_budget")]
)
def test_what_cannot_be_asked_is_refused(options: dict[str, object], code: str) -> None:
    with pytest.raises(LearnerError) as caught:
        run(TEXT, linear, **options)
    assert caught.value.code == code


def test_features_that_are_not_numbers_are_refused() -> None:
    with pytest.raises(LearnerError) as caught:
        run(TEXT, lambda texts: np.full((len(texts), 1), np.nan, np.float32))
    assert caught.value.code == "vectors_not_finite"


@settings(deadline=None, max_examples=40)
@given(text=DIARIES, unit=st.sampled_from([*UNITS, SENTENCE]))
def test_any_text_is_explained_at_its_own_offsets_and_the_same_again(text: str, unit: str) -> None:
    def length(changed: str) -> float:
        return len(changed) / 7 + changed.count("ㅋ")

    one, same = (run(text, feature_of(length), unit=unit, seed=seed_of(text, unit)) for _ in range(2))
    assert (one.spans, one.removal_check, one.sample_count) == (same.spans, same.removal_check, same.sample_count)
    np.testing.assert_array_equal(one.weights, same.weights)
    assert np.isfinite(one.weights).all()
    covered = [place for start, end in one.spans for place in range(start, end) if not text[place].isspace()]
    assert covered == [place for place, character in enumerate(text) if not character.isspace()]


def test_sentences_can_be_the_units() -> None:
    text = "비가 왔다. 혼자 눈물이 났다. 밥을 먹었다."
    explained = run(text, linear, unit=SENTENCE)
    strongest, _ = max(by_word(text, explained), key=lambda pair: pair[1])
    assert (len(explained.spans), strongest.strip()) == (3, "혼자 눈물이 났다.")


# Another head


LONG = diary_with(
    "혼자 말 말 말 말 말 말 눈물이. 웃었다 말 말 말 말 말 말 말. 친구가 말 말 말 말 말 말 말.", place=3, count=9
)


def wide(texts: list[str]) -> NDArray[np.float32]:
    """Return forty features that are not linear in the words."""
    counts = np.array([[text.count(chr(0xAC00 + 37 * i)) + len(text) % (i + 2) for i in range(39)] for text in texts])
    return np.asarray(np.hstack([linear(texts), np.sin(counts)]), np.float32)


@pytest.mark.parametrize("text", ["눈물이", TEXT, LONG])
def test_another_head_is_explained_without_the_encoder_and_exactly(text: str) -> None:
    rng = np.random.default_rng(0)
    first = (0.1 * rng.normal(size=(3, 40)).astype(np.float32), np.zeros(3, np.float32))
    other = (0.1 * rng.normal(size=(3, 40)).astype(np.float32), np.ones(3, np.float32))
    # The same sentences matter to both: otherwise the other one has to look elsewhere.
    first[0][:, 0] = other[0][:, 0] = [4, 0, -4]
    _, kept = both(text, wide, head=first)
    counting = Counting(wide)
    again, _ = both(text, counting, head=other, cache=from_bytes(kept.to_bytes()))
    direct = run(text, wide, head=other)
    assert len(counting.texts) <= 3, "at most the text without its strongest words, which may be others now, a label"
    assert again.spans == direct.spans
    np.testing.assert_allclose(again.weights, direct.weights, atol=1e-3)
    np.testing.assert_allclose(again.sentence_probabilities, direct.sentence_probabilities, atol=1e-6)


def test_what_was_removed_for_one_head_is_removed_for_the_next_if_it_weighs_nearly_as_much() -> None:
    # The features are how much of 눈물이 and of 혼자 there is; a head says how much each counts.
    two = lambda texts: np.array([[text.count("눈물이"), text.count("혼자")] for text in texts], np.float32)  # noqa: E731

    def head(tears: float, alone: float) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        return np.array([[tears, alone], [0, 0]], np.float32), np.zeros(2, np.float32)

    first, kept = both(TEXT, two, head=head(2.0, 0.2))
    assert first.removal_check is not None
    assert [TEXT[slice(*span)] for span in first.removal_check.spans] == ["눈물이"]
    counting = Counting(two)
    near, _ = both(TEXT, counting, head=head(2.0, 0.68), cache=from_bytes(kept.to_bytes()), budget=32)
    assert near.removal_check is not None
    assert near.removal_check.spans != first.removal_check.spans, "with both words the fall is a third larger"
    near, _ = both(TEXT, counting, head=head(2.0, 0.4), cache=from_bytes(kept.to_bytes()))
    assert near.removal_check is not None
    assert near.removal_check.spans == first.removal_check.spans
    against, _ = both(TEXT, counting, head=head(-2.0, 2.4), cache=from_bytes(kept.to_bytes()))
    assert against.removal_check is not None
    assert [TEXT[slice(*span)] for span in against.removal_check.spans] == ["혼자"]


def test_a_head_that_prefers_the_second_likeliest_label_is_explained_without_the_encoder() -> None:
    # 눈물이 speaks for the first label, 혼자 for the second; only the biases differ.
    two = lambda texts: np.array([[text.count("눈물이"), text.count("혼자")] for text in texts], np.float32)  # noqa: E731
    weight = np.array([[2, 0], [0, 1], [-1, -1]], np.float32)
    tears, kept = both(TEXT, two, head=(weight, np.zeros(3, np.float32)))
    counting = Counting(two)
    alone, _ = both(TEXT, counting, head=(weight, np.array([0, 3, 0], np.float32)), cache=kept)
    assert tears.removal_check is not None
    assert alone.removal_check is not None
    assert (tears.removal_check.label, alone.removal_check.label) == (0, 1)
    assert [TEXT[slice(*span)] for span in (*tears.removal_check.spans, *alone.removal_check.spans)] == [
        "눈물이",
        "혼자",
    ]
    assert counting.texts == []


def test_what_is_kept_of_other_sentences_is_not_used() -> None:
    _, kept = both(LONG, linear, most_units=24)
    counting = Counting(linear)
    run(LONG, counting, sentences=[(0, 40), (40, len(LONG))], cache=kept, most_units=24)
    assert len(counting.texts) > 10


# What is said beside the weights


def test_the_deletion_check_removes_the_words_that_speak_for_the_label() -> None:
    check = run(TEXT, linear).removal_check
    assert check is not None
    assert (check.label, [TEXT[start:end] for start, end in check.spans]) == (0, ["혼자", "눈물이"])
    assert check.before == pytest.approx(1 / (1 + np.exp(-0.4)), abs=1e-5)
    assert check.after == pytest.approx(1 / (1 + np.exp(5.6)), abs=1e-5)


MANY_WORDS = "오늘은 아침부터 눈물이 났다 그리고 저녁에는 친구와 밥을 먹었다"


def test_beside_the_check_as_many_random_words_are_removed() -> None:
    check = run(MANY_WORDS, linear).removal_check
    assert check is not None
    assert [MANY_WORDS[start:end] for start, end in check.spans] == ["눈물이"]
    assert check.after_random is not None
    possible = [check.before, check.after]
    assert check.after < check.after_random <= check.before + 1e-6
    # The mean of three draws, each of which removes 눈물이 or a word that changes nothing.
    thirds = [possible[0] + (possible[1] - possible[0]) * i / 3 for i in range(4)]
    assert min(abs(check.after_random - third) for third in thirds) < 1e-5


def test_a_text_of_few_words_has_no_random_baseline() -> None:
    check = run("혼자 눈물이 났다", linear).removal_check
    assert check is not None
    assert check.spans
    assert check.after_random is None


def test_another_head_removes_the_same_random_words_without_the_encoder() -> None:
    two = lambda texts: np.array([[text.count("눈물이"), text.count("친구와")] for text in texts], np.float32)  # noqa: E731
    weight = np.array([[2, 0], [0, 1], [-1, -1]], np.float32)
    first, kept = both(MANY_WORDS, two, head=(weight, np.zeros(3, np.float32)))
    counting = Counting(two)
    second, _ = both(MANY_WORDS, counting, head=(weight, np.array([0, 3, 0], np.float32)), cache=kept)
    assert first.removal_check is not None
    assert second.removal_check is not None
    assert None not in (first.removal_check.after_random, second.removal_check.after_random)
    assert counting.texts == []


def test_each_sentence_has_probabilities_by_itself() -> None:
    text = "눈물이 났다. 웃었다. 밥을 먹었다."
    arc = run(
        text, feature_of(lambda changed: 3.0 * ("눈물이" in changed) - 3.0 * ("웃었다" in changed))
    ).sentence_probabilities
    assert arc.shape == (3, 2)
    assert arc[:, 0].round(2).tolist() == [1.0, 0.0, 0.5]


def test_where_gradients_are_known_two_words_of_about_the_same_weight_have_no_certain_order() -> None:
    matrix = np.eye(3, dtype=np.float32)
    errors, none = np.zeros(3, np.float32), np.zeros((1, 3), np.float32)
    groups = (((0, 1),), ((2, 3),), ((4, 5),))
    model = LocalModel(groups, matrix, errors, none, none, none, sample_count=9, chunks=2, has_gradients=True)
    near, far = (np.array(x, np.float32) for x in ([1.0, 0.97, 0.1], [1.0, 0.5, 0.1]))
    assert 0.5 < model.stability(near) < 0.7
    assert model.stability(far) > 0.99
    assert replace(model, has_gradients=False).stability(near) == 1
    assert replace(model, chunks=0).stability(near) == 1


def test_weights_that_chance_may_explain_are_not_called_stable() -> None:
    rng = np.random.default_rng(3)
    noise: dict[str, float] = {}

    def lot(text: str) -> float:
        return noise.setdefault(text, float(rng.normal()))

    explained = run(LONG, feature_of(lot))
    assert explained.stability < 0.7
    assert explained.r_squared[0] < 0.7


def test_against_the_rest_the_likeliest_other_label_counts_most() -> None:
    weights = np.array([[1.0, 0.5, -3.0]], np.float32)
    log_odds = against_the_rest(weights, np.array([0.6, 0.4, 0.0], np.float32), 0)
    assert log_odds.tolist() == pytest.approx([0.5])


def test_the_seed_depends_on_the_diary_and_the_unit() -> None:
    seeds = [seed_of("b", "eojeol"), seed_of(b"b", "eojeol"), seed_of(1, "eojeol"), seed_of("1", "eojeol")]
    seeds += [seed_of("b", "morpheme")]
    assert len(set(seeds)) == len(seeds)
    assert all(0 <= seed < 2**63 for seed in seeds)
    # Stored explanations were made with these seeds: they may not change between versions or platforms.
    assert seeds[0] == 7_766_536_479_455_801_017


LONG = " ".join(f"{word}{place}" for place in range(6) for word in WORTH)
"""36 words, too many for all perturbed texts."""


def worth_of(text: str) -> list[float]:
    """Return what each word is worth: the more, the further it stands behind."""
    return [WORTH[word.rstrip("0123456789")] * (1 + int(word[-1])) / 4 for word in words_of(text)]


def tangled(text: str) -> float:
    """Return a score of which every third is chance."""
    return sum(worth_of(text)) + 0.8 * np.random.default_rng(len(text) * 31 + hash_of(text)).normal()


def hash_of(text: str) -> int:
    return sum(ord(character) * place for place, character in enumerate(text))


def test_gradients_that_tell_the_truth_make_few_texts_enough() -> None:
    truth = np.array(worth_of(LONG))

    def gradients_of(groups: object, directions: NDArray[np.float32]) -> NDArray[np.float32]:
        # The truth with an error of a fifth, in a measure of its own.
        noise = np.random.default_rng(0).normal(size=len(truth)) * truth.std() / 5
        return np.asarray(3 * (truth + noise)[:, None] * directions[:, 0], np.float32)

    told = run(LONG, feature_of(tangled), gradients_of=gradients_of, budget=32)
    alone = run(LONG, feature_of(tangled), budget=32)
    near = [np.corrcoef(explained.weights[:, 0], truth)[0, 1] for explained in (told, alone)]
    assert near[0] > 0.95 > near[1]
    assert told.weights[:, 0] @ truth / (truth @ truth) == pytest.approx(0.9, abs=0.2)


def test_gradients_that_mislead_are_left_out() -> None:
    def gradients_of(groups: object, directions: NDArray[np.float32]) -> NDArray[np.float32]:
        return np.asarray(np.random.default_rng(0).normal(size=(36, len(directions))), np.float32)

    told, alone = (run(LONG, feature_of(tangled), budget=96, **o) for o in ({"gradients_of": gradients_of}, {}))
    np.testing.assert_array_equal(told.weights, alone.weights)


def test_where_all_perturbed_texts_are_encoded_no_gradients_are_wanted() -> None:
    def gradients_of(groups: object, directions: object) -> None:
        pytest.fail("asked for gradients")

    assert run("혼자 눈물이 났다", linear, gradients_of=gradients_of).sample_count == 8


def test_few_words_are_encoded_without_gradients() -> None:
    def gradients_of(groups: object, directions: object) -> None:
        pytest.fail("asked for gradients")

    text = " ".join(f"{word}{place}" for place in range(2) for word in WORTH)
    asked = run(text, linear, gradients_of=gradients_of)
    assert asked.sample_count > 10 * perturbations.FEW
    assert asked.r_squared[0] > 0.99


def test_two_words_that_matter_only_together_are_told_apart_from_those_that_matter_alone() -> None:
    text = " ".join(f"{word}{place}" for place in range(2) for word in WORTH)
    both_there = feature_of(lambda changed: 2.0 * ("눈물이0" in changed and "비가1" in changed) + ("혼자1" in changed))
    truth = run(text, both_there, budget=2**12).weights[:, 0]
    near = run(text, both_there, budget=176).weights[:, 0]
    assert np.corrcoef(near, truth)[0, 1] > 0.98
    np.testing.assert_allclose(near, truth, atol=0.25)


def test_fit_is_that_on_texts_that_were_not_fitted_to() -> None:
    chance = feature_of(lambda text: float(np.random.default_rng(hash_of(text)).normal()))
    assert run(LONG, chance).r_squared[0] < 0.1
    assert run(LONG, feature_of(lambda text: sum(worth_of(text)))).r_squared[0] > 0.95

from __future__ import annotations

import numpy as np
import pytest

from annotator.label_sets import crosswalks, emotions
from learner.encoders import emotion_editions, emotion_head
from learner.encoders.encoder import default_cache, load


def test_its_names_are_those_of_the_crosswalk_in_their_order() -> None:
    assert tuple(crosswalks.read("kote").targets()) == emotion_head.NAMES


@pytest.mark.parametrize("edition", emotion_editions.FOLDERS)
def test_a_shipped_head_scores_every_emotion(edition: str) -> None:
    head = emotion_head.load(edition)
    width = 768 if edition in emotion_editions.JOINED_LAYERS else 384
    assert head.weight.shape == (44, width)
    assert ((head.frequency > 0) & (head.frequency < 1)).all()


def test_a_head_finds_the_direction_of_each_emotion_and_comes_back_from_bytes() -> None:
    rng = np.random.default_rng(0)
    features = rng.normal(size=(400, 6)).astype(np.float32)
    present = (features[:, :2] > 0.5).astype(np.float32)
    head = emotion_head.fit(features, present)
    assert np.abs(head.weight).argmax(axis=1).tolist() == [0, 1]
    np.testing.assert_allclose((features @ head.weight.T).std(axis=0), 1, rtol=1e-3)
    np.testing.assert_allclose(head.frequency, present.mean(axis=0))
    assert len(emotion_head.to_bytes(head)) < 2000


@pytest.mark.slow
@pytest.mark.parametrize("edition", emotion_editions.FOLDERS)
def test_labels_are_made_of_the_emotions_that_the_crosswalk_or_their_wording_says(edition: str) -> None:
    encoder = load(edition, cache=default_cache())
    shares = emotions.shares_of(encoder, ["혐오", "기쁨", "업무"], ["", "", ""])
    by_name = [{emotion_head.NAMES[i] for i in np.flatnonzero(row > 0.2)} for row in shares]
    assert by_name[0] == {"지긋지긋", "역겨움/징그러움", "증오/혐오"}
    assert by_name[1] == {"기쁨"}
    assert by_name[2] == set(), "the 44 emotions know nothing of it"

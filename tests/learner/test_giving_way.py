from __future__ import annotations

import threading

import numpy as np

from learner.classification.classifier import fit_head
from learner.giving_way import giving_way, pause


def test_a_head_waits_while_it_is_fitted_and_goes_on_to_the_same_end() -> None:
    generator = np.random.default_rng(0)
    features = generator.normal(size=(60, 8)).astype(np.float32)
    labels = (features[:, 0] > 0).astype(np.int64)
    urgent, paused = threading.Event(), threading.Event()
    ended: list[np.ndarray] = []

    def wait() -> None:
        paused.set()
        urgent.wait()

    def fit() -> None:
        with giving_way(wait):
            ended.append(fit_head(features, labels, k=2)[0])

    thread = threading.Thread(target=fit)
    thread.start()
    assert paused.wait(30)
    expected = fit_head(features, labels, k=2)[0]  # this thread gives way to nothing
    assert not ended
    urgent.set()
    thread.join()
    np.testing.assert_array_equal(ended[0], expected)


def test_outside_of_a_block_nothing_is_waited_for() -> None:
    calls: list[str] = []
    with giving_way(lambda: calls.append("waited")):
        pause()
    pause()
    assert calls == ["waited"]

"""The queue before the model: who is next, what goes together, and when it is full."""

from __future__ import annotations

import pytest

from annotator.errors import UserError
from annotator.serving.request_queue import MOST_WAITING, TEXTS_AT_ONCE, Piece, Question, RequestQueue


def _texts(count: int) -> Question:
    return Question("classify", (["글"] * count,))


def _all(queue: RequestQueue) -> list[list[Piece]]:
    batches = []
    while queue:
        batches.append(queue.take_batch())
    return batches


def test_small_requests_become_one_batch() -> None:
    queue = RequestQueue()
    asked = [queue.put([_texts(1)])[0] for _ in range(10)]
    assert [[piece.arrival for piece in batch] for batch in _all(queue)] == [[piece.arrival for piece in asked]]


def test_no_batch_is_larger_than_one_may_be() -> None:
    queue = RequestQueue()
    for count in (40, 30, 64, 1, 63, 5):
        queue.put([_texts(count)])
    weights = [sum(piece.weight for piece in batch) for batch in _all(queue)]
    assert max(weights) <= TEXTS_AT_ONCE
    assert sum(weights) == 203


def test_one_text_does_not_wait_for_a_thousand_but_a_thousand_are_not_forgotten_either() -> None:
    queue = RequestQueue()
    thousand = queue.put([_texts(TEXTS_AT_ONCE)] * 15)
    one = queue.put([_texts(1)])[0]
    first = [queue.take_batch() for _ in range(3)]
    assert first[0] == thousand[:1]
    assert one in first[1], "the later request goes before the second piece of the long one"
    # However many small ones keep coming, each piece gets its turn.
    later = []
    for _ in range(100):
        queue.put([_texts(TEXTS_AT_ONCE)])
        later += queue.take_batch()
    assert all(piece in later or piece in first[2] for piece in thousand[1:10])


def test_an_explanation_goes_alone() -> None:
    queue = RequestQueue()
    queue.put([Question("explain_diary", (7,))])
    queue.put([_texts(1)])
    assert [[piece.question.method for piece in batch] for batch in _all(queue)] == [["explain_diary"], ["classify"]]


def test_a_full_queue_takes_nobody_and_keeps_its_order() -> None:
    queue = RequestQueue()
    while queue.weight + TEXTS_AT_ONCE <= MOST_WAITING:
        queue.put([_texts(TEXTS_AT_ONCE)])
    before = queue.weight
    with pytest.raises(UserError) as refused:
        queue.put([_texts(TEXTS_AT_ONCE)] * 2)
    assert refused.value.code == "service_busy"
    assert queue.weight == before, "nothing of a refused request waits"
    queue.take_batch()
    queue.put([_texts(TEXTS_AT_ONCE)])


def test_an_empty_queue_takes_even_a_request_that_is_longer_than_it_may_be() -> None:
    queue = RequestQueue()
    queue.put([_texts(TEXTS_AT_ONCE)] * (MOST_WAITING // TEXTS_AT_ONCE + 2))
    assert queue.weight > MOST_WAITING
    while queue:
        queue.take_batch()
    assert queue.weight == 0


def test_a_text_that_is_tried_goes_before_the_second_part_of_a_long_request_and_before_what_is_loaded_ahead() -> None:
    queue = RequestQueue()
    for method in ("load", "warm_up"):
        queue.put([Question(method)], is_ahead=True)
    queue.put([_texts(TEXTS_AT_ONCE)] * 15)
    queue.put([Question("predict", (["글"],)), Question("explain_text", ("글",))])
    order = [batch[0].question.method for batch in _all(queue)]
    assert order[:3] == ["classify", "predict", "classify"]
    assert order.index("explain_text") <= 3
    assert order[-2:] == ["load", "warm_up"]

"""The line before the encoder: who is next, what goes together, and when it is full."""

from __future__ import annotations

import pytest

from annotator.errors import UserError
from service.request_queue import MOST_WAITING, TEXTS_AT_ONCE, Line, Piece, Question


def _texts(count: int) -> Question:
    return (["글"] * count, None)


def _all(line: Line) -> list[list[Piece]]:
    batches = []
    while line:
        batches.append(line.leave())
    return batches


def test_small_requests_become_one_batch() -> None:
    line = Line()
    asked = [line.enter([_texts(1)])[0] for _ in range(10)]
    assert [[piece.arrival for piece in batch] for batch in _all(line)] == [[piece.arrival for piece in asked]]


def test_no_batch_is_larger_than_one_may_be() -> None:
    line = Line()
    for count in (40, 30, 64, 1, 63, 5):
        line.enter([_texts(count)])
    weights = [sum(piece.weight for piece in batch) for batch in _all(line)]
    assert max(weights) <= TEXTS_AT_ONCE
    assert sum(weights) == 203


def test_one_text_does_not_wait_for_a_thousand_but_a_thousand_are_not_forgotten_either() -> None:
    line = Line()
    thousand = line.enter([_texts(TEXTS_AT_ONCE)] * 15)
    one = line.enter([_texts(1)])[0]
    first = [line.leave() for _ in range(3)]
    assert first[0] == thousand[:1]
    assert one in first[1], "the later request goes before the second piece of the long one"
    # However many small ones keep coming, each piece gets its turn.
    later = []
    for _ in range(100):
        line.enter([_texts(TEXTS_AT_ONCE)])
        later += line.leave()
    assert all(piece in later or piece in first[2] for piece in thousand[1:10])


def test_an_explanation_goes_alone() -> None:
    line = Line()
    line.enter([([], 7)])
    line.enter([_texts(1)])
    assert [[piece.diary_id for piece in batch] for batch in _all(line)] == [[7], [None]]


def test_a_full_line_takes_nobody_and_keeps_its_order() -> None:
    line = Line()
    while line.weight + TEXTS_AT_ONCE <= MOST_WAITING:
        line.enter([_texts(TEXTS_AT_ONCE)])
    before = line.weight
    with pytest.raises(UserError) as refused:
        line.enter([_texts(TEXTS_AT_ONCE)] * 2)
    assert refused.value.code == "service_busy"
    assert line.weight == before, "nothing of a refused request waits"
    line.leave()
    line.enter([_texts(TEXTS_AT_ONCE)])


def test_an_empty_line_takes_even_a_request_that_is_longer_than_it_may_be() -> None:
    line = Line()
    line.enter([_texts(TEXTS_AT_ONCE)] * (MOST_WAITING // TEXTS_AT_ONCE + 2))
    assert line.weight > MOST_WAITING
    while line:
        line.leave()
    assert line.weight == 0

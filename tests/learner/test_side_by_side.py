"""Passes side by side: every piece once, errors out, and the threads of torch left as they were."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

import pytest
import torch

from learner import side_by_side

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(autouse=True)
def two_threads() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


def test_each_piece_is_done_once_by_threads_of_one_core() -> None:
    done: list[int] = []
    cores: set[tuple[int, int]] = set()
    both = threading.Barrier(2)

    def work(piece: int) -> None:
        if piece < 2:
            both.wait(10)  # breaks unless two pieces are worked on at once
        cores.add((threading.get_ident(), torch.get_num_threads()))
        done.append(piece)

    side_by_side.each(work, range(20))
    assert sorted(done) == list(range(20))
    assert {threads for _, threads in cores} == {1}
    assert threading.get_ident() not in {thread for thread, _ in cores}


def test_torch_keeps_its_threads_here_and_in_threads_that_begin_later() -> None:
    side_by_side.each(lambda _: None, range(4))
    later: list[int] = []
    thread = threading.Thread(target=lambda: later.append(torch.get_num_threads()))
    thread.start()
    thread.join()
    assert [torch.get_num_threads(), *later] == [2, 2]


def test_a_single_piece_gets_all_cores() -> None:
    seen: list[tuple[int, int]] = []
    side_by_side.each(lambda _: seen.append((threading.get_ident(), torch.get_num_threads())), [1])
    assert seen == [(threading.get_ident(), 2)]


def test_an_error_comes_out_and_pieces_that_wait_are_not_begun() -> None:
    begun: list[int] = []

    def work(piece: int) -> None:
        begun.append(piece)
        time.sleep(0.005)
        raise MemoryError(piece)

    with pytest.raises(MemoryError):
        side_by_side.each(work, range(1000))
    assert len(begun) < 1000
    side_by_side.each(begun.append, [-1, -2])
    assert begun[-2:] in ([-1, -2], [-2, -1])

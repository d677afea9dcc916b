"""Bodies that come too slowly, without waiting for them: the clock of the loop is the test's own."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
from starlette.exceptions import HTTPException

from service.transport.bodies import Bounds, announced_length, bounded, is_too_large

if TYPE_CHECKING:
    from starlette.types import Message

SCOPE: dict[str, Any] = {"type": "http", "headers": []}


def scope(**headers: str) -> dict[str, Any]:
    return {
        "type": "http",
        "headers": [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()],
    }


def read(bounds: Bounds, *, pieces: list[tuple[float, int]]) -> int:
    """Return how many bytes of a body come through whose pieces take so many seconds and have so many bytes."""

    async def reading() -> int:
        left = list(pieces)

        async def receive() -> Message:
            seconds, count = left.pop(0)
            await asyncio.sleep(seconds)
            return {"type": "http.request", "body": b"x" * count, "more_body": bool(left)}

        take, count, more = bounded(SCOPE, receive, bounds), 0, True
        while more:
            message = await take()
            count += len(message["body"])
            more = message["more_body"]
        return count

    with ThreadPoolExecutor() as pool:  # the browser tests leave an event loop running in the main thread
        return pool.submit(asyncio.run, reading()).result()


def test_a_body_in_time_comes_through() -> None:
    assert read(Bounds(1000, seconds=5), pieces=[(0.01, 100)] * 10) == 1000


def test_a_body_that_drips_is_given_up() -> None:
    with pytest.raises(HTTPException) as told:
        read(Bounds(1000, seconds=0.3), pieces=[(0.05, 1)] * 100)
    assert told.value.status_code == 408
    assert "느리게" in told.value.detail or "slow" in told.value.detail


def test_a_body_that_stops_is_given_up() -> None:
    with pytest.raises(HTTPException) as told:
        read(Bounds(1000, seconds=0.2), pieces=[(0.0, 10), (3600, 10)])
    assert told.value.status_code == 408


def test_a_large_body_has_longer_as_long_as_it_keeps_its_pace() -> None:
    steady = Bounds(1 << 30, seconds=0.2, bytes_per_second=10_000)
    assert read(steady, pieces=[(0.05, 1000)] * 12) == 12_000
    with pytest.raises(HTTPException):
        read(steady, pieces=[(0.05, 10)] * 12)


def test_a_body_that_grows_too_large_is_given_up_whatever_it_said() -> None:
    with pytest.raises(HTTPException) as told:
        read(Bounds(1000), pieces=[(0, 600), (0, 600)])
    assert told.value.status_code == 413


@pytest.mark.parametrize(
    ("headers", "length"),
    [
        ({}, 0),
        ({"content_length": "0"}, 0),
        ({"content_length": "12"}, 12),
        ({"content_length": "+1"}, -1),
        ({"content_length": "-1"}, -1),
        ({"content_length": "٣"}, -1),
        ({"content_length": ""}, -1),
        ({"content_length": "9" * 20}, -1),
        ({"content_length": "12", "transfer_encoding": "chunked"}, None),
    ],
)
def test_what_a_body_says_of_its_length(headers: dict[str, str], length: int | None) -> None:
    assert announced_length(scope(**headers)) == length
    assert is_too_large(scope(**headers), Bounds(11)) == (length is not None and not 0 <= length <= 11)

"""The package's own names, which it loads from its modules when they are first asked for."""

from __future__ import annotations

import pytest

from annotator import importing


@pytest.mark.parametrize("name", importing.__all__)
def test_every_name_that_the_package_promises_can_be_loaded(name: str) -> None:
    assert importing.__getattr__(name) is getattr(importing, name)


def test_a_name_that_it_does_not_promise_is_refused() -> None:
    with pytest.raises(AttributeError, match="nothing_of_ours"):
        importing.nothing_of_ours  # noqa: B018 - reading it is what is tested

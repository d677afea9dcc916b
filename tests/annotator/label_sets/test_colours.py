from __future__ import annotations

from dataclasses import replace
from itertools import combinations

import pytest

from annotator.label_sets import colours, definitions

LABELS = definitions.DEFAULT_LABELS


def test_nothing_is_to_be_said_of_the_colours_that_are_chosen_by_default() -> None:
    assert colours.remarks(LABELS) == []
    for colour in definitions.COLOURS:
        assert all(colours.contrast(colour, page) >= colours.LEAST_CONTRAST for page in colours.PAGES.values()), colour
    for one, other in combinations(definitions.COLOURS, 2):
        assert min(colours.distances(one, other).values()) >= colours.LEAST_DISTANCE, (one, other)


def test_the_contrast_is_that_of_the_guidelines() -> None:
    assert colours.contrast("#000000", "#ffffff") == pytest.approx(21)
    assert colours.contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)
    assert colours.contrast("#ba8e00", "#ba8e00") == 1


@pytest.mark.parametrize(
    ("colour", "kind"), [("#ffff99", "faint_light"), ("#1a1030", "faint_dark"), (LABELS[1].colour, "alike")]
)
def test_what_is_hard_to_see_or_to_tell_apart_is_named(colour: str, kind: str) -> None:
    remarks = colours.remarks([replace(LABELS[0], colour=colour), *LABELS[1:]])
    assert [remark.kind for remark in remarks] == [kind]
    assert LABELS[0].name in remarks[0].names


def test_red_and_green_of_one_lightness_are_alike_to_some() -> None:
    pair = [replace(LABELS[0], colour="#c0504d"), replace(LABELS[1], colour="#7d7f30")]
    assert [remark.kind for remark in colours.remarks(pair)] == ["alike_some"]

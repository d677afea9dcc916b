"""How deep the next round goes is chosen beside its button."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

from annotator import project
from db.models import rounds
from tests.conftest import fill

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from streamlit.testing.v1 import AppTest


def _filled(path: Path, count: int) -> Path:
    with closing(project.open_project(path)) as db:
        fill(db, count, labelled=True)
    return path


def test_the_chosen_tier_is_asked_for(filled: Path, open_app: Callable[..., AppTest]) -> None:
    _filled(filled, 21)
    app = open_app("learn")
    (chosen,) = [group for group in app.get("button_group") if group.key == "learn_tier_ko"]
    chosen.set_value("adapter").run()
    assert "깊이 학습하기" in app.button(key="learn_start").label
    app.button(key="learn_start").click().run()
    with closing(project.open_project(filled)) as db:
        open_round = rounds.find_open(db)
    assert open_round is not None
    assert open_round.tier == "adapter"


def test_a_deeper_tier_is_offered_when_there_are_labels_enough(filled: Path, open_app: Callable[..., AppTest]) -> None:
    assert not any("깊이 학습해" in shown.value for shown in open_app("learn").info)
    _filled(filled, 161)
    assert any("깊이 학습해" in shown.value for shown in open_app("learn").info)

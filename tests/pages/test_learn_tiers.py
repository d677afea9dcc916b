"""How deep the next round goes is chosen beside its button."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from annotator import project
from annotator.training import tier_gains
from annotator.training.tier_gains import Gain
from db.models import rounds
from tests.conftest import fill

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from streamlit.testing.v1 import AppTest

PAYS, NOT_YET = Gain(10, 0.05, 0.02, 0.08, 4), Gain(10, 0.01, -0.02, 0.04, 4)


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


def test_a_deeper_tier_is_offered_when_there_are_labels_enough_for_it_to_pay(
    filled: Path, open_app: Callable[..., AppTest], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(tier_gains.MEASURED, "adapter", (PAYS,))
    assert not any("깊이 학습해" in shown.value for shown in open_app("learn").info)
    _filled(filled, 161)
    assert any("깊이 학습해" in shown.value for shown in open_app("learn").info)


@pytest.mark.parametrize(
    ("gains", "sentence"),
    [
        ((), "재 보지 않았어요"),
        ((PAYS,), "매크로 F1이 +5.0점 달라졌어요(95% 구간 +2.0~+8.0)"),
        ((NOT_YET,), "나아진다고 보기 어려워요"),
    ],
)
def test_the_page_says_what_a_deeper_tier_gained_elsewhere(
    filled: Path,
    open_app: Callable[..., AppTest],
    monkeypatch: pytest.MonkeyPatch,
    gains: tuple[Gain, ...],
    sentence: str,
) -> None:
    monkeypatch.setitem(tier_gains.MEASURED, "adapter", gains)
    _filled(filled, 21)
    app = open_app("learn")
    assert not any(sentence in shown.value for shown in app.caption), "nothing is said of a tier that is not chosen"
    (chosen,) = [group for group in app.get("button_group") if group.key == "learn_tier_ko"]
    chosen.set_value("adapter").run()
    assert any(sentence in shown.value for shown in app.caption)

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from annotator import project, settings
from db.models import models, rounds

if TYPE_CHECKING:
    from pathlib import Path

    from db import Database


def _figures(n: int, accuracy: float) -> dict[str, Any]:
    confusion = [[0] * 7 for _ in range(7)]
    confusion[0][0], confusion[0][1] = round(n * accuracy), n - round(n * accuracy)
    return {
        "n": n,
        "accuracy": accuracy,
        "accuracy_low": max(0.0, accuracy - 0.1),
        "accuracy_high": min(1.0, accuracy + 0.1),
        "macro_f1": accuracy,
        "f1": [accuracy, 0.0, *[float("nan")] * 5],
        "confusion": confusion,
    }


def add_model(db: Database, *, serve: bool = True) -> int:
    new = models.NewModel("instant", "bundled", "hash", (1, 2, 3, 4, 5, 6, 7), b"", {}, (1, 2))
    model_id = models.add_model(db, new)
    if serve:
        models.activate(db, model_id, reason="test")
    return model_id


def add_round(db: Database, *, n: int = 60, before: float = 0.4, after: float = 0.6, p: float = 0.2) -> None:
    """Keep a round that is done, as the worker would, and the model that it made."""
    previous = models.find_active_id(db)
    round_id = rounds.request_round(db, annotator_id=None)
    rounds.begin(db, round_id, last_decision_id=2, previous_model_id=previous)
    promoted = after >= before or p >= 0.05
    model_id = add_model(db, serve=promoted)
    rounds.set_model(db, round_id, model_id)
    models.store_metrics(db, model_id, {"test": _figures(n, after)})
    report = {
        "train": 80,
        "new": 12,
        "before": _figures(n, before),
        "after": _figures(n, after),
        "p": p,
        "promoted": promoted,
        "new_in_head": 31,
    }
    rounds.end(db, round_id, status="done", report=report)


def _said(app) -> str:
    groups = (app.markdown, app.caption, app.info, app.success, app.warning, app.error)
    return "\n".join(element.value for group in groups for element in group)


def test_without_labels_the_button_waits_and_says_why(ready: Path, open_app) -> None:
    app = open_app("learn")
    assert app.button(key="learn_start").disabled
    assert "두 가지 이상" in _said(app)
    assert "아직 모델이 없어요" in _said(app)


def test_the_button_says_what_a_round_would_learn_from(filled: Path, open_app) -> None:
    button = open_app("learn").button(key="learn_start")
    assert not button.disabled
    assert "라벨" in button.label
    assert "초" in button.label


def test_a_press_asks_for_one_round_which_can_be_cancelled(filled: Path, open_app) -> None:
    app = open_app("learn")
    app.button(key="learn_start").click().run()
    with project.opened(filled) as db:
        assert rounds.find_open(db) is not None
    assert app.button(key="learn_start").disabled
    assert "작업자가 꺼져 있어 기다리고 있어요" in _said(app)
    app.button(key="learn_cancel").click().run()
    with project.opened(filled) as db:
        assert rounds.find_open(db) is None
    assert "취소했어요" in _said(app)


@pytest.mark.parametrize(
    ("n", "before", "after", "p", "said", "unsaid"),
    [
        (60, 0.4, 0.6, 0.2, "차이가 우연일 수 있어요", "더 많이 맞혔어요"),
        (60, 0.4, 0.6, 0.01, "더 많이 맞혔어요", "차이가 우연일"),
        (20, 0.4, 0.9, 0.01, "믿기 어려워요", "더 많이 맞혔어요"),
        (60, 0.6, 0.3, 0.01, "이전 모델이 계속 답해요", "더 많이 맞혔어요"),
        (60, 0.5, 0.5, 1.0, "정확도가 같아요", "더 많이 맞혔어요"),
    ],
)
def test_a_result_claims_no_more_than_its_figures_allow(
    filled: Path, open_app, n: int, before: float, after: float, p: float, said: str, unsaid: str
) -> None:
    with project.opened(filled) as db:
        add_model(db)
        add_round(db, n=n, before=before, after=after, p=p)
    app = open_app("learn")
    assert not [error.value for error in app.error]
    assert said in _said(app)
    assert unsaid not in _said(app)


def test_a_failed_round_says_why_in_words(filled: Path, open_app) -> None:
    with project.opened(filled) as db:
        round_id = rounds.request_round(db, annotator_id=None)
        rounds.end(db, round_id, status="failed", error={"code": "memory_full", "details": {}})
    app = open_app("learn")
    assert "메모리가 모자라" in app.error[0].value
    assert "이전 모델이 그대로" in _said(app)


def test_an_earlier_version_can_serve_again(filled: Path, open_app) -> None:
    with project.opened(filled) as db:
        add_model(db)
        add_round(db)
    app = open_app("learn")
    assert app.dataframe[0].value["사용 중"].tolist() == ["✓", ""]
    app.button(key="learn_activate").click().run()
    assert not app.error
    assert "0판이 답해요" in app.toast[0].value
    with project.opened(filled) as db:
        active = models.find_active(db)
        assert active is not None
        assert active.version == 0


def test_two_versions_can_be_compared_label_by_label(filled: Path, open_app) -> None:
    with project.opened(filled) as db:
        add_model(db)
        add_round(db, before=0.4, after=0.6)
    table = open_app("learn").dataframe[1].value
    assert table["0판 F1"].tolist()[0] == pytest.approx(0.4)
    assert table["1판 F1"].tolist()[0] == pytest.approx(0.6)
    assert table["차이"].tolist()[0] == pytest.approx(0.2)


def test_the_query_strategy_is_kept(filled: Path, open_app) -> None:
    app = open_app("learn")
    app.radio(key="learn_strategy_ko").set_value("entropy").run()
    assert not app.error
    with project.opened(filled) as db:
        assert settings.load(db).strategy == "entropy"
    assert app.radio(key="learn_strategy_ko").value == "entropy"


def test_the_unit_of_explanations_is_kept(filled: Path, open_app) -> None:
    app = open_app("learn")
    app.radio(key="learn_unit_ko").set_value("morpheme").run()
    assert not app.error
    with project.opened(filled) as db:
        assert settings.load(db).unit == "morpheme"


def test_plain_lime_can_be_chosen_and_says_what_it_costs(filled: Path, open_app) -> None:
    app = open_app("learn")
    method = app.radio(key="learn_explanation_method_ko")
    assert method.value == "fast"
    assert "2~3분" in method.proto.captions[1].replace("\\", "")
    method.set_value("lime").run()
    assert not app.error
    with project.opened(filled) as db:
        assert settings.load(db).explanation_method == "lime"


def test_another_language_changes_no_setting(filled: Path, open_app) -> None:
    app = open_app("learn")
    app.radio(key="learn_strategy_ko").set_value("entropy").run()
    app.sidebar.segmented_control(key="frame_language").set_value("en").run()
    assert not app.error
    assert app.radio(key="learn_strategy_en").value == "entropy"


def test_what_goes_wrong_in_a_press_is_explained_on_the_page(filled: Path, open_app) -> None:
    app = open_app("learn")
    with project.opened(filled) as db:
        rounds.request_round(db, annotator_id=None)
    app.button(key="learn_start").click().run()
    assert "이미 학습하고 있어요" in app.error[0].value
    assert "이미 학습하고 있어요" in app.toast[0].value
    assert app.title[0].value == "학습"
    app.run()
    assert not app.error

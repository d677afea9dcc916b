from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from google.protobuf.text_format import MessageToString

from annotator import project
from annotator import settings as project_settings
from annotator.accounts import accounts, sessions
from db.answers import decisions
from db.answers.decisions import NewDecision
from db.people import annotators
from pages.widgets import session
from tests.conftest import fill

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from annotator.accounts.permissions import Role

HAPPY, SAD = 2, 5
NAMES = ("가람", "나래", "다온")


def _say(path: Path, name: str, labels: Sequence[int]) -> None:
    with project.opened(path) as db:
        person = annotators.get_or_create_id(db, name)
        for diary_id, label in enumerate(labels, 1):
            token = f"{name}-{diary_id:04}-token"
            decisions.add(db, NewDecision(diary_id, person, "label", token, label, seconds=12.0))


@pytest.fixture
def read(ready: Path) -> Path:
    """A project in which three people read the same 30 diaries, the third unlike the others."""
    with project.opened(ready) as db:
        fill(db, 30)
    for name, labels in zip(NAMES, ([HAPPY, SAD] * 15, [HAPPY, SAD] * 15, [SAD, SAD, HAPPY] * 10), strict=True):
        _say(ready, name, labels)
    return ready


def _sign_in(path: Path, monkeypatch: pytest.MonkeyPatch, name: str, role: Role) -> None:
    """Sign somebody in; a browser would send the token in its cookie, which AppTest can't."""
    with project.opened(path) as db:
        accounts.add(db, None, "관리", "administrator", password="correct horse battery staple 7")
        person = accounts.add(db, None, name, role, password="wrong cow generator paper 9")
        token = sessions.begin(db, person, "127.0.0.1")
    monkeypatch.setattr(session, "token", lambda: token)


def _seen(app: Any) -> str:
    """Everything that reached the browser, tables and charts included."""
    texts = [MessageToString(element.proto, as_utf8=True) for element in app.main if element.proto is not None]
    tables = [table.value.to_string() for table in app.main.get("dataframe")]
    return "\n".join([*texts, *tables])


def _metrics(app: Any) -> dict[str, str]:
    return {metric.label: metric.value for metric in app.metric}


def test_with_nobody_reading_the_same_diary_the_page_says_what_to_do(filled: Path, open_app) -> None:
    app = open_app("team")
    assert not app.error
    assert "아직 사람이 고른 라벨이 없어요" in app.info[0].value
    _say(filled, "가람", [HAPPY, SAD])
    assert "‘설정’에서" in app.run().info[0].value
    assert not app.main.get("plotly_chart")


def test_agreement_is_a_figure_with_its_interval_and_a_sentence(read: Path, open_app) -> None:
    app = open_app("team")
    assert not app.error
    assert app.title[0].value == "함께한 기록"
    assert _metrics(app)["함께 읽은 일기"] == "30"
    assert float(_metrics(app)["일치도 α"]) < 0.667
    assert "95% 구간은" in app.markdown[0].value
    assert len(app.main.get("plotly_chart")) == 2, "labels and confusion; one week makes no line"
    assert "가람 · 나래" in _seen(app)
    assert not any("nan" in metric.value for metric in app.metric)


def test_an_annotator_sees_only_their_own_record(read: Path, open_app, monkeypatch: pytest.MonkeyPatch) -> None:
    _sign_in(read, monkeypatch, "가람", "annotator")
    app = open_app("team")
    assert not app.error
    assert [heading.value for heading in app.subheader] == ["내 기록"]
    metrics = _metrics(app)
    assert metrics["판단한 일기"] == "30"
    assert metrics["시간당 일기"] == "300"
    for other in ("나래", "다온", "관리"):
        assert other not in _seen(app)
    assert not app.main.get("dataframe")


def test_a_reviewer_sees_everyone_and_changes_no_setting(read: Path, open_app, monkeypatch: pytest.MonkeyPatch) -> None:
    _sign_in(read, monkeypatch, "검토", "reviewer")
    app = open_app("team")
    assert [heading.value for heading in app.subheader] == ["얼마나 같게 읽나", "사람마다", "내 기록"]
    assert all(name in _seen(app) for name in NAMES)
    assert not app.main.expander


def test_a_distance_that_is_saved_is_what_agreement_is_weighed_by(read: Path, open_app) -> None:
    app = open_app("team")
    assert "거리로 본 일치도" not in _metrics(app)
    app.get_by_key("team_distance_way_ko").set_value("points").run()
    next(button for button in app.button if button.label == "거리 저장").click().run()
    assert not app.error
    assert "거리로 본 일치도" in _metrics(app)
    with project.opened(read) as db:
        assert len(project_settings.load(db).label_distance["points"]) == 7

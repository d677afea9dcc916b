from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from annotator import exporting, project, settings
from annotator.importing import import_file
from db.answers import decisions
from db.answers.decisions import NewDecision
from db.models import models, predictions, rounds
from db.people import annotators
from db.texts import diaries
from tests.conftest import answer_test_part, fill

if TYPE_CHECKING:
    from pathlib import Path

    from db import Database


def _add_measured_model(db: Database, **report: Any) -> None:
    new = models.NewModel("instant", "bundled", "hash", (1, 2, 3, 4, 5, 6, 7), b"", {}, (1, 2))
    round_id = rounds.request_round(db, annotator_id=None)
    model_id = models.add_model(db, new)
    models.activate(db, model_id, reason="test")
    answer_test_part(db, model_id, [2, 2, 2, 2])
    predictions.store_predictions(db, model_id, np.full((6, 7), 1 / 7, np.float32))
    rounds.set_model(db, round_id, model_id)
    rounds.end(db, round_id, status="done", report={"train": 6, **report})


def _charts(app) -> list[dict[str, Any]]:
    return [json.loads(chart.proto.spec) for chart in app.main.get("plotly_chart")]


def test_an_empty_project_says_what_to_do_in_place_of_charts(ready: Path, open_app) -> None:
    app = open_app("overview")
    assert not app.error
    assert not app.main.get("plotly_chart")
    assert [info.value for info in app.info] == ["아직 일기가 없어요. 가져오기에서 파일을 올려 주세요."]
    assert [link.proto.label for link in app.main.get("page_link")] == ["일기 가져오기"]


def test_labels_are_charted_against_the_rule_of_thumb(filled: Path, open_app) -> None:
    app = open_app("overview")
    bars, left = _charts(app)[0]["data"]
    assert bars["y"] == ["분노", "행복", "불안", "당황", "슬픔", "중립", "혐오"]
    assert bars["text"] == ["1", "1", "1", "1", "1", "1", "0"]
    assert left["text"] == [*["많아야 1개"] * 6, "많아야 0개"], "every diary is read, so none will be added"
    assert [metric.value for metric in app.metric] == ["6", "6", "0", app.metric[3].value, "없음"]


def test_a_label_lacks_what_the_diaries_that_are_left_can_hold(filled: Path, open_app) -> None:
    with project.opened(filled) as db:
        fill(db, 150)
    app = open_app("overview")
    assert _charts(app)[0]["data"][1]["text"] == [*["99개 더"] * 6, "100개 더"]
    assert any("10편쯤 이어서" in caption.value for caption in app.caption), "no pace is known yet"


def test_a_measured_model_is_charted_with_its_uncertainty(filled: Path, open_app) -> None:
    with project.opened(filled) as db:
        _add_measured_model(db)
    app = open_app("overview")
    assert not app.error
    _, accuracy, confusion, f1, confidence = _charts(app)
    assert accuracy["data"][0]["x"] == ["0판"]
    assert confusion["data"][0]["y"][1] == "행복 (1)"
    assert confusion["data"][0]["text"][1][1] == "<b>1</b>"
    assert confusion["data"][0]["customdata"][1][1] == "100% (21–100%, n=1)"
    assert f1["data"][1]["text"][1] == "0.40"
    assert "없음" in f1["data"][1]["text"]
    assert len(f1["data"][0]["y"]) == 7 - f1["data"][1]["text"].count("없음"), "a label without a value has no point"
    assert len(confidence["data"]) == 1
    assert any("4개뿐이라" in caption.value for caption in app.caption)


def test_the_bins_of_the_reliability_diagram_lead_to_their_test_diaries(filled: Path, open_app) -> None:
    ends = ((0.0, 0.6), (0.6, 1.0))
    bins = [
        {"n": 20, "confidence": high - 0.1, "right": 0.5, "right_low": 0.3, "right_high": 0.7, "low": low, "high": high}
        for low, high in ends
    ]
    whole = {"n": 40, "bins": bins, "ece": 0.1, "ece_low": 0.0, "ece_high": 0.2, "brier": 0.5}
    with project.opened(filled) as db:
        study = {"reliability": {"source": "test", **whole, "confidence": 0.7, "right": 0.5}}
        _add_measured_model(db, study=study)
    links = [link.proto for link in open_app("overview").main.get("page_link")]
    asked = [link.query_string for link in links if link.label == "60–100%: 20편"]
    assert asked == ["p_from=0.6&p_to=1.0&state=decided&part=test&sort=probability"]


def _label_the_pool(path: Path, *, shown_same: float, hidden: int) -> None:
    """Label 100 pool diaries, of which the model said 2: half of the hidden ones so, of the others the share given."""
    with project.opened(path) as db:
        fill(db, 200)
        me = annotators.get_or_create_id(db, "나")
        pool = [int(i) for i in diaries.list_ids(db, "pool")][:100]
        order = [None, *[2] * (100 - hidden), *[None] * (hidden - 1)] if hidden else [2] * 100
        for number, (diary_id, shown) in enumerate(zip(pool, order, strict=True)):
            is_same = number % 2 if shown is None else (number % 10) < 10 * shown_same
            values = {"shown_label_id": shown, "seconds": 1.0, "predicted_label_id": 2, "blind": shown is None}
            token, label_id = f"token-{number:04}", 2 if is_same else 5
            decisions.add(db, NewDecision(diary_id, me, "label", token, label_id, **values))  # type: ignore[arg-type]


def _page_text(app: Any) -> str:
    return "\n".join(element.value for group in (app.markdown, app.caption, app.info) for element in group)


@pytest.mark.parametrize(
    ("shown_same", "verdict"), [(0.9, "글을 먼저 읽어"), (0.5, "우연일 수 있어요"), (0.1, "오히려")], ids=str
)
def test_labels_with_and_without_the_models_answer_are_compared(
    ready: Path, open_app, shown_same: float, verdict: str
) -> None:
    _label_the_pool(ready, shown_same=shown_same, hidden=40)
    app = open_app("overview")
    assert not app.error
    assert f"예측을 보여 주었을 때 {100 * shown_same:.0f}% (" in _page_text(app)
    assert "n=60), 가렸을 때 50% (35–65%, n=40)예요." in _page_text(app)
    assert verdict in _page_text(app)
    assert "지금은 10%를 가려요" in _page_text(app)
    chart = app.main.get("plotly_chart")[-1].proto
    rows = [trace["y"] for trace in json.loads(chart.spec)["data"]]
    assert rows == [["보여 줌 (60개)"], ["가림 (40개)"], ["보여 줌 (60개)", "가림 (40개)"]]
    assert {trace["marker"]["symbol"] for trace in json.loads(chart.spec)["data"][:2]} == {"diamond", "circle"}


def test_with_few_hidden_diaries_nothing_is_said_of_agreement(ready: Path, open_app) -> None:
    _label_the_pool(ready, shown_same=0.9, hidden=19)
    assert "예측을 가리고 단 라벨이 19개라 아직 알 수 없어요" in _page_text(open_app("overview"))


def test_where_every_diary_is_hidden_the_other_side_is_missing(ready: Path, open_app) -> None:
    _label_the_pool(ready, shown_same=0.9, hidden=100)
    assert "예측을 보고 단 라벨이 0개라" in _page_text(open_app("overview"))


def test_where_no_diary_is_hidden_the_page_says_how_to_hide_some(filled: Path, open_app) -> None:
    with project.opened(filled) as db:
        settings.change(db, blind_share=0.0)
    assert "--blind-share 0.1" in _page_text(open_app("overview"))


def test_an_export_offers_a_file_and_its_card(filled: Path, open_app) -> None:
    app = open_app("overview")
    assert not app.error
    assert [b.proto.label for b in app.main.get("download_button")] == ["파일 받기", "데이터 카드"]
    app.selectbox(key="overview_export_format_ko").select("label-studio").run()
    labels = [b.proto.label for b in app.main.get("download_button")]
    assert labels == ["파일 받기", "데이터 카드", "라벨링 설정"]


def test_what_takes_long_is_written_beside_the_database(filled: Path, open_app) -> None:
    app = open_app("overview")
    app.selectbox(key="overview_export_format_ko").select("datasets").run()
    assert app.button(key="overview_export_beside").label == "파일 만들기"
    assert "`diaries.db-exports`" in _page_text(app)
    assert not app.main.get("download_button")


def test_label_sets_that_know_every_label_here_are_offered(filled: Path, open_app) -> None:
    app = open_app("overview")
    with pytest.raises(KeyError):
        app.selectbox(key="overview_export_crosswalk")
    with project.opened(filled) as db:
        assert exporting.list_crosswalks(db) == []


# How common each emotion is


def _decide_test_part(path: Path, *, count: int) -> None:
    """Let 800 diaries of two months be predicted as 분노 and 행복 by turns, and decide some of the test part so."""
    with project.opened(path) as db:
        rows = ["text,date", *(f"{i}번째 날이다. 오늘은 걸었다.,2026-0{3 + i % 2}-05" for i in range(800))]
        import_file(db, "\n".join(rows).encode(), "diaries.csv")
        me = annotators.get_or_create_id(db, "나")
        for diary_id in [int(i) for i in diaries.list_ids(db, "test")][:count]:
            decisions.add(db, NewDecision(diary_id, me, "label", f"token-{diary_id:04}", 1 + diary_id % 2))
        model_id = models.add_model(db, models.NewModel("instant", "bundled", "hash", tuple(range(1, 8)), b"", {}))
        proba = np.full((800, 7), 0.3 / 6, np.float32)
        proba[np.arange(800), (np.arange(800) + 1) % 2] = 0.7
        predictions.store_predictions(db, model_id, proba)
        models.activate(db, model_id, reason="test")


def _shares_chart(app: Any) -> Any:
    return next(c.proto for c in app.main.get("plotly_chart") if "overview_shares" in c.proto.id)


def test_too_few_test_labels_say_from_how_many_on_shares_are_shown(ready: Path, open_app) -> None:
    _decide_test_part(ready, count=29)
    assert "평가용 일기 30편부터 알 수 있어요. 지금은 29편이에요" in _page_text(open_app("overview"))


def test_shares_are_charted_with_their_interval_beside_counted_predictions(ready: Path, open_app) -> None:
    _decide_test_part(ready, count=60)
    app = open_app("overview")
    assert not app.error
    counted, shares, texts = json.loads(_shares_chart(app).spec)["data"]
    assert len(shares["y"]) == 7
    assert counted["x"][:2] == [0.5, 0.5]
    assert shares["marker"]["symbol"] == ["circle"] * 2 + ["circle-open"] * 5
    assert all("–" in text for text in texts["text"]), "each figure has its interval"
    assert _shares_chart(app).alt.count("n=60") == 7
    assert "평가용 일기 60편의 라벨로, 모델 0판이 일기 800편에 낸 예측을" in _page_text(app)


def test_the_share_of_an_emotion_is_charted_by_month(ready: Path, open_app) -> None:
    _decide_test_part(ready, count=120)
    app = open_app("overview")
    app.segmented_control(key="overview_shares_by_ko").set_value("month").run()
    app.selectbox(key="overview_shares_label_ko").select("행복").run()
    assert not app.error
    rows = json.loads(_shares_chart(app).spec)["data"][1]["y"]
    assert [row[:7] for row in rows] == ["2026-03", "2026-04"]


# What stands beside the accuracy


def test_the_accuracy_stands_beside_what_it_cannot_show(filled: Path, open_app) -> None:
    with project.opened(filled) as db:
        _add_measured_model(db)
        fill(db, 100)
        test = [int(i) for i in diaries.list_ids(db, "test") if i > 6]
        me = annotators.get_or_create_id(db, "나")
        decisions.add(db, NewDecision(test[-1], me, "skip", "token-skip"))
        decisions.add(db, NewDecision(test[-2], me, "label", "token-label", 2, shown_label_id=2))
    said = _page_text(open_app("overview"))
    assert "건너뛴 1편과 표시해 둔 0편은 빠져 있어서" in said
    assert "1편은 모델의 답을 보면서 단 라벨이에요" in said
    assert "74.6%인 모델도 64.3%로 보여요" in said


def test_where_people_share_diaries_their_agreement_stands_beside_the_accuracy(filled: Path, open_app) -> None:
    with project.opened(filled) as db:
        _add_measured_model(db)
        fill(db, 400)
        for name in ("나", "너"):
            person = annotators.get_or_create_id(db, name)
            for place, diary_id in enumerate([int(i) for i in diaries.list_ids(db, "test") if i > 6][:40]):
                label_id = 5 if place < 10 and name == "너" else 2
                decisions.add(db, NewDecision(diary_id, person, "label", f"{name}-token-{diary_id}", label_id))
    said = _page_text(open_app("overview"))
    assert "두 사람이 같은 감정을 고른 비율은 75% (60–86%, n=40)예요" in said
    assert "늘 맞는 모델도" in said

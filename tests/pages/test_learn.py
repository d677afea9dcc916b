from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from annotator import project, settings
from annotator.importing import import_file
from db.connection import rows
from db.models import facts, models, rounds, worker_status
from tests.conftest import answer_test_part

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


def add_round(
    db: Database, *, n: int = 60, before: float = 0.4, after: float = 0.6, p: float = 0.2, **more: Any
) -> None:
    """Keep a round that is done, as the worker would, and the model that it made."""
    previous = models.find_active_id(db)
    round_id = rounds.request_round(db, annotator_id=None)
    rounds.begin(db, round_id, last_decision_id=2, previous_model_id=previous)
    promoted = more.get("held_back_by") is None
    model_id = add_model(db, serve=promoted)
    rounds.set_model(db, round_id, model_id)
    report = {
        "train": 80,
        "new": 12,
        "before": _figures(n, before),
        "after": _figures(n, after),
        "p": p,
        "change": {"value": after - before, "low": after - before - 0.1, "high": after - before + 0.1},
        "look": 1,
        "promoted": promoted,
        "new_in_head": 31,
        **more,
    }
    rounds.end(db, round_id, status="done", report=report)


def _page_text(app) -> str:
    groups = (app.markdown, app.caption, app.info, app.success, app.warning, app.error)
    return "\n".join(element.value for group in groups for element in group)


def test_without_labels_the_button_waits_and_says_why(ready: Path, open_app) -> None:
    app = open_app("learn")
    assert app.button(key="learn_start").disabled
    assert "두 가지 이상" in _page_text(app)
    assert "아직 모델이 없어요" in _page_text(app)


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
    assert "작업자가 꺼져 있어 기다리고 있어요" in _page_text(app)
    app.button(key="learn_cancel").click().run()
    with project.opened(filled) as db:
        assert rounds.find_open(db) is None
    assert "취소했어요" in _page_text(app)


def test_a_round_over_a_pool_in_shards_says_how_far_it_is_and_how_fast(filled: Path, open_app) -> None:
    app = open_app("learn")
    app.button(key="learn_start").click().run()
    with project.opened(filled) as db:
        current = rounds.find_open(db)
        assert current is not None
        rounds.begin(db, current.id, last_decision_id=2, previous_model_id=None)
        facts.store_pool_progress(db, round_id=current.id, stage="encode", done=3, total=40, texts_a_second=1234.5)
        assert rounds.advance(db, current.id, step="fit", progress=0.3)
    assert "조각" not in _page_text(app.run())
    with project.opened(filled) as db:
        assert rounds.advance(db, current.id, step="pool", progress=0.3)
    assert "벡터: 조각 40개 가운데 3개, 1초에 글 1,234편" in _page_text(app.run())
    with project.opened(filled) as db:
        facts.store_pool_progress(db, round_id=current.id - 1, stage="encode", done=3, total=40, texts_a_second=1.0)
    assert "조각" not in _page_text(app.run())


BEST = {"version": 0, "p": 0.01, "change": {"value": -0.12, "low": -0.2, "high": -0.04}}


@pytest.mark.parametrize(
    ("n", "before", "after", "p", "more", "said", "unsaid"),
    [
        (60, 0.4, 0.6, 0.2, {}, "어느 판이 나은지 아직 알 수 없어서 새 판을 써요", "더 잘 맞혀요"),
        (60, 0.4, 0.6, 0.001, {}, "새 판이 이전 판보다 더 잘 맞혀요", "알 수 없어서"),
        (60, 0.4, 0.6, 0.001, {"look": 14}, "이번으로 14번째", "더 잘 맞혀요"),
        (20, 0.4, 0.9, 0.01, {}, "믿기 어려워요", "더 잘 맞혀요"),
        (60, 0.6, 0.5, 0.3, {"held_back_by": "accuracy"}, "이전 판이 더 나아 보여서 그대로예요", "더 못 맞혀요"),
        (60, 0.6, 0.3, 0.001, {"held_back_by": "accuracy"}, "더 못 맞혀요", "나아 보여서"),
        (60, 0.5, 0.5, 1.0, {"held_back_by": "best", "best": BEST}, "0판보다 12%p 낮아서", "알 수 없어서"),
        (60, 0.5, 0.5, 1.0, {"held_back_by": "macro_f1"}, "몇몇 감정을 더 놓쳐서", "알 수 없어서"),
        (60, 0.5, 0.5, 1.0, {}, "맞힌 일기 수가 같아서", "더 잘 맞혀요"),
    ],
)
def test_a_result_claims_no_more_than_its_figures_allow(
    filled: Path, open_app, n: int, before: float, after: float, p: float, more: dict[str, Any], said: str, unsaid: str
) -> None:
    with project.opened(filled) as db:
        add_model(db)
        add_round(db, n=n, before=before, after=after, p=p, **more)
    app = open_app("learn")
    assert not [error.value for error in app.error]
    assert said in _page_text(app)
    assert unsaid not in _page_text(app)


def test_a_result_gives_the_interval_of_the_difference_and_how_many_test_diaries_it_is_from(
    filled: Path, open_app
) -> None:
    with project.opened(filled) as db:
        add_model(db)
        add_round(db, before=0.6, after=0.55, held_back_by="best", best=BEST)
    said = _page_text(open_app("learn"))
    assert (
        "이전 판과의 정확도 차이: −5.0%p, 95% 구간은 −15.0에서 +5.0%p까지예요(같은 평가용 일기 60개, p = 0.200)" in said
    )
    assert "0판과의 정확도 차이: −12.0%p, 95% 구간은 −20.0에서 −4.0%p까지예요(같은 평가용 일기 60개, p = 0.010)" in said


@pytest.mark.parametrize(
    ("more", "label", "serves"),
    [({}, "0판으로 돌아가기", 0), ({"held_back_by": "accuracy"}, "그래도 1판 쓰기", 1)],
    ids=["new one in force", "new one held back"],
)
def test_beside_the_reason_stands_the_way_to_the_other_version(
    filled: Path, open_app, more: dict[str, Any], label: str, serves: int
) -> None:
    with project.opened(filled) as db:
        add_model(db)
        add_round(db, **more)
    app = open_app("learn")
    assert app.button(key="learn_other").label == label
    app.button(key="learn_other").click().run()
    assert not app.error
    with project.opened(filled) as db:
        active = models.find_active(db)
        assert active is not None
        assert active.version == serves
    assert "learn_other" not in [button.key for button in app.button], "nobody is asked to go back and forth"


def test_each_version_of_the_list_tells_why_it_was_used_or_not(filled: Path, open_app) -> None:
    with project.opened(filled) as db:
        add_model(db)
        add_round(db)
        add_round(db, before=0.6, after=0.5, held_back_by="accuracy")
    newest, second, first = open_app("learn").dataframe[0].value["쓰거나 쓰지 않은 까닭"].fillna("").tolist()
    assert newest == "이전 판이 더 나아 보여서 그대로예요."
    assert "아직 알 수 없어서" in second
    assert first == ""


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        ({"code": "memory_full", "details": {}}, "메모리가 모자라"),
        ({"code": "round_fatal", "details": {"count": 3}}, "작업자가 3번이나 갑자기 꺼져서"),
    ],
)
def test_a_failed_round_says_why_in_words(filled: Path, open_app, error: dict, sentence: str) -> None:
    with project.opened(filled) as db:
        round_id = rounds.request_round(db, annotator_id=None)
        rounds.end(db, round_id, status="failed", error=error)
    app = open_app("learn")
    assert sentence in app.error[0].value
    assert "이전 모델이 그대로" in _page_text(app)


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
        truth = [label for (label,) in rows(db, "select label_id from standing order by diary_id")]
        for wrong in (2, 1):
            answer_test_part(db, add_model(db), [label % 7 + 1 for label in truth[:wrong]] + truth[wrong:])
    app = open_app("learn")
    versions, table = app.dataframe[0].value, app.dataframe[1].value
    assert versions["정확도 (95% 구간)"].tolist() == ["83% (44–97%, n=6)", "67% (30–90%, n=6)"]
    assert versions["평가용 일기"].tolist() == [6, 6]
    assert "0판에서 1판으로 정확도 차이: **+16.7%p**, 95% 구간은 −" in _page_text(app)
    assert sum(table["평가용 일기"]) == 6
    assert (table["1판 F1"] - table["0판 F1"]).dropna().round(2).tolist() == table["차이"].dropna().tolist()
    app.selectbox(key="learn_first_2_ko").set_value(1).run()
    assert not app.error
    assert "서로 다른 두 판" in app.info[-1].value


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


def _add_audience(db: Database, **said: Any) -> None:
    """Let the newest round's report say for whose diaries its figures hold."""
    last = rounds.list_rounds(db)[-1]
    rounds.store_report(db, last.id, {**last.report, **said})


def test_the_page_says_for_whose_diaries_its_figures_hold(filled: Path, open_app) -> None:
    with project.opened(filled) as db:
        add_round(db)
        _add_audience(
            db, measured_for="new_writers", test_writers=9, study={"these_writers": {"right": 30, "n": 40}}, left_out=3
        )
    words = _page_text(open_app("learn"))
    assert "새 글쓴이의 일기: 정확도 60.0% (95% 구간 50–70%, 글쓴이 9명의 평가용 일기 60개)" in words
    assert "이 글쓴이들의 새 일기: 정확도 75.0%" in words
    assert "거의 같은 일기 3편은 학습에서 뺐어요" in words


def test_the_page_says_how_well_each_source_of_waiting_diaries_is_answered(filled: Path, open_app) -> None:
    with project.opened(filled) as db:
        add_round(db)
        sources = [
            {"diary_id": 1, "waiting": 125, "n": 4, "right": 2},
            {"diary_id": 2, "waiting": 0, "n": 200, "right": 146},
        ]
        _add_audience(db, measured_for="these_writers", sources=sources)
    app = open_app("learn")
    assert "아직 말할 수 없어요" in _page_text(app)
    tables = [frame.value for frame in app.dataframe if "출처" in frame.value]
    assert tables[0]["정확도 (95% 구간)"].tolist() == ["라벨이 적어요", "73% (66–79%, n=200)"]


def test_a_project_of_before_is_told_once_that_it_could_be_split_by_writers(filled: Path, open_app) -> None:
    with project.opened(filled) as db:
        lines = [f"쓴이{i % 12},{i}번째 날의 글" for i in range(48)]
        db.conn.execute("update diaries set author = null")
        db.conn.commit()
        import_file(db, "\n".join(["작성자,일기", *lines]).encode(), "writers.csv")
        settings.change(db, writer_cut=0)
    app = open_app("learn")
    assert "글쓴이 단위로 다시 뽑아요" in _page_text(app)
    app.button(key="learn_parts_close").click().run()
    assert "글쓴이 단위로 다시 뽑아요" not in _page_text(app)


def test_a_result_begins_with_sentences_on_what_changed(filled: Path, open_app) -> None:
    with project.opened(filled) as db:
        add_model(db)
        examples = [{"diary_id": 1, "before": 2, "after": 5}, {"diary_id": 2, "before": 1, "after": 4}]
        changed = {"n": 300, "count": 12, "examples": examples}
        f1_change = {"value": -0.03, "low": -0.2, "high": 0.15}
        add_round(db, n=10, before=0.7, after=0.6, changed=changed, f1_change=f1_change)
        first = rows(db, "select substr(text, 1, 8) from diaries where id = 1")[0][0]
    said = _page_text(open_app("learn"))
    assert "평가용 일기 10편 가운데 맞힌 것이 7편에서 6편이 됐어요. 우연일 수 있어요." in said
    assert "300편 가운데 12편의 답이 달라졌어요" in said
    assert "행복 → 슬픔" in said
    assert first in said
    assert "라벨이 하나도 없어서 아직 배우지 못한 감정" in said
    assert "macro F1 차이: −0.03, 95% 구간은 −0.20에서 +0.15까지" in said
    assert "시작까지" in said


def test_a_result_counts_what_became_right_and_what_was_learned_apart(filled: Path, open_app) -> None:
    with project.opened(filled) as db:
        decided = [
            {"group": "test", "n": 30, "before_right": 20, "after_right": 22, "gained": 3, "lost": 1, "p": 0.6},
            {"group": "later", "n": 9, "before_right": 5, "after_right": 6, "gained": 1, "lost": 0, "p": 1.0},
            {"group": "learned", "n": 50, "before_right": 30, "after_right": 38, "gained": 9, "lost": 1, "p": None},
        ]
        changed = {"n": 300, "count": 12, "examples": [], "decided": decided}
        add_round(db, n=10, before=0.5, after=0.5, changed=changed)
    told = "\n".join(element.value for element in open_app("learn").markdown)
    assert (
        "300편 가운데 12편의 답이 달라졌어요. 모델이 라벨을 보지 않은 판단한 일기에서 4편은 맞게, 1편은 틀리게" in told
    )
    assert "라벨을 보고 배운 일기에서는 9편이 맞게, 1편이 틀리게" in told


@pytest.mark.parametrize(
    ("after", "changed", "said"),
    [(0.5, 3, "두 판 모두 5편을 맞혔어요"), (0.6, 0, "300편의 답이 모두 그대로예요")],
)
def test_a_result_says_that_nothing_changed(filled: Path, open_app, after: float, changed: int, said: str) -> None:
    with project.opened(filled) as db:
        add_model(db)
        add_round(db, n=10, before=0.5, after=after, changed={"n": 300, "count": changed, "examples": []})
    assert said in _page_text(open_app("learn"))


def test_a_round_says_what_it_waits_for(filled: Path, open_app, held_worker_place) -> None:
    with project.opened(filled) as db:
        rounds.request_round(db, annotator_id=None)
        worker_status.report_worker(db, pid=1, host="h", started_at="", step="split", done=1, total=9, error=None)
    assert "하던 일(문장 나누기)을 멈추고 곧 시작해요" in _drawn(open_app("learn"))


def _drawn(app) -> str:
    return " ".join(element.proto.text for element in app.main.get("progress"))

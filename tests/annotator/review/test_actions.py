from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from annotator import project
from annotator.errors import UserError
from annotator.labelling import decisions as labelling_decisions
from annotator.review import actions, returned
from annotator.review.actions import Filter, ReviewAction
from db import connection
from db.answers import decisions, training_data
from db.answers.decisions import NewDecision
from db.people import annotators, audit_log
from db.review import reviews
from tests import reviewed
from tests.reviewed import HAPPY, SAD

if TYPE_CHECKING:
    from db import Database


@pytest.fixture
def db(opened: Database) -> Database:
    """지민 has labelled twelve diaries, 1 and 2 wrongly; 서연 says something else of 3."""
    reviewed.make(opened)
    return opened


@pytest.fixture
def me(db: Database) -> int:
    """The reviewer."""
    return annotators.get_or_create_id(db, "검토자")


def _act(db: Database, diary_id: int, kind: actions.Kind, **values: object) -> ReviewAction:
    return ReviewAction(kind, diary_id, reviews.get_revision(db, diary_id), **values)  # type: ignore[arg-type]


def _open(db: Database, **filters: object) -> list[int]:
    return [row.diary_id for row in actions.page(db, Filter(**filters)).rows]  # type: ignore[arg-type]


def _counted(db: Database) -> dict[int, list[int]]:
    labelled = training_data.list_labelled(db, part="pool")
    counted: dict[int, list[int]] = {}
    for diary_id, label_id in zip(labelled.diary_ids.tolist(), labelled.label_ids.tolist(), strict=True):
        counted.setdefault(diary_id, []).append(label_id)
    return counted


def test_doubtful_labels_and_disagreement_are_in_the_queue_and_the_rest_is_not(db: Database) -> None:
    assert sorted(_open(db)) == [1, 2, 3]
    assert _open(db, signal="disagreement") == [3]
    assert sorted(_open(db, signal="low_confidence")) == [1, 2, 3]
    assert _open(db, label_id=6) == [3]
    assert _open(db, part="test") == []


@pytest.mark.parametrize(("least", "shown"), [(0.3, [1, 2, 3]), (0.05, [1, 2, 3]), (0.001, [])])
def test_labels_outside_the_candidates_are_a_reason(db: Database, least: float, shown: list[int]) -> None:
    assert actions.OUTSIDE not in actions.list_reasons(db)
    promised = {"level": 0.9, "least": least, "n": 60, "covered": 0.9, "covered_low": 0.8, "covered_high": 0.96}
    metrics = json.dumps({"promise": {**promised, "size": 1.4}})
    db.execute("update models set metrics = ?", [metrics])
    db.conn.commit()
    assert actions.OUTSIDE in actions.list_reasons(db)
    rows = actions.page(db, actions.with_reason(db, Filter(), actions.OUTSIDE)).rows
    assert sorted(row.diary_id for row in rows) == shown


def test_a_reason_that_is_a_signal_filters_by_it(db: Database) -> None:
    assert actions.with_reason(db, Filter(part="pool"), "disagreement") == Filter(part="pool", signal="disagreement")
    assert actions.with_reason(db, Filter(), None) == Filter()


def test_accepting_settles_the_newest_label_that_most_people_gave(db: Database, me: int) -> None:
    reviewed.label(db, 3, HAPPY, name="하준")
    actions.apply(db, _act(db, 3, "accept"), reviewer_id=me)
    assert _counted(db)[3] == [HAPPY], "a settled diary counts once"
    assert 3 not in _open(db)
    assert _open(db, state="settled") == [3]


def test_the_same_press_twice_counts_once(db: Database, me: int) -> None:
    act = _act(db, 1, "accept")
    actions.apply(db, act, reviewer_id=me)
    actions.apply(db, act, reviewer_id=me)
    assert len([m for m in reviews.list_moments(db, 1) if m.what == "review"]) == 1


def test_a_label_that_somebody_gave_is_accepted_without_a_note(db: Database, me: int) -> None:
    actions.apply(db, _act(db, 3, "label", label_id=6), reviewer_id=me)
    standing = reviews.find_standing(db, 3)
    assert standing is not None
    assert (standing.kind, _counted(db)[3]) == ("accept", [6])


def test_an_override_needs_a_note_and_is_a_decision_of_the_reviewer(db: Database, me: int) -> None:
    with pytest.raises(UserError, match="review_note_missing"):
        actions.apply(db, _act(db, 1, "label", label_id=HAPPY, comment="  ".strip()), reviewer_id=me)
    assert _counted(db)[1] == [SAD], "nothing has changed"
    actions.apply(db, _act(db, 1, "label", label_id=HAPPY, comment="기쁘다고 적혀 있어요"), reviewer_id=me)
    assert _counted(db)[1] == [HAPPY]
    made = {d.annotator_id: d.id for d in decisions.list_standing(db, [1])}[me]
    assert reviews.made_by_review(db) == {made}


def test_changing_ones_own_label_needs_no_note(db: Database) -> None:
    mine = annotators.get_or_create_id(db, "지민")
    actions.apply(db, _act(db, 1, "label", label_id=HAPPY), reviewer_id=mine)
    assert _counted(db)[1] == [HAPPY]


def test_every_kind_of_review_can_be_undone_in_turn_also_after_a_restart(db: Database, me: int) -> None:
    before = _counted(db)
    theirs = decisions.list_standing(db, [2])[0].id
    actions.apply(db, _act(db, 3, "accept"), reviewer_id=me)
    actions.apply(db, _act(db, 1, "label", label_id=HAPPY, comment="까닭"), reviewer_id=me)
    actions.apply(db, _act(db, 2, "return", decision_id=theirs, comment="다시 봐 주세요"), reviewer_id=me)
    actions.apply(db, _act(db, 4, "ambiguous"), reviewer_id=me)
    with project.opened(Path(connection.file_of(db))) as again:
        assert [actions.undo_last(again, me) for _ in range(5)] == [[4], [2], [1], [3], []]
        assert _counted(again) == before
        assert sorted(_open(again)) == [1, 2, 3]


def test_an_undone_correction_takes_its_decision_with_it(db: Database, me: int) -> None:
    actions.apply(db, _act(db, 1, "label", label_id=HAPPY, comment="까닭"), reviewer_id=me)
    actions.undo_last(db, me)
    assert [d.label_id for d in decisions.list_standing(db, [1])] == [SAD]


def test_an_ambiguous_diary_keeps_what_everybody_said(db: Database, me: int) -> None:
    actions.apply(db, _act(db, 3, "ambiguous"), reviewer_id=me)
    assert sorted(_counted(db)[3]) == [HAPPY, 6]
    assert _open(db, state="ambiguous") == [3]


def test_an_accepted_label_that_its_annotator_takes_back_is_open_again(db: Database, me: int) -> None:
    accepted = reviewed.label(db, 3, 6, name="서연")
    actions.apply(db, _act(db, 3, "label", label_id=6), reviewer_id=me)
    assert decisions.undo(db, accepted, token="undo-1")
    assert sorted(_counted(db)[3]) == [HAPPY, 6], "both are back: 서연's earlier one stands again"
    assert _open(db, state="settled") == []


def test_two_reviewers_at_once_do_not_overwrite_each_other(db: Database, me: int) -> None:
    path, other = Path(connection.file_of(db)), annotators.get_or_create_id(db, "다른 검토자")
    acts = {me: _act(db, 1, "accept"), other: _act(db, 1, "label", label_id=HAPPY, comment="까닭")}
    outcomes: list[str] = []
    start = threading.Barrier(2)

    def press(who: int) -> None:
        with project.opened(path) as mine:
            start.wait()
            try:
                actions.apply(mine, acts[who], reviewer_id=who)
                outcomes.append("done")
            except UserError as error:
                outcomes.append(error.code)

    people = [threading.Thread(target=press, args=(who,)) for who in acts]
    for person in people:
        person.start()
    for person in people:
        person.join()
    assert sorted(outcomes) == ["done", "review_overtaken"]
    kept = [m for m in reviews.list_moments(db, 1) if m.what == "review"]
    assert len(kept) == 1


def test_a_decision_that_came_meanwhile_stops_a_review(db: Database, me: int) -> None:
    act = _act(db, 1, "accept")
    reviewed.label(db, 1, HAPPY, name="서연")
    with pytest.raises(UserError, match="review_overtaken"):
        actions.apply(db, act, reviewer_id=me)
    assert reviews.find_standing(db, 1) is None


def test_a_diary_without_a_label_can_not_be_reviewed(db: Database, me: int) -> None:
    assert decisions.undo(db, decisions.list_standing(db, [1])[0].id, token="undo-1")
    with pytest.raises(UserError, match="review_undecided"):
        actions.apply(db, _act(db, 1, "accept"), reviewer_id=me)


def test_paging_passes_every_row_once(db: Database) -> None:
    seen: list[int] = []
    after = None
    while True:
        row = actions.page(db, Filter(), after=after).rows
        if not row:
            break
        seen.append(row[0].diary_id)
        after = (row[0].expected_error, row[0].diary_id)
    assert sorted(seen) == [1, 2, 3]
    assert len(seen) == 3


def test_an_older_state_counts_the_reviews_of_its_time(db: Database, me: int) -> None:
    at_first = decisions.last_decision_id(db)
    actions.apply(db, _act(db, 1, "label", label_id=HAPPY, comment="까닭"), reviewer_id=me)
    corrected = decisions.last_decision_id(db)
    reviewed.label(db, 5, SAD, name="서연")
    labels_then = {
        up_to: [
            label_id
            for diary_id, label_id in zip(labelled.diary_ids.tolist(), labelled.label_ids.tolist(), strict=True)
            if diary_id == 1
        ]
        for up_to in (at_first, corrected, None)
        for labelled in [training_data.list_labelled(db, part="pool", up_to=up_to)]
    }
    assert labels_then == {at_first: [SAD], corrected: [HAPPY], None: [HAPPY]}


def test_what_a_browser_sends_is_checked() -> None:
    good = {"kind": "accept", "diary_id": 1, "mark": [1, 0], "comment": " \0말 "}
    assert actions.read_act(good).comment == "말"
    others: list[object] = [None, [], {}, {**good, "mark": [1]}, {**good, "kind": "undo"}, {**good, "diary_id": 2**70}]
    for broken in others:
        with pytest.raises(UserError, match="event_broken"):
            actions.read_act(broken)


def test_a_review_is_on_record_without_a_word_of_the_diary_or_the_comment(db: Database, me: int) -> None:
    actions.apply(db, _act(db, 1, "return", comment="비밀스러운 말"), reviewer_id=me)
    entry = audit_log.list_entries(db)[0]
    assert (entry.action, entry.subject, entry.name) == ("review.return", "diary:1", "검토자")
    assert "비밀" not in str(entry.details)


def test_a_diary_sent_back_waits_for_its_annotator_alone_and_an_answer_ends_it(db: Database, me: int) -> None:
    mine, other = annotators.get_or_create_id(db, "지민"), annotators.get_or_create_id(db, "서연")
    actions.apply(db, _act(db, 1, "return", comment="<b>다시</b> 봐 주세요"), reviewer_id=me)
    card = returned.next_card(db, mine)
    assert card is not None
    assert (card.diary_id, card.comment, card.memo) == (1, "<b>다시</b> 봐 주세요", "왠지 그랬다")
    assert (returned.count(db, mine), returned.count(db, other)) == (1, 0)
    assert "검토자" not in str(card)
    made = returned.answer(db, card.review_id, HAPPY, annotator_id=mine, memo="그렇네요")
    assert returned.answer(db, card.review_id, HAPPY, annotator_id=mine) == made, "a second press"
    assert returned.count(db, mine) == 0
    assert _open(db, state="returned") == []
    assert returned.undo(db, made, annotator_id=mine)
    assert returned.count(db, mine) == 1


def test_the_same_label_again_is_an_answer_too(db: Database, me: int) -> None:
    mine = annotators.get_or_create_id(db, "지민")
    actions.apply(db, _act(db, 1, "return", comment="정말요?"), reviewer_id=me)
    returned.answer(db, reviews.find_last(db, me).id, SAD, annotator_id=mine)  # type: ignore[union-attr]
    assert returned.count(db, mine) == 0
    assert 1 in _open(db)


def test_an_answer_to_what_was_taken_back_is_refused_in_words(db: Database, me: int) -> None:
    mine = annotators.get_or_create_id(db, "지민")
    actions.apply(db, _act(db, 1, "return", comment="다시"), reviewer_id=me)
    card = returned.next_card(db, mine)
    assert card is not None
    actions.undo_last(db, me)
    with pytest.raises(UserError, match="correction_gone"):
        returned.answer(db, card.review_id, HAPPY, annotator_id=mine)


def test_deciding_anew_on_the_label_page_ends_a_return_as_well(db: Database, me: int) -> None:
    mine = annotators.get_or_create_id(db, "지민")
    actions.apply(db, _act(db, 1, "return", comment="다시"), reviewer_id=me)
    labelling_decisions.decide(db, NewDecision(1, mine, "label", "a-new-token", HAPPY))
    assert returned.next_card(db, mine) is None


def test_sending_back_needs_a_comment_and_somebody_to_answer(db: Database, me: int) -> None:
    with pytest.raises(UserError, match="review_comment_missing"):
        actions.apply(db, _act(db, 1, "return"), reviewer_id=me)
    db.conn.execute(
        "insert into decisions (diary_id, annotator_id, kind, label_id, token, source, decided_at)"
        " values (1, ?, 'label', 3, 'imported', 'import', '')",
        (annotators.get_or_create_id(db, "파일", kind="importer"),),
    )
    db.conn.commit()
    imported = _act(db, 1, "return", decision_id=decisions.last_decision_id(db), comment="다시")
    with pytest.raises(UserError, match="review_return_import"):
        actions.apply(db, imported, reviewer_id=me)

"""Care: what the list of phrases finds and passes over, what the worker flags, and who is handed it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from annotator.accounts.permissions import Person, machine_owner
from annotator.errors import UserError
from annotator.importing import import_file
from annotator.labelling import board as labelling
from annotator.labelling.queueing import enqueue_import
from annotator.privacy import care, masking
from annotator.worker.tasks import care_flags
from db.answers import decisions, queue
from db.answers.decisions import NewDecision
from db.errors import NotFoundError
from db.people import annotators, audit_log
from db.texts import care_flags as flags
from db.texts import diaries

if TYPE_CHECKING:
    from db import Database

GRAVE = "오늘은 정말 죽고 싶다는 생각만 들었다."

FOUND = [
    *("죽고싶어 진짜", "죽 고 싶 다", "그냥 사라지고 싶다", "이제 그만 살고 싶다", "손목을 그었다", "살고 싶지 않아"),
    *("자해를 멈출 수가 없다", "옥상에 올라가 뛰어내릴까 생각했다", "유서를 썼다가 지웠다", "살아갈 이유가 없다"),
    *("약을 한꺼번에 먹으면 어떻게 될까", "아침에 눈을 뜨지 않았으면 좋겠다", "차라리 죽는 게 나을 것 같다"),
]

PASSED_OVER = [
    *("배고파 죽겠다", "웃겨 죽는 줄 알았다", "더워 죽을 것 같은 날씨", "귀여워 죽겠다", "보고 싶어 죽겠다"),
    *("죽고 싶지 않다, 오래 살고 싶다", "죽고 싶지만 떡볶이는 먹고 싶어를 읽었다", "주식에 투자해서 돈을 벌었다"),
    *("자살골을 넣어서 졌다", "숙제를 다 끝내고 싶다", "감자해장국을 먹었다", "고양이가 책상에서 뛰어내렸다"),
    *("쪽팔려서 죽고 싶었다", "바다에 뛰어들고 싶은 날씨", "쥐구멍으로 사라지고 싶을 만큼 창피했다"),
    *("이 동네에서는 살기 싫다", "꿈에서 깨지 않았으면 좋겠다", "핸드폰 배터리가 죽었다", "삶을 포기하지 않기로 했다"),
]

# Written after the list was done, and the list was not changed for them.
UNSEEN_GRAVE = [
    *("다 놓아 버리고 떠나고 싶다", "죽음만이 답인 것 같다", "자살을 검색하다가 잠들었다", "커터칼로 팔을 그었다"),
    *("내일이 오지 않았으면 한다", "죽고 싶은데 무섭다", "그만 살고 싶어서 편지를 썼다", "몸에 또 상처를 냈다"),
    *(
        "난간에 서서 아래를 오래 봤다",
        "내가 사라져도 세상은 그대로겠지",
        "살아 있는 게 너무 고통스럽다",
        "죽는 방법을 찾아봤다",
    ),
    *(
        "이대로 눈을 감고 깨어나지 않았으면",
        "모든 걸 끝내고 싶어",
        "태어나지 않았으면 좋았을 텐데",
        "수면제를 모으고 있다",
    ),
    *(
        "나 같은 건 없어지는 게 낫다",
        "살기 싫어서 하루 종일 누워 있었다",
        "손목에 자꾸 눈이 간다",
        "죽어 버리고 싶었다",
    ),
]
UNSEEN_HARMLESS = [
    *("피곤해 죽겠다", "시험 때문에 죽을 맛", "드라마 주인공이 자살하는 장면에서 울었다", "할머니 산소에 다녀왔다"),
    *(
        "게임에서 계속 죽었다",
        "이 회사 다니기 싫다",
        "머리를 자르고 싶다",
        "부끄러워서 사라지고 싶었다",
        "약을 제때 먹었다",
    ),
    *(
        "번지점프를 뛰어내릴 때 무서웠다",
        "추워서 얼어 죽는 줄",
        "목걸이를 샀다",
        "조용히 살고 싶다",
        "칼로 사과를 깎았다",
    ),
    *(
        "웃다가 쓰러질 뻔했다",
        "한강에서 치킨을 먹었다",
        "옥상에서 별을 봤다",
        "죽이 맛있었다",
        "팔을 다쳐 깁스했다",
        "끝까지 해냈다",
    ),
]


def _fill(db: Database, *texts: str) -> None:
    rows = "\n".join(["text", *(f'"{text}"' for text in texts)])
    import_file(db, rows.encode(), "diaries.csv", after=enqueue_import)


def _scan(db: Database) -> None:
    while care_flags.scan(db):
        pass


def _person(db: Database, name: str, role: str) -> Person:
    return Person(annotators.get_or_create_id(db, name), name, role, is_solo=False)  # type: ignore[arg-type]


# The list


@pytest.mark.parametrize("text", FOUND)
def test_a_phrase_is_found_however_it_is_spaced_and_inflected(text: str) -> None:
    assert care.read_list(care.shipped_text()).is_in(text)


@pytest.mark.parametrize("text", PASSED_OVER)
def test_idioms_and_negations_are_passed_over(text: str) -> None:
    assert not care.read_list(care.shipped_text()).is_in(text)


def test_the_list_is_as_good_as_the_documentation_says() -> None:
    phrases = care.read_list(care.shipped_text())
    right = sum(map(phrases.is_in, UNSEEN_GRAVE))
    wrong = sum(map(phrases.is_in, UNSEEN_HARMLESS))
    assert (right, len(UNSEEN_GRAVE), wrong, len(UNSEEN_HARMLESS)) == (11, 20, 2, 20)


def test_an_invisible_character_hides_nothing() -> None:
    assert care.read_list("죽고 싶").is_in("죽\u200b고\u200d싶다")


def test_one_harmless_place_does_not_hide_another_one() -> None:
    phrases = care.read_list("죽고 싶\n! 죽고 싶지 않")
    assert not phrases.is_in("죽고 싶지 않다")
    assert phrases.is_in("죽고 싶지 않다가도 죽고 싶다")


@pytest.mark.parametrize("text", ["", "# 설명뿐", "! 빼기만", "^\n^ "])
def test_a_list_without_a_phrase_is_refused(text: str) -> None:
    with pytest.raises(UserError, match="care_list_empty"):
        care.read_list(text)


def test_a_team_uses_a_list_of_its_own_and_goes_back(opened: Database) -> None:
    _fill(opened, GRAVE, "너무 외롭다는 말만 맴돈다")
    care.use_list(opened, "외롭다", annotator_id=None)
    _scan(opened)
    assert [card.flag.diary_id for card in care.list_cards(opened, person=machine_owner(), which="open", limit=9)] == [
        2
    ]
    with pytest.raises(UserError, match="care_list_empty"):
        care.use_list(opened, "# 없음", annotator_id=None)
    assert care.list_text(opened) == "외롭다"
    care.use_list(opened, None, annotator_id=None)
    _scan(opened)
    assert care.count(opened) == (2, 0), "what was flagged stays flagged"


# The worker


def test_all_diaries_are_looked_through_once_and_a_killed_worker_goes_on(
    opened: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(care_flags, "BATCH", 2)
    _fill(opened, "맑음", GRAVE, "흐림", "비", "살기 싫다")
    assert care_flags.scan(opened) == (2, 5)
    assert care.count(opened) == (1, 0)
    _scan(opened)
    assert care.count(opened) == (2, 0)
    assert care_flags.scan(opened) is None
    _fill(opened, "사라지고 싶다")
    assert care_flags.scan(opened) == (6, 6)


def test_a_tab_that_holds_a_flagged_diary_loses_it_and_what_it_pressed_still_counts(opened: Database) -> None:
    _fill(opened, GRAVE)
    me = annotators.get_or_create_id(opened, "나")
    lease = queue.claim(opened, annotator_id=me, holder="tab", limit=1, seconds=60)[0]
    _scan(opened)
    assert queue.list_leases(opened, annotator_id=me, holder="tab") == []
    assert decisions.add(opened, NewDecision(1, me, "label", lease.token, 1)) is not None


# Who sees it


def test_a_flagged_diary_is_not_handed_to_annotators_but_to_the_lead(opened: Database) -> None:
    _fill(opened, GRAVE, "맑은 하루")
    _scan(opened)
    me, lead = (annotators.get_or_create_id(opened, name) for name in ("나", "이끄는 이"))
    common = {"holder": "tab-0001", "language": "ko"}
    board = labelling.load_board(opened, annotator_id=me, sees_flagged=False, **common)  # type: ignore[arg-type]
    assert ([item["diary_id"] for item in board.items], board.left) == ([2], 1)
    board = labelling.load_board(opened, annotator_id=lead, **{**common, "holder": "tab-0002"})  # type: ignore[arg-type]
    assert ([item["diary_id"] for item in board.items], board.left) == ([1], 2)
    assert board.items[0]["care"]


def test_help_lines_stand_beside_a_diary_that_the_worker_has_not_seen_yet(opened: Database) -> None:
    _fill(opened, GRAVE)
    me = annotators.get_or_create_id(opened, "나")
    assert labelling.load_board(opened, annotator_id=me, holder="tab-0001", language="ko").items[0]["care"]


def test_the_lead_notes_what_was_done_and_it_is_on_record(opened: Database) -> None:
    _fill(opened, f"{GRAVE} 전화는 010-1234-5678.")
    _scan(opened)
    lead = _person(opened, "이끄는 이", "reviewer")
    card = care.list_cards(opened, person=machine_owner(), which="open", limit=9)[0]
    assert card.text == f"{GRAVE} 전화는 ●●●-●●●●-●●●●."
    care.handle(opened, 1, " 연락했어요 ", person=lead)
    assert care.count(opened) == (0, 1)
    flag = care.list_cards(opened, person=machine_owner(), which="handled", limit=9)[0].flag
    assert (flag.handled_by, flag.note) == ("이끄는 이", "연락했어요")
    entry = audit_log.list_entries(opened)[0]
    assert (entry.action, entry.subject, "연락" in str(entry.details)) == ("care.handle", "diary:1", False)


def test_only_a_lead_looks_after_a_flagged_diary(opened: Database) -> None:
    _fill(opened, GRAVE, "맑음")
    _scan(opened)
    with pytest.raises(UserError, match="care_forbidden"):
        care.handle(opened, 1, "", person=_person(opened, "나", "annotator"))
    with pytest.raises(NotFoundError, match="care_flag_missing"):
        care.handle(opened, 2, "", person=_person(opened, "이끄는 이", "reviewer"))
    assert flags.count_flags(opened) == (1, 0)


# What is covered


def test_only_an_administrator_sees_what_is_covered_and_it_is_on_record(opened: Database) -> None:
    _fill(opened, "전화는 010-1234-5678.")
    for role in ("annotator", "reviewer"):
        with pytest.raises(UserError, match="reveal_forbidden"):
            masking.reveal(opened, 1, person=_person(opened, "나", role))
    assert audit_log.list_entries(opened) == []
    boss = _person(opened, "관리자", "administrator")
    assert masking.reveal(opened, 1, person=boss) == "전화는 010-1234-5678."
    entry = audit_log.list_entries(opened)[0]
    assert (entry.action, entry.subject, entry.name) == ("mask.reveal", "diary:1", "관리자")
    assert "010" not in str(entry.details)


def test_the_board_covers_what_is_private_and_the_stored_text_stays(opened: Database) -> None:
    _fill(opened, "전화는 010-1234-5678.")
    me = annotators.get_or_create_id(opened, "나")
    assert labelling.load_board(opened, annotator_id=me, holder="tab-0001", language="ko").items[0]["text"] == (
        "전화는 ●●●-●●●●-●●●●."
    )
    assert diaries.get_diary(opened, 1).text == "전화는 010-1234-5678."


def test_whoever_may_review_withholds_a_diary_that_worries_them(opened: Database) -> None:
    _fill(opened, "아무 말도 없는 글이다.", "다른 글이다.")
    with pytest.raises(UserError, match="right_missing"):
        care.flag(opened, 1, person=_person(opened, "지민", "annotator"))
    care.flag(opened, 1, person=_person(opened, "서연", "reviewer"))
    flag = flags.find_flag(opened, 1)
    assert flag is not None
    assert flag.handled_by is None
    flags.add(opened, 1)
    assert flags.count_flags(opened) == (1, 0)

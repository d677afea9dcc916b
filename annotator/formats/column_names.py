"""Names by which columns of foreign tables are recognised."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

TEXT = (
    "text diary diarytext content contents body sentence entry document "
    "일기 일기내용 일기본문 본문 내용 문장 글 글내용 텍스트 원문"
)
LABEL = "label labels emotion emotions sentiment 라벨 레이블 감정 감정라벨 감정레이블 감정분류 감정대분류 정답 정답라벨"
DATE = (
    "date datetime day writtenon writtenat createdat createdon timestamp "
    "날짜 일자 일시 작성일 작성일자 작성일시 작성날짜 쓴날 등록일 등록일시 타임스탬프"
)
AUTHOR = "author writer user userid username nickname 작성자 저자 글쓴이 쓴사람 사용자 닉네임 필명"
ANNOTATOR = (
    "annotator annotatorid labeler labeller worker workerid rater 라벨러 주석자 작업자 평가자 판단한사람 라벨단사람"
)
CATEGORY = "category class target 분류 범주 유형 감정 emotion"
_OTHER = (
    "id index no number title name memo note notes comment source file split score rating age gender sex mood weather "
    "번호 순번 연번 일련번호 제목 이름 메모 비고 출처 파일 점수 나이 연령 성별 기분 날씨 "
    "문서번호 사람문장1 사람문장2 사람문장3"
)
PERSON_NUMBER = re.compile(r"[\s_.\-]*(?:\d{1,3}|[A-Za-z]|[가나다라마바사아자차카타파하])$")
"""What tells the columns of several people apart: 평가자1, rater_a, 라벨러 가."""

_ALL = frozenset(" ".join((TEXT, LABEL, DATE, AUTHOR, ANNOTATOR, CATEGORY, _OTHER)).split())


def is_label_name(name: str) -> bool:
    """Return whether a column of this name is likely to hold labels."""
    return bool(named((name,), LABEL))


def named(columns: Sequence[str], names: str) -> list[str]:
    """Return the columns that have one of some names, whatever their case and signs."""
    words = names.split()
    return [column for column in columns if _plain(column) in words]


def has_known(cells: Iterable[str]) -> bool:
    """Return whether a row has a cell that is a usual name of a column."""
    return any(_plain(cell) in _ALL or _plain(PERSON_NUMBER.sub("", cell.strip())) in _ALL for cell in cells)


def _plain(name: str) -> str:
    return re.sub(r"[\s_.\-]", "", name).casefold()

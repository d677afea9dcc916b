"""Tests of masking: what is covered, what stays, and that nothing moves."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotator.privacy.masking import cover_name, mask
from annotator.settings import Settings

WITH_NUMBERS = Settings(seed="00")
WITH_NAMES = Settings(seed="00", mask_names=True)
WITHOUT = Settings(seed="00", mask=False)

PRIVATE = [
    ("주민번호 900101-1234568 적었다", "900101-1234568"),
    ("9001011234568로 냈다", "9001011234568"),
    ("아이는 210305-3987654", "210305-3987654"),
    ("2103053987654 아이", "2103053987654"),
    ("외국인번호 850505-5123456", "850505-5123456"),
    ("９００１０１－１２３４５６８", "９００１０１－１２３４５６８"),
    ("900101 - 1234568 맞나", "900101 - 1234568"),
    ("전화는 010-1234-5678이야", "010-1234-5678"),
    ("01012345678로 걸었다", "01012345678"),
    ("010 1234 5678", "010 1234 5678"),
    ("010.1234.5678", "010.1234.5678"),
    ("0 1 0 1 2 3 4 5 6 7 8", "0 1 0 1 2 3 4 5 6 7 8"),
    ("０１０－１２３４－５６７８", "０１０－１２３４－５６７８"),
    ("01\u200b0-12\u200b34-5678", "01\u200b0-12\u200b34-5678"),
    ("예전 번호 011-234-5678", "011-234-5678"),
    ("+82 10-1234-5678", "+82 10-1234-5678"),
    ("+82-2-123-4567", "+82-2-123-4567"),
    ("집은 02-123-4567", "02-123-4567"),
    ("(031) 123-4567", "031) 123-4567"),
    ("0621234567", "0621234567"),
    ("070-1234-5678", "070-1234-5678"),
    ("0507-1234-5678", "0507-1234-5678"),
    ("고객센터 1588-1234", "1588-1234"),
    ("메일 hong.gildong+a@example.co.kr로", "hong.gildong+a@example.co.kr"),
    ("ｈｏｎｇ＠ｅｘａｍｐｌｅ．ｃｏｍ", "ｈｏｎｇ＠ｅｘａｍｐｌｅ．ｃｏｍ"),
    ("hong @ example.com", "hong @ example.com"),
    ("카드 4111 1111 1111 1111", "4111 1111 1111 1111"),
    ("4111-1111-1111-1111", "4111-1111-1111-1111"),
    ("378282246310005", "378282246310005"),
]

HARMLESS = [
    "2026-11-21 오후 3시",
    "2026.11.21. 토요일",
    "20261121",
    "1592-1598년 전쟁",
    "1588-1592년",
    "02:30-04:10",
    "커피 4,500원, 가방 1,588,000원",
    "12,345,678원을 모았다",
    "5511번 버스와 9-1번 버스",
    "버스 010번",
    "3.14159265358979",
    "0.1012345678",
    "체중 62.5kg, 걸음 10123보",
    "1박 2일, 5~6시, 7~8시",
    "8801234567890 바코드",
    "주문번호 4111111111111112",
    "991332-1234567",
    "900101",
    "@친구 안녕",
    "점수는 3-2, 21-19",
    "1234-5678",
    "10 20 30 40 50 60 70",
    "오늘은 가족이랑 밥을 먹었다.",
]


@pytest.mark.parametrize(("text", "private"), PRIVATE)
def test_what_names_or_reaches_a_person_is_covered(text: str, private: str) -> None:
    covered = mask(text, WITH_NUMBERS)
    start = text.index(private)
    inside = covered[start : start + len(private)]
    assert not any(character.isalnum() for character in inside)
    assert "●" in inside
    assert covered[:start] == text[:start]
    assert covered[start + len(private) :] == text[start + len(private) :]


@pytest.mark.parametrize("text", HARMLESS)
def test_dates_prices_and_other_numbers_stay(text: str) -> None:
    assert mask(text, WITH_NUMBERS) == text


def test_nothing_is_covered_where_masking_is_switched_off() -> None:
    assert mask("010-1234-5678 김철수 씨", WITHOUT) == "010-1234-5678 김철수 씨"


def test_names_are_covered_only_where_that_is_asked_for() -> None:
    text = "김민수 씨와 점심을 먹고 박지영한테 전화했다."
    assert mask(text, WITH_NUMBERS) == text
    assert mask(text, WITH_NAMES) == "●●● 씨와 점심을 먹고 ●●●한테 전화했다."


_TRICKY = st.text(st.one_of(st.characters(), st.sampled_from("0123456789０１８２- .@()\u200b+김민수씨a")), max_size=60)


@given(_TRICKY)
def test_length_stays_equal_for_any_text(text: str) -> None:
    assert len(mask(text, WITH_NAMES)) == len(text)


@given(_TRICKY)
def test_masking_twice_is_masking_once(text: str) -> None:
    once = mask(text, WITH_NAMES)
    assert mask(once, WITH_NAMES) == once


@pytest.mark.parametrize(("name", "covered"), [("김민수", "김●●"), ("가", "●"), ("나래", "나●"), ("", "●")])
def test_of_a_name_by_itself_only_the_first_character_stays(name: str, covered: str) -> None:
    assert cover_name(name) == covered

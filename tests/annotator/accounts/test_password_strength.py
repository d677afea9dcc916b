"""Passwords that people choose first are refused with the reason, however they are typed; others are let be."""

from __future__ import annotations

import time
import unicodedata

import pytest

from annotator.accounts.dubeolsik import to_keys
from annotator.accounts.password_strength import find_weakness

ABOUT = ("김수아", "sua.kim@example.org")


@pytest.mark.parametrize(
    ("hangul", "keys"),
    [
        ("안녕하세요", "dkssudgktpdy"),
        ("대한민국", "eogksalsrnr"),
        ("없앴어 괜찮아", "djqtdoTdj rhoscksgdk"),
        ("ㅂㅈㄷㄱ", "qwer"),
        ("얘기 쓰기 왜 뭐", "dOrl Tmrl dho anj"),
        ("abc 1", "abc 1"),
    ],
)
def test_hangul_is_the_keys_that_type_it(hangul: str, keys: str) -> None:
    assert to_keys(hangul) == keys
    assert to_keys(unicodedata.normalize("NFD", hangul)) == keys


REFUSED = {
    "password_common": """
        password123 Password123! P@ssw0rd2024 drowssap12 letmein1234 iloveyou1234 administrator changeme123
        1q2w3e4r5t 1qaz2wsx3edc qwer1234!@#$ 1234567890 dkssudgktpdy dkssudgktpdy1 dkssudgktpdy123! 안녕하세요12345
        tkfkdgody12 사랑해사랑해사랑해사랑해 rkatkgkqslek qlalfqjsgh12 eogksalsrnrakstp rlaalswl1234 김민지김민지김민지
        dlrjtdmsqlalfqjsghdlqslek 우리가족사랑해12 아빠엄마아빠엄마아빠 saranghae123 annyeonghaseyo 1004tkfkdgo
        monkey-dragon1 Summer2024! ㅔㅁㄴㄴ재ㄱㅇ12
    """,
    "password_easy": """
        abcdefghij asdfghjkl; 9876543210 ㅁㄴㅇㄹㅎㅗㅓㅏㅣ; ㅋㅋㅋㅋㅋㅋㅋㅋㅋㅋ 가나다라마바사아자차
        ㄱㄴㄷㄹㅁㅂㅅㅇㅈㅊ
    """,
    "password_date": """
        2024-11-28 20241128!! 01028471956 010-2847-1956! 901225-1234567 1990년12월25일생
    """,
    "password_personal": """
        김수아김수아김수아 rlatndk1234! suakim!suakim! sua.kim2024 Sua.Kim12345! sua.kim@example.org example2024!
        maeumgyeol1! 마음결마음결마음결 akdmarufakdmaruf
    """,
}


@pytest.mark.parametrize(("code", "passwords"), REFUSED.items())
def test_what_people_choose_first_is_refused_with_the_reason(code: str, passwords: str) -> None:
    weaknesses = {password: find_weakness(password, ABOUT) for password in passwords.split()}
    assert weaknesses == dict.fromkeys(weaknesses, code)


@pytest.mark.parametrize(
    "password",
    [
        "correct horse 1",
        "비밀번호 문장 하나",
        "버스 창가 노을 일곱",
        "보라색 우산 열두 개",
        "v8#kQz!mP2xw",
        "수아가 좋아하는 매운 순두부",
        "tram-lemon-violin-39",
        "4@8({[<369&#!1/|0$5+7%2z" * 8,
        "가" * 20 + "b!8한글과 Latin",
    ],
)
def test_what_nobody_would_guess_is_let_be(password: str) -> None:
    assert find_weakness(password, ABOUT) is None


@pytest.mark.parametrize("text", ["4@8({[<369&#!1/|0$5+7%2z", "1!|7l$5s+t%x2z0o9g6g(c<", "a1", "가", "안녕", "aB"])
def test_no_password_takes_long_to_judge(text: str) -> None:
    find_weakness("warm up the dictionaries", ABOUT)
    start = time.process_time()
    find_weakness((text * 200)[:200], ABOUT)
    assert time.process_time() - start < 2

"""Encodings are found by strict decoding, and never by replacing characters."""

from __future__ import annotations

import random

import pytest

from annotator.errors import UserError
from annotator.importing import ReadOptions, preview

TABLE = "일기,감정\n오늘은 비가 와서 조금 슬펐다.,슬픔\n친구가 와 줘서 기뻤다.,행복\n"


@pytest.mark.parametrize(
    ("written_as", "encoding"),
    [
        ("utf-8", "utf-8"),
        ("utf-8-sig", "utf-8-sig"),
        ("cp949", "cp949"),
        ("euc-kr", "cp949"),
        ("utf-16", "utf-16"),
        ("utf-16-le", "utf-16-le"),
        ("utf-16-be", "utf-16-be"),
        ("utf-32", "utf-32"),
    ],
)
def test_each_encoding_is_found_and_read_exactly(written_as: str, encoding: str) -> None:
    seen = preview(TABLE.encode(written_as), "일기.csv")
    assert seen.encoding == encoding
    assert seen.columns == ("일기", "감정")
    assert seen.rows[1] == {"일기": "친구가 와 줘서 기뻤다.", "감정": "행복"}


def test_syllables_that_only_cp949_has_are_read() -> None:
    assert preview("일기\n똠방각하 펲시콜라\n".encode("cp949"), "a.csv").rows[0] == {"일기": "똠방각하 펲시콜라"}


def test_an_ascii_file_is_utf_8() -> None:
    assert preview(b"text\nplain words only\n", "a.csv").encoding == "utf-8"


def test_new_emoji_and_a_stray_control_character_are_text() -> None:
    text = "text\n" + "오늘은 참 좋았다 " * 20 + "\U0001fae8\x08\n"
    assert preview(text.encode(), "a.csv").encoding == "utf-8"


def test_mixed_encodings_are_refused_with_the_first_line_that_does_not_fit() -> None:
    mixed = "일기\n첫째 날은 맑았다\n".encode() + "둘째 날은 흐렸다\n".encode("cp949")
    with pytest.raises(UserError) as caught:
        preview(mixed, "a.csv")
    assert caught.value.code == "import_encoding_none"
    assert caught.value.details == {"name": "a.csv", "utf_8_line": 3, "cp949_line": 1}


def test_a_line_far_into_the_file_is_counted_across_chunks() -> None:
    rows = "오늘도 같은 하루였다\n".encode() * 60_000
    with pytest.raises(UserError) as caught:
        preview(b"text\n" + rows + b"\xff\xfe\xfd\n", "a.csv")
    assert caught.value.details["utf_8_line"] == 60_002


@pytest.mark.parametrize("cut", [b"\xec\x95", b"\xec"])
def test_a_character_cut_off_at_the_end_is_noticed(cut: bytes) -> None:
    with pytest.raises(UserError) as caught:
        preview("﻿일기\n안녕".encode() + cut, "a.csv")
    assert caught.value.code == "import_encoding_mismatch"
    assert caught.value.details["line"] == 2


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("日记,心情\n今天下雨了我很难过,悲伤\n", "gbk"),
        ("日記\n今日は雨が降ったので、家で本を読んでいました。とても静かで眠くなる一日です。\n", "euc-jp"),
        ("日記\n今日は雨が降ったので、家で本を読んでいました。とても静かで眠くなる一日です。\n", "shift-jis"),
    ],
)
def test_other_languages_are_not_taken_for_cp949(text: str, encoding: str) -> None:
    with pytest.raises(UserError) as caught:
        preview(text.encode(encoding), "a.csv")
    assert caught.value.code in ("import_encoding_unclear", "import_encoding_none")


def test_a_person_may_force_an_encoding() -> None:
    content = "日记,心情\n今天下雨了我很难过,悲伤\n".encode("gbk")
    assert preview(content, "a.csv", reading=ReadOptions(encoding="GBK")).rows[0]["心情"] == "悲伤"


def test_a_forced_utf_8_still_drops_the_mark() -> None:
    assert preview(TABLE.encode("utf-8-sig"), "a.csv", reading=ReadOptions(encoding="utf-8")).columns == (
        "일기",
        "감정",
    )


@pytest.mark.parametrize("encoding", ["utf-9", "rot13", "base64", "\0", "한글"])
def test_a_forced_encoding_must_exist(encoding: str) -> None:
    with pytest.raises(UserError, match="import_encoding_unknown"):
        preview(TABLE.encode(), "a.csv", reading=ReadOptions(encoding=encoding))


def test_a_forced_encoding_must_fit() -> None:
    with pytest.raises(UserError) as caught:
        preview(b"text\n" + "안녕하세요".encode("cp949"), "a.csv", reading=ReadOptions(encoding="utf-8"))
    assert caught.value.code == "import_encoding_mismatch"
    assert caught.value.details == {"name": "a.csv", "encoding": "utf-8", "line": 2}


@pytest.mark.parametrize(
    "content",
    [
        random.Random(1).randbytes(5_000),
        b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR",
        b"SQLite format 3\0" + bytes(100),
        b"text,label\n" + b"x\0" * 3,
        bytes(1_000),
        bytes(range(1, 32)) * 50,
    ],
)
def test_a_binary_file_is_refused(content: bytes) -> None:
    with pytest.raises(UserError, match="import_file_binary"):
        preview(content, "a.csv")

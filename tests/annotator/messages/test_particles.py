"""Particles agree with the last sound, whatever stands before them, and no message writes one by itself."""

from __future__ import annotations

import re
import tomllib
import unicodedata
from string import Formatter as Parser

import pytest

from annotator.label_sets.definitions import DEFAULT_LABELS
from annotator.messages import catalogue
from annotator.messages.particles import PARTICLES, Formatter, final_of
from tests.conftest import ROOT

_ALL = "{w:이(가)} {w:은(는)} {w:을(를)} {w:과(와)} {w:(으)로}"

_WRITTEN = re.compile(
    r"(?<![가-힣]\()\{([^{}]*)\}[”’)\]」'*]*(이에요|예요|이라는|라는|이라|라|으로|로|을|를|은|는|이|가|과|와)(?![가-힣])"
)
"""A particle behind a field, which is right for some values only. Behind "낱말({start}번째)" it is the noun's."""


def _shipped_labels() -> list[str]:
    names = {label.name for label in DEFAULT_LABELS}
    for table in (ROOT / "annotator/label_sets/crosswalk_tables").glob("*.toml"):
        rows = tomllib.loads(table.read_text("utf-8"))["labels"]
        names |= {name for row in rows for name in (row["from"], row["to"])}
    return sorted(filter(None, names))


def _filled(template: str, **values: object) -> str:
    return Formatter().vformat(template, (), values)


@pytest.mark.parametrize(
    ("word", "forms"),
    [
        ("눈물", "눈물이 눈물은 눈물을 눈물과 눈물로"),
        ("슬픔", "슬픔이 슬픔은 슬픔을 슬픔과 슬픔으로"),
        ("분노", "분노가 분노는 분노를 분노와 분노로"),
        ("‘혼자’", "‘혼자’가 ‘혼자’는 ‘혼자’를 ‘혼자’와 ‘혼자’로"),
        ("‘밥’", "‘밥’이 ‘밥’은 ‘밥’을 ‘밥’과 ‘밥’으로"),
        ("힘들었다ㅠㅠ", "힘들었다ㅠㅠ가 힘들었다ㅠㅠ는 힘들었다ㅠㅠ를 힘들었다ㅠㅠ와 힘들었다ㅠㅠ로"),
        ("밤😭", "밤😭이 밤😭은 밤😭을 밤😭과 밤😭으로"),
        ("행복(42%)", "행복(42%)이 행복(42%)은 행복(42%)을 행복(42%)과 행복(42%)으로"),
        (
            "분노 (3) [새것]",
            "분노 (3) [새것]가 분노 (3) [새것]는 분노 (3) [새것]를 분노 (3) [새것]와 분노 (3) [새것]로",
        ),
        ("(행복)", "(행복)이 (행복)은 (행복)을 (행복)과 (행복)으로"),
        ("81%", "81%가 81%는 81%를 81%와 81%로"),
        ("7", "7이 7은 7을 7과 7로"),
        ("2", "2가 2는 2를 2와 2로"),
        ("calm", "calm이 calm은 calm을 calm과 calm으로"),
        ("fear", "fear가 fear는 fear를 fear와 fear로"),
        ("feeling", "feeling이 feeling은 feeling을 feeling과 feeling으로"),
        ("Slack", "Slack이 Slack은 Slack을 Slack과 Slack으로"),
        ("notebook", "notebook이 notebook은 notebook을 notebook과 notebook으로"),
        ("test", "test가 test는 test를 test와 test로"),
        ("label", "label이 label은 label을 label과 label로"),
        ("😭", "😭가 😭는 😭를 😭와 😭로"),
        ("", "가 는 를 와 로"),
    ],
)
def test_a_particle_follows_the_last_sound(word: str, forms: str) -> None:
    assert _filled(_ALL, w=word) == forms
    assert _filled("{w}", w=word) == word


def test_a_decomposed_syllable_has_the_final_consonant_that_is_seen() -> None:
    assert final_of(unicodedata.normalize("NFD", "슬픔")) == final_of("슬픔") == 16


def test_every_syllable_takes_the_form_of_its_final_consonant() -> None:
    for code in range(ord("가"), ord("힣") + 1):
        # NFD spells the final consonant out: a third letter.
        parts = unicodedata.normalize("NFD", syllable := chr(code))
        closed, is_rieul = len(parts) == 3, parts[-1] == "ᆯ"
        for asked, (behind_consonant, behind_vowel) in PARTICLES.items():
            takes_first = closed and not (is_rieul and behind_vowel.startswith("로"))
            particle = behind_consonant if takes_first else behind_vowel
            assert _filled(f"{{w:{asked}}}", w=syllable) == syllable + particle


@pytest.mark.parametrize("name", _shipped_labels())
def test_every_label_that_ships_takes_its_particles_also_before_a_bracket(name: str) -> None:
    is_closed = len(unicodedata.normalize("NFD", name.partition("(")[0].strip()[-1])) == 3
    assert _filled("{w:과(와)}", w=f"{name}(42%)") == f"{name}(42%){'과' if is_closed else '와'}"
    assert _filled("“{w}”{w:~이(가)}", w=name) == f"“{name}”{'이' if is_closed else '가'}"


def test_numbers_keep_their_format_before_a_particle() -> None:
    assert _filled("{n:,|을(를)} {n:.1f|은(는)}", n=1000) == "1,000을 1000.0은"
    assert _filled("{n:~이(가)}", n=3) == "이"


def test_no_message_writes_a_particle_behind_a_value() -> None:
    written = {
        key: match.group()
        for key, text in catalogue("ko").items()
        for match in _WRITTEN.finditer(text)
        # A percentage always ends in the same sound.
        if not (match[1].endswith("%") and match[2] in ("예요", "는", "를", "가", "와", "로", "라", "라는"))
    }
    assert written == {}


def test_the_boards_fill_in_names_alone() -> None:
    """Their script knows no particles."""
    boards = {key: text for key, text in catalogue("ko").items() if ".board." in f".{key}"}
    assert len(boards) > 50
    assert [key for key, text in boards.items() if any(spec for _, _, spec, _ in Parser().parse(text))] == []

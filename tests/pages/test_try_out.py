"""써보기: what stands there without a model, an answer that comes bit by bit, and the button that keeps the text."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING

import numpy as np
import pytest

from annotator import project, settings
from annotator.messages import catalogue
from annotator.serving import predictor_client
from db.texts import diaries
from tests import trying as small
from tests.conftest import ROOT
from tests.learner.test_speech import wav
from tests.learner.tiny_speech import write_tiny_ctc

if TYPE_CHECKING:
    from pathlib import Path

    from streamlit.testing.v1 import AppTest

    from tests.pages.conftest import OpenApp

TEXT = "오늘은 정말 기쁘고 즐거운 하루였다. **눈물이** 났다."


def test_without_diaries_it_says_where_a_model_comes_from(ready: Path, open_app: OpenApp) -> None:
    app = open_app("try_out")
    assert not app.exception
    assert "일기를 가져오면" in app.info[0].value
    assert not app.text_area


def test_while_the_first_model_is_made_it_says_so(filled: Path, open_app: OpenApp) -> None:
    app = open_app("try_out")
    assert "첫 모델을 만들고 있어요" in app.info[0].value


def _buttons(app: AppTest) -> set[str]:
    return {button.key for button in app.main.button if button.key}


@pytest.mark.slow
def test_a_text_is_read_and_kept_only_when_asked(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch, open_app: OpenApp
) -> None:
    path = small.make(tmp_path_factory.mktemp("try_out"))
    monkeypatch.setenv("MAEUMGYEOL_DB", str(path))
    app = open_app("try_out")
    assert not app.exception
    assert any("설정에서 음성 인식 모델" in caption.value for caption in app.caption), "speech is off"
    app.button(key="try_out_ask").click().run()
    assert "비어 있어요" in app.error[0].value

    app.text_area(key="try_out_text_area").input(TEXT)
    app.button(key="try_out_ask").click().run()
    deadline = time.monotonic() + 120
    while "try_out_keep" not in _buttons(app):
        assert time.monotonic() < deadline
        assert not app.exception
        assert not app.error
        time.sleep(0.2)
        app.run()
    assert any("0판의 답" in caption.value for caption in app.caption)
    with project.opened(path) as db:
        assert diaries.count_diaries(db) == 6, "nothing is kept unless asked"
    app.switch_page("pages/overview/page.py").run()
    app.switch_page("pages/try_out/page.py").run()
    assert app.text_area(key="try_out_text_area").value == TEXT, "a page that was left keeps the draft"

    app.button(key="try_out_keep").click().run()
    assert "7번 일기로 넣었어요" in app.success[0].value
    with project.opened(path) as db:
        assert diaries.get_diary(db, 7).text == TEXT
        settings.change(db, speech_model="no/such-model")
    app.button(key="try_out_clear").click().run()
    assert app.text_area(key="try_out_text_area").value == ""
    assert not app.success
    assert [expander.label for expander in app.main.expander] == ["말로 쓰기"]
    _speak(app, path, str(write_tiny_ctc(path.parent / "ctc")))
    predictor_client.close(path)


def _speak(app: AppTest, path: Path, checkpoint: str) -> None:
    """Record something and wait until it stands in the box behind what was there."""
    with project.opened(path) as db:
        settings.change(db, speech_model=checkpoint)
    app.text_area(key="try_out_text_area").input("먼저 쓴 글.").run()
    noise = np.random.default_rng(0).normal(0, 0.1, 16_000).astype(np.float32)
    app.audio_input(key="try_out_audio").upload("audio.wav", wav(noise), "audio/wav").run()
    deadline = time.monotonic() + 120
    while "\n" not in app.text_area(key="try_out_text_area").value:
        assert time.monotonic() < deadline
        assert not app.exception
        assert not app.error
        time.sleep(0.2)
        app.run()
    first, heard = app.text_area(key="try_out_text_area").value.split("\n")
    assert first == "먼저 쓴 글."
    assert heard


def test_the_board_uses_each_of_its_strings() -> None:
    script = (ROOT / "pages" / "components" / "try_out_board" / "trial.js").read_text("utf-8")
    prefix = "try_out.board."
    names = [key.removeprefix(prefix) for key in catalogue("ko") if key.startswith(prefix)]
    assert names
    assert [name for name in names if not re.search(rf"\bstrings\.{name}\b", script)] == []

from __future__ import annotations

import json
import os
import signal
import tempfile
import time
from typing import TYPE_CHECKING, Any

import pytest

from annotator import project
from annotator.simulation import job as simulation_job
from annotator.simulation.job import Options, judge
from tests.watching import Watcher

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

OPTIONS = Options(("margin", "random"), 20, 60, 2, "bundled")


@pytest.fixture(autouse=True)
def _no_job_is_left() -> Iterator[None]:
    yield
    for token in list(simulation_job._JOBS):
        simulation_job.forget(token)


def _one(area: float, low: float, high: float, behind: float | None = None) -> dict[str, Any]:
    curve = {"macro_f1": [0.3, area], "macro_f1_low": [0.2, low], "macro_f1_high": [0.4, high]}
    return {
        "labels_to_95": 40,
        "aulc_macro_f1": area,
        "aulc_accuracy": area,
        "interval": [low, high],
        "accuracy_interval": [low, high],
        "labels": [20, 40],
        **({} if behind is None else {"behind": {"value": 0.7 - area, "low": behind, "high": 1.4 - 2 * area - behind}}),
        **curve,
        **{key.replace("macro_f1", "accuracy"): value for key, value in curve.items()},
    }


def _report(*, seeds: int = 5) -> dict[str, Any]:
    return {
        "rows": 200,
        "left_out": 3,
        "labels": {"행복": 100, "슬픔": 100},
        "encoder": "bundled",
        "batch": 20,
        "budget": 40,
        "seeds": seeds,
        "full_pool": {"macro_f1": 0.8, "accuracy": 0.8},
        "strategies": {
            "margin": _one(0.7, 0.68, 0.72),
            "entropy": _one(0.69, 0.66, 0.71, behind=-0.01),
            "random": _one(0.6, 0.58, 0.62, behind=0.08),
        },
    }


def _wait(token: str, seconds: float = 90) -> simulation_job.Job:
    deadline = time.monotonic() + seconds
    job = simulation_job.find(token)
    assert job is not None
    while job.poll() is not None:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return job


def _shown(open_app, token: str):
    app = open_app("simulate")
    app.session_state["session_drafts"] = {"simulate_token": token}
    return app.run()


def test_an_empty_project_offers_a_file_and_says_when_its_own_labels_will_do(filled: Path, open_app) -> None:
    app = open_app("simulate")
    assert not app.error
    assert app.title[0].value == "미리 견주기"
    assert "60개" in app.info[0].value
    assert app.button(key="simulate_start").disabled
    assert app.sidebar.selectbox(key="frame_name").value == "나"


def test_the_page_speaks_english(filled: Path, open_app) -> None:
    app = open_app("simulate")
    app.sidebar.segmented_control(key="frame_language").set_value("en").run()
    assert not app.error
    assert app.title[0].value == "Simulate"


def test_enough_labels_of_ones_own_can_be_replayed(filled: Path, open_app, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(simulation_job, "FEWEST_OWN", 6)
    app = open_app("simulate")
    app.segmented_control(key="simulate_source_ko").set_value("own").run()
    assert not app.error
    assert not app.button(key="simulate_start").disabled
    with project.opened(filled) as db:
        lines = simulation_job.own_labels(db).decode().splitlines()
    assert lines[0] == "text,label"
    assert len(lines) == 7
    assert lines[1].endswith(",행복")


def test_a_file_without_labels_gets_the_sentence_of_the_command_line(filled: Path, open_app) -> None:
    token = simulation_job.start("text\n비가 온 하루였다\n".encode(), "일기.csv", OPTIONS, language="ko")
    _wait(token)
    app = _shown(open_app, token)
    assert "일기.csv에서 라벨 칸을 찾지 못했어요" in app.error[0].value
    app.button(key="simulate_again").click().run()
    assert not app.error
    assert simulation_job.find(token) is None


def test_a_running_job_is_shown_and_can_be_cancelled(filled: Path, open_app) -> None:
    token = simulation_job.start(b"text,label\n", "a.csv", OPTIONS, language="ko")
    job = simulation_job.find(token)
    assert job is not None
    # Stopped, not ended: it stays at what it is at while the page is looked at.
    os.kill(job.child.pid, signal.SIGSTOP)
    app = _shown(open_app, token)
    assert not app.error
    assert app.main.get("progress")[0].proto.text == "시작하는 중"
    app.button(key="simulate_cancel").click().run()
    assert not job.child.is_running
    assert app.button(key="simulate_start").disabled


def test_a_child_that_is_killed_is_said(filled: Path) -> None:
    token = simulation_job.start(b"text,label\n", "a.csv", OPTIONS, language="en")
    job = simulation_job.find(token)
    assert job is not None
    job.child.kill()
    assert "stopped without a result" in str(_wait(token).problem)


def _finished(report: dict[str, Any]) -> str:
    token = simulation_job.start(b"text,label\n", "a.csv", OPTIONS, language="ko")
    job = _wait(token)
    job.problem, job.result = None, report
    return token


def test_a_report_is_drawn_as_curves_with_bands_a_table_and_a_sentence(filled: Path, open_app) -> None:
    app = _shown(open_app, _finished(_report()))
    assert not app.error
    sentence = app.info[0].value
    assert sentence.startswith("**두 감정 사이에서 망설이는 일기** 순서는")
    assert sentence.index("무작위") < sentence.index("여러 감정이 뒤섞인 일기"), "beaten first, then those that overlap"
    figure = json.loads(app.main.get("plotly_chart")[0].proto.spec)
    assert sum(trace.get("fill") == "toself" for trace in figure["data"]) == 2
    assert len(app.dataframe[0].value) == 3


def test_few_repeats_allow_no_claim(filled: Path, open_app) -> None:
    app = _shown(open_app, _finished(_report(seeds=2)))
    assert "말할 수 없어요" in app.info[0].value


def test_better_is_only_what_does_not_overlap() -> None:
    verdict = judge(_report())
    assert (verdict.best, verdict.beaten, verdict.level) == ("margin", ("random",), ("entropy",))


@pytest.mark.parametrize(("name", "kept"), [("../../etc/passwd", "passwd"), ("C:\\x\\일기.csv", "일기.csv"), ("", "?")])
def test_an_upload_has_the_last_part_of_its_name_and_becomes_no_file(
    name: str, kept: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    with Watcher(tmp_path) as watcher:
        token = simulation_job.start(b"text,label\n", name, OPTIONS, language="ko")
        assert _wait(token).name == kept
    assert watcher.seen == {}, "texts are nobody else's to read"

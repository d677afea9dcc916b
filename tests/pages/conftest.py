"""The app as a person meets it: always through the frame, on a real database."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from annotator import project
from annotator.worker_lock import only_worker
from maeumgyeol.location import SCRIPT
from tests.conftest import import_ours
from web import streamlit_options

DIARIES = """text,date,label
"오늘은 종일 비가 왔다. 우산을 나눠 쓴 친구가 고마웠다.",2026-03-02,행복
"발표를 망쳤다. 머릿속이 하얘져서 한마디도 못 했다.",2026-03-03,당황
"택시 기사가 반말을 했다. 아직도 화가 난다.",2026-03-04,분노
"할머니 목소리가 듣고 싶다. 사진만 봐도 눈물이 난다.",2026-03-05,슬픔
"빨래를 돌리고 장을 보고 저녁을 먹었다.",2026-03-06,중립
"결과 나오는 날이 내일이다. 잠이 오지 않는다.",2026-03-07,불안
"""

OpenApp = Callable[..., AppTest]


@pytest.fixture(autouse=True, scope="session")
def _options() -> None:
    """Run pages under the options that the server gives Streamlit."""
    streamlit_options.load()
    streamlit_options.use_own_components()


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the app looks for its database; nothing is there yet."""
    path = tmp_path / "diaries.db"
    monkeypatch.setenv("MAEUMGYEOL_DB", str(path))
    monkeypatch.delenv("MAEUMGYEOL_LANG", raising=False)
    return path


@pytest.fixture(scope="session")
def new_project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What 시작하기 makes, for each test to copy."""
    path = tmp_path_factory.mktemp("new") / "diaries.db"
    project.init(path)
    return path


@pytest.fixture
def ready(new_project: Path, path: Path) -> Path:
    """A project with the seven labels and no diary."""
    return Path(shutil.copy(new_project, path))


@pytest.fixture
def filled(ready: Path) -> Path:
    """A project with six diaries and a label on each."""
    with project.opened(ready) as db:
        import_ours(db, DIARIES, "diaries.csv")
    return ready


@pytest.fixture
def open_app() -> OpenApp:
    """Open the app, on a page of its own if one is named."""

    def opened(page: str | None = None) -> AppTest:
        app = AppTest.from_file(str(SCRIPT), default_timeout=60).run()
        return app if page is None else app.switch_page(f"pages/{page}/page.py").run()

    return opened


@pytest.fixture
def held_worker_place(filled: Path) -> Iterator[None]:
    """A worker's place that is taken, as if one were running."""
    with only_worker(filled):
        yield

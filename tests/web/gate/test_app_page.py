"""The page that Streamlit runs in: in its language, with the theme before anything is drawn, and installable."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest
from PIL import Image
from streamlit import file_util

from annotator import project
from tests.conftest import ROOT
from tests.web.gate.test_middleware import HTML, ask, serving
from tests.web.gate.test_middleware import path as path

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FILES = ROOT / "web" / "gate" / "files"


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """A server of a project without accounts."""
    path = tmp_path_factory.mktemp("alone") / "alone.db"
    project.init(path)
    with serving(path) as port:
        yield port


def test_a_page_has_its_language_and_name_before_any_script_runs(alone: int) -> None:
    for language, name in (("ko", "마음결"), ("en", "Maeumgyeol")):
        body = ask(alone, "GET", "/learn", {**HTML, "Cookie": f"maeumgyeol_language={language}"})[2]
        assert f'<html lang="{language}">' in body
        assert f"<title>{name}</title>" in body
        assert "Streamlit</title>" not in body


def test_the_theme_is_known_before_streamlit_asks_for_it(alone: int) -> None:
    body = ask(alone, "GET", "/", HTML)[2]
    scripts = re.findall(r'<script[^>]*src="([^"]+)"', body)
    assert scripts[0] == "/app/look.js"
    assert ask(alone, "GET", "/app/look.js", {})[1]["content-type"].startswith("text/javascript")


def test_the_app_can_be_installed_and_nothing_caches_it(alone: int) -> None:
    body = ask(alone, "GET", "/", HTML)[2]
    (place,) = re.findall(r'<link rel="manifest" href="([^"]+)"', body)
    status, headers, text = ask(alone, "GET", place, {})
    assert (status, headers["content-type"]) == (200, "application/manifest+json")
    told = json.loads(text)
    assert told["display"] == "standalone"
    assert told["start_url"] == told["scope"] == "/"
    for icon in told["icons"]:
        picture = FILES / icon["src"].removeprefix("/app/")
        assert f"{Image.open(picture).width}x{Image.open(picture).height}" == icon["sizes"]
        assert ask(alone, "HEAD", icon["src"], {})[0] == 200
    scripts = [*(ROOT / "pages").rglob("*.js"), *(ROOT / "web").rglob("*.js")]
    assert len(scripts) > 20
    assert not [script for script in scripts if "serviceWorker" in script.read_text("utf-8")]


def test_without_a_session_only_the_files_are_open_and_they_name_nobody(path: Path) -> None:
    with serving(path) as port:
        for name in ("look.js", "manifest.webmanifest", "icon-192.png"):
            assert ask(port, "GET", f"/app/{name}", {})[0] == 200
        assert ask(port, "GET", "/app/../review", {})[0] in (303, 307, 401, 404)
        assert ask(port, "GET", "/app/nothing.js", {})[0] == 404


def test_streamlits_theme_lies_where_we_put_it() -> None:
    """Its script names the place of the theme with this version; another one would be another place."""
    from pathlib import Path

    scripts = (Path(file_util.get_static_dir()) / "static" / "js").glob("*.js")
    source = next(text for script in scripts if "stActiveTheme-" in (text := script.read_text("utf-8")))
    assert "`stActiveTheme-${window.location.pathname}`" in source
    assert re.search(r"\b(\w+)=2,\w+=`stActiveTheme-", source), "look.js and screen.js say -v2"
    for script in (FILES / "look.js", ROOT / "pages" / "components" / "screen" / "screen.js"):
        assert "-v2`" in script.read_text("utf-8")


def test_the_gates_own_pages_have_the_chosen_theme_and_no_other_word(path: Path) -> None:
    with serving(path) as port:
        for chosen, shown in (("Dark", "Dark"), ("Light", "Light"), ('"><script>', ""), ("", "")):
            body = ask(port, "GET", "/login", {**HTML, "Cookie": f"maeumgyeol_theme={chosen}"})[2]
            assert f'data-theme="{shown}"' in body

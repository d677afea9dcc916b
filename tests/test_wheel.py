"""The wheel is whole: installed elsewhere, with no source tree in sight, everything runs from it."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import sysconfig
import tomllib
import zipfile
from email import message_from_string
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from urllib.request import urlopen

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import free_port
from tests.conftest import PACKAGES, ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser

pytestmark = pytest.mark.slow

MODULES = ("annotator.cli.main", "db", "learner", "maeumgyeol.location", "pages.widgets.site", "service", "web.server")
EXAMPLE = "annotator/demo/diaries.csv"


class Installed(NamedTuple):
    """An environment with the wheel in it, and a folder elsewhere to run commands in."""

    wheel: Path
    packages: Path
    commands: Path
    home: Path

    @property
    def environment(self) -> dict[str, str]:
        """Of a person who has installed the wheel and has no source tree."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
        return {**kept, "HOME": str(self.home), "PYTHONIOENCODING": "utf-8"}

    def run(self, *command: str) -> str:
        """Return what a command of the environment printed."""
        done = subprocess.run(
            [self.commands / command[0], *command[1:]],
            cwd=self.home, env=self.environment, capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout


def _tracked() -> list[str]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True)
    return [name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clean copy of the tracked files."""
    folder = tmp_path_factory.mktemp("source")
    for name in _tracked():
        if not name.startswith(("tests/", "docs/", "benchmarks/")):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
    return folder


@pytest.fixture(scope="module")
def wheel(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built by the backend that ``pip`` calls; from the sdist, so that this is known to be whole, too."""
    build = "from setuptools.build_meta import build_sdist, build_wheel; import sys; print({}('dist'))"
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}

    def built(kind: str, folder: Path) -> Path:
        command = [sys.executable, "-c", build.format(kind)]
        done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return folder / "dist" / done.stdout.splitlines()[-1]

    archive = built("build_sdist", source)
    shutil.unpack_archive(archive, source / "unpacked", filter="data")
    wheel = built("build_wheel", source / "unpacked" / archive.name.removesuffix(".tar.gz"))
    return Path(shutil.move(wheel, tmp_path_factory.mktemp("wheel")))


@pytest.fixture(scope="module")
def installed(source: Path, wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installed]:
    """An empty environment with the wheel, which nobody may write to; the dependencies are those of this one."""
    folder = tmp_path_factory.mktemp("elsewhere") / "빈 환경"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    commands = folder / "bin"
    pip = [sys.executable, "-m", "pip", "--python", commands / "python", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "install", "--no-deps", "--no-index", "--no-compile", wheel], check=True)
    base = {"base": str(folder), "platbase": str(folder)}
    packages = Path(sysconfig.get_path("purelib", "venv", vars=base))
    # A line of a .pth file adds a folder as it is: the .pth file there that leads to our sources is not read.
    (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n", "utf-8")
    shutil.rmtree(source)
    for path in (packages, *packages.rglob("*")):
        path.chmod(0o555 if path.is_dir() else 0o444)
    home = folder.parent / "home"
    home.mkdir()
    yield Installed(wheel, packages, commands, home)
    for path in (packages, *(path for path in packages.rglob("*") if path.is_dir())):
        path.chmod(0o755)


@pytest.fixture(scope="module")
def demo(installed: Installed) -> Iterator[str]:
    """The address of the demo, opened by its one command."""
    port = free_port()
    command = [installed.commands / "maeumgyeol", "demo", "--port", str(port)]
    with subprocess.Popen(
        command, cwd=installed.home, env=installed.environment, stdout=subprocess.PIPE, text=True
    ) as running:
        assert running.stdout is not None
        try:
            assert f"http://127.0.0.1:{port}" in running.stdout.readline()
            yield f"http://127.0.0.1:{port}"
        finally:
            running.send_signal(signal.SIGINT)
            running.wait(30)


def _files(folder: Path) -> dict[str, bytes]:
    paths = (path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


def test_the_wheel_holds_what_is_tracked_in_the_packages_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = [name for name in archive.namelist() if ".dist-info/" not in name]
        expected = {name for name in _tracked() if name.split("/")[0] in (*PACKAGES, "streamlit_app.py")}
        assert {name.rsplit(".")[-1] for name in expected} >= {"css", "csv", "html", "js", "safetensors", "toml", "txt"}
        assert set(names) == expected
        for name in names:
            assert archive.read(name) == (ROOT / name).read_bytes(), name


def test_the_metadata_says_the_one_version_and_what_the_wheel_is(wheel: Path) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    with zipfile.ZipFile(wheel) as archive:
        [name] = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
        metadata = message_from_string(archive.read(name).decode())
        assert name.replace("METADATA", "licenses/LICENSE") in archive.namelist()
    assert metadata["Version"] == project["version"]
    assert metadata["License-Expression"] == "Apache-2.0"
    assert metadata.get_payload().startswith("# Maeumgyeol")
    assert re.search(rf"^## {re.escape(project['version'])} \(", (ROOT / "CHANGELOG.md").read_text("utf-8"), re.M)


def test_every_command_runs_without_the_sources_and_leaves_the_installation_alone(installed: Installed) -> None:
    before = _files(installed.packages)
    where = f"import importlib; [print(importlib.import_module(name).__file__) for name in {MODULES}]"
    paths = installed.run("python", "-c", where).splitlines()
    assert len(paths) == len(MODULES)
    assert [path for path in paths if not Path(path).is_relative_to(installed.packages)] == []

    def run(*arguments: str) -> str:
        return installed.run("maeumgyeol", *arguments)

    assert "demo" in run("--help")
    assert run("--version").split()[-1] in installed.wheel.name
    run("init", "--db", "diaries.db")
    run("import", str(installed.packages / EXAMPLE), "--db", "diaries.db")
    assert json.loads(run("status", "--db", "diaries.db", "--json"))["diary_count"] == 378
    assert {"A1", "E1"} <= set(run("recipe", "list").split())
    run("export", "labelled.csv", "--db", "diaries.db")
    assert (installed.home / "labelled.csv").stat().st_size > 50_000
    assert _files(installed.packages) == before


def test_the_demo_opens_with_one_command(demo: str, installed: Installed, browser: Browser) -> None:
    with urlopen(f"{demo}/_stcore/health") as answer:
        assert answer.status == 200
    page = browser.new_page()
    # Its text stands on the board only after a websocket, the pages, their JavaScript and the demo's diaries.
    page.goto(demo)
    page.locator(".board .text[data-readable]").wait_for()
    expect(page.get_by_role("button", name="행복")).to_be_visible()
    assert page.evaluate("getComputedStyle(document.querySelector('.stApp')).backgroundColor") == "rgb(253, 252, 250)"
    page.close()
    assert (installed.home / ".local" / "share" / "maeumgyeol" / "demo.db").exists()

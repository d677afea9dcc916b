"""The documents say what is there: names of code, words of the screens, files; and they can be read in a terminal."""

from __future__ import annotations

import ast
import re
import tomllib
from functools import cache
from typing import TYPE_CHECKING

import pytest

from annotator.messages import catalogue
from tests.conftest import PACKAGES, ROOT
from tools.site import fetched_from_elsewhere

if TYPE_CHECKING:
    from pathlib import Path

AT_ROOT = [ROOT / name for name in ("README.md", "README.ko.md", "CONTRIBUTING.md", "SECURITY.md")]
DOCUMENTS = sorted((ROOT / "docs").glob("*.md"))
EXPLAINING = [ROOT / "CONTRIBUTING.md", ROOT / "docs" / "architecture.md", ROOT / "docs" / "glossary.md"]

LONGEST = 120

_NAME = re.compile(rf"`((?:{'|'.join(PACKAGES)})(?:\.\w+)+)`")
_PATH = re.compile(r"`((?:[\w.-]+/)+[\w.-]*)`")
_OF_A_SCRIPT = re.compile(r"`(\w+)\.(\w+)`\s+\(`([\w/]+\.js)`\)")
_FENCE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)


def _exists(name: str) -> bool:
    """Return whether a dotted name is a module of ours, or something that one defines at its top or in a class."""
    parts = name.split(".")
    for cut in range(len(parts), 0, -1):
        path = ROOT.joinpath(*parts[:cut])
        module = path.with_suffix(".py") if path.with_suffix(".py").exists() else path / "__init__.py"
        if module.exists():
            return _defines(ast.parse(module.read_text("utf-8")).body, parts[cut:])
    return False


def _defines(body: list[ast.stmt], names: list[str]) -> bool:
    if not names:
        return True
    for node in body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and node.name == names[0]:
            return _defines(node.body, names[1:])
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        if len(names) == 1 and any(isinstance(target, ast.Name) and target.id == names[0] for target in targets):
            return True
    return False


@cache
def _code() -> frozenset[str]:
    files = [file for package in PACKAGES for file in (ROOT / package).rglob("*.py")]
    return frozenset(word for file in files for word in re.findall(r"\w+", file.read_text("utf-8")))


def _rows(document: Path) -> list[list[str]]:
    lines = [line for line in document.read_text("utf-8").splitlines() if line.startswith("| ")]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return [row for row in cells if row[0] not in ("screen", "---")]


def _lengthy(text: str) -> list[str]:
    """Return lines that are too long and could be broken: no rows of tables, no commands, no lone link or name."""
    lines = [line for line in _FENCE.sub("", text).splitlines() if len(line) > LONGEST]
    return [line for line in lines if not line.startswith("|") and not re.fullmatch(r"[-* ]*(?:`[^`]+`|\S+)", line)]


@pytest.mark.parametrize("document", EXPLAINING, ids=lambda path: path.name)
def test_every_name_of_code_in_a_document_is_there(document: Path) -> None:
    text = document.read_text("utf-8")
    assert [name for name in _NAME.findall(text) if not _exists(name)] == []
    assert [path for path in _PATH.findall(text) if not (ROOT / path).exists()] == []


def test_what_a_walk_says_of_a_script_is_there() -> None:
    steps = _OF_A_SCRIPT.findall((ROOT / "docs" / "architecture.md").read_text("utf-8"))
    assert len(steps) > 3
    for name, method, path in steps:
        script = (ROOT / path).read_text("utf-8")
        assert re.search(rf"class {name}\b", script), f"{path} has no {name}"
        assert re.search(rf"^  (?:async )?{method}\(", script, re.MULTILINE), f"{path} has no {name}.{method}"


@pytest.mark.parametrize(
    ("name", "is_there"),
    [
        ("db.connection.write", True),
        ("annotator.importing.row_filter.RowFilter.convert", True),
        ("annotator.worker.round.steps.STEPS", True),
        ("pages.care", True),
        ("db.connection.wrote", False),
        ("annotator.no_room.at_all", False),
    ],
)
def test_a_name_that_is_not_there_is_noticed(name: str, *, is_there: bool) -> None:
    assert _exists(name) is is_there


def test_the_words_of_the_glossary_are_those_of_the_screens_and_of_the_code() -> None:
    rows = _rows(ROOT / "docs" / "glossary.md")
    screens = "\n".join(catalogue("ko").values())
    assert len(rows) > 50
    assert [screen for screen, *_ in rows if screen != "–" and screen not in screens] == []
    assert [code for _, code, *_ in rows if code.strip("`") not in _code()] == []


def test_the_glossary_has_each_word_once() -> None:
    for column in (0, 1):
        words = [row[column] for row in _rows(ROOT / "docs" / "glossary.md") if row[column] != "–"]
        assert sorted(words) == sorted(set(words))


@pytest.mark.parametrize("document", sorted({*AT_ROOT, *DOCUMENTS}), ids=lambda path: path.name)
def test_no_line_is_longer_than_a_terminal_is_wide(document: Path) -> None:
    assert _lengthy(document.read_text("utf-8")) == []


def test_a_long_line_is_noticed_and_a_row_a_link_and_code_are_not() -> None:
    words = "word " * 30
    assert _lengthy(words) == [words]
    assert _lengthy(f"| {words} |\n- https://example.org/{'a' * 120}\n```sh\n{words}\n```\n") == []


def test_every_page_has_a_place_on_the_site() -> None:
    conf = ast.parse((ROOT / "docs" / "site" / "conf.py").read_text("utf-8"))
    values = {
        node.targets[0].id: ast.literal_eval(node.value)
        for node in conf.body
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and isinstance(node.value, ast.Dict)
    }
    listed = [page for pages in values["NAVIGATION"].values() for page in pages]
    assert sorted(listed) == sorted(document.stem for document in DOCUMENTS)
    beside = [page for pages in values["BESIDE"].values() for page in pages]
    assert sorted([*beside, "README"]) == sorted(path.stem for path in ROOT.glob("*.md"))


@pytest.mark.parametrize(
    "text",
    [
        '<script src="https://cdn.example.org/mermaid.js"></script>',
        "<link rel='stylesheet' href='//fonts.example.org/css'>",
        '<img alt="" src=http://example.org/a.png>',
        "@font-face { src: url(https://fonts.example.org/a.woff2) }",
        '@import "https://example.org/a.css";',
    ],
)
def test_what_a_browser_would_fetch_from_elsewhere_is_noticed(text: str) -> None:
    assert len(fetched_from_elsewhere(text)) == 1


@pytest.mark.parametrize(
    "text",
    [
        '<a href="https://example.org">away</a>',
        '<script src="_static/mermaid.tiny.js"></script>',
        '<link rel="canonical" href="https://example.org/">',
        "a { background: url(data:image/png;base64,aa==) }",
    ],
)
def test_a_link_that_a_reader_may_follow_is_none(text: str) -> None:
    assert fetched_from_elsewhere(text) == []


def test_a_release_has_one_number() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"]
    assert f"\nversion: {version}\n" in (ROOT / "CITATION.cff").read_text("utf-8")
    assert f"\n## {version} (" in (ROOT / "CHANGELOG.md").read_text("utf-8")

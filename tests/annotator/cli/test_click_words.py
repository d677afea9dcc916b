"""Help and errors that click writes by itself are in the language of the messages."""

from __future__ import annotations

import ast
import re
import tomllib
from importlib.resources import files
from pathlib import Path
from string import Formatter

import click
import pytest
from click.testing import CliRunner

from annotator import messages
from annotator.cli.main import cli

OF_PROGRAMMERS = re.compile(
    r"Could not determine name|No options defined|exactly one parameter|defined twice|cannot use the same flag"
    r"|Unknown standard stream|Unknown color|must be an iterable|DeprecationWarning|^Choice\("
)
"""Mistakes in how commands are declared, which no one who uses them can make."""


def _sentences() -> set[str]:
    """Return every sentence that click looks up in the modules that a command line uses."""
    sentences: set[str] = set()
    folder = Path(click.__file__).parent
    for module in ("core", "decorators", "exceptions", "formatting", "parser", "termui", "types"):
        for node in ast.walk(ast.parse((folder / f"{module}.py").read_text("utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("_", "ngettext"):
                sentences |= {a.value for a in node.args if isinstance(a, ast.Constant) and isinstance(a.value, str)}
    return {sentence for sentence in sentences if not OF_PROGRAMMERS.search(sentence)}


def _ours() -> dict[str, str]:
    return tomllib.loads(files(messages).joinpath("click.ko.toml").read_text("utf-8"))


def _fields(sentence: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(sentence) if name} | set(re.findall(r"%\(\w+\)s", sentence))


def test_each_sentence_of_click_has_its_korean_one() -> None:
    # "required" is looked up by a variable.
    assert set(_ours()) == _sentences() | {"required"}


def test_they_use_the_same_values_at_most() -> None:
    assert [english for english, ours in _ours().items() if not _fields(ours) <= _fields(english)] == []


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--help"], "사용법: "),
        (["import", "--help"], "이 도움말을 보여 주고 끝내요."),
        (["improt"], "없는 명령이에요: 'improt'."),
        (["status", "--jsno"], "없는 옵션이에요: '--jsno'."),
        (["status", "extra"], "쓰지 않는 인자가 있어요: extra"),
        (["init", "--test-share", "many"], "숫자(float)로 읽을 수 없어요: 'many'."),
        (["activate"], "빠진 인자"),
    ],
)
def test_help_and_refusals_are_korean(arguments: list[str], expected: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAEUMGYEOL_LANG", "ko")
    written = CliRunner().invoke(cli, arguments).output
    assert expected in written
    assert not re.search(r"Usage|Options:|Error|Try '|No such|Missing|Show this", written)


def test_in_english_click_speaks_for_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAEUMGYEOL_LANG", "en")
    assert "No such option '--jsno'" in CliRunner().invoke(cli, ["status", "--jsno"]).output

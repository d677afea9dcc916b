"""The threat model names tests that exist, and the documents about security say where things are."""

from __future__ import annotations

import ast
import re

from tests.conftest import ROOT

_TEST = re.compile(r"`(test_\w+)`")


def existing() -> set[str]:
    """Return the names of all tests."""
    return {
        node.name
        for file in (ROOT / "tests").rglob("test_*.py")
        for node in ast.parse(file.read_text("utf-8")).body
        if isinstance(node, ast.FunctionDef)
    }


def document() -> str:
    return (ROOT / "docs" / "threat-model.md").read_text("utf-8")


def test_every_test_that_the_threat_model_names_exists() -> None:
    named = set(_TEST.findall(document()))
    assert len(named) > 30
    assert sorted(named - existing()) == []


def test_whatever_is_said_to_hold_is_shown_by_a_test_or_out_of_scope() -> None:
    body = document().partition("## Out of scope")[0]
    items = re.findall(r"^- .*(?:\n  .*)*", body, re.MULTILINE)
    assert len(items) > 25
    assert [item for item in items if not _TEST.search(item) and "see below" not in item] == []


def test_security_md_and_the_readme_lead_to_the_threat_model() -> None:
    for name, target in (
        ("SECURITY.md", "docs/threat-model.md"),
        ("README.md", "docs/threat-model.md"),
        ("README.md", "SECURITY.md"),
        ("README.ko.md", "docs/threat-model.md"),
        ("README.ko.md", "SECURITY.md"),
        ("docs/status.md", "threat-model.md"),
    ):
        assert f"({target})" in (ROOT / name).read_text("utf-8"), f"{name} does not lead to {target}"


def test_security_md_names_no_address_of_mail() -> None:
    assert "@" not in (ROOT / "SECURITY.md").read_text("utf-8")

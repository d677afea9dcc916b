from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from annotator import project
from annotator.accounts import accounts
from annotator.cli.main import cli
from annotator.cli.supervisor import serve
from annotator.errors import UserError
from tests.conftest import ROOT

if TYPE_CHECKING:
    from pathlib import Path

PASSWORD = "correct horse 1"


def run(path: Path, *words: str, typed: str = "") -> str:
    done = CliRunner().invoke(cli, [*words, "--db", str(path)], input=typed, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


def test_people_are_added_invited_listed_and_changed(project_path: Path) -> None:
    shown = run(project_path, "people", "add", "수아", "--role", "administrator", typed=f"{PASSWORD}\n{PASSWORD}\n")
    assert PASSWORD not in shown
    link = run(project_path, "people", "invite", "지민", "--url", "https://labels.example/").split()[-1]
    assert link.startswith("https://labels.example/invite/")
    with project.opened(project_path) as db:
        accounts.accept(db, link.rsplit("/", 1)[1], PASSWORD, address="192.0.2.1")
    run(project_path, "people", "role", "지민", "reviewer")
    run(project_path, "people", "disable", "지민")
    listed = json.loads(run(project_path, "people", "list", "--json"))
    assert [(one["name"], one["role"], one["is_closed"]) for one in listed] == [
        ("수아", "administrator", False),
        ("지민", "reviewer", True),
    ]
    run(project_path, "people", "enable", "지민")
    assert "닫힘" not in run(project_path, "people", "list")


@pytest.mark.parametrize("address", ["0.0.0.0", "::", "192.0.2.1"])
def test_the_app_does_not_open_to_a_network_without_an_administrator(project_path: Path, address: str) -> None:
    with pytest.raises(UserError, match="address_needs_administrator"):
        serve(project_path, address=address, port=1, with_worker=False, say=print)


def test_what_to_do_about_it_is_said_on_the_command_line(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "annotator.cli", "app", "--db", str(tmp_path / "none.db"), "--address", "0.0.0.0"]
    done = subprocess.run(
        command, capture_output=True, text=True, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, check=False
    )
    assert done.returncode == 2
    assert "maeumgyeol people add" in done.stderr

"""The commands for tokens, and starting the service."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner, Result

from annotator import project
from annotator.accounts import api_tokens
from annotator.cli.main import cli
from annotator.cli.supervisor import API, serve
from annotator.errors import UserError

if TYPE_CHECKING:
    from pathlib import Path


def _run(path: Path, *words: str) -> Result:
    return CliRunner().invoke(cli, [*words, "--db", str(path)])


def test_a_token_is_shown_once_and_listed_without_it(project_path: Path) -> None:
    made = _run(project_path, "token", "add", "web", "--scope", "read", "--scope", "write", "--json")
    token = json.loads(made.output)["token"]
    with project.opened(project_path) as db:
        assert api_tokens.identify(db, token).scopes == {"read", "write"}
    listed = _run(project_path, "token", "list")
    assert "web  read write" in listed.output
    assert token.split("-", 2)[2] not in listed.output
    (told,) = json.loads(_run(project_path, "token", "list", "--json").output)
    assert (told["name"], told["is_open"]) == ("web", True)


def test_a_revoked_token_is_still_listed(project_path: Path) -> None:
    _run(project_path, "token", "add", "web", "--scope", "read")
    assert _run(project_path, "token", "revoke", "web").exit_code == 0
    (told,) = json.loads(_run(project_path, "token", "list", "--json").output)
    assert told["is_open"] is False
    assert isinstance(_run(project_path, "token", "revoke", "web").exception, UserError)


def test_a_token_needs_a_scope(project_path: Path) -> None:
    assert _run(project_path, "token", "add", "web").exit_code == 2


def test_the_service_is_not_started_without_a_project(tmp_path: Path) -> None:
    assert getattr(_run(tmp_path / "none.db", "api").exception, "code", "") == "database_missing"


def test_the_service_may_be_reached_from_elsewhere_without_an_administrator(project_path: Path) -> None:
    """It lets nobody in without a token; what stops it here is only the port, which nobody may take."""
    with pytest.raises(UserError) as error:
        serve(project_path, address="198.51.100.1", port=1, with_worker=False, say=print, server=API)
    assert error.value.code == "port_taken"

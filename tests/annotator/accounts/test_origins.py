"""Origins in the one form that browsers write them in."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from annotator.accounts.origins import canonical, public_origin
from annotator.cli.main import cli
from annotator.errors import UserError

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("scheme", "authority", "origin"),
    [
        ("http", "127.0.0.1:8501", "http://127.0.0.1:8501"),
        ("http", "localhost", "http://localhost"),
        ("http", "localhost:80", "http://localhost"),
        ("https", "localhost:443", "https://localhost"),
        ("https", "localhost:80", "https://localhost:80"),
        ("http", "LABELS.Example.ORG:08501", "http://labels.example.org:8501"),
        ("http", "[::1]:8501", "http://[::1]:8501"),
        ("http", "[0:0:0:0:0:0:0:1]", "http://[::1]"),
        ("http", "labels.example.org.", "http://labels.example.org."),
        ("http", "xn--9t4b11yi5a.kr", "http://xn--9t4b11yi5a.kr"),
    ],
)
def test_an_origin_is_written_as_browsers_do(scheme: str, authority: str, origin: str) -> None:
    assert canonical(scheme, authority) == origin


@pytest.mark.parametrize(
    "authority",
    ["", ":80", "a:", "a:b", "a:0", "a:65536", "a:-1", "a b", "a@b", "a/b", "a?b", "a#b", "a\\b", "한글.kr", "[::1",
     "::1", "[evil]", "[::1]x", "[::1%25eth0]", "a,b", "a\r\nb", ".a", "a:80:80", "a" * 300],
)  # fmt: skip
def test_what_is_no_host_makes_no_origin(authority: str) -> None:
    assert canonical("http", authority) is None


@pytest.mark.parametrize("scheme", ["", "ws", "file", "HTTP", "javascript"])
def test_only_web_pages_have_an_origin_here(scheme: str) -> None:
    assert canonical(scheme, "a") is None


def test_a_public_address_is_named_as_people_write_it() -> None:
    assert public_origin("") is None
    assert public_origin("HTTPS://Labels.example.org/") == "https://labels.example.org"
    assert public_origin(" http://labels.example.org:8080 ") == "http://labels.example.org:8080"


@pytest.mark.parametrize(
    "url",
    ["labels.example.org", "https://", "https://a/b", "ftp://a", "https://a@b", "https://a?b", "https://a//"],
)
def test_anything_else_is_no_public_address(url: str) -> None:
    with pytest.raises(UserError, match="public_url_wrong"):
        public_origin(url)


def test_the_app_does_not_start_with_an_address_that_is_none(tmp_path: Path) -> None:
    ran = CliRunner().invoke(cli, ["app", "--db", str(tmp_path / "a.db"), "--public-url", "labels.example.org/x"])
    assert isinstance(ran.exception, UserError)
    assert ran.exception.code == "public_url_wrong"

"""No figure that people read has a minus before nothing but zeros."""

from __future__ import annotations

import ast
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotator.messages import LANGUAGES, catalogue, figures
from annotator.messages.particles import Formatter
from pages.widgets.tables import shown_cell
from tests.conftest import ROOT

SHOWING = ("annotator", "pages", "service", "web")
"""The packages whose figures people read."""

FLOAT = re.compile(r"[efg%]$")
FIELD = re.compile(r"(?<!\{)\{(\w+):([^{}|]*[efg%])(?:\|[^{}]*)?\}(?!\})")


def _loose_specs(source: str) -> list[str]:
    """Return the formats of floats in f-strings that keep the sign of what rounds to nothing."""
    loose = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FormattedValue) and isinstance(node.format_spec, ast.JoinedStr):
            spec = "".join(
                str(part.value) if isinstance(part, ast.Constant) else "0" for part in node.format_spec.values
            )
            if FLOAT.search(spec) and "z" not in spec:
                loose.append(spec)
    return loose


def test_the_rule_sees_what_it_is_about() -> None:
    assert _loose_specs("f'{x:.2f} {y:+.{n}f} {z:,.0f} {p:.0%} {q:g}'") == [".2f", "+.0f", ",.0f", ".0%", "g"]
    assert _loose_specs("f'{x:z.2f} {y:,} {z:03d} {t:%H:%M}'") == []


@pytest.mark.parametrize("package", SHOWING)
def test_no_code_formats_a_figure_with_a_sign_before_nothing(package: str) -> None:
    loose = {
        str(path.relative_to(ROOT)): specs
        for path in sorted((ROOT / package).rglob("*.py"))
        if (specs := _loose_specs(path.read_text("utf-8")))
    }
    assert loose == {}, "write z into the format, as in {value:z.2f}"


@given(st.floats(-0.004, 0.0), st.integers(0, 2))
def test_figures_that_round_to_nothing_have_no_minus(value: float, digits: int) -> None:
    assert not figures.signed(value, digits=digits).startswith(("-", "−"))
    assert figures.points(value / 1000) == "+0.0"
    assert str(shown_cell(value, digits)) == "0.0"
    assert "-" not in figures.share(value, value, value, n=1)


@pytest.mark.parametrize("language", LANGUAGES)
def test_messages_that_format_a_figure_have_none_either(language: str) -> None:
    specs = {spec for text in catalogue(language).values() for _, spec in FIELD.findall(text)}  # type: ignore[arg-type]
    assert len(specs) > 5
    for spec in specs:
        shown = Formatter().format(f"{{value:{spec}}}", value=-1e-30)
        assert not re.match(r"-[0.]*%?$", shown), spec


def test_what_rounds_to_more_keeps_its_sign() -> None:
    assert figures.signed(-0.06) == "−0.1"
    assert shown_cell(-0.126, 2) == -0.13
    assert Formatter().format("{value:+.2f}", value=-0.126) == "-0.13"

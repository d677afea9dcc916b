"""No page states a share or a difference without its interval and the number that it rests on.

Shares and differences that are estimated go through `pages.widgets.figures`, which asks for both. So a percent sign
behind a value stands nowhere else: neither in the code of a page nor in a message, unless it is listed here with what
it is instead, or unless the message holds interval and number itself.
"""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

import pytest

from annotator.messages import LANGUAGES, catalogue, figures
from pages.widgets import figures as page_figures
from tests.conftest import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PAGES = ROOT / "pages"

ANSWER = "what the model says of one diary"
SETTING = "what people have set"
PROGRESS = "how far a job is"
CENSUS = "a count of all diaries or answers, whose number stands beside it"
EXAMPLE = "an example, not a figure of this project"
BESIDE = "interval and number stand beside it"

MESSAGES = {
    **dict.fromkeys(
        (
            "why.margin",
            "why.least_confidence",
            "why.entropy",
            "why.diverse_margin",
            "why.balanced_margin",
            "why.committee_margin",
            "why.typical",
            "why.dictionary",
            "wording.unsure",
            "board.arc_cell",
            "wording.deletion_falls",
            "wording.deletion_stays",
            "wording.deletion_rises",
            "wording.deletion_random",
            "review.why_low_confidence",
            "review.why_label_error",
            "review.board.expected",
            "try_out.board.answer",
            "find.said",
            "find.version",
            "find.changed.moved_answer",
            "trust.in_words",
        ),
        ANSWER,
    ),
    **dict.fromkeys(("find.map.kind_below", "find.map.kind_from"), "the bounds of a range"),
    "find.nearness": "how alike two texts' vectors are: computed, not estimated",
    **dict.fromkeys(("learn.points", "learn.reason_below_best"), BESIDE),
    **dict.fromkeys(
        ("why.candidates", "why.candidates_many", "anchoring.help", "trust.unsure", "trust.unsure_all"), SETTING
    ),
    "overview.exporting": PROGRESS,
    **dict.fromkeys(("study.moving", "study.settled", "agreement.shown"), CENSUS),
    "overview.confidence_help": EXAMPLE,
}
"""Messages with a percent sign behind a value that is no estimate."""

CODE = {
    "widgets.text.percent": "what those below call",
    "widgets.text.interval": "the bounds, for messages that hold them with their number",
    "learn.result._draw_figures": BESIDE,
    "learn.audience._draw_writers": BESIDE,
    "dictionary.effect._draw_side": BESIDE,
    "team.agreement._draw_figures": BESIDE,
    "team.records._percent": BESIDE,
    "review.bulk._row": "a queue's own order, as on the board beside it",
    "simulate.result._goal": BESIDE,
    "simulate.result._draw_table": BESIDE,
    "simulate.result._draw_curves": BESIDE,
    "overview.charts.anchoring_figure": BESIDE,
    "overview.charts.confidence_figure": "classes of a histogram",
    "overview.page._draw_confidence": "classes of a histogram",
    "overview.calibration._diaries_of": "ends of a bin",
}
"""Functions of pages that write a percent sign behind a value which is no estimate."""

_NOT_ON_PAGES = ("cli.", "card.")
_BOUNDS = ({"interval"}, {"low", "high"}, {"most"})
_NUMBERS = {"n", "count"}
_AFTER_A_VALUE = re.compile(r"\}(?:\*\*)?(?:%| points)|:\.\d%\}")
_PLOTLY = re.compile(r"%\{\{.*?\}\}")


def _states_a_share(message: str) -> bool:
    return bool(_AFTER_A_VALUE.search(_PLOTLY.sub("", message)))


def _holds_interval_and_number(message: str) -> bool:
    names = set(re.findall(r"\{(\w+)", message))
    return any(bounds <= names for bounds in _BOUNDS) and bool(_NUMBERS & names)


@pytest.mark.parametrize("language", LANGUAGES)
def test_messages_state_no_share_without_interval_and_number(language) -> None:
    stated = {
        key
        for key, message in catalogue(language).items()
        if not key.startswith(_NOT_ON_PAGES) and _states_a_share(message) and not _holds_interval_and_number(message)
    }
    assert stated - MESSAGES.keys() == set()


@pytest.mark.parametrize("language", LANGUAGES)
def test_messages_state_no_interval_without_a_number(language) -> None:
    stated = {
        key
        for key, message in catalogue(language).items()
        if not key.startswith(_NOT_ON_PAGES) and "{interval}" in message and not _holds_interval_and_number(message)
    }
    assert stated == set()


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_count_of_all_says_of_how_many(language) -> None:
    for key, reason in MESSAGES.items():
        if reason is CENSUS:
            assert "{n" in catalogue(language)[key], key


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_exception_is_kept_that_nobody_needs(language) -> None:
    assert {key for key in MESSAGES if not _states_a_share(catalogue(language)[key])} == set()
    assert {key for key in MESSAGES if _holds_interval_and_number(catalogue(language)[key])} == set()


def _functions(tree: ast.Module) -> Iterator[ast.FunctionDef]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))


def _writes_a_share(function: ast.FunctionDef) -> bool:
    return any(
        (isinstance(node, ast.JoinedStr) and _ends_in_a_percent_sign(node))
        or (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "percent")
        for node in ast.walk(function)
    )


def _ends_in_a_percent_sign(text: ast.JoinedStr) -> bool:
    """Return whether a value is followed by a percent sign, or written as a percentage; ``%%{…}`` is for plotly."""
    for part, following in zip(text.values, [*text.values[1:], None], strict=True):
        if not isinstance(part, ast.FormattedValue):
            continue
        spec = ast.unparse(part.format_spec) if part.format_spec else ""
        if "%" in spec:
            return True
        if isinstance(following, ast.Constant) and re.match(r"%(?!\{)", str(following.value)):
            return True
    return False


def _writers(folder: Path) -> set[str]:
    writers = set()
    for path in folder.rglob("*.py"):
        tree = ast.parse(path.read_text("utf-8"))
        module = ".".join(path.relative_to(PAGES).with_suffix("").parts)
        writers |= {f"{module}.{f.name}" for f in _functions(tree) if _writes_a_share(f)}
    return writers


def test_pages_write_no_share_themselves() -> None:
    assert _writers(PAGES) == CODE.keys()


@pytest.mark.parametrize(
    ("code", "is_found"),
    [
        ('def f(): return f"{100 * x:.0f}%"', True),
        ('def f(): return f"{x:.0%}"', True),
        ("def f(): return percent(x)", True),
        ('def f(): return f"{x}: %{{y:.0%}}"', False),
        ("def f(): return share(x, a, b, n=3)", False),
        ('def f(): return f"{x} of {n}"', False),
    ],
)
def test_a_page_that_writes_a_share_is_found(code: str, is_found: bool) -> None:
    (function,) = _functions(ast.parse(code))
    assert _writes_a_share(function) is is_found


@pytest.mark.parametrize(
    ("message", "is_found"),
    [("{share}% agree", True), ("{share:.0%} agree", True), ("**{x}**% agree", True), ("95% interval of {x}", False),
     ("%{{y:.0%}} of {n}", False), ("{x} points more", True)],
)  # fmt: skip
def test_a_message_that_states_a_share_is_found(message: str, is_found: bool) -> None:
    assert _states_a_share(message) is is_found


def test_a_share_and_a_difference_hold_interval_and_number() -> None:
    assert page_figures.share(0.41, 0.36, 0.46, n=1200) == "41% (36–46%, n=1,200)"
    assert figures.share(0.004, 0.0011, 0.0123, n=400, digits=1) == "0.4% (0.1–1.2%, n=400)"
    english = figures.difference(0.032, -0.01, 0.074, n=120, language="en")
    assert english == "+3.2 points (95% interval −1.0 to +7.4, n=120)"
    assert figures.difference(-0.03, -0.08, 0.02, n=9, language="ko") == "−3.0%p (95% 구간 −8.0에서 +2.0%p 사이, n=9)"


_SIGNED = re.compile(r"\{[^{}]*:[^{}]*\+(?![^{}]*z)[^{}]*f\}")


def test_no_figure_with_a_sign_is_written_without_a_guard_against_minus_zero() -> None:
    written = {
        f"{path.relative_to(ROOT)}: {match.group()}"
        for package in ("annotator", "pages", "service")
        for path in (ROOT / package).rglob("*.py")
        for match in _SIGNED.finditer(path.read_text("utf-8"))
    }
    assert written == set()


@pytest.mark.parametrize(("value", "shown"), [(-0.04, "+0.0"), (-0.06, "−0.1"), (0.0, "+0.0"), (3.14, "+3.1")])
def test_a_figure_with_a_sign_is_never_minus_zero(value: float, shown: str) -> None:
    assert figures.signed(value) == shown

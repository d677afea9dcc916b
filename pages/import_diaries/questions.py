"""Questions that a file raises, with their answers, and choices that only some files need."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

import streamlit as st

from annotator.importing import Choices
from annotator.messages import explain
from pages.widgets import session
from pages.widgets.text import keyed, plain, say

if TYPE_CHECKING:
    from annotator.importing import ImportQuestions, Preview

_READINGS = ("heading", "lines")
"""Questions about how a file is read, which `ReadOptions` answer."""

_SEPARATORS = ("", ",", ";", "|", "/", " ")
_SHOWN_PEOPLE = 20


class _Drawn(NamedTuple):
    """A question as it is drawn: in a sentence, with the count for each answer."""

    sentence: str
    answers: dict[str, int]


def keep_questions(key: str, asked: ImportQuestions) -> bool:
    """Have the questions about a file drawn from the next run on; return whether any of them is new."""
    before: dict[str, _Drawn] = session.draft(_draft(key), {})
    new = {each.kind: _Drawn(_sentence(asked, each.kind), each.answers) for each in asked.questions}
    session.keep_draft(_draft(key), {**before, **new})
    return bool(new.keys() - before.keys())


def _draft(key: str) -> str:
    return f"import_questions_{key}"


def _sentence(asked: ImportQuestions, kind: str) -> str:
    question = next(each for each in asked.questions if each.kind == kind)
    details = {**asked.details, "count": question.count, "example": question.example}
    return explain(type(asked)([question], name=str(details["name"])), session.language())


def draw_questions(key: str) -> dict[str, str]:
    """Draw the questions about a file, and return the answers that were given, by question."""
    answers: dict[str, str] = {}
    for kind, drawn in session.draft(_draft(key), {}).items():
        with st.container(border=True):
            answer = st.radio(
                plain(drawn.sentence),
                list(drawn.answers),
                index=None,
                format_func=lambda option, kind=kind, counts=drawn.answers: say(  # type: ignore[misc]
                    f"import_page.answer_{kind}_{option}", count=counts[option]
                ),
                key=keyed(f"import_answer_{kind}_{key}"),
            )
        if answer is not None:
            answers[kind] = answer
    return answers


def is_waiting(key: str, answers: dict[str, str]) -> bool:
    """Return whether a question about a file has no answer yet."""
    return bool(session.draft(_draft(key), {}).keys() - answers.keys())


def choose_details(table: Preview, key: str, here: list[str], answers: dict[str, str]) -> Choices:
    """Ask for second opinions, the separator of labels, and who the people of the file are.

    Args:
        here: the people of the project.
        answers: to the questions that the file raised.
    """
    with st.expander(say("import_page.label_details"), icon=":material/label:"):
        opinions = st.toggle(
            say("import_page.several_opinions"), table.choices.several_opinions, key=f"import_opinions_{key}"
        )
        separator = st.selectbox(
            say("import_page.separator"),
            _SEPARATORS,
            index=_SEPARATORS.index(table.choices.separator or ""),
            format_func=lambda each: say("import_page.separator_auto") if not each else each.replace(" ", "␣"),
            key=keyed(f"import_separator_{key}"),
            width=280,
        )
        people = _choose_people(table, key, here)
    return replace(
        make_choices(answers, table),
        several_opinions=opinions,
        separator=separator or None,
        people=people,
    )


def _choose_people(table: Preview, key: str, here: list[str]) -> dict[str, str]:
    if not table.people:
        return {}
    st.caption(say("import_page.people_found"))
    chosen: dict[str, str] = {}
    for place, (there, name) in enumerate(table.people[:_SHOWN_PEOPLE]):
        before = table.choices.people.get(there, name)
        options = list(dict.fromkeys((name, before, *here)))
        picked = st.selectbox(
            plain(there), options, index=options.index(before), key=keyed(f"import_person_{place}_{key}"), width=420
        )
        if picked != name:
            chosen[there] = picked
    return chosen


def make_choices(answers: dict[str, str], table: Preview) -> Choices:
    """Return the answers to questions about rows as choices; what is open is as it was for an earlier file."""
    fields: dict[str, Any] = {kind: answer for kind, answer in answers.items() if kind not in _READINGS}
    return Choices(**fields).over(table.choices)

"""What a round changed, in sentences: before any figure."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from annotator.training.changed_answers import find_changed, list_unseen_labels
from pages.widgets import session
from pages.widgets.site import PAGES
from pages.widgets.text import plain, say

if TYPE_CHECKING:
    from collections.abc import Sequence

    from annotator.project import Database
    from annotator.training.changed_answers import ChangedAnswers
    from annotator.training.evaluation import Outcome
    from annotator.training.rounds import Round
    from annotator.training.version_changes import Decided

_CERTAIN = ("better", "worse")


def draw_story(db: Database, ended: Round, outcome: Outcome) -> None:
    """Draw what changed on the test diaries and in the answers, and what the model has never seen."""
    changed = find_changed(db, ended, person=session.person(db))
    lines = [_right_answers(outcome), *_changed(changed)]
    if unseen := list_unseen_labels(db):
        lines.append(say("learn.story.unseen", labels=", ".join(unseen)))
    told = [f"- {line}" if not line.startswith("  ") else line for line in lines if line]
    st.markdown("\n".join(told))
    if changed is not None and changed.count and changed.versions is not None:
        _draw_way_to_changes(*changed.versions)
    if unseen and "find" in PAGES:
        st.page_link(PAGES["find"][0], label=say("learn.story.look"), icon=PAGES["find"][1])


def _right_answers(outcome: Outcome) -> str:
    counts = outcome.right_counts
    if counts is None:
        return ""
    before, after, n = counts
    if before == after:
        return say("learn.story.same", n=n, count=after)
    ending = "" if outcome.reason in _CERTAIN else f" {say('learn.story.chance')}"
    return say("learn.story.right", n=n, before=before, after=after) + ending


def _draw_way_to_changes(first: int, second: int) -> None:
    st.page_link(
        PAGES["find"][0],
        label=say("learn.story.see_changes"),
        icon=":material/compare_arrows:",
        query_params={"view": "changed", "first": str(first), "second": str(second)},
    )


def _changed(changed: ChangedAnswers | None) -> list[str]:
    if changed is None:
        return []
    if not changed.count:
        return [say("learn.story.none_changed", n=changed.n)]
    examples = [
        "  - " + say("learn.story.example", text=plain(each.excerpt), before=each.before, after=each.after)
        for each in changed.examples
    ]
    counted = say("learn.story.changed", n=changed.n, count=changed.count)
    return [" ".join([counted, *_flipped(changed.decided)]), *examples]


def _flipped(decided: Sequence[Decided]) -> list[str]:
    """Return what became right and wrong of what people decided; what was learned from is counted apart."""
    fair = [each for each in decided if each.group != "learned"]
    learned = [each for each in decided if each.group == "learned"]
    sentences = []
    for key, groups in (("flipped", fair), ("flipped_learned", learned)):
        gained, lost = sum(each.gained for each in groups), sum(each.lost for each in groups)
        if gained or lost:
            sentences.append(say(f"learn.story.{key}", gained=gained, lost=lost))
    return sentences

"""함께한 기록: everybody's own record, and for those who review how far people agree and how each one's work goes."""

from __future__ import annotations

import streamlit as st

from annotator import project_location
from annotator.accounts import permissions
from annotator.privacy import forgetting
from annotator.quality import agreement, annotator_stats
from pages.team.agreement import draw_agreement
from pages.team.label_distances import draw_distance
from pages.team.records import draw_mine, draw_people, draw_rule
from pages.widgets import session
from pages.widgets.text import say


def _draw() -> None:
    st.title(say("team.title"))
    with project_location.opened() as db:
        person = session.person(db)
        if not permissions.may(person, "review"):
            draw_mine(annotator_stats.find_record(db, person.annotator_id))
            draw_rule()
            return
        answers = agreement.read_answers(db)
        above = st.container()
        if permissions.may(person, "administrate"):
            draw_distance(db, person)
        with above:
            draw_agreement(agreement.compare(db, answers))
            if count := forgetting.count_gone(db).shared_labels:
                st.caption(say("forget.agreement", count=count))
        records = annotator_stats.list_records(db, answers)
        mine = next((record for record in records if record.annotator_id == person.annotator_id), None)
        draw_people(records, mine)
        draw_mine(mine)
        draw_rule()


_draw()

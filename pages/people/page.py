"""People: who is let in and as what, invites, and the record of who did what."""

import streamlit as st

from annotator import project_location
from pages.people import first_account, log, members
from pages.widgets import session
from pages.widgets.text import say

st.title(say("people.title"))
with project_location.opened() as db:
    person = session.person(db)
    if person.is_solo:
        first_account.draw()
    else:
        members.draw(db, person)
        log.draw(db)

"""A version for use elsewhere: which one, in what form, and the command that writes it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from annotator import project_location
from annotator.publishing import commands
from pages.widgets.text import keyed, plain, say

if TYPE_CHECKING:
    from collections.abc import Sequence

    from annotator.status import Version


def draw_export(versions: Sequence[Version]) -> None:
    """Draw the choice, folded up.

    Writing takes half a minute and some hundred megabytes, too much for a page: the terminal does it.

    Args:
        versions: newest first, at least one.
    """
    with st.expander(say("publish.open"), icon=":material/output:"):
        tier_of = {version.model.version: version.model.tier for version in versions}
        chosen = st.selectbox(
            say("publish.which"),
            list(tier_of),
            format_func=lambda version: say("learn.version_name", version=version),
            key=keyed(f"learn_publish_which_{len(versions)}"),
            width=200,
        )
        forms = commands.formats_of(tier_of[chosen])
        form = forms[0]
        if len(forms) > 1:
            form = st.segmented_control(
                say("publish.format"),
                forms,
                default=form,
                required=True,
                format_func=lambda name: say(f"publish.{name}"),
                key=keyed("learn_publish_format"),
            )
        st.caption(plain(say(f"publish.{form}_caption")))
        st.code(commands.export_command(project_location.path(), chosen, form), language=None, wrap_lines=True)
        st.caption(say("publish.run"))

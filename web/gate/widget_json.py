"""JSON that boards and components send in Streamlit's messages, which Streamlit reads less strictly than we do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from annotator.formats.strict_json import StrictJsonError, loads

if TYPE_CHECKING:
    from streamlit.proto.BackMsg_pb2 import BackMsg

_FIELDS = ("json_value", "json_trigger_value")


def is_strict(message: BackMsg) -> bool:
    """Return whether all JSON in a message is unambiguous."""
    for widget in message.rerun_script.widget_states.widgets:
        field = widget.WhichOneof("value")
        if field in _FIELDS and (text := getattr(widget, field)):
            try:
                loads(text)
            except StrictJsonError:
                return False
    return True

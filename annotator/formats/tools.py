"""Which tool and which of its projects a file comes from: by that, people of the same name are told apart."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection

_LABEL_STUDIO_FILE = re.compile(r"project-(\d+)-at-")
"""How Label Studio names its exports."""

_LABEL_STUDIO_COLUMNS = (frozenset(("annotation_id", "annotator")), frozenset(("lead_time", "annotator")))


def label_studio(file_name: str, project: object = None) -> str:
    """Return Label Studio with the number of the project, as its tasks or the name of the file say it."""
    named = _LABEL_STUDIO_FILE.match(file_name)
    number = project if isinstance(project, int) else named[1] if named else None
    return "Label Studio" if number is None else f"Label Studio {number}"


def tool_of(columns: Collection[str], file_name: str) -> str:
    """Return the tool that a table comes from; empty if nobody knows."""
    is_label_studio = _LABEL_STUDIO_FILE.match(file_name) or any(set(columns) >= each for each in _LABEL_STUDIO_COLUMNS)
    return label_studio(file_name) if is_label_studio else ""

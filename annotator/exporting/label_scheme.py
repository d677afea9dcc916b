"""What a format needs to know besides the records: the label set, and how it is used."""

from __future__ import annotations

from typing import TYPE_CHECKING

from annotator import settings as project_settings
from annotator.dictionary.adjustment import entries_of
from annotator.exporting.relabelling import translate_names
from annotator.formats.label_scheme import Scheme
from annotator.label_sets import definitions
from db.label_sets import labels
from db.texts import exports

if TYPE_CHECKING:
    from annotator.label_sets.crosswalks import Crosswalk
    from db import Database


def read_scheme(db: Database, crosswalk: Crosswalk | None = None) -> Scheme:
    """Return the label set of a project, or the one on the other side of a crosswalk."""
    settings = project_settings.load(db)
    label_set = labels.list_labels(db)
    name_of = {label.id: label.name for label in label_set}
    words = {word: name_of.get(label_id or 0) for word, label_id in entries_of(db).items()}
    names, colours = [label.name for label in label_set], [label.colour for label in label_set]
    if crosswalk is not None:
        targets = crosswalk.targets()
        words = {word: targets.get(name or "") or None for word, name in words.items()}
        names = translate_names(names, crosswalk)
        colours = [definitions.COLOURS[place % len(definitions.COLOURS)] for place in range(len(names))]
    several = settings.several_labels or exports.has_several_labels(db)
    people = tuple(name for name, _ in exports.list_deciders(db))
    return Scheme(tuple(names), tuple(colours), several, settings.intensity, words, people)

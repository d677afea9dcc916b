"""An export in terms of another label set: the other side of a crosswalk."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from annotator.formats.record import Mark, Record, RecordDecision
    from annotator.label_sets.crosswalks import Crosswalk


def translate_names(names: Iterable[str], crosswalk: Crosswalk) -> list[str]:
    """Return the labels on the other side, in the order of those here; labels without a counterpart are left out."""
    targets = crosswalk.targets()
    return list(dict.fromkeys(target for name in names if (target := targets.get(name))))


def translate(records: Iterable[Record], crosswalk: Crosswalk) -> Iterator[Record]:
    """Yield records in terms of the other side; probabilities and shares of labels that go to one place are summed.

    What has no counterpart is left out, so that a soft label may sum to less than 1.
    """
    targets = {source: target for source, target in crosswalk.targets().items() if target}
    for record in records:
        yield record._replace(
            decisions=_relabel_decisions(record.decisions, targets),
            marks=_marks(record.marks, targets),
            soft_label=_summed(record.soft_label, targets),
            proba=_summed(record.proba, targets),
        )


def _relabel_decisions(decisions: Sequence[RecordDecision], targets: Mapping[str, str]) -> tuple[RecordDecision, ...]:
    return tuple(
        replace(
            decision,
            label=targets.get(decision.label or ""),
            other_labels=tuple(targets[name] for name in decision.other_labels if name in targets),
        )
        for decision in decisions
    )


def _marks(marks: Sequence[Mark], targets: Mapping[str, str]) -> tuple[Mark, ...]:
    return tuple(replace(mark, label=targets.get(mark.label or "")) for mark in marks)


def _summed(shares: Mapping[str, float] | None, targets: Mapping[str, str]) -> dict[str, float] | None:
    summed: dict[str, float] = {}
    for name, share in (shares or {}).items():
        if target := targets.get(name):
            summed[target] = round(summed.get(target, 0.0) + share, 6)
    return summed or None

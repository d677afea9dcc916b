"""The outcome of one hostile thing, and the figures over all of a kind."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

MOST_SECONDS = 20.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """The outcome of one try.

    Attributes:
        wrong: what was accepted, shown or said that should not have been; empty if nothing.
        death: which process ended by a signal or a fault; empty if none.
    """

    kind: str
    name: str
    seconds: float
    wrong: str = ""
    death: str = ""

    def problem(self) -> str:
        """Return what is wrong, in words; empty if nothing is."""
        slow = f"{self.seconds:.0f} s" if self.seconds > MOST_SECONDS else ""
        return "; ".join(part for part in (self.death and f"died: {self.death}", self.wrong, slow) if part)


def summarise(outcomes: Iterable[Outcome]) -> dict[str, Any]:
    """Return the figures by kind and in total, and every problem by name."""
    by_kind: dict[str, list[Outcome]] = defaultdict(list)
    for outcome in outcomes:
        by_kind[outcome.kind].append(outcome)
    everything = [outcome for each in by_kind.values() for outcome in each]
    return {
        "kinds": {kind: _figures(each) for kind, each in by_kind.items()},
        "all": _figures(everything),
        "problems": [
            {"kind": each.kind, "name": ascii(each.name), "problem": each.problem()}
            for each in everything
            if each.problem()
        ],
    }


def _figures(outcomes: list[Outcome]) -> dict[str, Any]:
    return {
        "tried": len(outcomes),
        "wrong": sum(bool(each.wrong) for each in outcomes),
        "deaths": sum(bool(each.death) for each in outcomes),
        "slowest_seconds": round(max((each.seconds for each in outcomes), default=0.0), 1),
    }

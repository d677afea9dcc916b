"""How often the interval of a label's agreement holds the truth, in simulated projects.

python benchmarks/coverage_agreement.py --json out.json

Readers give a diary's label with some chance and any label otherwise, as often as that label occurs: then alpha is the
square of the chance.
"""

from __future__ import annotations

import argparse
import sys
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np

from benchmarks import machine
from learner.data_quality.agreement import kinds_of, label_alphas

if TYPE_CHECKING:
    from collections.abc import Sequence

    from learner.data_quality.agreement import Measure

LABELS = 7


def main() -> None:
    """Simulate projects, and print how often the intervals held."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shares", type=float, nargs="+", default=[0.01, 0.02, 0.05, 0.2])
    parser.add_argument("--diaries", type=int, nargs="+", default=[100, 300, 1000])
    parser.add_argument("--people", type=int, nargs="+", default=[2, 3, 5])
    parser.add_argument("--reads", type=float, nargs="+", default=[0.95, 0.8, 0.6], help="chance to give the label")
    parser.add_argument("--projects", type=int, default=100)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    figures = run(
        shares=arguments.shares,
        diaries=arguments.diaries,
        people=arguments.people,
        reads=arguments.reads,
        projects=arguments.projects,
    )
    machine.write(arguments.json, {"machine": machine.describe(), **figures})


def run(
    *, shares: Sequence[float], diaries: Sequence[int], people: Sequence[int], reads: Sequence[float], projects: int
) -> dict[str, Any]:
    """Return how often the interval of a label's alpha held: over all settings, and by each of them.

    Only figures that are shown count: of labels that were given often enough.
    """
    settings = [
        dict(zip(("share", "diaries", "people", "reads"), values, strict=True))
        for values in product(shares, diaries, people, reads)
    ]
    cases = [
        case | setting for setting in settings for seed in range(projects) if (case := _case(**setting, seed=seed))
    ]
    by = {key: {str(v): _sum_up([c for c in cases if c[key] == v]) for v in values} for key, values in (
        ("share", shares), ("diaries", diaries), ("people", people), ("reads", reads))}  # fmt: skip
    return {"projects": projects, "settings": len(settings), "overall": _sum_up(cases), **by}


def _case(*, share: float, diaries: int, people: int, reads: float, seed: int) -> dict[str, Any]:
    """Return whether the interval of one project held; empty where no figure is shown."""
    measured = _alpha(share=share, diaries=diaries, people=people, reads=reads, seed=seed)
    if measured.low is None or measured.high is None:
        return {}
    return {"held": measured.low <= reads**2 <= measured.high, "width": measured.high - measured.low}


def _alpha(*, share: float, diaries: int, people: int, reads: float, seed: int) -> Measure:
    rng = np.random.default_rng(seed)
    frequencies = np.array([share, *[(1 - share) / (LABELS - 1)] * (LABELS - 1)])
    label = rng.choice(LABELS, diaries, p=frequencies)
    slips = rng.choice(LABELS, (diaries, people), p=frequencies)
    answers = np.where(rng.random((diaries, people)) < reads, label[:, None], slips)
    return label_alphas(kinds_of(np.repeat(np.arange(diaries), people), answers.ravel(), k=LABELS), draws=400)[0]


def _sum_up(cases: list[dict[str, Any]]) -> dict[str, Any]:
    """Return how many figures were shown, how often their interval held, and how wide it was."""
    held, width = (round(float(np.mean([c[key] for c in cases] or [np.nan])), 4) for key in ("held", "width"))
    return {"shown": len(cases), "held": held, "width": width}


if __name__ == "__main__":
    main()

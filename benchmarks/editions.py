"""What one encoder gains over another: instant rounds on the same labels, measured on the same rows, in pairs.

    python benchmarks/editions.py --data kote7.tsv --query 'dominance >= 0.6' --unseen --json out.json
    python benchmarks/editions.py --data annotator/demo/diaries.csv --group-column author --against bundled

`--encoder` is the one that new projects begin with unless another is named. Each seed draws other labels and other rows
to measure on, as in `tiers.py`. `--unseen` leaves out what any emotion-aware encoder was tuned on, so that neither has
seen a text that is measured.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np

from benchmarks import labelled_file, machine, tiers
from learner.active_learning import simulation
from learner.encoders import emotion_editions

SCORES = ("macro_f1", "accuracy")


def main() -> None:
    """Run an instant round with both encoders on every draw."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    labelled_file.add_arguments(parser, rows=4000)
    parser.add_argument("--against", default=emotion_editions.FIRST, help="the encoder that it is compared with")
    parser.add_argument("--group-column", help="rows that agree in it are all measured on or none, such as a writer's")
    parser.add_argument("--labels", type=int, nargs="+", default=[50, 100, 200, 800])
    parser.add_argument("--seeds", type=int, default=20)
    arguments = parser.parse_args()
    pair = (arguments.encoder, arguments.against)
    files = [tiers.load(argparse.Namespace(**{**vars(arguments), "encoder": encoder})) for encoder in pair]
    result: dict[str, Any] = {
        "machine": machine.describe(),
        "data": arguments.data.name,
        "rows": len(files[0].texts),
        "encoder": arguments.encoder,
        "against": arguments.against,
        "seeds": arguments.seeds,
        "labels": {str(count): _compare(files, count, arguments.seeds) for count in arguments.labels},
    }
    machine.write(arguments.json, result)


def _compare(files: list[tiers.File], count: int, seeds: int) -> dict[str, Any]:
    draws = [tiers.draw(files[0], count, seed) for seed in range(seeds)]
    scores = np.array([[tiers.measure(file, "instant", one)[:2] for file in files] for one in draws])
    result: dict[str, Any] = {"learned": max(len(one.train) for one in draws)}
    for place, score in enumerate(SCORES):
        ours, theirs = scores[:, :, place].T
        low, high = simulation.mean_interval(ours - theirs)
        gain = {"gain": float((ours - theirs).mean()), "interval": [low, high]}
        result[score] = {"encoder": float(ours.mean()), "against": float(theirs.mean()), **gain}
    return result


if __name__ == "__main__":
    main()

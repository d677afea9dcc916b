"""How few labels each way of asking needs: our strategies and those of other tools, on the same features.

python benchmarks/label_efficiency.py --data kote7.tsv --query 'dominance >= 0.6' --seeds 5 --json out.json
python benchmarks/label_efficiency.py --data nsmc_reviews.parquet --text-column document --label-column rating \
    --bands 1-4=negative 9-10=positive --rows 20000 --json out.json
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np

from annotator.simulation.run import describe
from benchmarks import labelled_file, machine, peers
from learner.active_learning import query_strategies, simulation

if TYPE_CHECKING:
    from benchmarks.labelled_file import Labelled
    from learner.active_learning.simulation import Replay, Summary

OURS = tuple(query_strategies.STRATEGIES)

_loaded: dict[str, Any] = {}
"""What a worker process has read: the features and, where an arm asks for them, the n-grams."""


def main() -> None:
    """Replay every arm with every seed and write the curves, their areas and the labels needed."""
    arguments = _arguments()
    file = labelled_file.load(arguments)
    names = [name for name in (*OURS, *peers.arms(dict)) if not arguments.arms or name in arguments.arms]
    jobs = [(name, seed) for seed in range(arguments.seeds) for name in names]
    k = len(file.names)
    with _workers(arguments.jobs, file) as pool:
        full = list(pool.map(_full, range(arguments.seeds)))
        replays: dict[tuple[str, int], Replay] = {}
        for job, replay in zip(
            jobs, pool.map(_run, [(*j, arguments.batch, arguments.budget) for j in jobs]), strict=True
        ):
            replays[job] = replay
            print(f"{len(replays)}/{len(jobs)} {job[0]} {job[1]}", file=sys.stderr, flush=True)
    full_macro_f1, full_accuracy = np.mean(full, axis=0)
    _check_equal_starts(replays, names, arguments.seeds)
    summaries = {
        name: simulation.summarise(
            [replays[name, seed] for seed in range(arguments.seeds)], full_macro_f1=full_macro_f1
        )
        for name in names
    }
    result = {
        "machine": machine.describe(),
        "data": arguments.data.name,
        "rows": len(file.labels),
        "labels": dict(zip(file.names, np.bincount(file.labels, minlength=k).tolist(), strict=True)),
        "encoder": arguments.encoder,
        "batch": arguments.batch,
        "budget": arguments.budget,
        "seeds": arguments.seeds,
        "full_pool": {"macro_f1": float(full_macro_f1), "accuracy": float(full_accuracy)},
        "strategies": _strategies(summaries),
    }
    machine.write(arguments.json, result)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    labelled_file.add_arguments(parser, rows=20_000)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--batch", type=int, default=40)
    parser.add_argument("--budget", type=int, default=1000)
    parser.add_argument("--arms", nargs="+", help="only these; all by default")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    return parser.parse_args()


def _workers(count: int, file: Labelled) -> ProcessPoolExecutor:
    # Forking a process whose libraries have threads already can leave the child waiting for one of them forever.
    context = multiprocessing.get_context("spawn")
    return ProcessPoolExecutor(count, mp_context=context, initializer=_begin, initargs=(file,))


def _begin(file: Labelled) -> None:
    import torch

    torch.set_num_threads(1)
    _loaded["file"] = file


def _grams() -> Any:
    if "grams" not in _loaded:
        _loaded["grams"] = peers.tfidf_grams(list(_loaded["file"].texts))
    return _loaded["grams"]


def _full(seed: int) -> tuple[float, float]:
    file = _loaded["file"]
    return simulation.full_pool(file.features, file.labels, k=len(file.names), seed=seed)


def _run(job: tuple[str, int, int, int]) -> Replay:
    name, seed, batch, budget = job
    file = _loaded["file"]
    ask = simulation.asking(name) if name in OURS else peers.arms(_grams)[name]()
    return simulation.replay(file.features, file.labels, ask, k=len(file.names), batch=batch, budget=budget, seed=seed)


def _check_equal_starts(replays: dict[tuple[str, int], Replay], names: list[str], seeds: int) -> None:
    """Refuse to compare arms with one learner that don't begin with the same score."""
    learners = [[n for n in names if n in OURS], [n for n in names if n not in OURS and n != "tfidf_random"]]
    for seed in range(seeds):
        for arms in learners:
            starts = {(replays[n, seed].macro_f1[0], replays[n, seed].accuracy[0]) for n in arms}
            if len(starts) > 1:
                raise SystemExit(f"seed {seed}: arms with one learner begin with different scores: {starts}")


def _strategies(summaries: dict[str, Summary]) -> dict[str, Any]:
    described = {name: describe(summary) for name, summary in summaries.items()}
    if query_strategies.DEFAULT in described:
        return {"default": {"name": query_strategies.DEFAULT, **described[query_strategies.DEFAULT]}, **described}
    return described


if __name__ == "__main__":
    main()

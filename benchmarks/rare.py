"""How many decisions it takes to find ten diaries of a rare emotion: waiting for the queue, at random, or by searching.

    python benchmarks/rare.py --data kote7.tsv --label 혐오 --label 당황 --seeds 5 --json out.json

All ways look through the same rows. The queue is the product's own loop: a random first batch, then batches of the
default strategy with instant heads and the usual share of uniform draws. Searches are those of the page 찾기: for each
word in turn the rows that contain it, in random order, and when they run out random rows; the rows nearest to one
example, which is not among them, as if the list of the nearest fifty went on; and both, the rows with a word, nearest
first, and then the other rows, nearest first. Without ``--words`` the words are those of `WORDS`, chosen before
anything was measured; of a label that is not there, its name.

The second part asks what searching does to the control arm, the uniform draws by which a project is measured: the share
of the emotion among them without any search; with one whose hits keep out of the arm and leave what was drawn in its
place, as the product has it, so that the two are equal by construction; with the draws of the following queues, from
which the hits are missing; and with the hits counted in, as it must not be.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np

from annotator.settings import Settings
from benchmarks import labelled_file, machine
from db.search import folding
from learner.active_learning import draws, query_strategies, simulation

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from benchmarks.labelled_file import Labelled

    IntArray = NDArray[np.int64]

WORDS = {
    "혐오": ("혐오", "역겨", "더럽", "징그", "구역질", "토나"),
    "당황": ("당황", "황당", "어이", "놀라", "깜짝"),
    "불안": ("불안", "걱정", "무서", "무섭", "두렵", "겁나"),
    "슬픔": ("슬픔", "슬프", "눈물", "울었", "그립"),
    "중립": ("중립",),
    "분노": ("분노", "화가", "짜증", "열받"),
    "행복": ("행복", "기쁘", "즐거", "좋아"),
}
_RARE = 0.06
_DRAWN, _SENT, _REPEATS = 200, 50, 400


@dataclass(frozen=True)
class Way:
    """The rows that somebody looks through, in the order of a seed.

    Attributes:
        pool: places of rows, in random order.
        example: place of the row that is known of each label; none of them is in the pool.
    """

    file: Labelled
    unit: NDArray[np.float32]
    words: dict[str, tuple[str, ...]]
    pool: IntArray
    example: dict[str, int]
    seed: int


def main() -> None:
    """Look for every label in every way with every seed, and write the decisions that it took."""
    arguments = _arguments()
    file = labelled_file.load(arguments)
    vectors = labelled_file.vectors_of(arguments.encoder, list(file.texts))
    unit = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
    counts = np.bincount(file.labels, minlength=len(file.names))
    names = arguments.label or [n for n, c in zip(file.names, counts, strict=True) if c < _RARE * len(file.labels)]
    words = {**WORDS, **dict(_given(each) for each in arguments.words)}
    ways = [_way(file, unit, words, names, seed) for seed in range(arguments.seeds)]
    spent: dict[str, dict[str, list[int | None]]] = {name: {arm: [] for arm in ARMS} for name in names}
    for way in ways:
        queue = _queue(way, names, find=arguments.find, batch=arguments.batch, budget=arguments.budget)
        for name in names:
            for arm, order_of in ARMS.items():
                order = queue if arm == "queue" else order_of(way, name)
                spent[name][arm].append(_decisions(file, order, name, find=arguments.find))
        print(f"seed {way.seed} done", file=sys.stderr, flush=True)
    result = {
        "machine": machine.describe(),
        "data": arguments.data.name,
        "rows": len(file.labels),
        "left_out": file.left_out,
        "encoder": arguments.encoder,
        "batch": arguments.batch,
        "budget": arguments.budget,
        "find": arguments.find,
        "labels": {name: _describe(file, words, name, spent[name]) for name in names},
        "control_arm": {name: _control_arm(ways[0], name) for name in names},
    }
    machine.write(arguments.json, result)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    labelled_file.add_arguments(parser, rows=20_000)
    parser.add_argument("--label", action="append", help="look for this label; those below 6 %% by default")
    parser.add_argument("--words", action="append", default=[], help="LABEL=word,word")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--find", type=int, default=10)
    parser.add_argument("--batch", type=int, default=40)
    parser.add_argument("--budget", type=int, default=2500, help="decisions after which the queue is given up")
    return parser.parse_args()


def _given(text: str) -> tuple[str, tuple[str, ...]]:
    name, _, words = text.partition("=")
    return name, tuple(words.split(","))


def _way(
    file: Labelled, unit: NDArray[np.float32], words: dict[str, tuple[str, ...]], names: list[str], seed: int
) -> Way:
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(file.labels))
    example = {name: int(order[file.labels[order] == file.names.index(name)][0]) for name in names}
    return Way(file, unit, words, order[~np.isin(order, list(example.values()))], example, seed)


def _queue(way: Way, names: list[str], *, find: int, batch: int, budget: int) -> IntArray:
    """Return the rows in the order in which a project's own loop asks for them, until all labels are found."""
    ask, file = simulation.asking(query_strategies.DEFAULT), way.file
    columns = [file.names.index(name) for name in names]
    uniform = round(Settings(seed="").uniform_share * batch)
    asked = way.pool[:batch]
    while len(asked) < min(budget, len(way.pool)):
        counts = np.bincount(file.labels[asked], minlength=len(file.names))
        if (counts[columns] >= find).all():
            break
        waiting = way.pool[~np.isin(way.pool, asked)]
        drawn, rest = waiting[:uniform], waiting[uniform:]
        state = simulation.State(
            file.features, file.labels, len(file.names), asked, rest, asked[:1], batch - uniform, way.seed + len(asked)
        )
        asked = np.concatenate([asked, drawn, ask(state)[0]])
    return asked


def _by_words(way: Way, name: str) -> IntArray:
    hits = [place for word in way.words.get(name, (name,)) for place in way.pool[_contain(way, word)]]
    return _then_random(way, np.array(list(dict.fromkeys(hits)), np.int64))


def _contain(way: Way, word: str) -> NDArray[np.bool_]:
    folded = folding.fold(word)
    return np.array([folded in folding.fold(way.file.texts[place]) for place in way.pool], np.bool_)


def _by_example(way: Way, name: str) -> IntArray:
    nearness = way.unit[way.pool] @ way.unit[way.example[name]]
    return way.pool[np.argsort(-nearness, kind="stable")]


def _by_both(way: Way, name: str) -> IntArray:
    has_word = np.any([_contain(way, word) for word in way.words.get(name, (name,))], axis=0)
    nearest = _by_example(way, name)
    is_hit = np.isin(nearest, way.pool[has_word])
    return np.concatenate([nearest[is_hit], nearest[~is_hit]])


def _then_random(way: Way, hits: IntArray) -> IntArray:
    return np.concatenate([hits, way.pool[~np.isin(way.pool, hits)]])


ARMS: dict[str, Callable[[Way, str], IntArray]] = {
    "queue": lambda way, name: way.pool,
    "random": lambda way, name: way.pool,
    "words": _by_words,
    "example": _by_example,
    "both": _by_both,
}
"""The rows in the order in which each way looks through them; the queue's does not depend on the label."""


def _decisions(file: Labelled, order: IntArray, name: str, *, find: int) -> int | None:
    """Return after how many rows so many of a label have come up; None where they never do."""
    places = np.flatnonzero(file.labels[order] == file.names.index(name))
    return int(places[find - 1]) + 1 if len(places) >= find else None


def _describe(
    file: Labelled, words: dict[str, tuple[str, ...]], name: str, spent: dict[str, list[int | None]]
) -> dict[str, Any]:
    is_label = file.labels == file.names.index(name)
    hits = np.array([any(folding.fold(w) in folding.fold(t) for w in words.get(name, (name,))) for t in file.texts])
    arms = {
        arm: {"median": _median(counts), "by_seed": counts, "never": sum(count is None for count in counts)}
        for arm, counts in spent.items()
    }
    return {
        "count": int(is_label.sum()),
        "share": float(is_label.mean()),
        "words": list(words.get(name, (name,))),
        "word_hits": int(hits.sum()),
        "right_among_word_hits": float(is_label[hits].mean()) if hits.any() else None,
        "decisions": arms,
    }


def _median(counts: list[int | None]) -> float | None:
    """Return the median, in which a search that never ends is longer than any; None where that is the median."""
    middle = float(np.median([np.inf if count is None else count for count in counts]))
    return middle if np.isfinite(middle) else None


def _control_arm(way: Way, name: str) -> dict[str, Any]:
    """Return the share of a label by uniform draws, without a search and with one; means over many drawings."""
    file, column = way.file, way.file.names.index(name)
    sent = _by_both(way, name)[:_SENT]
    estimates: dict[str, list[float]] = {"without": [], "with": [], "next_queues": [], "counted_in": []}
    for seed in range(_REPEATS):
        drawn = _draw(way.pool, seed)
        kept_out = np.setdiff1d(sent, drawn)  # those that were drawn at random keep their places
        later = _draw(way.pool[~np.isin(way.pool, kept_out)], seed + _REPEATS)
        for arm, rows in (
            ("without", drawn),
            ("with", drawn[~np.isin(drawn, kept_out)]),
            ("next_queues", later),
            ("counted_in", np.concatenate([drawn, kept_out])),
        ):
            estimates[arm].append(float((file.labels[rows] == column).mean()))
    spread = {arm: {"mean": float(np.mean(e)), "sd": float(np.std(e))} for arm, e in estimates.items()}
    return {
        "truth": float((file.labels[way.pool] == column).mean()),
        "drawn": _DRAWN,
        "searched": _SENT,
        "found_by_search": int((file.labels[sent] == column).sum()),
        "unchanged": estimates["with"] == estimates["without"],
        **spread,
    }


def _draw(pool: IntArray, seed: int) -> IntArray:
    return pool[draws.smallest(draws.draw(pool, seed=seed, purpose="uniform"), _DRAWN)]


if __name__ == "__main__":
    main()

"""Labelling many at once against one by one: a simulated person on real near-duplicate reviews, and what an act costs.

    python benchmarks/groups.py --data nsmc_reviews.parquet --text-column document --label-column rating \
        --bands 1-4=negative 9-10=positive --rows 1500 --json out.json

**Nobody reads here: it is a simulation.** A person is five numbers, all of them arguments: letters read in a second,
seconds a press takes, how many times as fast the cards of a grid are read, how often an exception among them is noticed
then, and how often somebody who reads a single text presses wrongly. What comes out follows from them and from the
groups, which are real: reviews that begin with the same ten letters as three others, encoded as in a project, with the
answers of a head that has learned 200 of them, in groups as the page makes them. Into each group exceptions are
planted: reviews with the other label take the place of a share of the cards. Whatever is taken out, and whatever is
held out, is decided singly; that time counts. What the page says of the errors, from what was held out, is compared
with the errors there are.

The second part is no simulation: a project of ``--diaries`` diaries, and the milliseconds of looking for a group, of a
press on 20 and on 200 diaries, of taking it back, and of single decisions.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections import Counter
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np

from annotator import project
from annotator import settings as project_settings
from annotator.accounts import diary_access
from annotator.finding import groups
from annotator.importing import import_file
from annotator.labelling import decisions as labelling_decisions
from annotator.labelling import group_acts
from benchmarks import labelled_file, machine
from db.answers.decisions import NewDecision
from db.connection import write
from db.forgetting.letters import letters_of
from db.label_sets import labels
from db.models import models, predictions
from db.people import annotators
from learner.classification import classifier
from learner.data_quality import held_out, tight_groups
from learner.encoders.vector_store import VectorFile

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from annotator.settings import Settings
    from db import Database
    from learner.classification.metrics import Interval

    IntArray = NDArray[np.int64]

_BEGIN, _ALIKE, _LEARNED = 10, 4, 200
_WIDTH, _FAMILY = 768, 40


@dataclass(frozen=True)
class Person:
    """Whoever labels, as five numbers; see the module."""

    letters: float
    press: float
    faster: float
    notice: float
    slip: float


@dataclass(frozen=True)
class Pool:
    """Reviews that begin alike: how long they are, their labels, and the groups that they form."""

    lengths: IntArray
    truth: IntArray
    groups: tuple[IntArray, ...]


@dataclass
class Tally:
    """What came of all presses of one way."""

    seconds: float = 0.0
    decided: int = 0
    planted: int = 0
    planted_wrong: int = 0
    wrong: int = 0
    ticked: int = 0
    ticked_wrong: int = 0
    held: list[tuple[bool, float, int]] = field(default_factory=list)


def main() -> None:
    """Simulate, measure, write the figures."""
    arguments = _arguments()
    people = [_person(text, arguments) for text in arguments.grid]
    result: dict[str, Any] = {"machine": machine.describe(), "data": arguments.data.name}
    result |= {"exceptions": arguments.exceptions, "seeds": arguments.seeds, "simulated": []}
    texts, parts, truth = _reviews(arguments)
    for kind in ("copies", "similar"):
        pool = _grouped(texts, parts, truth, near=groups.NEARNESS[kind])
        for person in people:
            runs = [_run(pool, person, arguments.exceptions, seed) for seed in range(arguments.seeds)]
            result["simulated"].append({"kind": kind, "person": vars(person), **_figures(pool, runs, person)})
    result["act_ms"] = _costs(texts, arguments)
    machine.write(arguments.json, result)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    labelled_file.add_arguments(parser, rows=1500)
    parser.add_argument("--letters", type=float, default=10.0, help="letters read in a second")
    parser.add_argument("--press", type=float, default=1.2, help="seconds from knowing the answer to the press")
    parser.add_argument(
        "--grid",
        nargs="+",
        default=["1:0.95", "3:0.8"],
        help="how many times as fast cards of a grid are read, and the share of exceptions that is noticed then",
    )
    parser.add_argument("--slip", type=float, default=0.02, help="share of single texts that are answered wrongly")
    parser.add_argument("--exceptions", type=float, default=0.1, help="share of cards that are planted exceptions")
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--diaries", type=int, default=20_000, help="of the project on which acts are measured")
    return parser.parse_args()


def _person(grid: str, arguments: argparse.Namespace) -> Person:
    faster, notice = map(float, grid.split(":"))
    return Person(arguments.letters, arguments.press, faster, notice, arguments.slip)


def _reviews(arguments: argparse.Namespace) -> tuple[list[str], NDArray[np.float32], IntArray]:
    """Return reviews that begin like others, in whole families, that the encoder was not tuned on."""
    most, arguments.rows = arguments.rows, 10**9
    frame = labelled_file.read_rows(arguments)
    begins = frame[arguments.text_column].astype(str).map(lambda text: letters_of(text)[:_BEGIN])
    frame = frame[begins.str.len() == _BEGIN].assign(begin=begins)
    counts = Counter(frame["begin"])
    frame = frame[frame["begin"].map(counts.__getitem__) >= _ALIKE]
    order = np.random.default_rng(0).permutation(sorted(set(frame["begin"])))
    place_of = {begin: place for place, begin in enumerate(order.tolist())}
    frame = frame.assign(place=frame["begin"].map(place_of.__getitem__)).sort_values("place", kind="stable")[:most]
    texts = frame[arguments.text_column].astype(str).tolist()
    names = sorted(frame[arguments.label_column].astype(str).unique())
    truth = np.array([names.index(str(name)) for name in frame[arguments.label_column]], np.int64)
    return texts, labelled_file.by_parts(arguments.encoder, texts), truth


def _grouped(texts: list[str], parts: NDArray[np.float32], truth: IntArray, *, near: float) -> Pool:
    """Return the groups of the page: of one answer of a head that has learned some of the reviews, by its rule."""
    order = np.random.default_rng(1).permutation(len(texts))
    learned, others = order[:_LEARNED], np.sort(order[_LEARNED:])
    features = classifier.join_features(parts, None, mean=parts.mean(axis=0))
    vectors = parts.reshape(len(parts), -1)
    weight, bias = classifier.fit_head(features[learned], truth[learned], k=int(truth.max()) + 1)
    answers = (features[others] @ weight.T + bias).argmax(axis=1)
    made: list[IntArray] = []
    for answer in np.unique(answers):
        for cell in tight_groups.cut(others[answers == answer], lambda ids: vectors[ids]):
            groups_of_rows = tight_groups.find_groups(
                vectors[cell], near=near, fewest=groups.FEWEST, most=group_acts.MOST
            )
            made += [cell[rows] for rows in groups_of_rows]
    lengths = np.array([min(len(text), 160) for text in texts], np.int64)
    return Pool(lengths, truth, tuple(made))


def _run(pool: Pool, person: Person, exceptions: float, seed: int) -> dict[str, Tally]:
    rng, settings = np.random.default_rng(seed), project_settings.new_settings(seed=f"{seed:032x}")
    tallies = {"group": Tally(), "single": Tally()}
    for number, members in enumerate(pool.groups):
        label = int(np.bincount(pool.truth[members]).argmax())
        cards, is_planted = _plant(pool, members, label, exceptions, rng)
        wrong = pool.truth[cards] != label
        _by_group(tallies["group"], pool, person, cards, is_planted, wrong, settings, f"grid-{number:08}", rng)
        _singly(tallies["single"], pool, person, cards, is_planted, rng)
    return tallies


def _plant(
    pool: Pool, members: IntArray, label: int, share: float, rng: np.random.Generator
) -> tuple[IntArray, NDArray[np.bool_]]:
    """Return cards of a group in which reviews with another label stand in for a share of the members."""
    is_planted = rng.random(len(members)) < share
    others = np.flatnonzero(pool.truth != label)
    return np.where(is_planted, rng.choice(others, len(members)), members), is_planted


def _by_group(
    tally: Tally,
    pool: Pool,
    person: Person,
    cards: IntArray,
    is_planted: NDArray[np.bool_],
    is_other: NDArray[np.bool_],
    settings: Settings,
    token: str,
    rng: np.random.Generator,
) -> None:
    """Read all cards, take out the exceptions that are noticed, press once; decide the rest singly."""
    out = is_other & (rng.random(len(cards)) < person.notice)
    places = np.flatnonzero(~out).tolist()
    held = np.isin(np.arange(len(cards)), group_acts.draw_held(settings, token, places) if places else [])
    labelled = ~out & ~held
    singly = rng.random(len(cards)) < person.slip
    wrong = np.where(labelled, is_other, singly)
    tally.seconds += pool.lengths[cards].sum() / person.letters / person.faster + person.press * (1 + out.sum())
    tally.seconds += float(pool.lengths[cards[~labelled]].sum() / person.letters + person.press * (~labelled).sum())
    tally.decided += len(cards)
    tally.planted, tally.planted_wrong = tally.planted + is_planted.sum(), tally.planted_wrong + wrong[is_planted].sum()
    tally.wrong += int(wrong.sum())
    worth, act = float((~out).sum() / max(1, held.sum())), int(token[-8:])
    tally.held += [(bool(each), worth, act) for each in (is_other ^ singly)[held]]
    tally.ticked, tally.ticked_wrong = tally.ticked + labelled.sum(), tally.ticked_wrong + is_other[labelled].sum()


def _singly(
    tally: Tally,
    pool: Pool,
    person: Person,
    cards: IntArray,
    is_planted: NDArray[np.bool_],
    rng: np.random.Generator,
) -> None:
    wrong = rng.random(len(cards)) < person.slip
    tally.seconds += float(pool.lengths[cards].sum() / person.letters + person.press * len(cards))
    tally.decided += len(cards)
    tally.planted, tally.planted_wrong = tally.planted + is_planted.sum(), tally.planted_wrong + wrong[is_planted].sum()
    tally.wrong += int(wrong.sum())


def _figures(pool: Pool, runs: list[dict[str, Tally]], person: Person) -> dict[str, Any]:
    sizes = np.array([len(members) for members in pool.groups])
    truths = [np.bincount(pool.truth[members]) for members in pool.groups]
    real = 1 - sum(counts.max() for counts in truths) / max(1, sizes.sum())
    checks = [_checked(run["group"], person, seed) for seed, run in enumerate(runs)]
    held = sum(wrong.low <= share <= wrong.high for share, wrong in checks)
    return {
        "groups": len(sizes),
        "reviews_in_groups": int(sizes.sum()),
        "largest": int(sizes.max(initial=0)),
        "other_labels_before_planting": round(float(real), 4),
        **{way: _means([run[way] for run in runs]) for way in ("group", "single")},
        "wrong_among_labelled_at_once": round(float(np.mean([share for share, _ in checks])), 4),
        "said_by_what_was_held_out": round(float(np.mean([wrong.value for _, wrong in checks])), 4),
        "interval": [round(float(np.mean([getattr(wrong, end) for _, wrong in checks])), 4) for end in ("low", "high")],
        "interval_holds": f"{held} of {len(runs)}",
    }


def _checked(tally: Tally, person: Person, seed: int) -> tuple[float, Interval]:
    """Return the share that is wrong among what got its label at once, and what the page says of it.

    As in a project, 100 diaries have been asked about twice.
    """
    rng = np.random.default_rng(1000 + seed)
    changed = int((rng.random((100, 2)) < person.slip).any(axis=1).sum())
    is_different, worth, acts = (np.array(column) for column in zip(*tally.held, strict=True))
    estimate = held_out.estimate(is_different, worth, acts, repeated=(changed, 100))
    assert estimate.wrong is not None, "some were asked twice"
    return tally.ticked_wrong / max(1, tally.ticked), estimate.wrong


def _means(tallies: list[Tally]) -> dict[str, float]:
    return {
        "decisions_a_minute": round(float(np.mean([60 * t.decided / t.seconds for t in tallies])), 1),
        "wrong_of_planted": round(float(np.mean([t.planted_wrong / max(1, t.planted) for t in tallies])), 4),
        "wrong_of_all": round(float(np.mean([t.wrong / t.decided for t in tallies])), 4),
    }


def _costs(texts: list[str], arguments: argparse.Namespace) -> dict[str, Any]:
    """Return milliseconds of acts in a project of families of forty similar diaries, and of looking for a group."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "groups.db"
        project.init(path, seed="00" * 16, blind_share=0.0)
        with closing(project.open_project(path)) as db:
            _build(db, path, texts, arguments.diaries)
            return {"diaries": arguments.diaries, **_acts(db, path)}


def _build(db: Database, path: Path, texts: list[str], count: int) -> None:
    lines = (f"{number}번째. {letters_of(texts[number % len(texts)])}" for number in range(count))
    import_file(db, "\n".join(["text", *lines]).encode(), "groups.csv")
    with write(db):
        db.conn.execute("update diaries set part = 'pool'")
    rng, ids = np.random.default_rng(0), tuple(label.id for label in labels.list_labels(db))
    families = np.arange(count) // _FAMILY
    proba = rng.dirichlet([0.4] * len(ids), int(families[-1]) + 1).astype(np.float32)[families]
    model_id = models.add_model(db, models.NewModel("instant", "bundled", "encoder", ids, b"", {}))
    predictions.store_predictions(db, model_id, proba)
    models.activate(db, model_id, reason="round")
    file = VectorFile(project.vectors_folder(path) / "encoder", width=_WIDTH)
    centres = rng.standard_normal((int(families[-1]) + 1, _WIDTH), np.float32)
    for start in range(0, count, 50_000):
        rows = np.arange(start, min(start + 50_000, count))
        noise = rng.standard_normal((len(rows), _WIDTH), np.float32)
        file.write((rows + 1).tolist(), centres[families[rows]] + 0.3 * noise, np.full(len(rows), 9, np.int32))


def _acts(db: Database, path: Path) -> dict[str, Any]:
    me = diary_access.person(annotators.get_or_create_id(db, "나"))
    counts = groups.count_open(db, path, me).counts
    label_id = next(iter(counts))
    looked = [_timed(partial(groups.suggest, db, path, me, "similar", each)) for each in counts for _ in range(3)]
    counted = [_timed(partial(groups.count_open, db, path, me)) for _ in range(5)]
    result: dict[str, Any] = {"count_open": _spread(counted), "suggest": _spread(looked)}
    open_ids = iter(range(1, 10**9))
    for size in (20, 200):
        labelled, undone = [], []
        for number in range(10):
            token, ids = f"bench-{size}-{number:04}", [next(open_ids) for _ in range(size)]
            press = partial(group_acts.label, db, me, ids, label_id, token=token, kind="similar")
            labelled.append(_timed(press))
            undone.append(_timed(partial(group_acts.undo, db, me, token)))
        result |= {f"label_{size}": _spread(labelled), f"undo_{size}": _spread(undone)}
    singles = [NewDecision(next(open_ids), me.annotator_id, "label", f"one-{n:06}", label_id) for n in range(50)]
    owner = diary_access.owner(me.annotator_id)
    result["single"] = _spread([_timed(partial(labelling_decisions.decide, db, new, by=owner)) for new in singles])
    return result


def _timed(act: Callable[[], object]) -> tuple[float, float]:
    start, cpu = time.perf_counter(), time.process_time()
    act()
    return 1000 * (time.perf_counter() - start), 1000 * (time.process_time() - cpu)


def _spread(times: list[tuple[float, float]]) -> dict[str, float]:
    """Return percentiles of the time that acts take, and of the processor's, in milliseconds."""
    p50, p95 = np.percentile(times, [50, 95], axis=0).round(1)
    return {"p50": float(p50[0]), "p95": float(p95[0]), "p50_cpu": float(p50[1]), "p95_cpu": float(p95[1])}


if __name__ == "__main__":
    main()

"""A round: train, evaluate, rank. One durable workflow of five steps.

DBOS keeps the result of each finished step, so that a killed worker goes on after the last one. A step that
was cut off runs again: each keeps what it makes in one transaction and looks first whether it is there.
"""

from __future__ import annotations

import logging
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from annotator import ordering
from annotator.errors import EXPLAINED, UserError, where
from db import decisions, diaries, labels, models, queue, rounds
from db.connection import write
from learner import classifier as classifiers
from learner import metrics

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from annotator.worker.workbench import Serving, Workbench
    from db import Database
    from db.decisions import LabelledDiaries

    Step = Callable[[Workbench, Database, int], "Result"]


logger = logging.getLogger(__name__)

Result = dict[str, Any]
"""What a step says when it is done: JSON; ``ended`` when no further step shall run."""


@dataclass(frozen=True, slots=True)
class Examples:
    """Labelled diaries as the learner wants them: one row a diary.

    Attributes:
        diary_ids: (n,) ascending.
        columns: (n,) label columns; the newest decision counts where several people decided.
        decision_ids: (n,) the decisions that say so.
    """

    diary_ids: NDArray[np.int64]
    columns: NDArray[np.int64]
    decision_ids: NDArray[np.int64]


def examples_of(labelled: LabelledDiaries, label_ids: tuple[int, ...]) -> Examples:
    """Return one example a diary, leaving out labels that are not among the columns."""
    order = np.lexsort((labelled.decision_ids, labelled.diary_ids))
    ids, label, decision = (a[order] for a in (labelled.diary_ids, labelled.label_ids, labelled.decision_ids))
    newest = np.append(ids[1:] != ids[:-1], True) if len(ids) else np.zeros(0, np.bool_)
    column_of = {label_id: column for column, label_id in enumerate(label_ids)}
    columns = np.array([column_of.get(int(i), -1) for i in label], np.int64)
    kept = newest & (columns >= 0)
    return Examples(ids[kept], columns[kept], decision[kept])


def run(step: Callable[[str], Result]) -> None:
    """Run a round to its end, whatever the end is.

    Args:
        step: runs one step of `STEPS` by name, with `run_step`, and keeps its result.
    """
    for name in STEPS:
        if step(name).get("ended"):
            return


def run_step(bench: Workbench, round_id: int, name: str) -> Result:
    """Run one step, unless the round has ended or somebody asked it to stop.

    What goes wrong ends the round, and the model that served before goes on serving. Nothing is raised: a
    result is kept between steps, and the text of an exception may quote a diary.
    """
    db = bench.open()
    try:
        if name == "gather":
            _begin(db, round_id)
        if rounds.advance(db, round_id, step=name, progress=list(STEPS).index(name) / len(STEPS)):
            return STEPS[name](bench, db, round_id)
        rounds.end(db, round_id, status="cancelled")
    except EXPLAINED as problem:
        rounds.end(db, round_id, status="failed", error={"code": problem.code, "details": problem.details})
    except Exception as problem:
        logger.error("A round's step %s failed: %s", name, where(problem))
        code = "memory_full" if isinstance(problem, MemoryError) else "fault"
        rounds.end(db, round_id, status="failed", error={"code": code, "details": {"kind": type(problem).__name__}})
    finally:
        db.close()
    return {"ended": True}


def _begin(db: Database, round_id: int) -> None:
    rounds.begin(
        db,
        round_id,
        last_decision_id=decisions.last_decision_id(db),
        previous_model_id=models.find_active_id(db),
    )


def _gather(bench: Workbench, db: Database, round_id: int) -> Result:
    """Look at what there is to learn from, and make sure that all of it has vectors."""
    training, test = _examples(bench, db, round_id)
    if len(np.unique(training.columns)) < 2:
        raise UserError("labels_of_one_kind", count=len(training.columns))
    bench.encode_missing(db, training.diary_ids, urgent=True)
    bench.encode_missing(db, test.diary_ids, urgent=True)
    return {"train": len(training.columns), "test": len(test.columns)}


def _examples(bench: Workbench, db: Database, round_id: int) -> tuple[Examples, Examples]:
    up_to = rounds.get_round(db, round_id).last_decision_id
    label_ids = _label_ids(db)
    training = decisions.list_labelled(db, part="pool", up_to=up_to)
    test = decisions.list_labelled(db, part="test", up_to=up_to)
    return examples_of(training, label_ids), examples_of(test, label_ids)


def _label_ids(db: Database) -> tuple[int, ...]:
    return tuple(label.id for label in labels.list_labels(db))


def _fit(bench: Workbench, db: Database, round_id: int) -> Result:
    """Train the head and keep it as a new version, unless this round has done so already."""
    this = rounds.get_round(db, round_id)
    if this.model_id is not None:
        return {"model_id": this.model_id}
    training, _ = _examples(bench, db, round_id)
    encoder, label_ids = bench.encoder(db), _label_ids(db)
    file = bench.vector_file(db)
    ids = diaries.list_ids(db)
    mean = _mean(bench, db, ids[file.has(ids)])
    space = bench.text_space(db)
    text_features = bench.text_features(db, space[0], training.diary_ids) if space else None
    features = classifiers.join_features(file.read(training.diary_ids), text_features, mean=mean)
    settings = bench.settings(db)
    trained = classifiers.train(
        features,
        training.columns,
        k=len(label_ids),
        mean=mean,
        text_space=space[0] if space else "",
        seed=int(settings.seed[:8], 16),
    )
    checked = metrics.evaluate(trained.out_of_fold, training.columns)
    model = models.NewModel(
        tier="instant",
        encoder=encoder.name,
        encoder_hash=encoder.hash,
        label_ids=label_ids,
        weights=trained.classifier.to_bytes(),
        settings={"strength": classifiers.STRENGTH, "text_share": classifiers.TEXT_SHARE, "seed": settings.seed[:8]},
        training_decisions=tuple(training.decision_ids.tolist()),
        metrics={"out_of_fold": asdict(checked)},
    )
    with write(db):
        model_id = models.add_model(db, model)
        rounds.set_model(db, round_id, model_id)
    return {"model_id": model_id}


def _mean(bench: Workbench, db: Database, ids: NDArray[np.int64]) -> NDArray[np.float32]:
    """Return the mean vector of the pool, over 20,000 evenly spread diaries of a longer one."""
    spread = ids[:: max(1, len(ids) // 20_000)]
    return np.asarray(bench.vector_file(db).read(spread).mean(axis=0), np.float32)


def _evaluate(bench: Workbench, db: Database, round_id: int) -> Result:
    """Measure the old and the new version on the same decided test diaries."""
    this = rounds.get_round(db, round_id)
    _, test = _examples(bench, db, round_id)
    new = bench.load_classifier(db, models.get_model(db, _made(this)))
    after = _proba(bench, db, new, test.diary_ids)
    report: Result = {"after": asdict(metrics.evaluate(after, test.columns))}
    old = _comparable(bench, db, this.previous_model_id, new)
    if old is not None:
        before = _proba(bench, db, old, test.diary_ids)
        report["before"] = asdict(metrics.evaluate(before, test.columns))
        report["p"] = metrics.mcnemar(before.argmax(1) == test.columns, after.argmax(1) == test.columns)
    with write(db):
        models.store_metrics(db, new.model.id, {**new.model.metrics, "test": report["after"]})
        rounds.store_report(db, round_id, {**_learned_from(bench, db, this), **report})
    return {}


def _learned_from(bench: Workbench, db: Database, this: rounds.Round) -> Result:
    """Say how many labels the round learned from, and how many of them the version before did not know."""
    training, _ = _examples(bench, db, this.id)
    known: set[int] = set()
    if this.previous_model_id is not None:
        known.update(models.get_model(db, this.previous_model_id).training_decisions)
    new = sum(int(i) not in known for i in training.decision_ids)
    out_of_fold = models.get_model(db, _made(this)).metrics["out_of_fold"]
    return {"train": len(training.columns), "new": new, "out_of_fold": out_of_fold}


def _made(this: rounds.Round) -> int:
    if this.model_id is None:
        raise UserError("round_without_model", number=this.number)
    return this.model_id


def _comparable(bench: Workbench, db: Database, model_id: int | None, new: Serving) -> Serving | None:
    """Return the old version if it reads the same vectors and knows the same labels."""
    if model_id is None:
        return None
    old = models.get_model(db, model_id)
    if old.encoder_hash != new.model.encoder_hash or old.label_ids != new.model.label_ids:
        return None
    return bench.load_classifier(db, old)


def _proba(bench: Workbench, db: Database, serving: Serving, ids: NDArray[np.int64]) -> NDArray[np.float32]:
    if not len(ids):
        return np.zeros((0, len(serving.model.label_ids)), np.float32)
    return serving.classifier.proba(bench.features(db, serving, ids))


def _rank(bench: Workbench, db: Database, round_id: int) -> Result:
    """Predict every diary that has a vector and keep the predictions; nothing is shown yet."""
    new = bench.load_classifier(db, models.get_model(db, _made(rounds.get_round(db, round_id))))
    ids = diaries.list_ids(db)
    ids = ids[bench.vector_file(db).has(ids)]
    proba = np.full((diaries.last_diary_id(db), len(new.model.label_ids)), np.nan, np.float32)
    for at in range(0, len(ids), 50_000):
        part = ids[at : at + 50_000]
        proba[part - 1] = _proba(bench, db, new, part)
    models.store_predictions(db, new.model.id, proba)
    return {"predicted": len(ids)}


def _promote(bench: Workbench, db: Database, round_id: int) -> Result:
    """Put the new version and its queue in force and end the round, all at once."""
    this = rounds.get_round(db, round_id)
    model = models.get_model(db, _made(this))
    settings = bench.settings(db)
    promoted = not _is_worse(this.report)
    before = queue.head(db, 100)
    with write(db):
        if promoted:
            entries = ordering.rank_pool(
                db,
                model,
                models.load_predictions(db, model),
                strategy=settings.strategy,
                seed=int(settings.seed[:8], 16) + this.number,
                test_share=settings.test_share,
            )
            models.activate(db, model.id, reason=f"round {this.number}")
            queue.replace_queue(db, entries, model_id=model.id)
        new_in_head = len(set(queue.head(db, 100)) - set(before))
        models.drop_predictions(db, keep=[i for i in (models.find_active_id(db),) if i is not None])
        report = {**this.report, "promoted": promoted, "strategy": settings.strategy, "new_in_head": new_in_head}
        rounds.end(db, round_id, status="done", report=report)
    return {"ended": True}


def _is_worse(report: Result) -> bool:
    """Say whether the new version is worse on the test diaries by more than chance would explain."""
    if "before" not in report:
        return False
    lower = report["after"]["accuracy"] < report["before"]["accuracy"]
    return bool(lower and report["p"] < 0.05)


STEPS: dict[str, Step] = {
    "gather": _gather,
    "fit": _fit,
    "evaluate": _evaluate,
    "rank": _rank,
    "promote": _promote,
}
"""The steps of a round, in order."""

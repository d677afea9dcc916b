"""Which form of the encoder reads the pool: what is fastest on this machine, and answers like the exact one.

Float32, bfloat16 and int8 are measured on the project's own texts when many of them wait, once for each machine. A form
is compared with the exact vectors before it reads, and again after each round, by the head that serves then.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from annotator.serving import encoder_cache
from annotator.training.precision import FEWEST_TO_MEASURE
from annotator.worker.tasks.explanations import let_people_pass
from annotator.worker.tasks.progress import Progress, forgotten_ids
from annotator.worker.tasks.zero_shot_model import make_zero_label_model
from db.models import facts, models
from db.texts import diaries
from learner.encoders.encoder import list_turns
from learner.encoders.precision import (
    EXACT,
    PRECISIONS,
    Agreement,
    agreement,
    digest_of,
    machine,
    speeds,
    split_name,
)
from learner.errors import EncoderError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from annotator.serving.runtime import Serving
    from annotator.worker.runtime import WorkerRuntime
    from db import Database
    from learner.encoders.precision import Precision

    FloatArray = NDArray[np.float32]
    IntArray = NDArray[np.int64]

COMPARED = 500
"""Diaries on which a form is compared with the exact encoder."""

_GAIN = 1.1
"""How many times as fast as float32 a form must be: below that it is not worth a rounding."""

_ENOUGH = 1.5
"""How many times as fast as float32 a form is that needs no rival if it answers the same: only a processor with units
for bfloat16 reads it so fast, and int8, which takes ten seconds to make, was never faster on one."""

_TAKEN_LATER = 0.995
"""Share of the same answers from which a form is taken after a round that was not taken before.

With the share that the first look asks for, chance would change the form from one round to the next, and each time the
whole pool would be encoded anew.
"""

_SECONDS = 0.5
"""Of reading by which a form's speed is measured."""

_MIX = 2_654_435_761


def choose_precision(runtime: WorkerRuntime, db: Database) -> Progress | None:
    """Measure the forms of the encoder once many diaries wait, or the machine is another; the next round reads so.

    Where no round has been yet, the model that needs no label is made anew at once.
    """
    if runtime.settings(db).precision != "auto" or runtime.marks.precision_measured:
        return None
    measured = facts.measured_precision(db)
    serving = runtime.serving(db)
    if measured.get("machine") == machine():
        runtime.marks.precision_measured = True
        return None
    if serving is None or _count_waiting(runtime, db) < FEWEST_TO_MEASURE:
        return None
    _measure(runtime, db, serving)
    runtime.marks.precision_measured = True
    now = encoder_cache.in_force(db)
    if serving.model.tier == "zero" and now.precision != encoder_cache.next_precision(db):
        make_zero_label_model(runtime, db, _sample(runtime, db), encoder_cache.of_next_round(db))
    return Progress("precision", 1, 1)


def check_precision(runtime: WorkerRuntime, db: Database) -> Progress | None:
    """Compare the forms with the exact encoder by the head that serves, once for each version.

    One that answers otherwise is given up at the next round, one that does not any more may be taken.
    """
    model, measured = models.find_active(db), facts.measured_precision(db)
    if model is None or measured.get("checked_version") == model.version:
        return None
    rates, reads = measured.get("speeds", {}), split_name(model.encoder)[1]
    forms = [each for each in PRECISIONS if each != EXACT and (each == reads or _is_faster(rates, each))]
    serving = runtime.serving(db) if forms else None
    if serving is None:
        return None
    sample = _sample(runtime, db)
    agreements: dict[Precision, dict[str, Any]] = {}
    for each in forms:
        with suppress(EncoderError):  # one that can't be made of a tuned encoder
            agreements[each] = asdict(_compare(runtime, db, serving, each, sample))
    facts.store_measured_precision(
        db, checked_version=model.version, agreement=agreements, chosen=_choose(rates, agreements, reads=reads)
    )
    return Progress("precision", 1, 1)


def _count_waiting(runtime: WorkerRuntime, db: Database) -> int:
    last = diaries.last_diary_id(db)
    return last - int(runtime.vector_file(db).present(last).sum()) - len(forgotten_ids(runtime.marks, db))


def _sample(runtime: WorkerRuntime, db: Database) -> IntArray:
    """Return some diaries, nearly the same at each call however many are added."""
    ids = np.setdiff1d(np.arange(1, diaries.last_diary_id(db) + 1), forgotten_ids(runtime.marks, db))
    order = np.argsort(ids * _MIX % 2**32, kind="stable")
    return diaries.keep_known(db, np.sort(ids[order[:COMPARED]]))


def _measure(runtime: WorkerRuntime, db: Database, serving: Serving) -> None:
    """Measure how fast the forms are, compare those that are faster with the exact one, and keep which is chosen."""
    sample = _sample(runtime, db)
    texts = diaries.list_texts(db, sample)
    rates: dict[Precision, float] = {}
    agreements: dict[Precision, dict[str, Any]] = {}
    for precision in PRECISIONS:
        if precision == EXACT:
            continue
        with suppress(EncoderError):  # one that can't be made of this encoder
            rates |= _rates(runtime, db, precision, texts, known=rates)
        if _is_faster(rates, precision):
            compared = _compare(runtime, db, serving, precision, sample)
            agreements[precision] = asdict(compared)
            if compared.is_near and rates[precision] >= _ENOUGH * rates[EXACT]:
                break
    facts.store_measured_precision(
        db, machine=machine(), speeds=rates, agreement=agreements, chosen=_choose(rates, agreements)
    )


def _rates(
    runtime: WorkerRuntime,
    db: Database,
    precision: Precision,
    texts: Sequence[str],
    *,
    known: dict[Precision, float],
) -> dict[Precision, float]:
    """Return how many texts a second the exact encoder and a form read, measured in turns.

    Args:
        known: what was measured before; its rate of the exact encoder stands, so that all forms are compared with one.
    """
    spec = encoder_cache.in_force(db)
    forms = {each: runtime.load_encoder(db, replace(spec, precision=each)) for each in (EXACT, precision)}
    let_people_pass(runtime, db)
    with runtime.encoding():
        measured = speeds(forms, texts, seconds=_SECONDS)
    exact = known.get(EXACT, round(measured[EXACT], 1))
    return {EXACT: exact, precision: round(exact * measured[precision] / measured[EXACT], 1)}


def _is_faster(rates: dict[Precision, float], precision: Precision) -> bool:
    return precision in rates and rates[precision] >= _GAIN * rates[EXACT]


def _choose(
    rates: dict[Precision, float], agreements: dict[Precision, dict[str, Any]], *, reads: Precision | None = None
) -> Precision:
    """Return the fastest form of those that were compared and are near.

    Args:
        reads: the form that reads now; another one has to agree more closely. None at the first look.
    """
    near = []
    for each, figures in agreements.items():
        least = 0.0 if reads in (None, each) else _TAKEN_LATER
        if _is_faster(rates, each) and Agreement(**figures).is_near and figures["same_answers"] >= least:
            near.append(each)
    return max(near, key=lambda each: rates[each], default=EXACT)


def _compare(
    runtime: WorkerRuntime, db: Database, serving: Serving, precision: Precision, diary_ids: IntArray
) -> Agreement:
    """Compare a form with the exact encoder on diaries, by what the serving version's head answers."""
    exact = runtime.exact_encoder(db, serving)
    spec = encoder_cache.in_force(db)
    vectors: list[FloatArray] = []
    answers: list[IntArray] = []
    for each in (EXACT, precision):
        file = runtime.vectors_by_hash(digest_of(exact.hash, each), exact.width)
        missing = diary_ids[~file.has(diary_ids)]
        for places in list_turns(diaries.list_texts(db, missing)):
            let_people_pass(runtime, db)
            encoder = runtime.load_encoder(db, replace(spec, precision=each))
            runtime.encode_missing(db, missing[places], encoder=encoder)
        read = file.read(diary_ids)
        vectors.append(read)
        answers.append(serving.classifier.proba(runtime.features_by(db, serving, diary_ids, read)).argmax(axis=1))
    return agreement(vectors[0], vectors[1], answers[0], answers[1])

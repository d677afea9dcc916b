"""What a round learns from and is measured on, so that no near-copy and no writer is on both sides.

Parts keep writers and copied texts apart when diaries come in. Near-copies that were decided before anybody could tell
are left out of training here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from annotator import project
from annotator import settings as project_settings
from annotator.importing.parts import writer_of
from annotator.serving.encoder_cache import EncoderSpec
from annotator.training.examples import TrainingSet, examples_of, shares_of, votes_of
from db.answers import training_data
from db.forgetting.letters import letters_of
from db.texts import diaries
from learner.classification import groups
from learner.encoders.precision import PRECISIONS, digest_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from annotator.serving.runtime import ModelRuntime
    from db import Database
    from db.answers.training_data import LabelledDiaries
    from db.models.models import Model
    from learner.encoders.vector_store import VectorFile

    IntArray = NDArray[np.int64]

By = Literal["writers", "texts", "none"]

_LARGEST = {"writers": 0.5, "texts": 0.2}
"""Share of the examples in one group above which no folds are made of such groups; near-copies must fit into a fold."""

_MOST_LEFT_OUT = 0.5
"""Share of the labelled diaries above which near-copies train all the same.

Then these are texts of one pattern rather than copies, and so are those to come; or the encoder can't tell texts apart.
"""


@dataclass(frozen=True, slots=True)
class Gathered:
    """The examples of a round.

    Attributes:
        labelled: the decisions behind `training`.
        copies: ids of labelled pool diaries that are near-copies of a diary in `test`, ascending.
        is_patterned: whether there are so many that they train all the same.
    """

    labelled: LabelledDiaries
    training: TrainingSet
    test: TrainingSet
    copies: IntArray
    is_patterned: bool

    @property
    def left_out_count(self) -> int:
        """How many labelled diaries do not train because they are near-copies of a test diary."""
        return 0 if self.is_patterned else len(self.copies)


def gather(
    runtime: ModelRuntime,
    db: Database,
    label_ids: tuple[int, ...],
    *,
    up_to: int | None,
    measured: Model | None = None,
) -> Gathered:
    """Return what there is to learn from, and to measure on, right before the decision after `up_to`.

    Args:
        measured: the version that is measured, where it is there already; what it has learned measures nothing.
    """
    pool = training_data.list_labelled(db, part="pool", up_to=up_to)
    tested = training_data.list_labelled(db, part="test", up_to=up_to)
    test = votes_of(tested if measured is None else unlearned(tested, measured), label_ids)
    copies = _copies(_compared_by(runtime, db), np.unique(pool.diary_ids), test.diary_ids)
    apart = pool.without(copies)
    kept_count, whole_count = (len(np.unique(part.diary_ids)) for part in (apart, pool))
    is_patterned = kept_count < (1 - _MOST_LEFT_OUT) * whole_count
    labelled = pool if is_patterned else apart
    return Gathered(labelled, examples_of(labelled, label_ids), test, copies, is_patterned)


def unlearned(labelled: LabelledDiaries, model: Model) -> LabelledDiaries:
    """Return the decisions on diaries that a version has not learned from, as it may have before a redraw."""
    return labelled.without(labelled.diary_ids[np.isin(labelled.decision_ids, model.training_decisions)])


def _compared_by(runtime: ModelRuntime, db: Database) -> VectorFile:
    """Return the vectors of the plain encoder, in the form that has read most diaries.

    A tuned one puts all texts of a label close together.
    """
    exact = runtime.load_encoder(db, EncoderSpec(project_settings.load(db).encoder))
    last, folder = diaries.last_diary_id(db), project.vectors_folder(runtime.database)
    digests = (digest_of(exact.hash, each) for each in PRECISIONS)
    files = [runtime.vectors_by_hash(each, exact.width) for each in digests if (folder / each).exists()]
    counts = [int(file.present(last).sum()) for file in files]
    return files[int(np.argmax(counts))] if files else runtime.vector_file(db, exact)


def _copies(file: VectorFile, diary_ids: IntArray, test_ids: IntArray) -> IntArray:
    known, measured = diary_ids[file.has(diary_ids)], test_ids[file.has(test_ids)]
    if not len(known) or not len(measured):
        return known[:0]
    return known[groups.is_near_copy(file.read(known), file.read(measured))]


@dataclass(frozen=True, slots=True)
class Groups:
    """Examples that stay in one fold.

    Attributes:
        numbers: (n,) equal for examples that stay together.
        by: what makes a group: writers and near-copies, near-copies alone, or nothing, where one group would be too
            large to be a fold.
    """

    numbers: IntArray
    by: By


def groups_of(
    runtime: ModelRuntime,
    db: Database,
    diary_ids: IntArray,
    *,
    by: By | None = None,
    act_ids: IntArray | None = None,
) -> Groups:
    """Return the groups of labelled diaries.

    Args:
        by: ``texts`` leaves writers out of account; by default they count where the project is split by them.
        act_ids: (n,) the press that labelled an example as one of many, 0 for none: these stay together, and count
            as one example when it is asked whether a group is too large.
    """
    acts = np.zeros(len(diary_ids), np.int64) if act_ids is None else act_ids
    by_act, counted = [int(act) or None for act in acts], shares_of(acts)
    vectors = _vectors(_compared_by(runtime, db), diary_ids)
    letters = [letters_of(text) or text for text in diaries.list_texts(db, diary_ids)]
    if by is None and project_settings.load(db).writer_cut:
        writers = [writer_of(author) or None for author in diaries.list_authors_of(db, diary_ids)]
        by_writers = groups.join(vectors, letters, writers, by_act)
        if _is_dealable(by_writers, "writers", counted):
            return Groups(by_writers, "writers")
    by_texts = groups.join(vectors, letters, by_act)
    if _is_dealable(by_texts, "texts", counted):
        return Groups(by_texts, "texts")
    return Groups(_by_act_alone(acts), "none")


def _vectors(file: VectorFile, diary_ids: IntArray) -> NDArray[np.float32]:
    """Return vectors of diaries; zeros, which are near nothing, where there is none."""
    vectors = np.zeros((len(diary_ids), file.width), np.float32)
    has = file.has(diary_ids)
    vectors[has] = file.read(diary_ids[has])
    return vectors


def _is_dealable(numbers: IntArray, by: By, counted: NDArray[np.float64]) -> bool:
    return bool(np.bincount(numbers, weights=counted).max(initial=0) <= max(1 + 1e-6, _LARGEST[by] * counted.sum()))


def _by_act_alone(acts: IntArray) -> IntArray:
    """Return each example as a group of its own, but for those that one press has labelled."""
    numbers = np.arange(len(acts))
    _, firsts, places = np.unique(acts, return_index=True, return_inverse=True)
    return np.where(acts > 0, firsts[places], numbers)

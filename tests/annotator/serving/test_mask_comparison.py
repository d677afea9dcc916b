"""Which way of removing words explains better is measured on the project's own diaries."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from annotator import project
from annotator import settings as project_settings
from annotator.errors import UserError
from annotator.serving import explaining, mask_comparison
from annotator.worker import tasks
from annotator.worker.runtime import WorkerRuntime
from db.models import explanation_cache, explanations, models
from learner.encoders.encoder import default_cache
from learner.text import units
from tests.annotator.worker.round.test_encoder_tuning import CHARACTERS
from tests.conftest import fill
from tests.learner.tiny import write_tiny_encoder

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from db import Database

pytestmark = pytest.mark.slow

MASK = "<mask>"


@pytest.fixture(scope="module", params=[None, MASK])
def checkpoint(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str | None, Path]:
    folder = tmp_path_factory.mktemp("tiny") / "tiny"
    return request.param, write_tiny_encoder(folder, CHARACTERS, mask=request.param)


@pytest.fixture
def opened(checkpoint: tuple[str | None, Path], tmp_path: Path) -> Iterator[Database]:
    path = tmp_path / "project.db"
    project.init(path, seed="00" * 16, encoder=str(checkpoint[1]))
    with closing(project.open_project(path)) as db:
        yield db


@pytest.fixture
def runtime(opened: Database, tmp_path: Path) -> Iterator[WorkerRuntime]:
    fill(opened, 40, labelled=True)
    made = WorkerRuntime(tmp_path / "project.db", cache=default_cache())
    while (piece := tasks.next_piece(made, opened)) is not None and piece.step != "explain":
        pass
    yield made
    made.close()


def test_the_mask_token_stands_for_words_where_there_is_one() -> None:
    text = "눈물이  나서\n집에 있었다"
    spans = units.eojeol(text)
    assert units.without(text, spans, [False, True, False, True], MASK) == f"{MASK}  나서\n{MASK} 있었다"


def test_the_better_way_becomes_the_setting(
    runtime: WorkerRuntime, opened: Database, tmp_path: Path, checkpoint: tuple[str | None, Path]
) -> None:
    comparison = mask_comparison.choose(opened, tmp_path / "project.db", count=6)
    assert comparison.diaries == 6
    assert (comparison.mask is None) == (checkpoint[0] is None)
    better = comparison.mask is not None and comparison.mask > comparison.delete
    assert comparison.chosen == project_settings.load(opened).removal == ("mask" if better else "delete")


def test_each_way_keeps_what_it_knows_apart(
    runtime: WorkerRuntime, opened: Database, checkpoint: tuple[str | None, Path]
) -> None:
    active = models.find_active(opened)
    assert active is not None
    serving = runtime.load_classifier(opened, active)
    explaining.explain_diary(runtime, opened, serving, 1)
    project_settings.change(opened, removal="mask")
    explaining.explain_diary(runtime, opened, serving, 1)
    made_with = [explaining._made_with(serving, "eojeol", replacement, "fast") for replacement in ("", MASK)]
    kept = [explanation_cache.find(opened, 1, identity) for identity in made_with]
    assert kept[0 if checkpoint[0] is None else 1] is not None
    assert kept[0] != kept[1]


def test_a_change_of_method_computes_explanations_again(
    runtime: WorkerRuntime, opened: Database, checkpoint: tuple[str | None, Path]
) -> None:
    active = models.find_active(opened)
    assert active is not None
    serving = runtime.load_classifier(opened, active)
    explaining.explain_diary(runtime, opened, serving, 1)
    fast = explanations.find_explanation(opened, 1, active.id, "eojeol")
    project_settings.change(opened, explanation_method="lime")
    assert explanations.find_explanation(opened, 1, active.id, "eojeol") is None
    explaining.explain_diary(runtime, opened, serving, 1)
    lime = explanations.find_explanation(opened, 1, active.id, "eojeol")
    assert fast is not None
    assert lime is not None
    assert lime.spans == fast.spans
    assert (lime.weights != fast.weights).any(), "LIME's own draws weigh a little differently"


def test_without_a_model_or_diaries_nothing_is_compared(opened: Database, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no_model_yet"):
        mask_comparison.choose(opened, tmp_path / "project.db")

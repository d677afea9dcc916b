"""Which form of the encoder reads the pool: measured once a machine, compared, explained exactly, and given up."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import numpy as np
import pytest

from annotator import project
from annotator import settings as project_settings
from annotator.serving import encoder_cache, explaining
from annotator.training import rounds as round_cases
from annotator.worker.round import gathering
from annotator.worker.round import steps as round_job
from annotator.worker.runtime import WorkerRuntime
from annotator.worker.tasks import precision
from db.models import explanations, facts, models, predictions
from learner.encoders.encoder import default_cache
from learner.encoders.precision import machine, split_name
from tests.annotator.worker.conftest import catch_up, keep_up
from tests.conftest import copy_project, fill

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from db import Database
    from learner.encoders.precision import Precision

pytestmark = pytest.mark.slow

_LEAST_SAME = 0.7


@pytest.fixture(scope="module")
def filled(tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project that reads with a tiny encoder: 40 labelled diaries and 120 others."""
    path = tmp_path_factory.mktemp("filled") / "project.db"
    project.init(path, seed="00" * 16, encoder=str(tiny))
    with closing(project.open_project(path)) as db:
        fill(db, 40, labelled=True)
        fill(db, 120)
    return path


@pytest.fixture(scope="module")
def measured_once(filled: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """That project after a worker has measured the forms and read the pool with the best."""
    path = copy_project(filled, tmp_path_factory.mktemp("measured"))
    with pytest.MonkeyPatch.context() as patch:
        _measure_soon(patch)
        catch_up(path)
    return path


@pytest.fixture
def opened(filled: Path, tmp_path: Path) -> Iterator[Database]:
    with closing(project.open_project(copy_project(filled, tmp_path))) as db:
        yield db


@pytest.fixture
def measured(measured_once: Path, tmp_path: Path) -> Iterator[Database]:
    with closing(project.open_project(copy_project(measured_once, tmp_path))) as db:
        yield db


@pytest.fixture
def runtime(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[WorkerRuntime]:
    """A worker of `opened` or `measured`, as `_measure_soon` has it."""
    _measure_soon(monkeypatch)
    made = WorkerRuntime(tmp_path / "project.db", cache=default_cache())
    yield made
    made.close()


def _measure_soon(patch: pytest.MonkeyPatch) -> None:
    """Have workers measure at fifty waiting diaries, and take any form that mostly answers the same.

    To a tiny encoder many labels are nearly equal, so that any rounding changes an answer in ten.
    """
    patch.setattr(precision, "FEWEST_TO_MEASURE", 50)
    patch.setattr(precision, "COMPARED", 20)
    patch.setattr(precision, "_GAIN", 0.0)
    patch.setattr(precision, "_ENOUGH", np.inf)
    patch.setattr(precision, "_SECONDS", 0.05)
    patch.setattr("learner.encoders.precision.LEAST_SAME", _LEAST_SAME)


def _round(runtime: WorkerRuntime, db: Database) -> None:
    round_id = round_cases.request(db, annotator_id=None, tier="instant")
    round_job.run(lambda name: round_job.run_step(runtime, round_id, name))


def _form(db: Database) -> str:
    active = models.find_active(db)
    assert active is not None
    return split_name(active.encoder)[1]


def test_the_first_start_measures_and_reads_the_pool_with_the_best_form(
    runtime: WorkerRuntime, opened: Database
) -> None:
    steps = keep_up(runtime, opened)
    measured = facts.measured_precision(opened)
    assert steps.index("precision") < max(i for i, step in enumerate(steps) if step == "encode")
    assert measured["machine"] == machine()
    assert set(measured["speeds"]) == {"fp32", "bf16", "int8"}
    near = [form for form, figures in measured["agreement"].items() if figures["same_answers"] >= _LEAST_SAME]
    assert near, "a form of a tiny encoder answers the same"
    assert _form(opened) == measured["chosen"] == max(near, key=measured["speeds"].__getitem__)
    active = models.find_active(opened)
    assert active is not None
    assert not np.isnan(predictions.load_predictions(opened, active)).any(), "all is answered by one form"
    _round(runtime, opened)
    assert _form(opened) == measured["chosen"]
    assert "precision" in keep_up(runtime, opened), "compared again by the new head"
    assert facts.measured_precision(opened)["checked_version"] == models.find_active(opened).version  # type: ignore[union-attr]


def test_few_diaries_are_read_exactly_and_nothing_is_measured(
    runtime: WorkerRuntime, opened: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(precision, "FEWEST_TO_MEASURE", 1000)
    assert "precision" not in keep_up(runtime, opened)
    assert (_form(opened), facts.measured_precision(opened)) == ("fp32", {})


def test_a_form_without_gain_or_without_agreement_is_not_taken(
    runtime: WorkerRuntime, opened: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(precision, "_GAIN", 1e9)
    keep_up(runtime, opened)
    assert (_form(opened), facts.measured_precision(opened)["chosen"]) == ("fp32", "fp32")
    assert facts.measured_precision(opened)["agreement"] == {}


def test_no_rival_is_made_of_a_form_that_is_fast_enough_and_answers_the_same(
    runtime: WorkerRuntime, opened: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(precision, "_ENOUGH", 0.0)
    monkeypatch.setattr("learner.encoders.precision.LEAST_SAME", 0.0)
    keep_up(runtime, opened)
    measured = facts.measured_precision(opened)
    assert (set(measured["speeds"]), measured["chosen"], _form(opened)) == ({"fp32", "bf16"}, "bf16", "bf16")
    _round(runtime, opened)
    keep_up(runtime, opened)
    assert set(facts.measured_precision(opened)["agreement"]) == {"bf16"}, "nor after a round"


def test_another_machine_measures_again_and_the_same_does_not(runtime: WorkerRuntime, measured: Database) -> None:
    fill(measured, 200)
    again = WorkerRuntime(runtime.database, cache=runtime.cache)
    assert "precision" not in keep_up(again, measured)
    facts.store_measured_precision(measured, machine="another", chosen="fp32")
    fill(measured, 300)
    moved = WorkerRuntime(runtime.database, cache=runtime.cache)
    assert "precision" in keep_up(moved, measured)
    assert facts.measured_precision(measured)["machine"] == machine()
    for each in (again, moved):
        each.close()


def test_a_form_that_disagrees_after_a_round_is_given_up_at_the_next(
    runtime: WorkerRuntime, measured: Database
) -> None:
    _round(runtime, measured)
    assert _form(measured) != "fp32"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("learner.encoders.precision.LEAST_SAME", 1.1)
        keep_up(runtime, measured)
    assert encoder_cache.next_precision(measured) == "fp32"
    _round(runtime, measured)
    assert _form(measured) == "fp32"


@pytest.mark.parametrize(
    ("same", "before_any_round", "while_it_reads", "while_another_reads"),
    [(0.985, "fp32", "fp32", "fp32"), (0.992, "int8", "int8", "fp32"), (0.998, "int8", "int8", "int8")],
)
def test_a_form_near_the_limit_is_not_taken_and_given_up_in_turns(
    same: float, before_any_round: str, while_it_reads: str, while_another_reads: str
) -> None:
    rates: dict[Precision, float] = {"fp32": 50.0, "int8": 90.0}
    figures = {"n": 500, "mean_cosine": 0.9995, "least_cosine": 0.997, "same_answers": same}
    choices = [precision._choose(rates, {"int8": figures}, reads=reads) for reads in (None, "int8", "fp32")]
    assert choices == [before_any_round, while_it_reads, while_another_reads]


def test_going_back_is_one_setting(runtime: WorkerRuntime, measured: Database) -> None:
    project_settings.change(measured, precision="fp32")
    _round(runtime, measured)
    assert _form(measured) == "fp32"


@pytest.mark.parametrize("form", ["int8", "bf16"])
def test_an_explanation_speaks_of_the_answer_that_people_see(
    runtime: WorkerRuntime, opened: Database, form: str
) -> None:
    project_settings.change(opened, precision=form)
    keep_up(runtime, opened)
    _round(runtime, opened)
    keep_up(runtime, opened)
    assert _form(opened) == form
    serving = runtime.serving(opened)
    assert serving is not None
    unit = project_settings.load(opened).unit
    explained = 0
    for diary_id in range(1, 20):
        explaining.explain_diary(runtime, opened, serving, diary_id)
        explanation = explanations.find_explanation(opened, diary_id, serving.model.id, unit)
        shown = predictions.find_proba(opened, serving.model, diary_id)
        assert explanation is not None
        assert shown is not None
        if (check := explanation.deletion) is not None:
            assert check["label_index"] == int(shown.argmax())
            assert check["before"] == pytest.approx(float(shown.max()), abs=2e-4)
            explained += 1
    assert explained


def test_near_copies_are_told_by_the_vectors_that_most_diaries_have(runtime: WorkerRuntime, measured: Database) -> None:
    form = runtime.encoder(measured)
    assert split_name(form.name)[1] != "fp32"
    compared = gathering._compared_by(runtime, measured)
    assert int(compared.present(120).sum()) == 120
    everybody = np.arange(1, 121)
    np.testing.assert_array_equal(compared.read(everybody), runtime.vector_file(measured, form).read(everybody))

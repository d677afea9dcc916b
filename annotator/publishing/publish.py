"""Publishing a model version: a folder of plain files that need nothing from this project, and its upload."""

from __future__ import annotations

import os
import re
import tempfile
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from annotator.errors import UserError
from annotator.publishing import model_card
from annotator.publishing.published import Format, Published
from annotator.serving import encoder_cache
from annotator.serving.runtime import ModelRuntime
from annotator.training.versions import get_version
from db.label_sets import labels
from db.texts import diaries
from learner.encoders.encoder import default_cache
from learner.encoders.precision import EXACT, split_name
from learner.publishing import tokenizer
from maeumgyeol import private_files

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from huggingface_hub import HfApi
    from numpy.typing import NDArray

    from annotator.serving.runtime import Serving
    from db import Database
    from db.label_sets.labels import Label
    from learner.encoders.encoder import Encoder

    FloatArray = NDArray[np.float32]


MOST_DIFFERENCE = 1e-4
"""Between a probability of the folder and the app's, above which nothing is written: something is wrong then.

Rounding makes up to about 1e-5. What bf16 and int8 answer depends on the texts asked beside, by up to some hundredths.
"""

_COMPARED = 32
"""Diaries on which a folder is compared with the app before it is handed out."""


def export(db: Database, path: Path, version: int, target: Path, *, form: Format) -> Published:
    """Write a version as a folder, which appears once it is complete and answers like the app.

    Args:
        path: of the database.
        target: a folder that is not there yet, or is empty.

    Raises:
        UserError: if the version, its encoder or its labels can't be used, the target is taken or can't be written, or
            the folder answers otherwise than the app.
        LearnerError: if the version can't be held by the format.
    """
    model = get_version(db, version)
    if target.exists() and not (target.is_dir() and not any(target.iterdir())):
        raise UserError("publish_target_taken", path=str(target))
    runtime = ModelRuntime(path, cache=default_cache())
    serving = runtime.load_classifier(db, model)
    choice = encoder_cache.choice_of(db, model)
    assert choice is not None, "it was loaded"
    # Of bfloat16 the weights are those of float32; int8 has a graph of its own.
    encoder = runtime.load_encoder(db, choice.exact if choice.precision == "bf16" else choice)
    label_of = {label.id: label for label in labels.list_all_labels(db)}
    columns = [label_of[label_id] for label_id in model.label_ids]
    if form == "transformers":
        # One linear layer has no place for the share of labels that it has not learned.
        serving = replace(serving, classifier=replace(serving.classifier, unlearned=None))
    try:
        private_files.make_folder(target.parent)
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=".writing-") as place:
            folder = Path(place) / "whole"
            private_files.make_folder(folder)
            _write(folder, encoder, serving, columns, form)
            published = _compared(db, runtime, serving, columns, Published(folder, version, form, 0, 0.0))
            card = model_card.write(db, model, columns, encoder, published)
            private_files.write_text(folder / "README.md", card)
            folder.replace(target)
    except OSError as error:
        raise UserError("folder_unwritable", path=str(target), reason=error.strerror or "") from error
    return Published(target, version, form, published.compared, published.difference)


def _write(folder: Path, encoder: Encoder, serving: Serving, columns: Sequence[Label], form: Format) -> None:
    names = [label.name for label in columns]
    if form == "transformers":
        from learner.publishing import transformers

        transformers.check(encoder, serving.classifier)
        transformers.write(encoder, serving.classifier, names, folder)
    else:
        from learner.publishing import example as published_example
        from learner.publishing import onnx

        about = {"labels": names, "version": serving.model.version}
        onnx.write(encoder, serving.classifier, serving.text_space, folder / "model.onnx", about=about)
        example = Path(published_example.__file__).read_text("utf-8")
        private_files.write_text(folder / "example.py", example)
    tokenizer.write(encoder, folder)


def _compared(
    db: Database, runtime: ModelRuntime, serving: Serving, columns: Sequence[Label], published: Published
) -> Published:
    """Compare the answers of the folder and the app to the same texts.

    Raises:
        UserError: ``published_disagrees``.
    """
    texts = diaries.sample_texts(db, limit=_COMPARED) or [label.name for label in columns]
    difference = float(np.abs(_answers(texts, published) - runtime.proba_of_texts(db, serving, texts)).max())
    if difference > MOST_DIFFERENCE and split_name(serving.model.encoder)[1] == EXACT:
        raise UserError("published_disagrees", version=published.version, difference=difference, most=MOST_DIFFERENCE)
    return Published(published.folder, published.version, published.format, len(texts), difference)


def _answers(texts: list[str], published: Published) -> FloatArray:
    if published.format == "transformers":
        from learner.publishing import transformers

        return transformers.predict(texts, published.folder)
    from learner.publishing import example as published_example

    parts = [published_example.predict(texts[at : at + 8], published.folder)[1] for at in range(0, len(texts), 8)]
    return np.concatenate(parts)


def push(db: Database, path: Path, version: int, repository: str, *, form: Format) -> str:
    """Write a version and upload it to a hub as a private repository; return its address.

    The token comes from ``HF_TOKEN``. Nothing is written or uploaded where the hub may not be asked.

    Args:
        repository: ``owner/name``; made if it is not there.

    Raises:
        UserError: as `export`, or ``hub_offline``, ``hub_token_missing``, ``hub_name_wrong``, ``hub_refused``,
            ``hub_public`` where the repository can be read by everybody.
    """
    import huggingface_hub

    get_version(db, version)
    _check_hub(repository)
    api = huggingface_hub.HfApi(token=os.environ["HF_TOKEN"], library_name="maeumgyeol")
    with _hub_errors(repository):
        # Asked first: to write a version takes longer than to hear that it can't go there.
        _check_private(api, repository)
    with tempfile.TemporaryDirectory() as place:
        published = export(db, path, version, Path(place) / "model", form=form)
        with _hub_errors(repository):
            address = api.create_repo(repository, private=True, exist_ok=True)
            _check_private(api, repository)
            api.upload_folder(repo_id=repository, folder_path=published.folder, commit_message=f"Version {version}")
    return str(address)


@contextmanager
def _hub_errors(repository: str) -> Iterator[None]:
    """Turn what the hub or the network answers into ``hub_refused``."""
    from huggingface_hub import errors

    try:
        yield
    # From the network, the hub's answer, or its checks of names.
    except (OSError, errors.HTTPError, errors.HFValidationError) as error:  # type: ignore[attr-defined]
        raise UserError("hub_refused", name=repository, kind=type(error).__name__) from error


def _check_private(api: HfApi, repository: str) -> None:
    """Check that a repository that is there is private; it stays as it was."""
    from huggingface_hub import errors

    try:
        if not api.repo_info(repository).private:
            raise UserError("hub_public", name=repository)
    except errors.RepositoryNotFoundError:
        return  # it is made as a private one


def _check_hub(repository: str) -> None:
    if not re.fullmatch(r"[\w.-]+/[\w.-]+", repository):
        raise UserError("hub_name_wrong", name=repository)
    if os.environ.get("HF_HUB_OFFLINE", "").upper() in ("1", "ON", "YES", "TRUE"):
        raise UserError("hub_offline", name=repository)
    if not os.environ.get("HF_TOKEN"):
        raise UserError("hub_token_missing", name=repository)

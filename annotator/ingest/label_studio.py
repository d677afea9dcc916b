"""The interface to Label Studio: its labelling interface, its predictions, and annotations that become decisions.

Source: HumanSignal/label-studio, ``ml/api_connector.py`` and ``webhooks/models.py`` of version 1.23.
"""

from __future__ import annotations

import hashlib
import json
import re
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

from annotator.accounts.annotators import MAX_NAME_CHARACTERS
from annotator.errors import UserError
from annotator.ingest import api
from annotator.ingest.api import Item
from annotator.training import rounds
from db.connection import write
from db.errors import DatabaseError
from db.label_sets import labels
from db.models import models
from db.models import rounds as stored_rounds
from db.people import accounts, annotators, api_tokens

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from annotator.accounts.api_tokens import Caller
    from db import Database

_MOST_CONFIG = 200_000
_EMAIL = re.compile(r"[^\s,]+@[^\s,]+")
EVENTS = frozenset(("ANNOTATION_CREATED", "ANNOTATION_UPDATED", "ANNOTATIONS_CREATED"))
TRAIN = "START_TRAINING"


@dataclass(frozen=True, slots=True)
class Interface:
    """The parts of a labelling interface that concern us.

    Attributes:
        from_name, to_name: of the choices and the text that they are about.
        column: key of the text in a task's data.
        choices: the name of a choice in results, by the name of our label.
    """

    from_name: str
    to_name: str
    column: str
    choices: dict[str, str]


def read_interface(db: Database, config: str) -> Interface:
    """Find the choices about a text whose values, or aliases, are labels of ours.

    Raises:
        UserError: ``label_studio_config`` if there are none.
    """
    root, label_names = _parsed(config), {label.name for label in labels.list_labels(db)}
    texts = {tag.get("name"): (tag.get("value") or "") for tag in root.iter("Text")}
    for control in root.iter("Choices"):
        about = control.get("toName")
        if about not in texts or not texts[about].startswith("$"):
            continue
        choices: dict[str, str] = {}
        for choice in control.iter("Choice"):
            called = choice.get("alias") or choice.get("value") or ""
            for name in (choice.get("value") or "", choice.get("alias") or ""):
                if (plain := unicodedata.normalize("NFC", name).strip()) in label_names:
                    choices.setdefault(plain, called)
        if choices:
            return Interface(control.get("name") or "", about or "", texts[about].removeprefix("$"), choices)
    raise UserError("label_studio_config", known=", ".join(sorted(label_names)))


def _parsed(config: str) -> ET.Element:
    if len(config) > _MOST_CONFIG or "<!" in re.sub(r"<!--.*?-->", "", config, flags=re.DOTALL):
        raise UserError("label_studio_config", known="<Choices>")
    try:
        return ET.fromstring(config)  # noqa: S314 - what declares entities was refused
    except (ET.ParseError, ValueError) as error:
        raise UserError("label_studio_config", known="<Choices>") from error


def model_version(db: Database) -> str:
    """Return the name of the serving model in Label Studio.

    Raises:
        UserError: ``no_model_yet``.
    """
    active = models.find_active(db)
    if active is None:
        raise UserError("no_model_yet")
    return f"maeumgyeol-{active.version}"


def text_of(task: Mapping[str, Any], interface: Interface) -> str | None:
    """Return the text of a task; None if it has none that can be read."""
    data = task.get("data")
    text = data.get(interface.column) if isinstance(data, dict) else None
    if not isinstance(text, str):
        return None
    try:
        api.check_texts([text])
    except UserError:
        return None
    return text


def result_of(prediction: Mapping[str, Any] | None, interface: Interface) -> list[dict[str, Any]]:
    """Return a prediction in Label Studio's form: the likeliest label that the interface offers, if there is one."""
    if prediction is None:
        return []
    offered = {name: p for name, p in prediction["proba"].items() if name in interface.choices}
    if not offered:
        return []
    name = max(offered, key=offered.__getitem__)
    value = {
        "from_name": interface.from_name,
        "to_name": interface.to_name,
        "type": "choices",
        "value": {"choices": [interface.choices[name]]},
        "score": offered[name],
    }
    version = f"maeumgyeol-{prediction['model_version']}"
    return [{"model_version": version, "score": offered[name], "result": [value]}]


def take(db: Database, caller: Caller, payload: Mapping[str, Any]) -> int:
    """Store the decisions that an event reports, each on its own; return how many are new.

    The text becomes a diary if it is not one yet. A repeated event changes nothing; a skipped task, a choice
    that is no label of ours, or a text that was forgotten here, is ignored.

    Raises:
        UserError: if the project's interface has no label of ours.
    """
    project = _dict(payload.get("project"))
    interface = read_interface(db, str(project.get("label_config") or ""))
    tasks = {str(task.get("id")): task for task in _dicts(payload.get("task"))}
    count = 0
    for annotation in _dicts(payload.get("annotation")):
        text = text_of(tasks.get(str(annotation.get("task")), {}), interface)
        name = _chosen(annotation, interface)
        if text is None or name is None:
            continue
        try:
            with write(db):
                diary_id = api.store(db, caller, [Item(text)])[0]["id"]
                token = _token(project, annotation, name)
                count += api.correct(db, caller, diary_id, name, annotator_id=_person(db, annotation), token=token)
        except DatabaseError as error:
            if error.code != "handed_forgotten":
                raise
    return count


def take_tasks(db: Database, caller: Caller, body: Mapping[str, Any]) -> int:
    """Store the tasks and annotations that come with a training request, as `take` stores events.

    Raises:
        UserError: as `take` does.
    """
    about = {"id": body.get("project"), "label_config": body.get("label_config")}
    count = 0
    for task in _dicts(body.get("annotations")):
        annotations = [{**annotation, "task": task.get("id")} for annotation in _dicts(task.get("annotations"))]
        count += take(db, caller, {"project": about, "task": task, "annotation": annotations})
    return count


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _dicts(value: Any) -> list[dict[str, Any]]:
    """Return one object or many as a list: single and bulk events differ in that alone."""
    return [each for each in (value if isinstance(value, list) else [value]) if isinstance(each, dict)]


def _chosen(annotation: Mapping[str, Any], interface: Interface) -> str | None:
    """Return the label that an annotation names first."""
    if annotation.get("was_cancelled"):
        return None
    called = {choice: name for name, choice in interface.choices.items()}
    for part in _dicts(annotation.get("result")):
        if part.get("from_name") == interface.from_name:
            values = _dict(part.get("value")).get("choices")
            for choice in values if isinstance(values, list) else []:
                if isinstance(choice, str) and choice in called:
                    return called[choice]
    return None


def _token(project: Mapping[str, Any], annotation: Mapping[str, Any], name: str) -> str:
    """Return a token that identifies an annotation in its current state."""
    where = [project.get("id"), project.get("created_at"), annotation.get("id"), annotation.get("updated_at"), name]
    return "ls-" + hashlib.sha256(json.dumps(where, default=str).encode()).hexdigest()[:32]


def _person(db: Database, annotation: Mapping[str, Any]) -> int:
    """Return the annotator of an annotation, who exists only through Label Studio.

    The sender of an event names its annotators freely, so none of them may pass for a person with an account, for an
    imported file or for another program.
    """
    who = annotation.get("completed_by")
    text = f"{_dict(who).get('email', '')} {annotation.get('created_username', '')}"
    email = _EMAIL.search(text)
    number = _dict(who).get("id") if isinstance(who, dict) else who
    name = _within(f"label-studio:{email[0].casefold() if email else number}")
    while _is_somebody_here(db, name):
        name = _within(name + "'")
    return annotators.get_or_create_id(db, name)


def _within(name: str) -> str:
    """Return a name in a length that can be stored; long names with the same beginning stay different."""
    plain = " ".join(unicodedata.normalize("NFC", name).split())
    if len(plain) <= MAX_NAME_CHARACTERS:
        return plain
    digest = hashlib.sha256(plain.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return f"{plain[: MAX_NAME_CHARACTERS - 9]}-{digest}"


def _is_somebody_here(db: Database, name: str) -> bool:
    if accounts.find_account_by_name(db, name) is not None or accounts.is_importer(db, name):
        return True
    return any(token.name == name for token in api_tokens.list_all(db))


def train(db: Database, caller: Caller) -> int:
    """Request a round and return its id, or that of the round that is open already.

    Raises:
        UserError: if fewer than two labels are in use.
    """
    try:
        return rounds.request(db, annotator_id=caller.annotator_id)
    except DatabaseError as error:
        current = rounds.find_open(db)
        if error.code != "round_open" or current is None:
            raise
        return current.id


def job_status(db: Database, job: str) -> str:
    """Return the status of a round in the terms of Label Studio's job queue."""
    statuses = {str(each.id): each.status for each in stored_rounds.list_rounds(db)}
    queue_words = {"requested": "queued", "running": "started", "done": "finished"}
    return queue_words.get(statuses.get(job, ""), "failed")


def task_texts(tasks: Sequence[Mapping[str, Any]], interface: Interface) -> list[str | None]:
    """Return the text of each task; None for one without."""
    return [text_of(task, interface) for task in tasks]

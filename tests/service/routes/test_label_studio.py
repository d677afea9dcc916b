"""Label Studio's protocol, with what version 1.23.2 sent: recorded by ``benchmarks/label_studio.py``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from annotator.accounts import accounts, api_tokens
from annotator.errors import UserError
from annotator.ingest import label_studio
from annotator.training import rounds
from db.answers import decisions
from db.texts import diaries
from tests.conftest import fill
from tests.service.conftest import Program

if TYPE_CHECKING:
    from fastapi.testclient import TestClient

    from db import Database

GOLDEN = Path(__file__).with_name("label_studio_1_23_2")
CONFIG = (
    '<View><Text name="diary" value="$text"/><Choices name="emotion" toName="diary">'
    '<Choice value="행복"/><Choice value="Sad" alias="슬픔"/><Choice value="Other"/></Choices></View>'
)


@pytest.fixture
def studio(client: TestClient, opened: Database) -> Program:
    return Program(client, api_tokens.add(opened, "studio", ["classify", "write"]))


def _golden(name: str) -> Any:
    return json.loads((GOLDEN / f"{name}.json").read_text("utf-8"))


def _event(text: str, choice: str, *, number: int = 1, **values: Any) -> dict[str, Any]:
    """Return an event with as little in it as is looked at."""
    result = [{"from_name": "emotion", "to_name": "diary", "type": "choices", "value": {"choices": [choice]}}]
    annotation = {"id": number, "task": 5, "result": result, "completed_by": 1, "updated_at": "1", **values}
    project = {"id": 3, "created_at": "0", "label_config": CONFIG}
    task = {"id": 5, "data": {"text": text}}
    return {"action": "ANNOTATION_CREATED", "annotation": annotation, "task": task, "project": project}


def _kept(db: Database) -> list[tuple[str, str]]:
    names = {row.id: row for row in decisions.list_standing(db, range(1, 100))}
    return [(diaries.get_diary(db, each.diary_id).text, str(each.label_id)) for each in names.values()]


def test_setup_names_the_model_and_refuses_an_interface_without_labels_of_ours(studio: Program) -> None:
    known = studio.post("/label-studio/setup", json={"schema": CONFIG, "access_token": "secret", "project": "1.2"})
    assert known.json() == {"model_version": "maeumgyeol-0"}
    for config in (
        "<View/>",
        "no xml",
        CONFIG.replace("행복", "a").replace("슬픔", "b"),
        CONFIG.replace("$text", "text"),
    ):
        refused = studio.post("/label-studio/setup", json={"schema": config})
        assert (refused.status_code, refused.json()["code"]) == (422, "label_studio_config")


def test_a_config_that_declares_entities_is_refused_unread(opened: Database) -> None:
    bomb = '<!DOCTYPE x [<!ENTITY a "행복"><!ENTITY b "&a;&a;&a;">]>' + CONFIG.replace("행복", "&b;")
    with pytest.raises(UserError, match="label_studio_config"):
        label_studio.read_interface(opened, bomb)


def test_choices_are_known_by_value_or_alias_and_answered_as_label_studio_calls_them(opened: Database) -> None:
    interface = label_studio.read_interface(opened, CONFIG)
    assert (interface.from_name, interface.to_name, interface.column) == ("emotion", "diary", "text")
    assert interface.choices == {"행복": "행복", "슬픔": "슬픔"}
    other = label_studio.read_interface(opened, CONFIG.replace('value="Sad" alias="슬픔"', 'value="슬픔" alias="sad"'))
    assert other.choices["슬픔"] == "sad"


def test_the_likeliest_label_that_the_interface_offers_is_predicted(opened: Database) -> None:
    interface = label_studio.read_interface(opened, CONFIG)
    proba = {"분노": 0.6, "행복": 0.1, "슬픔": 0.3}
    said = label_studio.result_of({"label": "분노", "proba": proba, "model_version": 4}, interface)[0]
    assert (said["score"], said["model_version"]) == (0.3, "maeumgyeol-4")
    assert said["result"][0]["value"] == {"choices": ["슬픔"]}
    assert label_studio.result_of(None, interface) == []


def test_an_annotation_becomes_a_decision_of_its_person_once(studio: Program, opened: Database) -> None:
    first, again = (studio.post("/label-studio/webhook", json=_event("새 글", "슬픔")) for _ in range(2))
    assert (first.status_code, first.json(), again.json()) == (201, {"kept": 1}, {"kept": 0})
    assert _kept(opened) == [("새 글", "5")]
    assert studio.post("/label-studio/webhook", json=_event("새 글", "행복", updated_at="2")).json() == {"kept": 1}
    assert _kept(opened) == [("새 글", "2")]
    people = {each.annotator_id for each in decisions.list_standing(opened, [7])}
    assert len(people) == 1


def test_people_decide_apart_and_none_of_them_as_somebody_with_an_account(studio: Program, opened: Database) -> None:
    accounts.add(opened, None, "관리", "administrator", password="correct horse 1")
    mine = accounts.add(opened, None, "수아", "annotator", email="sua@example.org")
    same = accounts.add(opened, None, "label-studio:7", "annotator", email="seven@example.org")
    closed = accounts.add(opened, None, "label-studio:sua@example.org", "annotator", email="old@example.org")
    accounts.set_disabled(opened, None, closed, disabled=True)
    people = (1, 7, {"id": 2, "email": "Sua@example.org"}, {"id": 3, "email": "관리"}, "수아", {"id": "수아"})
    for number, who in enumerate(people):
        told = _event("글", ("슬픔", "행복")[number % 2], number=number, completed_by=who)
        assert studio.post("/label-studio/webhook", json=told).json() == {"kept": 1}
    given = {each.annotator_id for each in decisions.list_standing(opened, [7])}
    assert len(given) == 5, "the last two are one"
    assert not given & {mine, same, closed, *(account.annotator_id for account in accounts.list_people(opened))}


def test_long_addresses_that_begin_alike_are_two_people(studio: Program, opened: Database) -> None:
    for number, end in enumerate("ab"):
        who = {"id": number, "email": f"{'x' * 40}{end}@example.org"}
        studio.post("/label-studio/webhook", json=_event("글", "슬픔", number=number, completed_by=who))
    assert len(decisions.list_standing(opened, [7])) == 2


@pytest.mark.parametrize(
    "change",
    [
        {"was_cancelled": True},
        {"result": []},
        {"result": "broken"},
        {"result": [{"from_name": "emotion", "value": {"choices": ["Other"]}}]},
        {"result": [{"from_name": "emotion", "value": {"choices": [["행복"]]}}]},
        {"result": [{"from_name": "else", "value": {"choices": ["행복"]}}]},
        {"task": 99},
    ],
)
def test_what_says_nothing_of_ours_changes_nothing(studio: Program, opened: Database, change: dict[str, Any]) -> None:
    answer = studio.post("/label-studio/webhook", json=_event("새 글", "슬픔", **change))
    assert (answer.status_code, answer.json()) == (201, {"kept": 0})
    assert diaries.count_diaries(opened) == 6


@pytest.mark.parametrize("body", [{}, {"action": None}, {"action": "TASKS_CREATED", "tasks": [{}]}, {"action": []}])
def test_events_that_are_none_of_our_business_are_taken_and_forgotten(studio: Program, body: dict[str, Any]) -> None:
    answer = studio.post("/label-studio/webhook", json=body)
    assert (answer.status_code, answer.json()) == (201, {})


def test_training_asks_for_a_round_and_tells_how_far_it_is(studio: Program, opened: Database) -> None:
    start = {"action": "START_TRAINING", "project": {"id": 3}}
    refused = studio.post("/label-studio/webhook", json=start)
    assert (refused.status_code, refused.json()["code"]) == (409, "labels_of_one_kind")
    fill(opened, 12, labelled=True)
    job = studio.post("/label-studio/webhook", json=start).json()["job"]
    assert rounds.find_open(opened) is not None
    assert studio.post("/label-studio/webhook", json=start).json()["job"] == job, "one round, however often asked"
    assert studio.post("/label-studio/job_status", json={"job": job}).json() == {"job_status": "queued"}
    assert studio.post("/label-studio/job_status", json={"job": "99"}).json() == {"job_status": "failed"}


def test_the_older_way_to_train_brings_the_annotations_along(studio: Program, opened: Database) -> None:
    tasks = [
        {"id": n, "data": {"text": f"{n}번 글"}, "annotations": [{**_event("", choice)["annotation"], "id": n}]}
        for n in range(40)
        for choice in [("행복", "슬픔")[n % 2]]
    ]
    body = {"annotations": tasks, "project": "1.2", "label_config": CONFIG, "params": {}}
    answer = studio.post("/label-studio/train", json=body)
    assert answer.status_code == 201, answer.text
    assert answer.json().keys() == {"job"}
    assert diaries.count_diaries(opened) == 46


def test_versions_and_health_are_told(studio: Program) -> None:
    assert studio.get("/label-studio/versions").json() == {"versions": ["maeumgyeol-0"]}
    for address in ("/label-studio/", "/label-studio/health"):
        assert studio.get(address).json()["status"] == "UP"
        assert studio.client.get(address).status_code == 401


@pytest.mark.parametrize("name", ["health", "setup", "webhook_annotation_created", "webhook_annotation_updated"])
def test_what_label_studio_really_sent_is_answered_in_the_same_form(studio: Program, name: str) -> None:
    said = _golden(name)
    answer = studio.ask(said["method"], f"/label-studio{said['path']}", json=said["request"])
    assert (answer.status_code, answer.json()) == (said["status"], said["response"])


def test_a_recorded_annotation_and_its_change_are_one_decision_in_force(studio: Program, opened: Database) -> None:
    for name in ("created", "updated"):
        studio.post("/label-studio/webhook", json=_golden(f"webhook_annotation_{name}")["request"])
    assert _kept(opened) == [("오늘은 친구들과 바다에 다녀와서 정말 행복했다.", "5")]


def test_recorded_tasks_are_read_and_answered_as_they_were_recorded(opened: Database) -> None:
    """The predictions of that day in, Label Studio's form out."""
    said = _golden("predict")
    interface = label_studio.read_interface(opened, said["request"]["label_config"])
    texts = label_studio.task_texts(said["request"]["tasks"], interface)
    assert texts == [task["data"]["text"] for task in said["request"]["tasks"]]
    for (kept,) in said["response"]["results"]:
        (value,) = kept["result"]
        proba = dict.fromkeys(interface.choices, 0.0) | {value["value"]["choices"][0]: kept["score"]}
        prediction = {"label": "", "proba": proba, "model_version": 0}
        assert label_studio.result_of(prediction, interface) == [kept]


def test_the_recorded_wish_to_train_starts_a_round(studio: Program, opened: Database) -> None:
    fill(opened, 12, labelled=True)
    said = _golden("webhook_start_training")
    answer = studio.post("/label-studio/webhook", json=said["request"])
    assert (answer.status_code, answer.json().keys()) == (said["status"], said["response"].keys())


def test_a_request_for_predictions_without_a_text_needs_no_model(studio: Program) -> None:
    tasks = [{"id": 1, "data": {"other": "x"}}, {"id": 2, "data": {"text": " "}}, {"id": 3}, {"data": "x"}]
    answer = studio.post("/label-studio/predict", json={"tasks": tasks, "label_config": CONFIG, "project": "1.2"})
    assert answer.json() == {"results": [[], [], [], []], "model_version": "maeumgyeol-0"}

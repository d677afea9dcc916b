"""The protocol of Label Studio's machine-learning backends: it asks for predictions and reports people's decisions.

Every address requires a token, as the password of Basic authentication: that is what Label Studio can send.
"""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Body
from pydantic import BaseModel, Field

from annotator.accounts.api_tokens import Caller
from annotator.ingest import api, label_studio
from service.dependencies import State, needs
from service.routes.strict_bodies import StrictRoute
from service.schemas import MOST_TEXTS

router = APIRouter(route_class=StrictRoute)

Asking = Annotated[Caller, needs("classify")]
Telling = Annotated[Caller, needs("write")]
Object = dict[str, Any]


class Setup(BaseModel):
    """A project is connected, or looked after."""

    schema_: str = Field(alias="schema")


class Predict(BaseModel):
    """Tasks to predict."""

    tasks: Annotated[list[Object], Field(max_length=MOST_TEXTS)]
    label_config: str


@router.get("/")
@router.get("/health")
def health(caller: Asking) -> Object:
    """Say that the backend is up. A wrong token shows here first, and Label Studio says so."""
    return {"status": "UP", "model_class": "Maeumgyeol", "v2": True}


@router.post("/setup")
def setup(desk: State, caller: Asking, body: Setup) -> Object:
    """Look whether the project's interface offers labels of ours, and name the model. Its access token is not kept."""
    with desk.opened() as db:
        label_studio.read_interface(db, body.schema_)
        return {"model_version": label_studio.model_version(db)}


@router.post("/predict")
async def predict(desk: State, caller: Asking, body: Predict) -> Object:
    """Return a prediction for each task, an empty list for one without a text. Nothing is kept."""
    interface = await desk.run(lambda db: label_studio.read_interface(db, body.label_config))
    texts = label_studio.task_texts(body.tasks, interface)
    present_texts = [text for text in texts if text is not None]
    predictions: list[Any] = []
    if present_texts:
        classified = await desk.engine.classify(present_texts)
        predictions = await desk.run(lambda db: api.predictions_of(db, present_texts, classified))
    remaining = iter(predictions)
    results = [[] if text is None else label_studio.result_of(next(remaining), interface) for text in texts]
    return {"results": results, "model_version": await desk.run(label_studio.model_version)}


@router.post("/webhook", status_code=201)
def webhook(desk: State, caller: Telling, body: Annotated[Object, Body()]) -> Object:
    """Keep what people decided; start a round when asked; everything else is none of our business."""
    action = str(body.get("action"))
    with desk.opened() as db:
        if action == label_studio.TRAIN:
            return {"job": str(label_studio.train(db, caller))}
        return {"kept": label_studio.take(db, caller, body)} if action in label_studio.EVENTS else {}


@router.post("/train", status_code=201)
def train(desk: State, caller: Telling, body: Annotated[Object, Body()]) -> Object:
    """Start a round, as older versions of Label Studio ask for it; what they decided comes with it."""
    with desk.opened() as db:
        label_studio.take_tasks(db, caller, body)
        return {"job": str(label_studio.train(db, caller))}


@router.post("/job_status")
def job_status(desk: State, caller: Asking, body: Annotated[Object, Body()]) -> Object:
    """Say how far a round is."""
    with desk.opened() as db:
        return {"job_status": label_studio.job_status(db, str(body.get("job")))}


@router.get("/versions")
def versions(desk: State, caller: Asking) -> Object:
    """Name the one version that answers."""
    with desk.opened() as db:
        return {"versions": [label_studio.model_version(db)]}

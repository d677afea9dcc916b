"""Endpoints about the service itself: labels, model, health, figures."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Response

from annotator.accounts.api_tokens import Caller  # noqa: TC001 - FastAPI reads the hints
from annotator.ingest import project_info
from service import schemas
from service.dependencies import State, needs
from service.routes.strict_bodies import StrictRoute

router = APIRouter(tags=["service"], route_class=StrictRoute)


@router.get("/labels", response_model=schemas.LabelSet)
def read_labels(desk: State, caller: Annotated[Caller, needs("read")]) -> Any:
    """Return the labels in force."""
    with desk.opened() as db:
        return {"labels": project_info.describe_labels(db)}


@router.get("/model", response_model=schemas.Model)
def read_model(desk: State, caller: Annotated[Caller, needs("read")]) -> Any:
    """Return which model serves."""
    with desk.opened() as db:
        return project_info.describe_model(db)


@router.get("/health", response_model=schemas.Health)
def read_health(desk: State) -> Any:
    """Say that the service is up and can open its project; needs no token."""
    with desk.opened():
        return {"status": "ok"}


@router.get("/metrics", response_class=Response, responses={200: {"content": {"text/plain": {}}}})
def read_figures(desk: State, caller: Annotated[Caller, needs("metrics")]) -> Response:
    """Return figures in Prometheus' text format."""
    with desk.opened() as db:
        diary_count, version = project_info.count(db)
    text = desk.figures.text(diary_count=diary_count, model_version=version)
    return Response(text, media_type="text/plain; version=0.0.4; charset=utf-8")

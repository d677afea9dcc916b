"""Endpoints about diaries: both orders of a diary service, reading back, correcting."""

from __future__ import annotations

import hashlib
import re
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Header, Path, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from pydantic import BeforeValidator
from pydantic_core import PydanticCustomError

from annotator.accounts import api_tokens, diary_access
from annotator.accounts.api_tokens import Caller
from annotator.errors import UserError
from annotator.finding import finder, query
from annotator.ingest import api, idempotency
from annotator.messages import say
from annotator.privacy import forgetting
from annotator.privacy.forgetting import Selection
from service import schemas
from service.dependencies import State, needs
from service.errors import language_of
from service.routes.strict_bodies import StrictRoute

if TYPE_CHECKING:
    from collections.abc import Sequence

    from annotator.ingest.api import Item
    from annotator.privacy.forgetting import Trained
    from service.dependencies import ServiceState

router = APIRouter(tags=["diaries"], route_class=StrictRoute)


def _digits(value: object) -> object:
    # Pydantic takes "+1", " 1", "1_0", "1.0" and digits of other scripts for numbers, too.
    if isinstance(value, str) and not re.fullmatch("[0-9]{1,19}", value):
        raise PydanticCustomError("digits", "Only digits")
    return value


DiaryId = Annotated[int, BeforeValidator(_digits), Path(ge=1, le=2**63 - 1)]
Writing = Annotated[Caller, needs("write")]
Reading = Annotated[Caller, needs("read")]
Forgetting = Annotated[Caller, needs("forget")]
Classifying = Annotated[Caller, needs("classify")]
Classify = Annotated[bool, Query(description="Classify at once and keep text and result together; needs `classify`")]
Key = Annotated[
    str | None,
    Header(alias="Idempotency-Key", min_length=1, max_length=200, description="The same request under it acts once"),
]


@router.post("/diaries", status_code=201, response_model=schemas.Stored, responses={200: {"model": schemas.Stored}})
async def store_diary(
    request: Request,
    response: Response,
    desk: State,
    caller: Writing,
    body: schemas.DiaryIn,
    classify: Classify = False,
    key: Key = None,
) -> Any:
    """Keep a diary. Without `classify` the worker classifies it soon, and `GET /diaries/{id}` tells the result.

    A text that is there already keeps its id and is answered with 200.
    """
    stored = await _store(request, response, desk, caller, [body.item()], classify, key)
    if not stored["diaries"][0]["created"]:
        response.status_code = 200
    return stored["diaries"][0]


@router.post("/diaries/batch", status_code=201, response_model=schemas.StoredMany)
async def store_diaries(
    request: Request,
    response: Response,
    desk: State,
    caller: Writing,
    body: schemas.DiariesIn,
    classify: Classify = False,
    key: Key = None,
) -> Any:
    """Keep up to 1,000 diaries, all of them or none."""
    return await _store(request, response, desk, caller, [each.item() for each in body.diaries], classify, key)


async def _store(
    request: Request,
    response: Response,
    desk: ServiceState,
    caller: Caller,
    items: Sequence[Item],
    classify: bool,
    key: str | None,
) -> dict[str, Any]:
    if classify:
        api_tokens.require(caller, "classify")
    request_target = f"{request.url.path}?classify={classify}\n".encode()
    request_hash = hashlib.sha256(request_target + await request.body()).digest()
    earlier_answer = await desk.run(lambda db: idempotency.find(db, caller, key, request_hash))
    if earlier_answer is not None:
        response.headers["Idempotent-Replayed"] = "true"
        return dict(earlier_answer)
    texts = [item.text for item in items]
    if classify:
        await run_in_threadpool(api.check_texts, texts)
    classified = await desk.engine.classify(texts) if classify else None
    return dict(
        await desk.run(
            lambda db: idempotency.once(
                db, caller, key, request_hash, lambda: {"diaries": api.store(db, caller, items, classified)}
            )
        )
    )


@router.post("/classifications", response_model=schemas.Predictions)
async def classify_texts(desk: State, caller: Classifying, body: schemas.TextsIn) -> Any:
    """Classify up to 1,000 texts at once. Nothing is kept."""
    await run_in_threadpool(api.check_texts, body.texts)
    classified = await desk.engine.classify(body.texts)
    return {"predictions": await desk.run(lambda db: api.predictions_of(db, body.texts, classified))}


@router.get("/diaries", response_model=schemas.Found)
async def find_diaries(desk: State, caller: Reading, search: Annotated[schemas.Search, Query()]) -> Any:
    """Return the diaries that a search asks for, page by page, without those that are withheld from the program."""
    asked = query.read(search.model_dump(exclude={"limit"}))
    if asked.like_text:
        await run_in_threadpool(api.check_texts, [asked.like_text])
    vector = await desk.engine.vector(asked.like_text) if asked.like_text else None
    actor = diary_access.program(caller)
    results = await desk.run(lambda db: finder.find(db, desk.database, actor, asked, limit=search.limit, vector=vector))
    return {
        "diaries": [asdict(hit) for hit in results.hits],
        "count": results.count,
        "is_more": results.is_more,
        "next": results.next or None,
        "not_searched": results.missing_count,
        "vectors_made_at": None if results.nearness is None else results.nearness.made_at,
        "without_vector": None if results.nearness is None else results.nearness.missing_count,
    }


@router.get("/diaries/{diary_id}", response_model=schemas.Diary)
def read_diary(desk: State, caller: Reading, diary_id: DiaryId) -> Any:
    """Return a diary with the label that counts and what the model says; what is private is covered."""
    with desk.opened() as db:
        return api.read(db, caller, diary_id)


@router.get("/diaries/{diary_id}/explanation", response_model=schemas.Explanation)
async def explain_diary(desk: State, caller: Reading, diary_id: DiaryId) -> Any:
    """Return why the model gives a diary its label. The first time it is computed, which takes seconds."""
    explanation = await desk.run(lambda db: api.find_explanation(db, caller, diary_id))
    if explanation is None:
        await desk.engine.explain(diary_id)
        explanation = await desk.run(lambda db: api.find_explanation(db, caller, diary_id))
    if explanation is None:
        raise UserError("explanation_missing", id=diary_id)
    return explanation


@router.put("/diaries/{diary_id}/label", response_model=schemas.Diary)
def correct_label(desk: State, caller: Writing, diary_id: DiaryId, body: schemas.LabelIn) -> Any:
    """Say what a diary is, for instance where the model was wrong: a decision under the token's name, which trains.

    The same label again changes nothing. Without `read` the answer holds nothing but the label that was given.
    """
    with desk.opened() as db:
        api.correct(db, caller, diary_id, body.label, memo=body.memo)
        return api.read_corrected(db, caller, diary_id, body.label)


@router.get("/diaries/{diary_id}/forgetting", response_model=schemas.Forgetting)
def preview_forgetting(desk: State, caller: Forgetting, diary_id: DiaryId) -> Any:
    """Return what `DELETE` would let go, without doing it."""
    with desk.opened() as db:
        preview = forgetting.preview(db, Selection(ids=(diary_id,)))
    return {
        "id": diary_id,
        "forgotten": not preview.diary_count,
        "characters": preview.characters,
        "rows": preview.row_counts,
        "trained": _learned(preview.trained),
        "near_copies": preview.near_copies or 0,
    }


@router.delete("/diaries/{diary_id}", response_model=schemas.Forgotten)
def forget_diary(request: Request, desk: State, caller: Forgetting, diary_id: DiaryId) -> Any:
    """Let a diary go for good, with all that was made and said of it. Once more it changes nothing."""
    with desk.opened() as db:
        done = forgetting.forget(db, caller, Selection(ids=(diary_id,)))
    return {
        "id": diary_id,
        "forgotten": bool(done.diary_count),
        "rows": done.row_counts,
        "trained": _learned(done.trained),
        "refused_from_now_on": done.is_refused,
        "files_follow": done.is_finished,
        "out_of_reach": say("forget.out_of_reach", language_of(request.scope)),
    }


def _learned(trained: Sequence[Trained]) -> list[dict[str, Any]]:
    return [{"version": each.version, "tier": each.tier, "serves": each.serves} for each in trained]

"""Deleting diaries for good: what would go is shown first, then all of it goes. See docs/forgetting.md."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from annotator.accounts import api_tokens, diary_access
from annotator.accounts.api_tokens import Caller
from annotator.errors import AppError, UserError
from annotator.privacy import forgotten_files, forgotten_key, near_copies, pool_texts
from db.connection import file_of
from db.errors import NotFoundError
from db.forgetting import forgetting, forgotten
from db.models import encoders, models
from db.texts import batches, diaries
from learner.encoders.precision import split_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from annotator.accounts.permissions import Person
    from db import Database
    from db.forgetting.forgotten import Counts as Counts
    from db.models.models import Model

_TEXTS_AT_A_TIME = 5_000


@dataclass(frozen=True, slots=True)
class Selection:
    """Which diaries: those of some ids, of a writer, of an import, or texts of a pool. Only one of them is given.

    Attributes:
        author: as the imported file names the writer; compared in NFC, without surrounding spaces. Texts of pools
            are among what goes.
        batch_id: with what this import said of diaries of other imports.
        pool_numbers: of the pool in force.
    """

    ids: tuple[int, ...] = ()
    author: str | None = None
    batch_id: int | None = None
    pool_numbers: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Trained:
    """A version of the model that learned from some diaries.

    Attributes:
        tier: of a round that makes one that did not: deeper than instant where its encoder was tuned on them.
        serves: whether it answers now.
    """

    version: int
    tier: str
    diary_count: int
    serves: bool


@dataclass(frozen=True, slots=True)
class Preview:
    """What would go. Nothing of the texts is told.

    Attributes:
        diary_count: diaries that are there.
        characters: of their texts together.
        row_counts: rows that would go with them, by table; see docs/forgetting.md.
        trained: versions that learned from them, which would stay as they are.
        exports: names of kept exports, which would go.
        near_copies: diaries that would stay and say nearly the same; None if they were not counted.
        pool_count: texts of pools that are no diaries, and would be taken out of their files.
    """

    diary_count: int
    characters: int
    row_counts: dict[str, int]
    trained: tuple[Trained, ...]
    exports: tuple[str, ...]
    near_copies: int | None
    pool_count: int = 0


@dataclass(frozen=True, slots=True)
class Forgotten:
    """What went.

    Attributes:
        diary_count: diaries that were there; 0 if they had gone before.
        row_counts: rows that went with them, by table.
        quote_count: notes elsewhere out of which a quotation was taken.
        trained: versions that learned from them: train again without them.
        is_finished: whether all files have been cleared; otherwise the worker clears them as soon as it can.
        is_refused: whether the same texts are refused from now on.
        pool_count: texts of pools that were no diaries, and go from their files.
    """

    diary_count: int
    row_counts: dict[str, int]
    quote_count: int
    trained: tuple[Trained, ...]
    is_finished: bool
    is_refused: bool
    pool_count: int = 0


def preview(db: Database, selection: Selection, *, with_copies: bool = True) -> Preview:
    """Return what would go; changes nothing.

    Args:
        with_copies: look for diaries that say nearly the same, which takes some seconds for a million.

    Raises:
        UserError: ``forget_nothing`` if the selection is empty, ``forget_batch_unknown``.
        NotFoundError: for an id that no diary has or had.
    """
    ids = _ids(db, selection)
    lengths = [len(text) for text in _texts(db, ids)]
    trained = forgetting.list_trained(db, ids, batch_id=selection.batch_id)
    return Preview(
        diary_count=len(lengths),
        characters=sum(lengths),
        row_counts=forgetting.count_rows(db, ids, batch_id=selection.batch_id),
        trained=_versions(db, trained),
        exports=tuple(forgotten_files.list_exports(_path(db))),
        near_copies=near_copies.count(_texts(db, ids), _others(db, ids)) if with_copies else None,
        pool_count=len(_pool_texts(db, selection)),
    )


def forget(
    db: Database,
    by: Person | Caller | None,
    selection: Selection,
    *,
    refuse_later: bool = True,
    leaves_pools: bool = True,
) -> Forgotten:
    """Delete diaries for good, in one transaction, and then clear the files. Repeating it changes nothing.

    Args:
        by: an administrator, a program with the scope ``forget``, or None for the command line.
        refuse_later: whether the same texts are refused from now on, if the project is set up to refuse them.
        leaves_pools: whether texts of pools go from their files, too; otherwise they are only diaries no longer.

    Raises:
        UserError: ``right_missing``, ``scope_missing``, ``forgotten_key_missing``, or as `preview` does.
        NotFoundError: as `preview` does.
        DatabaseError: if the database can't be written; then nothing has changed.
    """
    _require(db, by)
    ids = _ids(db, selection)
    texts = list(_texts(db, ids))
    trained = forgetting.list_trained(db, ids, batch_id=selection.batch_id)
    further = _pool_texts(db, selection)
    digest_of = forgotten_key.digester(db) if (texts or further) and refuse_later else None
    erased = forgetting.erase(
        db,
        ids,
        batch_id=selection.batch_id,
        digest_of=digest_of,
        by=None if by is None else by.annotator_id,
        pool_texts=further if leaves_pools else None,
    )
    return Forgotten(
        diary_count=erased.diary_count,
        row_counts=erased.row_counts,
        quote_count=len(erased.quotes),
        trained=_versions(db, trained),
        is_finished=_follow(db, [*texts, *erased.quotes, *erased.postings]),
        is_refused=digest_of is not None,
        pool_count=len(further),
    )


def follow(db: Database) -> bool:
    """Finish clearing the files if that was interrupted; return whether all are clear."""
    return _follow(db, None)


def was_forgotten(db: Database, diary_id: int) -> bool:
    """Return whether a diary of this id was forgotten."""
    return forgotten.was_forgotten(db, diary_id)


def list_untrained(db: Database) -> tuple[Trained, ...]:
    """Return the versions that learned from diaries that were forgotten since."""
    return _versions(db, forgotten.list_training(db))


def count_gone(db: Database) -> Counts:
    """Return how many decisions went with forgotten diaries, and are missing from agreement and accuracy."""
    return forgotten.count_decisions(db)


def _follow(db: Database, texts: Sequence[str | bytes] | None) -> bool:
    """Clear the files. One that can't be written now is no error: the diaries are gone from the database."""
    try:
        return forgotten_files.follow(db, _path(db), texts)
    except (AppError, OSError):
        return False


def _require(db: Database, by: Person | Caller | None) -> None:
    if isinstance(by, Caller):
        api_tokens.require(by, "forget")
    elif by is not None:
        diary_access.require_right(db, diary_access.actor_of(by), "administrate")


def _ids(db: Database, selection: Selection) -> list[int]:
    """Return the diaries of a selection, ascending; of ids also those that were forgotten before."""
    if selection.batch_id is not None:
        if selection.batch_id not in {batch.id for batch in batches.list_batches(db)}:
            raise UserError("forget_batch_unknown", id=selection.batch_id)
        return diaries.list_ids_of_batch(db, selection.batch_id)
    if selection.author is not None:
        ids = diaries.list_ids_of_authors(db, _spellings(db, selection.author))
        if not ids and not _pool_texts(db, selection):
            raise UserError("forget_author_unknown")
        return ids
    if selection.pool_numbers:
        return sorted(pool_texts.find_diaries(db, selection.pool_numbers).values())
    for diary_id in selection.ids:
        _check_known(db, diary_id)
    if not selection.ids:
        raise UserError("forget_nothing")
    return sorted(set(selection.ids))


def _pool_texts(db: Database, selection: Selection) -> list[tuple[int, int]]:
    """Return the texts of pools, as (pool id, number), that go and are no diaries."""
    if selection.pool_numbers:
        return pool_texts.list_by_number(db, selection.pool_numbers)
    return [] if selection.author is None else pool_texts.list_of_author(db, selection.author)


def _check_known(db: Database, diary_id: int) -> None:
    """Raise unless a diary of this id is there or was forgotten, which somebody else may be doing right now."""
    try:
        diaries.get_diary(db, diary_id)
    except NotFoundError as error:
        if error.code != "diary_forgotten":
            raise


def _spellings(db: Database, author: str) -> list[str]:
    """Return the spellings of a writer's name that people read as the same."""
    return [name for name in diaries.list_authors(db) if pool_texts.plain(name) == pool_texts.plain(author)]


def _texts(db: Database, ids: Sequence[int]) -> Iterator[str]:
    """Yield the texts of diaries that still exist: two people may delete the same ones at once."""
    for at in range(0, len(ids), _TEXTS_AT_A_TIME):
        yield from diaries.find_texts(db, ids[at : at + _TEXTS_AT_A_TIME])


def _others(db: Database, ids: Iterable[int]) -> Iterator[str]:
    excluded_ids = frozenset(ids)
    return (text for diary_id, text in diaries.read_texts(db) if diary_id not in excluded_ids)


def _versions(db: Database, counts: dict[int, int]) -> tuple[Trained, ...]:
    active = models.find_active_id(db)
    return tuple(
        Trained(model.version, _tier(db, model), counts[model.id], model.id == active)
        for model in models.list_models(db)
        if model.id in counts
    )


def _tier(db: Database, model: Model) -> str:
    tuned = encoders.find_by_name(db, split_name(model.encoder)[0])
    return "instant" if tuned is None else tuned.kind


def _path(db: Database) -> Path:
    return Path(file_of(db))

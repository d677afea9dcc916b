"""Layouts in files beside the vectors: coordinates and cluster of each diary, and what the clusters are about.

A layout is a folder ``map-<number>``, whose rows are kept as those of vectors are, so that forgetting empties them in
the same way. Its ``map.json`` is written last: a folder without it was cut off and is none. The highest number counts.
"""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from learner.encoders import vector_store
from learner.encoders.vector_store import VectorFile
from learner.errors import LearnerError
from maeumgyeol import private_files

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    FloatArray = NDArray[np.float32]
    IntArray = NDArray[np.int64]

PREFIX = "map-"
WORDS = "words.json"
"""The words of the clusters, which are those of diaries: forgetting removes them, and they are found again."""

_ABOUT = "map.json"
_WIDTH = 3
LAID_OUT, PLACED = 1, 2
"""What stands in place of a token count: laid out with all others, or put beside its nearest afterwards."""


@dataclass(frozen=True, slots=True)
class About:
    """What is known of a layout.

    Attributes:
        encoder_hash: of the vectors it was made from.
        made_at: UTC.
        count: diaries that are on it.
        clusters: how many there are.
        forgotten: how many diaries had been forgotten when `count` was taken.
    """

    encoder_hash: str
    made_at: str
    count: int
    clusters: int
    forgotten: int


@dataclass(frozen=True, slots=True)
class Layout:
    """Where diaries are. Row i belongs to diary i + 1.

    Attributes:
        number: of the layout; a later one has a higher number.
        places: (rows, 2), NaN for a diary that is not on the map.
        clusters: (rows,) from 0, the largest; -1 for none.
        is_laid_out: (rows,) whether it was laid out with all others, not put beside its nearest.
    """

    number: int
    about: About
    places: FloatArray
    clusters: IntArray
    is_laid_out: NDArray[np.bool_]

    @property
    def is_there(self) -> NDArray[np.bool_]:
        """Whether each diary is on the map, (rows,)."""
        return self.clusters >= 0


def find(folder: Path, *, forgotten: int) -> Layout | None:
    """Return the newest layout among vectors; None if there is none, or what is there can't be one.

    Args:
        forgotten: how many diaries have been forgotten: so many may be missing.
    """
    numbers = _numbers(folder)
    return _read(folder, numbers[-1], forgotten) if numbers else None


def is_lost(folder: Path, *, forgotten: int) -> bool:
    """Return whether there was a layout that can't be read any more."""
    return bool(_numbers(folder)) and find(folder, forgotten=forgotten) is None


def store(
    folder: Path, about: About, diary_ids: IntArray, places: FloatArray, clusters: IntArray, kinds: NDArray[np.int32]
) -> int:
    """Store a layout, which then takes the place of all before it, and return its number.

    Args:
        folder: of the vectors.
        diary_ids: (n,), n >= 1.
        places: (n, 2).
        clusters: (n,).
        kinds: (n,) `LAID_OUT` or `PLACED`.

    Raises:
        LearnerError: if it can't be written.
    """
    before = _places(folder)
    number = max((int(place.name.removeprefix(PREFIX)) for place in before), default=0) + 1
    place = _folder(folder, number)
    VectorFile(place, width=_WIDTH).write(diary_ids.tolist(), np.column_stack([places, clusters]), kinds)
    _write_about(place, about)
    for older in before:
        shutil.rmtree(older, ignore_errors=True)
    return number


def add(
    folder: Path, layout: Layout, about: About, diary_ids: IntArray, places: FloatArray, clusters: IntArray
) -> None:
    """Put further diaries, (n,), n >= 1, on a layout, beside their nearest. Raises as `store` does."""
    place = _folder(folder, layout.number)
    rows = np.column_stack([places, clusters])
    VectorFile(place, width=_WIDTH).write(diary_ids.tolist(), rows, np.full(len(diary_ids), PLACED, np.int32))
    _write_about(place, about)


def store_words(folder: Path, layout: Layout, words: Sequence[Sequence[str]]) -> None:
    """Store the most telling words of each cluster."""
    private_files.write_text(_folder(folder, layout.number) / WORDS, json.dumps(words, ensure_ascii=False))


def find_words(folder: Path, layout: Layout) -> tuple[tuple[str, ...], ...] | None:
    """Return the most telling words of each cluster; None until they are found, or found again after forgetting."""
    try:
        words = json.loads((_folder(folder, layout.number) / WORDS).read_text("utf-8"))
    except (OSError, ValueError):
        return None
    if not isinstance(words, list) or len(words) != layout.about.clusters:
        return None
    return tuple(tuple(str(word) for word in each) if isinstance(each, list) else () for each in words)


def remove_words(folder: Path) -> None:
    """Remove the words of all layouts among vectors."""
    for place in _places(folder):
        (place / WORDS).unlink(missing_ok=True)


def _read(folder: Path, number: int, forgotten: int) -> Layout | None:
    place = _folder(folder, number)
    file, about = vector_store.find(place), _read_about(place)
    if file is None or about is None or file.width != _WIDTH:
        return None
    try:
        kinds = file.token_counts()
        rows = file.read(np.arange(1, len(kinds) + 1))
    except (OSError, LearnerError):  # replaced by the next one just now
        return None
    is_there = (kinds == LAID_OUT) | (kinds == PLACED)
    if not _is_sound(about, kinds, is_there, rows, forgotten):
        return None
    places = np.where(is_there[:, None], rows[:, :2], np.nan).astype(np.float32)
    clusters = np.where(is_there, rows[:, 2], -1).astype(np.int64)
    return Layout(number, about, places, clusters, kinds == LAID_OUT)


def _is_sound(
    about: About, kinds: NDArray[np.int32], is_there: NDArray[np.bool_], rows: FloatArray, forgotten: int
) -> bool:
    """Return whether what was read can be what was written, but for diaries that were forgotten since."""
    values, count = rows[is_there], int(is_there.sum())
    return (
        bool((is_there == (kinds != 0)).all())
        # There may be more, where adding some was cut off before it was noted.
        and count >= about.count - max(0, forgotten - about.forgotten)
        and bool(np.isfinite(values).all())
        and bool(((values[:, 2] >= 0) & (values[:, 2] < about.clusters) & (values[:, 2] % 1 == 0)).all())
    )


def _write_about(place: Path, about: About) -> None:
    # By another name first, so that one that is cut off replaces nothing.
    draft = place / f"{_ABOUT}.new"
    private_files.write_text(draft, json.dumps(asdict(about)))
    draft.replace(place / _ABOUT)


def _read_about(place: Path) -> About | None:
    try:
        given: Any = json.loads((place / _ABOUT).read_text("utf-8"))
        about = About(**given)
        return replace(about, count=int(about.count), clusters=int(about.clusters), forgotten=int(about.forgotten))
    except (OSError, ValueError, TypeError, KeyError):
        return None


def _numbers(folder: Path) -> list[int]:
    """Return the numbers of layouts that were written to their end, ascending."""
    return sorted(int(place.name.removeprefix(PREFIX)) for place in _places(folder) if (place / _ABOUT).is_file())


def _places(folder: Path) -> list[Path]:
    there = folder.iterdir() if folder.is_dir() else ()
    return [each for each in there if each.name.startswith(PREFIX) and each.name.removeprefix(PREFIX).isdecimal()]


def _folder(folder: Path, number: int) -> Path:
    return folder / f"{PREFIX}{number:08d}"

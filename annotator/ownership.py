"""Keeping a project's files private: if other accounts could read them, they are closed, and a message says so once."""

from __future__ import annotations

import contextlib
import logging
from pathlib import Path
from typing import TYPE_CHECKING

from annotator.errors import UserError
from annotator.messages import say
from maeumgyeol import private_files

if TYPE_CHECKING:
    from maeumgyeol.private_files import Closed

logger = logging.getLogger(__name__)

DEFAULT_PATH = Path("data/maeumgyeol.db")
"""Where the database is when nobody names another place; its folder is made by this program, too."""

_looked_at: set[tuple[str, int, int, int]] = set()
"""Databases that this process has looked at, and what rights they were left with."""


def close_to_others(path: Path) -> None:
    """Close a project that others can read, the first time that this process has opened it, and say so.

    Callers pass only databases that are known to be ours: nothing else is touched.

    Raises:
        UserError: ``project_link``, see `check_links`.
    """
    if _state(path) in _looked_at:
        return
    # A folder that can't be listed is reported below; it is no reason to lock its owner out of the project.
    with contextlib.suppress(OSError):
        check_links(path)
    closed = _close(path)
    _looked_at.add(_state(path))
    if closed.count:
        logger.warning("%s", say("project.closed", path=str(path), count=closed.count))
    if closed.left:
        logger.warning("%s", say("project.left_open", path=str(path), count=closed.left, reason=closed.reason))


def check_links(path: Path) -> None:
    """Check that no file or folder of a project leads somewhere else: what is written or deleted there is not its own.

    Raises:
        UserError: ``project_link`` with the name of the one that does.
        OSError: if that can't be looked up.
    """
    place = path.resolve()
    link = private_files.find_link(place)
    if link is not None:
        raise UserError("project_link", path=str(path), link=str(link.relative_to(place.parent)))


def _state(path: Path) -> tuple[str, int, int, int]:
    info = path.stat()
    return str(path), info.st_dev, info.st_ino, info.st_mode


def _close(path: Path) -> Closed:
    try:
        closed = private_files.close_beside(path)
        if _is_own_folder(path):
            closed = closed.and_(private_files.close_folder(path.resolve().parent))
    except OSError as error:
        return private_files.Closed(left=1, reason=error.strerror or type(error).__name__)
    return closed


def _is_own_folder(path: Path) -> bool:
    """Return whether the folder of a database is the one that earlier versions made, with nothing else in it."""
    place = path.resolve()
    if (place.parent.name, place.name) != (DEFAULT_PATH.parent.name, DEFAULT_PATH.name):
        return False
    return all(each == place or each.name.startswith(f"{place.name}-") for each in place.parent.iterdir())

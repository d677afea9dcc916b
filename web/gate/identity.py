"""Who makes a request: the person of a session, somebody working alone on this machine, or nobody."""

from __future__ import annotations

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.requests import HTTPConnection

from annotator import project_location
from annotator.accounts import accounts, sessions
from annotator.accounts.permissions import is_loopback, may
from annotator.errors import UserError
from annotator.project import is_set_up, open_project
from pages.widgets.session import COOKIE

if TYPE_CHECKING:
    from starlette.types import Scope

    from annotator.accounts.permissions import Person
    from annotator.project import Database

_RECENT_SECONDS = 2.0
"""A page brings dozens of files with it: what was let in for one is let in for the next."""

_TOUCH_SECONDS = 60.0

_FORWARDED = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip")


def token_of(scope: Scope) -> str | None:
    """Return the session token of a request."""
    return HTTPConnection(scope).cookies.get(COOKIE)


def is_from_here(scope: Scope) -> bool:
    """Return whether a request comes from this machine and is addressed to it, not through a proxy or another name."""
    headers = Headers(scope=scope)
    client = scope.get("client")
    host = urlsplit(f"//{headers.get('host', '')}").hostname or ""
    is_forwarded = any(name in headers for name in _FORWARDED)
    return client is not None and is_loopback(client[0]) and is_loopback(host) and not is_forwarded


class RequestIdentity:
    """Looks people up in the database, on its own thread and with a connection that stays open."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="gate")
        self._db: Database | None = None
        self._file: tuple[int, int] | None = None
        self._recent: dict[str, float] = {}
        self._touched: dict[str, float] = {}

    async def person(self, scope: Scope, *, may_be_recent: bool = False) -> Person | None:
        """Return who makes a request; None for the one person of a project without accounts.

        Args:
            may_be_recent: trust a check at most two seconds old, and return None for it.

        Raises:
            UserError: if there is no session, or the request comes from elsewhere before the project has accounts.
            DatabaseError: if the database can't be read.
        """
        token, is_here = token_of(scope), is_from_here(scope)
        if may_be_recent and token and time.monotonic() - self._recent.get(token, -1e9) < _RECENT_SECONDS:
            return None
        loop = asyncio.get_running_loop()
        person = await loop.run_in_executor(self._thread, self._look, token, is_here)
        if person is not None and token is not None:
            _remember(self._recent, token)
        return person

    async def uploader(self, scope: Scope) -> int:
        """Return the id of the person who may send a file; 0 for the one person of a project without accounts.

        Reviewers import files, and everybody can make recordings where they can be transcribed.

        Raises:
            UserError: as `person`, or if this person's pages have no place for a file.
        """
        person = await self.person(scope)
        if person is None:
            return 0
        loop = asyncio.get_running_loop()
        if not may(person, "review") and not await loop.run_in_executor(self._thread, self._is_transcribing):
            raise UserError("upload_right")
        return person.annotator_id

    def forget(self) -> None:
        """Drop all recent checks, because somebody has just signed out."""
        self._recent.clear()

    async def keep_alive(self, scope: Scope) -> None:
        """Note that the person of a session has just done something."""
        token = token_of(scope)
        if token and time.monotonic() - self._touched.get(token, -1e9) > _TOUCH_SECONDS:
            _remember(self._touched, token)
            # Not on the thread that everybody waits for, since this may wait for a long import to be written.
            await asyncio.to_thread(_keep_alive, token)

    def _look(self, token: str | None, is_here: bool) -> Person | None:
        db = self._opened()
        if db is not None and accounts.has_any(db):
            return sessions.get_person(db, token)
        if not is_here:
            raise UserError("gate_closed")
        return None

    def _is_transcribing(self) -> bool:
        # Here, since it takes the importer and much else with it, for which every start of the app would wait.
        from annotator import try_out

        db = self._opened()
        return db is not None and bool(try_out.speech_model(db))

    def _opened(self) -> Database | None:
        """Return the project, reopened if another file has taken its place; None if there is none."""
        path = project_location.path()
        status = path.stat() if path.is_file() else None
        file = (status.st_dev, status.st_ino) if status else None
        if self._db is None or file != self._file:
            if self._db is not None:
                self._db.close()
                self._db = None
            if file is None or not is_set_up(path):
                return None
            self._db, self._file = open_project(path), file
        return self._db


def _remember(times: dict[str, float], token: str) -> None:
    if len(times) > 1000:
        times.clear()
    times[token] = time.monotonic()


def _keep_alive(token: str) -> None:
    with project_location.opened() as db:
        sessions.keep_alive(db, token)

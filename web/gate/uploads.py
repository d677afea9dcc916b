"""Uploads: who may send files, how many and how large, checked before any of a file is read.

Streamlit keeps uploads in memory, by browser tab, and checks neither who sends them nor how much there is already.
"""

from __future__ import annotations

import re
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from streamlit import config, runtime

from annotator.errors import UserError
from pages.widgets.session import COOKIE
from service.transport.bodies import Bounds, announced_length
from web.gate.identity import token_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from starlette.types import Scope
    from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
    from streamlit.web.server.starlette.starlette_websocket import StarletteSessionClient

PREFIX = "/_stcore/upload_file/"
_ADDRESS = re.compile(rf"{PREFIX}(?P<session>[\w-]{{1,64}})/(?P<file>[\w-]{{1,64}})")

_FORM_BYTES = 1 << 20
"""What a form adds to the file that it carries."""


@dataclass(frozen=True, slots=True)
class Quota:
    """How much may be kept at once."""

    files: int
    bytes: int


PER_PERSON = Quota(20, 400 << 20)
IN_ALL = Quota(200, 2 << 30)

_GRACE_SECONDS = 60.0
_BYTES_PER_SECOND = 16 << 10


@dataclass(frozen=True, slots=True)
class _File:
    session: str
    file: str
    length: int


class Uploads:
    """What each person has uploaded or is uploading. For one event loop.

    Files of a tab that is no longer connected are dropped as soon as their room is needed. Streamlit itself drops them
    only minutes later, so that a brief loss of the connection loses nothing.
    """

    def __init__(self, per_person: Quota = PER_PERSON, in_all: Quota = IN_ALL) -> None:
        self._per_person = per_person
        self._in_all = in_all
        self._coming: set[_File] = set()
        self._owners: dict[str, int] = {}

    @contextmanager
    def admitted(self, scope: Scope, person_id: int) -> Iterator[Bounds]:
        """Reserve room for a file while it is uploaded; yield the bounds on its body.

        Args:
            person_id: whose quota it counts for; 0 for the one person of a project without accounts.

        Raises:
            UserError: if the tab is not this browser's, the file is too large, or there is no room left.
        """
        session, file = own_file(scope)
        length = announced_length(scope)
        if length is None or length < 0:
            raise UserError("upload_length")
        most = config.get_option("server.maxUploadSize") << 20
        if length > most + _FORM_BYTES:
            raise UserError("upload_too_large", most=most >> 20)
        coming = _File(session, file, length)
        if not self._has_room(coming, person_id):
            self._forget_disconnected()
            if not self._has_room(coming, person_id):
                raise UserError("upload_quota", files=self._per_person.files, most=self._per_person.bytes >> 20)
        self._owners[session] = person_id
        self._coming.add(coming)
        try:
            yield Bounds(length, seconds=_GRACE_SECONDS, bytes_per_second=_BYTES_PER_SECOND)
        finally:
            self._coming.discard(coming)

    def _has_room(self, coming: _File, person_id: int) -> bool:
        lengths = {(each.session, each.file): each.length for each in [*_kept(), *self._coming, coming]}
        own = {key: length for key, length in lengths.items() if self._owner(key[0], coming, person_id) == person_id}
        return _fits(list(lengths.values()), self._in_all) and _fits(list(own.values()), self._per_person)

    def _owner(self, session: str, coming: _File, person_id: int) -> int | None:
        return person_id if session == coming.session else self._owners.get(session)

    def _forget_disconnected(self) -> None:
        server = runtime.get_instance()
        for session in {each.session for each in _kept()}:
            if not server.is_active_session(session):
                _manager().remove_session_files(session)
        held = {each.session for each in [*_kept(), *self._coming]}
        self._owners = {session: owner for session, owner in self._owners.items() if session in held}


def own_file(scope: Scope) -> tuple[str, str]:
    """Return the tab and the file that an upload's address names.

    Raises:
        UserError: if the tab is not one that this browser has open.
    """
    match = _ADDRESS.fullmatch(scope["path"])
    client = runtime.get_instance().get_client(match["session"]) if match else None
    if match is None or client is None:
        raise UserError("upload_elsewhere")
    opened: StarletteSessionClient = client  # type: ignore[assignment]
    if opened.client_context.cookies.get(COOKIE) != token_of(scope):
        raise UserError("upload_elsewhere")
    return match["session"], match["file"]


def _fits(lengths: list[int], quota: Quota) -> bool:
    return len(lengths) <= quota.files and sum(lengths) <= quota.bytes


def _manager() -> MemoryUploadedFileManager:
    manager: MemoryUploadedFileManager = runtime.get_instance().uploaded_file_mgr  # type: ignore[assignment]
    return manager


def _kept() -> list[_File]:
    stored = list(_manager().file_storage.items())
    return [_File(session, file, len(upload.data)) for session, files in stored for file, upload in list(files.items())]

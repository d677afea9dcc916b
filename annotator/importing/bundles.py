"""Several text files as one: each of them is a diary, and all come in, or go again, together."""

from __future__ import annotations

import zipfile
from io import BytesIO
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from annotator.formats.source import TEXT_ENDINGS, open_source
from annotator.formats.texts import is_tabbed
from annotator.messages import say

if TYPE_CHECKING:
    from collections.abc import Sequence

    from annotator.formats.source import Source

_LONG_AGO = (1980, 1, 1, 0, 0, 0)
"""The date of every file in an archive, so that the same files give the same bytes."""


def bundle(files: Sequence[tuple[Path | bytes, str]]) -> list[tuple[Path | bytes, str]]:
    """Return files with all that are one text each in an archive of theirs; one alone stays what it is.

    Raises:
        UserError: if one can't be read.
    """
    ready = [(content, name, _opened(content, name)) for content, name in files]
    texts = [source for _, _, source in ready if source is not None]
    if len(texts) < 2:
        return list(files)
    others = [(content, name) for content, name, source in ready if source is None]
    together = say("import.together", name=texts[0].name, count=len(texts) - 1)
    return [(_archive(texts), f"{together}.zip"), *others]


def _opened(content: Path | bytes, name: str) -> Source | None:
    """Return a file that is one text; None for any other."""
    is_text = PurePosixPath(name).suffix.lower() in TEXT_ENDINGS
    if not is_text or (isinstance(content, Path) and content.is_dir()):
        return None
    source = open_source(content, name)
    return None if is_tabbed(source) else source


def _archive(texts: Sequence[Source]) -> bytes:
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        names: set[str] = set()
        for source in texts:
            name = _unused(source.name, names)
            names.add(name)
            archive.writestr(zipfile.ZipInfo(name, _LONG_AGO), b"".join(source.chunks()))
    return buffer.getvalue()


def _unused(name: str, used: set[str]) -> str:
    """Return a name that no other file has: files of several folders may be called alike."""
    path = PurePosixPath(name)
    numbered = (f"{path.stem} ({number}){path.suffix}" for number in range(2, len(used) + 3))
    return name if name not in used else next(each for each in numbered if each not in used)

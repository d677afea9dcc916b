"""An export that is written beside the database while the app goes on.

Each project runs one at a time, which everybody who may export can see.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from annotator import background, project
from annotator.accounts import diary_access
from annotator.errors import UserError
from annotator.exporting.registry import FORMATS
from annotator.project import exports_folder
from maeumgyeol import private_files

if TYPE_CHECKING:
    from pathlib import Path

    from annotator.accounts.permissions import Person
    from annotator.messages import Language


class Job(background.Job):
    """One export.

    Attributes:
        target: where it will be.
    """

    def __init__(self, target: Path, arguments: dict[str, Any], language: Language) -> None:
        self.target = target
        job_arguments = {**arguments, "target": str(target), "language": language}
        super().__init__(
            "annotator.exporting.export_job:serve", job_arguments, stopped="export_ended", language=language
        )


_JOBS: dict[Path, Job] = {}
"""Jobs by the database that they export."""


def start(
    database: Path, file_format: str, *, person: Person, decided_only: bool, crosswalk: str | None, language: Language
) -> None:
    """Start an export into the folder beside the database, unless one is running already.

    Raises:
        UserError: ``folder_unwritable`` if there is no room for it, ``right_missing`` for whoever may not export.
    """
    with project.opened(database) as db:
        diary_access.require_right(db, diary_access.actor_of(person), "review")
    running = find(database)
    if running is not None and running.poll() is not None:
        return
    forget(database)
    folder = exports_folder(database.resolve())
    try:
        private_files.make_folder(folder)
    except OSError as error:
        raise UserError("folder_unwritable", path=str(folder), reason=error.strerror or "") from error
    arguments: dict[str, Any] = {"database": str(database.resolve()), "format": file_format}
    arguments |= {"decided_only": decided_only, "crosswalk": crosswalk}
    _JOBS[database] = Job(_free_name(folder, file_format), arguments, language)


def find(database: Path) -> Job | None:
    """Return a project's export if it is running, or has ended and was not forgotten."""
    return _JOBS.get(database)


def forget(database: Path) -> None:
    """End a project's export if it is still running, and forget it. Its partial file has no final name yet."""
    job = _JOBS.pop(database, None)
    if job is not None:
        job.stop()


def _free_name(where: Path, file_format: str) -> Path:
    ending, number = FORMATS[file_format].ending, 1
    while (target := where / f"{file_format}-{number}{ending}").exists():
        number += 1
    return target

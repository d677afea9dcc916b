from __future__ import annotations

import re
from contextlib import closing
from typing import TYPE_CHECKING

from annotator import project
from annotator.labelling import browser_key

if TYPE_CHECKING:
    from pathlib import Path

    from db import Database


def test_a_persons_key_stays_and_is_nobody_elses(opened: Database, project_path: Path) -> None:
    key = browser_key.key_for(opened, 1)
    assert re.fullmatch(r"[0-9a-f]{64}", key)
    assert browser_key.key_for(opened, 2) != key
    with closing(project.open_project(project_path)) as later:
        assert browser_key.key_for(later, 1) == key


def test_keys_of_two_projects_differ(opened: Database, tmp_path: Path) -> None:
    project.init(tmp_path / "other.db", seed="00" * 16)
    with closing(project.open_project(tmp_path / "other.db")) as other:
        assert browser_key.key_for(other, 1) != browser_key.key_for(opened, 1)

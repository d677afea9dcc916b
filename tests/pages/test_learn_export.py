"""The button that shows how a version leaves for use elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

from annotator import project
from db.models import models

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from streamlit.testing.v1 import AppTest


def _add_version(path: Path, tier: str) -> None:
    with project.opened(path) as db:
        new = models.NewModel(tier, "bundled", "hash", (1, 2, 3, 4, 5, 6, 7), b"", {}, (1, 2))
        models.activate(db, models.add_model(db, new), reason="test")


def test_the_command_for_the_newest_version_stands_ready(filled: Path, open_app: Callable[..., AppTest]) -> None:
    _add_version(filled, "zero")
    _add_version(filled, "instant")
    app = open_app("learn")
    (command,) = app.code
    assert command.value == f"maeumgyeol model export 1 model-1 --format onnx --db {filled}"
    assert not [group for group in app.get("button_group") if group.key == "learn_publish_format_ko"]


def test_only_a_tuned_version_can_leave_as_a_transformers_folder(
    filled: Path, open_app: Callable[..., AppTest]
) -> None:
    _add_version(filled, "zero")
    _add_version(filled, "adapter")
    app = open_app("learn")
    (form,) = [group for group in app.get("button_group") if group.key == "learn_publish_format_ko"]
    form.set_value("transformers").run()
    assert "--format transformers" in app.code[0].value
    app.selectbox(key="learn_publish_which_2_ko").set_value(0).run()
    assert "export 0 model-0 --format onnx" in app.code[0].value

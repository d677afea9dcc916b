"""How to write a version from the command line."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from annotator import project

if TYPE_CHECKING:
    from pathlib import Path

    from annotator.publishing.published import Format


def formats_of(tier: str) -> tuple[Format, ...]:
    """Return in which formats a version of a tier can be written."""
    return ("onnx", "transformers") if tier in ("adapter", "full") else ("onnx",)


def export_command(path: Path, version: int, form: Format) -> str:
    """Return the command line that writes a version of the project at `path`."""
    words = ["maeumgyeol", "model", "export", str(version), f"model-{version}", "--format", form]
    if path != project.default_path():
        words += ["--db", str(path)]
    return shlex.join(words)

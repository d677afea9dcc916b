"""A project's whole life within one process whose umask keeps nobody out. Started by test_ownership.py."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from annotator.cli import main as cli
from annotator.exporting.registry import FORMATS
from learner.encoders import tiers
from learner.errors import LearnerError


def main() -> None:
    place, tiny = Path(sys.argv[1]), sys.argv[2]
    path = place / "new" / "deep" / "project.db"
    tiers.STEPS.update(adapter=6, full=6)

    def run(*arguments: object) -> None:
        # Without `cli.main`, which keeps its own umask: what is called here is right under any.
        os.umask(0)
        cli.cli([str(argument) for argument in arguments], standalone_mode=False)

    run("init", "--db", path, "--encoder", tiny, "--test-share", "0.3")
    run("import", place / "diaries.csv", "--db", path, "--report", place / "report.csv")
    run("next", "--db", path)
    run("label", "41", "행복", "--db", path)
    run("undo", "--db", path)
    run("work", "--until-idle", "--db", path)
    for tier in ("adapter", "full"):
        run("retrain", "--tier", tier, "--db", path)
    for name, form in FORMATS.items():
        run("export", place / f"export-{name}{form.ending}", "--format", name, "--db", path)
    run("backup", place / "backup.db", "--db", path)
    run("model", "export", "1", place / "published" / "onnx", "--format", "onnx", "--db", path)
    run("model", "export", "1", place / "published" / "plain", "--format", "transformers", "--db", path)
    run("dictionary", "export", place / "words.csv", "--db", path)
    run("removal", "--db", path, "--json")
    figures = ["--batch", "5", "--budget", "10", "--seeds", "1", "--strategies", "random", "--encoder", tiny]
    run("simulate", place / "diaries.csv", *figures, "--json", place / "simulated.json")
    run("recipe", "run", "A1", "--data", place / "recipe.csv", "--encoder", tiny, "--out", place / "recipes" / "a1")
    run("settings", "--precision", "int8", "--db", path)
    try:
        run("work", "--until-idle", "--db", path)
    except LearnerError as error:
        # Of random weights too little may be left at eight bits; its files were written all the same.
        assert error.code == "int8_disagrees", error  # noqa: PT017


if __name__ == "__main__":
    main()

"""Every kind of child process ends with the process that started it, also where that is killed outright."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import numpy as np
import psutil
import pytest

from tests import trying as small
from tests.browser.conftest import free_port
from tests.conftest import ROOT
from tests.learner.test_speech import wav

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.slow

PATIENCE = 120.0

# What starts each kind; those whose children live for a moment start one after the other.
_STARTS = {
    "reader": """
from annotator.formats.source import open_source
from annotator.importing.reader import opened
held = opened(open_source(b"text\\nrain\\n", "a.csv"))
table = held.__enter__()
""",
    "config": """
from annotator.formats.config_files import decode
while True:
    decode(b"a = 1", "toml", name="a.toml")
""",
    "sound": """
from annotator.serving import sound
data = (folder / "a.wav").read_bytes()
while True:
    sound.read(data)
""",
    "kss": """
from learner.text.sentences import SentenceSplitter
splitter = SentenceSplitter(timeout_seconds=60)
splitter.split(["갔다."])
""",
    "predictor": """
from annotator import try_out
trial = try_out.ask(folder / "project.db", "갔다. 왔다.")
trial.explained.result()
""",
    "simulation": """
from annotator.simulation import job
options = job.Options(("random",), 2, 9, 1, "bundled")
job.start((folder / "labels.csv").read_bytes(), "labels.csv", options, language="ko")
""",
    "app": """
from annotator.cli.supervisor import serve
serve(folder / "project.db", address="127.0.0.1", port=port, with_worker=True, say=lambda url: None)
""",
    "export": """
from annotator.accounts.permissions import machine_owner
from annotator.exporting import job
while True:
    job.start(folder / "project.db", "csv", person=machine_owner(), decided_only=False, crosswalk=None, language="ko")
""",
}

_CHILDREN = {"predictor": 2, "app": 2}
"""With the one that splits sentences for it; the server and the worker."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("children")
    small.make(folder)
    (folder / "a.wav").write_bytes(wav(np.zeros(160_000, np.float32)))
    rows = [f"{i}번째 날,{'행복' if i % 2 else '슬픔'}" for i in range(40)]
    (folder / "labels.csv").write_text("\n".join(["text,label", *rows]), "utf-8")
    return folder


@pytest.mark.parametrize("kind", list(_STARTS))
def test_a_child_ends_with_a_process_that_is_killed(kind: str, folder: Path) -> None:
    begin = f"import time\nfrom pathlib import Path\nfolder, port = Path({str(folder)!r}), {free_port()}"
    program = f"{begin}\n{_STARTS[kind]}\ntime.sleep(600)"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen([sys.executable, "-c", program], cwd=ROOT, env=environment) as parent:
        try:
            children = _wait_for_children(parent, _CHILDREN.get(kind, 1))
        finally:
            parent.kill()
    _, alive = psutil.wait_procs(children, timeout=PATIENCE)
    assert alive == []


def _wait_for_children(parent: subprocess.Popen[bytes], count: int) -> list[psutil.Process]:
    deadline = time.monotonic() + PATIENCE
    while len(children := psutil.Process(parent.pid).children(recursive=True)) < count:
        assert parent.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return children

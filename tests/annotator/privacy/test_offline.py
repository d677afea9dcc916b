"""What people wrote stays in their database: it is in no log, no error and no job record."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
import traceback
from typing import TYPE_CHECKING, Any

import pytest

from annotator import project
from annotator.errors import AppError
from annotator.importing import ColumnMap, import_file
from annotator.labelling import decisions
from annotator.labelling.queueing import enqueue_import
from annotator.messages import LANGUAGES, explain
from annotator.training import rounds as round_cases
from db.connection import write
from db.errors import DatabaseError
from db.models import rounds
from db.people import annotators
from db.texts import sentences
from tests import trying
from tests.conftest import ROOT

if TYPE_CHECKING:
    from pathlib import Path

    from db import Database

SECRET = "옥상에서혼자울었다"
"""A word that occurs in diaries and memos of these tests and nowhere else."""

LONG = f"오늘은 아무에게도 말하지 않은 하루였다. 그리고 {SECRET}. "


def _whole_report(error: BaseException) -> str:
    """Return all that an error says of itself, its causes included, as a log or a terminal might show it."""
    seen = "".join(traceback.format_exception(error))
    if isinstance(error, AppError):
        seen += "".join(explain(error, language) for language in LANGUAGES) + repr(error.details)
    return seen + repr(error.args)


BROKEN = {
    "a row with too many values.csv": f"text,date\n{LONG},2026-01-01\n{LONG},2026-01-01,3\n".encode(),
    "a quote that is not closed.csv": f'text,date\n"{LONG}" {SECRET},2026-01-01\n'.encode(),
    "an encoding that breaks off.csv": f"text\n{LONG}\n".encode() + "똠펲".encode("cp949") + b"\xff\n",
    "a date where the heading says so.csv": f"text,date\n{LONG},{SECRET * 3}\n\0{LONG},x\n".encode(),
    "json that breaks off.jsonl": f'{{"text": "{LONG}"}}\n{{"text": "{LONG}\n'.encode(),
    "json of another kind.jsonl": f'{{"text": "{LONG}"}}\n["{LONG}"]\n'.encode(),
    "json with a key twice.jsonl": f'{{"text": "{LONG}", "text": "{LONG}"}}\n'.encode(),
    "no table.txt": LONG.encode(),
    "text that is called a workbook.xlsx": (LONG * 50).encode(),
    "text that is called parquet.parquet": (LONG * 50).encode(),
}


@pytest.mark.parametrize("name", BROKEN)
def test_an_import_that_breaks_off_repeats_no_diary(
    opened: Database, name: str, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    told = ""
    try:
        import_file(opened, BROKEN[name], name)
    except AppError as error:
        told = _whole_report(error)
    assert SECRET not in told
    assert SECRET not in caplog.text
    assert SECRET not in "".join(capfd.readouterr())


def test_an_import_that_fails_at_the_database_repeats_no_diary(
    opened: Database, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    opened.conn.execute("pragma query_only = on")
    with pytest.raises(DatabaseError) as caught:
        import_file(opened, f"text\n{LONG}\n".encode(), "a.csv")
    assert SECRET not in _whole_report(caught.value)
    assert SECRET not in caplog.text


def test_a_label_column_that_holds_diaries_repeats_no_whole_diary(opened: Database) -> None:
    """Unknown labels are listed, so a wrong column would be too: values are cut short."""
    content = f"a,b\n{LONG},1\n"
    with pytest.raises(AppError) as caught:
        import_file(opened, content.encode(), "a.csv", columns=ColumnMap(text="b", label="a"))
    assert caught.value.code == "import_ask_unknown"
    assert SECRET not in _whole_report(caught.value)


@pytest.mark.parametrize(
    "wrong",
    [
        {"label_id": 99},
        {"diary_id": 12345},
        {"kind": SECRET},
        {"token": SECRET * 10},
        {"seconds": SECRET},
        {"diary_id": SECRET},
        {"seq": SECRET},
    ],
    ids=lambda wrong: next(iter(wrong)),
)
def test_a_refused_press_repeats_no_memo(
    opened: Database, wrong: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    import_file(opened, f"text\n{LONG}\n".encode(), "a.csv", after=enqueue_import)
    me = annotators.get_or_create_id(opened, "나")
    raw = {"seq": 1, "kind": "label", "token": "token-0001", "diary_id": 1, "label_id": 1, "memo": SECRET, **wrong}
    receipt = decisions.receive(opened, raw, annotator_id=me, holder="tab-0001", acked=0)
    assert receipt.refused is not None
    assert SECRET not in "".join(explain(receipt.refused, language) for language in LANGUAGES)
    assert SECRET not in repr(receipt.refused.details)
    assert SECRET not in caplog.text


def test_a_press_that_can_not_be_kept_repeats_no_memo(opened: Database, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    import_file(opened, f"text\n{LONG}\n".encode(), "a.csv", after=enqueue_import)
    me = annotators.get_or_create_id(opened, "나")
    opened.conn.execute("pragma query_only = on")
    raw = {"seq": 1, "kind": "flag", "token": "token-0001", "diary_id": 1, "memo": SECRET}
    with pytest.raises(DatabaseError) as caught:
        decisions.receive(opened, raw, annotator_id=me, holder="tab-0001", acked=0)
    assert SECRET not in _whole_report(caught.value)
    assert SECRET not in caplog.text


def _bytes_of(*paths: Path) -> bytes:
    """Return all bytes of files and folders, and of the logs that SQLite writes beside them."""
    beside = [file for path in paths for file in path.parent.glob(path.name + "*") if file.is_file()]
    inside = [file for path in paths if path.is_dir() for file in path.rglob("*") if file.is_file()]
    assert beside or inside
    return b"".join(file.read_bytes() for file in {*beside, *inside})


@pytest.mark.slow
def test_a_worker_writes_no_diary_beside_the_database(tmp_path: Path) -> None:
    """Its output, its lock and its vectors are looked through byte by byte."""
    path = tmp_path / "project.db"
    trying.begin(path)
    rows = [{"text": f"{i} {LONG}", "label": ("행복", "슬픔", "")[i % 3], "note": SECRET} for i in range(12)]
    with project.opened(path) as db:
        lines = "\n".join(json.dumps(row, ensure_ascii=False) for row in rows)
        import_file(db, lines.encode(), "a.jsonl", after=enqueue_import)
        round_cases.request(db, annotator_id=None)
    worked = _work(path)
    assert SECRET not in worked.stdout + worked.stderr
    assert worked.returncode == 0, worked.stderr
    with project.opened(path) as db, write(db):
        assert sentences.count_unsplit(db) == 0
        assert rounds.list_rounds(db)[0].status == "done"
        # The upkeep fails on these in a way that nobody has foreseen.
        db.conn.execute("update diaries set metadata = '{'")
        db.conn.execute("delete from explanations")
    failed = _work(path)
    assert "JSONDecodeError" in failed.stderr
    assert SECRET not in failed.stdout + failed.stderr
    secret = SECRET.encode()
    assert secret in _bytes_of(path)
    others = [file for file in tmp_path.iterdir() if not file.name.startswith("project.db") or "-" in file.name]
    assert path.with_name("project.db-worker.lock") in others
    beside = [file for file in others if file.name not in ("project.db-wal", "project.db-shm")]
    content = b"".join(_bytes_of(file) for file in beside)
    for form in (secret, SECRET.encode("utf-16-le"), json.dumps(SECRET).strip('"').encode()):
        assert form not in content


def _work(path: Path) -> subprocess.CompletedProcess[str]:
    program = (
        "import logging, sys; logging.basicConfig(level=logging.INFO); from pathlib import Path;"
        "from annotator.worker.loop import Worker; Worker(Path(sys.argv[1])).run(until='idle')"
    )
    command = [sys.executable, "-c", program, str(path)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=180)

"""The benchmark that kills processes finds nothing lost, and would find it."""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from annotator import project
from annotator.accounts import diary_access
from annotator.labelling import board, decisions, group_acts
from db.answers import groups
from db.people import annotators
from tests.conftest import ROOT, fill

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.slow

_CHECK = """
import json, sys
from pathlib import Path
from benchmarks.kill_ledger import Ledger
for sent, kept, groups in json.loads(sys.argv[2]):
    ledger = Ledger(sent=set(sent), groups={token: tuple(counts) for token, counts in groups.items()})
    sound = ledger.check(Path(sys.argv[1]), set(kept))
    print(json.dumps([sound, len(ledger.lost), ledger.doubled]))
"""


def test_processes_that_are_killed_lose_nothing_that_was_confirmed(tmp_path: Path) -> None:
    out = tmp_path / "kill.json"
    command = [sys.executable, "benchmarks/kill.py", "--trials", "3", "--rows", "900", "--worker-share", "0.7"]
    options = ["--folder", str(tmp_path), "--json", str(out)]
    done = subprocess.run([*command, *options], cwd=ROOT, capture_output=True, text=True, check=False, timeout=900)
    report = json.loads(out.read_text())
    assert done.returncode == 0, (report, done.stderr[-2000:])
    assert (report["lost"], report["doubled"], report["sound"]) == (0, 0, 3)
    assert sum(report["killed"].values()) == 3
    for trouble in (report["full_disk"], report["read_only"]):
        assert (trouble["lost"], trouble["sound"], trouble["went_on"]) == (0, True, True)
        assert trouble["refused"] > 0


def test_a_press_that_is_lost_or_that_nobody_sent_is_counted(project_path: Path) -> None:
    with closing(project.open_project(project_path)) as db:
        fill(db, 24)
        me = annotators.get_or_create_id(db, "나")
        items = board.load_board(db, annotator_id=me, holder="tab", language="ko").items
        for seq, item in enumerate(items[:2], 1):
            raw = {"seq": seq, "kind": "label", "token": item["token"], "diary_id": item["diary_id"], "label_id": 1}
            assert decisions.receive(db, raw, annotator_id=me, holder="tab", acked=0).refused is None
        others = [i for i in range(1, 25) if i not in {item["diary_id"] for item in items}]
        group_acts.label(db, diary_access.person(me), others, 1, token=(grid := "token-of-a-grid"), kind="similar")
        act = groups.find_act(db, grid)
    assert act is not None
    counts, fewer = (act.labelled_count, act.held_count), (act.labelled_count - 1, act.held_count)
    first, second = (item["token"] for item in items[:2])
    every = [first, second, grid]
    checks: list[tuple[list[str], list[str], dict[str, tuple[int, int]]]] = [
        (every, every, {grid: counts}),
        ([*every, "gone"], [*every, "gone"], {grid: counts}),
        ([second, grid], [second, grid], {grid: counts}),
        ([first, second], [first, second], {}),
        (every, every, {grid: fewer}),
    ]
    done = subprocess.run(
        [sys.executable, "-c", _CHECK, str(project_path), json.dumps(checks)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    expected = [[True, 0, 0], [True, 1, 0], [True, 0, 1], [True, 0, 1], [True, 1, 0]]
    assert [json.loads(line) for line in done.stdout.splitlines()] == expected

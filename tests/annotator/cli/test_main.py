"""The command line: every use-case, JSON where a program may read it, errors in one line with exit code 2."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import urllib.request
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

import db as database
from annotator import project
from annotator.cli.main import main
from annotator.errors import UserError
from annotator.messages import explain
from annotator.worker_lock import only_worker
from db.answers import decisions, queue
from db.errors import DatabaseError
from db.models import models, rounds
from db.people import annotators
from db.texts import diaries
from tests import trying
from tests.browser.conftest import free_port
from tests.conftest import ROOT, answer_test_part, fill

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from db import Database


@dataclass(frozen=True)
class Ran:
    """How a command ended. `json` is its output, read strictly: NaN is no JSON."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out, parse_constant=_refuse)


def _refuse(constant: str) -> None:
    raise ValueError(constant)


COMMANDS = (
    "init",
    "import",
    "work",
    "app",
    "worker",
    "next",
    "label",
    "retrain",
    "status",
    "export",
    "predict",
    "explain",
)


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., Ran]:
    """Run a command in this process, as the installed `maeumgyeol` does."""

    def run_command(*arguments: str | Path) -> Ran:
        monkeypatch.setattr(sys, "argv", ["maeumgyeol", *map(str, arguments)])
        capsys.readouterr()
        code = 0
        try:
            main()
        except SystemExit as ended:
            code = int(ended.code or 0)
        return Ran(code, *capsys.readouterr())

    return run_command


def _start(*arguments: str | Path, **options: Any) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "annotator.cli", *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=180, **options)


def _assert_refused(ran: Ran, error: UserError | DatabaseError) -> None:
    assert (ran.code, ran.out) == (2, "")
    assert ran.err == explain(error) + "\n"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "일기.csv"
    rows = [f"{i}번째 날. 오늘은 정말 {mood}.,{date}" for i, (mood, date) in enumerate([("기뻤다", "2026-01-02")] * 8)]
    path.write_text("\n".join(["text,date", *rows]), "utf-8")
    return path


@pytest.fixture
def labelled_file(tmp_path: Path) -> Path:
    path = tmp_path / "labelled.csv"
    moods = (("정말 기쁘고 즐거운 하루였다", "행복"), ("너무 슬프고 눈물이 났다", "슬픔"))
    rows = [f"{i}번째 날. 오늘은 {moods[i % 2][0]}.,{moods[i % 2][1]}" for i in range(40)]
    path.write_text("\n".join(["text,label", *rows]), "utf-8")
    return path


@pytest.fixture
def filled(project_path: Path, file: Path, run: Callable[..., Ran]) -> Path:
    assert run("import", file, "--db", project_path).code == 0
    return project_path


def _open(path: Path) -> Database:
    return project.open_project(path)


# The main job


def test_diaries_come_in_are_labelled_taken_back_and_go_out(
    tmp_path: Path, file: Path, run: Callable[..., Ran]
) -> None:
    path = tmp_path / "new" / "project.db"
    assert run("init", "--db", path).code == 0
    imported = run("import", file, "--db", path, "--json").json
    assert (imported["row_count"], imported["kept_count"], imported["columns"]["date"]) == (8, 8, "date")
    first = run("next", "--db", path, "--json").json
    assert first["text"].endswith("기뻤다.")
    assert run("next", "--db", path, "--json").json["diary_id"] == first["diary_id"], "until it is decided"
    kept = run("label", first["diary_id"], "행복", "--memo", "맑음", "--db", path, "--json").json
    assert kept["decision_id"] == 1
    assert run("next", "--db", path, "--json").json["diary_id"] != first["diary_id"]
    status = run("status", "--db", path, "--json").json
    assert (status["diary_count"], status["counts"]["2"], status["active"]) == (8, 1, None)
    taken = run("undo", "--db", path, "--json").json
    assert (taken["diary_id"], taken["memo"]) == (first["diary_id"], "맑음")
    assert run("status", "--db", path, "--json").json["counts"]["2"] == 0
    assert run("export", tmp_path / "out.jsonl", "--db", path).code == 0
    assert len((tmp_path / "out.jsonl").read_text("utf-8").splitlines()) == 8
    assert run("backup", tmp_path / "copy.db", "--db", path).code == 0
    assert project.is_set_up(tmp_path / "copy.db")


def test_what_a_command_says_to_people_is_in_their_language(
    filled: Path, run: Callable[..., Ran], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "고르게" in run("next", "--db", filled).out or "공정하게" in run("next", "--db", filled).out
    monkeypatch.setenv("MAEUMGYEOL_LANG", "en")
    assert run("status", "--db", filled).out.startswith("8 diaries")
    why = run("next", "--db", filled, "--json").json["why"]
    assert why.isascii()


def test_the_database_is_named_by_the_environment_too(
    filled: Path, run: Callable[..., Ran], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MAEUMGYEOL_DB", str(filled))
    assert run("status", "--json").json["diary_count"] == 8


def test_next_hands_out_one_diary_and_not_more(filled: Path, run: Callable[..., Ran]) -> None:
    run("next", "--db", filled)
    with closing(_open(filled)) as db:
        me = annotators.get_or_create_id(db, "나")
        assert len(queue.list_leases(db, annotator_id=me, holder=f"cli-{me}")) == 1


def test_two_people_are_shown_different_diaries_and_a_name_is_one_person_however_it_is_written(
    filled: Path, run: Callable[..., Ran]
) -> None:
    shown = [
        run("next", "--name", name, "--db", filled, "--json").json["diary_id"] for name in ("가람", "나래", " 가람 ")
    ]
    assert shown[0] == shown[2] != shown[1]
    with closing(_open(filled)) as db:
        assert sorted(annotators.list_people(db)) == ["가람", "나래"]


def test_a_label_file_and_settings_are_used_with_and_without_the_demo(tmp_path: Path, run: Callable[..., Ran]) -> None:
    (tmp_path / "labels.toml").write_text('[[labels]]\nname = "좋음"\n[[labels]]\nname = "나쁨"\n', "utf-8")
    for name, demo in (("a.db", ()), ("b.db", ("--demo",))):
        path = tmp_path / name
        chosen = ("--labels", tmp_path / "labels.toml", "--test-share", "0.5")
        assert run("init", "--db", path, *chosen, *demo).code == 0
        status = run("status", "--db", path, "--json").json
        assert [label["name"] for label in status["labels"]] == ["좋음", "나쁨"]
        assert (status["diary_count"] > 0) == bool(demo)
        assert not demo or status["test_count"] > 0.4 * status["diary_count"]


def test_a_share_of_diaries_is_hidden_as_the_settings_command_says(filled: Path, run: Callable[..., Ran]) -> None:
    assert run("next", "--db", filled, "--json").json["blind"] is False
    assert run("settings", "--blind-share", "1", "--db", filled, "--json").json["blind_share"] == 1
    assert run("next", "--db", filled, "--json").json["blind"] is True
    refused = run("settings", "--blind-share", "1.5", "--db", filled)
    assert (refused.code, "1.5" in refused.err) == (2, True)
    anchoring = run("status", "--db", filled, "--json").json["anchoring"]
    assert (anchoring["blind_share"], anchoring["verdict"]) == (1, "few")
    assert anchoring["hidden"] == {"n": 0, "same": {"value": None, "low": 0, "high": 1}}


def test_the_report_lists_what_was_left_out_of_each_file(
    tmp_path: Path, project_path: Path, run: Callable[..., Ran]
) -> None:
    for name in ("a", "b"):
        (tmp_path / f"{name}.csv").write_text(f"text\n{name} 오늘은 맑았다\n \n", "utf-8")
    one = tmp_path / "one.csv"
    assert run("import", tmp_path / "a.csv", "--report", one, "--db", project_path).code == 0
    assert "3" in one.read_text("utf-8-sig").splitlines()[1]
    several = tmp_path / "report.csv"
    assert run("import", tmp_path / "a.csv", tmp_path / "b.csv", "--report", several, "--db", project_path).code == 0
    assert len((tmp_path / "report-a.csv").read_text("utf-8-sig").splitlines()) == 3
    assert len((tmp_path / "report-b.csv").read_text("utf-8-sig").splitlines()) == 2


# Bad input


def test_a_database_that_is_missing_is_said_and_nothing_is_made(tmp_path: Path, run: Callable[..., Ran]) -> None:
    path = tmp_path / "none.db"
    for command in (["status"], ["next"], ["undo"], ["label", "1", "행복"], ["import", __file__], ["retrain"],
                    ["worker"], ["work", "--until-idle"], ["activate", "1"], ["predict", "x"], ["explain", "1"],
                    ["export", tmp_path / "out.csv"], ["backup", tmp_path / "copy.db"]):  # fmt: skip
        _assert_refused(run(*command, "--db", path), DatabaseError("database_missing", path=str(path)))
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_missing_or_a_folder_is_said(
    tmp_path: Path, project_path: Path, run: Callable[..., Ran]
) -> None:
    missing = run("import", tmp_path / "none.csv", "--db", project_path)
    _assert_refused(missing, UserError("import_file_missing", path=str(tmp_path / "none.csv")))
    folder = run("import", tmp_path, "--db", project_path)
    _assert_refused(folder, UserError("import_file_is_folder", path=str(tmp_path)))


def test_a_binary_file_is_said(tmp_path: Path, project_path: Path, run: Callable[..., Ran]) -> None:
    (tmp_path / "photo.csv").write_bytes(bytes(range(256)) * 40)
    ran = run("import", tmp_path / "photo.csv", "--db", project_path)
    _assert_refused(ran, UserError("import_file_binary", name="photo.csv"))


def test_an_unknown_label_is_said_with_those_that_are_known(filled: Path, run: Callable[..., Ran]) -> None:
    ran = run("label", "1", "신남", "--db", filled)
    assert ran.code == 2
    assert "신남" in ran.err
    assert "행복" in ran.err
    assert ran.err.count("\n") == 1
    with closing(_open(filled)) as db:
        assert decisions.last_decision_id(db) == 0


def test_an_unknown_label_in_a_file_keeps_all_of_it_out(
    tmp_path: Path, project_path: Path, run: Callable[..., Ran]
) -> None:
    (tmp_path / "a.csv").write_text("text,label\n오늘은 맑았다,행복\n오늘은 흐렸다,신남\n", "utf-8")
    ran = run("import", tmp_path / "a.csv", "--db", project_path)
    assert (ran.code, ran.out, ran.err.count("\n")) == (2, "", 3)  # the question, and an option for each answer
    assert "신남" in ran.err
    with closing(_open(project_path)) as db:
        assert diaries.count_diaries(db) == 0


def test_an_unknown_diary_is_said(filled: Path, run: Callable[..., Ran]) -> None:
    _assert_refused(run("label", "99", "행복", "--db", filled), DatabaseError("diary_missing", id=99))
    for number in ("0", str(2**63), "하나"):
        ran = run("label", number, "행복", "--db", filled)
        assert (ran.code, ran.out, ran.err.count("\n")) == (2, "", 1)


def test_nothing_left_nothing_to_undo_and_nothing_to_learn_are_said(
    project_path: Path, run: Callable[..., Ran]
) -> None:
    _assert_refused(run("next", "--db", project_path), UserError("nothing_left"))
    _assert_refused(run("undo", "--name", "가람", "--db", project_path), UserError("nothing_to_undo", name="가람"))
    _assert_refused(run("retrain", "--db", project_path), UserError("labels_of_one_kind", count=0))
    _assert_refused(run("activate", "3", "--db", project_path), UserError("no_model_yet"))
    _assert_refused(run("predict", "오늘", "--db", project_path), UserError("no_model_yet"))


def test_a_project_that_is_there_is_not_made_again(project_path: Path, run: Callable[..., Ran]) -> None:
    _assert_refused(run("init", "--db", project_path), UserError("project_exists", path=str(project_path)))


def test_a_file_of_something_else_is_left_alone(tmp_path: Path, run: Callable[..., Ran]) -> None:
    path = tmp_path / "diary.txt"
    path.write_text("오늘은 비가 왔다. " * 300, "utf-8")
    before = path.read_bytes()
    for command in ("status", "init", "next", "worker"):
        _assert_refused(run(command, "--db", path), DatabaseError("database_not_one", path=str(path)))
    assert path.read_bytes() == before


def test_a_database_of_a_newer_version_is_left_alone(filled: Path, run: Callable[..., Ran]) -> None:
    with closing(database.connect(filled)) as db:
        db.execute("insert into _sqlite_migrations (migration_set, name, applied_at) values ('maeumgyeol', 'm999', '')")
    before = filled.read_bytes()
    for command in (["status"], ["next"], ["init"], ["label", "1", "행복"], ["worker"]):
        ran = run(*command, "--db", filled)
        _assert_refused(ran, DatabaseError("database_newer", path=str(filled), migration="m999"))
    assert filled.read_bytes() == before


def test_a_second_worker_is_refused(project_path: Path, run: Callable[..., Ran]) -> None:
    with only_worker(project_path):
        for command in (["worker"], ["work", "--until-idle"]):
            ran = run(*command, "--db", project_path)
            _assert_refused(ran, UserError("worker_running", path=str(project_path), pid=str(os.getpid())))


def test_a_round_in_which_three_workers_died_is_given_up_and_said(project_path: Path, run: Callable[..., Ran]) -> None:
    with closing(_open(project_path)) as db:
        round_id = rounds.request_round(db, annotator_id=None)
        assert [rounds.begin_attempt(db, round_id) for _ in range(4)] == [0, 1, 2, 3]
        rounds.withdraw_attempt(db, round_id)
    ran = run("work", "--until-idle", "--db", project_path)
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.splitlines()[-1] == explain(UserError("round_fatal", count=3))
    assert run("work", "--until-idle", "--db", project_path).code == 0, "once is enough"


def test_a_port_that_is_taken_is_said(project_path: Path, run: Callable[..., Ran]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        ran = run("app", "--port", str(port), "--db", project_path)
    assert (ran.code, ran.out, ran.err.count("\n")) == (2, "", 1)
    assert f"127.0.0.1:{port}" in ran.err


@pytest.mark.parametrize(
    "command",
    [
        ["init", "--test-share", "2"],
        ["init", "--labels", "/no/such/labels.toml"],
        ["init", "--db", "/dev/null/project.db"],
        ["import"],
        ["label", "1"],
        ["app", "--port", "99999"],
        ["no-such-command"],
        ["status", "--no-such-option"],
        ["status", "--db", "/"],
        ["work"],
    ],
    ids=" ".join,
)
def test_a_wrong_call_is_one_line_and_exit_code_2(
    command: list[str], tmp_path: Path, run: Callable[..., Ran], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    ran = run(*command)
    assert (ran.code, ran.out, ran.err.count("\n")) == (2, "", 1)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("target", ["none/out.csv", "out.hwp", "project.db"])
def test_an_export_that_can_not_be_written_is_one_line(target: str, filled: Path, run: Callable[..., Ran]) -> None:
    before = sorted(filled.parent.iterdir())
    ran = run("export", filled.parent / target, "--db", filled)
    assert (ran.code, ran.out, ran.err.count("\n")) == (2, "", 1)
    assert sorted(filled.parent.iterdir()) == before


def test_a_report_that_can_not_be_written_is_one_line(filled: Path, file: Path, run: Callable[..., Ran]) -> None:
    report = filled.parent / "none" / "report.csv"
    ran = run("import", file, "--report", report, "--db", filled)
    assert (ran.code, ran.err.count("\n")) == (2, 1)
    assert str(report) in ran.err


def test_a_fault_of_the_program_is_one_line_without_its_text(
    filled: Path, run: Callable[..., Ran], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("오늘은 비밀 이야기를 적었다")

    monkeypatch.setattr("annotator.status.worker_lock.is_working", fail)
    ran = run("status", "--db", filled)
    assert (ran.code, ran.out, ran.err.count("\n")) == (1, "", 1)
    assert "RuntimeError" in ran.err
    assert "비밀" not in ran.err


# As processes of their own


def test_a_command_loads_none_of_the_others() -> None:
    program = (
        "import sys; from annotator.cli.main import cli; cli.commands['undo'];"
        "print(*(name for name in sys.modules if name.startswith('annotator.cli.')))"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True, timeout=60
    )
    loaded = {name.rpartition(".")[2] for name in ran.stdout.split()}
    assert loaded == {"click_words", "commands", "labelling", "main", "options"}


def test_the_module_runs_as_a_program(tmp_path: Path) -> None:
    ran = _start("status", "--db", tmp_path / "none.db")
    assert (ran.returncode, ran.stdout, ran.stderr.count("\n")) == (2, "", 1)
    helped = _start("--help")
    assert helped.returncode == 0
    for command in COMMANDS:
        assert f"\n  {command} " in helped.stdout


def _without_privileges() -> list[str]:
    """Return what to put before a command so that file permissions bind root too."""
    if os.getuid() != 0:
        return []
    command = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"]
    if shutil.which("setpriv") is None or subprocess.run([*command, "true"], check=False).returncode:
        pytest.skip("NOT TESTED: root may write read-only files, and setpriv can't take that right away")
    return command


def test_a_read_only_database_is_said_and_stays_as_it_is(filled: Path, tmp_path: Path) -> None:
    before_command = _without_privileges()
    folder = tmp_path / "shelf"
    folder.mkdir()
    path = folder / "project.db"
    with closing(_open(filled)) as db:
        database.backup(db, path)
    before = path.read_bytes()
    path.chmod(0o444)
    folder.chmod(0o555)
    try:
        for command in (["label", "1", "행복"], ["undo"], ["next"], ["import", tmp_path / "일기.csv"]):
            program = [*before_command, sys.executable, "-m", "annotator.cli", *command, "--db", path]
            ran = subprocess.run(program, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)
            assert (ran.returncode, ran.stdout, ran.stderr.count("\n")) == (2, "", 1)
            assert str(path) in ran.stderr
            assert "권한" in ran.stderr
    finally:
        folder.chmod(0o755)
    assert path.read_bytes() == before
    assert [file.name for file in folder.iterdir()] == ["project.db"]


@pytest.mark.slow
def test_a_checkpoint_that_can_not_be_loaded_is_said_and_the_diaries_stay(
    tmp_path: Path, file: Path, run: Callable[..., Ran]
) -> None:
    path, folder = tmp_path / "project.db", tmp_path / "checkpoint"
    folder.mkdir()
    (folder / "config.json").write_text("{}")
    assert run("init", "--encoder", folder, "--db", path).code == 0
    assert run("import", file, "--db", path).code == 0
    ran = _start("work", "--until-idle", "--db", path)
    assert (ran.returncode, ran.stdout) == (2, "")
    assert str(folder) in ran.stderr.splitlines()[-1]
    assert "Traceback" not in ran.stderr
    with closing(_open(path)) as db:
        assert diaries.count_diaries(db) == 8


@pytest.mark.slow
def test_a_round_from_the_command_line_tells_all_as_json(
    tmp_path: Path, labelled_file: Path, run: Callable[..., Ran]
) -> None:
    project_path = tmp_path / "project.db"
    trying.begin(project_path)
    assert run("import", labelled_file, "--db", project_path).code == 0
    ran = _start("retrain", "--json", "--db", project_path)
    assert ran.returncode == 0, ran.stderr
    done = Ran(ran.returncode, ran.stdout, ran.stderr).json
    assert (done["status"], done["number"], done["report"]["promoted"]) == ("done", 1, True)
    status = run("status", "--json", "--db", project_path).json
    assert (status["active"]["tier"], status["plan"]["new_count"]) == ("instant", 0)
    (answer,) = run("predict", "정말 기쁘고 즐거운 날", "--json", "--db", project_path).json
    assert answer["label"] == "행복"
    assert sum(answer["proba"].values()) == pytest.approx(1, abs=1e-4)
    explained = run("explain", "1", "--json", "--db", project_path).json
    assert explained["units"][0]["text"] == "0번째"
    by_lime = run("explain", "1", "--method", "lime", "--json", "--db", project_path).json
    assert [unit["span"] for unit in by_lime["units"]] == [unit["span"] for unit in explained["units"]]
    assert by_lime["units"] != explained["units"]
    again = run("explain", "1", "--json", "--db", project_path).json
    assert again == explained, "what is stored is the project's own method"
    ran_again = run("activate", "7", "--db", project_path)
    assert (ran_again.code, ran_again.err.count("\n")) == (2, 1)


def test_two_versions_are_compared_on_the_test_diaries_that_both_have_answered(
    project_path: Path, run: Callable[..., Ran]
) -> None:
    with closing(_open(project_path)) as db:
        fill(db, 4, labelled=True)
        for answers in ([2, 2, 2, 2], [2, 5, 2, 5]):
            new = models.NewModel("instant", "bundled", "hash", (1, 2, 3, 4, 5, 6, 7), b"", {})
            answer_test_part(db, models.add_model(db, new), answers)
    compared = run("model", "compare", "0", "1", "--json", "--db", project_path).json
    assert (compared["n"], compared["change"]["value"], compared["p"]) == (4, 0.5, 0.5)
    assert compared["f1_change"]["columns"] == [], "two of a label say nothing about it"
    line = run("model", "compare", "1", "0", "--db", project_path).out
    assert "−50.0%p" in line
    assert "n=4" in run("model", "list", "--db", project_path).out
    listed = run("model", "list", "--json", "--db", project_path).json
    assert [(row["tested_on"], row["accuracy"], row["reason"]) for row in listed] == [(4, 0.5, None), (4, 1.0, None)]
    refused = run("model", "compare", "0", "7", "--db", project_path)
    _assert_refused(refused, UserError("version_unknown", found=7, newest=1))


@pytest.mark.slow
def test_the_app_says_its_address_and_stops_when_told(project_path: Path) -> None:
    port = free_port()
    command = [
        sys.executable,
        "-m",
        "annotator.cli",
        "app",
        "--no-worker",
        "--port",
        str(port),
        "--db",
        str(project_path),
    ]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as app:
        try:
            assert app.stdout is not None
            assert f"http://127.0.0.1:{port}" in app.stdout.readline()
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/_stcore/health", timeout=5) as answer:
                assert answer.read() == b"ok"
            app.send_signal(signal.SIGTERM)
            assert app.wait(timeout=20) == 0
        finally:
            app.kill()
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", port)) != 0, "the server is gone too"

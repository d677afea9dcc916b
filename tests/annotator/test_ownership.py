"""Files are their owner's alone, from the first byte and whatever the umask, and a project from before is closed."""

from __future__ import annotations

import logging
import os
import shutil
import signal
import stat
import subprocess
import sys
import time
import urllib.request
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import db as database
from annotator import ownership, project
from annotator.accounts.permissions import Person
from annotator.errors import UserError
from annotator.exporting import export
from annotator.importing import import_file
from annotator.messages import say
from annotator.privacy import forgetting
from db.connection import scalar
from learner.encoders.vector_store import VectorFile
from tests.browser.conftest import free_port
from tests.conftest import DIARIES, ROOT, fill
from tests.learner.tiny import write_tiny_encoder
from tests.watching import Watcher, modes

if TYPE_CHECKING:
    from collections.abc import Iterator

OTHERS = 0o077
NOBODY = 65534
PUBLISHED_WEIGHTS = "cache/maeumgyeol/"
"""Where the bundled encoder is written, which anybody can install and several people may share."""

SCRIPT = Path(__file__).with_name("whole_life.py")


@pytest.fixture(params=[0o000, 0o022, 0o077], ids=oct)
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


def _open_to_others(mode_of: dict[str, int]) -> dict[str, str]:
    return {name: oct(mode) for name, mode in mode_of.items() if mode & OTHERS}


def _run(*arguments: object, home: Path) -> subprocess.CompletedProcess[str]:
    """Run a command of a person whose umask keeps nobody out, at a home of its own."""
    command = [sys.executable, "-m", "annotator.cli", *map(str, arguments)]
    return subprocess.run(
        command, cwd=ROOT, env=_environment(home), capture_output=True, text=True, check=False, timeout=300, umask=0
    )


def _environment(home: Path) -> dict[str, str]:
    private = {"HOME": str(home), "TMPDIR": str(home / "tmp"), "XDG_CACHE_HOME": str(home / "cache")}
    return {**os.environ, **private, "PYTHONDONTWRITEBYTECODE": "1", "PYTHONPATH": str(ROOT)}


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home that others may look into, as many are."""
    made = tmp_path / "home"
    (made / "tmp").mkdir(parents=True)
    for folder in (made, made / "tmp"):
        folder.chmod(0o777)
    return made


def test_the_watcher_sees_what_others_could_read(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        with Watcher(tmp_path) as watcher:
            (tmp_path / "a").mkdir()
            (tmp_path / "a" / "b").write_text("x")
            time.sleep(0.2)
            (tmp_path / "a" / "c").write_text("x")
            (tmp_path / "a" / "c").chmod(0o600)
    finally:
        os.umask(before)
    assert watcher.seen["a"] == 0o777
    assert watcher.seen["a/b"] == 0o666
    assert "a/c" in watcher.seen


@pytest.mark.slow
def test_nothing_that_a_project_makes_in_its_life_can_be_opened_by_others(home: Path, tmp_path: Path) -> None:
    characters = "0123456789번째 날. 오늘은 정말 기쁘고 즐거운 하루였다 너무 슬프고 눈물이 났다 화가나서소리친"
    tiny = write_tiny_encoder(tmp_path / "tiny", characters)
    given = _give(home)
    command = [sys.executable, str(SCRIPT), str(home), str(tiny)]
    with Watcher(home) as watcher:
        done = subprocess.run(
            command,
            cwd=ROOT,
            env=_environment(home),
            capture_output=True,
            text=True,
            check=False,
            timeout=1500,
            umask=0,
        )
    assert done.returncode == 0, done.stderr[-3000:]
    made = {name: mode for name, mode in modes(home).items() if name not in given}
    for kind in ("project.db", "project.db-worker.lock", "vectors.f32", "model.safetensors",
                 "report.csv", "backup.db", "export-csv.csv", "export-xlsx.xlsx", "model.onnx", "simulated.json",
                 "report.html", "words.csv"):  # fmt: skip
        assert any(Path(name).name == kind for name in made), f"{kind} is among what was made"
    assert _open_to_others(made) == {}
    seen = {name: mode for name, mode in watcher.seen.items() if name not in given}
    assert len(seen) >= len(made)
    assert _open_to_others(seen) == {}


def _give(home: Path) -> set[str]:
    """Write the files that a person has already, and return the names of all that is there before."""
    moods = ("정말 기쁘고 즐거운 하루였다", "너무 슬프고 눈물이 났다")
    rows = [f"{i}번째 날. 오늘은 {moods[i % 2]}." for i in range(48)]
    lines = [f"{row},{('행복', '슬픔')[i % 2] if i < 40 else ''}" for i, row in enumerate(rows)]
    (home / "diaries.csv").write_text("text,label\n" + "\n".join(lines), "utf-8")
    feelings = {"행복": "기쁘고 즐거운 하루", "슬픔": "눈물이 난 하루", "분노": "화가 나서 소리친 하루"}
    recipe = [f"{i}번째 {mood},{label}" for i in range(12) for label, mood in feelings.items()]
    (home / "recipe.csv").write_bytes(("Sentence,Emotion\n" + "\n".join(recipe)).encode("cp949"))
    return set(modes(home))


@pytest.mark.slow
def test_commands_and_the_app_make_nothing_that_others_can_open(home: Path) -> None:
    given, path = set(modes(home)), home / "data" / "maeumgyeol.db"
    with Watcher(home) as watcher:
        for arguments in (
            ["init", "--db", path],
            ["import", DIARIES, "--db", path, "--report", home / "report.csv"],
            ["backup", home / "copies.db", "--db", path],
            ["export", home / "out.xlsx", "--db", path],
        ):
            done = _run(*arguments, home=home)
            assert (done.returncode, done.stderr) == (0, ""), done.stderr
        _serve_a_moment(path, home)
    made = {n: m for n, m in {**modes(home), **watcher.seen}.items() if n not in given}
    assert _open_to_others({n: m for n, m in made.items() if not n.startswith(PUBLISHED_WEIGHTS)}) == {}
    assert "data/maeumgyeol.db-worker.lock" in watcher.seen
    assert stat.S_IMODE(home.stat().st_mode) == 0o777, "what was there before stays as it was"


def _serve_a_moment(path: Path, home: Path) -> None:
    """Start the app as a person does, and stop it once its worker has come up."""
    port = free_port()
    command = [sys.executable, "-m", "annotator.cli", "app", "--db", str(path), "--port", str(port)]
    with subprocess.Popen(command, cwd=ROOT, env=_environment(home), umask=0, stderr=subprocess.PIPE) as app:
        try:
            deadline = time.monotonic() + 120
            while not path.with_name(path.name + "-worker.lock").exists():
                assert app.poll() is None, "the app runs"
                assert time.monotonic() < deadline, "the worker comes up"
                time.sleep(0.1)
            urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=30).close()
        finally:
            app.send_signal(signal.SIGINT)
            app.communicate(timeout=60)


def test_library_calls_make_their_files_for_their_owner_alone(umask: int, tmp_path: Path) -> None:
    folder = tmp_path / "a" / "b"
    path = folder / "project.db"
    project.init(path)
    with closing(project.open_project(path)) as db:
        fill(db, 6, labelled=True)
        beside = {each.name for each in folder.iterdir()}
        assert beside == {"project.db", "project.db-wal", "project.db-shm"}
        for name in ("out.csv", "out.jsonl", "out.xlsx", "out.parquet"):
            export(db, folder / name)
        database.backup(db, folder / "copy.db")
        VectorFile(folder / "project.db-vectors" / "x", width=3)
        assert _open_to_others(modes(tmp_path)) == {}
    assert os.umask(umask) == umask, "the umask is as it was"


# A project from before


@pytest.fixture
def older(tmp_path: Path) -> Path:
    """A project of an earlier version, as a usual umask left it: everybody may read it."""
    folder = tmp_path / "shared"
    folder.mkdir()
    path = folder / "project.db"
    project.init(path)
    with closing(project.open_project(path)) as db:
        import_file(db, "text\n오늘은 맑았다\n".encode(), "a.csv")
    vectors = project.vectors_folder(path) / "encoder"
    vectors.mkdir(parents=True)
    (vectors / "vectors.f32").write_bytes(b"1234")
    path.with_name("project.db-jobs").write_bytes(b"")
    (folder / "theirs.txt").write_text("x")
    for place in folder.rglob("*"):
        place.chmod(0o755 if place.is_dir() else 0o644)
    folder.chmod(0o777)
    return path


def test_a_project_that_others_could_read_is_closed_when_it_is_opened_and_that_is_said_once(
    older: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with closing(project.open_project(older)):
        mode_of = modes(older.parent)
    assert {name for name, mode in mode_of.items() if mode & OTHERS} == {"theirs.txt"}
    assert "project.db-wal" in mode_of, "the logs of SQLite, too"
    assert stat.S_IMODE(older.parent.stat().st_mode) == 0o777, "the folder is not ours to close"
    said = [record.message for record in caplog.records if str(older) in record.message]
    assert len(said) == 1
    caplog.clear()
    ownership._looked_at.clear()
    for _ in range(2):
        project.open_project(older).close()
    assert caplog.records == []


def test_a_command_says_in_one_line_that_it_has_closed_a_project(older: Path, home: Path) -> None:
    first, second = (_run("status", "--json", "--db", older, home=home) for _ in range(2))
    assert (first.returncode, second.returncode) == (0, 0)
    assert first.stdout.startswith("{")
    assert first.stderr.splitlines() == [say("project.closed", path=str(older), count=7)]
    assert second.stderr == ""


def test_the_folder_that_earlier_versions_made_is_closed_unless_something_else_lies_in_it(tmp_path: Path) -> None:
    for other, mode in ((None, 0o700), ("notes.txt", 0o755)):
        folder = tmp_path / str(other) / "data"
        folder.mkdir(parents=True)
        path = folder / "maeumgyeol.db"
        project.init(path)
        if other is not None:
            (folder / other).touch()
        folder.chmod(0o755)
        ownership._looked_at.clear()
        project.open_project(path).close()
        assert stat.S_IMODE(folder.stat().st_mode) == mode


LINKED = ("-exports", "-vectors", "-vectors/words", "-vectors/ab/vectors.f32", "-encoders/x", "-tuning", "-page",
          "-forget.lock", "-forgotten.key", "-worker.lock", "-exports/a/b/c.csv")  # fmt: skip


@pytest.mark.parametrize("name", LINKED)
@pytest.mark.parametrize("leads_to", ["a folder", "a file", "nothing"])
def test_a_project_with_a_link_beside_it_is_refused_and_the_other_place_stays(
    older: Path, tmp_path: Path, name: str, leads_to: str
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir(mode=0o755)
    (outside / "page.html").write_text("x")
    (outside / "page.html").chmod(0o644)
    link = older.parent / f"project.db{name}"
    shutil.rmtree(link, ignore_errors=True)
    link.parent.mkdir(parents=True, exist_ok=True)
    link.symlink_to({"a folder": outside, "a file": outside / "page.html", "nothing": tmp_path / "none"}[leads_to])
    for _ in range(2):
        with pytest.raises(UserError, match="project_link") as raised:
            project.open_project(older)
        assert raised.value.details["link"] == f"project.db{name}"
    assert stat.S_IMODE(outside.stat().st_mode) == 0o755
    assert (outside / "page.html").read_text() == "x"
    assert stat.S_IMODE((outside / "page.html").stat().st_mode) == 0o644


def test_a_project_in_a_folder_that_can_not_be_listed_opens_for_its_owner(tmp_path: Path) -> None:
    command = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"]
    if shutil.which("setpriv") is None or subprocess.run([*command, "true"], check=False).returncode:
        command = []
    if not command and os.getuid() == 0:
        pytest.skip("NOT TESTED: root lists every folder, and setpriv can't take that right away")
    path = tmp_path / "closed" / "project.db"
    project.init(path)
    path.parent.chmod(0o300)
    try:
        command += [sys.executable, "-m", "annotator.cli", "status", "--db", str(path)]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=120)
    finally:
        path.parent.chmod(0o700)
    assert done.returncode == 0, done.stderr


def test_forgetting_follows_no_link_that_came_while_a_project_was_open(older: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    (outside / "words").mkdir(parents=True)
    (outside / "words" / "mine.txt").write_text("x")
    with closing(project.open_project(older)) as db:
        fill(db, 3)
        shutil.rmtree(project.vectors_folder(older))
        project.vectors_folder(older).symlink_to(outside)
        done = forgetting.forget(db, Person(1, "나", "administrator", is_solo=True), forgetting.Selection(ids=(1,)))
        assert (done.diary_count, done.is_finished) == (1, False), "the text is gone, and its files are still to follow"
    assert (outside / "words" / "mine.txt").read_text() == "x"


def test_a_file_that_is_no_project_keeps_its_rights(tmp_path: Path, home: Path) -> None:
    path = tmp_path / "letters.txt"
    path.write_text("오늘은 비가 왔다. " * 100)
    path.chmod(0o644)
    assert _run("status", "--db", path, home=home).returncode == 2
    assert stat.S_IMODE(path.stat().st_mode) == 0o644


@pytest.mark.skipif(os.name == "nt" or os.getuid() != 0, reason="NOT TESTED: only root gives files away")
def test_what_belongs_to_another_account_is_left_alone_and_said(older: Path, caplog: pytest.LogCaptureFixture) -> None:
    os.chown(older, NOBODY, NOBODY)
    caplog.set_level(logging.WARNING)
    project.open_project(older).close()
    assert stat.S_IMODE(older.stat().st_mode) == 0o644
    assert sum("another account" in record.message for record in caplog.records) == 1


@pytest.mark.skipif(shutil.which("unshare") is None or os.getuid() != 0, reason="NOT TESTED: needs a mount of its own")
def test_a_project_on_a_disk_that_can_only_be_read_is_said_in_one_sentence(older: Path, home: Path) -> None:
    with closing(database.connect(older)) as db:
        assert scalar(db, "pragma journal_mode = delete") == "delete"
    for place in older.parent.rglob("*"):
        place.chmod(0o755 if place.is_dir() else 0o644)
    folder = older.parent
    script = f"mount --bind {folder} {folder} && mount -o remount,ro,bind {folder}"
    script += f" && exec $0 -m annotator.cli status --db {older}"
    done = subprocess.run(
        ["unshare", "--mount", "sh", "-c", script, sys.executable], cwd=ROOT, env=_environment(home),
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    if "mount" in done.stderr:
        pytest.skip("NOT TESTED: mounts are not allowed here")
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert str(older) in done.stderr

"""Files and folders are their owner's alone, made by the one module that makes them."""

from __future__ import annotations

import ast
import os
import stat
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from maeumgyeol import private_files
from tests.conftest import PACKAGES, ROOT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

NOBODY = 65534

as_root = pytest.mark.skipif(os.getuid() != 0, reason="NOT TESTED: only root gives files away")


@pytest.fixture(params=[0o000, 0o022, 0o077], ids=oct)
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


WRITERS: dict[str, Callable[[Path], object]] = {
    "bytes": lambda path: private_files.write_bytes(path, b"x"),
    "text": lambda path: private_files.write_text(path, "가\n"),
    "open": lambda path: private_files.open_file(path, "w", encoding="utf-8").close(),
    "touch": private_files.touch,
}


@pytest.mark.parametrize("writer", WRITERS)
def test_a_new_file_is_its_owners_alone(writer: str, umask: int, tmp_path: Path) -> None:
    WRITERS[writer](tmp_path / "file")
    assert _mode(tmp_path / "file") == 0o600


def test_new_folders_are_their_owners_alone_and_old_ones_stay(umask: int, tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    private_files.make_folder(tmp_path / "a" / "b" / "c")
    assert [_mode(tmp_path / part) for part in ("a", "a/b", "a/b/c")] == [0o700] * 3
    assert _mode(tmp_path) == 0o755
    private_files.make_folder(tmp_path / "a")
    with pytest.raises(FileExistsError):
        private_files.make_folder(tmp_path / "a", exist_ok=False)
    (tmp_path / "file").touch()
    with pytest.raises(FileExistsError):
        private_files.make_folder(tmp_path / "file")


def test_a_file_that_is_written_over_is_closed_before_its_first_byte(tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    path.write_text("before")
    path.chmod(0o644)
    with private_files.open_file(path, "wb") as file:
        assert (_mode(path), path.read_bytes()) == (0o600, b"")
        file.write(b"after")
    assert path.read_bytes() == b"after"


def test_ones_own_link_is_followed_and_a_pipe_is_written_to(tmp_path: Path) -> None:
    (tmp_path / "there").touch(mode=0o644)
    (tmp_path / "link").symlink_to(tmp_path / "there")
    private_files.write_text(tmp_path / "link", "x")
    assert (_mode(tmp_path / "there"), (tmp_path / "there").read_text()) == (0o600, "x")
    there, here = os.pipe()
    private_files.write_text(Path(f"/dev/fd/{here}"), "가")
    assert os.read(there, 10).decode() == "가"
    os.close(there)
    os.close(here)


@as_root
def test_a_link_or_a_file_of_another_account_is_not_written_to(tmp_path: Path) -> None:
    target, link, file = tmp_path / "target", tmp_path / "link", tmp_path / "file"
    target.write_text("mine")
    link.symlink_to(target)
    os.lchown(link, NOBODY, NOBODY)
    file.write_text("theirs")
    os.chown(file, NOBODY, NOBODY)
    for path in (link, file):
        with pytest.raises(PermissionError):
            private_files.write_text(path, "x")
    assert (target.read_text(), file.read_text()) == ("mine", "theirs")


def test_a_file_is_not_made_through_a_link(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    private_files.touch(tmp_path / "link")
    assert not (tmp_path / "nowhere").exists()


def test_the_umask_stays_strict_until_the_last_thread_has_left(tmp_path: Path) -> None:
    before = os.umask(0)
    entered, leave = threading.Event(), threading.Event()

    def other() -> None:
        with private_files.umask():
            entered.set()
            leave.wait(10)

    thread = threading.Thread(target=other)
    try:
        with private_files.umask():
            thread.start()
            entered.wait(10)
        (tmp_path / "meanwhile").touch()
        leave.set()
        thread.join()
        (tmp_path / "after").touch()
    finally:
        os.umask(before)
    assert (_mode(tmp_path / "meanwhile"), _mode(tmp_path / "after")) == (0o600, 0o666)


# Nothing else makes files

_MAKING = {"write_text", "write_bytes", "mkdir", "makedirs", "mkfifo", "savez", "savez_compressed", "savetxt", "tofile",
           "copy", "copy2", "copyfile", "copytree", "mkstemp", "NamedTemporaryFile"}  # fmt: skip
_OWNERS = {"np", "numpy", "os", "shutil", "tempfile"}
"""Modules whose function of such a name makes a file; a dictionary, say, has a `copy` as well."""

_OPENING_UP = {"chmod", "fchmod", "umask"}


def _made_in(source: str) -> list[int]:
    """Return the lines in which files are made by other means than `private_files`, or rights are changed."""
    return [node.lineno for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call) and _makes(node)]


def _makes(call: ast.Call) -> bool:
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    owner = getattr(call.func.value, "id", "") if isinstance(call.func, ast.Attribute) else ""
    if owner == "private_files":
        return False
    if name == "open":
        modes = [
            each.value for each in [*call.args, *(k.value for k in call.keywords)] if isinstance(each, ast.Constant)
        ]
        return (owner == "os" and "O_CREAT" in ast.unparse(call)) or any(_writes(mode) for mode in modes)
    if name == "touch":
        return not call.args
    if name in ("savez", "savez_compressed"):
        return not (call.args and ast.unparse(call.args[0]) == "opened")
    return name in _OPENING_UP or (name in _MAKING and (owner in _OWNERS or name.startswith(("write_", "mk"))))


def _writes(mode: object) -> bool:
    return isinstance(mode, str) and len(mode) <= 3 and bool(set(mode) & set("wax")) and set(mode) <= set("wabxt+")


@pytest.mark.parametrize(
    "line",
    ["p.write_text('x')", "p.open('w')", "open(p, 'wb')", "open(p, mode='a')", "p.open(mode='xb')", "p.mkdir()",
     "os.makedirs(p)", "os.open(p, os.O_WRONLY | os.O_CREAT, 0o644)", "p.touch()", "shutil.copy(a, b)",
     "p.chmod(0o644)",     "os.umask(0)", "np.savez(path, x=1)", "tempfile.mkstemp()", "os.chmod(p, 0o755)"],
)  # fmt: skip
def test_making_a_file_is_recognised(line: str) -> None:
    assert _made_in(line) == [1]


@pytest.mark.parametrize(
    "line", ["p.open()", "p.open('rb')", "private_files.write_text(p, 'x')", "names.copy()", "tempfile.mkdtemp()",
             "api_tokens.touch(db, 3)", "p.open('r+b')"]
)  # fmt: skip
def test_reading_is_not_taken_for_making(line: str) -> None:
    assert _made_in(line) == []


def test_only_one_module_makes_files() -> None:
    places = [
        f"{file.relative_to(ROOT)}:{line}"
        for package in PACKAGES
        for file in sorted((ROOT / package).rglob("*.py"))
        if file != ROOT / "maeumgyeol" / "private_files.py"
        for line in _made_in(file.read_text("utf-8"))
    ]
    # The bundled encoder is nobody's secret: several people may share a cache of it.
    assert {place.split(":")[0] for place in places} == {"learner/encoders/bundled.py"}
    assert len(places) == 2, places

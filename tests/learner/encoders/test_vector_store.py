from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import numpy as np
import pytest

from learner.encoders.vector_store import VectorFile
from learner.errors import LearnerError
from tests.conftest import ROOT

if TYPE_CHECKING:
    from pathlib import Path

WIDTH = 3


def _vectors(*values: float) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
    return np.repeat(np.array(values, np.float32)[:, None], WIDTH, axis=1)


def _counts(n: int) -> np.ndarray[tuple[int], np.dtype[np.int32]]:
    return np.arange(1, n + 1, dtype=np.int32)


@pytest.fixture
def file(tmp_path: Path) -> VectorFile:
    """Vectors of the diaries 2 and 5."""
    made = VectorFile(tmp_path / "a" / "b", width=WIDTH)
    made.write([5, 2], _vectors(50, 20), _counts(2))
    return made


def _has(file: VectorFile, *diary_ids: int) -> list[bool]:
    return file.has(np.array(diary_ids, np.int64)).tolist()


def test_vectors_come_back_in_the_order_asked_for(file: VectorFile) -> None:
    np.testing.assert_array_equal(file.read([2, 5, 2]), _vectors(20, 50, 20))
    assert file.read(np.array([5])).dtype == np.float32


def test_only_written_diaries_are_there(file: VectorFile) -> None:
    assert _has(file, 1, 2, 3, 5, 6, 10**6) == [False, True, False, True, False, False]
    assert file.token_counts()[:6].tolist() == [0, 2, 0, 0, 1, 0]


def test_an_empty_file_has_nothing(tmp_path: Path) -> None:
    empty = VectorFile(tmp_path, width=WIDTH)
    assert empty.rows == 0
    assert _has(empty, 1, 2) == [False, False]
    assert empty.token_counts().shape == (0,)
    assert empty.read([]).shape == (0, WIDTH)


def test_a_vector_is_replaced_by_a_later_one(file: VectorFile) -> None:
    file.write([2], _vectors(21), _counts(1))
    np.testing.assert_array_equal(file.read([2, 5]), _vectors(21, 50))


def test_the_file_grows_and_keeps_what_it_had(file: VectorFile) -> None:
    before = file.rows
    file.write([before, before + 1, 3 * before], _vectors(1, 2, 3), _counts(3))
    assert file.rows >= 3 * before
    np.testing.assert_array_equal(file.read([2, 5, before, before + 1, 3 * before]), _vectors(20, 50, 1, 2, 3))
    assert _has(file, before - 1, before + 2, 3 * before - 1) == [False, False, False]


def test_two_objects_on_one_folder_see_each_others_rows(file: VectorFile, tmp_path: Path) -> None:
    other = VectorFile(tmp_path / "a" / "b", width=WIDTH)
    assert _has(other, 2, 5) == [True, True]
    other.write([10_000], _vectors(7), _counts(1))
    file.write([1], _vectors(8), _counts(1))
    np.testing.assert_array_equal(file.read([10_000, 1]), _vectors(7, 8))
    np.testing.assert_array_equal(other.read([10_000, 1]), _vectors(7, 8))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_what_is_no_number_is_refused_and_nothing_is_written(file: VectorFile, value: float) -> None:
    vectors = _vectors(1, 2, 3)
    vectors[1, 0] = vectors[2, 2] = value
    with pytest.raises(LearnerError) as caught:
        file.write([1, 2, 9], vectors, _counts(3))
    assert (caught.value.code, caught.value.details) == ("vectors_not_finite", {"count": 2})
    assert _has(file, 1, 9) == [False, False]
    np.testing.assert_array_equal(file.read([2]), _vectors(20))


@pytest.mark.parametrize("name", ["vectors.f32", "tokens.i32"])
@pytest.mark.parametrize("size", [0, 1, 3 * 4 * WIDTH - 5])
def test_after_a_cut_the_lost_rows_are_missing_until_they_are_written_again(
    file: VectorFile, tmp_path: Path, name: str, size: int
) -> None:
    os.truncate(tmp_path / "a" / "b" / name, size)
    again = VectorFile(tmp_path / "a" / "b", width=WIDTH)
    left = [diary_id for diary_id in (2, 5) if _has(again, diary_id) == [True]]
    assert left == [diary_id for diary_id in (2, 5) if diary_id <= size // (4 * WIDTH if name[0] == "v" else 4)]
    again.write([3], _vectors(30), _counts(1))
    # Making room for 3 must not bring lost rows back as zeros.
    assert [diary_id for diary_id in (1, 2, 3, 4, 5) if _has(again, diary_id) == [True]] == sorted({*left, 3})
    np.testing.assert_array_equal(again.read([*left, 3]), _vectors(*(10 * i for i in left), 30))


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    folder = tmp_path / "file" / "vectors"
    with pytest.raises(LearnerError) as caught:
        VectorFile(folder, width=WIDTH)
    assert caught.value.code == "vectors_unwritable"
    assert caught.value.details == {"folder": str(folder), "reason": "Not a directory"}


def _run(code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", code, *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def test_a_file_that_may_not_grow_is_an_error_and_keeps_what_it_had(file: VectorFile, tmp_path: Path) -> None:
    code = """
import resource, signal, sys
from pathlib import Path
import numpy as np
from learner.errors import LearnerError
from learner.encoders.vector_store import VectorFile
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
try:
    VectorFile(Path(sys.argv[1]), width=3).write([50_000], np.ones((1, 3), np.float32), np.ones(1, np.int32))
except LearnerError as error:
    print(error.code, error.details["reason"])
"""
    done = _run(code, str(tmp_path / "a" / "b"))
    assert done.stdout.strip() == "vectors_unwritable File too large", done.stderr
    assert _has(file, 2, 5, 50_000) == [True, True, False]
    np.testing.assert_array_equal(file.read([2, 5]), _vectors(20, 50))


def test_room_is_taken_from_the_disk_when_it_is_made(file: VectorFile, tmp_path: Path) -> None:
    # A hole in a mapped file ends the process with a bus error where the disk is full.
    for path in (tmp_path / "a" / "b").iterdir():
        assert path.stat().st_blocks * 512 >= path.stat().st_size


def test_a_row_is_there_only_after_its_vector(tmp_path: Path) -> None:
    # Killed at any time, no diary has a count without its vector.
    code = """
import sys
from pathlib import Path
import numpy as np
from learner.encoders.vector_store import VectorFile
file = VectorFile(Path(sys.argv[1]), width=3)
for i in range(1, 10**6):
    file.write([i], np.full((1, 3), i, np.float32), np.ones(1, np.int32))
    if i == 50:
        print("ready", flush=True)
"""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)], env=environment, stdout=subprocess.PIPE
    ) as writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == b"ready\n"
        writer.send_signal(signal.SIGKILL)
    file = VectorFile(tmp_path, width=WIDTH)
    there = np.flatnonzero(file.token_counts()) + 1
    assert len(there) >= 50
    np.testing.assert_array_equal(file.read(there), _vectors(*there.tolist()))

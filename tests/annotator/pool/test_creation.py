"""A pool holds what an import would make diaries of, in the same parts, and counts only as its manifest says."""

from __future__ import annotations

import json
from contextlib import closing
from typing import TYPE_CHECKING

import numpy as np
import pytest
from click.testing import CliRunner

from annotator import project
from annotator import settings as project_settings
from annotator.cli.main import cli
from annotator.errors import UserError
from annotator.importing import ColumnMap, Plan, import_file
from annotator.pool import checking, creation, pools
from annotator.privacy import forgetting, forgotten_pool
from annotator.privacy.forgetting import Selection
from db.connection import rows, write
from db.pool import manifest, members
from db.texts import diaries
from learner.pool import shards
from learner.pool.storage import PoolError, Storage
from tests.conftest import fill

if TYPE_CHECKING:
    from pathlib import Path

    from db import Database

TABLE = "글,날짜,글쓴이\n" + "".join(
    f"오늘은 {i}번째 날이었다.,2026-03-{1 + i % 28:02},사람{i % 40}\n" for i in range(230)
)
DOUBLE = "글,날짜,글쓴이\n오늘은 3번째 날이었다.,,\n,,\n오늘은  999번째 날이었다.,,사람3\n오늘은 999번째 날이었다,,\n"
PLAN = Plan(ColumnMap("글", None, "날짜", "글쓴이"), remembers=False)
FILES = [(TABLE.encode(), "a.csv"), (DOUBLE.encode(), "b.csv")]


@pytest.fixture
def url(tmp_path: Path) -> str:
    return str(tmp_path / "pool")


def make(db: Database, url: str) -> creation.Created:
    return creation.create(db, url, FILES, PLAN, rows_a_shard=100)


def read_all(db: Database) -> list[shards.Texts]:
    pool = pools.get_pool(db)
    files = manifest.list_shards(db, pool.id, "texts").values()
    return [shards.read_texts(pools.storage_of(pool), each.shard, digest=each.digest) for each in files]


def test_it_holds_what_an_import_would_bring_in_the_same_order_and_parts(opened: Database, url: str) -> None:
    made = make(opened, url)
    assert (made.row_count, made.shard_count, made.duplicate_count) == (232, 3, 1)
    assert made.left_out == {"empty": 1}
    texts = [text for shard in read_all(opened) for text in shard.texts]
    is_test = [bool(each) for shard in read_all(opened) for each in shard.is_test]
    draws = [int(each) for shard in read_all(opened) for each in shard.draws]
    for content, name in FILES:
        import_file(opened, content, name, columns=PLAN.columns)
    stored = rows(opened, "select text, part = 'test', draw from diaries order by id")
    assert [tuple(row) for row in stored] == list(zip(texts, is_test, draws, strict=True))
    assert 0 < made.test_count == sum(is_test)
    assert project_settings.load(opened).writer_cut > 0, "split by writers, as these files would be"


def test_the_first_pool_is_in_force_and_the_next_waits_to_be_chosen(opened: Database, url: str) -> None:
    make(opened, url)
    make(opened, url + "-2")
    assert project_settings.load(opened).pool == url
    project_settings.change(opened, pool=url + "-2/")
    assert pools.find_in_force(opened) == manifest.find_pool(opened, url + "-2")
    with pytest.raises(UserError, match="pool_unknown"):
        project_settings.change(opened, pool="elsewhere")
    project_settings.change(opened, pool="")
    assert pools.find_in_force(opened) is None
    with pytest.raises(UserError, match="pool_none"):
        pools.get_pool(opened)


def test_texts_that_are_diaries_already_are_known_as_such(opened: Database, url: str) -> None:
    import_file(opened, "글\n오늘은 7번째 날이었다.\n".encode(), "c.csv", columns=ColumnMap("글"))
    assert make(opened, url).known_count == 1
    pool = pools.get_pool(opened)
    numbers, diary_ids = members.list_members(opened, pool.id)
    assert (numbers.tolist(), diary_ids.tolist()) == ([8], [1])


def test_forgotten_texts_stay_out(opened: Database, url: str) -> None:
    import_file(opened, "글\n오늘은 7번째 날이었다.\n".encode(), "c.csv", columns=ColumnMap("글"))
    forgetting.forget(opened, None, Selection(ids=(1,)))
    made = make(opened, url)
    assert (made.forgotten_count, made.row_count) == (1, 231)


def test_a_used_folder_and_a_pool_are_refused_but_one_that_was_cut_off_is_made_again(
    opened: Database, url: str
) -> None:
    Storage(url).write("letter.txt", b"x")
    with pytest.raises(UserError, match="pool_folder_used"):
        make(opened, url)
    Storage(url).remove("letter.txt")
    Storage(url).write(creation.ABOUT, json.dumps({"pool": "p", "is_whole": False}).encode())
    Storage(url).write("texts/00007.parquet", b"rest")
    make(opened, url)
    assert "texts/00007.parquet" not in Storage(url).list_names()
    with pytest.raises(UserError, match="pool_exists"):
        make(opened, url)
    with closing(project.open_project(_other_project(opened))) as other, pytest.raises(UserError, match="pool_folder"):
        make(other, url)


def _other_project(db: Database) -> Path:
    from pathlib import Path

    from db.connection import file_of

    path = Path(file_of(db)).with_name("other.db")
    project.init(path)
    return path


def test_a_file_that_is_refused_leaves_no_pool(opened: Database, url: str) -> None:
    with pytest.raises(UserError):
        creation.create(opened, url, [*FILES, (b"\x89PNG\r\n", "c.png")], PLAN, rows_a_shard=100)
    assert manifest.list_pools(opened) == []
    assert make(opened, url).row_count == 232


def test_check_names_what_is_lost_and_what_is_made_again(opened: Database, url: str) -> None:
    make(opened, url)
    pool, storage = pools.get_pool(opened), Storage(url)
    for shard, texts in manifest.list_shards(opened, pool.id, "texts").items():
        values = np.ones((texts.rows, 4), np.float32)
        stage = shards.write_rows(storage, "encode/abc", shard, values, source=texts.digest)
        described = manifest.Shard(shard, stage.rows, stage.bytes, stage.digest, stage.source)
        manifest.put_shard(opened, pool.id, "encode/abc", described)
    assert checking.check(opened, pool).is_whole
    storage.write("encode/abc/00001.arrow", storage.read("encode/abc/00001.arrow")[:-1])
    storage.write("texts/00002.parquet", storage.read("texts/00001.parquet"))
    storage.write("encode/abc/00009.arrow", b"left over")
    report = checking.check(opened, pool)
    assert report.due == ("encode/abc/00001.arrow",)
    assert report.lost == ("texts/00002.parquet",)
    assert report.uncounted == ("encode/abc/00009.arrow",)
    assert list(manifest.list_shards(opened, pool.id, "encode/abc")) == [0, 2]
    assert checking.check(opened, pool).due == ()


class TestForgetting:
    """Texts of a pool go from their files, byte by byte, and from what was made of them."""

    @pytest.fixture
    def pool(self, opened: Database, url: str) -> manifest.Pool:
        make(opened, url)
        pool, storage = pools.get_pool(opened), Storage(url)
        for shard, texts in manifest.list_shards(opened, pool.id, "texts").items():
            values = np.arange(texts.rows, dtype=np.float32)[:, None] + 1000 * shard + np.zeros((1, 3), np.float32)
            made = shards.write_rows(storage, "encode/abc", shard, values, source=texts.digest)
            described = manifest.Shard(shard, made.rows, made.bytes, made.digest, made.source, cpu_seconds=2.0)
            manifest.put_shard(opened, pool.id, "encode/abc", described)
        return pool

    def _whole(self, db: Database, pool: manifest.Pool, gone: set[int]) -> None:
        """Check that exactly these texts are gone, and that all else counts as before."""
        assert checking.check(db, pool).is_whole
        texts = [text for shard in read_all(db) for text in shard.texts]
        assert {i + 1 for i, text in enumerate(texts) if text is None} == gone
        stored = manifest.list_shards(db, pool.id, "encode/abc")
        sources = manifest.list_shards(db, pool.id, "texts")
        for shard in range(3):
            opened = shards.open_rows(Storage(pool.url), "encode/abc", shard, digest=stored[shard].digest)
            assert opened.source == sources[shard].digest == stored[shard].source
            nan = {100 * shard + int(row) + 1 for row in np.flatnonzero(np.isnan(opened.values[:, 0]))}
            assert nan == {number for number in gone if (number - 1) // 100 == shard}
        assert members.list_leaving(db, pool.id).tolist() == []

    def test_a_text_goes_by_its_number(self, opened: Database, pool: manifest.Pool) -> None:
        preview = forgetting.preview(opened, Selection(pool_numbers=(8, 150)))
        assert (preview.diary_count, preview.pool_count) == (0, 2)
        done = forgetting.forget(opened, None, Selection(pool_numbers=(8, 150)))
        assert done.is_finished
        assert done.pool_count == 2
        self._whole(opened, pool, {8, 150})
        assert forgetting.forget(opened, None, Selection(pool_numbers=(8, 150))).is_finished
        with pytest.raises(UserError, match="pool_number_unknown"):
            forgetting.preview(opened, Selection(pool_numbers=(233,)))

    def test_all_texts_of_a_writer_go(self, opened: Database, pool: manifest.Pool) -> None:
        done = forgetting.forget(opened, None, Selection(author=" 사람3 "))
        assert done.pool_count == 7
        self._whole(opened, pool, {4, 44, 84, 124, 164, 204, 231})
        assert not any("사람3" in (shard.authors or []) for shard in read_all(opened))

    def test_a_diary_goes_from_the_pool_as_well(self, opened: Database, pool: manifest.Pool) -> None:
        import_file(opened, "글\n오늘은 7번째 날이었다.\n".encode(), "c.csv", columns=ColumnMap("글"))
        members.add(opened, pool.id, [(8, 1)])
        assert forgetting.forget(opened, None, Selection(ids=(1,))).is_finished
        self._whole(opened, pool, {8})

    def test_an_import_that_is_taken_back_leaves_the_pool_as_it_is(self, opened: Database, pool: manifest.Pool) -> None:
        from annotator.importing import taking_back

        import_file(opened, "글\n오늘은 7번째 날이었다.\n".encode(), "c.csv", columns=ColumnMap("글"))
        members.add(opened, pool.id, [(8, 1)])
        taking_back.take_back(opened, 1, None)
        self._whole(opened, pool, set())
        assert members.count(opened, pool.id) == 0

    def test_the_text_is_refused_later(self, opened: Database, pool: manifest.Pool) -> None:
        forgetting.forget(opened, None, Selection(pool_numbers=(8,)))
        report = import_file(opened, "글\n오늘은 7번째 날이었다.\n".encode(), "c.csv", columns=ColumnMap("글"))
        assert [skip.reason for skip in report.skips] == ["forgotten"]

    @pytest.mark.parametrize("after", range(6))
    def test_cut_off_anywhere_it_goes_on(
        self, opened: Database, pool: manifest.Pool, monkeypatch: pytest.MonkeyPatch, after: int
    ) -> None:
        """Whatever of its writes was the last: to a file or to the manifest."""
        left = [after]

        def counted(function: object) -> object:
            def call(*arguments: object, **options: object) -> object:
                if not left[0]:
                    raise KeyboardInterrupt
                left[0] -= 1
                return function(*arguments, **options)  # type: ignore[operator]

            return call

        with monkeypatch.context() as patch:
            patch.setattr(Storage, "write", counted(Storage.write))
            patch.setattr(manifest, "put_shard", counted(manifest.put_shard))
            patch.setattr(manifest, "announce", counted(manifest.announce))
            with pytest.raises(KeyboardInterrupt):
                forgetting.forget(opened, None, Selection(pool_numbers=(8,)))
        with write(opened):
            members.add_leaving(opened, [(pool.id, 9)])
        assert forgetting.follow(opened)
        self._whole(opened, pool, {8, 9})

    def test_a_pool_that_is_out_of_reach_is_cleared_later(
        self, opened: Database, pool: manifest.Pool, tmp_path: Path
    ) -> None:
        (tmp_path / "pool").rename(tmp_path / "away")
        assert not forgetting.forget(opened, None, Selection(pool_numbers=(8,))).is_finished
        assert members.list_leaving(opened, pool.id).tolist() == [8]
        with pytest.raises(PoolError, match="pool_file_missing"):
            forgotten_pool.find_of_author(opened, lambda name: True)
        (tmp_path / "away").rename(tmp_path / "pool")
        assert forgetting.follow(opened)
        self._whole(opened, pool, {8})


def test_the_commands_make_show_check_and_forget(project_path: Path, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(TABLE, "utf-8")

    def run(*arguments: str) -> str:
        words = ["pool", *arguments, "--db", str(project_path)]
        result = CliRunner().invoke(cli, words, catch_exceptions=False)
        return result.output

    assert "글 창고가 없어요" in run("status")
    made = run(
        "create", str(tmp_path / "pool"), "--from", str(tmp_path / "a.csv"), "--text-column", "글", "--rows", "64"
    )
    assert "글 230편" in made
    assert "조각 4개" in made
    assert "글 230편" in run("status")
    assert json.loads(run("status", "--json"))[0]["stages"][0]["shard_count"] == 4
    assert "모두 목록과 같아요" in run("check")
    assert "글 창고에만 있던 글 1편" in run("forget", "5", "--yes")
    (tmp_path / "pool" / "texts" / "00003.parquet").unlink()
    check = CliRunner().invoke(cli, ["pool", "check", "--db", str(project_path)])
    assert check.exit_code == 1
    assert "texts/00003.parquet" in check.output


def test_a_project_of_its_own_diaries_is_as_before(opened: Database) -> None:
    fill(opened, 3)
    assert pools.find_in_force(opened) is None
    assert diaries.count_diaries(opened) == 3

"""The data card says where labels come from; and the same database gives the same bytes, card included."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from annotator import settings
from annotator.exporting import FORMATS, Choice, export
from annotator.exporting.data_card import digest_of
from annotator.importing import import_file
from annotator.label_sets import crosswalks
from db.answers import decisions, rationales
from db.answers.decisions import NewDecision
from db.models import models, predictions, word_emotions
from db.models.models import NewModel
from db.people import annotators
from db.texts import diaries, exports, sentences
from db.texts.sentences import Sentences
from tests.conftest import ROOT, fill

if TYPE_CHECKING:
    from pathlib import Path

    from db import Database


@pytest.fixture
def filled(opened: Database) -> Database:
    """Forty diaries, half of them labelled by a file; two people labelled the first ten; a model predicted all."""
    import_file(opened, '글,라벨\n"파일에서 온 글 | 표",행복\n'.encode(), "a|b.csv")
    fill(opened, 40)
    people = [annotators.get_or_create_id(opened, name) for name in ("가람", "나래")]
    for number in range(10):
        for place, who in enumerate(people):
            label_id = 2 if number % 2 or (place and number == 4) else 5
            more: dict[str, Any] = {"other_label_ids": (1,), "intensity": 3} if number == 3 else {}
            token = f"token-{number}-{place}"
            decisions.add(opened, NewDecision(number + 2, who, "label", token, label_id, memo="메모", **more))
    decisions.add(opened, NewDecision(20, people[0], "skip", "token-skip"))
    rationales.add(opened, rationales.NewRationale(2, people[0], 5, 0, 3, "right", "mark-one"))
    word_emotions.add(opened, word_emotions.NewWordEmotion("기쁘다", 2, "confirmed", "hand", people[0]))
    sentences.store_sentences(opened, [Sentences(1, ((0, 4), (4, 9)), "kss")])
    model_id = models.add_model(opened, NewModel("instant", "bundled", "hash", tuple(range(1, 8)), b"w", {}, (1, 2)))
    predictions.store_predictions(
        opened, model_id, np.random.default_rng(0).dirichlet(np.ones(7), 41).astype(np.float32)
    )
    models.store_metrics(
        opened, model_id, {"test": {"n": 9, "accuracy": 0.5, "accuracy_low": 0.3, "accuracy_high": 0.7}}
    )
    models.activate(opened, model_id, reason="test")
    return opened


def _card(db: Database, folder: Path, choice: Choice | None = None, **how: Any) -> tuple[dict[str, Any], str]:
    target = folder / "out.csv"
    export(db, target, choice, **how)
    as_text = target.with_name("out.csv.card.md").read_text("utf-8")
    return json.loads(target.with_name("out.csv.card.json").read_text("utf-8")), as_text


def test_the_card_counts_what_is_in_the_file(filled: Database, tmp_path: Path) -> None:
    facts, _ = _card(filled, tmp_path)
    assert facts["file"] == {
        "name": "out.csv",
        "format": "csv",
        "entries": 41,
        "sha256": hashlib.sha256((tmp_path / "out.csv").read_bytes()).hexdigest(),
    }
    assert facts["diaries"] == {
        "exported": 41,
        "with_label": 11,
        "test": diaries.count_diaries(filled, "test"),
        "with_prediction": 41,
        "with_rationales": 1,
    }
    counts = {label["name"]: label["decisions"] for label in facts["labels"]}
    assert counts == {"분노": 2, "행복": 12, "불안": 0, "당황": 0, "슬픔": 9, "중립": 0, "혐오": 0}
    assert facts["decisions"] == {"label": 21, "skip": 1}
    assert facts["sample"]["labels_by_strategy"] == {"import": 1, "random": 20}
    assert facts["sample"]["decided_by_several"] == 10
    assert facts["agreement"]["krippendorff_alpha"]["n"] == 10
    assert facts["model"]["test"]["accuracy"] == 0.5
    assert [source["file"] for source in facts["sources"]] == ["a|b.csv", "40.csv"]
    assert (facts["licence"], facts["masking"]) == ("", {"masked": True, "names": False})


@pytest.mark.parametrize("language", ["ko", "en"])
def test_people_are_counted_and_named_only_if_that_is_asked(filled: Database, tmp_path: Path, language: Any) -> None:
    (tmp_path / "named").mkdir()
    facts, text = _card(filled, tmp_path, language=language)
    assert facts["people"] == {"people": 2, "imports": 1}
    assert "가람" not in text + json.dumps(facts, ensure_ascii=False)
    facts, text = _card(filled, tmp_path / "named", Choice(name_people=True), language=language)
    assert facts["people"]["names"] == ["가람", "나래"]
    assert "가람, 나래" in text


def test_the_card_reads_well_whatever_names_there_are(filled: Database, tmp_path: Path) -> None:
    _, text = _card(filled, tmp_path)
    assert "a\\|b.csv" in text, "a name doesn't break the table"
    assert "| 행복 | 기쁘고 즐겁다. 고맙고 뿌듯하다. | 12 |" in text
    assert "{" not in text
    assert "None" not in text
    tables = [line for line in text.splitlines() if line.startswith("|")]
    assert len(tables) == 2 + 2 + 2 + 7 + 2 + 2


def test_the_card_says_what_was_left_out_or_translated(filled: Database, tmp_path: Path) -> None:
    names = ("분노", "행복", "불안", "당황", "슬픔", "중립", "혐오")
    walk = crosswalks.read_bytes(("from,to\n" + "\n".join(f"{n},{n[0]}" for n in names)).encode(), "w.csv")
    settings.change(filled, overlap=2, overlap_share=0.5)
    facts, text = _card(filled, tmp_path, Choice(decided_only=True, crosswalk=walk, unmasked=True))
    assert facts["selection"] == {"decided_only": True, "crosswalk": "w"}
    assert [label["name"] for label in facts["labels"]] == [name[0] for name in names]
    assert (facts["diaries"]["exported"], facts["masking"]["masked"]) == (12, False)
    assert "| 행 |  | 12 | – |" in text, "other sets have no definitions and no agreement here"


def test_the_content_hash_changes_with_what_people_say_and_with_nothing_else(filled: Database) -> None:
    before = exports.content_hash(filled)
    models.store_metrics(filled, 1, {})
    sentences.store_sentences(filled, [Sentences(2, ((0, 3),), "kss")])
    assert exports.content_hash(filled) == before
    decisions.add(filled, NewDecision(30, 1, "label", "token-more", 2))
    assert exports.content_hash(filled) != before


def test_the_hash_of_a_folder_is_that_of_its_files(tmp_path: Path) -> None:
    (tmp_path / "set" / "inner").mkdir(parents=True)
    (tmp_path / "set" / "a").write_text("1")
    before = digest_of(tmp_path / "set")
    (tmp_path / "set" / "inner" / "b").write_text("2")
    assert digest_of(tmp_path / "set") != before


_EXPORT_ALL = """
import sys
from pathlib import Path
from annotator import project
from annotator.exporting import FORMATS, Choice, export
database, folder = map(Path, sys.argv[1:])
with project.opened(database) as db:
    for name, known in FORMATS.items():
        export(db, folder / f"{name}{known.ending}", Choice(), file_format=name)
"""


def _export_all(database: Path, folder: Path, seed: str) -> dict[str, bytes]:
    folder.mkdir()
    environment = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT), "HF_HUB_OFFLINE": "1"}
    environment["TZ"] = ("UTC", "Asia/Seoul")[seed == "2"]
    command = [sys.executable, "-c", _EXPORT_ALL, str(database), str(folder)]
    subprocess.run(command, env=environment, check=True)
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


@pytest.mark.slow
@pytest.mark.usefixtures("filled")
def test_the_same_database_gives_the_same_bytes_in_every_format(project_path: Path, tmp_path: Path) -> None:
    first = _export_all(project_path, tmp_path / "one", "1")
    second = _export_all(project_path, tmp_path / "two", "2")
    assert {name.split(".")[0].split("/")[0] for name in first} == set(FORMATS)
    assert [name for name in first if first[name] != second.get(name)] == []
    assert first.keys() == second.keys()

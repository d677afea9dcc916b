"""Which decisions count for agreement, what is made of them, and how labels are set apart."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from annotator import settings as project_settings
from annotator.cli.main import cli
from annotator.errors import UserError
from annotator.label_sets import distances, editing
from annotator.messages import LANGUAGES, say
from annotator.quality import agreement
from db import clock
from db.answers import decisions
from db.answers.decisions import NewDecision
from db.connection import write
from db.people import annotators, audit_log
from tests.conftest import fill, undo_newest

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from annotator.quality.agreement import Agreement
    from db import Database

ANGER, HAPPY, SAD, DISGUST = 1, 2, 5, 7


def _say(db: Database, name: str, labels: Sequence[int | None], *, first: int = 1, shown: bool = False) -> list[int]:
    """Let a person label diaries one after the other, None for those left out; return the decisions."""
    person = annotators.get_or_create_id(db, name)
    kept = []
    for diary_id, label in enumerate(labels, first):
        if label is not None:
            token = f"{name}-{diary_id}-{decisions.last_decision_id(db)}"
            press = NewDecision(
                diary_id, person, "label", token, label, shown_label_id=label if shown else None, seconds=5.0
            )
            kept.append(decisions.add(db, press) or 0)
    return kept


def _review(
    db: Database, kind: str, diary_id: int, *, decision_id: int | None = None, returned: int | None = None
) -> None:
    with write(db):
        db.conn.execute(
            """
            insert into reviews (diary_id, reviewer_id, kind, decision_id, returned_decision_id, comment, token,
                reviewed_at)
            values (?, ?, ?, ?, ?, 'why', ?, ?)
            """,
            (
                diary_id,
                annotators.get_or_create_id(db, "검토"),
                kind,
                decision_id,
                returned,
                f"{kind}-{diary_id}",
                clock.now(),
            ),
        )


def _compare(db: Database) -> Agreement:
    return agreement.compare(db, agreement.read_answers(db))


@pytest.fixture
def db(opened: Database) -> Database:
    fill(opened, 12)
    return opened


# What there is to tell


def test_two_people_on_the_same_diaries_are_compared(db: Database) -> None:
    _say(db, "가람", [HAPPY, HAPPY, SAD, SAD, HAPPY, SAD])
    _say(db, "나래", [HAPPY, HAPPY, SAD, HAPPY, HAPPY, SAD], shown=True)
    figures = _compare(db)
    assert figures.missing is None
    assert figures.people == ("가람", "나래")
    assert figures.same.value == pytest.approx(5 / 6)
    # 12 answers, 5 sad and 7 happy; one of six diaries disagrees: 1 - (1 / 6) / (2 * 5 * 7 / (12 * 11)).
    assert figures.alpha.value == pytest.approx(1 - (1 / 6) / (70 / 132))
    assert figures.shown_share == 0.5
    assert {label.name: label.count for label in figures.labels if label.count} == {"행복": 7, "슬픔": 5}
    assert {label.alpha.reason for label in figures.labels if not label.count} == {"unused"}
    happy, sad = figures.names.index("행복"), figures.names.index("슬픔")
    assert figures.confusion[happy][sad] == figures.confusion[sad][happy] == 1
    (pair,) = figures.pairs
    assert (pair.first, pair.second, pair.same.value) == ("가람", "나래", pytest.approx(5 / 6))
    assert pair.kappa.value == pytest.approx(2 / 3)
    assert figures.by_distance is None
    assert figures.level in ("tentative", "low", "chance")


def test_why_there_is_nothing_to_tell_is_said(db: Database) -> None:
    assert _compare(db).missing == "nobody"
    _say(db, "가람", [HAPPY, SAD])
    assert _compare(db).missing == "one_person"
    _say(db, "나래", [HAPPY, SAD], first=5)
    assert _compare(db).missing == "no_overlap"
    _say(db, "나래", [HAPPY], first=1)
    assert _compare(db).missing == "one_value"
    assert _compare(db).level is None
    for language in LANGUAGES:
        for reason in ("nobody", "one_person", "no_overlap", "one_value"):
            assert say(f"agreement.missing_{reason}", language)


# Which decisions count


def test_imported_labels_are_not_a_persons_answer(opened: Database) -> None:
    fill(opened, 6, labelled=True)
    _say(opened, "가람", [HAPPY, SAD, HAPPY, SAD])
    assert _compare(opened).missing == "one_person"


def test_what_was_taken_back_or_skipped_does_not_count(db: Database) -> None:
    _say(db, "가람", [HAPPY, SAD, HAPPY])
    _say(db, "나래", [HAPPY, SAD, SAD])
    me = annotators.get_or_create_id(db, "나래")
    undo_newest(db, me, token="undo-000000000001")
    decisions.add(db, NewDecision(3, me, "skip", "skip-000000000001"))
    assert _compare(db).alpha.n == 2


def test_a_correction_by_a_reviewer_is_no_second_reading(db: Database) -> None:
    _say(db, "가람", [HAPPY, SAD, HAPPY])
    (corrected,) = _say(db, "검토", [SAD])
    assert _compare(db).alpha.n == 1
    _review(db, "correct", 1, decision_id=corrected)
    assert _compare(db).missing == "no_overlap"


def test_what_was_said_before_a_diary_was_sent_back_is_what_counts(db: Database) -> None:
    (before, *_) = _say(db, "가람", [ANGER, SAD, HAPPY, SAD])
    _say(db, "나래", [HAPPY, SAD, HAPPY, SAD])
    apart = _compare(db).same.value
    _review(db, "return", 1, returned=before)
    _say(db, "가람", [HAPPY])
    assert _compare(db).same.value == apart == 0.75


def test_labels_that_were_merged_are_one_and_retired_ones_none(db: Database) -> None:
    _say(db, "가람", [ANGER, SAD, HAPPY, SAD])
    _say(db, "나래", [DISGUST, SAD, HAPPY, HAPPY])
    assert _compare(db).same.value == 0.5
    with write(db):
        db.conn.execute("update labels set merged_into = ?, retired_at = ? where id = ?", (ANGER, "2026", DISGUST))
    assert _compare(db).same.value == 0.75
    with write(db):
        db.conn.execute("update labels set retired_at = ? where id = ?", ("2026", SAD))
    figures = _compare(db)
    assert "슬픔" not in figures.names
    assert figures.alpha.n == 2


def test_several_emotions_a_diary_agree_in_part(db: Database) -> None:
    _say(db, "가람", [HAPPY, SAD, HAPPY, SAD])
    (mixed, *_) = _say(db, "나래", [HAPPY, SAD, HAPPY, SAD])
    assert _compare(db).alpha.value == 1
    with write(db):
        db.conn.execute("insert into decision_labels (decision_id, label_id) values (?, ?)", (mixed, SAD))
    figures = _compare(db)
    assert figures.alpha.value is not None
    assert 0.5 < figures.alpha.value < 1
    assert figures.same.value == 0.75
    assert {label.name: label.count for label in figures.labels if label.count} == {"행복": 4, "슬픔": 5}


def test_a_diary_belongs_to_the_week_of_its_last_answer(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    thursday = datetime(2026, 3, 5, 12, tzinfo=UTC)
    for name, days in (("가람", 0), ("나래", 1), ("다온", 7)):
        at = (thursday + timedelta(days)).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        monkeypatch.setattr(clock, "now", lambda plus_seconds=0.0, at=at: at)
        _say(db, name, [HAPPY, SAD] if days == 7 else [HAPPY, SAD, SAD, HAPPY])
    weeks = _compare(db).weeks
    assert [(week.monday, week.alpha.n) for week in weeks] == [("2026-03-02", 2), ("2026-03-09", 2)]


# Distances


def test_a_distance_forgives_slips_between_near_labels(db: Database) -> None:
    _say(db, "가람", [ANGER, DISGUST, HAPPY, HAPPY])
    _say(db, "나래", [DISGUST, ANGER, HAPPY, HAPPY])
    label_set = editing.list_labels(db)
    agreement.set_distance(db, distances.feelings(label_set), annotator_id=None)
    figures = _compare(db)
    assert figures.by_distance is not None
    assert figures.by_distance.value is not None
    assert figures.alpha.value is not None
    assert figures.by_distance.value > 0.9 > figures.alpha.value
    assert audit_log.list_entries(db)[0].action == "settings.change"
    agreement.set_distance(db, {"pairs": [[ANGER, DISGUST, 0.0]]}, annotator_id=None)
    assert _compare(db).by_distance.value == 1  # type: ignore[union-attr]


def test_labels_that_a_distance_does_not_know_differ_wholly(db: Database) -> None:
    label_set = editing.list_labels(db)
    matrix = distances.matrix({"points": {"1": [0.0, 0.0], "2": [1.0, 0.0]}}, label_set)
    assert matrix is not None
    assert matrix[0, 1] == 1
    assert (matrix[2, :2] == 1).all()
    assert (matrix == matrix.T).all()
    assert not matrix.diagonal().any()
    assert distances.matrix({}, label_set) is None


@pytest.mark.parametrize(
    ("kept", "code"),
    [
        ({"points": {"1": [0.0, 1.5]}}, "label_point_outside"),
        ({"points": {"1": [0.0]}}, "label_point_outside"),
        ({"pairs": [[1, 2, 1.5]]}, "label_distance_outside"),
        ({"pairs": [[1, 2, float("nan")]]}, "label_distance_outside"),
        ({"pairs": [[1, 1, 0.5]]}, "label_distance_to_itself"),
    ],
)
def test_what_is_no_distance_is_refused_and_changes_nothing(db: Database, kept: dict[str, object], code: str) -> None:
    with pytest.raises(UserError) as refused:
        agreement.set_distance(db, kept, annotator_id=None)
    assert refused.value.code == code
    assert project_settings.load(db).label_distance == {}


def test_a_distance_is_read_from_a_table(db: Database) -> None:
    label_set = editing.list_labels(db)
    read = distances.read_csv("하나,둘,거리\n분노, 혐오 ,0.3\n행복,슬픔,1\n".encode(), label_set)
    assert read == {"pairs": [[ANGER, DISGUST, 0.3], [HAPPY, SAD, 1.0]]}
    agreement.set_distance(db, read, annotator_id=None)
    known = {(a.name, b.name): d for a, b, d in distances.list_pairs(read, label_set)}
    assert known["분노", "혐오"] == 0.3
    assert known["분노", "행복"] == 1
    assert len(known) == 21


@pytest.mark.parametrize(
    ("table", "code"),
    [
        ("분노,혐오\n", "label_distance_row"),
        ("분노,혐오,가깝다\n", "label_distance_row"),
        ("분노,기쁨,0.3\n", "label_unknown"),
        ("", "label_distance_unreadable"),
        ("분노,혐오,2\n", "label_distance_outside"),
    ],
)
def test_a_table_that_says_no_distance_is_refused(db: Database, table: str, code: str) -> None:
    with pytest.raises(UserError) as refused:
        distances.read_csv(table.encode(), editing.list_labels(db))
    assert refused.value.code == code


# Out of the program


def test_every_figure_is_in_the_table(db: Database) -> None:
    _say(db, "=가람", [HAPPY, SAD, HAPPY, SAD])
    _say(db, "나래", [HAPPY, SAD, SAD, SAD])
    agreement.set_distance(db, {"pairs": [[ANGER, DISGUST, 0.0]]}, annotator_id=None)
    figures = _compare(db)
    table = list(csv.DictReader(io.StringIO(agreement.to_csv(figures).decode("utf-8-sig"))))
    kinds = [row["measure"] for row in table]
    assert kinds.count("krippendorff_alpha_of_label") == 7
    assert {"krippendorff_alpha", "krippendorff_alpha_by_distance", "same_share", "cohen_kappa"} <= set(kinds)
    assert float(table[0]["value"]) == pytest.approx(figures.alpha.value or 0, abs=1e-4)
    assert next(row for row in table if row["of"] == "분노")["undefined_because"] == "unused"
    assert not any(row["of"].startswith("=") for row in table), "a spreadsheet would take it for a formula"
    assert "nan" not in agreement.to_csv(figures).decode("utf-8-sig")


def test_the_command_says_it_to_programs_and_to_people(project_path: Path, db: Database) -> None:
    nothing = CliRunner().invoke(cli, ["agreement", "--db", str(project_path)])
    assert nothing.output.strip() == say("agreement.missing_nobody")
    _say(db, "가람", [HAPPY, SAD, HAPPY, SAD])
    _say(db, "나래", [HAPPY, SAD, SAD, SAD])
    told = CliRunner().invoke(cli, ["agreement", "--db", str(project_path), "--json"])
    assert json.loads(told.output)["alpha"]["value"] == pytest.approx(_compare(db).alpha.value)
    told = CliRunner().invoke(cli, ["agreement", "--db", str(project_path)])
    assert "가람 · 나래" in told.output
    assert CliRunner().invoke(cli, ["label-distance", "feelings", "--db", str(project_path)]).exit_code == 0
    assert set(project_settings.load(db).label_distance["points"]) == {str(i) for i in range(1, 8)}
    assert CliRunner().invoke(cli, ["label-distance", "nominal", "--db", str(project_path)]).exit_code == 0
    assert project_settings.load(db).label_distance == {}

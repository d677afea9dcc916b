"""Each recipe runs end to end on real files, with a very small checkpoint; what it writes can be used and read."""

from __future__ import annotations

import json
import os
import re
import signal
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from click.testing import CliRunner

from annotator.cli.main import cli
from annotator.cli.recipes import _Progress
from annotator.errors import UserError
from annotator.messages import say
from annotator.recipes import report_curve, report_page, run
from annotator.recipes.run import Request
from learner.recipes import recipe
from tests.conftest import reading_here
from tests.learner.tiny import write_tiny_encoder

if TYPE_CHECKING:
    from pathlib import Path

    Report = dict[str, Any]

pytestmark = pytest.mark.slow

MOODS = {"행복": "기쁘고 즐거운 하루", "슬픔": "슬프고 눈물이 난 하루", "분노": "화가 나서 소리친 하루"}
PRIVATE = "연락처 010-1234-5678 <script>alert(1)</script>"


def _texts(count: int) -> list[tuple[str, str]]:
    return [(f"{i}번째 {mood}", label) for i in range(count) for label, mood in [list(MOODS.items())[i % 3]]]


def _write_a1(folder: Path) -> Request:
    rows = ["Sentence,Emotion", *(f"{text},{label}" for text, label in _texts(40)), ",행복", f"{PRIVATE},행복"]
    (folder / "a1.csv").write_bytes("\n".join(rows).encode("cp949"))
    return Request("A1", folder / "a1.csv", folder / "a1")


def _write_b1(folder: Path) -> Request:
    import xlsxwriter

    for name, count in (("Training", 24), ("Validation", 9)):
        with xlsxwriter.Workbook(folder / f"b1_{name}.xlsx") as workbook:
            sheet = workbook.add_worksheet()
            sheet.write_row(0, 0, ["감정_대분류", "사람문장1", "시스템응답1", "사람문장2"])
            for i, (text, label) in enumerate(_texts(count), 1):
                sheet.write_row(i, 0, [f" {label} ", text, "그랬군요", "그랬어"])
    return Request("B1", folder / "b1_Training.xlsx", folder / "b1", validation=folder / "b1_Validation.xlsx")


def _write_c1(folder: Path) -> Request:
    for name, count in (("train", 24), ("validation", 9)):
        lines = [json.dumps({"text": text, "label": label}, ensure_ascii=False) for text, label in _texts(count)]
        (folder / f"{name}.jsonl").write_text("\n".join(lines), "utf-8")
    return Request("C1", folder / "train.jsonl", folder / "c1", validation=folder / "validation.jsonl")


def _write_c2(folder: Path) -> Request:
    from datasets import ClassLabel, Dataset, DatasetDict, Features, Value

    features = Features({"text": Value("string"), "label": ClassLabel(names=list(MOODS))})
    parts = {
        name: Dataset.from_dict(
            {"text": [t for t, _ in _texts(count)], "label": [label for _, label in _texts(count)]}, features=features
        )
        for name, count in (("train", 24), ("validation", 9), ("test", 3))
    }
    DatasetDict(parts).save_to_disk(str(folder / "emotion"))
    return Request("C2", folder / "emotion", folder / "c2")


def _write_d3(folder: Path) -> Request:
    _write_reviews(folder / "ratings_train.txt", 60)
    return Request("D3", folder / "ratings_train.txt", folder / "d3", limit=32)


def _write_e1(folder: Path) -> Request:
    _write_reviews(folder / "train.txt", 60, missing=10)
    _write_reviews(folder / "test.txt", 30)
    return Request("E1", folder / "train.txt", folder / "e1", validation=folder / "test.txt")


def _write_reviews(path: Path, count: int, *, missing: int = 0) -> None:
    rows = ["id\tdocument\tlabel"]
    rows += [
        f"{i}\t{'' if i < missing else text}\t{int(label == '행복')}" for i, (text, label) in enumerate(_texts(count))
    ]
    path.write_text("\n".join(rows), "utf-8")


WRITERS = {"A1": _write_a1, "B1": _write_b1, "C1": _write_c1, "C2": _write_c2, "D3": _write_d3, "E1": _write_e1}


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    letters = "".join(MOODS.values()) + "0123456789번째 그랬어"
    return write_tiny_encoder(tmp_path_factory.mktemp("tiny"), letters, width=16, layers=1)


@pytest.fixture(scope="module")
def requests(tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Request]:
    by_name = {}
    for name, write in WRITERS.items():
        request = write(tmp_path_factory.mktemp(name))
        by_name[name] = replace(request, changes=(("model.checkpoint", str(tiny)), *request.changes))
    return by_name


@pytest.fixture(scope="module")
def reports(requests: dict[str, Request], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Report]:
    cache = tmp_path_factory.mktemp("cache")
    by_name = {name: run.run(request, cache=cache) for name, request in requests.items()}
    return {name: report for name, report in by_name.items() if report is not None}


@pytest.mark.parametrize("name", WRITERS)
def test_a_recipe_runs_from_file_to_report(name: str, requests: dict[str, Request], reports: dict[str, Report]) -> None:
    report = reports[name]
    kept = json.loads((requests[name].out / run.REPORT).read_text("utf-8"))
    assert kept == json.loads(json.dumps(report))
    assert report["recipe"] == name
    assert report["metrics"]["n"] == report["data"]["validation"] == len(report["losses"])
    for shares, counts in zip(report["confusion"]["shares"], report["confusion"]["counts"], strict=True):
        assert sum(shares) == pytest.approx(1 if sum(counts) else 0, abs=1e-3)
    losses = [row["loss"] for row in report["losses"]]
    assert losses == sorted(losses, reverse=True)
    assert report["tokens"]["texts"] == report["data"]["training"] + report["data"]["validation"]
    assert report["tokens"]["maximum"] == 64
    assert len(report["examples"]) == len(recipe.load(name).examples)


@pytest.mark.parametrize("name", sorted(set(WRITERS) - {"C1"}))
def test_the_trained_model_is_an_ordinary_checkpoint_that_answers_as_measured(
    name: str, requests: dict[str, Request], reports: dict[str, Report]
) -> None:
    import torch
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    folder = requests[name].out / run.MODEL
    model = AutoModelForSequenceClassification.from_pretrained(folder).eval()
    tokenizer = AutoTokenizer.from_pretrained(folder)
    hardest = reports[name]["losses"][0]
    if hardest["text"].startswith("연락처"):
        hardest = reports[name]["losses"][1]  # as people see it, it is masked
    tokens = tokenizer(hardest["text"], return_tensors="pt", truncation=True, max_length=64)
    with torch.inference_mode():
        log_proba = torch.log_softmax(model(**tokens).logits, dim=1)[0]
    assert float(-log_proba[model.config.label2id[hardest["label"]]]) == pytest.approx(hardest["loss"], abs=1e-3)


def test_a1_reads_cp949_and_answers_the_write_ups_text_with_one_of_its_seven(reports: dict[str, Report]) -> None:
    report = reports["A1"]
    assert list(report["data"]["classes"]) == ["분노", "행복", "불안", "당황", "슬픔", "중립", "혐오"]
    assert (report["data"]["training"], report["data"]["validation"], report["data"]["left_out"]) == (36, 5, 1)
    [example] = report["examples"]
    assert (example["text"], example["reported"]) == ("오늘은 정말 힘든 하루였어", "슬픔")
    assert example["answer"] in report["data"]["classes"]
    assert 1 / 7 <= example["score"] <= 1


def test_b1_joins_the_two_sentences_strips_labels_and_measures_both_parts_each_epoch(
    reports: dict[str, Report],
) -> None:
    report = reports["B1"]
    assert all(row["text"].endswith("하루 그랬어") for row in report["losses"])
    assert list(report["data"]["classes"]) == list(MOODS)
    for part in ("training", "validation"):
        assert sum(f"{part}_accuracy" in row for row in report["curve"]) == 10


def test_c1_has_a_report_but_no_checkpoint(requests: dict[str, Request], reports: dict[str, Report]) -> None:
    assert reports["C1"]["curve"] == []
    assert not (requests["C1"].out / run.MODEL).exists()
    assert reports["C1"]["metrics"]["accuracy"]["value"] > 1 / 3


def test_c2_takes_the_splits_and_the_class_names_of_a_data_set(reports: dict[str, Report]) -> None:
    data = reports["C2"]["data"]
    assert (data["training"], data["validation"], list(data["classes"])) == (24, 9, list(MOODS))
    assert sum("validation_weighted_f1" in row for row in reports["C2"]["curve"]) == 2


def test_d3_splits_75_to_25_and_answers_unseen_texts(reports: dict[str, Report]) -> None:
    data = reports["D3"]["data"]
    assert (data["training"], data["validation"]) == (24, 8)
    assert {row["answer"] for row in reports["D3"]["examples"]} <= {"0", "1"}


def test_e1_draws_40_percent_of_both_files_and_drops_missing_texts(reports: dict[str, Report]) -> None:
    data = reports["E1"]["data"]
    assert data["training"] + data["left_out"] == 24
    assert data["validation"] == 12
    assert data["left_out"] > 0


def test_the_page_is_complete_in_both_languages_and_needs_nothing_else(reports: dict[str, Report]) -> None:
    for name, report in reports.items():
        for language in ("ko", "en"):
            page = report_page.draw(report, language)
            assert not re.search(r"(src|href)=|https?://|<script", page)
            assert say("recipe.confusion", language) in page
            assert say("recipe.losses", language) in page
            assert ("<svg" in page) == (name != "C1")


def test_texts_are_masked_and_escaped(reports: dict[str, Report]) -> None:
    report = {**reports["A1"], "losses": reports["A1"]["losses"] or []}
    from annotator.privacy import masking
    from annotator.settings import Settings

    covered = masking.mask(PRIVATE, Settings(seed=""))
    assert "1234" not in covered
    row = {"row": 9, "loss": 1.0, "label": "<b>", "answer": "행복", "text": covered}
    page = report_page.draw({**report, "losses": [row]}, "ko")
    assert "&lt;script&gt;" in page
    assert "<script" not in page
    assert "&lt;b&gt;" in page
    assert not any("1234" in loss["text"] for each in reports.values() for loss in each["losses"])


def test_curves_are_drawn_to_scale() -> None:
    curve = [{"step": 0.0, "loss": 2.0}, {"step": 10.0, "loss": 1.0}]
    drawn = report_curve.draw_curve(curve, {"loss": "손실", "validation_accuracy": "정확도"}, axis="단계")
    [line] = re.findall(r'polyline points="([^"]+)"', drawn)
    (left, high), (right, half) = (map(float, point.split(",")) for point in line.split())
    bottom = report_curve._TOP + report_curve._HEIGHT
    assert right - left == report_curve._WIDTH
    assert bottom - high == 2 * (bottom - half) == report_curve._HEIGHT
    assert report_curve.draw_curve([], {"loss": "손실"}, axis="단계") == ""


def test_a_folder_that_exists_is_left_alone(
    requests: dict[str, Request], reports: dict[str, Report], tmp_path: Path
) -> None:
    before = (requests["C1"].out / run.REPORT).stat().st_mtime_ns
    for resume, code in ((False, "recipe_out_exists"), (True, "recipe_nothing_to_resume")):
        with pytest.raises(UserError) as caught:
            run.run(replace(requests["C1"], resume=resume), cache=tmp_path)
        assert caught.value.code == code
    assert (requests["C1"].out / run.REPORT).stat().st_mtime_ns == before


def test_a_run_that_was_stopped_goes_on_only_with_the_same_files_and_settings(
    requests: dict[str, Request], tmp_path: Path
) -> None:
    request = replace(requests["C2"], out=tmp_path / "out")
    shares: list[float] = []
    with reading_here(run):
        assert run.run(request, cache=tmp_path, on_progress=lambda share: False) is None
        assert not (request.out / run.REPORT).exists()
        with pytest.raises(UserError, match="recipe_resume_differs"):
            run.run(replace(request, resume=True, limit=20), cache=tmp_path)
        assert run.run(
            replace(request, resume=True), cache=tmp_path, on_progress=lambda share: shares.append(share) is None
        )
    assert shares[0] > 0.5, "the first of two steps is not done again"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"validation": None}, "recipe_validation_missing"),
        ({"changes": (("data.label", "기분"),)}, "recipe_column_missing"),
    ],
)
def test_what_can_not_be_run_is_refused_before_anything_is_written(
    requests: dict[str, Request], tmp_path: Path, change: dict[str, Any], code: str
) -> None:
    with pytest.raises(UserError) as caught:
        run.run(replace(requests["C1"], out=tmp_path / "out", **change), cache=tmp_path)
    assert caught.value.code == code
    assert not (tmp_path / "out").exists()


def _run(*arguments: str) -> str:
    ran = CliRunner().invoke(cli, list(arguments), catch_exceptions=False)
    assert ran.exit_code == 0
    return str(ran.stdout)


def test_the_command_lists_and_shows_recipes_as_they_are_written() -> None:
    listed = _run("recipe", "list")
    assert [line.split("  ")[0] for line in listed.splitlines()] == recipe.list_names()
    shown = _run("recipe", "show", "d3")
    assert shown.rstrip() == recipe.read_text("D3").rstrip()
    as_json = _run("recipe", "show", "d3", "--json")
    assert json.loads(as_json)["training"]["warmup_steps"] == 300


def test_the_command_runs_a_recipe_and_says_what_it_found(
    requests: dict[str, Request], tiny: Path, tmp_path: Path
) -> None:
    request = requests["C1"]
    out = tmp_path / "out"
    given = ["--data", str(request.data), "--validation", str(request.validation), "--encoder", str(tiny)]
    said = _run("recipe", "run", "c1", *given, "--out", str(out), "--set", "features.iterations=50", "--seed", "7")
    assert say("recipe.accuracy") in said
    report = json.loads((out / run.REPORT).read_text("utf-8"))
    assert report["changes"]["features.iterations"] == {"recipe": 3000, "run": 50}
    assert report["settings"]["seed"] == 7


def test_ctrl_c_asks_the_work_to_stop_where_it_can_go_on() -> None:
    before = signal.getsignal(signal.SIGINT)
    progress = _Progress()
    assert progress.said(0.1)
    os.kill(os.getpid(), signal.SIGINT)
    assert not progress.said(0.2)
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)
    progress.close()
    assert signal.getsignal(signal.SIGINT) is before


def test_probabilities_of_classes_that_were_not_trained_are_zero(requests: dict[str, Request], tmp_path: Path) -> None:
    strange = tmp_path / "validation.jsonl"
    strange.write_text('{"text": "하루", "label": "놀람"}\n{"text": "하루", "label": "슬픔"}', "utf-8")
    report = run.run(replace(requests["C1"], validation=strange, out=tmp_path / "out"), cache=tmp_path)
    assert report is not None
    assert [row["label"] for row in report["losses"]] == ["놀람", "슬픔"]
    assert np.isfinite([row["loss"] for row in report["losses"]]).all()

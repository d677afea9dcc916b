"""Every recipe on a small part of real Korean texts, with the bundled encoder: trials, not the write-ups' figures.

python benchmarks/recipes.py --kote kote7.tsv --reviews nsmc_reviews.parquet --work FOLDER --json out.json

From comments (KOTE mapped onto seven emotions) and rated Naver movie reviews it writes the files that the recipes
read: A1 a CSV in cp949, B1 two workbooks with AI Hub's columns, C1 and C2 two CSV files, D3 and E1 tab-separated
`id document label`. Then it runs `maeumgyeol recipe run` for each, which takes minutes on one core.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks import machine

if TYPE_CHECKING:
    import pandas as pd

COMMANDS = {
    "A1": ["--data", "a1.csv", "--limit", "1800"],
    "B1": ["--data", "b1_Training.xlsx", "--validation", "b1_Validation.xlsx", "--limit", "640"],
    "C1": ["--data", "c_train.csv", "--validation", "c_validation.csv", "--limit", "1200"],
    # A batch of 64 padded to a text of 240 tokens takes a CPU 6 GB and more.
    "C2": [
        "--data",
        "c_train.csv",
        "--validation",
        "c_validation.csv",
        "--set",
        "model.max_tokens=128",
    ],
    "D3": ["--data", "ratings_train.txt", "--trial"],
    "E1": ["--data", "ratings_train.txt", "--validation", "ratings_test.txt", "--limit", "1000"],
}
SEED = 0
VALIDATION = 1000
REVIEWS = 10_000


def write_inputs(kote: Path, reviews: Path, work: Path) -> None:
    """Write the files that the recipes read."""
    import pandas as pd

    comments = pd.read_csv(kote, sep="\t").dropna(subset=["text", "label"]).sample(frac=1, random_state=SEED)
    # cp949 has no emoji; a file in cp949 has none either.
    plain = comments[[_fits(text) for text in comments["text"]]]
    a1 = plain.rename(columns={"text": "Sentence", "label": "Emotion"})[["Sentence", "Emotion"]]
    a1.to_csv(work / "a1.csv", index=False, encoding="cp949")
    held_out, rest = comments[:VALIDATION], comments[VALIDATION:]
    for name, part in (("train", rest), ("validation", held_out)):
        part[["text", "label"]].to_csv(work / f"c_{name}.csv", index=False)
    _write_workbook(work / "b1_Training.xlsx", rest)
    _write_workbook(work / "b1_Validation.xlsx", held_out)
    rated = pd.read_parquet(reviews, columns=["id", "document", "rating"])
    # The corpus's convention: 1 to 4 negative, 9 and 10 positive, the others left out.
    rated = rated[~rated["rating"].between(5, 8)]
    rated["label"] = (rated["rating"] >= 9).astype(int)
    # Equally many of both, as in the corpus that these raw reviews belong to.
    rated = rated.groupby("label").sample(REVIEWS, random_state=SEED).sample(frac=1, random_state=SEED)
    rated["document"] = rated["document"].str.replace(r"\s+", " ", regex=True)
    for name, part in (("train", rated[:REVIEWS]), ("test", rated[REVIEWS:])):
        part[["id", "document", "label"]].to_csv(work / f"ratings_{name}.txt", sep="\t", index=False)


def _fits(text: str) -> bool:
    try:
        text.encode("cp949")
    except UnicodeEncodeError:
        return False
    return True


def _write_workbook(path: Path, comments: pd.DataFrame) -> None:
    import xlsxwriter

    with xlsxwriter.Workbook(path, {"strings_to_formulas": False, "strings_to_urls": False}) as workbook:
        sheet = workbook.add_worksheet()
        sheet.write_row(0, 0, ["번호", "감정_대분류", "사람문장1", "시스템응답1", "사람문장2"])
        for number, (text, label) in enumerate(zip(comments["text"], comments["label"], strict=True), 1):
            words = text.split(" ")
            half = (len(words) + 1) // 2
            row = [str(number), f"{label} ", " ".join(words[:half]), "그랬군요.", " ".join(words[half:])]
            sheet.write_row(number, 0, row)


def run(name: str, work: Path) -> dict[str, Any]:
    """Run a recipe by its command, and return its report in brief."""
    out = work / f"out-{name.lower()}"
    arguments = [str(work / value) if (work / value).is_file() else value for value in COMMANDS[name]]
    command = ["recipe", "run", name, *arguments, "--encoder", "bundled", "--out", str(out)]
    subprocess.run([sys.executable, "-m", "annotator.cli", *command], check=True)
    report = json.loads((out / "report.json").read_text("utf-8"))
    keys = ("metrics", "data", "tokens", "examples", "seconds", "limit", "trial", "curve")
    return {key: report[key] for key in keys}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kote", type=Path, required=True)
    parser.add_argument("--reviews", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True, help="new folder for inputs, models and reports")
    parser.add_argument("--only", nargs="+", choices=list(COMMANDS), default=list(COMMANDS))
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    arguments.work.mkdir(parents=True, exist_ok=True)
    write_inputs(arguments.kote, arguments.reviews, arguments.work)
    result: dict[str, Any] = {"machine": machine.describe(), "recipes": {}}
    for name in arguments.only:
        result["recipes"][name] = run(name, arguments.work)
    machine.write(arguments.json, result)


if __name__ == "__main__":
    main()

"""Make `benchmarks/data/chat_lines.tsv` anew: Korean chat lines with the topic of their conversation.

    pip download --no-deps chatterbot-corpus==1.3.3
    python benchmarks/chat_lines.py --wheel chatterbot_corpus-1.3.3-py2.py3-none-any.whl

`benchmarks/data/README.md` says what they are and under which licence. Lines are kept as they stand, each once; lines
that stand under more than one label are left out, since nobody could tell which is right. Conversations that begin with
the same line have the same number in `dialogue`: their lines answer each other and the same question.
"""

from __future__ import annotations

import argparse
import sys
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import pandas as pd
import yaml

if TYPE_CHECKING:
    from collections.abc import Iterator

_FOLDER = "chatterbot_corpus/data/korean/"

LABELS = {
    "감정": ("emotion",),
    "심리": ("psychology",),
    "인사": ("greetings", "conversations"),
    "기계": ("ai", "botprofile", "computers"),
    "지식": ("history", "literature", "politics", "science", "trivia"),
    "생활": ("food", "health", "money", "sports"),
    "재미": ("gossip", "humor", "movies"),
}
"""Which files make up a label: single ones have as few as nine lines."""


def main() -> None:
    """Write the file and print how many lines each label has."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--wheel", type=Path, required=True)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "data" / "chat_lines.tsv")
    arguments = parser.parse_args()
    frame = pd.DataFrame(_lines(arguments.wheel), columns=["text", "label", "topic", "dialogue"])
    frame = frame[frame.groupby("text")["label"].transform("nunique") == 1].drop_duplicates("text")
    frame.to_csv(arguments.out, sep="\t", index=False, lineterminator="\n")
    print(frame["label"].value_counts().to_string(), file=sys.stderr)


def _lines(wheel: Path) -> Iterator[tuple[str, str, str, int]]:
    numbers: dict[tuple[str, str], int] = {}
    with zipfile.ZipFile(wheel) as package:
        for label, topics in LABELS.items():
            for topic in topics:
                for conversation in yaml.safe_load(package.read(f"{_FOLDER}{topic}.yml"))["conversations"]:
                    lines = [str(line) for line in conversation]
                    dialogue = numbers.setdefault((topic, lines[0]), len(numbers) + 1)
                    yield from ((line, label, topic, dialogue) for line in lines)


if __name__ == "__main__":
    main()

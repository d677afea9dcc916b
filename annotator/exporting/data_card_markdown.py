"""A data card as Markdown."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from annotator.messages import say
from annotator.messages.unlinked import unlinked

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from annotator.messages import Language

_MARKED = re.compile(r"([\\`*_\[\]<>|#])")


def markdown(facts: dict[str, Any], language: Language | None) -> str:
    """Return a data card for people; see `annotator.exporting.data_card.facts`."""
    title = say("card.title", language, name=_plain(facts["file"]["name"]))
    parts = [
        ("file", _file(facts, language)),
        ("sample", _sample(facts, language)),
        ("labels", _labels(facts, language)),
        ("people", _people(facts, language)),
        ("model", _model(facts, language)),
        ("privacy", _privacy(facts, language)),
        ("sources", _sources(facts, language)),
        ("licence", [say("card.licence_open", language)]),
    ]
    sections = ["\n".join([f"## {say(f'card.part.{name}', language)}", "", *lines]) for name, lines in parts]
    return "\n\n".join([f"# {title}", *sections]) + "\n"


def _plain(text: str) -> str:
    """Return text that Markdown shows as it is, on one line."""
    return _MARKED.sub(r"\\\1", unlinked(" ".join(text.split())))


def _table(heading: str, rows: Iterable[Sequence[str]]) -> list[str]:
    names = heading.split("|")
    lines = [names, ["---"] * len(names), *rows]
    return [f"| {' | '.join(cells)} |" for cells in lines]


def _file(facts: dict[str, Any], language: Language | None) -> list[str]:
    file, diaries, selection = facts["file"], facts["diaries"], facts["selection"]
    lines = [
        say("card.written", language, format=file["format"], entries=file["entries"], diaries=diaries["exported"]),
        say("card.hash", language, sha256=file["sha256"]),
        say("card.content_hash", language, sha256=facts["database"]["content_sha256"]),
        say("card.software", language, version=facts["software"]["version"]),
    ]
    if selection["decided_only"]:
        lines.append(say("card.decided_only", language, of=facts["database"]["diaries"]))
    if selection["crosswalk"] is not None:
        lines.append(say("card.crosswalk", language, name=_plain(selection["crosswalk"])))
    return [f"- {line}" for line in lines]


def _sample(facts: dict[str, Any], language: Language | None) -> list[str]:
    sample, diaries = facts["sample"], facts["diaries"]
    lines = [say("card.test", language, count=diaries["test"], share=sample["test_share"])]
    lines.append(say("card.drawn", language, strategy=sample["strategy"], uniform=sample["uniform_share"]))
    if sample["overlap"] > 1:
        lines.append(say("card.overlap", language, people=sample["overlap"], share=sample["overlap_share"]))
    lines.append(say("card.shared", language, count=sample["decided_by_several"]))
    lines = [f"- {line}" for line in lines]
    asked = sample["labels_by_strategy"]
    if asked:
        total = sum(asked.values())
        named = {
            "": say("card.asked_unknown", language),
            "import": say("card.asked_import", language),
            "group": say("card.asked_group", language),
            "group_check": say("card.asked_group_check", language),
        }
        rows = [[named.get(name, f"`{name}`"), f"{n:,}", f"{n / total:z.1%}"] for name, n in asked.items()]
        lines += ["", *_table(say("card.columns_asked", language), rows)]
    return lines


def _labels(facts: dict[str, Any], language: Language | None) -> list[str]:
    heading = say("card.columns_labels", language)
    alphas = {} if facts["selection"]["crosswalk"] else facts["agreement"]["labels"]
    rows = [
        [
            _plain(label["name"]),
            _plain(label["definition"]),
            f"{label['decisions']:,}",
            _figure(alphas.get(label["name"])),
        ]
        for label in facts["labels"]
    ]
    decisions = facts["decisions"]
    aside = say("card.aside", language, skips=decisions.get("skip", 0), flags=decisions.get("flag", 0))
    marked = say("card.rationales", language, count=facts["diaries"]["with_rationales"])
    return [*_table(heading, rows), "", f"- {aside}", f"- {marked}"]


def _figure(measure: dict[str, Any] | None) -> str:
    return "–" if measure is None or measure["value"] is None else f"{measure['value']:z.2f}"


def _people(facts: dict[str, Any], language: Language | None) -> list[str]:
    people, agreement = facts["people"], facts["agreement"]
    lines = [say("card.people", language, people=people["people"], imports=people["imports"])]
    if people.get("names"):
        lines.append(say("card.names", language, names=", ".join(map(_plain, people["names"]))))
    alpha = agreement["krippendorff_alpha"]
    if alpha["value"] is None:
        lines.append(say("card.no_agreement", language))
    else:
        figures = {"value": alpha["value"], "low": alpha["low"], "high": alpha["high"]}
        lines.append(say("card.alpha", language, n=alpha["n"], **figures))
        lines.append(say("card.same", language, share=agreement["same_share"]["value"] or 0.0))
        lines.append(say("card.shown", language, share=agreement["shown_share"]))
    lines += [
        say(f"card.dates.{name}", language, first=span["first"], last=span["last"])
        for name, span in facts["dates"].items()
        if span["first"] is not None
    ]
    return [f"- {line}" for line in lines]


def _model(facts: dict[str, Any], language: Language | None) -> list[str]:
    model = facts["model"]
    if model is None:
        return [f"- {say('card.no_model', language)}"]
    lines = [
        say("card.version", language, version=model["version"], tier=model["tier"], labels=model["training_labels"]),
        say("card.encoder", language, name=_plain(model["encoder"]), hash=model["encoder_hash"][:16]),
        say("card.predicted", language, count=facts["diaries"]["with_prediction"]),
    ]
    test = model["test"]
    if test.get("n") and "accuracy_low" in test:
        figures = {"n": test["n"], "low": test["accuracy_low"], "high": test["accuracy_high"]}
        lines.append(say("card.accuracy", language, accuracy=test["accuracy"], **figures))
    if model["with_dictionary"]:
        lines.append(say("card.dictionary", language))
    return [f"- {line}" for line in lines]


def _privacy(facts: dict[str, Any], language: Language | None) -> list[str]:
    masking = facts["masking"]
    lines = [say("card.masked" if masking["masked"] else "card.unmasked", language)]
    return [*lines, say("card.masked_names", language)] if masking["names"] else lines


def _sources(facts: dict[str, Any], language: Language | None) -> list[str]:
    heading = say("card.columns_sources", language)
    rows = [[_plain(s["file"]), s["imported_at"][:10], f"{s['diaries']:,}", f"`{s['hash']}`"] for s in facts["sources"]]
    return _table(heading, rows)

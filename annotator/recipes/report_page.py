"""The report of a recipe as one self-contained page, without scripts or network."""

from __future__ import annotations

import json
from html import escape
from importlib.resources import files
from string import Template
from typing import TYPE_CHECKING, Any

from annotator.messages import default_language, say
from annotator.recipes.report_curve import draw_curve

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from annotator.messages import Language

MOST_LOSSES = 50
"""Texts with the highest losses that the page shows; the JSON report has all."""

_METRICS = ("accuracy", "macro_f1", "micro_f1", "weighted_f1")


def draw(report: dict[str, Any], language: Language | None = None) -> str:
    """Return the report as HTML; every text of the data is escaped."""
    language = language or default_language()

    def words(key: str, **values: str | float) -> str:
        return escape(say(f"recipe.{key}", language, **values))

    name = report["recipe"]
    page = Template(files(__package__).joinpath("report_page.html").read_text("utf-8"))
    sections = (_summary, _figures, _examples, _confusion, _curve, _losses, _tokens, _settings)
    return page.substitute(
        language=language,
        title=words("title", name=name),
        about=_about(name, language),
        body="\n".join(section(report, words) for section in sections),
    )


def _about(name: str, language: Language) -> str:
    from learner.recipes.recipe import list_names

    return escape(say(f"recipe.about.{name.lower()}", language)) if name in list_names() else ""


def _summary(report: dict[str, Any], words: Any) -> str:
    data = report["data"]
    rows = words("rows", training=data["training"], validation=data["validation"])
    if data["left_out"]:
        rows += " " + words("left_out", count=data["left_out"])
    pairs = {
        words("checkpoint"): escape(report["settings"]["model"]["checkpoint"]),
        words("files"): escape(", ".join(report["files"])),
        words("data"): rows,
        words("took"): words("minutes", minutes=report["seconds"] / 60),
    }
    if report["limit"] or report["trial"]:
        pairs[words("part")] = words("part_limit", count=report["limit"]) if report["limit"] else words("part_trial")
    for key, change in report["changes"].items():
        pairs[escape(key)] = words("change", recipe=_plain(change["recipe"]), run=_plain(change["run"]))
    listed = "".join(f"<dt>{term}</dt><dd>{value}</dd>" for term, value in pairs.items())
    return f"<dl>{listed}</dl>"


def _plain(value: Any) -> str:
    if value is None:
        return "–"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _figures(report: dict[str, Any], words: Any) -> str:
    metrics = report["metrics"]
    rows = [[words(name), *_with_interval(metrics[name])] for name in _METRICS]
    rows.append([words("commonest"), f"{metrics['commonest_class']:z.3f}", ""])
    rows += [[words("reported", name=name), f"{value:z.2f}", ""] for name, value in _reported(report).items()]
    classes = [
        [escape(name), f"{counts['training']:,}", f"{counts['validation']:,}", *_with_interval(f1)]
        for (name, counts), f1 in zip(report["data"]["classes"].items(), metrics["f1"], strict=True)
    ]
    head = [words("class"), words("training_rows"), words("validation_rows"), "F1", words("interval")]
    return (
        f"<h2>{words('figures')}</h2><p class='soft'>{words('figures_help', n=metrics['n'])}</p>"
        + _table(["", words("value"), words("interval")], rows)
        + f"<h2>{words('classes')}</h2>"
        + _table(head, classes)
    )


def _reported(report: dict[str, Any]) -> dict[str, float]:
    return dict(report["settings"].get("reported", {}))


def _with_interval(figure: dict[str, float | None]) -> list[str]:
    if figure["value"] is None:
        return ["–", ""]
    return [f"{figure['value']:z.3f}", f"{figure['low']:z.3f} – {figure['high']:z.3f}"]


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table: the first column names the row, the others are figures."""
    titles = "".join(f"<th{' class=figure' if i else ''}>{title}</th>" for i, title in enumerate(head))
    lines = "".join(
        f"<tr><th scope=row>{row[0]}</th>" + "".join(f"<td class=figure>{cell}</td>" for cell in row[1:]) + "</tr>"
        for row in rows
    )
    return f"<div class=wide><table><thead><tr>{titles}</tr></thead><tbody>{lines}</tbody></table></div>"


def _examples(report: dict[str, Any], words: Any) -> str:
    if not report["examples"]:
        return ""
    rows = "".join(
        f"<tr><td class=text>{escape(example['text'])}</td><td>{escape(example['answer'])}</td>"
        f"<td class=figure>{example['score']:z.2f}</td><td>{escape(example['reported'] or '–')}</td></tr>"
        for example in report["examples"]
    )
    head = "".join(f"<th>{words(key)}</th>" for key in ("text", "answer", "score", "expected"))
    return (
        f"<h2>{words('examples')}</h2><div class=wide><table><thead><tr>{head}</tr></thead>"
        f"<tbody>{rows}</tbody></table></div>"
    )


def _confusion(report: dict[str, Any], words: Any) -> str:
    confusion = report["confusion"]
    head = "".join(f"<th>{escape(name)}</th>" for name in confusion["labels"])
    lines = "".join(
        f"<tr><th scope=row>{escape(name)}</th>"
        + "".join(_cell(share, count) for share, count in zip(shares, counts, strict=True))
        + "</tr>"
        for name, shares, counts in zip(confusion["labels"], confusion["shares"], confusion["counts"], strict=True)
    )
    return (
        f"<h2>{words('confusion')}</h2><p class='soft'>{words('confusion_help')}</p>"
        f"<div class=wide><table class=confusion><thead><tr><th></th>{head}</tr></thead>"
        f"<tbody>{lines}</tbody></table></div>"
    )


def _cell(share: float, count: int) -> str:
    ink = "#fff" if share > 0.55 else "inherit"
    colour = f"background:rgba(31,63,107,{0.04 + 0.96 * share:z.2f});color:{ink}"
    figures = f"{share:z.2f}<small>{count:,}</small>" if count else ""
    return f'<td style="{colour}">{figures}</td>'


def _curve(report: dict[str, Any], words: Any) -> str:
    names = {key: words(f"curve_{key}") for key in ("loss", "validation_loss", "validation_accuracy")}
    names["training_accuracy"] = words("curve_training_accuracy")
    drawn = draw_curve(report["curve"], names, axis=words("steps"))
    return f"<h2>{words('curve')}</h2><div class=wide>{drawn}</div>" if drawn else ""


def _losses(report: dict[str, Any], words: Any) -> str:
    rows = "".join(
        f"<tr><td class=figure>{example['loss']:z.2f}</td><td class=figure>{example['row']:,}</td>"
        f"<td>{escape(example['label'])}</td>"
        f"<td class={'wrong' if example['answer'] != example['label'] else 'right'}>{escape(example['answer'])}</td>"
        f"<td class=text>{escape(example['text'])}</td></tr>"
        for example in report["losses"][:MOST_LOSSES]
    )
    head = "".join(f"<th>{words(key)}</th>" for key in ("loss", "row", "label", "answer", "text"))
    count = len(report["losses"])
    note = words("losses_help", shown=min(MOST_LOSSES, count), count=count)
    return (
        f"<h2>{words('losses')}</h2><p class='soft'>{note}</p>"
        f"<div class=wide><table class=losses><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>"
    )


def _tokens(report: dict[str, Any], words: Any) -> str:
    tokens = report["tokens"]
    sentence = words("tokens_help", longer=tokens["longer"], texts=tokens["texts"], maximum=tokens["maximum"])
    lengths = words(
        "token_lengths", median=tokens["median"], percentile=tokens["percentile_95"], longest=tokens["longest"]
    )
    return f"<h2>{words('tokens')}</h2><p>{sentence}</p><p class='soft'>{lengths}</p>"


def _settings(report: dict[str, Any], words: Any) -> str:
    settings = escape(json.dumps(report["settings"], ensure_ascii=False, indent=1))
    new = report["new_weights"]
    note = f"<p class='soft'>{words('new_weights', names=', '.join(new))}</p>" if new else ""
    whole = f"<details><summary>{words('settings_all')}</summary><pre>{settings}</pre></details>"
    return f"<h2>{words('settings')}</h2>{note}{whole}"

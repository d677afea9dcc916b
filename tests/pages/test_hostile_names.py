"""Names of people, labels, files and whatever else people write: on no page does one become a link or formatting."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from google.protobuf.json_format import MessageToDict

from annotator import project
from annotator.accounts import accounts, sessions
from annotator.messages.unlinked import unlinked
from db.connection import rows
from db.label_sets import guidelines
from db.models import models, word_emotions
from db.people import annotators
from pages.widgets import session, site
from pages.widgets.tables import shown_cell
from pages.widgets.text import plain
from pages.widgets.theme import has_markup, without_markup
from tests import reviewed
from tests.conftest import ROOT, answer_test_part

if TYPE_CHECKING:
    from collections.abc import Iterator

    from db import Database

PASSWORD = "correct horse 1"

PAYLOADS = (
    "http://evil.kr/x",
    "HTTPS://evil.kr",
    "www.evil.kr",
    "a@evil.kr",
    "mailto:b@evil.kr",
    "[x](//evil.kr)",
    "![x](//evil.kr)",
    "<a href=//evil.kr>x</a>",
    ":material/link:",
    "*x* `y` $z$",
    '=HYPERLINK("//evil.kr")',
)

# Streamlit's own: mdast-util-gfm-autolink-literal looks for these in whatever text Markdown leaves over.
LINKED = re.compile(r"(?:https?://|www(?=\.))[-.\w]+|[-.\w+]+@[-\w]+(?:\.[-\w]+)+", re.IGNORECASE)
FORMATTED = re.compile(r"(?<!\\)\]\(|(?<!\\)<a\b|:material/link:|(?<!\\)\*x|(?<!\\)`y|(?<!\\)\$z")

NOT_MARKDOWN = {
    *("id", "options", "default", "value", "stringValue", "rawValues", "spec", "placeholder", "columns", "data"),
    *(
        "pageScriptHash",
        "url",
        "urlPath",
        "queryString",
        "script",
        "formId",
        "key",
        "elementId",
        "language",
        "codeText",
        "alt",
    ),
}
"""Fields of Streamlit's messages that it shows as plain text, or not at all."""

NAMES = {
    "labels": ("name", "definition"),
    "annotators": ("name",),
    "batches": ("file_name",),
    "diaries": ("author", "source"),
    "decisions": ("memo",),
    "word_emotions": ("word",),
    "invites": ("name",),
    "reviews": ("comment",),
    "label_history": ("note",),
    "guidelines": ("text",),
    "care_flags": ("note",),
    "models": ("encoder",),
    "batch_skips": ("detail",),
}
"""Columns with what people have written, in the tables that these pages show."""


def poison(db: Database, payload: str) -> None:
    """Let every name be a payload, with a number where names may not be the same."""
    # Some tables are only ever added to; for a moment they are not.
    triggers = rows(db, "select name, sql from sqlite_schema where type = 'trigger'")
    for name, _ in triggers:
        db.conn.execute(f"drop trigger {name}")
    for table, columns in NAMES.items():
        for column in columns:
            db.conn.execute(f"update {table} set {column} = ? || ' ' || abs(random())", [payload])
    for _, statement in triggers:
        db.conn.execute(statement)
    db.conn.commit()


@pytest.fixture
def full(ready: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with people, a measured model, reviews, guidelines, words and invites; an administrator looks."""
    with project.opened(ready) as db:
        reviewed.make(db)
        answer_test_part(db, models.find_active(db).id, [2, 5])  # type: ignore[union-attr]
        who = annotators.get_or_create_id(db, "지민")
        guidelines.add_guideline(db, 1, None, "x", ["y"], annotator_id=who)
        word_emotions.add(db, word_emotions.NewWordEmotion("눈물", 5, "confirmed", "hand", who))
        accounts.add(db, None, "수아", "administrator", password=PASSWORD)
        accounts.invite(db, None, "하준", "annotator")
        token = sessions.login(db, "수아", PASSWORD, address="192.0.2.1")
    monkeypatch.setattr(session, "token", lambda: token)
    return ready


def texts(message: Any, field: str = "") -> Iterator[tuple[str, str]]:
    """Yield every text of a message that Streamlit draws as Markdown, with the name of its field."""
    if isinstance(message, dict):
        for name, value in message.items():
            if name not in NOT_MARKDOWN:
                yield from texts(value, name)
    elif isinstance(message, list):
        for value in message:
            yield from texts(value, field)
    elif isinstance(message, str):
        yield field, message


PAGES = [Path(file).parent.name for file, *_ in site.PAGES.values()]


@pytest.mark.parametrize("page", PAGES)
def test_no_name_becomes_a_link_or_formatting(full: Path, open_app, page: str) -> None:
    with project.opened(full) as db:
        poison(db, " ".join(PAYLOADS))
    app = open_app(page)
    assert not app.exception
    for root in (app.main, app.sidebar):
        for element in root:
            _check(element)


def _check(element: Any) -> None:
    kind = element.type
    if element.proto is None or kind in ("code", "text", "bidi_component", "arrow_data_frame", "data_editor"):
        return
    described = MessageToDict(element.proto)
    if kind == "plotly_chart":
        assert not has_markup(json.loads(described["spec"]))
        return
    for field, text in texts(described):
        if kind == "html":
            assert "<a href=//evil" not in text
        else:
            assert not LINKED.search(text), (kind, field, text)
            assert not FORMATTED.search(text), (kind, field, text)


def test_the_poison_is_seen_at_all(full: Path, open_app) -> None:
    with project.opened(full) as db:
        poison(db, "www.evil.kr")
    for page in ("people", "labels", "team", "overview", "review"):
        app = open_app(page)
        said = " ".join(str(MessageToDict(element.proto)) for element in app.main if element.proto)
        assert "evil.kr" in said, page


@pytest.mark.parametrize("text", ["<- -> <-> -- >= <= ~=", ":red[x]", ":red", ":small[x]", ":smile:"])
def test_signs_and_directives_are_broken_where_markdown_would_draw_them(text: str) -> None:
    drawn = re.compile(r"(?<!\S)(?:<->|<-|->|--|>=|<=|~=)(?!\S)|:[A-Za-z]")
    assert drawn.search(text)
    assert not drawn.search(plain(text).replace("\\", ""))
    assert plain(text).replace("\\", "").replace("\u2060", "") == text


@pytest.mark.parametrize("name", ["<i>x</i>", "<b>x</b><br>", "&lt;b&gt;", "&#60;b&#62;", "<sub>", "a < b"])
def test_a_name_in_a_chart_is_no_tag_once_or_twice_and_a_tag_of_ours_stays(name: str) -> None:
    shown = without_markup({"x": [name], "text": ["<b>3</b><br>50%"], "hovertemplate": "%{y}<br>%{x}"})
    assert shown["x"][0].replace("\u2060", "") == name
    assert not re.search(r"<[^\u2060]|&#?\w+;", shown["x"][0])
    assert (shown["text"], shown["hovertemplate"]) == (["<b>3</b><br>50%"], "%{y}<br>%{x}")
    assert without_markup(shown) == shown


@pytest.mark.parametrize("payload", PAYLOADS)
def test_plain_text_is_no_link_once_or_twice(payload: str) -> None:
    for text in (plain(payload), unlinked(payload), unlinked(unlinked(payload)), f"“{unlinked(payload)}”"):
        assert not LINKED.search(text)
    assert unlinked(unlinked(payload)) == unlinked(payload)
    assert not FORMATTED.search(plain(payload))
    assert not has_markup(without_markup({"x": [payload], "y": (payload, [payload])}))


@pytest.mark.parametrize(
    "text", ["행복", "12:30", "a: b", "메모 @ 집", "3.5 / 4", "김수아 (나)", "비율 1:2", "100%", "w.", "data: x"]
)
def test_other_names_stay_as_they_are(text: str) -> None:
    assert unlinked(text) == text


@pytest.mark.parametrize("text", ["-0.12", "+3", "12.5%", "1,234", "–"])
def test_figures_in_tables_stay_as_they_are_and_formulas_do_not(text: str) -> None:
    assert shown_cell(text) == text
    assert shown_cell(f"={text}") == f"'={text}"
    assert shown_cell(f" \u200b@{text}").startswith("'")


NAME_ATTRIBUTES = {"name", "file_name", "author", "memo", "comment", "definition", "word", "form", "annotator_name"}
MARKDOWN = {
    *("markdown", "write", "caption", "title", "header", "subheader", "toast", "error", "info", "warning", "success"),
    *("button", "checkbox", "toggle", "expander", "popover", "tabs", "metric", "badge", "status"),
}


def _is_ours(module: ast.Module) -> Iterator[str]:
    for call in ast.walk(module):
        if not (isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.func.attr in MARKDOWN):
            continue
        drawn = [*call.args[:1], *(word.value for word in call.keywords if word.arg in ("help", "label", "body"))]
        for argument in drawn:
            yield from (f"{call.lineno}: {name}" for name in _bare_names(argument))


def _bare_names(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("plain", "escape"):
        return
    if isinstance(node, ast.Attribute) and node.attr in NAME_ATTRIBUTES:
        yield ast.unparse(node)
    for child in ast.iter_child_nodes(node):
        yield from _bare_names(child)


def test_no_page_draws_a_name_as_markdown_or_a_table_past_the_one_way() -> None:
    places = []
    for path in sorted((ROOT / "pages").rglob("*.py")):
        module = ast.parse(path.read_text("utf-8"))
        places += [f"{path.relative_to(ROOT)}:{what}" for what in _is_ours(module)]
        if path.name not in ("tables.py", "theme.py"):
            calls = (node.attr for node in ast.walk(module) if isinstance(node, ast.Attribute))
            places += [
                f"{path.relative_to(ROOT)}: {name}" for name in calls if name in ("dataframe", "table", "plotly_chart")
            ]
    assert places == []


def test_the_rule_bites() -> None:
    bad = ast.parse("st.markdown(f'**{label.name}**')\nst.caption(say('x', name=flag.author))\nst.title(plain(a.name))")
    assert list(_is_ours(bad)) == ["1: label.name", "2: flag.author"]

"""The few pages outside Streamlit: a card in the app's look, of plain HTML, without any script."""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass
from html import escape

from starlette.responses import HTMLResponse

from annotator.messages import LANGUAGES, Language, say
from service.transport.response_headers import PLAIN_PAGE_POLICY

_HEADERS = {"Cache-Control": "no-store", "Content-Security-Policy": PLAIN_PAGE_POLICY}

_DARK = (
    "--page: #17191d; --card: #1d2025; --text: #e9e7e2; --soft: #a3a7ae; --line: #3a3e46; --primary: #4474b3; "
    "--bad: #f2b8b5; --bad-page: #3a2322; --good-page: #232c37;"
)

_STYLE = """
:root { color-scheme: light dark; --page: #fdfcfa; --card: #fff; --text: #23272e; --soft: #6b7079; --line: #d9d5cb;
  --primary: #3f5f8a; --bad: #b3261e; --bad-page: #fbeceb; --good-page: #eef3f8; }
@media (prefers-color-scheme: dark) { html:not([data-theme=Light]) { DARK } }
html[data-theme=Light] { color-scheme: light; } html[data-theme=Dark] { color-scheme: dark; DARK }
* { box-sizing: border-box; }
body { margin: 0; min-height: 100vh; display: flex; flex-flow: column; align-items: center; justify-content: center;
  padding: 1.5rem 1rem; background: var(--page); color: var(--text); line-height: 1.6; word-break: keep-all;
  font-family: Pretendard, 'Apple SD Gothic Neo', 'Malgun Gothic', 'Noto Sans KR', 'Noto Sans CJK KR', NanumGothic,
    sans-serif; }
.brand { margin: 0 0 1.25rem; font-size: 1.1rem; font-weight: 600; }
main { width: 100%; max-width: 23rem; padding: 1.75rem; background: var(--card); border: 1px solid var(--line);
  border-radius: 0.9rem; }
h1 { margin: 0 0 1rem; font-size: 1.3rem; }
p { margin: 0 0 1rem; } .soft { color: var(--soft); font-size: 0.875rem; }
main > :last-child, form:last-child > button { margin-bottom: 0; }
label { display: block; margin-bottom: 1rem; font-size: 0.875rem; }
label span { color: var(--soft); margin-left: 0.4rem; }
input[readonly] { color: var(--soft); }
input { display: block; width: 100%; margin-top: 0.3rem; padding: 0.6rem 0.75rem; font: inherit; font-size: 1rem;
  color: inherit; background: var(--page); border: 1px solid var(--line); border-radius: 0.6rem; }
button, .button { display: block; width: 100%; padding: 0.65rem; font: inherit; font-weight: 600; text-align: center;
  text-decoration: none; cursor: pointer; border-radius: 0.6rem; border: 1px solid var(--primary); color: #fff;
  background: var(--primary); margin-bottom: 1rem; }
.button.quiet { color: inherit; background: none; border-color: var(--line); font-weight: 400; }
:focus-visible { outline: 2px solid var(--primary); outline-offset: 2px; }
[role=alert], [role=status] { padding: 0.65rem 0.85rem; border-radius: 0.6rem; font-size: 0.9rem; }
[role=alert] { background: var(--bad-page); color: var(--bad); } [role=status] { background: var(--good-page); }
a { color: inherit; } footer { margin-top: 1.25rem; }
""".replace("DARK", _DARK)


THEME_COOKIE = "maeumgyeol_theme"
"""Holds the theme that was chosen in a browser: ``Light`` or ``Dark``; the pages' own scripts write it."""

_theme: ContextVar[str] = ContextVar("theme", default="")


def remember_theme(chosen: str | None) -> None:
    """Draw the pages of this request in the theme that was chosen; any other word means the system's."""
    _theme.set(chosen if chosen in ("Light", "Dark") else "")


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a form.

    Attributes:
        kind: type of the input, such as ``password``.
        autocomplete: what a password manager takes it for.
        is_fixed: whether it is shown but can't be changed.
    """

    name: str
    label: str
    kind: str
    autocomplete: str
    value: str = ""
    hint: str = ""
    is_fixed: bool = False


@dataclass(frozen=True, slots=True)
class FormPage:
    """What one of these pages says and asks.

    Attributes:
        button: text of the button that sends the fields to the address of the page; no form without it.
        links: address and text of other ways to go on, shown as buttons.
        problem: why the last try did not work.
        done: what has just been done.
    """

    title: str
    language: Language
    intro: str = ""
    fields: tuple[Field, ...] = ()
    button: str = ""
    links: tuple[tuple[str, str], ...] = ()
    note: str = ""
    problem: str = ""
    done: str = ""
    other_language: str = ""


def respond(card: FormPage, *, status: int = 200) -> HTMLResponse:
    """Return a card as a page."""
    parts = [
        f"<h1>{escape(card.title)}</h1>",
        _element("p", card.intro),
        _element("p", card.problem, ' role="alert"'),
        _element("p", card.done, ' role="status"'),
        _form(card),
        *(f'<a class="button quiet" href="{escape(to)}">{escape(words)}</a>' for to, words in card.links),
        _element("p", card.note, ' class="soft"'),
    ]
    name = escape(say("app.name", card.language))
    page = f"""<!doctype html>
<html lang="{card.language}" data-theme="{_theme.get()}"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(card.title)} · {name}</title><style>{_STYLE}</style></head>
<body><p class="brand">📔 {name}</p><main>{"".join(parts)}</main>{_footer(card)}</body></html>"""
    return HTMLResponse(page, status_code=status, headers=_HEADERS)


def _element(tag: str, text: str, attributes: str = "") -> str:
    return f"<{tag}{attributes}>{escape(text)}</{tag}>" if text else ""


def _form(card: FormPage) -> str:
    if not card.button:
        return ""
    first = next((box for box in card.fields if not box.is_fixed), None)
    boxes = "".join(_box(box, is_first=box is first) for box in card.fields)
    # Without an action a form is sent to the address of its page, including the query.
    return f'<form method="post">{boxes}<button>{escape(card.button)}</button></form>'


def _box(box: Field, *, is_first: bool) -> str:
    hint = f"<span>{escape(box.hint)}</span>" if box.hint else ""
    rest = " readonly" if box.is_fixed else " autofocus" if is_first else ""
    return (
        f'<label>{escape(box.label)}{hint}<input name="{box.name}" type="{box.kind}" value="{escape(box.value)}"'
        f' autocomplete="{box.autocomplete}" required maxlength="200"{rest}></label>'
    )


def _footer(card: FormPage) -> str:
    if not card.other_language:
        return ""
    other = next(language for language in LANGUAGES if language != card.language)
    words = escape(say("frame.language_name", other))
    return f'<footer class="soft"><a href="{escape(card.other_language)}" lang="{other}">{words}</a></footer>'

"""Every text that people read is in one catalogue, in both languages, and every key of it is used rightly."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from dataclasses import dataclass
from functools import cache
from string import Formatter
from typing import TYPE_CHECKING

import pytest

from annotator.errors import UserError
from annotator.formats.table import NOTES
from annotator.labelling.queueing import STRATEGIES
from annotator.messages import LANGUAGES, below, catalogue, explain, say
from annotator.worker.round.steps import STEPS
from db.answers.imported_decisions import FATES
from tests.conftest import PACKAGES, ROOT

if TYPE_CHECKING:
    from annotator.messages import Language

ERRORS = {"UserError", "LearnerError", "DatabaseError", "NotFoundError", "EncoderError"}

DYNAMIC = {
    r"step\..+": "steps of upkeep and of a round",
    r"why\..+": "query strategies",
    r"learn\.tier\.(instant|adapter|full)(_caption)?": "tiers of a round",
    r"import\.reason\..+": "reasons of a skipped row",
    r"import\.report\..+": "columns and outcomes of the report",
    r"people\.action\..+": "actions of the audit log",
    r"review\.board\..+": "the review board's own strings; test_the_review_board_uses_each_of_its_strings",
    r"groups\.board\..+": "the group board's own strings; test_the_group_board_uses_each_of_its_strings",
    r"try_out\.board\..+": "the board of 써보기; tests/pages/test_try_out.py",
    r"board\..+": "the board's own strings; test_the_board_uses_each_of_its_strings",
    r"error\.database_.+|error\.disk_.+": "causes of SQLite errors, db.errors",
    r"error\.round_lost": "rounds that earlier versions have ended",
}
"""Keys that are put together at run time, where a scan of the sources can't name each."""

HANGUL_ALLOWED = {
    "annotator/accounts/annotators.py": "what begins the name of a file's labels, which is stored",
    "annotator/privacy/care.py": "ranges of letters",
    "annotator/privacy/masking.py": "what follows a span of years",
    "annotator/privacy/person_names.py": "names, titles and particles",
    "annotator/accounts/password_strength.py": "surnames, alphabets, how dates are written",
    "annotator/label_sets/definitions.py": "the default label set, which is data",
    "annotator/importing/columns.py": "column names that are guessed",
    "annotator/formats/column_names.py": "column names that are guessed",
    "annotator/formats/config_names.py": "how people name what settings files say",
    "annotator/formats/dates.py": "how dates are written",
    "annotator/formats/encodings.py": "ranges of letters",
    "annotator/formats/heading.py": "how sentences end",
    "annotator/formats/texts.py": "how dates are written in names of files",
    "annotator/importing/figures.py": "signs for yes and no",
    "annotator/importing/people.py": "stored names of tools",
    "annotator/importing/text_checks.py": "how rows of totals begin",
    "annotator/importing/importer.py": "the stored name of an importer",
    "annotator/label_sets/distances.py": "names of the default labels",
    "annotator/try_out.py": "the stored name of a source",
    "annotator/messages/particles.py": "particles",
    "pages/import_diaries/page.py": "an example file",
    "pages/setup/label_table.py": "an example file",
}


@dataclass(frozen=True)
class Use:
    """A place that asks for a message: the pattern of its key, and the names of the values it gives."""

    pattern: str
    values: frozenset[str]
    is_open: bool
    where: str


def _placeholders(text: str) -> frozenset[str]:
    return frozenset(name for _, name, _, _ in Formatter().parse(text) if name)


def _patterns(node: ast.expr, prefix: str) -> list[str]:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return [re.escape(prefix + node.value)]
    if isinstance(node, ast.IfExp):
        return _patterns(node.body, prefix) + _patterns(node.orelse, prefix)
    if isinstance(node, ast.JoinedStr):
        parts = [re.escape(str(p.value)) if isinstance(p, ast.Constant) else "[a-z_0-9]+" for p in node.values]
        return [re.escape(prefix) + "".join(parts)]
    return []


def _name(node: ast.expr) -> str:
    return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""


def _uses_of_call(call: ast.Call, where: str) -> list[Use]:
    name = _name(call.func)
    if not call.args or name not in {"say", *ERRORS}:
        return []
    values = frozenset(k.arg for k in call.keywords if k.arg)
    is_open = any(k.arg is None for k in call.keywords)
    patterns = _patterns(call.args[0], "error." if name in ERRORS else "")
    # `serve` calls back with an address by that name.
    return [Use(pattern, values, is_open, where) for pattern in patterns if "://" not in pattern]


def _uses_of_dict(node: ast.Dict, where: str) -> list[Use]:
    """Return the error that a failed round or worker keeps as its code and details."""
    items = {
        key.value: value for key, value in zip(node.keys, node.values, strict=True) if isinstance(key, ast.Constant)
    }
    if items.keys() != {"code", "details"} or not isinstance(items["details"], ast.Dict):
        return []
    values = frozenset(str(key.value) for key in items["details"].keys if isinstance(key, ast.Constant))
    return [Use(p, values, False, where) for p in _patterns(items["code"], "error.")]


@cache
def _sources() -> dict[str, ast.Module]:
    files = [ROOT / "streamlit_app.py"]
    for package in PACKAGES:
        files += sorted((ROOT / package).rglob("*.py"))
    return {str(file.relative_to(ROOT)): ast.parse(file.read_text("utf-8")) for file in files}


@cache
def _uses() -> list[Use]:
    uses = []
    for path, tree in _sources().items():
        for node in ast.walk(tree):
            where = f"{path}:{getattr(node, 'lineno', 0)}"
            if isinstance(node, ast.Call):
                uses += _uses_of_call(node, where)
            elif isinstance(node, ast.Dict):
                uses += _uses_of_dict(node, where)
    return uses


@cache
def _strings() -> frozenset[str]:
    return frozenset(
        node.value
        for tree in _sources().values()
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    )


def test_both_languages_have_the_same_keys_in_the_same_order() -> None:
    assert list(catalogue("ko")) == list(catalogue("en"))


def test_both_languages_want_the_same_values_and_no_text_is_empty() -> None:
    ko, en = (catalogue(language) for language in LANGUAGES)
    assert [key for key in ko if _placeholders(ko[key]) != _placeholders(en[key])] == []
    assert [key for key in ko if not (ko[key].strip() and en[key].strip())] == []


def test_korean_speaks_in_one_tone() -> None:
    assert [key for key, text in catalogue("ko").items() if re.search(r"니다|니까", text)] == []


def test_the_scan_finds_what_it_looks_for() -> None:
    patterns = {use.pattern for use in _uses()}
    assert {
        r"error\.labels_of_one_kind",
        r"cli\.import\.done",
        r"step\.[a-z_0-9]+",
        r"error\.worker_running",
    } <= patterns
    assert len(patterns) > 300


def test_every_message_that_the_code_asks_for_exists() -> None:
    assert [use for use in _uses() if not _keys_of(use.pattern)] == []


@cache
def _keys_of(pattern: str) -> tuple[str, ...]:
    """Return the keys that the pattern of a use means. Most leave nothing open, and mean one key."""
    keys = catalogue("ko")
    if "[" not in pattern:
        key = re.sub(r"\\(.)", r"\1", pattern)
        return (key,) if key in keys else ()
    compiled = re.compile(pattern)
    return tuple(key for key in keys if compiled.fullmatch(key))


def test_every_message_gets_the_values_that_it_wants() -> None:
    short = [
        (use.where, key, sorted(lacking))
        for use in _uses()
        if not use.is_open
        for key in _keys_of(use.pattern)
        if (lacking := _placeholders(catalogue("ko")[key]) - use.values)
    ]
    # A shared prefix with one set of values: keys of the same prefix that another place asks for.
    assert [entry for entry in short if not _is_asked_for_elsewhere(entry[1])] == []


def _is_asked_for_elsewhere(key: str) -> bool:
    placeholders = _placeholders(catalogue("ko")[key])
    return any(placeholders <= use.values and key in _keys_of(use.pattern) for use in _uses())


def test_no_error_is_given_values_that_neither_sentence_shows() -> None:
    """Details are the facts that a person needs: one that no sentence shows is a sentence that says too little."""
    unshown = defaultdict(set)
    for use in _uses():
        for key in (k for k in _keys_of(use.pattern) if k.startswith("error.")):
            unshown[key] |= use.values - _placeholders(catalogue("ko")[key])
    allowed = {"error.memory_full": {"kind"}}
    assert {key: names for key, names in unshown.items() if names - allowed.get(key, set())} == {}


def test_every_message_is_used() -> None:
    used = {key for use in _uses() for key in _keys_of(use.pattern)}
    strings = _strings()
    unused = [
        key
        for key in catalogue("ko")
        if key not in used
        and not any(re.fullmatch(pattern, key) for pattern in DYNAMIC)
        and key not in strings
        and key.removeprefix("error.") not in strings
    ]
    assert unused == []


def test_the_board_uses_each_of_its_strings() -> None:
    folder = ROOT / "pages" / "components" / "label_board"
    script = "\n".join(file.read_text("utf-8") for file in folder.glob("*.js"))
    put_together = r"(help|skip|flag|undo)_\w+|(hint)_\w+|tour\.(ask|diary)_\w+"
    unused = [
        name
        for name in (key.removeprefix("board.") for key in catalogue("ko") if key.startswith("board."))
        if not re.search(rf"\b{name}\b", script) and not re.fullmatch(put_together, name)
    ]
    assert unused == []


def test_the_review_board_uses_each_of_its_strings() -> None:
    folder = ROOT / "pages" / "components" / "review_board"
    script = "\n".join(file.read_text("utf-8") for file in folder.glob("*.js"))
    names = [key.removeprefix("review.board.") for key in catalogue("ko") if key.startswith("review.board.")]
    assert [name for name in names if not re.search(rf"\b{name}\b", script)] == []


def test_the_group_board_uses_each_of_its_strings() -> None:
    folder = ROOT / "pages" / "components" / "group_board"
    script = "\n".join(file.read_text("utf-8") for file in folder.glob("*.js"))
    names = [key.removeprefix("groups.board.") for key in catalogue("ko") if key.startswith("groups.board.")]
    assert [name for name in names if not re.search(rf"\b{name}\b", script)] == []


def _source(folder: str) -> str:
    return "".join(file.read_text("utf-8") for file in sorted((ROOT / folder).glob("*.py")))


@pytest.mark.parametrize("language", LANGUAGES)
def test_names_that_are_put_together_at_run_time_have_their_messages(language: Language) -> None:
    keys = catalogue(language)
    assert {f"why.{name}" for name in (*STRATEGIES, "test")} <= keys.keys()
    assert {f"learn.strategy_{name}" for name in STRATEGIES} <= keys.keys()
    assert {f"step.{name}" for name in STEPS} <= keys.keys()
    told = set(re.findall(r'Progress\(\s*"(\w+)"', _source("annotator/worker/tasks")))
    assert told
    assert {f"step.{name}" for name in told} <= keys.keys()
    sources = _source("annotator/importing") + _source("db/texts")
    skips = re.findall(r'Skip\([^"()]*"(\w+)"', sources) + re.findall(r'reason = "(\w+)" if', sources)
    reasons = {*skips, *FATES, *NOTES}
    assert {f"import.reason.{reason}" for reason in reasons} == {k for k in keys if k.startswith("import.reason.")}
    causes = re.findall(r'", "(\w+)"\)', (ROOT / "db/errors.py").read_text("utf-8"))
    assert len(causes) >= 7
    assert {f"error.{code}" for code in causes} <= keys.keys()


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_error_can_be_put_into_one_line(language: Language) -> None:
    for key in [key for key in catalogue("ko") if key.startswith("error.")]:
        details = dict.fromkeys(_placeholders(catalogue("ko")[key]), 7)
        sentence = explain(UserError(key.removeprefix("error."), **details), language)
        assert "{" not in sentence.replace('{"text": "…"}', ""), key
        assert "\n" not in sentence, key


def test_korean_is_korean_and_english_is_english() -> None:
    hangul = re.compile("[가-힣]")
    quoted = {"import_page.labels_decide"}
    assert [key for key, text in catalogue("en").items() if hangul.search(text) and key not in quoted] == []
    assert [key for key, text in catalogue("ko").items() if key.startswith("error.") and not hangul.search(text)] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_messages_below_a_name_are_those_of_the_whole_catalogue(language: Language) -> None:
    firsts = {key.partition(".")[0] for key in catalogue(language)}
    parts = [{f"{first}.{rest}": text for rest, text in below(first, language).items()} for first in firsts]
    assert {key: text for part in parts for key, text in part.items()} == catalogue(language)
    assert below("people.action", language).keys() == {
        key.removeprefix("people.action.") for key in catalogue(language) if key.startswith("people.action.")
    }
    assert below("no_such_name", language) == {}


def test_a_key_that_does_not_exist_is_a_fault() -> None:
    with pytest.raises(KeyError):
        say("no.such.key")


def test_the_language_follows_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAEUMGYEOL_LANG", "en_US")
    assert say("step.fit") == catalogue("en")["step.fit"]
    monkeypatch.setenv("MAEUMGYEOL_LANG", "ko")
    assert say("step.fit") == catalogue("ko")["step.fit"]


def _docstrings(tree: ast.Module) -> set[int]:
    bodies = [getattr(node, "body", None) for node in ast.walk(tree)]
    statements = [statement for body in bodies if isinstance(body, list) for statement in body]
    return {id(s.value) for s in statements if isinstance(s, ast.Expr) and isinstance(s.value, ast.Constant)}


def test_no_korean_text_stands_in_the_code() -> None:
    places = [
        f"{path}:{node.lineno}"
        for path, tree in _sources().items()
        if path.startswith(("annotator/", "pages/", "streamlit_app")) and path not in HANGUL_ALLOWED
        for docstrings in [_docstrings(tree)]
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and id(node) not in docstrings
        and re.search("[ㄱ-ㅎㅏ-ㅣ가-힣]", node.value)
    ]
    assert places == []

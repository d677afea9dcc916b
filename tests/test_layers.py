"""The layers hold: by import-linter, proven to bite, and by a look at every string for SQL."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.conftest import PACKAGES, ROOT

SQL = re.compile(
    r"""^\s*(
        select\b.+?\bfrom\b | insert\s+(or\s+\w+\s+)?into\b | replace\s+into\b | update\s+\w+\s+set\b | delete\s+from\b
        | create\s+(unique\s+|temp\s+|virtual\s+)*(table|index|trigger|view)\b | drop\s+(table|index|trigger|view)\b
        | alter\s+table\b | pragma\s+\w+ | (begin|commit|rollback)(\s+\w+)?\s*;?\s*$ | with\s+\w+\s+as\s*\( | vacuum\b
    )""",
    re.IGNORECASE | re.DOTALL | re.VERBOSE,
)


def _sql_in(source: str) -> list[int]:
    """Return the lines of string literals that are SQL. Docstrings are prose."""
    tree = ast.parse(source)
    bodies = [getattr(node, "body", None) for node in ast.walk(tree)]
    statements = [statement for body in bodies if isinstance(body, list) for statement in body]
    prose = {id(s.value) for s in statements if isinstance(s, ast.Expr)}
    return [
        node.lineno
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in prose
        if SQL.match(node.value)
    ]


def _files(*packages: str) -> list[Path]:
    return [
        *(file for package in packages for file in sorted((ROOT / package).rglob("*.py"))),
        ROOT / "streamlit_app.py",
    ]


@pytest.mark.parametrize(
    "text",
    ["select 1 from x", "\n  SELECT id\n from diaries", "insert or replace into x values (1)", "pragma user_version",
     "update x set y = 1", "delete from leases", "create unique index i on x (y)", "begin immediate"],
)  # fmt: skip
def test_sql_is_recognised(text: str) -> None:
    assert _sql_in(f"run({text!r})") == [1]
    assert _sql_in(f"def f():\n    {text!r}") == [], "a docstring is prose"


@pytest.mark.parametrize(
    "text", ["selected", "update", "create", "with", "Delete the file", "pragma", "from x import y"]
)
def test_words_are_not_taken_for_sql(text: str) -> None:
    assert _sql_in(f"x = {text!r}") == []


def test_there_is_no_sql_outside_db() -> None:
    places = [
        f"{f.relative_to(ROOT)}:{n}"
        for f in _files(*(package for package in PACKAGES if package != "db"))
        for n in _sql_in(f.read_text())
    ]
    assert places == []


def test_there_is_sql_in_db_so_the_look_is_not_blind() -> None:
    assert sum(len(_sql_in(file.read_text())) for file in (ROOT / "db").rglob("*.py")) > 60


def test_nothing_prints() -> None:
    places = [
        f"{file.relative_to(ROOT)}:{node.lineno}"
        for file in _files(*PACKAGES)
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("print", "pprint")
    ]
    assert places == []


def test_no_script_lies_at_the_top_of_pages() -> None:
    """Streamlit would serve it by itself, without the frame."""
    assert list((ROOT / "pages").glob("*.py")) == []


def _lint(folder: Path) -> subprocess.CompletedProcess[str]:
    linter = Path(sys.executable).with_name("lint-imports")
    return subprocess.run(
        [str(linter), "--no-cache"], cwd=folder, capture_output=True, text=True, check=False, timeout=120,
        env={"PYTHONPATH": str(folder), "PATH": "/usr/bin:/bin"},
    )  # fmt: skip


@pytest.fixture
def sample(tmp_path: Path) -> Path:
    """Every module of the product, empty but for the imports that a contract lets pass, under the same contracts."""
    for file in _files(*PACKAGES):
        copy = tmp_path / file.relative_to(ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.touch()
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]["contracts"]
    for ignored in [line for contract in contracts for line in contract.get("ignore_imports", ())]:
        importer, imported = ignored.split(" -> ")
        with (tmp_path / (importer.replace(".", "/") + ".py")).open("a") as module:
            module.write(f"import {imported}\n")
    return tmp_path


def test_a_sample_that_keeps_to_the_layers_passes(sample: Path) -> None:
    (sample / "db" / "good.py").write_text("import sqlite3\n")
    (sample / "annotator" / "labelling" / "good.py").write_text("import db.good\nimport learner\n")
    (sample / "pages" / "label" / "good.py").write_text("import streamlit\nimport annotator.labelling.good\n")
    (sample / "annotator" / "cli" / "good.py").write_text("import annotator.worker.loop\n")
    linted = _lint(sample)
    assert linted.returncode == 0, linted.stdout + linted.stderr


BREAKING = [
    ("learner", "import db", "Layers"),
    ("db", "import learner", "Layers"),
    ("db", "import annotator", "Layers"),
    ("maeumgyeol", "import db", "Layers"),
    ("annotator", "import pages", "Layers"),
    ("annotator", "import service", "Layers"),
    ("service", "import pages", "Layers"),
    ("pages", "import web", "Layers"),
    ("service", "import db", "Pages, service and web reach"),
    ("pages", "import db", "Pages, service and web reach"),
    ("pages", "import learner", "Pages, service and web reach"),
    ("web", "import db", "Pages, service and web reach"),
    ("annotator", "import streamlit", "Streamlit stays"),
    ("service", "import streamlit", "Streamlit stays"),
    ("learner", "import plotly.graph_objects", "Streamlit stays"),
    ("annotator", "import sqlite3", "SQLite stays"),
    ("pages", "from sqlite_utils import Database", "SQLite stays"),
    ("web", "import sqlite3", "SQLite stays"),
    ("annotator/accounts", "import annotator.labelling.board", "Use-cases"),
    ("annotator/importing", "import annotator.exporting.records", "Use-cases"),
    ("annotator/worker", "import annotator.cli.main", "Use-cases"),
    ("annotator/training", "import annotator.worker.loop", "Only the command line"),
    ("pages/label", "import annotator.worker.loop", "Only the command line"),
    ("web", "import annotator.cli.main", "Only the command line"),
    ("annotator/formats", "import db", "Formats know"),
    ("annotator/formats/csv", "import annotator.project", "Formats know"),
    ("pages/label", "import pages.review.page", "Pages are independent"),
]
"""Where an import breaks which contract."""


@pytest.mark.parametrize(("package", "line", "contract"), BREAKING)
def test_each_contract_bites(sample: Path, package: str, line: str, contract: str) -> None:
    (sample / package / "bad.py").write_text(f"{line}\n")
    linted = _lint(sample)
    assert linted.returncode == 1, linted.stdout + linted.stderr
    broken = [text for text in linted.stdout.splitlines() if " BROKEN" in text]
    assert any(text.startswith(contract) for text in broken), linted.stdout


def test_every_contract_has_a_sample_that_breaks_it() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]["contracts"]
    for contract in contracts:
        assert any(contract["name"].startswith(start) for _, _, start in BREAKING), contract["name"]


_FOREIGN = frozenset(
    (
        *("annotator.formats.detection", "annotator.importing.reader_job", "annotator.formats.config_job"),
        *("annotator.serving.sound_job", "learner.speech.read"),
    )
)
"""What parses files of strangers; only a child process may load it, by its name."""


def _imports_in(source: str) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names |= {node.module or "", *(f"{node.module}.{alias.name}" for alias in node.names)}
    return names


def test_foreign_files_are_parsed_by_the_reading_process_alone() -> None:
    files = _files(*PACKAGES)
    readers = [str(file.relative_to(ROOT)) for file in files if _imports_in(file.read_text("utf-8")) & _FOREIGN]
    assert readers == ["annotator/importing/reader_job.py", "annotator/serving/sound_job.py"]
    assert _imports_in("from annotator.formats import detection") & _FOREIGN, "and this is how it would be found"


def _pass_throughs(source: str) -> list[str]:
    """Return the functions of a module that hand their arguments on to one of `db`, and do nothing else."""
    tree = ast.parse(source)
    of_db = {
        alias.asname or alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == "db"
        for alias in node.names
    }
    return [
        node.name
        for node in tree.body
        if isinstance(node, ast.FunctionDef) and (call := _only_call(node)) is not None
        if ast.unparse(call.func).partition(".")[0] in of_db and _hands_on(call, node)
    ]


def _only_call(function: ast.FunctionDef) -> ast.Call | None:
    body = [s for s in function.body if not (isinstance(s, ast.Expr) and isinstance(s.value, ast.Constant))]
    value = getattr(body[0], "value", None) if len(body) == 1 else None
    return value if isinstance(value, ast.Call) else None


def _hands_on(call: ast.Call, function: ast.FunctionDef) -> bool:
    values = [*call.args, *(keyword.value for keyword in call.keywords)]
    names = [argument.arg for argument in (*function.args.args, *function.args.kwonlyargs)]
    return [ast.unparse(value) for value in values] == names


def test_a_function_that_only_calls_the_database_is_there_for_those_who_may_not() -> None:
    assert _pass_throughs("from db import x\ndef f(db, a):\n    return x.f(db, a)") == ["f"], "the look is not blind"
    outside = "".join(file.read_text("utf-8") for file in _files("pages", "service", "web"))
    places = [
        f"{file.relative_to(ROOT)}:{name}"
        for file in sorted((ROOT / "annotator").rglob("*.py"))
        for name in _pass_throughs(file.read_text("utf-8"))
        if f"{file.stem}.{name}(" not in outside
    ]
    assert places == []

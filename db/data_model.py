"""The data model as a document: ``python -m db.data_model`` writes it to standard output.

Tables, columns and references are read from the schema; only the purpose of each table is written here.
"""

from __future__ import annotations

import sys
import tempfile
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from db.connection import create, rows, scalar

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from db.connection import Database

ROOMS: dict[str, dict[str, str]] = {
    "Texts": {
        "diaries": "One text to label, exactly as it was imported. `draw` decides at import whether it is in the pool "
        "or in the test part.",
        "batches": "One import of one file, or the texts that one API token has sent.",
        "batch_skips": "Rows of a file that were left out, each with its reason.",
        "sentences": "The offsets of a diary's sentences, and which splitter found them.",
        "care_flags": "Diaries that match the care phrases, and who handled them.",
    },
    "Pools in shards": {
        "pools": "A pool whose texts lie in shards outside of this database.",
        "pool_shards": "The files of its shards, by stage. A file counts only as it is described here.",
        "pool_diaries": "Which of its texts have become diaries.",
        "pool_leaving": "Forgotten texts that still have to be taken out of their files.",
        "pool_waiting": "The rest of the last order: these become diaries as the queue is worked through.",
    },
    "Answers": {
        "decisions": "What one person said of one diary: a label, a skip or a flag. Append-only; an undo is a new row.",
        "decision_labels": "The further labels of a decision that names more than one emotion.",
        "standing": "The decision in force for each person and diary. Triggers on `decisions` maintain it.",
        "rationales": "Words that a person marked as evidence for a label, or as no evidence. Append-only.",
        "repeats": "Answers to hidden repeats. They are kept apart from decisions.",
        "group_acts": "One press that gave a label to many diaries. Only `undone_at` ever changes.",
        "group_members": "The diaries of such a press: with the decision that each got by it, or without one where it "
        "is held out, to be asked singly and blind.",
    },
    "Handing out": {
        "gold": "Diaries whose label is known for sure.",
        "queue": "The order in which diaries are handed out, and the query strategy that put each one there.",
        "leases": "A diary handed to one browser tab (`holder`) of one person until a given time.",
        "searched": "Diaries that somebody searched for and sent to the head of the queue, and what was looked for.",
        "handed": "Every diary that a person was ever handed, or that an API token has sent: only on these does a "
        "decision count.",
    },
    "Label set": {
        "labels": "The labels, including retired and merged ones.",
        "label_history": "Every change of the label set, with what is needed to undo it.",
        "guidelines": "What annotators are told about a label, or about telling two labels apart.",
    },
    "Review": {
        "reviews": "What a reviewer said of a diary. Append-only; an undo is a new row.",
        "settled": "The review in force for each diary. Triggers on `reviews` maintain it.",
        "audit_queue": "Why a decided diary deserves a second look. The worker rebuilds it.",
        "label_doubts": "Labels that a model version considers likely to be wrong.",
        "label_checks": "Such labels that a reviewer has looked at and kept.",
    },
    "Models": {
        "models": "Classifier versions: weights, the decisions they were trained on, metrics.",
        "activations": "Which version serves, since when and why. The newest row is in force.",
        "test_answers": "Which label each version answers for each decided test diary. Emptied when the label set "
        "changes.",
        "rounds": "Training rounds: who requested one, how far it is, its report.",
        "encoders": "Encoders that were fine-tuned in this project.",
        "text_spaces": "Character n-gram features, as fitted on the unlabelled diaries.",
        "prediction_blocks": "Probabilities of 4,096 consecutive diaries by one version.",
        "explanations": "Weights of words or sentences for one diary and version.",
        "attributions": "What is needed to explain a new head without running the encoder again. A cache.",
        "word_emotions": "The word-emotion dictionary as people confirmed it. Append-only.",
        "worker": "The running worker's own report: one row.",
    },
    "People and programs": {
        "annotators": "Everybody whose decisions are kept: persons and importers.",
        "accounts": "Who may sign in, and with which role.",
        "sessions": "Browser sessions. Only a hash of the token is stored.",
        "browsers": "Browsers at which a person has signed in: attempts from there are not slowed by other people's.",
        "invites": "Links with which a person sets a password. Only a hash of the token is stored.",
        "login_failures": "Recent failed attempts to sign in, by name and address.",
        "api_tokens": "Tokens of other programs. Only a hash of the secret is stored.",
        "idempotency_keys": "Answers to requests that a program may send again.",
        "audit_log": "Who did what, and when. Append-only; it never holds a word of a diary.",
    },
    "Forgetting": {
        "forgotten": "Ids of forgotten diaries. They are never given out again.",
        "forgotten_texts": "Keyed hashes of forgotten texts, by which later imports refuse them.",
        "forgotten_decisions": "How many decisions in force went with forgotten diaries, so that no count changes "
        "silently.",
        "forgotten_training": "How many forgotten diaries each model version had been trained on.",
        "forgetting": "One row during the transaction that forgets, never visible outside it: it lets the append-only "
        "triggers pass.",
    },
    "Search": {
        "search_blocks": "What 4,096 consecutive diaries are filtered by: lengths, days, checksums of writers and "
        "sources.",
        "search_postings": "Which pairs of neighbouring letters stand in which diaries of a block. Made from the "
        "diaries, and made again when lost.",
    },
    "Selections": {
        "selections": "Diaries that somebody chose on a page, to look at them as a grid.",
        "selected": "The diaries of a selection, in order.",
    },
    "Project": {"settings": "The project's settings, one row per key."},
}
"""What each table is for, by room: roughly the folders of `db`."""

_HEAD = """\
# Data model

Everything is in one SQLite file. `make data-model` writes this page from the schema, and a test fails when it is not
current. All tables are `STRICT`. Times are UTC in ISO 8601 with milliseconds. Offsets are half-open ranges of
characters in the stored text. Append-only tables have triggers that refuse updates and deletions; those on `decisions`,
`rationales` and `reviews` let them pass while a diary is forgotten ([Forgetting](forgetting.md)).

In the diagrams the marks on a line say how many rows there may be on that side: two bars for exactly one, a bar and a
circle for none or one, a crow's foot and a circle for any number. A table without columns is described in another room.
"""


def document() -> str:
    """Return the whole document, Markdown with Mermaid diagrams.

    Raises:
        ValueError: if `ROOMS` does not describe exactly the tables of the schema.
    """
    with tempfile.TemporaryDirectory() as folder, closing(create(Path(folder) / "model.db")) as db:
        described = [table for room in ROOMS.values() for table in room]
        if differing := set(described) ^ _tables(db):
            raise ValueError(f"ROOMS and the schema differ in {sorted(differing)}: add or remove their descriptions.")
        return "\n".join(_lines(db))


def _tables(db: Database) -> set[str]:
    sql = r"select name from sqlite_schema where type = 'table' and name not like '%sqlite\_%' escape '\'"
    return {str(name) for (name,) in rows(db, sql)}


def _lines(db: Database) -> Iterator[str]:
    yield _HEAD.rstrip()
    for room, tables in ROOMS.items():
        yield from ("", f"## {room}", "", "```mermaid", "erDiagram")
        for table in tables:
            yield from _entity(db, table)
        yield from _references(db, tables)
        yield from ("```", "", "| table | what it holds |", "| --- | --- |")
        yield from (f"| `{table}` | {purpose} |" for table, purpose in tables.items())
    yield ""


def _entity(db: Database, table: str) -> Iterator[str]:
    references = {column for column, _ in _foreign_keys(db, table)}
    yield f"    {table} {{"
    for name, kind, position in rows(db, "select name, type, pk from pragma_table_info(:table)", table=table):
        keys = ", ".join(["PK"] * bool(position) + ["FK"] * (name in references))
        yield f"        {kind.lower()} {name} {keys}".rstrip()
    yield "    }"


def _references(db: Database, tables: Iterable[str]) -> Iterator[str]:
    for table in tables:
        for column, target in _foreign_keys(db, table):
            one = "||" if _is_required(db, table, column) else "|o"
            many = "o|" if _is_unique(db, table, column) else "o{"
            yield f'    {target} {one}--{many} {table} : "{column}"'


def _foreign_keys(db: Database, table: str) -> list[tuple[str, str]]:
    """Return (column, table it refers to), in column order."""
    sql = """
        select k."from", k."table" from pragma_foreign_key_list(:table) k
        join pragma_table_info(:table) c on c.name = k."from" order by c.cid
    """
    return [(str(column), str(target)) for column, target in rows(db, sql, table=table)]


def _is_required(db: Database, table: str, column: str) -> bool:
    sql = 'select "notnull" or pk from pragma_table_info(:table) where name = :column'
    return bool(scalar(db, sql, table=table, column=column))


def _is_unique(db: Database, table: str, column: str) -> bool:
    """Return whether no two rows of a table have the same value in a column."""
    sql = """
        select (select group_concat(name) from pragma_table_info(:table) where pk) = :column
            or exists (select 1 from pragma_index_list(:table) i where i."unique" and i.partial = 0
                and (select group_concat(name) from pragma_index_info(i.name)) = :column)
    """
    return bool(scalar(db, sql, table=table, column=column))


if __name__ == "__main__":
    sys.stdout.write(document())

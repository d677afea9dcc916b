"""The schema, as append-only migrations. A migration that has been released is never edited.

Tables are STRICT. Times are UTC, ISO 8601 with milliseconds. Offsets are half-open characters of the stored
diary text.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from sqlite_utils import Database, Migrations

if TYPE_CHECKING:
    from collections.abc import Collection

migrations = Migrations("maeumgyeol")

_FIRST = (
    """
    create table settings (
        key text primary key,
        value text not null
    ) strict, without rowid
    """,
    """
    create table labels (
        id integer primary key,
        name text not null unique,
        definition text not null default '',
        colour text not null,
        key text not null unique,
        position integer not null
    ) strict
    """,
    """
    create table annotators (
        id integer primary key,
        name text not null unique,
        kind text not null check (kind in ('person', 'importer')),
        created_at text not null
    ) strict
    """,
    # One import of one file. `columns` says which column was read as what.
    """
    create table batches (
        id integer primary key,
        file_name text not null,
        file_hash text not null,
        format text not null,
        encoding text,
        columns text not null,
        imported_by integer not null references annotators (id),
        imported_at text not null,
        row_count integer not null,
        kept_count integer not null
    ) strict
    """,
    """
    create table batch_skips (
        batch_id integer not null references batches (id),
        row_number integer not null,
        reason text not null,
        detail text not null default '',
        primary key (batch_id, row_number)
    ) strict, without rowid
    """,
    # `draw` is uniform in [0, 2**62): it decides the part, frozen at import, and the order within the test part.
    """
    create table diaries (
        id integer primary key,
        text text not null,
        text_hash blob not null unique,
        written_on text,
        author text,
        source text,
        metadata text not null default '{}',
        batch_id integer not null references batches (id),
        row_number integer not null,
        part text not null check (part in ('pool', 'test')),
        draw integer not null
    ) strict
    """,
    "create index diaries_by_batch on diaries (batch_id, row_number)",
    "create index diaries_by_part on diaries (part, draw)",
    # `spans`: JSON list of [start, end]. `splitter`: 'kss', or 'fallback' where kss failed its check.
    """
    create table sentences (
        diary_id integer primary key references diaries (id),
        spans text not null,
        splitter text not null check (splitter in ('kss', 'fallback'))
    ) strict
    """,
    # Classifiers: safetensors bytes, and what they were made from. Version 0 needs no label.
    """
    create table models (
        id integer primary key,
        version integer not null unique,
        tier text not null,
        encoder text not null,
        encoder_hash text not null,
        label_ids text not null,
        weights blob not null,
        weights_hash text not null,
        settings text not null,
        training_decisions text not null,
        metrics text not null,
        created_at text not null
    ) strict
    """,
    # Features fitted on the unlabelled diaries; models name the one that they were trained on.
    """
    create table text_spaces (
        id integer primary key,
        hash text not null unique,
        weights blob not null,
        fitted_on integer not null,
        created_at text not null
    ) strict
    """,
    # Which model serves, since when, and why; the newest row is in force.
    """
    create table activations (
        id integer primary key,
        model_id integer not null references models (id),
        activated_at text not null,
        reason text not null
    ) strict
    """,
    """
    create table rounds (
        id integer primary key,
        number integer not null unique,
        status text not null check (status in ('requested', 'running', 'done', 'failed', 'cancelled')),
        cancel_asked integer not null default 0,
        requested_by integer references annotators (id),
        requested_at text not null,
        started_at text,
        ended_at text,
        step text not null default '',
        progress real not null default 0,
        last_decision_id integer,
        previous_model_id integer references models (id),
        model_id integer references models (id),
        report text not null default '{}',
        error text
    ) strict
    """,
    # At most one round is open, however often the button is pressed.
    "create unique index one_open_round on rounds ((1)) where status in ('requested', 'running')",
    # What one person said of one diary. Only ever added to: taking back is a new row that names the old one.
    # `token` is given out with the diary, so that a press that arrives twice is kept once.
    """
    create table decisions (
        id integer primary key autoincrement,
        diary_id integer not null references diaries (id),
        annotator_id integer not null references annotators (id),
        kind text not null check (kind in ('label', 'skip', 'flag', 'undo')),
        label_id integer references labels (id),
        memo text not null default '',
        token text not null unique,
        undoes integer unique references decisions (id),
        model_id integer references models (id),
        shown_label_id integer references labels (id),
        shown_proba real,
        source text not null check (source in ('person', 'import')),
        seconds real,
        decided_at text not null,
        check ((kind = 'label') = (label_id is not null)),
        check ((kind = 'undo') = (undoes is not null))
    ) strict
    """,
    "create index decisions_by_diary on decisions (diary_id, annotator_id, id)",
    "create index decisions_by_annotator on decisions (annotator_id, id)",
    """
    create trigger decisions_stay before update on decisions
    begin select raise(abort, 'decisions are only added to'); end
    """,
    """
    create trigger decisions_last before delete on decisions
    begin select raise(abort, 'decisions are only added to'); end
    """,
    # The decision in force for each person and diary: derived from `decisions` by the two triggers below.
    """
    create table standing (
        diary_id integer not null,
        annotator_id integer not null,
        decision_id integer not null references decisions (id),
        kind text not null,
        label_id integer,
        primary key (diary_id, annotator_id)
    ) strict, without rowid
    """,
    """
    create trigger decision_stands after insert on decisions when new.kind <> 'undo' begin
        insert or replace into standing (diary_id, annotator_id, decision_id, kind, label_id)
        values (new.diary_id, new.annotator_id, new.id, new.kind, new.label_id);
    end
    """,
    """
    create trigger decision_falls after insert on decisions when new.kind = 'undo' begin
        delete from standing where diary_id = new.diary_id and annotator_id = new.annotator_id;
        insert into standing (diary_id, annotator_id, decision_id, kind, label_id)
        select d.diary_id, d.annotator_id, d.id, d.kind, d.label_id from decisions d
        where d.diary_id = new.diary_id and d.annotator_id = new.annotator_id and d.kind <> 'undo'
            and not exists (select 1 from decisions u where u.undoes = d.id)
        order by d.id desc limit 1;
    end
    """,
    # A diary handed to one browser tab (`holder`) of one person until a time.
    """
    create table leases (
        diary_id integer not null references diaries (id),
        holder text not null,
        annotator_id integer not null references annotators (id),
        token text not null unique,
        slot integer not null,
        claimed_at text not null,
        expires_at text not null,
        primary key (diary_id, holder)
    ) strict, without rowid
    """,
    "create index leases_by_holder on leases (holder, slot)",
    # The order in which diaries are asked for, and why. Replaced as a whole by each round.
    """
    create table queue (
        place integer primary key,
        diary_id integer not null unique references diaries (id),
        strategy text not null,
        score real not null
    ) strict
    """,
    # Class probabilities of a block of 4,096 consecutive diary ids: float32, row by row, NaN where there is none.
    """
    create table prediction_blocks (
        model_id integer not null references models (id),
        block integer not null,
        proba blob not null,
        primary key (model_id, block)
    ) strict
    """,
    """
    create table explanations (
        diary_id integer not null references diaries (id),
        model_id integer not null references models (id),
        unit text not null,
        spans text not null,
        weights blob not null,
        fit text not null,
        sample_count integer not null,
        primary key (diary_id, model_id, unit)
    ) strict
    """,
    # The running worker: one row, written by whoever holds the worker's lock file.
    """
    create table worker (
        id integer primary key check (id = 1),
        pid integer not null,
        host text not null,
        started_at text not null,
        seen_at text not null,
        step text not null,
        done integer not null,
        total integer not null,
        error text
    ) strict
    """,
)

_LEARNING = (
    # Encoders that were tuned here: an adapter lies in the row, all weights in a folder beside the database.
    # `tuned_on`: JSON list of the diaries whose labels shaped it, so that nothing is calibrated on them.
    """
    create table encoders (
        hash text primary key,
        name text not null unique,
        base text not null,
        kind text not null check (kind in ('adapter', 'full')),
        adapter blob,
        folder text,
        weights_hash text not null,
        tuned_on text not null,
        settings text not null,
        metrics text not null,
        created_at text not null,
        check ((kind = 'adapter') = (adapter is not null)),
        check ((kind = 'full') = (folder is not null))
    ) strict, without rowid
    """,
    "alter table rounds add column tier text not null default 'instant'",
    # Which query strategy asked for the diary; null for imported decisions and those made before this column.
    "alter table decisions add column asked_by text",
    # Labels that the model doubts, by out-of-fold probabilities: `quality` is that of the given label, in [0, 1].
    """
    create table label_doubts (
        model_id integer not null references models (id),
        decision_id integer not null references decisions (id),
        diary_id integer not null references diaries (id),
        quality real not null,
        suggested_label_id integer not null references labels (id),
        flagged integer not null check (flagged in (0, 1)),
        primary key (model_id, decision_id)
    ) strict, without rowid
    """,
    "create index label_doubts_by_quality on label_doubts (model_id, quality)",
    # Decisions that somebody looked at again and kept.
    """
    create table label_checks (
        decision_id integer primary key references decisions (id),
        annotator_id integer not null references annotators (id),
        checked_at text not null
    ) strict
    """,
)

_EXPLAINING = (
    # What the serving model would have said, shown or not: agreement can be told apart by whether it was seen.
    "alter table decisions add column predicted_label_id integer references labels (id)",
    # `stability`: share of the strongest words whose sign is beyond chance, 1 where every changed text was asked about.
    "alter table explanations add column stability real",
    # JSON: probabilities of the likeliest label with and without its strongest words.
    "alter table explanations add column deletion text",
    # JSON: probabilities of each sentence by itself, in the order of the diary.
    "alter table explanations add column arc text",
    # What words add to each feature of a diary: what a new head needs to be explained without the encoder.
    # A cache: `made_with` names encoder, features and unit, and a row of another one is made anew.
    """
    create table attributions (
        diary_id integer primary key references diaries (id),
        made_with text not null,
        data blob not null,
        used_at text not null
    ) strict
    """,
    "create index attributions_by_use on attributions (used_at)",
    # Spans that a person called evidence for a label, or no evidence; the newest row of a span counts.
    """
    create table rationales (
        id integer primary key autoincrement,
        diary_id integer not null references diaries (id),
        annotator_id integer not null references annotators (id),
        label_id integer not null references labels (id),
        span_start integer not null check (span_start >= 0),
        span_end integer not null check (span_end > span_start),
        verdict text not null check (verdict in ('right', 'wrong', 'none')),
        model_id integer references models (id),
        token text not null unique,
        marked_at text not null
    ) strict
    """,
    "create index rationales_by_diary on rationales (diary_id, annotator_id)",
    """
    create trigger rationales_stay before update on rationales
    begin select raise(abort, 'rationales are only added to'); end
    """,
    """
    create trigger rationales_last before delete on rationales
    begin select raise(abort, 'rationales are only added to'); end
    """,
    # The word-emotion dictionary, as people confirmed it; the newest row of a word counts, no label = no emotion.
    """
    create table word_emotions (
        id integer primary key autoincrement,
        word text not null check (word <> ''),
        label_id integer references labels (id),
        verdict text not null check (verdict in ('confirmed', 'rejected', 'none')),
        source text not null check (source in ('evidence', 'similar', 'hand')),
        annotator_id integer not null references annotators (id),
        decided_at text not null
    ) strict
    """,
    "create index word_emotions_by_word on word_emotions (word)",
    """
    create trigger word_emotions_stay before update on word_emotions
    begin select raise(abort, 'word_emotions are only added to'); end
    """,
    """
    create trigger word_emotions_last before delete on word_emotions
    begin select raise(abort, 'word_emotions are only added to'); end
    """,
)


_PEOPLE = (
    # Who may sign in. Without a row there is nobody to keep out: one person on one machine, without login.
    # `subject`: issuer and subject of an OpenID Connect identity, for accounts without a password.
    """
    create table accounts (
        annotator_id integer primary key references annotators (id),
        role text not null check (role in ('annotator', 'reviewer', 'administrator')),
        password_hash text,
        email text unique,
        subject text unique,
        created_at text not null,
        disabled_at text
    ) strict
    """,
    # Tokens are kept as SHA-256 only. `last_seen_at` moves with use, at most once a minute.
    """
    create table sessions (
        token_hash blob primary key,
        annotator_id integer not null references accounts (annotator_id),
        created_at text not null,
        last_seen_at text not null,
        expires_at text not null,
        ended_at text
    ) strict, without rowid
    """,
    """
    create table invites (
        token_hash blob primary key,
        name text not null,
        role text not null check (role in ('annotator', 'reviewer', 'administrator')),
        invited_by integer references annotators (id),
        created_at text not null,
        expires_at text not null,
        used_at text,
        withdrawn_at text
    ) strict, without rowid
    """,
    """
    create table login_failures (
        id integer primary key,
        name text not null,
        address text not null,
        failed_at text not null
    ) strict
    """,
    "create index login_failures_by_time on login_failures (failed_at)",
    # Who did what when. Never a word of a diary: `subject` names a row (`diary:17`), `details` is JSON.
    """
    create table audit_log (
        id integer primary key autoincrement,
        at text not null,
        annotator_id integer references annotators (id),
        action text not null,
        subject text not null default '',
        details text not null default '{}'
    ) strict
    """,
    """
    create trigger audit_log_stays before update on audit_log
    begin select raise(abort, 'the audit log is only added to'); end
    """,
    """
    create trigger audit_log_lasts before delete on audit_log
    begin select raise(abort, 'the audit log is only added to'); end
    """,
    # What a reviewer said of a diary. Only ever added to. `decision_id`: the decision that counts from then on, the
    # accepted one or, for a correction, the reviewer's own; null for a diary sent back or found ambiguous.
    # `returned_decision_id`: what was sent back. `bulk`: one name for all rows of one bulk action.
    """
    create table reviews (
        id integer primary key autoincrement,
        diary_id integer not null references diaries (id),
        reviewer_id integer not null references annotators (id),
        kind text not null check (kind in ('accept', 'correct', 'return', 'ambiguous', 'undo')),
        decision_id integer references decisions (id),
        returned_decision_id integer references decisions (id),
        comment text not null default '',
        signals text not null default '[]',
        bulk text,
        token text not null unique,
        undoes integer unique references reviews (id),
        reviewed_at text not null,
        check ((kind = 'undo') = (undoes is not null)),
        check ((kind in ('accept', 'correct')) = (decision_id is not null)),
        check ((kind = 'return') = (returned_decision_id is not null)),
        check (kind <> 'correct' or comment <> '')
    ) strict
    """,
    "create index reviews_by_diary on reviews (diary_id, id)",
    "create index reviews_by_bulk on reviews (bulk) where bulk is not null",
    "create index reviews_by_decision on reviews (decision_id) where decision_id is not null",
    """
    create trigger reviews_stay before update on reviews
    begin select raise(abort, 'reviews are only added to'); end
    """,
    """
    create trigger reviews_last before delete on reviews
    begin select raise(abort, 'reviews are only added to'); end
    """,
    # The review in force of each diary: derived from `reviews` by the two triggers below.
    """
    create table settled (
        diary_id integer primary key,
        review_id integer not null references reviews (id),
        kind text not null,
        decision_id integer
    ) strict
    """,
    "create index settled_by_decision on settled (decision_id) where decision_id is not null",
    "create index settled_returned on settled (diary_id) where kind = 'return'",
    """
    create trigger review_settles after insert on reviews when new.kind <> 'undo' begin
        insert or replace into settled (diary_id, review_id, kind, decision_id)
        values (new.diary_id, new.id, new.kind, new.decision_id);
    end
    """,
    """
    create trigger review_unsettles after insert on reviews when new.kind = 'undo' begin
        delete from settled where diary_id = new.diary_id;
        insert into settled (diary_id, review_id, kind, decision_id)
        select r.diary_id, r.id, r.kind, r.decision_id from reviews r
        where r.diary_id = new.diary_id and r.kind <> 'undo'
            and not exists (select 1 from reviews u where u.undoes = r.id)
        order by r.id desc limit 1;
    end
    """,
    # Why a decided diary is worth a second look, made by the worker from what is known now.
    # `expected_error`: probability that the decision in force is wrong, in [0, 1]; the order of the queue.
    # `signals`: JSON object from signal name to its strength in [0, 1]; only those that fired.
    """
    create table audit_queue (
        diary_id integer primary key references diaries (id),
        expected_error real not null,
        signals text not null,
        made_at text not null
    ) strict
    """,
    "create index audit_queue_by_error on audit_queue (expected_error desc, diary_id)",
    # Labels are never deleted. A merged one points to the label that its decisions count for.
    "alter table labels add column retired_at text",
    "alter table labels add column merged_into integer references labels (id)",
    # How the label set came to be what it is. `before` and `after`: JSON, enough to take the change back.
    # `last_decision_id`: the newest decision at that time; a split asks for older decisions anew.
    """
    create table label_history (
        id integer primary key autoincrement,
        action text not null check (action in ('add', 'rename', 'recolour', 'define', 'order', 'merge', 'split',
            'retire', 'undo')),
        label_id integer references labels (id),
        before text not null,
        after text not null,
        note text not null default '',
        last_decision_id integer not null,
        annotator_id integer not null references annotators (id),
        undoes integer unique references label_history (id),
        changed_at text not null
    ) strict
    """,
    # What people are told about a label, or about telling two apart. The newest row of each counts.
    # `examples`: JSON list of sentences made up or cleared for this; never taken from a diary unasked.
    """
    create table guidelines (
        id integer primary key autoincrement,
        label_id integer not null references labels (id),
        other_label_id integer references labels (id),
        text text not null,
        examples text not null default '[]',
        annotator_id integer not null references annotators (id),
        written_at text not null,
        check (other_label_id is null or label_id < other_label_id)
    ) strict
    """,
    "create index guidelines_by_label on guidelines (label_id, other_label_id, id)",
    # Where a decision names more than one emotion: the others beside `decisions.label_id`.
    """
    create table decision_labels (
        decision_id integer not null references decisions (id),
        label_id integer not null references labels (id),
        primary key (decision_id, label_id)
    ) strict, without rowid
    """,
    "alter table decisions add column intensity integer check (intensity between 1 and 5)",
    # A lease on a diary that its person has decided before: the answer is kept apart and changes nothing else.
    "alter table leases add column is_repeat integer not null default 0 check (is_repeat in (0, 1))",
    """
    create table repeats (
        id integer primary key autoincrement,
        diary_id integer not null references diaries (id),
        annotator_id integer not null references annotators (id),
        decision_id integer not null references decisions (id),
        kind text not null check (kind in ('label', 'skip', 'flag')),
        label_id integer references labels (id),
        token text not null unique,
        seconds real,
        answered_at text not null,
        undone_at text,
        check ((kind = 'label') = (label_id is not null))
    ) strict
    """,
    "create index repeats_by_annotator on repeats (annotator_id, diary_id)",
    # Diaries whose label is known for sure, handed to everybody once to see how well people know the guidelines.
    """
    create table gold (
        diary_id integer primary key references diaries (id),
        label_id integer not null references labels (id),
        annotator_id integer not null references annotators (id),
        set_at text not null
    ) strict
    """,
    # Diaries in which a phrase of the care list was found, for the lead to look after. Never the phrase itself.
    """
    create table care_flags (
        diary_id integer primary key references diaries (id),
        found_at text not null,
        list_hash text not null,
        handled_by integer references annotators (id),
        handled_at text,
        note text not null default ''
    ) strict
    """,
    # Decisions count for the label that theirs was merged into.
    "drop trigger decision_stands",
    "drop trigger decision_falls",
    """
    create trigger decision_stands after insert on decisions when new.kind <> 'undo' begin
        insert or replace into standing (diary_id, annotator_id, decision_id, kind, label_id)
        values (new.diary_id, new.annotator_id, new.id, new.kind,
            coalesce((select merged_into from labels where id = new.label_id), new.label_id));
    end
    """,
    """
    create trigger decision_falls after insert on decisions when new.kind = 'undo' begin
        delete from standing where diary_id = new.diary_id and annotator_id = new.annotator_id;
        insert into standing (diary_id, annotator_id, decision_id, kind, label_id)
        select d.diary_id, d.annotator_id, d.id, d.kind,
            coalesce((select merged_into from labels where id = d.label_id), d.label_id) from decisions d
        where d.diary_id = new.diary_id and d.annotator_id = new.annotator_id and d.kind <> 'undo'
            and not exists (select 1 from decisions u where u.undoes = d.id)
        order by d.id desc limit 1;
    end
    """,
    # A merge, or taking one back, moves the decisions in force. `merged_into` always names a label that is not merged.
    """
    create trigger label_merges after update of merged_into on labels
    when new.merged_into is not old.merged_into begin
        update standing set label_id = coalesce(new.merged_into, new.id)
        where decision_id in (select id from decisions where label_id = new.id);
    end
    """,
    "create index decisions_by_label on decisions (label_id) where label_id is not null",
    "create index standing_by_annotator on standing (annotator_id, kind)",
    "create index standing_by_label on standing (label_id, diary_id) where label_id is not null",
)


_SERVING = (
    # What other programs show to be let in. Of the secret only the SHA-256 is kept. `scopes`: words apart by a space.
    # `annotator_id`: whose decisions are those that come back with it. `last_used_at` moves at most once a minute.
    """
    create table api_tokens (
        id integer primary key autoincrement,
        secret_hash blob not null,
        name text not null,
        annotator_id integer not null references annotators (id),
        scopes text not null,
        per_minute integer not null check (per_minute > 0),
        batch_id integer references batches (id),
        created_at text not null,
        expires_at text,
        revoked_at text,
        last_used_at text
    ) strict
    """,
    "create unique index one_token_by_name on api_tokens (name) where revoked_at is null",
    # What was answered to a request that may come again. `answer`: JSON, without a word of a diary.
    """
    create table idempotency_keys (
        token_id integer not null references api_tokens (id),
        key text not null,
        request_hash blob not null,
        answer text not null,
        kept_at text not null,
        primary key (token_id, key)
    ) strict, without rowid
    """,
    "create index idempotency_keys_by_time on idempotency_keys (kept_at)",
)


_IN_ORDER = (
    # Where an answer to a repeat stands among its person's decisions. By time it cannot be told: two presses may fall
    # in one millisecond, and a clock may be set back.
    "alter table repeats add column after_decision_id integer not null default 0",
    """
    update repeats set after_decision_id = (
        select max(d.id) from decisions d
        where d.annotator_id = repeats.annotator_id and (d.decided_at <= answered_at or d.id = decision_id))
    """,
)


_FORGETTING = (
    # Ids of diaries that were forgotten. An id is never given out again: vectors and predictions are found by it.
    "create table forgotten (diary_id integer primary key) strict",
    """
    create trigger forgotten_ids_rest before insert on diaries
    when exists (select 1 from forgotten where diary_id = new.id)
    begin select raise(abort, 'this id was of a diary that was forgotten'); end
    """,
    # Keyed digests of forgotten texts, by which they are refused later. The key lies in a file of its own.
    "create table forgotten_texts (digest blob primary key) strict, without rowid",
    # Decisions that were in force on forgotten diaries: how many of whom, so that no figure changes silently.
    # `annotator_id`: 0 for what came in with files. `is_shared`: somebody else had decided that diary, too.
    """
    create table forgotten_decisions (
        annotator_id integer not null,
        kind text not null check (kind in ('label', 'skip', 'flag')),
        part text not null check (part in ('pool', 'test')),
        is_shared integer not null check (is_shared in (0, 1)),
        count integer not null,
        primary key (annotator_id, kind, part, is_shared)
    ) strict, without rowid
    """,
    # How many forgotten diaries a version of the model learned from, itself or by the encoder that it reads.
    """
    create table forgotten_training (
        model_id integer primary key references models (id),
        diary_count integer not null
    ) strict
    """,
    "alter table batches add column forgotten_count integer not null default 0",
    # One row while a transaction forgets, and never one that others see: what is only added to may go within it.
    "create table forgetting (id integer primary key check (id = 1)) strict",
    "drop trigger decisions_stay",
    "drop trigger decisions_last",
    """
    create trigger decisions_stay before update on decisions when not exists (select 1 from forgetting)
    begin select raise(abort, 'decisions are only added to'); end
    """,
    """
    create trigger decisions_last before delete on decisions when not exists (select 1 from forgetting)
    begin select raise(abort, 'decisions are only added to'); end
    """,
    "drop trigger rationales_stay",
    "drop trigger rationales_last",
    """
    create trigger rationales_stay before update on rationales when not exists (select 1 from forgetting)
    begin select raise(abort, 'rationales are only added to'); end
    """,
    """
    create trigger rationales_last before delete on rationales when not exists (select 1 from forgetting)
    begin select raise(abort, 'rationales are only added to'); end
    """,
    "drop trigger reviews_stay",
    "drop trigger reviews_last",
    """
    create trigger reviews_stay before update on reviews when not exists (select 1 from forgetting)
    begin select raise(abort, 'reviews are only added to'); end
    """,
    """
    create trigger reviews_last before delete on reviews when not exists (select 1 from forgetting)
    begin select raise(abort, 'reviews are only added to'); end
    """,
)


_HANDED = (
    # Which diaries a person was ever handed, or a program has handed in: what they press counts however late.
    # `repeat_token`: that of the newest lease by which the person was handed the diary as a hidden repeat.
    """
    create table handed (
        annotator_id integer not null references annotators (id),
        diary_id integer not null references diaries (id),
        handed_at text not null,
        repeat_token text,
        primary key (annotator_id, diary_id)
    ) strict, without rowid
    """,
    "create index handed_by_diary on handed (diary_id)",
    # Leases are of a person and a tab: two people may name their tabs alike.
    "drop index leases_by_holder",
    "alter table leases rename to leases_before",
    """
    create table leases (
        diary_id integer not null references diaries (id),
        annotator_id integer not null references annotators (id),
        holder text not null,
        token text not null unique,
        slot integer not null,
        claimed_at text not null,
        expires_at text not null,
        is_repeat integer not null default 0 check (is_repeat in (0, 1)),
        primary key (diary_id, annotator_id, holder)
    ) strict, without rowid
    """,
    "create index leases_by_holder on leases (annotator_id, holder, slot)",
    """
    create trigger lease_is_handed after insert on leases begin
        insert into handed (annotator_id, diary_id, handed_at, repeat_token)
        values (new.annotator_id, new.diary_id, new.claimed_at, iif(new.is_repeat, new.token, null))
        on conflict (annotator_id, diary_id) do update
            set repeat_token = coalesce(excluded.repeat_token, repeat_token);
    end
    """,
    """
    insert into leases (diary_id, annotator_id, holder, token, slot, claimed_at, expires_at, is_repeat)
    select diary_id, annotator_id, holder, token, slot, claimed_at, expires_at, is_repeat from leases_before
    """,
    "drop table leases_before",
    """
    insert or ignore into handed (annotator_id, diary_id, handed_at)
    select t.annotator_id, d.id, t.created_at from api_tokens t join diaries d on d.batch_id = t.batch_id
    """,
)


_ACCOUNTS = (
    # Browsers at which people have signed in: their tries are not slowed by those of others.
    """
    create table browsers (
        token_hash blob not null,
        annotator_id integer not null references accounts (annotator_id),
        used_at text not null,
        primary key (token_hash, annotator_id)
    ) strict, without rowid
    """,
    "create index login_failures_by_name on login_failures (name, failed_at)",
    "create index login_failures_by_address on login_failures (address, failed_at)",
)


@migrations()
def m001_first(db: Database) -> None:
    """Everything that the main job needs."""
    for statement in _FIRST:
        db.conn.execute(statement)


@migrations()
def m002_learning(db: Database) -> None:
    """Tuned encoders, tiers of rounds, what asked for a diary, doubted labels."""
    for statement in _LEARNING:
        db.conn.execute(statement)


@migrations()
def m003_explaining(db: Database) -> None:
    """What explanations rest on and what people say of them; blind diaries; the word-emotion dictionary."""
    for statement in _EXPLAINING:
        db.conn.execute(statement)


@migrations()
def m004_people(db: Database) -> None:
    """Accounts, review, repeats and gold, the history of the label set, care."""
    for statement in _PEOPLE:
        db.conn.execute(statement)


@migrations()
def m005_serving(db: Database) -> None:
    """Tokens of other programs, and the answers to requests that may come again."""
    for statement in _SERVING:
        db.conn.execute(statement)


@migrations()
def m006_in_order(db: Database) -> None:
    """Answers to repeats in one order with decisions."""
    for statement in _IN_ORDER:
        db.conn.execute(statement)


@migrations()
def m007_forgetting(db: Database) -> None:
    """What is left of forgotten diaries, and leave for them to go."""
    for statement in _FORGETTING:
        db.conn.execute(statement)


@migrations()
def m008_accounts(db: Database) -> None:
    """Browsers at which people are known."""
    for statement in _ACCOUNTS:
        db.conn.execute(statement)


@migrations()
def m009_access(db: Database) -> None:
    """Who was handed which diary; leases by person and tab."""
    for statement in _HANDED:
        db.conn.execute(statement)


def pending(db: Database) -> bool:
    """Say whether a migration of this version has not been applied yet."""
    return bool(migrations.pending(db))


def applied(db: Database) -> frozenset[str]:
    """Return the names of the migrations that have been applied, by whatever version of this software."""
    return frozenset(migration.name for migration in migrations.applied(db))


@cache
def known() -> frozenset[str]:
    """Return the names of the migrations of this version."""
    # To an empty database all of them are still to come.
    return frozenset(migration.name for migration in migrations.pending(Database(memory=True)))


def apply_only(db: Database, names: Collection[str]) -> None:
    """Apply some migrations to an empty database, in their order, without a record of it."""
    migrations.ensure_migrations_table(db)
    for migration in migrations.pending(db):
        if migration.name in names:
            migration.fn(db)

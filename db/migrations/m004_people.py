"""Accounts, review, repeats and gold, the history of the label set, care."""

STATEMENTS = (
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

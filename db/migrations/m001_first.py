"""Everything that the main job needs."""

STATEMENTS = (
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

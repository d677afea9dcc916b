"""Tuned encoders, tiers of rounds, what asked for a diary, doubted labels."""

STATEMENTS = (
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

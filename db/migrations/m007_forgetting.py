"""What is left of forgotten diaries, and leave for them to go."""

STATEMENTS = (
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

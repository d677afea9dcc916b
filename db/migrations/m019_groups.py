"""Many diaries labelled by one press: the press, its members, and selections that are looked at as a grid."""

STATEMENTS = (
    # `kind`: how the members came together. `shown_count`: cards that were on the grid. `token`: a press counts once.
    """
    create table group_acts (
        id integer primary key,
        token text not null unique,
        annotator_id integer not null references annotators (id),
        label_id integer not null references labels (id),
        kind text not null check (kind in ('copies', 'similar', 'chosen', 'import')),
        shown_count integer not null,
        decided_at text not null,
        undone_at text
    ) strict
    """,
    "create index group_acts_by_annotator on group_acts (annotator_id, id)",
    # `decision_id`: what the press decided; null for a member that is held out, to be asked singly and blind.
    # `queued_as`: what had put a held-out member into the queue before; null where it was not in it.
    """
    create table group_members (
        act_id integer not null references group_acts (id),
        diary_id integer not null references diaries (id),
        decision_id integer unique references decisions (id),
        queued_as text,
        primary key (act_id, diary_id)
    ) strict, without rowid
    """,
    "create index group_members_by_diary on group_members (diary_id)",
    """
    create table selections (
        id integer primary key,
        token text not null unique,
        annotator_id integer not null references annotators (id),
        made_at text not null
    ) strict
    """,
    """
    create table selected (
        selection_id integer not null references selections (id),
        place integer not null,
        diary_id integer not null references diaries (id),
        primary key (selection_id, place)
    ) strict, without rowid
    """,
    "create index selected_by_diary on selected (diary_id)",
)

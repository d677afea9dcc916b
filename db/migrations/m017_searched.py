"""Diaries that somebody searched for and sent to the head of the queue."""

STATEMENTS = (
    # `query`: JSON, what was looked for; it may quote a diary.
    """
    create table searched (
        diary_id integer primary key references diaries (id),
        query text not null,
        sent_by integer not null references annotators (id),
        sent_at text not null
    ) strict
    """,
)

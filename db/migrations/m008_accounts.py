"""Browsers at which people are known."""

STATEMENTS = (
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

"""Tokens of other programs, and the answers to requests that may come again."""

STATEMENTS = (
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

"""Pools in shards: which files there are, and which of their texts have become diaries."""

STATEMENTS = (
    # One at a time is in force, by the settings. `row_count`: forgotten ones included, whose places stay.
    """
    create table pools (
        id integer primary key,
        identity text not null unique,
        url text not null unique,
        rows_a_shard integer not null,
        row_count integer not null,
        test_count integer not null,
        has_writers integer not null,
        batch_id integer references batches (id),
        created_at text not null
    ) strict
    """,
    # A file counts only as it is described here. `next_digest`: of the file that is about to take its place.
    """
    create table pool_shards (
        pool_id integer not null references pools (id),
        stage text not null,
        shard integer not null,
        rows integer not null,
        bytes integer not null,
        digest text not null,
        source text not null,
        next_bytes integer,
        next_digest text,
        seconds real not null,
        cpu_seconds real not null,
        engine text not null,
        made_at text not null,
        primary key (pool_id, stage, shard)
    ) strict
    """,
    # `number`: counts the texts of a pool from 1, and says where one lies.
    """
    create table pool_diaries (
        pool_id integer not null references pools (id),
        number integer not null,
        diary_id integer not null references diaries (id),
        primary key (pool_id, number)
    ) strict
    """,
    "create index pool_diaries_by_diary on pool_diaries (diary_id)",
    # Texts that were forgotten and still have to be taken out of their files.
    """
    create table pool_leaving (
        pool_id integer not null references pools (id),
        number integer not null,
        primary key (pool_id, number)
    ) strict
    """,
    # The rest of the last order: these become diaries as the queue is worked through.
    """
    create table pool_waiting (
        place integer primary key,
        pool_id integer not null references pools (id),
        number integer not null,
        strategy text not null,
        score real not null
    ) strict
    """,
)

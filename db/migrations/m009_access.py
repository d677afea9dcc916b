"""Who was handed which diary; leases by person and tab."""

STATEMENTS = (
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

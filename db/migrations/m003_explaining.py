"""What explanations rest on and what people say of them; blind diaries; the word-emotion dictionary."""

STATEMENTS = (
    # What the serving model would have said, shown or not: agreement can be told apart by whether it was seen.
    "alter table decisions add column predicted_label_id integer references labels (id)",
    # `stability`: share of the strongest words whose sign is beyond chance, 1 where every changed text was asked about.
    "alter table explanations add column stability real",
    # JSON: probabilities of the likeliest label with and without its strongest words.
    "alter table explanations add column deletion text",
    # JSON: probabilities of each sentence by itself, in the order of the diary.
    "alter table explanations add column arc text",
    # What words add to each feature of a diary: what a new head needs to be explained without the encoder.
    # A cache: `made_with` names encoder, features and unit, and a row of another one is made anew.
    """
    create table attributions (
        diary_id integer primary key references diaries (id),
        made_with text not null,
        data blob not null,
        used_at text not null
    ) strict
    """,
    "create index attributions_by_use on attributions (used_at)",
    # Spans that a person called evidence for a label, or no evidence; the newest row of a span counts.
    """
    create table rationales (
        id integer primary key autoincrement,
        diary_id integer not null references diaries (id),
        annotator_id integer not null references annotators (id),
        label_id integer not null references labels (id),
        span_start integer not null check (span_start >= 0),
        span_end integer not null check (span_end > span_start),
        verdict text not null check (verdict in ('right', 'wrong', 'none')),
        model_id integer references models (id),
        token text not null unique,
        marked_at text not null
    ) strict
    """,
    "create index rationales_by_diary on rationales (diary_id, annotator_id)",
    """
    create trigger rationales_stay before update on rationales
    begin select raise(abort, 'rationales are only added to'); end
    """,
    """
    create trigger rationales_last before delete on rationales
    begin select raise(abort, 'rationales are only added to'); end
    """,
    # The word-emotion dictionary, as people confirmed it; the newest row of a word counts, no label = no emotion.
    """
    create table word_emotions (
        id integer primary key autoincrement,
        word text not null check (word <> ''),
        label_id integer references labels (id),
        verdict text not null check (verdict in ('confirmed', 'rejected', 'none')),
        source text not null check (source in ('evidence', 'similar', 'hand')),
        annotator_id integer not null references annotators (id),
        decided_at text not null
    ) strict
    """,
    "create index word_emotions_by_word on word_emotions (word)",
    """
    create trigger word_emotions_stay before update on word_emotions
    begin select raise(abort, 'word_emotions are only added to'); end
    """,
    """
    create trigger word_emotions_last before delete on word_emotions
    begin select raise(abort, 'word_emotions are only added to'); end
    """,
)

"""What every version answers on the test diaries: all are measured on today's test part, and any two are compared.

An answer is a label in force. Where the set changes, versions may answer with another one, so they are asked anew.
"""

_FORGET = "begin delete from test_answers; end"

STATEMENTS = (
    """
    create table test_answers (
        model_id integer not null references models (id),
        diary_id integer not null references diaries (id),
        label_id integer not null references labels (id),
        primary key (model_id, diary_id)
    ) strict, without rowid
    """,
    "create index test_answers_of_diary on test_answers (diary_id)",
    f"create trigger labels_added_ask_anew after insert on labels {_FORGET}",
    f"create trigger labels_changed_ask_anew after update of retired_at, merged_into on labels {_FORGET}",
)

"""Answers to repeats in one order with decisions."""

STATEMENTS = (
    # Where an answer to a repeat stands among its person's decisions. By time it cannot be told: two presses may fall
    # in one millisecond, and a clock may be set back.
    "alter table repeats add column after_decision_id integer not null default 0",
    """
    update repeats set after_decision_id = (
        select max(d.id) from decisions d
        where d.annotator_id = repeats.annotator_id and (d.decided_at <= answered_at or d.id = decision_id))
    """,
)

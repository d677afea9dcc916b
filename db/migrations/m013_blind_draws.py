"""Whether the model's answer was hidden from a decision by the draw, and not only because it had not come yet."""

STATEMENTS = (
    # Null for decisions of before, and for those that were not given on a label board.
    "alter table decisions add column blind integer check (blind in (0, 1))",
)

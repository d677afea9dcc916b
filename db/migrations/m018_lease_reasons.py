"""What put a leased diary into the queue, and by which version's order: a later order changes nothing of that."""

STATEMENTS = (
    "alter table leases add column strategy text",
    "alter table leases add column model_id integer references models (id)",
)

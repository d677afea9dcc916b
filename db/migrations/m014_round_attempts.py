"""How often a worker has begun a round, so that one that ends its worker each time is not begun without end."""

STATEMENTS = ("alter table rounds add column attempts integer not null default 0 check (attempts >= 0)",)

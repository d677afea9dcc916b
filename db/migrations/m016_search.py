"""The index of the search: see `db.search.blocks`."""

STATEMENTS = (
    # 4,096 consecutive diaries. `lengths` etc.: one number of 32 bits a diary. `version`: of the way it is made.
    """
    create table search_blocks (
        block integer primary key,
        version integer not null,
        lengths blob not null,
        days blob not null,
        authors blob not null,
        sources blob not null
    ) strict
    """,
    # Which pairs of letters stand in which diaries of a block. `bucket`: 256 * block + upper half of a first letter.
    """
    create table search_postings (
        bucket integer primary key,
        postings blob not null
    ) strict
    """,
)

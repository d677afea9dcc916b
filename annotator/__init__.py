"""The use-cases: what people and programs can do. The only package that knows both the learner and the database.

A function that does no more than call one of `db` is there because pages, service or web need it, which may not import
`db`; within this package everybody calls `db` itself.
"""

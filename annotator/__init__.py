"""The use-cases: what people and programs can do. The only package that knows both the learner and the database."""

"""The HTTP service: the use-cases of `annotator` for other programs, alone or beside the app."""

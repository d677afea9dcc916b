"""The HTTP service: the use cases of `annotator` for other programs, alone or beside the app."""

PREFIX = "/api"
"""Where the service is, alone as beside the pages."""

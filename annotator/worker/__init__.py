"""The worker: everything heavy, in one process beside the app."""

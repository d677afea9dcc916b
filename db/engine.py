"""sqlite_utils, loaded without pandas.

It loads pandas where that is installed, to know column types of its own, which we never write. That would take two
fifths of the start of each command, worker and child process, most of which never need pandas.
"""

from __future__ import annotations

import sys

_is_loaded = "pandas" in sys.modules
if not _is_loaded:
    # What stands as None among the modules can't be imported.
    sys.modules["pandas"] = None  # type: ignore[assignment]
try:
    from sqlite_utils import Database, Migrations
finally:
    if not _is_loaded:
        del sys.modules["pandas"]

__all__ = ["Database", "Migrations"]

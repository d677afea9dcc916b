"""Forget diaries and be killed, without warning, before one statement; 0 for never. Started by test_forgetting.py.

Prints how many statements there were, if it comes to its end.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from annotator import project
from annotator.privacy import forgetting
from annotator.privacy.forgetting import Selection


def main() -> None:
    path, fatal, ids = Path(sys.argv[1]), int(sys.argv[2]), tuple(map(int, sys.argv[3:]))
    number = 0
    db = project.open_project(path)

    def count(statement: str) -> None:
        nonlocal number
        number += 1
        if number == fatal:
            os.kill(os.getpid(), signal.SIGKILL)

    db.conn.set_trace_callback(count)
    forgetting.forget(db, None, Selection(ids=ids))
    print(number)


if __name__ == "__main__":
    main()

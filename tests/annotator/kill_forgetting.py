"""Forget diaries and be killed, without warning, before one statement. Started by test_forgetting.py."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from annotator import forgetting, project
from annotator.forgetting import Selection


def main() -> None:
    path, left, ids = Path(sys.argv[1]), int(sys.argv[2]), tuple(map(int, sys.argv[3:]))
    db = project.open_project(path)

    def count(statement: str) -> None:
        nonlocal left
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    db.conn.set_trace_callback(count)
    forgetting.forget(db, None, Selection(ids=ids))


if __name__ == "__main__":
    main()

"""Run the real worker and kill it, without warning, at one step of a round. Started by test_round_survival.py."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from annotator.worker.loop import Worker
from annotator.worker.round import steps as round_job

if TYPE_CHECKING:
    from annotator.serving.runtime import Workbench
    from db import Database


def main() -> None:
    database, step, moment = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
    real = round_job.STEPS[step]

    def killed(bench: Workbench, db: Database, round_id: int) -> round_job.Result:
        if moment == "after":
            real(bench, db, round_id)
        os.kill(os.getpid(), signal.SIGKILL)
        raise AssertionError

    round_job.STEPS[step] = killed
    Worker(database).run(until="round_ended")


if __name__ == "__main__":
    main()

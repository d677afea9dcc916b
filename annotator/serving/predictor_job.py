"""The child's side of `annotator.serving.predictor_client`: has a `Predictor` answer the questions that it receives.

Texts, and exceptions that may quote them, leave it only as answers. Frames are pickled both ways: at the other end is
the process that started this one.
"""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import TYPE_CHECKING, Any

from annotator.errors import AppError, UserError, where
from annotator.serving.predictor import Predictor

if TYPE_CHECKING:
    from maeumgyeol.processes.inside import Channel


def serve(channel: Channel, arguments: dict[str, Any]) -> None:
    """Answer one question after the other: the name of a method of `Predictor`, and what it is called with."""
    predictor = Predictor(Path(arguments["database"]))
    while (request := channel.receive()) is not None:
        method, values = pickle.loads(request)  # noqa: S301 - of the parent
        try:
            channel.send(pickle.dumps(getattr(predictor, method)(*values)))
        except AppError as error:
            channel.send_error(error)
        except Exception as error:
            channel.send_error(UserError("fault", kind=where(error)))

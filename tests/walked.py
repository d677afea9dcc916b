"""A project in which every page has something to show, made without an encoder, for those who look at pages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from annotator import settings
from annotator.importing import import_file
from annotator.labelling.queueing import enqueue_import
from tests import reviewed

if TYPE_CHECKING:
    from db import Database

_LONG = (
    "아침에 눈을 뜨니 비가 오고 있었다. "
    "우산을 챙기지 못해 버스 정류장까지 뛰었고, 회사에 도착했을 때는 신발이 다 젖어 있었다. "
    "그런데 옆자리 동료가 말없이 수건을 건네주었다. 별것 아닌 일인데 하루 종일 마음이 따뜻했다. "
)
DIARIES = "text\n" + "\n".join(f'"{n}번째 일기. {_LONG * (1 + n % 4)}"' for n in range(20))


def make(db: Database) -> None:
    """Fill an empty project: labels of two people, a model, what to review, and long diaries that wait."""
    reviewed.make(db, 40)
    settings.change(db, several_labels=True, intensity=True)
    import_file(
        db, DIARIES.encode(), "긴 이름을 가진 일기 파일, 2024년 봄부터 가을까지 모은 것.csv", after=enqueue_import
    )

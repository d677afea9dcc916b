"""Names by which columns of foreign tables are recognised."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


_LABEL = "label labels emotion sentiment 라벨 레이블 감정 감정라벨 감정레이블 감정분류 감정대분류 정답 정답라벨"


def is_label_name(name: str) -> bool:
    """Return whether a column of this name is likely to hold labels."""
    return bool(_named((name,), _LABEL))


def _named(columns: Sequence[str], names: str) -> list[str]:
    words = names.split()
    return [column for column in columns if re.sub(r"[\s_.\-]", "", column).casefold() in words]

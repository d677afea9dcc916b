"""Names of the columns and keys of settings files, as people write them in Korean or English."""

from __future__ import annotations

import re

_NAMES = {
    "name": "name label labels 이름 라벨 레이블 감정 라벨이름 감정이름",
    "definition": "definition description meaning 정의 설명 뜻 풀이",
    "colour": "colour color 색 색깔 색상",
    "key": "key shortcut hotkey 키 단축키 글쇠",
    "from": "from source 원래 파일의라벨 원라벨 바꿀라벨 출발",
    "to": "to target 여기의라벨 새라벨 바뀐라벨 대응 도착",
    "why": "why reason note 까닭 이유 근거 비고",
}
_KEY_OF = {word: key for key, words in _NAMES.items() for word in words.split()}

KEYS = frozenset(_NAMES)
"""What these files may say of an entry."""


def plain_key(written: str) -> str:
    """Return the key that a name stands for; other names as they are, trimmed."""
    plain = written.strip().strip("\ufeff")
    return _KEY_OF.get(re.sub(r"[\s_.\-]", "", plain).casefold(), plain)

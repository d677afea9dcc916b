"""Korean particles that agree with the last sound of the word before them."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    FloatArray = NDArray[np.float32]


_PARTICLES = {
    "이(가)": ("이", "가"),
    "은(는)": ("은", "는"),
    "을(를)": ("을", "를"),
    "과(와)": ("과", "와"),
    "(으)로": ("으로", "로"),
}
"""How a message asks for a particle, `{word:이(가)}`, and its forms behind a consonant and a vowel."""


_RIEUL = 8
"""Place of ㄹ among the 28 final consonants of Unicode, 0 being none; behind it stands 로, not 으로."""


_OTHER_FINAL = 4


_FINALS = {
    "0": _OTHER_FINAL,
    "1": _RIEUL,
    "3": _OTHER_FINAL,
    "6": _OTHER_FINAL,
    "7": _RIEUL,
    "8": _RIEUL,
    "l": _RIEUL,
    "m": _OTHER_FINAL,
    "n": _OTHER_FINAL,
}
"""Final consonants of digits (영, 일, 삼 …) and of words that end in a Latin letter, as Koreans read them."""


class Named(str):
    """A word in a message, which takes its particle by its last sound: ``"{label:(으)로}"`` gives 슬픔으로, 분노로."""

    __slots__ = ()

    def __format__(self, wanted: str) -> str:
        """Return the word with the wanted particle; any other format is that of a text."""
        if wanted not in _PARTICLES:
            return super().__format__(wanted)
        final = final_of(self)
        is_closed = final not in (0, _RIEUL) if wanted == "(으)로" else final != 0
        return str(self) + _PARTICLES[wanted][0 if is_closed else 1]


def final_of(word: str) -> int:
    """Return the final consonant of the last letter or digit by its place in Unicode (0 to 27); 0 is none.

    Signs and emoji behind it are passed over; a word of nothing else, or in a script that isn't known, has none.
    """
    letters = [c for c in unicodedata.normalize("NFC", word) if unicodedata.category(c)[0] in "LN"]
    if not letters:
        return 0
    last = letters[-1].lower()
    if "가" <= last <= "힣":
        return (ord(last) - ord("가")) % 28
    if last == "g" and "".join(letters[-2:]).lower() == "ng":
        return _OTHER_FINAL
    return _FINALS.get(last, 0)

"""Hangul as the keys of the usual Korean keyboard (2-beolsik) that type it: 안녕 is ``dkssud`` on an English one."""

from __future__ import annotations

import unicodedata

_INITIALS = "r R s e E f a q Q t T d w W c z x v g"
_VOWELS = "k o i O j p u P h hk ho hl y n nj np nl b m ml l"
_FINALS = "r R rt s sw sg e f fr fa fq ft fx fv fg a q qt t T d w c z x v g"

# Conjoining jamo: what syllables decompose to, and single jamo, too, once they are normalised with NFKC.
_KEYS = {
    **{0x1100 + place: keys for place, keys in enumerate(_INITIALS.split())},
    **{0x1161 + place: keys for place, keys in enumerate(_VOWELS.split())},
    **{0x11A8 + place: keys for place, keys in enumerate(_FINALS.split())},
}


def to_keys(text: str) -> str:
    """Return text with every Hangul syllable and jamo replaced by the Latin letters on its keys."""
    return unicodedata.normalize("NFKD", text).translate(_KEYS)

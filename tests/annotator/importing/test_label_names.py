"""What cells of labels say, and how many of their names nobody knows."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from annotator.importing.label_names import LabelNames, LabelReader

_NAMES = st.sampled_from(["행복", "슬픔", "기쁨", "x0", "x1", ""])


@given(st.lists(st.one_of(_NAMES, st.lists(_NAMES, max_size=3)), max_size=20))
def test_the_count_of_unknown_names_is_the_sum_of_their_counts(cells: list[str | list[str]]) -> None:
    reader = LabelReader(LabelNames({"행복": 1, "슬픔": 2}))
    for cell in cells:
        reader.read(cell) if isinstance(cell, str) else reader.read_all(cell)
    assert reader.unknown_count == sum(reader.unknown.values())
    assert set(reader.unknown) <= {"기쁨", "x0", "x1"}

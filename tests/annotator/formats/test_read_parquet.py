"""Columns of Arrow as texts, whichever of its types for texts they have."""

from __future__ import annotations

import pyarrow as pa
import pytest

from annotator.formats.arrow.read_parquet import column_values


@pytest.mark.parametrize(
    ("text", "binary"),
    [
        (pa.string(), pa.binary()),
        (pa.large_string(), pa.large_binary()),
        (pa.string_view(), pa.binary_view()),
    ],
    ids=str,
)
def test_a_string_that_is_no_utf_8_spoils_its_row_alone(text: pa.DataType, binary: pa.DataType) -> None:
    values = ["오늘".encode(), None, b"a\xff", b"", b"long enough to lie outside of a view"]
    column = pa.array(values, binary).view(text)
    assert column_values(column) == ["오늘", None, "a\udcff", "", "long enough to lie outside of a view"]
    assert column_values(column[2:4]) == ["a\udcff", ""]

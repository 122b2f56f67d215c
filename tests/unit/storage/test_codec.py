"""Compressed documents: what is stored of a frame."""

from __future__ import annotations

import pytest
import zstandard
from hypothesis import example, given
from hypothesis import strategies as st

from storage.codec import PLAIN, Codecs
from storage.errors import Damaged


@given(data=st.binary(max_size=1_000), times=st.integers(1, 100), harder=st.booleans())
@example(data=b"", times=1, harder=False)
@example(data=b"x" * 1_000, times=70, harder=True)
def test_a_frame_is_stored_without_what_all_begin_with_and_read_with_it_too(
    data: bytes, times: int, harder: bool
) -> None:
    codecs, data = Codecs(), data * times
    stored = codecs.encode(PLAIN, data, harder=harder)
    assert not stored.startswith(zstandard.FRAME_HEADER)
    assert codecs.decode(PLAIN, stored) == codecs.decode(PLAIN, zstandard.FRAME_HEADER + stored) == data


def test_what_is_no_frame_is_damaged() -> None:
    for stored in (b"", zstandard.FRAME_HEADER, b"rubbish"):
        with pytest.raises(Damaged, match="cannot be decompressed"):
            Codecs().decode(PLAIN, stored)

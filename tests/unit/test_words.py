"""Sizes and numbers of things as people read them."""

from __future__ import annotations

import pytest

from mast import words


@pytest.mark.parametrize(
    ("size_bytes", "expected"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.00 kB"),
        (9_994, "9.99 kB"),
        (9_995, "10.0 kB"),
        (99_950, "100 kB"),
        (999_499, "999 kB"),
        (999_500, "1.00 MB"),
        (40_216_320, "40.2 MB"),
        (5_360_000_000, "5.36 GB"),
        (2.5e12, "2.50 TB"),
        (3e15, "3000 TB"),
    ],
)
def test_a_size_has_three_figures_and_the_unit_that_fits(size_bytes: float, expected: str) -> None:
    assert words.size(size_bytes) == expected


def test_one_of_a_thing_has_no_s_and_thousands_have_a_comma() -> None:
    assert [words.counted(number, "file") for number in (0, 1, 2, 12_000)] == [
        "0 files", "1 file", "2 files", "12,000 files"
    ]  # fmt: skip

"""Sizes as people read them."""

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

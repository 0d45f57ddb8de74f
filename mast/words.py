"""Numbers in words, one way for pages, sentences and commands."""

from __future__ import annotations


def size(size_bytes: float) -> str:
    """Bytes in the decimal units of disks, three figures of them: `5.36 GB`, `40.2 MB`, `577 kB`."""
    value = float(size_bytes)
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if abs(value) < 999.5 or unit == "TB":
            break
        value /= 1000
    digits = 0 if unit == "B" or abs(value) >= 99.95 else 1 if abs(value) >= 9.995 else 2
    return f"{value:.{digits}f} {unit}"


def counted(number: int, noun: str) -> str:
    """`1 file`, `2 files`, `12,000 observations`; for nouns that take an s."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"

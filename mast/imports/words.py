"""Numbers in words, for sentences."""

from __future__ import annotations


def in_words(size_bytes: int) -> str:
    """A size for people: `3.2 GB`."""
    size = float(size_bytes)
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} TB"

"""Numbers in a page's address."""

from __future__ import annotations

from django.http import HttpRequest

from mast import errors


def whole_number(request: HttpRequest, name: str, default: int | None = None) -> int | None:
    """A whole number of the query; the default where it is left out.

    Raises
    ------
    BadQuery : it is something else
    """
    text = request.GET.get(name, "")
    if not text:
        return default
    if not text.isascii() or not text.isdigit() or len(text) > 9:
        raise errors.BadQuery(f"{name} must be a whole number.", fields={name: "is not a whole number"})
    return int(text)

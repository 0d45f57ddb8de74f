"""How a script that is copied from a page calls the API: at which address, and with a token where one must log in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from django.conf import settings
from django.http import HttpRequest

VARIABLE: Final = "JWST_TOKEN"
"""the environment variable that scripts take a person's API token from"""


@dataclass(frozen=True)
class Caller:
    base_url: str
    needs_token: bool

    @classmethod
    def of(cls, request: HttpRequest) -> Caller:
        return cls(f"{request.scheme}://{request.get_host()}", settings.ACCESS == "login")

    @property
    def curl(self) -> str:
        """`curl`, with the header of the token."""
        return f'curl -H "Authorization: Bearer ${VARIABLE}"' if self.needs_token else "curl"

    @property
    def shell_head(self) -> str:
        """A line that says which token is missing, for a script."""
        words = "set it to an API token of yours, from Account in the archive"
        return f': "${{{VARIABLE}:?{words}}}"\n' if self.needs_token else ""

    @property
    def python_head(self) -> str:
        """The lines a Python script begins with."""
        if not self.needs_token:
            return "import requests"
        return f'import os\n\nimport requests\n\nheaders = {{"Authorization": f"Bearer {{os.environ[{VARIABLE!r}]}}"}}'

    @property
    def python_argument(self) -> str:
        """What each call of requests is given."""
        return ", headers=headers" if self.needs_token else ""

"""Django checks of our own: what makes an installation unsafe, in words. `check --deploy` and `doctor` say them."""

from __future__ import annotations

import stat
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import CheckMessage, Tags, Warning, register  # noqa: A004 - Django's name

LOCAL = {"", "localhost", "127.0.0.1", "::1"}


@register(Tags.security, deploy=True)
def deployment(app_configs: Any = None, **_: Any) -> list[CheckMessage]:
    """Everything that is wrong with how this archive is set up for a group."""
    return [
        Warning(sentence, hint=hint, id=f"jwst.{code}")
        for code, is_wrong, sentence, hint in (
            _logins(),
            _plain_http(),
            _redis(),
            _postgres(),
            _data_dir(),
            _sqlite(),
        )
        if is_wrong
    ]


Finding = tuple[str, bool, str, str]


def _logins() -> Finding:
    hint = "Set JWST_ACCESS=login for a server that several people use."
    return "W001", settings.ACCESS == "open", "The archive runs without logins.", hint


def _plain_http() -> Finding:
    is_plain = settings.ACCESS == "login" and not settings.TLS
    hint = "Put nginx with a certificate in front (deploy/nginx.conf) and leave JWST_TLS on."
    return "W002", is_plain, "JWST_TLS=off: passwords and sessions travel readable.", hint


def _redis() -> Finding:
    parts = urlsplit(settings.REDIS_URL)
    is_open = parts.scheme in {"redis", "rediss"} and not parts.password
    hint = "Write rediss://:password@host:port/0, or use a Unix socket."
    return "W003", is_open, "Redis is reached over TCP without a password.", hint


def _postgres() -> Finding:
    database = settings.DATABASES["default"]
    host = str(database.get("HOST", ""))
    mode = str(database.get("OPTIONS", {}).get("sslmode", ""))
    is_remote = "postgresql" in database["ENGINE"] and host not in LOCAL and not host.startswith("/")
    hint = "Add ?sslmode=verify-full&sslrootcert=… to DATABASE_URL."
    return (
        "W004",
        is_remote and mode not in {"require", "verify-ca", "verify-full"},
        f"The connection to PostgreSQL at {host} may be in the clear.",
        hint,
    )


def _data_dir() -> Finding:
    keys = settings.DATA_DIR / "keys"
    paths = [path for path in (keys, *keys.glob("*")) if path.exists()]
    is_open = any(stat.S_IMODE(path.stat().st_mode) & (stat.S_IRWXG | stat.S_IRWXO) for path in paths)
    return "W005", is_open, f"Other users of this machine can read {keys}.", f"chmod -R go= {keys}"


def _sqlite() -> Finding:
    is_sqlite = settings.ACCESS == "login" and settings.DATABASES["default"]["ENGINE"].endswith("sqlite3")
    hint = "Set DATABASE_URL=postgres://… for a group."
    return "W006", is_sqlite, "A group's archive runs on SQLite: one writer at a time.", hint

"""Settings, all from the environment. Every variable has a row in the README; a test compares the two.

A value that cannot be used raises `ImproperlyConfigured` with one sentence, which `manage.py` prints as it is.
"""

from __future__ import annotations

import secrets
import sqlite3
from importlib.util import find_spec
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import environ
from django.core.exceptions import ImproperlyConfigured

from jwstarchive.login_settings import *  # noqa: F403 - settings are names in this module
from jwstarchive.login_settings import OIDC
from jwstarchive.run import state
from jwstarchive.run.valkey import Valkey
from mast.hours import Hours

env = environ.Env()
BASE_DIR = Path(__file__).resolve().parent.parent
VERSION = "0.1.0"


def _number(name: str, default: float, *, low: float, high: float) -> float:
    text = env.str(name, default="")
    try:
        value = float(text) if text else default
    except ValueError:
        value = float("nan")
    if not low <= value <= high:
        raise ImproperlyConfigured(f"{name}={text!r} must be a number from {low:g} to {high:g}.")
    return value


def _whole_number(name: str, default: int, *, low: int, high: int) -> int:
    value = _number(name, default, low=low, high=high)
    if value != int(value):
        raise ImproperlyConfigured(f"{name}={value:g} must be a whole number.")
    return int(value)


def _networks(name: str, default: str) -> list[IPv4Network | IPv6Network]:
    text = env.str(name, default="") or default
    try:
        return [ip_network(part.strip()) for part in text.split(",")]
    except ValueError as exc:
        raise ImproperlyConfigured(f"{name}={text!r} must be networks such as 10.0.0.0/8, with commas: {exc}.") from exc


def _one_of(name: str, default: str, choices: tuple[str, ...]) -> str:
    value = env.str(name, default="") or default
    if value not in choices:
        raise ImproperlyConfigured(f"{name}={value!r} must be one of {', '.join(choices)}.")
    return value


def _address(name: str, default: str) -> str:
    value = (env.str(name, default="") or default).rstrip("/")
    if not value.startswith(("http://", "https://")):
        raise ImproperlyConfigured(f"{name}={value!r} must be an http or https address.")
    return value


def _hours(name: str) -> Hours | None:
    text = env.str(name, default="")
    try:
        return Hours.parse(text) if text else None
    except ValueError:
        advice = f"{name}={text!r} must read like 22:00-06:00 or 22:00-06:00 Europe/Berlin."
        raise ImproperlyConfigured(advice) from None


# --- where things are -------------------------------------------------------------------------------------------

DATA_DIR = Path(env.str("JWST_DATA_DIR", default="") or BASE_DIR / "data").expanduser().resolve()
RUN_DIR = DATA_DIR / "run"
METRICS_DIR = RUN_DIR / "metrics"
HOST = env.str("JWST_HOST", default="") or "127.0.0.1"
PORT = _whole_number("JWST_PORT", 5001, low=1, high=65535)
LOOPBACK = {"127.0.0.1", "::1", "localhost"}


# What a running `up` in this data directory decided: archive mode, addresses, Redis.
_UP = state.running(RUN_DIR)

MAST_ARCHIVE = _one_of("MAST_ARCHIVE", "auto", ("auto", "live", "practice"))
if MAST_ARCHIVE == "auto":
    # `up` asks MAST once and tells its children; a command beside it follows what `up` found.
    MAST_ARCHIVE = str(_UP.get("archive", "live"))
PRACTICE = MAST_ARCHIVE == "practice"
_PRACTICE_URL = str(_UP.get("practice_url", "http://127.0.0.1:5002")) if PRACTICE else ""

ARCHIVE_DIR = DATA_DIR / "practice" if PRACTICE else DATA_DIR
FILES_DIR = ARCHIVE_DIR / "mast"
PARTIAL_DIR = ARCHIVE_DIR / ".partial"
DERIVED_DIR = ARCHIVE_DIR / ".derived"

# --- MAST -------------------------------------------------------------------------------------------------------

MAST_URL = _address("MAST_URL", _PRACTICE_URL or "https://mast.stsci.edu")
MAST_RESOLVER_URL = _address(
    "MAST_RESOLVER_URL",
    f"{_PRACTICE_URL}/Santa-war/query" if PRACTICE else "http://mastresolver.stsci.edu/Santa-war/query",
)
MAST_S3_ENDPOINT_URL = env.str("MAST_S3_ENDPOINT_URL", default="") or (f"{_PRACTICE_URL}/s3" if PRACTICE else "")
MAST_S3_BUCKET = env.str("MAST_S3_BUCKET", default="") or "stpubdata"
MAST_S3_REGION = env.str("MAST_S3_REGION", default="") or "us-east-1"
MAST_API_TOKEN = env.str("MAST_API_TOKEN", default="")
MAST_TIMEOUT_S = _number("MAST_TIMEOUT_S", 120, low=1, high=3600)

# --- downloads and disk -----------------------------------------------------------------------------------------

DOWNLOAD_CONNECTIONS = _whole_number("DOWNLOAD_CONNECTIONS", 16, low=1, high=64)
DOWNLOAD_FILES = _whole_number("DOWNLOAD_FILES", 4, low=1, high=32)
DOWNLOAD_CHUNK_MB = _number("DOWNLOAD_CHUNK_MB", 8, low=0.0625, high=256)
# Where nginx leads inside to the files, which it then sends itself; empty: this process does.
SENDFILE = env.str("JWST_SENDFILE", default="")
DOWNLOAD_RATE_MB = _number("DOWNLOAD_RATE_MB", 0, low=0, high=1e5)
DOWNLOAD_HOURS = _hours("DOWNLOAD_HOURS")
STORAGE_MIN_FREE_GB = _number("STORAGE_MIN_FREE_GB", 2, low=0, high=1e6)
VERIFY_MB_PER_S = _number("VERIFY_MB_PER_S", 100, low=0, high=1e6)

# --- Django -----------------------------------------------------------------------------------------------------

DEBUG = False
ACCESS = _one_of("JWST_ACCESS", "open" if HOST in LOOPBACK else "login", ("open", "login"))
if ACCESS == "open" and HOST not in LOOPBACK:
    raise ImproperlyConfigured(
        f"JWST_ACCESS=open is only for loopback, and JWST_HOST is {HOST}: set JWST_ACCESS=login."
    )
# TLS ends at a proxy in front of us, and with logins it is the rule.
TLS = ACCESS == "login" and _one_of("JWST_TLS", "on", ("on", "off")) == "on"
BEHIND_PROXY = TLS or _one_of("JWST_PROXY", "off", ("on", "off")) == "on"
TRUSTED_PROXIES = _networks("JWST_TRUSTED_PROXIES", "127.0.0.0/8,::1/128")
OTHER_USERS = _one_of("JWST_OTHER_USERS", "refuse", ("refuse", "allow"))
SEARCHES_PER_MINUTE = _whole_number("JWST_SEARCHES_PER_MINUTE", 120, low=1, high=100_000)
IMPORTS_PER_MINUTE = _whole_number("JWST_IMPORTS_PER_MINUTE", 60, low=1, high=100_000)
QUEUED_GB = _whole_number("JWST_QUEUED_GB", 10_000, low=1, high=10_000_000)
MOST_LIVE_JOBS = 500


def _secret_key() -> str:
    """The key from the environment, or one made once in the data directory, readable by its owner alone."""
    if given := env.str("DJANGO_SECRET_KEY", default=""):
        return str(given)
    path = DATA_DIR / "keys" / "django-secret-key"
    try:
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            fresh = path.with_suffix(f".{secrets.token_hex(4)}")
            fresh.touch(mode=0o600)
            fresh.write_text(secrets.token_urlsafe(50))
            # A second process may be making one too: whoever links first wins, both then read the same.
            try:
                path.hardlink_to(fresh)
            except FileExistsError:
                pass
            finally:
                fresh.unlink()
        return path.read_text().strip()
    except OSError as exc:
        raise ImproperlyConfigured(f"The data directory {DATA_DIR} cannot be used: {exc.strerror}.") from exc


SECRET_KEY = _secret_key()
ALLOWED_HOSTS = [
    "localhost",
    "127.0.0.1",
    "[::1]",
    *(host for host in env.list("DJANGO_ALLOWED_HOSTS", default=[]) if host),
]
if HOST not in LOOPBACK and HOST not in {"0.0.0.0", "::"}:  # noqa: S104 - compared, not bound
    ALLOWED_HOSTS.append(HOST)
CSRF_TRUSTED_ORIGINS = [origin for origin in env.list("DJANGO_CSRF_TRUSTED_ORIGINS", default=[]) if origin]

# ninja's docs page and its scripts, found without importing ninja: as an installed app it would take every command
# 0.2 s to load, and it brings no model.
NINJA_DIR = Path(str(find_spec("ninja").origin)).parent  # type: ignore[union-attr]
INSTALLED_APPS = [
    # Simple: the admin's pages, and the services behind them, are loaded with the addresses, not by every command.
    "jwstarchive.apps.AdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django_htmx",
    "template_partials",
    "axes",
    *(["mozilla_django_oidc"] if OIDC else []),
    "jwstarchive.apps.ProjectConfig",
    "mast",
    "dashboard",
]
MIDDLEWARE = [
    "jwstarchive.metrics.Measured",
    "jwstarchive.doors.Acting",
    "jwstarchive.middleware.SecurityHeaders",
    "jwstarchive.middleware.Problems",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.middleware.common.CommonMiddleware",
    "jwstarchive.middleware.OwnUser",
    "jwstarchive.middleware.CrossOrigin",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "jwstarchive.doors.Doors",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "axes.middleware.AxesMiddleware",
]
ROOT_URLCONF = "jwstarchive.urls"
WSGI_APPLICATION = "jwstarchive.wsgi.application"
TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates", NINJA_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "dashboard.context.archive",
            ],
        },
    }
]


def sqlite_journal_mode(version: tuple[int, int, int] = sqlite3.sqlite_version_info[:3]) -> str:
    """WAL where the linked SQLite has the WAL-reset fix, DELETE otherwise (sqlite.org/wal.html#walresetbug)."""
    fixed = (
        version >= (3, 51, 3)
        or (version[:2] == (3, 50) and version[2] >= 7)
        or (version[:2] == (3, 44) and version[2] >= 6)
    )
    return "WAL" if fixed else "DELETE"


def _database() -> dict[str, Any]:
    url = env.str("DATABASE_URL", default="")
    if url:
        advice = "DATABASE_URL cannot be read; write postgres://user:password@host:5432/name."
        if not url.startswith(("postgres://", "postgresql://", "sqlite:///")):
            raise ImproperlyConfigured(advice)
        try:
            database: dict[str, Any] = dict(env.db_url_config(url))
        except ValueError as exc:
            raise ImproperlyConfigured(advice) from exc
        # A socket's folder is written %2Frun%2Fpostgresql, as libpq wants it.
        database["HOST"] = unquote(str(database.get("HOST", "")))
    else:
        database = {"ENGINE": "django.db.backends.sqlite3", "NAME": str(ARCHIVE_DIR / "db.sqlite3")}
    if database["ENGINE"].endswith("sqlite3"):
        # IMMEDIATE: with SQLite's deferred default, readers that turn writers fail at once with "database is locked".
        # The cache in KiB: with SQLite's 2 MB an import of many rows writes its indexes' pages again and again.
        database["OPTIONS"] = {
            "timeout": 20,
            "transaction_mode": "IMMEDIATE",
            "init_command": f"PRAGMA journal_mode={sqlite_journal_mode()}; PRAGMA synchronous=FULL; "
            "PRAGMA cache_size=-8000",
        }
    else:
        database |= {"CONN_HEALTH_CHECKS": True, "CONN_MAX_AGE": 60}
        # A worker stopped in mid-transaction must not keep its rows from everybody else for ever.
        limits = "-c statement_timeout=30s -c idle_in_transaction_session_timeout=30s"
        # A page reads a few rows by an index: to start parallel workers, or a compiler, takes ten times as long.
        limits += " -c max_parallel_workers_per_gather=0 -c jit=off"
        database["OPTIONS"] = {"options": limits} | database.get("OPTIONS", {})
    return database


DATABASES = {"default": _database()}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

LANGUAGE_CODE = "en"
USE_I18N = False
USE_TZ = True
TIME_ZONE = "UTC"
# Django goes by the language, and not by `DATE_FORMAT` here.
FORMAT_MODULE_PATH = "jwstarchive.formats"

STATIC_URL = "static/"
STATICFILES_DIRS = [BASE_DIR / "static", NINJA_DIR / "static"]
STATIC_ROOT = DATA_DIR / "static"
WHITENOISE_USE_FINDERS = True
DATA_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024
# A selection in the library holds up to ten thousand rows, each a field of its form.
DATA_UPLOAD_MAX_NUMBER_FIELDS = 10_100

SECURE_CONTENT_TYPE_NOSNIFF = True
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_SSL_REDIRECT = TLS
# `__Host-`: no other host of the domain, and no page without TLS, can set them.
SESSION_COOKIE_NAME = "__Host-sessionid" if TLS else "sessionid"
CSRF_COOKIE_NAME = "__Host-csrftoken" if TLS else "csrftoken"
SECURE_HSTS_SECONDS = 180 * 24 * 3600 if TLS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = TLS
# Asked by programs of this machine, which speak to us without the proxy.
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^metrics$"]
# Browsers' list of hosts that always use TLS is not for an intranet's names.
SILENCED_SYSTEM_CHECKS = ["security.W021"]
CSRF_FAILURE_VIEW = "django.views.csrf.csrf_failure"

# --- Redis and Celery -------------------------------------------------------------------------------------------


def _redis() -> tuple[str, str]:
    """The server's address twice: as redis-py reads it, and as Celery does (they differ for sockets).

    Practice has a numbered database of its own: its messages carry ids that mean other rows elsewhere.
    """
    embedded = Valkey.in_run_dir(RUN_DIR).url(1 if PRACTICE else 0)
    url = env.str("REDIS_URL", default="") or str(_UP.get("redis_url", "")) or embedded
    if not url.startswith(("redis://", "rediss://", "unix://")):
        raise ImproperlyConfigured("REDIS_URL must begin with redis://, rediss:// or unix://.")
    if url.startswith("unix://"):
        path, _, query = url.removeprefix("unix://").partition("?")
        number = query.removeprefix("db=") or "0"
        return url, f"redis+socket://{path}?virtual_host={number}"
    return url, url


REDIS_URL, CELERY_BROKER_URL = _redis()
TASK_APP = "jwstarchive.celery.app"
CELERY_TASK_DEFAULT_QUEUE = "archive"
CELERY_TASK_IGNORE_RESULT = True
# Early acknowledgement: the database is the truth and the sweeper publishes again whatever a dead worker held.
CELERY_TASK_ACKS_LATE = False
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_CONCURRENCY = DOWNLOAD_FILES
CELERY_WORKER_MAX_TASKS_PER_CHILD = 200
CELERY_WORKER_SEND_TASK_EVENTS = False
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_TRANSPORT_OPTIONS = {"socket_connect_timeout": 1, "socket_timeout": 10}
CELERY_TIMEZONE = "UTC"

# --- leases and waits; tests scale them down --------------------------------------------------------------------

LEASE_S = 60.0
# A worker that says nothing for so long leaves its connections to the others.
SILENT_S = 15.0
SLICE_S = 5 * 60.0
SLICE_BYTES = 4 << 30
SWEEP_EVERY_S = 5.0
GIVE_UP_AFTER_S = 15 * 60.0
CELERY_BEAT_SCHEDULE_FILENAME = str(RUN_DIR / "beat-schedule")
CELERY_BEAT_SCHEDULE = {
    # A message that no worker took in time is dropped: the next one does the same.
    "sweep": {"task": "mast.tasks.sweep", "schedule": SWEEP_EVERY_S, "options": {"expires": SWEEP_EVERY_S}},
    "count": {"task": "mast.tasks.count_library", "schedule": 60.0, "options": {"expires": 60.0}},
    "upkeep": {"task": "mast.tasks.upkeep", "schedule": 3600.0, "options": {"expires": 3600.0}},
}

LOG = _one_of("JWST_LOG", "plain", ("plain", "json"))
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {"marks": {"()": "jwstarchive.logformat.Marks"}},
    "formatters": {"plain": {"()": "jwstarchive.logformat.Plain"}, "json": {"()": "jwstarchive.logformat.Json"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": LOG, "filters": ["marks"]}},
    "root": {"handlers": ["console"], "level": "INFO"},
    "loggers": {
        "urllib3": {"level": "WARNING"},
        "botocore": {"level": "WARNING"},
        # Two lines for every task, the sweeper's every few seconds among them.
        "celery.app.trace": {"level": "WARNING"},
        "celery.worker.strategy": {"level": "WARNING"},
    },
}

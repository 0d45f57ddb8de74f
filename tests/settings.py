"""The archive's own settings, in a data directory of this test run and deaf to the environment around it.

Leases and waits are scaled down, passwords cost nothing, static files are found when asked for; nothing else differs
from what users run.
"""

import atexit
import os
import shutil
import tempfile
from pathlib import Path

# Empty means unset, and a `.env` file does not replace what is set: the settings of a person's own archive stay out.
for _name in (
    "JWST_HOST", "JWST_PORT", "JWST_ACCESS", "REDIS_URL", "MAST_URL", "MAST_RESOLVER_URL", "MAST_S3_ENDPOINT_URL",
    "MAST_S3_BUCKET", "MAST_S3_REGION", "MAST_API_TOKEN", "MAST_TIMEOUT_S", "DJANGO_SECRET_KEY",
    "DJANGO_ALLOWED_HOSTS", "DJANGO_CSRF_TRUSTED_ORIGINS", "DOWNLOAD_CONNECTIONS", "DOWNLOAD_FILES",
    "DOWNLOAD_CHUNK_MB", "STORAGE_MIN_FREE_GB", "JWST_TLS", "JWST_LOG", "JWST_SENDFILE", "JWST_PROXY",
    "JWST_OTHER_USERS", "LDAP_URL",
    "OIDC_CLIENT_ID", "JWST_NEW_ACCOUNT_ROLE", "JWST_SEARCHES_PER_MINUTE", "JWST_IMPORTS_PER_MINUTE", "JWST_QUEUED_GB",
    "DOWNLOAD_RATE_MB", "DOWNLOAD_HOURS",
):  # fmt: skip
    os.environ[_name] = ""
os.environ.setdefault("DATABASE_URL", "")

# Short, because Unix sockets below it must fit into 104 bytes. A process started by a test finds it again.
_given = os.environ.get("JWST_TEST_DIR")
TEST_DIR = Path(_given or tempfile.mkdtemp(prefix="jwst-test-"))
os.environ |= {"JWST_TEST_DIR": str(TEST_DIR), "JWST_DATA_DIR": str(TEST_DIR), "MAST_ARCHIVE": "live"}
if not _given:
    atexit.register(shutil.rmtree, TEST_DIR, ignore_errors=True)

from jwstarchive.settings import *  # noqa: E402, F403
from jwstarchive.settings import DATABASES, STATIC_ROOT  # noqa: E402

if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    # A file, not memory: worker threads and processes must see the same rows. No power will fail during a test.
    DATABASES["default"]["TEST"] = {"NAME": str(TEST_DIR / "test.sqlite3")}
    DATABASES["default"]["OPTIONS"]["init_command"] += "; PRAGMA synchronous=OFF"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]

# WhiteNoise warns of a folder that is missing, as it is until `up` has prepared it.
STATIC_ROOT.mkdir(parents=True, exist_ok=True)
# Every test's client would read every static file once; so each is looked for when it is asked for.
WHITENOISE_AUTOREFRESH = True

# No loopback server is slow; MAST is never asked.
MAST_URL = "http://127.0.0.1:9"
MAST_RESOLVER_URL = "http://127.0.0.1:9/Santa-war/query"
MAST_S3_ENDPOINT_URL = "http://127.0.0.1:9/s3"
MAST_TIMEOUT_S = 10.0
STORAGE_MIN_FREE_GB = 0.01

LEASE_S = 2.0
SILENT_S = 3.0
SWEEP_EVERY_S = 0.2
GIVE_UP_AFTER_S = 5.0

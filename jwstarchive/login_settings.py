"""Settings of logins: cookies, passwords, lock-outs, and the doors to a group's own LDAP or OpenID Connect.

Read by `settings`, which decides whether there are logins at all. The variables have rows in the README.
"""

from __future__ import annotations

from pathlib import Path

import environ
from django.core.exceptions import ImproperlyConfigured

env = environ.Env()
# What the environment says wins over the file.
env.read_env(Path(__file__).resolve().parent.parent / ".env")

AUTHENTICATION_BACKENDS = ["axes.backends.AxesStandaloneBackend", "django.contrib.auth.backends.ModelBackend"]
LOGIN_URL = "/login/"
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "/"

SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_AGE = 7 * 24 * 3600
CSRF_COOKIE_SAMESITE = "Lax"
# `Strict` for neither: a link in a colleague's mail would find its reader logged out.

_VALIDATORS = "django.contrib.auth.password_validation"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"{_VALIDATORS}.UserAttributeSimilarityValidator"},
    {"NAME": f"{_VALIDATORS}.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": f"{_VALIDATORS}.CommonPasswordValidator"},
    {"NAME": f"{_VALIDATORS}.NumericPasswordValidator"},
]

# Ten tries at one account from one address, then a quarter of an hour: a colleague who guesses locks out nobody else.
AXES_FAILURE_LIMIT = 10
AXES_COOLOFF_TIME = 0.25
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_RESET_ON_SUCCESS = True
AXES_LOCKOUT_CALLABLE = "dashboard.views.account.locked_out"
AXES_CLIENT_IP_CALLABLE = "jwstarchive.addresses.client_address"
AXES_VERBOSE = False

# --- a directory of the group's own -----------------------------------------------------------------------------

NEW_ACCOUNT_ROLE = env.str("JWST_NEW_ACCOUNT_ROLE", default="")
if NEW_ACCOUNT_ROLE not in {"", "viewer", "importer"}:
    raise ImproperlyConfigured(f"JWST_NEW_ACCOUNT_ROLE={NEW_ACCOUNT_ROLE!r} must be viewer, importer or empty.")

AUTH_LDAP_SERVER_URI = env.str("LDAP_URL", default="")
AUTH_LDAP_USER_DN_TEMPLATE = env.str("LDAP_USER_DN", default="") or None
_LDAP_GROUPS_DN = env.str("LDAP_GROUPS_DN", default="")
if AUTH_LDAP_SERVER_URI:
    try:
        import ldap
        from django_auth_ldap.config import GroupOfNamesType, LDAPSearch
    except ImportError as exc:
        raise ImproperlyConfigured("LDAP_URL is set, and django-auth-ldap is not installed.") from exc
    if not AUTH_LDAP_USER_DN_TEMPLATE or "%(user)s" not in AUTH_LDAP_USER_DN_TEMPLATE:
        raise ImproperlyConfigured("LDAP_USER_DN must say where people are: uid=%(user)s,ou=people,dc=example,dc=org")
    AUTH_LDAP_START_TLS = not AUTH_LDAP_SERVER_URI.startswith(("ldaps://", "ldapi://"))
    # Most directories tell strangers nothing: names and groups are read as the person who has just logged in.
    AUTH_LDAP_BIND_AS_AUTHENTICATING_USER = True
    AUTH_LDAP_CONNECTION_OPTIONS = {ldap.OPT_NETWORK_TIMEOUT: 5, ldap.OPT_TIMEOUT: 10}
    AUTH_LDAP_USER_ATTR_MAP = {"first_name": "givenName", "last_name": "sn", "email": "mail"}
    if _LDAP_GROUPS_DN:
        AUTH_LDAP_GROUP_SEARCH = LDAPSearch(_LDAP_GROUPS_DN, ldap.SCOPE_SUBTREE, "(objectClass=groupOfNames)")
        AUTH_LDAP_GROUP_TYPE = GroupOfNamesType()
        # Only the four that mean something here; other groups of the directory are its own business.
        AUTH_LDAP_MIRROR_GROUPS = ["viewer", "importer", "curator", "admin"]
    AUTHENTICATION_BACKENDS.append("django_auth_ldap.backend.LDAPBackend")

OIDC_RP_CLIENT_ID = env.str("OIDC_CLIENT_ID", default="")
OIDC_RP_CLIENT_SECRET = env.str("OIDC_CLIENT_SECRET", default="")
OIDC_OP_AUTHORIZATION_ENDPOINT = env.str("OIDC_AUTHORIZATION_URL", default="")
OIDC_OP_TOKEN_ENDPOINT = env.str("OIDC_TOKEN_URL", default="")
OIDC_OP_USER_ENDPOINT = env.str("OIDC_USERINFO_URL", default="")
OIDC_OP_JWKS_ENDPOINT = env.str("OIDC_JWKS_URL", default="")
OIDC_RP_SIGN_ALGO = "RS256"
OIDC_RP_SCOPES = "openid email profile"
OIDC_USE_PKCE = True
OIDC_TIMEOUT = 10
OIDC_CALLBACK_CLASS = "jwstarchive.oidc.Callback"
OIDC_ROLES_CLAIM = env.str("OIDC_ROLES_CLAIM", default="") or "groups"
OIDC = bool(OIDC_RP_CLIENT_ID)
if OIDC:
    _needed = {
        "OIDC_CLIENT_SECRET": OIDC_RP_CLIENT_SECRET,
        "OIDC_AUTHORIZATION_URL": OIDC_OP_AUTHORIZATION_ENDPOINT,
        "OIDC_TOKEN_URL": OIDC_OP_TOKEN_ENDPOINT,
        "OIDC_USERINFO_URL": OIDC_OP_USER_ENDPOINT,
        "OIDC_JWKS_URL": OIDC_OP_JWKS_ENDPOINT,
    }
    if missing := [name for name, value in _needed.items() if not value]:
        raise ImproperlyConfigured(f"OIDC_CLIENT_ID is set, and {', '.join(missing)} is not.")
    AUTHENTICATION_BACKENDS.append("jwstarchive.oidc.GroupBackend")

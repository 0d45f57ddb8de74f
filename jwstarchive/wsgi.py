"""The WSGI entry point that gunicorn serves."""

import os
from importlib import import_module

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "jwstarchive.settings")
application = get_wsgi_application()
# Django reads the routes, and so all pages and the API, at the first request only; here they are read once for all
# processes that gunicorn forks.
import_module("jwstarchive.urls")

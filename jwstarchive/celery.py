"""The Celery app: `celery -A jwstarchive worker`. Tasks live in `mast.tasks`, their schedule in the settings."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "jwstarchive.settings")
app = Celery("jwstarchive")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
